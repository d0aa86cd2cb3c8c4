"""Kinks of the loss: they are named, they lower the weak order, and a model that differentiates the gradient is refused."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.losses import Loss, Separable, SeparableSum, Smoothness, x
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import Refusal
from tests.support.samples import mostly_slow

HUBER = sp.Piecewise((x**2 / 2, sp.Abs(x) <= 1), (sp.Abs(x) - sp.Rational(1, 2), True))
PLAIN = sd.DSGD(Scaled(Gaussian()))
#: loss, its kinks for a model that has its gradient, and for one that has its Hessian
LOSSES = [
    (sp.Abs(x), ["Abs(x_j)"], ["Abs(x_j)"]),
    (HUBER, ["Abs(x_j) - 1"], ["Abs(x_j) - 1"]),
    (x * sp.Abs(x), ["Abs(x_j)"], ["Abs(x_j)"]),
    (sp.Max(0, 1 - x) ** 2, ["Max(0, 1 - x_j)"], ["Max(0, 1 - x_j)"]),
    (sp.Abs(x) ** 3, [], ["Abs(x_j)"]),
    (sp.Abs(x) ** 5, [], []),
    (sp.sqrt(1 + x**2), [], []),
    (x**4 / 4, [], []),
]


def _methods() -> list[sd.Method]:
    return [PLAIN, problem({"method": "heavy-ball", "regime": "fixed", "noise": "gaussian"}).method]


@pytest.mark.parametrize("method", mostly_slow(_methods()), ids=lambda m: m.name)
@pytest.mark.parametrize(("f", "first", "second"), LOSSES, ids=lambda v: str(v) if isinstance(v, sp.Expr) else "")
def test_kinks_are_named_and_lower_the_weak_order(
    f: sp.Expr, first: list[str], second: list[str], method: sd.Method
) -> None:
    loss = SeparableSum(f)
    equation = sd.sde(method, "first-order", loss, 1)
    found = equation.to_dict()
    assert (found["kinks"], found["weak_order"]) == (first, 1)
    assert ("where the coefficients are smooth" in " ".join(str(equation).split())) == bool(first)
    if first:  # the gradient has kinks, which the model would differentiate
        with pytest.raises(Refusal, match="gradient of the loss has a kink") as refused:
            sd.sde(method, "second-order", loss, 1)
        assert refused.value.kind == "not-differentiable"
        return
    found = sd.sde(method, "second-order", loss, 1).to_dict()
    assert (found["kinks"], found["weak_order"]) == (second, 1 if second else 2)


def test_the_corrected_model_has_the_hessian_as_well() -> None:
    with pytest.raises(Refusal, match="corrected model differentiates"):
        sd.sde(PLAIN, "corrected", SeparableSum(HUBER), 1)
    assert sd.sde(PLAIN, "corrected", SeparableSum(sp.Abs(x) ** 3), 1).to_dict()["kinks"] == ["Abs(x_j)"]


def test_a_loss_that_is_no_sum_over_coordinates() -> None:
    class Norm(Loss):
        def value(self, x: Any) -> sp.Expr:
            return sp.sqrt(sp.Add(*[v**2 for v in x]))

        def smoothness(self, dim: int) -> Smoothness:
            return Smoothness(sp.S.One, sp.S.Zero)

    assert sd.sde(PLAIN, "first-order", Norm(), 2).to_dict()["kinks"] == ["sqrt(x1**2 + x2**2)"]
    assert sd.sde(PLAIN, "first-order", sd.losses.LogisticRegression(), 2).to_dict()["kinks"] == []


def test_kinks_of_the_method_are_in_the_answer_too() -> None:
    found = sd.sde(sd.DSignSGD(sd.noise.NoNoise()), "first-order").to_dict()
    assert found["kinks"] == ["sign(g_j)"]


# --- check


def _checked(f: sp.Expr, constants: Any) -> sd.Findings:
    class Own(Separable):
        coordinate = f  # pyright: ignore[reportAssignmentType]

        def smoothness(self, dim: int) -> Any:
            return constants

    return sd.check(Own())


@pytest.mark.parametrize(
    "f", [sp.Abs(x), sp.Max(0, x - 5), sp.sqrt(x**2 - 14 * x + 49), sp.sign(x) * (1 + x**2)], ids=str
)
def test_a_loss_without_a_gradient_is_not_smooth(f: sp.Expr) -> None:
    found = _checked(f, (2, 0))
    assert len(found.failed) == 2 and all("there is no gradient" in one.detail for one in found.failed)


def test_the_place_is_named() -> None:
    assert "at x = (7)" in _checked(sp.sqrt(x**2 - 14 * x + 49), (1, 0)).failed[0].detail


def test_a_gradient_with_kinks_is_marked() -> None:
    found = _checked(HUBER, (1, 0))
    assert found.ok and all("its gradient has a kink" in one.detail for one in found.passed)
    assert "has a kink" not in str(_checked(sp.Abs(x) ** 3, (6, 6)))


def test_a_hessian_without_bound_beside_a_kink_is_found() -> None:
    assert len(_checked(sp.Abs(x) ** sp.Rational(3, 2), (5, 0)).failed) == 2


def test_a_pair_is_what_the_page_promises() -> None:
    assert len(_checked(x**2 / 2, (1, 0)).passed) == 2
    assert len(_checked(x**2, (1, 0)).failed) == 2
    for wrong in (3, None, (1, 2, 3, 4)):
        found = _checked(x**2 / 2, wrong)
        assert not found.passed and all("a pair (L0, L1)" in one.detail for one in found.untested)

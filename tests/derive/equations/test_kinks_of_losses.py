"""Kinks of the loss: they are named, they lower the weak order, and a model that differentiates the gradient is refused."""

from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.losses import Loss, Separable, SeparableSum, Smoothness, x
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.errors import Refusal

HUBER = sp.Piecewise((x**2 / 2, sp.Abs(x) <= 1), (sp.Abs(x) - sp.Rational(1, 2), True))
PLAIN = sd.DSGD(Scaled(Gaussian()))
#: loss, its kinks for a model that has its gradient, and for one that has its Hessian
LOSSES = [
    (HUBER, ["Abs(x_j) - 1"], ["Abs(x_j) - 1"]),
    (sp.Max(0, 1 - x) ** 2, ["Max(0, 1 - x_j)"], ["Max(0, 1 - x_j)"]),
    (sp.Abs(x) ** 3, [], ["Abs(x_j)"]),
    (sp.Abs(x) ** 5, [], []),
]


@pytest.mark.parametrize(
    "method", [PLAIN, sd.methods.HeavyBall(noise=Gaussian(), regime="fixed")], ids=lambda m: m.name
)
@pytest.mark.parametrize(("f", "first", "second"), LOSSES, ids=lambda v: str(v) if isinstance(v, sp.Expr) else "")
def test_kinks_are_named_and_lower_the_weak_order(
    f: sp.Expr, first: list[str], second: list[str], method: sd.Method
) -> None:
    equation = sd.sde(method, "first-order", SeparableSum(f), 1)
    answer = equation.to_dict()
    assert (answer["kinks"], answer["weak_order"]) == (first, 1)
    assert ("where the coefficients are smooth" in " ".join(str(equation).split())) == bool(first)
    if first:  # the gradient has kinks, which the model would differentiate
        with pytest.raises(Refusal, match="gradient of the loss has a kink") as refused:
            sd.sde(method, "second-order", SeparableSum(f), 1)
        assert refused.value.kind == "not-differentiable"
    else:
        answer = sd.sde(method, "second-order", SeparableSum(f), 1).to_dict()
        assert (answer["kinks"], answer["weak_order"]) == (second, 1 if second else 2)


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
    ("f", "constants", "failed", "said"),
    [
        (sp.sqrt(x**2 - 14 * x + 49), (2, 0), 2, "at x = (7)"),
        (sp.Max(0, x - 5), (2, 0), 2, "there is no gradient"),
        (HUBER, (1, 0), 0, "its gradient has a kink"),
        (sp.Abs(x) ** sp.Rational(3, 2), (5, 0), 2, ""),  # its Hessian has no bound beside the kink
        (x**2 / 2, (1, 0), 0, ""),
        (x**2, (1, 0), 2, ""),
    ],
    ids=str,
)
def test_kinks_of_a_loss_are_in_its_check(f: sp.Expr, constants: Any, failed: int, said: str) -> None:
    checked = _checked(f, constants)
    assert len(checked.failed) == failed and any(said in one.detail for one in checked.all)


def test_constants_that_are_no_pair_are_not_tested() -> None:
    for wrong in (3, None, (1, 2, 3, 4)):
        checked = _checked(x**2 / 2, wrong)
        assert not checked.passed and all("a pair (L0, L1)" in one.detail for one in checked.untested)

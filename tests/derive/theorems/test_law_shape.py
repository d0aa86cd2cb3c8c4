"""What theorems on signs take of a law: proved by the kernel, false at a point, or assumed; laws of which the answer is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.proof.kernel.one_variable import check_ball
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.facts.law_shape import Backing, law_shape

PROVED, ASSUMED, FALSE = Backing.PROVED, Backing.ASSUMED, Backing.FALSE
Formula = Callable[[sp.Expr], Any]


@dataclass(frozen=True)
class Own(Law):
    """A law by 2F - 1 and its density."""

    name: str
    of_sign: Formula
    of_density: Formula

    @property
    def tail(self) -> sp.Expr:
        return sp.oo

    def density(self, x: sp.Expr) -> sp.Expr:
        return self.of_density(x)

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return self.of_sign(x)

    def latex(self) -> str:
        return self.name


def q(above: int, below: int = 1) -> sp.Rational:
    return sp.Rational(above, below)


def size(x: sp.Expr) -> sp.Expr:
    return sp.Abs(x)


def normal(x: sp.Expr, s: Any = 1) -> sp.Expr:
    return sp.exp(-(x**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))


def erf(x: sp.Expr, s: Any = 1) -> sp.Expr:
    return sp.erf(x / (s * sp.sqrt(2)))


def weibull(k: Any) -> Own:
    return Own(
        f"Weibull {k}", lambda x: sp.sign(x) * (1 - sp.exp(-(size(x) ** k))),
        lambda x: k * size(x) ** (k - 1) * sp.exp(-(size(x) ** k)) / 2,
    )  # fmt: skip


def two_humps(m: Any) -> Own:
    """N(m, 1) or N(-m, 1): unimodal for m <= 1."""
    return Own(f"humps at {m}", lambda x: (erf(x - m) + erf(x + m)) / 2, lambda x: (normal(x - m) + normal(x + m)) / 2)


def inside(x: sp.Expr, formula: Any, end: Any = 1, beyond: Any = None) -> sp.Expr:
    return sp.Piecewise((formula, size(x) <= end), (sp.sign(x) if beyond is None else beyond, True))


root6 = sp.sqrt(6)
UNIMODAL = [
    weibull(q(3, 10)), two_humps(1),
    Own(
        "triangle of variance 1", lambda x: inside(x, 2 * x / root6 - x * size(x) / 6, root6),
        lambda x: sp.Max(0, (root6 - size(x)) / 6),
    ),
    Own("two steps down", lambda x: inside(x, inside(x, x / 2, 1, sp.sign(x) * (size(x) + 1) / 4), 3),
        lambda x: inside(x, inside(x, q(1, 4), 1, q(1, 8)), 3, 0)),
]  # fmt: skip
#: law, the property that is false, and what is said
FALSE_LAWS = [
    (weibull(3), "concave_right", "rises"),
    (two_humps(q(101, 100)), "concave_right", "rises"),
    (
        Own("a step up", lambda x: inside(x, inside(x, x / 4, 1, sp.sign(x) * (3 * size(x) - 2) / 4), 2),
            lambda x: inside(x, inside(x, q(1, 8), 1, q(3, 8)), 2, 0)),
        "concave_right", "jumps up at x = 1",
    ),
    (Own("two points", lambda x: (sp.sign(x + 1) + sp.sign(x - 1)) / 2, lambda x: sp.DiracDelta(x - 1)), "concave_right", "x = 1"),
    (Own("a step down of R", lambda x: inside(x, erf(x), 2, sp.sign(x) / 2), normal), "continuous", "jumps"),
    (Own("an atom at 0", lambda x: sp.sign(x) / 2 + erf(x) / 2, lambda x: normal(x) / 2), "continuous", "atom"),
    (Own("a shift", lambda x: erf(x - q(1, 10**6)), lambda x: normal(x + q(1, 10**6))), "odd", "not -R(x)"),
    (Own("too much mass", lambda x: q(11, 10) * erf(x), lambda x: q(11, 10) * normal(x)), "bounded", "above 1"),
]  # fmt: skip
#: laws of the package, and of which properties nothing is proved
SHIPPED: list[tuple[Law, set[str]]] = [
    (sd.noise.Logistic(), set()), (sd.noise.Cauchy(), set()), (sd.noise.Uniform(), set()),
    (sd.noise.StudentT("nu"), {"bounded", "nondecreasing"}),
    (sd.noise.Stable(2), set()), (sd.noise.Stable("alpha"), {"concave_right", "bounded", "nondecreasing"}),
]  # fmt: skip


def name_of(value: Any) -> str:
    return value.name if isinstance(value, Own) else str(value) if isinstance(value, (str, Law)) else ""


@pytest.mark.parametrize("law", UNIMODAL, ids=name_of)
def test_unimodal_laws_are_proved_to_be(law: Own) -> None:
    assert {name: one.backing for name, one in law_shape(law).items()} == dict.fromkeys(law_shape(law), PROVED)


@pytest.mark.parametrize(("law", "name", "said"), FALSE_LAWS, ids=name_of)
def test_what_is_false_of_a_law_is_said_with_the_place(law: Own, name: str, said: str) -> None:
    shape = law_shape(law)[name]
    assert shape.backing is FALSE and said in shape.reason, str(shape)


@pytest.mark.parametrize(("law", "unproved"), SHIPPED, ids=name_of)
def test_laws_of_the_package(law: Law, unproved: set[str]) -> None:
    shape = law_shape(law)
    assert {name for name, one in shape.items() if one.backing is ASSUMED} == unproved
    assert all(one.backing is not FALSE for one in shape.values())


def test_the_kernel_checks_the_proofs_and_no_other() -> None:
    proofs = [p for one in law_shape(sd.noise.Gaussian()).values() for p in one.proofs]
    assert proofs
    for fields in proofs:
        check_ball(fields)
        with pytest.raises(ProofError):  # the same trees do not prove the opposite
            check_ball({**fields, "term": ("+", ("*", ("q", "-1"), fields["term"]), ("q", "-1"))})


def test_what_has_no_words_in_the_kernel_is_assumed() -> None:
    strange = Own("floor", lambda x: erf(x) * sp.cos(sp.floor(x / 2)), lambda x: normal(x) * sp.besselk(0, size(x)))
    assert law_shape(strange)["concave_right"].backing is ASSUMED


def test_a_parameter_is_positive_only_where_it_says_so() -> None:
    shift = sp.Symbol("m", real=True)
    moved = Own("moved", lambda x: erf(x - shift), lambda x: normal(x + shift))
    assert law_shape(moved)["odd"].backing is not PROVED


@pytest.mark.slow
def test_a_parameter_that_is_positive_may_be_used() -> None:
    alpha = sp.Symbol("alpha", positive=True)
    lomax = Own(
        "Lomax",
        lambda x: sp.sign(x) * (1 - (1 + size(x)) ** -alpha),
        lambda x: alpha / 2 * (1 + size(x)) ** (-alpha - 1),
    )
    assert law_shape(lomax)["concave_right"].backing is PROVED
    growing = Own(
        "up", lambda x: sp.sign(x) * ((1 + size(x)) ** alpha - 1), lambda x: alpha / 2 * (1 + size(x)) ** (alpha - 1)
    )
    assert law_shape(growing)["concave_right"].backing is not PROVED


def test_a_law_without_a_density_is_judged_by_its_distribution_function_and_without_one_not_at_all() -> None:
    def broken(x: sp.Expr) -> sp.Expr:
        raise RuntimeError("not today")

    assert {one.backing for one in law_shape(Own("no density", erf, broken)).values()} == {PROVED}
    with pytest.raises(RuntimeError):
        law_shape(Own("broken", broken, normal))

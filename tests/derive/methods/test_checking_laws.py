"""Each lie of a law is found by `derive.check`, and its SDE refused.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.checking.laws import _tail
from sdescent.derive.methods.noise import Gaussian, Laplace, Law, StudentT
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import sample_law

pytestmark = pytest.mark.usefixtures("forgotten")


@dataclass(frozen=True)
class Own(Law):
    """The Laplace law once more, to be made wrong."""

    tail: Any = sp.oo

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.exp(-sp.Abs(x)) / 2

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.sign(x) * (1 - sp.exp(-sp.Abs(x)))

    def moment(self, m: int) -> sp.Expr:
        return sp.factorial(m)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        return Laplace().signed_moment(m, y)

    def latex(self) -> str:
        return "Z"


def _wrong_signed(order: int) -> dict[str, Any]:
    return {"signed_moment": lambda self, m, y: (2 if m == order else 1) * Laplace().signed_moment(m, y)}


#: (the lie, members of a subclass of `Own`, the finding)
LIES: list[tuple[str, dict[str, Any], str]] = [
    ("too much mass", {"density": lambda self, x: sp.Rational(11, 10) * Own.density(self, x)}, "density"),
    ("density below 0", {"density": lambda self, x: (3 - sp.Abs(x)) * sp.exp(-sp.Abs(x)) / 4}, "density"),
    ("a hidden skew", {"density": lambda self, x: sp.exp(-sp.Abs(x - 1)) / 2}, "symmetry of the density"),
    ("another scale", {"sign_mean": lambda self, x: Own.sign_mean(self, 2 * x)}, "sign's mean"),
    ("another slope", {"sign_mean": lambda self, x: Own.sign_mean(self, 2 * x)}, "slope of the sign's mean"),
    ("not odd", {"sign_mean": lambda self, x: Own.sign_mean(self, x + 1)}, "symmetry of the sign's mean"),
    ("fourth moment", {"moment": lambda self, m: sp.factorial(m) * (2 if m == 4 else 1)}, "moments"),
    ("variance", {"variance": property(lambda self: sp.S.One)}, "moments"),
    ("mean, the name of a parameter", {"mean": 2}, "moments"),
    ("first signed moment", _wrong_signed(1), "signed moments"),
    ("second signed moment", _wrong_signed(2), "signed moments"),
]


@pytest.mark.parametrize(("lie", "members", "what"), LIES, ids=[lie for lie, _, _ in LIES])
def test_a_lie_of_a_law_is_found_and_its_sde_refused(lie: str, members: dict[str, Any], what: str) -> None:
    law = type("Lying", (Own,), members)()
    assert what in [f.what for f in sd.check(law, sampling=False).failed]
    with pytest.raises(Refusal, match="Lying is not what it says") as caught:
        sd.sde(sd.DSGD(law))
    assert caught.value.kind == "unsound-piece"


@pytest.mark.slow
def test_a_wrong_sampler_is_found() -> None:
    def failed(draw: Callable[[Draws, tuple[int, ...]], jax.Array]) -> dict[str, str]:
        class Drawn(Own):
            pass

        sample_law.register(Drawn, lambda law, draws, shape, parameters=None: draw(draws, shape))
        return {f.what: f.detail for f in sd.check(Drawn()).failed}

    def laplace(draws: Draws, shape: tuple[int, ...]) -> jax.Array:
        sign, size = draws.sign_and_exponential(shape)
        return sign * size

    assert failed(laplace) == {}
    assert "sampler: moments" in failed(lambda draws, shape: 1.05 * laplace(draws, shape))
    mixture = failed(lambda draws, shape: jnp.sign(draws.uniform(shape) - 0.5) * draws.exponential(shape))
    assert ["used twice: by uniform" in words and "draws.fold(1)" in words for words in mixture.values()] == [True]
    rows = failed(lambda draws, shape: jnp.broadcast_to(laplace(draws, shape[-1:]), shape))
    assert set(rows) == {"sampler: independence"}


class Peaked(Own):
    """Density |x|^(-4/5)/10 on [-1, 1]: infinite at 0, where a third of the mass is within 1/250."""

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Piecewise((sp.Abs(x) ** sp.Rational(-4, 5) / 10, sp.Abs(x) <= 1), (0, True))

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.sign(x) * sp.Min(1, sp.Abs(x)) ** sp.Rational(1, 5)

    def moment(self, m: int) -> sp.Expr:
        return sp.Rational(1, 5 * m + 1)

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        c = sp.Min(1, sp.Abs(y)) ** (m + sp.Rational(1, 5)) / (5 * m + 1)
        return sp.sign(y) * c if m % 2 == 0 else self.moment(m) - c


class Needles(Own):
    """A hundredth wide, at -1 and 1."""

    moment, signed_moment = Law.moment, Law.signed_moment

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[50 * Gaussian().density(100 * (x - s)) for s in (-1, 1)])

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[Gaussian().sign_mean(100 * (x + s)) / 2 for s in (-1, 1)])


@pytest.mark.parametrize("law", [Own(), Peaked(), Needles()], ids=lambda law: type(law).__name__)
def test_what_is_right_but_unusual_is_not_refused(law: Law) -> None:
    findings = sd.check(law, sampling=False)
    assert findings.ok and len(findings.passed) >= 6, str(findings)
    assert sd.sde(sd.DSignSGD(law)).drift is not None


def test_what_cannot_be_tested_says_why() -> None:
    class Unknown(sp.Function):
        """Without a value."""

    class Named(Own):
        def density(self, x: sp.Expr) -> sp.Expr:
            return Unknown(x)

    class Refusing(Own):
        def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
            raise NoClosedForm("not stated")

    density = next(f for f in sd.check(Named(), sampling=False).all if f.what == "density")
    assert density.status == "untested" and "no value" in density.detail
    assert sd.sde(sd.DSGD(Named())).drift is not None
    assert [f.detail for f in sd.check(Refusing(), sampling=False).untested] == ["not stated"]
    with pytest.raises(BadInput, match="piece"):
        sd.check(3)  # pyright: ignore[reportArgumentType]


def _z(x: sp.Expr) -> sp.Expr:
    return sp.Abs(x)


FASTER, SEVEN = "faster than powers", sp.Rational(7, 10)
#: a density up to a factor, the tail index that it states, and what is found of it
TAILS: dict[str, tuple[Any, Any, str, str]] = {
    "Weibull": (lambda x: _z(x) ** (SEVEN - 1) * sp.exp(-(_z(x) ** SEVEN)), sp.oo, "passed", FASTER),
    "exp(-sqrt|x|)": (lambda x: sp.exp(-sp.sqrt(_z(x))), sp.oo, "passed", FASTER),
    "wide lognormal": (lambda x: sp.exp(-(sp.log(_z(x)) ** 2) / 20000) / _z(x), sp.oo, "passed", FASTER),
    "exp(-log^1.5)": (lambda x: sp.exp(-(sp.log(1 + _z(x)) ** sp.Rational(3, 2))), sp.oo, "passed", FASTER),
    "triangle": (lambda x: sp.Max(0, 1 - _z(x)), sp.oo, "passed", FASTER),
    "1 - tanh^2": (lambda x: 1 - sp.tanh(x) ** 2, sp.oo, "passed", FASTER),
    "x^-3/log^2 x": (lambda x: (2 + _z(x)) ** -3 / sp.log(2 + _z(x)) ** 2, 3, "failed", "moments exist below 2"),
    "t 200": (StudentT(200).density, 200, "passed", "moments exist below 200"),
    "t 200, too much": (StudentT(200).density, sp.oo, "failed", "moments exist below 200"),
    "t 3, too little": (StudentT(3).density, 2, "passed", "and it says those below 2"),
    "light, too little": (Laplace().density, 3, "passed", "all moments exist, and it says those below 3"),
    "far out": (lambda x: Gaussian().density(x) + sp.S(10) ** -60 / (1 + _z(x)) ** 4, sp.oo, "failed", "moments exist below 3"),
    "one side": (lambda x: sp.Piecewise((sp.exp(-x), x > 0), ((1 - x) ** -3, True)), 5, "failed", "moments exist below 2"),
    "oscillating": (lambda x: (2 + sp.cos(sp.log(1 + _z(x)))) / (1 + _z(x)) ** 3, 2, "untested", "as far as can be seen"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAILS)
def test_powers_are_told_from_stretched_exponentials(name: str) -> None:
    density, stated, status, words = TAILS[name]
    finding = _tail(type("Tailed", (Own,), {"density": lambda self, x: density(x)})(sp.sympify(stated)))
    assert finding.status == status and words in finding.detail, str(finding)

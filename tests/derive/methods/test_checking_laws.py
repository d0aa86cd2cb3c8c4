"""Each lie of a law is found by `derive.check`, and its SDE refused.

Draws have fixed keys; a comparison passes within 5 standard errors (`sdescent.numerics.laws.conformity`).
"""

from __future__ import annotations

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
from sdescent.numerics.laws.standardised import sample_law
from tests.support.laws.skewed import Exponential

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


@sample_law.register
def _(law: Own, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    sign, size = draws.sign_and_exponential(shape)
    return sign * size


class HidesItsSkew(Exponential):
    """E[Z^m sign(y + Z)] by the formulas of symmetric laws: at y = 1/2, m = 1, 1.82 for 0.82, and the mean 0 for 1."""

    symmetric = True


def _doubled(twice: bool, m: int, y: sp.Expr) -> sp.Expr:
    return (2 if twice else 1) * Laplace().signed_moment(m, y)


#: (the lie, members of a subclass of `Own`, the finding)
LIES: list[tuple[str, dict[str, Any], str]] = [
    ("density a tenth too large", {"density": lambda self, x: sp.Rational(11, 10) * Own.density(self, x)}, "density"),
    ("density below 0", {"density": lambda self, x: (3 - sp.Abs(x)) * sp.exp(-sp.Abs(x)) / 4}, "density"),
    (
        "half of the density elsewhere",
        {"density": lambda self, x: sp.exp(-sp.Abs(x - 1)) / 2},
        "symmetry of the density",
    ),
    ("sign's mean of another scale", {"sign_mean": lambda self, x: Own.sign_mean(self, 2 * x)}, "sign's mean"),
    ("sign's mean not odd", {"sign_mean": lambda self, x: Own.sign_mean(self, x + 1)}, "symmetry of the sign's mean"),
    ("slope", {"sign_mean": lambda self, x: Own.sign_mean(self, 2 * x)}, "slope of the sign's mean"),
    ("fourth moment", {"moment": lambda self, m: sp.factorial(m) * (2 if m == 4 else 1)}, "moments"),
    ("variance", {"variance": property(lambda self: sp.S.One)}, "moments"),
    ("mean, the name of a parameter", {"mean": 2}, "moments"),
    ("first signed moment", {"signed_moment": lambda self, m, y: _doubled(m == 1, m, y)}, "signed moments"),
    ("second signed moment", {"signed_moment": lambda self, m, y: _doubled(m == 2, m, y)}, "signed moments"),
]


@pytest.mark.parametrize(("lie", "members", "what"), LIES, ids=[lie for lie, _, _ in LIES])
def test_a_lie_of_a_law_is_found_and_its_sde_refused(lie: str, members: dict[str, Any], what: str) -> None:
    assert sd.check(Own(), sampling=False).ok
    law = type("Lying", (Own,), members)()
    assert what in [f.what for f in sd.check(law, sampling=False).failed]
    with pytest.raises(Refusal, match="Lying is not what it says") as caught:
        sd.sde(sd.DSGD(law))
    assert caught.value.kind == "unsound-piece"


def test_a_law_that_hides_its_skew() -> None:
    """The trap: its sign moments come out wrong, without a word."""
    law, y = HidesItsSkew(), sp.Rational(1, 2)
    assert float(law.signed_moment(1, -y)) != pytest.approx(float(Exponential().signed_moment(1, -y)), rel=0.3)
    assert law.mean == 0 and Exponential().mean == 1
    failed = {f.what: f.detail for f in sd.check(law, sampling=False).failed}
    assert set(failed) == {"symmetry of the density", "symmetry of the sign's mean"}
    assert "symmetric = False" in failed["symmetry of the density"]
    with pytest.raises(Refusal, match="symmetry of the density"):
        sd.sde(sd.DSignSGD(law))


def test_a_tail_index_that_is_too_large() -> None:
    """A Student-t law with nu = 3 that says it has all moments."""

    class Light(StudentT):
        @property
        def tail(self) -> sp.Expr:
            return sp.oo

    (found,) = [f for f in sd.check(Light(3), sampling=False).failed if f.what == "tail"]
    assert "moments exist below 3" in found.detail
    careful = next(f for f in sd.check(Own(tail=sp.Integer(3)), sampling=False).all if f.what == "tail")
    assert careful.status == "passed" and "all moments exist, and it says those below 3" in careful.detail


@pytest.mark.slow
def test_a_wrong_sampler_is_found() -> None:
    class Wide(Own):
        """Drawn a twentieth too wide."""

    class Once(Own):
        """A mixture from one draw."""

    class Common(Own):
        """All rows are one."""

    @sample_law.register(Wide)
    def _(law: Law, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
        sign, size = draws.sign_and_exponential(shape)
        return 1.05 * sign * size

    @sample_law.register(Once)
    def _(law: Law, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
        return jnp.where(draws.uniform(shape) < 0.5, -1.0, 1.0) * draws.exponential(shape)

    @sample_law.register(Common)
    def _(law: Law, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
        sign, size = draws.sign_and_exponential(shape[-1:])
        return jnp.broadcast_to(sign * size, shape)

    assert sd.check(Own()).ok
    assert {f.what for f in sd.check(Wide()).failed} >= {"sampler: moments"}
    (once,) = sd.check(Once()).failed
    assert "used twice: by uniform" in once.detail and "draws.fold(1)" in once.detail
    assert {f.what for f in sd.check(Common()).failed} == {"sampler: independence"}


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


class Flat(Own):
    """P(|Z| > x) = (1 + x)^(-1/10)."""

    def density(self, x: sp.Expr) -> sp.Expr:
        return (1 + sp.Abs(x)) ** sp.Rational(-11, 10) / 20

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.sign(x) * (1 - (1 + sp.Abs(x)) ** sp.Rational(-1, 10))

    def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
        return {0: self.sign_mean(y)}[m]


class Needles(Own):
    """A hundredth wide, at -1 and 1."""

    def density(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[50 * Gaussian().density(100 * (x - s)) for s in (-1, 1)])

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.Add(*[Gaussian().sign_mean(100 * (x + s)) / 2 for s in (-1, 1)])

    moment = Law.moment
    signed_moment = Law.signed_moment


@pytest.mark.parametrize(
    "law", [Peaked(), Flat(tail=sp.Rational(1, 10)), Needles()], ids=lambda law: type(law).__name__
)
def test_what_is_right_but_unusual_is_not_refused(law: Law) -> None:
    found = sd.check(law, sampling=False)
    assert found.ok and len(found.passed) >= 6, str(found)
    assert sd.sde(sd.DSignSGD(law)).drift is not None


def test_what_cannot_be_tested_says_why() -> None:
    class Unknown(sp.Function):
        """Without a value."""

    class Named(Own):
        def density(self, x: sp.Expr) -> sp.Expr:
            return Unknown(x)

    class Refusing(Own):
        def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
            raise NoClosedForm("not known")

    found = {f.what: f for f in sd.check(Named(), sampling=False).all}
    assert found["density"].status == "untested" and "no value" in found["density"].detail
    assert sd.sde(sd.DSGD(Named())).drift is not None
    assert [f.detail for f in sd.check(Refusing(), sampling=False).untested] == ["not known"]
    with pytest.raises(BadInput, match="piece"):
        sd.check(3)  # pyright: ignore[reportArgumentType]


def _z(x: sp.Expr) -> sp.Expr:
    return sp.Abs(x)


def _power_after(share: sp.Expr) -> Any:
    return lambda x: Gaussian().density(x) + share / (1 + _z(x)) ** 4


#: a density up to a factor, the tail index that it states, and what is found of it
TAILS: dict[str, tuple[Any, Any, str, str]] = {
    **{
        f"Weibull {k}": (lambda x, k=k: _z(x) ** (k - 1) * sp.exp(-(_z(x) ** k)), sp.oo, "passed", "faster than powers")
        for k in (sp.Rational(1, 20), sp.Rational(3, 10), sp.Rational(1, 2), sp.Rational(7, 10))
    },
    "exp(-sqrt|x|)": (lambda x: sp.exp(-sp.sqrt(_z(x))), sp.oo, "passed", "faster than powers"),
    "lognormal": (lambda x: sp.exp(-(sp.log(_z(x)) ** 2) / 2) / _z(x), sp.oo, "passed", "faster than powers"),
    "wide lognormal": (lambda x: sp.exp(-(sp.log(_z(x)) ** 2) / 20000) / _z(x), sp.oo, "passed", "faster than powers"),
    "exp(-log^1.5)": (lambda x: sp.exp(-(sp.log(1 + _z(x)) ** sp.Rational(3, 2))), sp.oo, "passed", "faster than powers"),
    "triangle": (lambda x: sp.Max(0, 1 - _z(x)), sp.oo, "passed", "faster than powers"),
    "1 - tanh^2": (lambda x: 1 - sp.tanh(x) ** 2, sp.oo, "passed", "faster than powers"),
    "x^-3/log^2 x": (lambda x: (2 + _z(x)) ** -3 / sp.log(2 + _z(x)) ** 2, 2, "passed", "like |z|^-3: moments exist below 2"),
    "x^-3/log^2 x, too much": (lambda x: (2 + _z(x)) ** -3 / sp.log(2 + _z(x)) ** 2, 3, "failed", "moments exist below 2"),
    **{f"t {nu}": (StudentT(nu).density, nu, "passed", f"moments exist below {nu}") for nu in (1, 3, 50, 200)},
    **{f"t {nu}, too much": (StudentT(nu).density, sp.oo, "failed", f"moments exist below {nu}") for nu in (50, 200)},
    "t 3, too little": (StudentT(3).density, 2, "passed", "and it says those below 2"),
    "a power far out": (_power_after(sp.Rational(1, 10**60)), sp.oo, "failed", "moments exist below 3"),
    "one heavy side": (lambda x: sp.Piecewise((sp.exp(-x), x > 0), ((1 - x) ** -3, True)), 5, "failed", "moments exist below 2"),
    "oscillating": (lambda x: (2 + sp.cos(sp.log(1 + _z(x)))) / (1 + _z(x)) ** 3, 2, "untested", "as far as can be seen"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAILS)
def test_powers_are_told_from_stretched_exponentials(name: str) -> None:
    density, stated, status, said = TAILS[name]

    class Tailed(Own):
        tail = stated

        def density(self, x: sp.Expr) -> sp.Expr:
            return density(x)

    found = _tail(Tailed(stated))
    assert found.status == status and said in found.detail, str(found)


@pytest.mark.parametrize("k", [sp.Rational(3, 10), sp.Rational(7, 10)])
def test_a_stretched_exponential_passes_as_a_whole(k: sp.Expr) -> None:
    class Stretched(Own):
        def density(self, x: sp.Expr) -> sp.Expr:
            return k * _z(x) ** (k - 1) * sp.exp(-(_z(x) ** k)) / 2

        def sign_mean(self, x: sp.Expr) -> sp.Expr:
            return sp.sign(x) * (1 - sp.exp(-(_z(x) ** k)))

        def moment(self, m: int) -> sp.Expr:
            return sp.gamma(1 + m / k)

        def signed_moment(self, m: int, y: sp.Expr) -> sp.Expr:
            if m:
                raise NoClosedForm("not stated")
            return self.sign_mean(y)

    found = sd.check(Stretched(), sampling=False)
    assert found.ok and "tail" in [f.what for f in found.passed], str(found)

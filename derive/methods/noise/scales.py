"""Noises: a standardised law times a scale, with one scale for all clients or one for each client; and the named noises."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.expressions.written import latex
from sdescent.derive.methods.constants import always, settle
from sdescent.derive.methods.noise.law import INFINITE, Law, require_symmetric
from sdescent.derive.methods.noise.named_laws import Cauchy, Gaussian, Laplace, Logistic, Stable, StudentT, Uniform
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.derive.vocabulary.registry import Parameter, register, scale
from sdescent.derive.vocabulary.symbols import coerce, parameter

#: the noise of a client and the standardised noise; the printer replaces these names by letters
Z, UNIT = Coordinate("noise"), Coordinate("unitnoise")


class Noise(ABC):
    """The gradient noise Z_i of client i: given x, independent over clients (theory 1).

    Its mean is the scale times the mean of the law. Dimensionless.
    """

    #: the covariance matrix if coordinates are correlated; None if they are independent
    dense: DenseCov | None = None

    @property
    @abstractmethod
    def law(self) -> Law:
        """The standardised law of one coordinate."""

    @property
    @abstractmethod
    def scales(self) -> tuple[sp.Expr, ...]:
        """The scale of coordinate j for each client; a single entry if all clients have the same scale."""

    @abstractmethod
    def latex(self) -> str:
        """The noise as LaTeX."""

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        """The definition of Z as LaTeX text with dollar signs: the scale times the standardised zeta_j, and the law of zeta_j."""
        scales = tuple(dict.fromkeys(self.scales))
        if len(scales) == 1:
            left, rest = show(Z), ""
            scale = ("" if scales[0] == 1 else show(scales[0]) + r"\,") + show(UNIT)
        else:
            letter = rf"{show(parameter('sigma'))}^{{(n)}}"
            left, scale = rf"{show(Z)}^{{(n)}}", rf"{letter}\,{show(UNIT)}"
            listed = ", ".join(f"${show(s)}$" for s in self.scales)
            rest = rf"; for client $n$ the scale ${letter}$ is the $n$-th of {listed}"
        return rf"${left}={scale}$ with independent ${show(UNIT)}$ {self.law.definition(show)}{_variance(self.law, show)}{rest}"


def _variance(law: Law, show: Callable[[sp.Expr], str]) -> str:
    """The end of a phrase: the mean unless it is 0, and the variance, which may be infinite; "" if either has no closed form."""
    try:
        mean = "" if law.symmetric or law.mean == 0 else rf", mean ${show(law.mean)}$"
        if law.tail.is_number and law.tail <= 2:
            return f"{mean}; their variance is infinite"
        value = show(law.variance)
    except NoClosedForm:
        return ""
    return rf"{mean}, variance ${value}$" + ("" if law.tail.is_number else rf" for ${show(law.tail)}>2$")


class Point(Law):
    """The point mass at 0, which has no density."""

    degenerate = True

    tail = always(INFINITE)

    def density(self, x: sp.Expr) -> sp.Expr:
        raise NotImplementedError("the point mass has no density")

    def sign_mean(self, x: sp.Expr) -> sp.Expr:
        return sp.sign(x)

    def moment(self, m: int) -> sp.Expr:
        return sp.S.One if m == 0 else sp.S.Zero

    def latex(self) -> str:
        return r"\delta_0"


@register("noise", "none", "no noise: full gradients")
@dataclass(frozen=True)
class NoNoise(Noise):
    """No noise: Z = 0, so that every client sends the full gradient."""

    law, scales = always(Point()), always((sp.S.Zero,))

    def latex(self) -> str:
        return "0"

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        return rf"none, ${show(Z)}=0$"


def _scale_tuple(value: Any, field: str, zero: bool = False) -> tuple[sp.Expr, ...]:
    values = value if isinstance(value, (tuple, list)) else (value,)
    scales = tuple(e if isinstance(e, Coordinate) else coerce(e, field) for e in values)
    for e in scales:
        if e.is_number and not (e.is_nonnegative if zero else e.is_positive):
            raise BadInput(field, e, "a scale > 0 for every client" if not zero else "a scale >= 0 for every client")
    if not scales:
        raise BadInput(field, value, "at least one scale")
    return scales


@dataclass(frozen=True)
class Scaled(Noise):
    """A scaled noise: Z_ij is sigma_i times a standardised law, independent over clients i and coordinates j.

    Args:
        standard: the standardised law.
        sigma: one scale > 0 for all clients, or one per client; a `Coordinate` is a scale with one entry per coordinate.
    """

    standard: Law
    sigma: Any = "sigma"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", _scale_tuple(self.sigma, "sigma"))

    law, scales = property(lambda self: self.standard), property(lambda self: self.sigma)

    def latex(self) -> str:
        return rf"{_scales_latex(self.sigma)}\,{self.standard.latex()}"


@dataclass(frozen=True)
class Affine(Noise):
    """A noise whose variance is affine in the squared gradient: Cov Z = (sigma0^2 + sigma1^2 ||g||^2) I (theory 1 and 3).

    Args:
        sigma0, sigma1: one number >= 0 for all clients, or one per client; a client's two numbers are not both 0.
        nu: None for Gaussian noise; nu > 2 for Student's t with nu degrees of freedom, rescaled to this covariance.
    """

    sigma0: Any = "sigma0"
    sigma1: Any = "sigma1"
    nu: Any = None

    def __post_init__(self) -> None:
        s0, s1 = _scale_tuple(self.sigma0, "affine:sigma0", True), _scale_tuple(self.sigma1, "affine:sigma1", True)
        if len(s0) != len(s1) and 1 not in (len(s0), len(s1)):
            raise BadInput("affine:sigma1", f"{len(s1)} values", f"as many values as sigma0 ({len(s0)}), or one")
        object.__setattr__(self, "sigma0", s0)
        object.__setattr__(self, "sigma1", s1)
        if any(a == 0 and b == 0 for a, b in self._pairs):
            raise BadInput("affine:sigma0", 0, "sigma0 and sigma1 not both 0 (that is the noise `none`)")
        if self.nu is not None:
            above_2 = "a number > 2 (the variance must exist), or the name of a symbol"
            settle(self, "affine:nu", (lambda nu: (nu - 2).is_positive, above_2))

    @property
    def _pairs(self) -> list[tuple[sp.Expr, sp.Expr]]:
        """The pair (sigma0, sigma1) of each client."""
        count = max(len(self.sigma0), len(self.sigma1))
        return [(self.sigma0[n % len(self.sigma0)], self.sigma1[n % len(self.sigma1)]) for n in range(count)]

    @property
    def law(self) -> Law:
        return Gaussian() if self.nu is None else StudentT(self.nu)

    @property
    def scales(self) -> tuple[sp.Expr, ...]:
        norm2 = coord_sum(g**2)
        unit = sp.S.One if self.nu is None else (self.nu - 2) / self.nu
        return tuple(sp.sqrt(unit * (a**2 + b**2 * norm2)) if b != 0 else a * sp.sqrt(unit) for a, b in self._pairs)

    def definition(self, show: Callable[[sp.Expr], str]) -> str:
        means = [show(a**2 + b**2 * coord_sum(g**2)) for a, b in dict.fromkeys(self._pairs)]
        each = "" if len(means) == 1 else " for the clients in turn"
        return (
            super().definition(show)
            + ", so that $\\operatorname{Cov}Z$ is "
            + ", ".join(rf"$\left({m}\right)I$" for m in means)
            + each
        )

    def latex(self) -> str:
        s0, s1 = _scales_latex(self.sigma0), _scales_latex(self.sigma1)
        name = "" if self.nu is None else rf",\ t_{{{latex(self.nu)}}}"
        return rf"\mathrm{{Cov}}=({s0}^2+{s1}^2\|g\|_2^2)I{name}"


@dataclass(frozen=True)
class Correlated(Noise):
    """A noise with a measured covariance matrix, so that its coordinates may be correlated.

    Each coordinate has the standardised law, rescaled to the coordinate's variance.

    Args:
        standard: the law of a coordinate, symmetric and with finite variance.
        covariance: the d x d matrix, as a name that stands for it in expressions.

    Raises:
        Refusal: "asymmetric-noise": `standard` is not symmetric.
    """

    standard: Law
    covariance: DenseCov = DenseCov()  # noqa: RUF009 - frozen and without state

    def __post_init__(self) -> None:
        require_symmetric(self.standard, "noise with a measured covariance mixes coordinates, and")

    law = property(lambda self: self.standard)
    dense = property(lambda self: self.covariance)  # pyright: ignore[reportAssignmentType]

    @property
    def scales(self) -> tuple[sp.Expr, ...]:
        return (sp.sqrt(self.covariance.variance / self.standard.variance),)

    def latex(self) -> str:
        return rf"\{self.covariance.name}^{{1/2}}{self.standard.latex()}"


def _scales_latex(scales: tuple[sp.Expr, ...]) -> str:
    return latex(scales[0]) if len(scales) == 1 else r"(" + ",".join(latex(s) for s in scales) + ")_i"


def _silent(sigma: Any) -> bool:
    return all(v in (0, "0") for v in (sigma if isinstance(sigma, (tuple, list)) else (sigma,)))


def _named(name: str, law: type[Law], summary: str, *parameters: Parameter) -> None:
    """Register sigma times a law; a parameter of the law without a value becomes the symbol of the same name."""

    def scaled(sigma: Any = "sigma", **constants: Any) -> Noise:
        standard = law(**({p.name: p.name for p in parameters} | constants))
        return NoNoise() if _silent(sigma) else Scaled(standard, sigma)

    register("noise", name, summary, *parameters, scale("sigma"))(scaled)


_named("gaussian", Gaussian, "sigma N(0,1): variance sigma^2")
_named(
    "student-t", StudentT, "sigma t_nu: variance sigma^2 nu/(nu-2) for nu > 2",
    Parameter("nu", "a number > 0, at most 100", lambda x: 0 < x <= 100, "nu"),
)  # fmt: skip
_named("cauchy", Cauchy, "sigma Cauchy: no mean, infinite variance")
_named("laplace", Laplace, "sigma Laplace(0,1): variance 2 sigma^2")
_named("uniform", Uniform, "sigma U[-1,1]: variance sigma^2/3")
_named("logistic", Logistic, "sigma Logistic(0,1): variance sigma^2 pi^2/3")


@register(
    "noise", "affine", "Cov Z = (sigma0^2 + sigma1^2 ||g||^2) I; Gaussian, or Student-t when nu > 2 is given",
    scale("sigma0"), scale("sigma1"), Parameter("nu", "a number > 2, at most 100", lambda x: 2 < x <= 100, None),
)  # fmt: skip
def affine(sigma0: Any = "sigma0", sigma1: Any = "sigma1", nu: Any = None) -> Noise:
    """Noise with Cov Z = (sigma0^2 + sigma1^2 ||g||^2) I (`Affine`), or no noise if all its scales are 0."""
    return NoNoise() if _silent(sigma0) and _silent(sigma1) else Affine(sigma0, sigma1, nu)


_named(
    "stable", Stable,
    "sigma times the law with characteristic function exp(-|t|^alpha): infinite variance for alpha < 2, no mean for alpha <= 1",
    Parameter("alpha", "a number in (0, 2], at least 1/100", lambda x: 1 <= 100 * x <= 200, "alpha"),
)  # fmt: skip

"""The noises that specifications know by name: each law times its scale; a scale of 0 for every client means no noise."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.methods.noise.gaussian import Gaussian
from derive.methods.noise.laplace import Laplace
from derive.methods.noise.law import Law
from derive.methods.noise.logistic import Logistic
from derive.methods.noise.scales import Affine, Noise, NoNoise, Scaled
from derive.methods.noise.stable import Stable
from derive.methods.noise.student_t import Cauchy, StudentT
from derive.methods.noise.uniform import Uniform
from derive.vocabulary.registry import Parameter, register, scale


def _scaled_or_none(law: Law, sigma: Any) -> Noise:
    values = sigma if isinstance(sigma, (tuple, list)) else (sigma,)
    if all(v in (0, "0") for v in values):
        return NoNoise()
    return Scaled(law, sigma)


@register("noise", "gaussian", "sigma N(0,1): variance sigma^2", scale("sigma"))
def gaussian(sigma: Any = "sigma") -> Noise:
    """sigma times N(0, 1)."""
    return _scaled_or_none(Gaussian(), sigma)


@register(
    "noise",
    "student-t",
    "sigma t_nu: variance sigma^2 nu/(nu-2) for nu > 2",
    Parameter("nu", "a number > 0, at most 100", lambda x: 0 < x <= 100, "nu"),
    scale("sigma"),
)
def student_t(nu: Any = "nu", sigma: Any = "sigma") -> Noise:
    """sigma times t_nu."""
    return _scaled_or_none(StudentT(nu), sigma)


@register("noise", "cauchy", "sigma Cauchy: no mean, infinite variance", scale("sigma"))
def cauchy(sigma: Any = "sigma") -> Noise:
    """sigma times the standard Cauchy law."""
    return _scaled_or_none(Cauchy(), sigma)


@register("noise", "laplace", "sigma Laplace(0,1): variance 2 sigma^2", scale("sigma"))
def laplace(sigma: Any = "sigma") -> Noise:
    """sigma times the Laplace law of scale 1."""
    return _scaled_or_none(Laplace(), sigma)


@register("noise", "uniform", "sigma U[-1,1]: variance sigma^2/3", scale("sigma"))
def uniform(sigma: Any = "sigma") -> Noise:
    """sigma times the uniform law on [-1, 1]."""
    return _scaled_or_none(Uniform(), sigma)


@register("noise", "logistic", "sigma Logistic(0,1): variance sigma^2 pi^2/3", scale("sigma"))
def logistic(sigma: Any = "sigma") -> Noise:
    """sigma times the logistic law of scale 1."""
    return _scaled_or_none(Logistic(), sigma)


@register(
    "noise",
    "affine",
    "Cov Z = (sigma0^2 + sigma1^2 ||g||^2) I; Gaussian, or Student-t when nu > 2 is given",
    scale("sigma0"),
    scale("sigma1"),
    Parameter("nu", "a number > 2, at most 100", lambda x: 2 < x <= 100, None),
)
def affine(sigma0: Any = "sigma0", sigma1: Any = "sigma1", nu: Any = None) -> Noise:
    """Affine variance."""
    zero = [all(v in (0, "0") for v in (s if isinstance(s, (tuple, list)) else (s,))) for s in (sigma0, sigma1)]
    return NoNoise() if all(zero) else Affine(sigma0, sigma1, nu)


def _in_stable_range(alpha: Fraction) -> bool:
    return Fraction(1, 100) <= alpha <= 2


@register(
    "noise",
    "stable",
    "sigma times the law with characteristic function exp(-|t|^alpha): infinite variance for alpha < 2, no mean for alpha <= 1",
    Parameter("alpha", "a number in (0, 2], at least 1/100", _in_stable_range, "alpha"),
    scale("sigma"),
)
def stable(alpha: Any = "alpha", sigma: Any = "sigma") -> Noise:
    """sigma times a symmetric alpha-stable law."""
    return _scaled_or_none(Stable(alpha), sigma)

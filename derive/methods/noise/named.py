"""Noises with a name in specifications: each is a law times a scale. If all scales are 0, there is no noise."""

from typing import Any

from sdescent.derive.methods.noise.elementary import Gaussian, Laplace, Logistic, Uniform
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.methods.noise.scales import Affine, Noise, NoNoise, Scaled
from sdescent.derive.methods.noise.stable import Stable
from sdescent.derive.methods.noise.student_t import Cauchy, StudentT
from sdescent.derive.vocabulary.registry import Parameter, register, scale


def _silent(sigma: Any) -> bool:
    return all(v in (0, "0") for v in (sigma if isinstance(sigma, (tuple, list)) else (sigma,)))


def _named(name: str, law: type[Law], summary: str, *parameters: Parameter) -> None:
    """Register sigma times a law; a parameter of the law without a value is the symbol of its name."""

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

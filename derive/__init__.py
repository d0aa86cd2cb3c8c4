"""Derive the SDE of a distributed stochastic optimiser, exactly and symbolically.

    >>> import derive
    >>> derive.sde(derive.DSignSGD(derive.StudentT(3)), dim=2).to_dict()["drift"][0]

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "derive.methods": ("Method", "DSGD", "DCSGD", "DSignSGD"),
    "derive.models": ("SDE", "sde"),
    "derive.specialise": ("specialise",),
    "derive.moments": ("Moments", "Conditional"),
    "derive.form": ("GradientForm", "DenseCov"),
    "derive.errors": ("BadInput", "NoClosedForm", "Refusal"),
    "derive.schedules": ("Constant", "Power", "Free", "Adaptive", "Normalised"),
    "derive.losses": ("Quadratic", "Quartic", "Cosh", "GluedExponential", "LogisticRegression", "SeparableSum"),
    "derive.noise": [
        "Law",
        "Noise",
        "NoNoise",
        "Scaled",
        "Affine",
        "Correlated",
        "Gaussian",
        "StudentT",
        "Cauchy",
        "Laplace",
        "Uniform",
        "Logistic",
        "Stable",
    ],
    "derive.compressors": [
        "Compressor",
        "Unbiased",
        "Biased",
        "Omega",
        "Identity",
        "Bernoulli",
        "RandK",
        "QSGD",
        "Ternary",
        "Natural",
        "FixedGrid",
        "Sign",
        "ScaledSign",
        "TopK",
    ],
}
#: modules with more names for users than this one lists
_MODULES = set(
    ["coordinates", "density", "symbols", "errors", "form", "generator", "losses", "noise", "compressors", "sanity", "stationary"]
)
_WHERE = {name: home for home, names in _HOME.items() for name in names}
__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from derive.compressors import *  # noqa: F403
    from derive.errors import *  # noqa: F403
    from derive.form import DenseCov as DenseCov
    from derive.form import GradientForm as GradientForm
    from derive.losses import *  # noqa: F403
    from derive.methods import DCSGD as DCSGD
    from derive.methods import DSGD as DSGD
    from derive.methods import DSignSGD as DSignSGD
    from derive.methods import Method as Method
    from derive.models import SDE as SDE
    from derive.models import sde as sde
    from derive.moments import Conditional as Conditional
    from derive.moments import Moments as Moments
    from derive.noise import *  # noqa: F403
    from derive.schedules import *  # noqa: F403
    from derive.specialise import specialise as specialise


def __getattr__(name: str) -> Any:
    if name not in _WHERE and name in _MODULES:
        return import_module(f"derive.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

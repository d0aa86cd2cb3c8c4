"""Derive the SDE of a distributed stochastic optimiser, exactly and symbolically.

    >>> import derive
    >>> derive.sde(derive.DSignSGD(derive.StudentT(3)), dim=2).to_dict()["drift"][0]

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.derivation import SDE as SDE
    from derive.derivation import sde as sde
    from derive.expressions.gradient_form import DenseCov as DenseCov
    from derive.expressions.gradient_form import GradientForm as GradientForm
    from derive.methods.compressors import *  # noqa: F403
    from derive.methods.distributed import DCSGD as DCSGD
    from derive.methods.distributed import DSGD as DSGD
    from derive.methods.distributed import DSignSGD as DSignSGD
    from derive.methods.distributed import Method as Method
    from derive.methods.losses import *  # noqa: F403
    from derive.methods.noise import *  # noqa: F403
    from derive.methods.schedules import *  # noqa: F403
    from derive.methods.specialise import specialise as specialise
    from derive.step.moments import Conditional as Conditional
    from derive.step.moments import Moments as Moments
    from derive.vocabulary.errors import *  # noqa: F403


_FORMER = {
    "coordinates": "derive.expressions.coordinates",
    "form": "derive.expressions.gradient_form",
    "errors": "derive.vocabulary.errors",
    "registry": "derive.vocabulary.registry",
    "symbols": "derive.vocabulary.symbols",
    "compressors": "derive.methods.compressors",
    "losses": "derive.methods.losses",
    "noise": "derive.methods.noise",
    "schedules": "derive.methods.schedules",
    "specialise": "derive.methods.specialise",
    "moments": "derive.step.moments",
    "models": "derive.derivation",
    "density": "derive.process.density",
    "generator": "derive.process.generator",
    "stationary": "derive.process.stationary",
}
__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "derive.methods.distributed": ("Method", "DSGD", "DCSGD", "DSignSGD"),
        "derive.derivation": ("SDE", "sde"),
        "derive.methods.specialise": ("specialise",),
        "derive.step.moments": ("Moments", "Conditional"),
        "derive.expressions.gradient_form": ("GradientForm", "DenseCov"),
        "derive.vocabulary.errors": ("BadInput", "NoClosedForm", "Refusal"),
        "derive.methods.schedules": ("Constant", "Power", "Free", "Adaptive", "Normalised"),
        "derive.methods.losses": (
            "Quadratic",
            "Quartic",
            "Cosh",
            "GluedExponential",
            "LogisticRegression",
            "SeparableSum",
        ),
        "derive.methods.noise": [
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
        "derive.methods.compressors": [
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
    },
    _FORMER,
)

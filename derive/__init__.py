"""Derive the SDE of a distributed stochastic optimiser, exactly and symbolically.

    >>> import derive
    >>> derive.sde(derive.DSGD(derive.StudentT(3))).drift
    -g_j

`import sdescent` offers all of this to users, together with solving and the report.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.derivation import SDE as SDE
    from derive.derivation import RuleSDE as RuleSDE
    from derive.derivation import sde as sde
    from derive.equations.scaling import Scaling as Scaling
    from derive.equations.scaling import scaling_rules as scaling_rules
    from derive.expressions.gradient_form import DenseCov as DenseCov
    from derive.expressions.gradient_form import GradientForm as GradientForm
    from derive.methods.checking.findings import Finding as Finding
    from derive.methods.checking.findings import Findings as Findings
    from derive.methods.checking.pieces import check as check
    from derive.methods.compressors import QSGD as QSGD
    from derive.methods.compressors import Bernoulli as Bernoulli
    from derive.methods.compressors import Biased as Biased
    from derive.methods.compressors import Clip as Clip
    from derive.methods.compressors import Compressor as Compressor
    from derive.methods.compressors import FixedGrid as FixedGrid
    from derive.methods.compressors import Identity as Identity
    from derive.methods.compressors import Natural as Natural
    from derive.methods.compressors import NormClip as NormClip
    from derive.methods.compressors import Omega as Omega
    from derive.methods.compressors import RandK as RandK
    from derive.methods.compressors import ScaledSign as ScaledSign
    from derive.methods.compressors import Sign as Sign
    from derive.methods.compressors import Ternary as Ternary
    from derive.methods.compressors import TopK as TopK
    from derive.methods.compressors import Unbiased as Unbiased
    from derive.methods.distributed import DCSGD as DCSGD
    from derive.methods.distributed import DSGD as DSGD
    from derive.methods.distributed import DSignSGD as DSignSGD
    from derive.methods.distributed import Method as Method
    from derive.methods.losses import Cosh as Cosh
    from derive.methods.losses import GluedExponential as GluedExponential
    from derive.methods.losses import LogisticRegression as LogisticRegression
    from derive.methods.losses import Quadratic as Quadratic
    from derive.methods.losses import Quartic as Quartic
    from derive.methods.losses import SeparableSum as SeparableSum
    from derive.methods.noise import Affine as Affine
    from derive.methods.noise import Cauchy as Cauchy
    from derive.methods.noise import Correlated as Correlated
    from derive.methods.noise import Gaussian as Gaussian
    from derive.methods.noise import Laplace as Laplace
    from derive.methods.noise import Law as Law
    from derive.methods.noise import Logistic as Logistic
    from derive.methods.noise import Noise as Noise
    from derive.methods.noise import NoNoise as NoNoise
    from derive.methods.noise import Scaled as Scaled
    from derive.methods.noise import Stable as Stable
    from derive.methods.noise import StudentT as StudentT
    from derive.methods.noise import Uniform as Uniform
    from derive.methods.optimisers import DP as DP
    from derive.methods.optimisers import SAM as SAM
    from derive.methods.optimisers import USAM as USAM
    from derive.methods.optimisers import Adam as Adam
    from derive.methods.optimisers import AdamW as AdamW
    from derive.methods.optimisers import Clipped as Clipped
    from derive.methods.optimisers import EMAMomentum as EMAMomentum
    from derive.methods.optimisers import ErrorFeedback as ErrorFeedback
    from derive.methods.optimisers import Extragradient as Extragradient
    from derive.methods.optimisers import HeavyBall as HeavyBall
    from derive.methods.optimisers import Lion as Lion
    from derive.methods.optimisers import LocalSGD as LocalSGD
    from derive.methods.optimisers import MajorityVote as MajorityVote
    from derive.methods.optimisers import Nesterov as Nesterov
    from derive.methods.optimisers import NormalisedSGD as NormalisedSGD
    from derive.methods.optimisers import NormClipped as NormClipped
    from derive.methods.optimisers import RMSprop as RMSprop
    from derive.methods.optimisers import RMSpropW as RMSpropW
    from derive.methods.optimisers import Signum as Signum
    from derive.methods.rules.regime import Regime as Regime
    from derive.methods.schedules import Adaptive as Adaptive
    from derive.methods.schedules import Constant as Constant
    from derive.methods.schedules import Free as Free
    from derive.methods.schedules import Normalised as Normalised
    from derive.methods.schedules import Power as Power
    from derive.stated.audit import Audit as Audit
    from derive.stated.audit import audit as audit
    from derive.stated.equation import StateSDE as StateSDE
    from derive.step.moments import Conditional as Conditional
    from derive.step.moments import Moments as Moments
    from derive.vocabulary.errors import BadInput as BadInput
    from derive.vocabulary.errors import NoClosedForm as NoClosedForm
    from derive.vocabulary.errors import Refusal as Refusal

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
    "sanity": "derive.sanity",
}
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(
        __name__,
        {
            "derive.methods.distributed": ("Method", "DSGD", "DCSGD", "DSignSGD"),
            "derive.methods.optimisers": (
                "Adam", "AdamW", "RMSprop", "RMSpropW", "DP", "Clipped", "NormClipped",
                "NormalisedSGD", "ErrorFeedback", "LocalSGD", "MajorityVote", "SAM", "USAM", "Extragradient",
                "EMAMomentum", "HeavyBall", "Lion", "Nesterov", "Signum",
            ),
            "derive.methods.rules.regime": ("Regime",),
            "derive.equations.scaling": ("Scaling", "scaling_rules"),
            "derive.derivation": ("SDE", "sde", "RuleSDE"),
            "derive.stated.equation": ("StateSDE",),
            "derive.stated.audit": ("Audit", "audit"),
            "derive.methods.checking.findings": ("Finding", "Findings"),
            "derive.methods.checking.pieces": ("check",),
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
                "Clip",
                "NormClip",
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

"""A stochastic optimiser and its SDE: derived symbolically, solved beside the method itself, with bounds that a kernel proves.

    >>> import sdescent as sd
    >>> method = sd.DCSGD(sd.RandK(2), sd.StudentT(5), clients=4)
    >>> equation = sd.sde(method, "corrected", loss=sd.Quadratic(1), dim=3)
    >>> equation.coordinates().drift[0]
    eta*x1/2 - x1

A method is a compressor, a noise, a number of clients and a schedule (`DSGD`, `DCSGD`, `DSignSGD`). `sde` derives its equation,
`solve` solves it, `run` runs the method itself. `prove` proves or refutes an inequality, `check` checks a theorem of the
catalogue, `verify` holds it against numbers, and `report` writes it all down. A compressor, noise, loss or schedule of one's own
is a subclass of `Unbiased`, `Biased`, `Law`, `Loss`, `Separable` or `Schedule`; `check` tests what it says about itself.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.bounds.answer import Answer as Answer
    from derive.bounds.answer import decide as decide
    from derive.bounds.stated import Stated as Stated
    from derive.bounds.stated import read_stated as read_stated
    from derive.bounds.suggest import suggest as suggest
    from derive.derivation import SDE as SDE
    from derive.derivation import RuleSDE as RuleSDE
    from derive.derivation import Simulated as Simulated
    from derive.derivation import sde as sde
    from derive.equations.in_coordinates import CoordinateSDE as CoordinateSDE
    from derive.equations.scaling import Scaling as Scaling
    from derive.equations.scaling import scaling_rules as scaling_rules
    from derive.expressions.gradient_form import DenseCov as DenseCov
    from derive.expressions.gradient_form import GradientForm as GradientForm
    from derive.methods.checking.findings import Finding as Finding
    from derive.methods.checking.findings import Findings as Findings
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
    from derive.methods.losses import Loss as Loss
    from derive.methods.losses import Quadratic as Quadratic
    from derive.methods.losses import Quartic as Quartic
    from derive.methods.losses import Separable as Separable
    from derive.methods.losses import SeparableSum as SeparableSum
    from derive.methods.losses import Smoothness as Smoothness
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
    from derive.methods.schedules import Schedule as Schedule
    from derive.proof.claims.prove import prove as prove
    from derive.proof.claims.verdict import Judged as Judged
    from derive.stated.audit import Audit as Audit
    from derive.stated.audit import audit as audit
    from derive.stated.equation import StateSDE as StateSDE
    from derive.step.moments import Condition as Condition
    from derive.step.moments import Conditional as Conditional
    from derive.step.moments import Moments as Moments
    from derive.theorems.entry.checking import Checked as Checked
    from derive.theorems.entry.theorem import Refutation as Refutation
    from derive.theorems.entry.theorem import Theorem as Theorem
    from derive.vocabulary.choices import Model as Model
    from derive.vocabulary.choices import Precision as Precision
    from derive.vocabulary.choices import SchemeName as SchemeName
    from derive.vocabulary.errors import BadInput as BadInput
    from derive.vocabulary.errors import NoClosedForm as NoClosedForm
    from derive.vocabulary.errors import Refusal as Refusal
    from derive.vocabulary.verdicts import Verdict as Verdict
    from numerics.evidence.checks.result import Verified as Verified
    from numerics.evidence.verify import verify as verify
    from numerics.lowering.landscape import Landscape as Landscape
    from numerics.lowering.tape import LoweringError as LoweringError
    from numerics.simulate.blow_up import NotANumber as NotANumber
    from numerics.simulate.equation import solve as solve
    from numerics.simulate.method import run as run
    from numerics.simulate.runs import Ensemble as Ensemble
    from sdescent.checks import check as check
    from sdescent.reporting import Report as Report
    from sdescent.reporting import report as report
else:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(
        __name__,
        {
            "derive.derivation": ("SDE", "Simulated", "sde", "RuleSDE"),
            "derive.equations.in_coordinates": ("CoordinateSDE",),
            "derive.expressions.gradient_form": ("DenseCov", "GradientForm"),
            "derive.methods.checking.findings": ("Finding", "Findings"),
            "derive.methods.compressors": (
                "Compressor", "Unbiased", "Biased", "Omega", "Identity", "Clip", "NormClip", "Bernoulli", "RandK", "QSGD",
                "Ternary", "Natural", "FixedGrid", "Sign", "ScaledSign", "TopK",
            ),
            "derive.methods.distributed": ("Method", "DSGD", "DCSGD", "DSignSGD"),
            "derive.methods.optimisers": (
                "Adam", "AdamW", "RMSprop", "RMSpropW", "DP", "Clipped", "NormClipped",
                "NormalisedSGD", "ErrorFeedback", "LocalSGD", "MajorityVote", "SAM", "USAM", "Extragradient",
                "EMAMomentum", "HeavyBall", "Lion", "Nesterov", "Signum",
            ),
            "derive.methods.rules.regime": ("Regime",),
            "derive.equations.scaling": ("Scaling", "scaling_rules"),
            "derive.methods.losses": (
                "Loss", "Separable", "Smoothness", "Quadratic", "Quartic", "Cosh", "GluedExponential",
                "LogisticRegression", "SeparableSum",
            ),
            "derive.methods.noise": (
                "Noise", "Law", "NoNoise", "Scaled", "Affine", "Correlated", "Gaussian", "StudentT", "Cauchy",
                "Laplace", "Uniform", "Logistic", "Stable",
            ),
            "derive.methods.schedules": ("Schedule", "Constant", "Power", "Free", "Adaptive", "Normalised"),
            "derive.bounds.answer": ("Answer", "decide"),
            "derive.bounds.stated": ("Stated", "read_stated"),
            "derive.bounds.suggest": ("suggest",),
            "derive.proof.claims.prove": ("prove",),
            "derive.proof.claims.verdict": ("Judged",),
            "derive.theorems.entry.checking": ("Checked",),
            "derive.theorems.entry.theorem": ("Refutation", "Theorem"),
            "derive.stated.equation": ("StateSDE",),
            "derive.stated.audit": ("Audit", "audit"),
            "derive.step.moments": ("Condition", "Conditional", "Moments"),
            "derive.vocabulary.choices": ("Model", "Precision", "SchemeName"),
            "derive.vocabulary.errors": ("BadInput", "NoClosedForm", "Refusal"),
            "derive.vocabulary.verdicts": ("Verdict",),
            "numerics.evidence.checks.result": ("Verified",),
            "numerics.evidence.verify": ("verify",),
            "numerics.lowering.landscape": ("Landscape",),
            "numerics.lowering.tape": ("LoweringError",),
            "numerics.simulate.blow_up": ("NotANumber",),
            "numerics.simulate.equation": ("solve",),
            "numerics.simulate.method": ("run",),
            "numerics.simulate.runs": ("Ensemble",),
            "sdescent.checks": ("check",),
            "sdescent.reporting": ("Report", "report"),
        },
    )  # fmt: skip

# The names that `sdescent` offers, each with its home: read by editors and type checkers, and by `lazy.py`, which imports them.
from sdescent import plugins as plugins
from sdescent.checks import check as check
from sdescent.derive.audit.weak_order import Audit as Audit
from sdescent.derive.audit.weak_order import audit as audit
from sdescent.derive.derivation import SDE as SDE
from sdescent.derive.derivation import sde as sde
from sdescent.derive.equations.scaling import scaling_rules as scaling
from sdescent.derive.methods import compressors as compressors
from sdescent.derive.methods import losses as losses
from sdescent.derive.methods import noise as noise
from sdescent.derive.methods import optimisers as methods
from sdescent.derive.methods import schedules as schedules
from sdescent.derive.methods.checking.findings import Findings as Findings
from sdescent.derive.methods.distributed import DCSGD as DCSGD
from sdescent.derive.methods.distributed import DSGD as DSGD
from sdescent.derive.methods.distributed import DSignSGD as DSignSGD
from sdescent.derive.methods.distributed import Method as Method
from sdescent.derive.proof.claims.prove import prove as claim
from sdescent.derive.proof.claims.verdict import Judged as Judged
from sdescent.derive.proof.replay import replay as replay
from sdescent.derive.theorems.bounds.answer import Answer as Answer
from sdescent.derive.theorems.bounds.answer import decide as prove
from sdescent.derive.theorems.bounds.rates.tuning import tune as tune
from sdescent.derive.theorems.bounds.suggest import suggest as suggest
from sdescent.derive.theorems.entry.checking import Checked as Checked
from sdescent.derive.vocabulary.errors import BadInput as BadInput
from sdescent.derive.vocabulary.errors import Refusal as Refusal
from sdescent.derive.vocabulary.names import Model as Model
from sdescent.derive.vocabulary.verdicts import Verdict as Verdict
from sdescent.numerics.evidence.checks.formulas import Verified as Verified
from sdescent.numerics.evidence.verify import verify as verify
from sdescent.numerics.simulate.ensemble import Ensemble as Ensemble
from sdescent.numerics.simulate.equation import solve as solve
from sdescent.numerics.simulate.method import run as run
from sdescent.reporting import Report as Report
from sdescent.reporting import report as report
from sdescent.toml_files import load as load

__all__ = [
    "DCSGD",
    "DSGD",
    "SDE",
    "Answer",
    "Audit",
    "BadInput",
    "Checked",
    "DSignSGD",
    "Ensemble",
    "Findings",
    "Judged",
    "Method",
    "Model",
    "Refusal",
    "Report",
    "Verdict",
    "Verified",
    "audit",
    "check",
    "claim",
    "compressors",
    "load",
    "losses",
    "methods",
    "noise",
    "plugins",
    "prove",
    "replay",
    "report",
    "run",
    "scaling",
    "schedules",
    "sde",
    "solve",
    "suggest",
    "tune",
    "verify",
]

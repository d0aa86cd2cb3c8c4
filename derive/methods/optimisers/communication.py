"""Methods that save communication: votes, local steps, error feedback."""

from typing import Any, Unpack

from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import Parts, fixed, named, optimiser, regime
from sdescent.derive.methods.rules.regime import BALLISTIC
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import Parameter, spec_of

#: the largest number of local steps
MOST_STEPS = 32


@optimiser("majority-vote", "the sign of the sum of the clients' signs (Bernstein et al. 2018)")
def MajorityVote(**parts: Unpack[Parts]) -> Method:
    """SignSGD with majority vote: x' = x - eta sign(sum_i sign(g + Z_i)) (Bernstein et al. 2018, arXiv 1802.04434). Dimensionless.

    The sum of the signs follows the Poisson-binomial law of the votes. If the number of clients is given as a number, drift and
    covariance are therefore exact. The only named regime is ballistic.

    Args:
        regime, noise, clients, schedule: see `Parts`.
        compressor: None or the sign, the only compressor of this method.

    Raises:
        BadInput: another compressor is given.
    """
    if not isinstance(compressor := parts.get("compressor") or Sign(), Sign):
        raise BadInput("compressor", spec_of("compressor", compressor), "sign, the only compressor of majority-vote")
    parts["compressor"] = compressor
    return named("majority-vote", ("x = x - eta*sign(G)",), (regime(BALLISTIC),), parts)


@optimiser(
    "local-sgd", "H steps of each client between averages (Stich 2019)",
    Parameter("H", f"a whole number from 1 to {MOST_STEPS}", lambda x: x.denominator == 1 and 1 <= x <= MOST_STEPS, "2"),
)  # fmt: skip
def LocalSGD(H: Any = 2, **parts: Unpack[Parts]) -> Method:
    """Local SGD: each client takes H steps y_i' = y_i - eta C(g(y_i) + Z_i) from y_i = x, and then x' = mean_i y_i.

    Source: Stich 2019, arXiv 1805.09767. One step of the method stands for the time H eta. The only named regime is ballistic.

    Args:
        H: the number of local steps, from 1 to 32.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    steps = int(H) if str(H).isdigit() else 0
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput("local-sgd:H", H, f"a whole number from 1 to {MOST_STEPS}")
    update = ("y = x", *["y = y - eta*local(y)"] * steps, "x = mean(y)")
    return named("local-sgd", update, (regime(BALLISTIC, f"{steps}*eta"),), parts)


@optimiser("error-feedback", "what the compressor loses is sent later (Seide et al. 2014)")
def ErrorFeedback(**parts: Unpack[Parts]) -> Method:
    """Error feedback: y = e + G, e' = y - C(y), x' = x - eta C(y), with G uncompressed. Dimensionless.

    C is a contraction such as Top-k or the scaled sign. Since x - eta e moves as in SGD, the equation is to first order that of
    SGD. The only named regime is fixed. Sources: Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847.

    Args:
        compressor: the contraction C, required.
        regime, noise, clients, schedule: see `Parts`.

    Raises:
        BadInput: no compressor is given.
    """
    if parts.get("compressor") is None:
        raise BadInput("compressor", "nothing", "a compressor such as top-k:k=1, which error-feedback needs")
    update = ("y = e + raw", "c = C(y)", "e = y - c", "x = x - eta*c")
    return named("error-feedback", update, (fixed(),), parts, memory=("e",))

"""Methods made for communication: votes, local steps, error feedback."""

from __future__ import annotations

from typing import Any, Unpack

from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import BALLISTIC, Parts, fixed, named, optimiser, regime
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import Parameter, spec_of

#: most local steps
MOST_STEPS = 32


@optimiser("majority-vote", "the sign of the sum of the clients' signs (Bernstein et al. 2018)")
def MajorityVote(**parts: Unpack[Parts]) -> Method:
    """x' = x - eta sign(sum_i sign(g + Z_i)) (Bernstein et al. 2018, arXiv 1802.04434). Dimensionless.

    The sum of signs has the Poisson-binomial law of the votes: drift and covariance are exact for a number of clients.

    Args:
        regime: ballistic, or one's own; noise, clients, schedule: see `Parts`; the compressor is the sign.
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
    """H times y_i' = y_i - eta C(g(y_i) + Z_i) on each client from y_i = x, then x' = mean_i y_i (Stich 2019, arXiv 1805.09767).

    One step of the method stands for the time H eta.

    Args:
        H: the number of local steps; the others: see `Parts`.
    """
    steps = int(H) if str(H).isdigit() else 0
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput("local-sgd:H", H, f"a whole number from 1 to {MOST_STEPS}")
    update = ("y = x", *["y = y - eta*local(y)"] * steps, "x = mean(y)")
    return named("local-sgd", update, (regime(BALLISTIC, f"{steps}*eta"),), parts)


@optimiser("error-feedback", "what the compressor loses is sent later (Seide et al. 2014)")
def ErrorFeedback(**parts: Unpack[Parts]) -> Method:
    """y = e + G, e' = y - C(y), x' = x - eta C(y) (Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847). Dimensionless.

    G is not compressed; C is a contraction such as Top-k or the scaled sign. x - eta e moves as SGD does, so to first order the
    equation is that of SGD.

    Args:
        compressor: C; the others: see `Parts`.
    """
    if parts.get("compressor") is None:
        raise BadInput("compressor", "nothing", "a compressor such as top-k:k=1, which error-feedback needs")
    update = ("y = e + raw", "c = C(y)", "e = y - c", "x = x - eta*c")
    return named("error-feedback", update, (fixed(),), parts, memory=("e",))

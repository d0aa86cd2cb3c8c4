"""Methods made for communication: votes, local steps, error feedback."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.methods.compressors import Compressor, Sign
from derive.methods.distributed import Method
from derive.methods.noise import Law, Noise
from derive.methods.optimisers.named import BALLISTIC, fixed, named
from derive.methods.optimisers.named import regime as make
from derive.methods.schedules import Schedule
from derive.vocabulary.errors import BadInput
from derive.vocabulary.registry import Parameter, register, spec_of

#: most local steps
MOST_STEPS = 32


@register("method", "majority-vote", "the sign of the sum of the clients' signs (Bernstein et al. 2018)")
def MajorityVote(
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """x' = x - eta sign(sum_i sign(g + Z_i)) (Bernstein et al. 2018, arXiv 1802.04434). Dimensionless.

    The sum of signs has the Poisson-binomial law of the votes: drift and covariance are exact for a number of clients.

    Args:
        regime: ballistic, a `Regime` or {name: formula}.
        noise, clients, schedule: as for `Method`; the compressor is the sign.
    """
    if compressor is not None and not isinstance(compressor, Sign):
        raise BadInput("compressor", spec_of("compressor", compressor), "sign, the only compressor of majority-vote")
    return named(
        "majority-vote", ("x = x - eta*sign(G)",), (make(BALLISTIC),), compressor=Sign(), asked=regime,
        noise=noise, clients=clients, schedule=schedule,
    )  # fmt: skip


@register(
    "method", "local-sgd", "H steps of each client between averages (Stich 2019)",
    Parameter("H", f"a whole number from 1 to {MOST_STEPS}", lambda x: x.denominator == 1 and 1 <= x <= MOST_STEPS, "2"),
)  # fmt: skip
def LocalSGD(
    H: Any = 2,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """H times y_i' = y_i - eta C(g(y_i) + Z_i) on each client from y_i = x, then x' = mean_i y_i (Stich 2019, arXiv 1805.09767).

    One step of the method stands for the time H eta.

    Args:
        H: the number of local steps; the others: as for `MajorityVote`, with compressor.
    """
    steps = int(H) if str(H).isdigit() else 0
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput("local-sgd:H", H, f"a whole number from 1 to {MOST_STEPS}")
    update = ("y = x", *["y = y - eta*local(y)"] * steps, "x = mean(y)")
    return named(
        "local-sgd", update, (make(BALLISTIC, f"{steps}*eta"),), asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "error-feedback", "what the compressor loses is sent later (Seide et al. 2014)")
def ErrorFeedback(
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """y = e + G, e' = y - C(y), x' = x - eta C(y) (Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847). Dimensionless.

    G is not compressed; C is a contraction such as Top-k or the scaled sign. x - eta e moves as SGD does, so to first order the
    equation is that of SGD.

    Args:
        compressor: C; the others: as for `MajorityVote`.
    """
    if compressor is None:
        raise BadInput("compressor", "nothing", "a compressor such as top-k:k=1, which error-feedback needs")
    update = ("y = e + raw", "c = C(y)", "e = y - c", "x = x - eta*c")
    return named(
        "error-feedback", update, (fixed(),), memory={"e": 0}, compressor=compressor, asked=regime,
        noise=noise, clients=clients, schedule=schedule,
    )  # fmt: skip

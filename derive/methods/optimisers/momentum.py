"""Momentum, plain and in signs."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.methods.compressors import Compressor
from derive.methods.distributed import Method
from derive.methods.noise import Law, Noise
from derive.methods.optimisers.named import BALLISTIC, BATCH, fixed, fraction, named, size
from derive.methods.optimisers.named import regime as make
from derive.methods.schedules import Schedule
from derive.vocabulary.registry import register

#: small steps: v = sqrt(eta) V, damping mu, one step = sqrt(eta)
_SMALL = {"beta": "1 - mu*sqrt(eta)", "v": "sqrt(eta)*v"}
_VELOCITY = (
    make(BALLISTIC, "sqrt(eta)", **_SMALL),
    make(BATCH, "sqrt(eta)", **_SMALL, noise="1/eta^(1/4)"),
    fixed(v="eta*v"),
)


@register("method", "heavy-ball", "momentum v = beta v - eta G, x + v (Polyak 1964)", fraction("beta"))
def HeavyBall(
    beta: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """v' = beta v - eta G, x' = x + v' (Polyak 1964; Sutskever et al. 2013). Dimensionless.

    Regimes: ballistic (steps sqrt(eta), v = sqrt(eta) V, beta = 1 - mu sqrt(eta)), batch-equivalent (the same, noise of order
    eta^(-1/4)), fixed.

    Args:
        beta: a number in (0, 1), or None for the symbol; only in the regime fixed, where it is a constant.
        regime: a name, a `Regime` or {name: formula}.
        noise, clients, schedule, compressor: as for `Method`; no noise and no compression unless given.
    """
    update = ("v = beta*v - eta*G", "x = x + v")
    return named(
        "heavy-ball", update, _VELOCITY, memory={"v": 0}, fractions=("beta",), constants={"beta": beta}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "nesterov", "Nesterov's momentum: v = beta v - eta G, x + beta v - eta G (Nesterov 1983)", fraction("beta"))
def Nesterov(
    beta: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """v' = beta v - eta G, x' = x + beta v' - eta G (Nesterov 1983, in the form of Sutskever et al. 2013); as `HeavyBall`."""
    update = ("v = beta*v - eta*G", "x = x + beta*v - eta*G")
    return named(
        "nesterov", update, _VELOCITY, memory={"v": 0}, fractions=("beta",), constants={"beta": beta}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "ema-momentum", "averaged momentum: m = beta m + (1-beta) G, x - eta m", fraction("beta"), size("rho"))
def EMAMomentum(
    beta: Any = None,
    rho: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """m' = beta m + (1 - beta) G, x' = x - eta m' (an exponential moving average). Dimensionless.

    Regimes: ballistic (beta = 1 - rho eta), batch-equivalent (the same, noise of order eta^(-1/2)), fixed.

    Args:
        beta: only in the regime fixed; rho: only in the others; each a number or None for the symbol.
        the others: as for `HeavyBall`.
    """
    slow = {"beta": "1 - rho*eta"}
    regimes = (make(BALLISTIC, **slow), make(BATCH, **slow, noise="1/sqrt(eta)"), fixed())
    return named(
        "ema-momentum", ("m = beta*m + (1-beta)*G", "x = x - eta*m"), regimes, memory={"m": 0},
        fractions=("beta",), constants={"beta": beta, "rho": rho}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "signum", "signs of averaged momentum: x - eta sign(m) (Bernstein et al. 2018)", fraction("beta"), size("rho"))
def Signum(
    beta: Any = None,
    rho: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """m' = beta m + (1 - beta) G, x' = x - eta sign(m') (Bernstein et al. 2018, arXiv 1802.04434). Dimensionless.

    In the ballistic regime the drift -sign(m) is discontinuous and the noise acts on m alone: existence of a solution needs more
    than Lipschitz coefficients; without noise it is meant in the sense of Filippov. In the regime fixed the memory is averaged out
    by a Green-Kubo sum over arcsines (Gaussian noise).

    Args:
        beta, rho, the others: as for `EMAMomentum`; regimes ballistic and fixed.
    """
    regimes = (make(BALLISTIC, beta="1 - rho*eta"), fixed())
    return named(
        "signum", ("m = beta*m + (1-beta)*G", "x = x - eta*sign(m)"), regimes, memory={"m": 0},
        fractions=("beta",), constants={"beta": beta, "rho": rho}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register(
    "method", "lion", "signs of interpolated momentum with weight decay (Chen et al. 2023)",
    fraction("beta1"), fraction("beta2"), size("rho"), size("wd"),
)  # fmt: skip
def Lion(
    beta1: Any = None,
    beta2: Any = None,
    rho: Any = None,
    wd: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """x' = x - eta (sign(beta1 m + (1 - beta1) G) + wd x), m' = beta2 m + (1 - beta2) G (Chen et al. 2023, arXiv 2302.06675).

    Regimes: ballistic (beta2 = 1 - rho eta, beta1 constant), batch-equivalent (steps eta^2, noise of order 1/eta,
    beta2 = 1 - rho eta^2, wd = w eta), fixed.

    Args:
        beta1, beta2, rho, wd: numbers, or None for the symbols; beta2 only in the regime fixed.
        the others: as for `HeavyBall`.
    """
    regimes = (
        make(BALLISTIC, beta2="1 - rho*eta"),
        make(BATCH, "eta^2", beta2="1 - rho*eta^2", wd="w*eta", noise="1/eta"),
        fixed(),
    )
    update = ("x = x - eta*(sign(beta1*m + (1-beta1)*G) + wd*x)", "m = beta2*m + (1-beta2)*G")
    return named(
        "lion", update, regimes, memory={"m": 0},
        fractions=("beta1", "beta2"), constants={"beta1": beta1, "beta2": beta2, "rho": rho, "wd": wd}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip

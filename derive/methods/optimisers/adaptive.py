"""Adaptive methods: RMSprop and Adam, with and without decoupled weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derive.methods.compressors import Compressor
from derive.methods.distributed import Method
from derive.methods.noise import Law, Noise
from derive.methods.optimisers.named import BALLISTIC, BATCH, fixed, fraction, named, size
from derive.methods.optimisers.named import regime as make
from derive.methods.rules.regime import Regime
from derive.methods.schedules import Schedule
from derive.vocabulary.registry import register

#: the large noise makes v of order eta^-2 (Malladi et al. 2022)
_LARGE = {"v": "v/eta^2", "eps": "eps0/eta", "noise": "1/eta"}
_SECOND_MOMENT = "v = beta*v + (1-beta)*G^2"


def _rms(decay: bool) -> Sequence[Regime]:
    more = {"wd": "w*eta"} if decay else {}
    return (
        make(BALLISTIC, beta="1 - c*eta"),
        make(BATCH, "eta^2", beta="1 - c*eta^2", **_LARGE, **more),
        fixed(),
    )


def _adam(decay: bool) -> Sequence[Regime]:
    more = {"wd": "w*eta"} if decay else {}
    return (
        make(BALLISTIC, beta1="1 - rho1*eta", beta2="1 - rho2*eta"),
        make(BATCH, "eta^2", beta1="1 - c1*eta^2", beta2="1 - c2*eta^2", **_LARGE, **more),
        make("slow-v", beta2="1 - rho2*eta"),
        fixed(),
    )


@register("method", "rmsprop", "x - eta G/(sqrt(v) + eps), v the average of G^2 (Tieleman, Hinton 2012)", size("eps"), size("c"))
def RMSprop(
    eps: Any = None,
    c: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """v' = beta v + (1 - beta) G^2, x' = x - eta G/(sqrt(v') + eps) (Tieleman and Hinton 2012). Dimensionless.

    Regimes: ballistic (beta = 1 - c eta), batch-equivalent (steps eta^2, noise and eps of order 1/eta, v of order eta^-2,
    beta = 1 - c eta^2; Malladi et al. 2022, arXiv 2205.10287). v > 0 is needed where eps = 0.

    Args:
        eps, c: numbers, or None for the symbols (eps is a constant in the ballistic regime alone).
        regime: a name, a `Regime` or {name: formula}.
        noise, clients, schedule, compressor: as for `Method`; no noise and no compression unless given.
    """
    update = (_SECOND_MOMENT, "x = x - eta*G/(sqrt(v)+eps)")
    constants = {"eps": eps, "c": c}
    return named(
        "rmsprop", update, _rms(False), memory={"v": 0}, fractions=("beta",), constants=constants, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "rmspropw", "RMSprop with decoupled weight decay wd x", size("eps"), size("c"), size("wd"))
def RMSpropW(
    eps: Any = None,
    c: Any = None,
    wd: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """As `RMSprop`, x' = x - eta (G/(sqrt(v') + eps) + wd x) (decoupled weight decay: Loshchilov and Hutter 2019)."""
    update = (_SECOND_MOMENT, "x = x - eta*(G/(sqrt(v)+eps) + wd*x)")
    constants = {"eps": eps, "c": c, "wd": wd}
    return named(
        "rmspropw", update, _rms(True), memory={"v": 0}, fractions=("beta",), constants=constants, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


_MOMENTS = ("m = beta1*m + (1-beta1)*G", "v = beta2*v + (1-beta2)*G^2")
_STEP = "m/(1-beta1^k)/(sqrt(v/(1-beta2^k))+eps)"


@register(
    "method", "adam", "bias-corrected averages of G and G^2 (Kingma, Ba 2015)",
    fraction("beta1"), fraction("beta2"), size("eps"), size("rho1"), size("rho2"),
)  # fmt: skip
def Adam(
    beta1: Any = None,
    beta2: Any = None,
    eps: Any = None,
    rho1: Any = None,
    rho2: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """m' = beta1 m + (1 - beta1) G, v' = beta2 v + (1 - beta2) G^2, x' = x - eta mhat/(sqrt(vhat) + eps) (Kingma and Ba 2015).

    mhat = m'/(1 - beta1^k) and vhat = v'/(1 - beta2^k) in step k. Regimes: ballistic (beta_i = 1 - rho_i eta), batch-equivalent
    (steps eta^2, noise and eps of order 1/eta, v of order eta^-2, beta_i = 1 - c_i eta^2; Malladi et al. 2022), slow-v
    (beta1 constant and averaged out, beta2 = 1 - rho2 eta). At t = 0 the bias correction divides by 0: the SDE is for t > 0.

    Args:
        beta1, beta2, eps, rho1, rho2: numbers, or None for the symbols, where the regime leaves them.
        regime: a name, a `Regime` or {name: formula}.
        noise, clients, schedule, compressor: as for `Method`; no noise and no compression unless given.
    """
    constants = {"beta1": beta1, "beta2": beta2, "eps": eps, "rho1": rho1, "rho2": rho2}
    return named(
        "adam", (*_MOMENTS, f"x = x - eta*{_STEP}"), _adam(False), memory={"m": 0, "v": 0},
        fractions=("beta1", "beta2"), constants=constants, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register(
    "method", "adamw", "Adam with decoupled weight decay wd x (Loshchilov, Hutter 2019)",
    fraction("beta1"), fraction("beta2"), size("eps"), size("rho1"), size("rho2"), size("wd"),
)  # fmt: skip
def AdamW(
    beta1: Any = None,
    beta2: Any = None,
    eps: Any = None,
    rho1: Any = None,
    rho2: Any = None,
    wd: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """As `Adam`, x' = x - eta (mhat/(sqrt(vhat) + eps) + wd x) (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
    constants = {"beta1": beta1, "beta2": beta2, "eps": eps, "rho1": rho1, "rho2": rho2, "wd": wd}
    return named(
        "adamw", (*_MOMENTS, f"x = x - eta*({_STEP} + wd*x)"), _adam(True), memory={"m": 0, "v": 0},
        fractions=("beta1", "beta2"), constants=constants, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip

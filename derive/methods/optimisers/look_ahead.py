"""Gradients taken at another point: sharpness-aware steps, extragradient."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.methods.compressors import Compressor
from derive.methods.distributed import Method
from derive.methods.noise import Law, Noise
from derive.methods.optimisers.named import BALLISTIC, BATCH, named, size
from derive.methods.optimisers.named import regime as make
from derive.methods.schedules import Schedule
from derive.vocabulary.registry import register

_RADII = (make(BALLISTIC, rho="r*sqrt(eta)"), make("small-radius", rho="r*eta"))


@register("method", "sam", "the gradient at x + rho G/||G||, the same draw (Foret et al. 2021)", size("r"))
def SAM(
    r: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """x' = x - eta G(x + rho G/||G||) with the same draw (Foret et al. 2021, arXiv 2010.01412). Dimensionless.

    Regimes: ballistic (rho = r sqrt(eta); Monzio Compagnoni et al. 2023, arXiv 2301.08203), small-radius (rho = r eta). With noise
    the direction G/||G|| has no closed moments.

    Args:
        r: a number > 0, or None for the symbol.
        regime: a name, a `Regime` or {name: formula}.
        noise, clients, schedule, compressor: as for `Method`; no noise and no compression unless given.
    """
    return named(
        "sam", ("x = x - eta*G(x + rho*G/norm(G))",), _RADII, constants={"r": r}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "usam", "the gradient at x + rho G, the same draw (Andriushchenko, Flammarion 2022)", size("r"))
def USAM(
    r: Any = None,
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """x' = x - eta G(x + rho G) with the same draw (Andriushchenko and Flammarion 2022, arXiv 2206.06232); as `SAM`."""
    return named(
        "usam", ("x = x - eta*G(x + rho*G)",), _RADII, constants={"r": r}, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip


@register("method", "extragradient", "the gradient, with a new draw, at x - eta G (Korpelevich 1976)")
def Extragradient(
    regime: Any = None,
    noise: Noise | Law | None = None,
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule | None = None,
    compressor: Compressor | None = None,
) -> Method:
    """x' = x - eta G(x - eta G) with a new draw at the second point (Korpelevich 1976; Juditsky et al. 2011). Dimensionless.

    For games the gradient is the field of the players' gradients, whose Jacobian is not symmetric.

    Args:
        regime: ballistic, batch-equivalent, a `Regime` or {name: formula}; the others: as for `SAM`.
    """
    regimes = (make(BALLISTIC), make(BATCH, noise="1/sqrt(eta)"))
    return named(
        "extragradient", ("x = x - eta*fresh(x - eta*G)",), regimes, asked=regime,
        noise=noise, clients=clients, schedule=schedule, compressor=compressor,
    )  # fmt: skip

"""Gradients taken at another point: sharpness-aware steps, extragradient."""

from __future__ import annotations

from typing import Any

from derive.methods.distributed import Method
from derive.methods.optimisers.named import BALLISTIC, BATCH, named, size
from derive.methods.optimisers.named import regime as make
from derive.vocabulary.registry import register

_RADII = (make(BALLISTIC, rho="r*sqrt(eta)"), make("small-radius", rho="r*eta"))


@register("method", "sam", "the gradient at x + rho G/||G||, the same draw (Foret et al. 2021)", size("r"))
def SAM(r: Any = None, regime: Any = None, **more: Any) -> Method:
    """x' = x - eta G(x + rho G/||G||) with the same draw (Foret et al. 2021, arXiv 2010.01412). Dimensionless.

    Regimes: ballistic (rho = r sqrt(eta); Monzio Compagnoni et al. 2023, arXiv 2301.08203), small-radius (rho = r eta). With noise
    the direction G/||G|| has no closed moments.

    Args:
        r: a number > 0, or None for the symbol.
        regime: a name, a `Regime` or {name: formula}.
        more: noise, clients, schedule, compressor, as for `Method`.
    """
    return named("sam", ("x = x - eta*G(x + rho*G/norm(G))",), _RADII, constants={"r": r}, asked=regime, **more)


@register("method", "usam", "the gradient at x + rho G, the same draw (Andriushchenko, Flammarion 2022)", size("r"))
def USAM(r: Any = None, regime: Any = None, **more: Any) -> Method:
    """x' = x - eta G(x + rho G) with the same draw (Andriushchenko and Flammarion 2022, arXiv 2206.06232); as `SAM`."""
    return named("usam", ("x = x - eta*G(x + rho*G)",), _RADII, constants={"r": r}, asked=regime, **more)


@register("method", "extragradient", "the gradient, with a new draw, at x - eta G (Korpelevich 1976)")
def Extragradient(regime: Any = None, **more: Any) -> Method:
    """x' = x - eta G(x - eta G) with a new draw at the second point (Korpelevich 1976; Juditsky et al. 2011). Dimensionless.

    For games the gradient is the field of the players' gradients, whose Jacobian is not symmetric.

    Args:
        regime: ballistic, batch-equivalent, a `Regime` or {name: formula}; more: as for `SAM`.
    """
    regimes = (make(BALLISTIC), make(BATCH, noise="1/sqrt(eta)"))
    return named("extragradient", ("x = x - eta*fresh(x - eta*G)",), regimes, asked=regime, **more)

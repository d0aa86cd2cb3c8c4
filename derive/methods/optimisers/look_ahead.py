"""Gradients at another point: sharpness-aware steps and extragradient."""

from typing import Any, Unpack

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import Parts, named, optimiser, regime, size
from sdescent.derive.methods.rules.regime import BALLISTIC, BATCH

_RADII = (regime(BALLISTIC, rho="r*sqrt(eta)"), regime("small-radius", rho="r*eta"))


@optimiser("sam", "the gradient at x + rho G/||G||, the same draw (Foret et al. 2021)", size("r"))
def SAM(r: Any = None, **parts: Unpack[Parts]) -> Method:
    """SAM: x' = x - eta G(x + rho G/||G||), where both gradients use the same draw (Foret et al. 2021, arXiv 2010.01412).

    Regimes: ballistic (rho = r sqrt(eta); Monzio Compagnoni et al. 2023, arXiv 2301.08203); small-radius (rho = r eta). With noise,
    the moments of the direction G/||G|| have no closed form. Dimensionless.

    Args:
        r: a number > 0, or None for the symbol.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    return named("sam", ("x = x - eta*G(x + rho*G/norm(G))",), _RADII, parts, r=r)


@optimiser("usam", "the gradient at x + rho G, the same draw (Andriushchenko, Flammarion 2022)", size("r"))
def USAM(r: Any = None, **parts: Unpack[Parts]) -> Method:
    """Unnormalised SAM: x' = x - eta G(x + rho G) with the same draw (Andriushchenko and Flammarion 2022, arXiv 2206.06232).

    Regimes and arguments are as for `SAM`.
    """
    return named("usam", ("x = x - eta*G(x + rho*G)",), _RADII, parts, r=r)


@optimiser("extragradient", "the gradient, with a new draw, at x - eta G (Korpelevich 1976)")
def Extragradient(**parts: Unpack[Parts]) -> Method:
    """Extragradient: x' = x - eta G(x - eta G) with a new draw at the second point (Korpelevich 1976; Juditsky et al. 2011).

    For a game, the gradient is the field of the players' gradients, whose Jacobian is not symmetric. Regimes: ballistic;
    batch-equivalent (noise of order eta^(-1/2)). Dimensionless.

    Args:
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    regimes = (regime(BALLISTIC), regime(BATCH, noise="1/sqrt(eta)"))
    return named("extragradient", ("x = x - eta*fresh(x - eta*G)",), regimes, parts)

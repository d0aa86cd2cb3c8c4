"""Clipped, normalised and private steps, and gradients at another point: sharpness-aware steps and extragradient."""

from typing import Any, Unpack

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import Parts, named, optimiser, regime, size
from sdescent.derive.methods.rules.regime import BALLISTIC, BATCH

_ALONE = (regime(BALLISTIC),)


@optimiser("clipped", "each coordinate of G clipped at c", size("c"))
def Clipped(c: Any = None, **parts: Unpack[Parts]) -> Method:
    """SGD with coordinatewise clipping: x' = x - eta max(-c, min(c, G)). Dimensionless.

    Sources: Pascanu et al. 2013; Zhang et al. 2020, arXiv 1905.11881.

    Args:
        c: a number > 0, or None for the symbol.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    return named("clipped", ("x = x - eta*max(-c, min(c, G))",), _ALONE, parts, c=c)


@optimiser("norm-clipped", "G clipped to the norm c", size("c"))
def NormClipped(c: Any = None, **parts: Unpack[Parts]) -> Method:
    """SGD with clipping by norm: x' = x - eta min(1, c/||G||) G (Pascanu et al. 2013).

    With noise the moments have no closed form. Arguments are as for `Clipped`.
    """
    return named("norm-clipped", ("x = x - eta*min(1, c/norm(G))*G",), _ALONE, parts, c=c)


@optimiser("normalised", "x - eta G/||G||")
def NormalisedSGD(**parts: Unpack[Parts]) -> Method:
    """Normalised SGD: x' = x - eta G/||G|| (Hazan, Levy, Shalev-Shwartz 2015).

    With noise the moments have no closed form. Arguments: see `Parts`.
    """
    return named("normalised", ("x = x - eta*G/norm(G)",), _ALONE, parts)


@optimiser("dp", "Gaussian noise of scale kappa added after compression (Abadi et al. 2016)", size("kappa"))
def DP(kappa: Any = None, **parts: Unpack[Parts]) -> Method:
    """Differentially private SGD: x' = x - eta (G + kappa xi) with xi standard normal (Abadi et al. 2016, arXiv 1607.00133).

    The added noise increases the variance of each coordinate of G by kappa^2. The clipping of the original method is left
    to the compressor, such as sd.compressors.NormClip. The privacy guarantee is not computed. Regimes: ballistic;
    batch-equivalent (noise and kappa of order eta^(-1/2)).

    Args:
        kappa: a number > 0, or None for the symbol.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    regimes = (regime(BALLISTIC), regime(BATCH, noise="1/sqrt(eta)", kappa="kappa0/sqrt(eta)"))
    return named("dp", ("x = x - eta*(G + kappa*normal)",), regimes, parts, kappa=kappa)


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

"""Clipped, normalised and private steps of the server."""

from __future__ import annotations

from typing import Any, Unpack

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import BALLISTIC, BATCH, Parts, named, optimiser, regime, size

_ALONE = (regime(BALLISTIC),)


@optimiser("clipped", "each coordinate of G clipped at c", size("c"))
def Clipped(c: Any = None, **parts: Unpack[Parts]) -> Method:
    """x' = x - eta max(-c, min(c, G)) by coordinate (Pascanu et al. 2013; Zhang et al. 2020, arXiv 1905.11881). Dimensionless.

    Args:
        c: a number > 0, or None for the symbol.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    return named("clipped", ("x = x - eta*max(-c, min(c, G))",), _ALONE, parts, c=c)


@optimiser("norm-clipped", "G clipped to the norm c", size("c"))
def NormClipped(c: Any = None, **parts: Unpack[Parts]) -> Method:
    """x' = x - eta min(1, c/||G||) G (Pascanu et al. 2013); as `Clipped`. With noise the moments have no closed form."""
    return named("norm-clipped", ("x = x - eta*min(1, c/norm(G))*G",), _ALONE, parts, c=c)


@optimiser("normalised", "x - eta G/||G||")
def NormalisedSGD(**parts: Unpack[Parts]) -> Method:
    """x' = x - eta G/||G|| (Hazan, Levy, Shalev-Shwartz 2015); as `Clipped`. With noise the moments have no closed form."""
    return named("normalised", ("x = x - eta*G/norm(G)",), _ALONE, parts)


@optimiser("dp", "Gaussian noise of scale kappa added after compression (Abadi et al. 2016)", size("kappa"))
def DP(kappa: Any = None, **parts: Unpack[Parts]) -> Method:
    """x' = x - eta (G + kappa xi), xi standard normal (Abadi et al. 2016, arXiv 1607.00133): kappa^2 is added to the variance of G.

    The clipping of the original is the compressor. kappa^2 is accounted for by its variance alone; what privacy it buys is not
    computed here.

    Args:
        kappa: a number > 0, or None for the symbol; the others: see `Parts`.
    """
    regimes = (regime(BALLISTIC), regime(BATCH, noise="1/sqrt(eta)", kappa="kappa0/sqrt(eta)"))
    return named("dp", ("x = x - eta*(G + kappa*normal)",), regimes, parts, kappa=kappa)

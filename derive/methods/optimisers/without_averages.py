"""Update rules that average no gradients: clipped, normalised and private steps, gradients at another point, votes, local steps."""

from __future__ import annotations

from typing import Any, Unpack

from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import BALLISTIC, BATCH, Parts, fixed, named, optimiser, regime, size
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import Parameter, spec_of

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


# gradients at another point

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


# votes, local steps, error feedback

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

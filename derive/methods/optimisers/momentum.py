"""Methods with momentum, including sign-based ones, and adaptive methods: RMSprop and Adam, with and without weight decay."""

from collections.abc import Sequence
from typing import Any, Unpack

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import Parts, fixed, fraction, named, optimiser, regime, size
from sdescent.derive.methods.rules.regime import BALLISTIC, BATCH, Regime

#: one step stands for the time sqrt(eta): v = sqrt(eta) V, with damping mu
_SMALL = {"beta": "1 - mu*sqrt(eta)", "v": "sqrt(eta)*v"}
_VELOCITY = (
    regime(BALLISTIC, "sqrt(eta)", **_SMALL),
    regime(BATCH, "sqrt(eta)", **_SMALL, noise="1/eta^(1/4)"),
    fixed(v="eta*v"),
)
_AVERAGE = "m = beta*m + (1-beta)*G"


@optimiser("heavy-ball", "momentum v = beta v - eta G, x + v (Polyak 1964)", fraction("beta"))
def HeavyBall(beta: Any = None, **parts: Unpack[Parts]) -> Method:
    """Heavy-ball momentum: v' = beta v - eta G, x' = x + v' (Polyak 1964; Sutskever et al. 2013). Dimensionless.

    Regimes: ballistic (one step stands for the time sqrt(eta); v = sqrt(eta) V, beta = 1 - mu sqrt(eta)); batch-equivalent (the
    same with noise of order eta^(-1/4)); fixed (beta constant).

    Args:
        beta: a number in (0, 1), or None for the symbol; only for the regime fixed.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    update = ("v = beta*v - eta*G", "x = x + v")
    return named("heavy-ball", update, _VELOCITY, parts, memory=("v",), fractions=("beta",), beta=beta)


@optimiser("nesterov", "Nesterov's momentum: v = beta v - eta G, x + beta v - eta G (Nesterov 1983)", fraction("beta"))
def Nesterov(beta: Any = None, **parts: Unpack[Parts]) -> Method:
    """Nesterov's momentum: v' = beta v - eta G, x' = x + beta v' - eta G (Nesterov 1983; Sutskever et al. 2013).

    Regimes and arguments are as for `HeavyBall`.
    """
    update = ("v = beta*v - eta*G", "x = x + beta*v - eta*G")
    return named("nesterov", update, _VELOCITY, parts, memory=("v",), fractions=("beta",), beta=beta)


@optimiser("ema-momentum", "averaged momentum: m = beta m + (1-beta) G, x - eta m", fraction("beta"), size("rho"))
def EMAMomentum(beta: Any = None, rho: Any = None, **parts: Unpack[Parts]) -> Method:
    """Momentum as an exponential moving average: m' = beta m + (1 - beta) G, x' = x - eta m'. Dimensionless.

    Regimes: ballistic (beta = 1 - rho eta); batch-equivalent (the same with noise of order eta^(-1/2)); fixed (beta constant).

    Args:
        beta: a number in (0, 1), or None for the symbol; only for the regime fixed.
        rho: a number > 0, or None for the symbol; only for the other two regimes.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    slow = {"beta": "1 - rho*eta"}
    regimes = (regime(BALLISTIC, **slow), regime(BATCH, **slow, noise="1/sqrt(eta)"), fixed())
    update = (_AVERAGE, "x = x - eta*m")
    return named("ema-momentum", update, regimes, parts, memory=("m",), fractions=("beta",), beta=beta, rho=rho)


@optimiser(
    "signum", "signs of averaged momentum: x - eta sign(m) (Bernstein et al. 2018)", fraction("beta"), size("rho")
)
def Signum(beta: Any = None, rho: Any = None, **parts: Unpack[Parts]) -> Method:
    """Signum: m' = beta m + (1 - beta) G, x' = x - eta sign(m') (Bernstein et al. 2018, arXiv 1802.04434). Dimensionless.

    Regimes: ballistic (beta = 1 - rho eta); fixed (beta constant). In the ballistic regime the drift -sign(m) is discontinuous and
    the noise acts on m alone, so that the usual existence theorem for Lipschitz coefficients does not apply; without noise, a
    solution is meant in the sense of Filippov. In the regime fixed, the memory is averaged out by a Green-Kubo sum over arcsines
    (Gaussian noise).

    Args:
        beta, rho: as for `EMAMomentum`.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    regimes = (regime(BALLISTIC, beta="1 - rho*eta"), fixed())
    update = (_AVERAGE, "x = x - eta*sign(m)")
    return named("signum", update, regimes, parts, memory=("m",), fractions=("beta",), beta=beta, rho=rho)


@optimiser(
    "lion", "signs of interpolated momentum with weight decay (Chen et al. 2023)",
    fraction("beta1"), fraction("beta2"), size("rho"), size("wd"),
)  # fmt: skip
def Lion(beta1: Any = None, beta2: Any = None, rho: Any = None, wd: Any = None, **parts: Unpack[Parts]) -> Method:
    """Lion: x' = x - eta (sign(beta1 m + (1 - beta1) G) + wd x), m' = beta2 m + (1 - beta2) G. Dimensionless.

    Regimes: ballistic (beta2 = 1 - rho eta, beta1 constant); batch-equivalent (one step stands for the time eta^2; noise of order
    1/eta, beta2 = 1 - rho eta^2, wd = w eta); fixed. Source: Chen et al. 2023, arXiv 2302.06675.

    Args:
        beta1, beta2, rho, wd: numbers, or None for the symbols; beta2 only for the regime fixed, rho only for the other two.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    regimes = (
        regime(BALLISTIC, beta2="1 - rho*eta"),
        regime(BATCH, "eta^2", beta2="1 - rho*eta^2", wd="w*eta", noise="1/eta"),
        fixed(),
    )
    update = ("x = x - eta*(sign(beta1*m + (1-beta1)*G) + wd*x)", "m = beta2*m + (1-beta2)*G")
    constants = {"beta1": beta1, "beta2": beta2, "rho": rho, "wd": wd}
    return named("lion", update, regimes, parts, memory=("m",), fractions=("beta1", "beta2"), **constants)


#: substitutions for noise of order 1/eta, which makes v of order eta^-2 (Malladi et al. 2022)
_LARGE = {"v": "v/eta^2", "eps": "eps0/eta", "noise": "1/eta"}
_SECOND_MOMENT = "v = beta*v + (1-beta)*G^2"


def _rms(**more: str) -> Sequence[Regime]:
    return (regime(BALLISTIC, beta="1 - c*eta"), regime(BATCH, "eta^2", beta="1 - c*eta^2", **_LARGE, **more), fixed())


def _adam(**more: str) -> Sequence[Regime]:
    return (
        regime(BALLISTIC, beta1="1 - rho1*eta", beta2="1 - rho2*eta"),
        regime(BATCH, "eta^2", beta1="1 - c1*eta^2", beta2="1 - c2*eta^2", **_LARGE, **more),
        regime("slow-v", beta2="1 - rho2*eta"),
        fixed(),
    )


@optimiser("rmsprop", "x - eta G/(sqrt(v) + eps), v the average of G^2 (Tieleman, Hinton 2012)", size("eps"), size("c"))
def RMSprop(eps: Any = None, c: Any = None, **parts: Unpack[Parts]) -> Method:
    """RMSprop: v' = beta v + (1 - beta) G^2, x' = x - eta G/(sqrt(v') + eps) (Tieleman and Hinton 2012). Dimensionless.

    Regimes: ballistic (beta = 1 - c eta); batch-equivalent (one step stands for the time eta^2; noise and eps of order 1/eta, v of
    order eta^-2, beta = 1 - c eta^2; Malladi et al. 2022, arXiv 2205.10287); fixed. If eps = 0, v must be positive.

    Args:
        eps, c: numbers > 0, or None for the symbols. The batch-equivalent regime has no constant eps; the regime fixed has no c.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    update = (_SECOND_MOMENT, "x = x - eta*G/(sqrt(v)+eps)")
    return named("rmsprop", update, _rms(), parts, memory=("v",), fractions=("beta",), eps=eps, c=c)


@optimiser("rmspropw", "RMSprop with decoupled weight decay wd x", size("eps"), size("c"), size("wd"))
def RMSpropW(eps: Any = None, c: Any = None, wd: Any = None, **parts: Unpack[Parts]) -> Method:
    """RMSprop with decoupled weight decay (Loshchilov and Hutter 2019): x' = x - eta (G/(sqrt(v') + eps) + wd x).

    Everything else is as for `RMSprop`; in the batch-equivalent regime wd = w eta.
    """
    update = (_SECOND_MOMENT, "x = x - eta*(G/(sqrt(v)+eps) + wd*x)")
    return named("rmspropw", update, _rms(wd="w*eta"), parts, memory=("v",), fractions=("beta",), eps=eps, c=c, wd=wd)


_MOMENTS = ("m = beta1*m + (1-beta1)*G", "v = beta2*v + (1-beta2)*G^2")
_STEP = "m/(1-beta1^k)/(sqrt(v/(1-beta2^k))+eps)"


@optimiser(
    "adam", "bias-corrected averages of G and G^2 (Kingma, Ba 2015)",
    fraction("beta1"), fraction("beta2"), size("eps"), size("rho1"), size("rho2"),
)  # fmt: skip
def Adam(
    beta1: Any = None, beta2: Any = None, eps: Any = None, rho1: Any = None, rho2: Any = None, **parts: Unpack[Parts]
) -> Method:
    """Adam: x' = x - eta mhat/(sqrt(vhat) + eps) with the bias-corrected averages mhat of G and vhat of G^2 (Kingma and Ba 2015).

    m' = beta1 m + (1 - beta1) G, v' = beta2 v + (1 - beta2) G^2; in step k, mhat = m'/(1 - beta1^k) and vhat = v'/(1 - beta2^k).
    All is dimensionless.

    Regimes: ballistic (beta_i = 1 - rho_i eta); batch-equivalent (one step stands for the time eta^2; noise and eps of order 1/eta,
    v of order eta^-2, beta_i = 1 - c_i eta^2; Malladi et al. 2022); slow-v (beta2 = 1 - rho2 eta, beta1 constant, so that m is
    averaged out); fixed. The bias correction divides by 0 at t = 0: the SDE holds for t > 0.

    Args:
        beta1, beta2, eps, rho1, rho2: numbers, or None for the symbols; only constants that occur in the regime are accepted.
        regime, noise, clients, schedule, compressor: see `Parts`.
    """
    constants = {"beta1": beta1, "beta2": beta2, "eps": eps, "rho1": rho1, "rho2": rho2}
    update = (*_MOMENTS, f"x = x - eta*{_STEP}")
    return named("adam", update, _adam(), parts, memory=("m", "v"), fractions=("beta1", "beta2"), **constants)


@optimiser(
    "adamw", "Adam with decoupled weight decay wd x (Loshchilov, Hutter 2019)",
    fraction("beta1"), fraction("beta2"), size("eps"), size("rho1"), size("rho2"), size("wd"),
)  # fmt: skip
def AdamW(
    beta1: Any = None, beta2: Any = None, eps: Any = None, rho1: Any = None, rho2: Any = None, wd: Any = None,
    **parts: Unpack[Parts],
) -> Method:  # fmt: skip
    """AdamW, Adam with decoupled weight decay: x' = x - eta (mhat/(sqrt(vhat) + eps) + wd x).

    Source: Loshchilov and Hutter 2019, arXiv 1711.05101. Everything else is as for `Adam`; in the batch-equivalent regime
    wd = w eta.
    """
    constants = {"beta1": beta1, "beta2": beta2, "eps": eps, "rho1": rho1, "rho2": rho2, "wd": wd}
    update = (*_MOMENTS, f"x = x - eta*({_STEP} + wd*x)")
    return named(
        "adamw", update, _adam(wd="w*eta"), parts, memory=("m", "v"), fractions=("beta1", "beta2"), **constants
    )

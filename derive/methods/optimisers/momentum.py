"""Methods with momentum, including sign-based ones."""

from typing import Any, Unpack

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.optimisers.named import Parts, fixed, fraction, named, optimiser, regime, size
from sdescent.derive.methods.rules.regime import BALLISTIC, BATCH

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

"""SDEs stated for update rules, of known truth: right ones from the literature and the notes, and ones with one thing wrong each.

The right ones are written down from their sources, not from the engine: heavy ball to both orders and averaged momentum (notes on
methods with memory, 3), Malladi et al. 2022 for the batch-equivalent regime, Li, Tai, E 2017 for SGD, the arcsine sum for signs of
Gaussian sequences.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Cauchy, Gaussian, StudentT
from sdescent.derive.methods.optimisers import (
    DP,
    SAM,
    EMAMomentum,
    HeavyBall,
    Lion,
    NormClipped,
    RMSprop,
    Signum,
)

Formulas = Mapping[str, Any]
GAUSS = Gaussian()


@dataclass(frozen=True)
class Stated:
    """A stated equation and what is true of it.

    Args:
        name: of the case.
        method: makes the method.
        claim: arguments of `derive.audit`.
        verdict: the true one.
        terms: (where, matters, kind or factor) of what is wrong, each of which must be named.
        slow: whether it takes more than half a second.
    """

    name: str
    method: Callable[[], Method]
    claim: Formulas
    verdict: str = "AGREES"
    terms: tuple[tuple[str, int, str], ...] = ()
    slow: bool = False
    more: Formulas = field(default_factory=dict)


def _of(drift: Formulas, covariance: Formulas | None = None, **more: Any) -> Formulas:
    return {"drift": drift, **({} if covariance is None else {"covariance": covariance}), **more}


def _wrong(*terms: tuple[str, int, str]) -> dict[str, Any]:
    return {"verdict": "DIFFERS", "terms": terms}


def euler_maruyama() -> Method:
    """A step of length eta for dX = -grad f dt + sigma dW."""
    return Method(update=["x = x - eta*G + sqrt(eta)*sigma*normal"], regime={}, name="Euler-Maruyama")


def averaged_iterates() -> Method:
    """SGD with a slow average a of the iterates, on which x does not depend."""
    update = ["x = x - eta*G", "a = a + eta*(x - a)"]
    return Method(noise=GAUSS, memory={"a": 0}, update=update, regime={}, name="averaged iterates")


_HB1 = {"x": "v", "v": "-(mu*v + g)"}
_HB_NOISE = {"v v": "sqrt(eta)*sigma^2/N"}
_DELTA = {"delta": "sqrt(eta)"}
_HB2X = "(1 - delta*mu/2)*v - (delta/2)*g"
_HB2V = "-((mu + delta*mu^2/2)*v - delta/2*hess(v) + (1 + delta*mu/2)*g)"
_EMA = {"x": "-m", "m": "rho*(g - m)"}
_RMS = {"x": "-g/(sqrt(v)+eps)", "v": "c*(g^2 + sigma^2/N - v)"}
_RMS_NOISE = {"x x": "eta*sigma^2/N/(sqrt(v)+eps)^2"}
_RMS_BATCH = {"x": "-g/(sqrt(v)+eps0)", "v": "c*(sigma0^2/N - v)"}
_LION = {"w": "(beta1*m+(1-beta1)*g)/(sqrt(2)*sigma*(1-beta1))"}
_LION_DRIFT = {"x": "-erf(w) - wd*x", "m": "rho*(g - m)"}
_LION_NOISE = {"x x": "eta*(1-erf(w)^2)", "x m": "-eta*rho*sigma*sqrt(2/pi)*exp(-w^2)", "m m": "eta*rho^2*sigma^2"}
_SIGNS = "-erf(g*sqrt(N)/(sqrt(2)*sigma*sqrt((1-beta)/(1+beta))))"
_T3 = {"p": "2/pi*(atan(g/(sqrt(3)*sigma)) + g*sqrt(3)*sigma/(g^2+3*sigma^2))"}
_SGD_NOISE = {"x x": "eta*sigma^2/N"}
_RANDK = "eta*((d/k-1)*g^2 + d/k*sigma^2)"
_RANDK_PAIR = {"x x": "-eta*(d-k)/(k*(d-1))*g*other(g)"}


def _hb() -> Method:
    return HeavyBall(noise=GAUSS)


def _ema() -> Method:
    return EMAMomentum(noise=GAUSS)


def _rms(regime: str | None = None) -> Method:
    return RMSprop(noise=GAUSS, regime=regime)


CASES: tuple[Stated, ...] = (
    # right
    Stated("SGD, order 2", lambda: DSGD(GAUSS), _of({"x": "-g - eta/2*hess(g)"}, _SGD_NOISE, order=2)),
    Stated(
        "SGD, order 2, for one loss", lambda: DSGD(GAUSS), _of({"x": "-h1*x - eta/2*h1^2*x"}, _SGD_NOISE, order=2),
        more={"loss": Quadratic(), "dim": 1},
    ),
    Stated("heavy ball, order 2", _hb, _of({"x": _HB2X, "v": _HB2V}, _HB_NOISE, order=2, where=_DELTA)),
    Stated("heavy ball, a root", _hb, _of(_HB1, diffusion={"v": "eta^(1/4)*sigma/sqrt(N)"})),
    Stated("averaged momentum", _ema, _of(_EMA, {"m m": "eta*rho^2*sigma^2/N"})),
    Stated(
        "RMSprop, large noise", lambda: _rms("batch-equivalent"),
        _of(_RMS_BATCH, diffusion={"x": "sigma0/sqrt(N)/(sqrt(v)+eps0)"}), slow=True,
    ),
    Stated("signum", lambda: Signum(noise=GAUSS), _of({**_EMA, "x": "-sign(m)"}, {"m m": "eta*rho^2*sigma^2/N"})),
    Stated(
        "signum, fixed", lambda: Signum(noise=GAUSS, regime="fixed"),
        _of({"x": _SIGNS}, {"x x": "eta*(1 + 4/pi*series(asin(beta^l)))"}), slow=True,
    ),
    Stated("Lion", lambda: Lion(noise=GAUSS, clients=1), _of(_LION_DRIFT, _LION_NOISE, where=_LION), slow=True),
    Stated("private", lambda: DP(noise=GAUSS), _of({"x": "-g"}, diffusion={"x": ["sqrt(eta)*sigma/sqrt(N)", "sqrt(eta)*kappa"]})),
    Stated("SAM", SAM, _of({"x": "-g - sqrt(eta)*r*hess(g)/norm(g)"})),
    Stated("signs of Student t", lambda: DSignSGD(StudentT(3)), _of({"x": "-p"}, {"x x": "eta/N*(1-p^2)"}, where=_T3), slow=True),
    Stated("rand-k", lambda: DCSGD(RandK("k"), GAUSS, clients=1), _of({"x": "-g"}, {"x x": _RANDK}, pair=_RANDK_PAIR)),
    Stated(
        "Euler-Maruyama, order 2", euler_maruyama,
        _of({"x": "-g - eta/2*hess(g) + eta*sigma^2/4*third(1)"}, {"x x": "sigma^2*(1 + eta*hess(1))"}, order=2), slow=True,
    ),
    Stated(
        "Euler-Maruyama, order 2, x^4/4", euler_maruyama,
        _of({"x": "-x^3 - 3*eta/2*x^5 + 6*eta*sigma^2*x/4"}, {"x x": "sigma^2*(1 + 3*eta*x^2)"}, order=2),
        more={"loss": Quartic(), "dim": 1}, slow=True,
    ),
    # a term dropped
    Stated("noise overwritten by zeros", _hb, _of(_HB1, {"v v": "0"}), **_wrong(("covariance v v", 2, "missing"))),
    Stated(
        "heavy ball, no -delta g/2", _hb, _of({"x": "(1 - delta*mu/2)*v", "v": _HB2V}, _HB_NOISE, order=2, where=_DELTA),
        slow=True, **_wrong(("drift x", 2, "missing")),
    ),
    Stated("SAM, first order dropped", SAM, _of({"x": "-g"}), **_wrong(("drift x", 1, "missing"))),
    Stated(
        "rand-k, no covariance of two coordinates", lambda: DCSGD(RandK("k"), GAUSS, clients=1), _of({"x": "-g"}, {"x x": _RANDK}),
        **_wrong(("covariance x x at two coordinates", 2, "missing")),
    ),
    # a factor wrong
    Stated("averaged momentum, rho once", _ema, _of(_EMA, {"m m": "eta*rho*sigma^2/N"}), **_wrong(("covariance m m", 2, "1/rho"))),
    Stated(
        "third derivative -1 for 1/4", euler_maruyama,
        _of({"x": "-g - eta/2*hess(g) - eta*sigma^2*third(1)"}, {"x x": "sigma^2*(1 + eta*hess(1))"}, order=2),
        **_wrong(("drift x", 2, "-4")),
    ),
    Stated(
        "signum, fixed, no correlation", lambda: Signum(noise=GAUSS, regime="fixed"), _of({"x": _SIGNS}, {"x x": "eta"}),
        slow=True, **_wrong(("covariance x x", 2, "missing")),
    ),
    # the wrong regime
    Stated("heavy ball, large noise's formula", _hb, _of(_HB1, {"v v": "sigma0^2/N"}), **_wrong(("covariance v v", 1, "extra"))),
    Stated(
        "heavy ball, ballistic formulas for a fixed memory", lambda: HeavyBall(noise=GAUSS, regime="fixed"),
        _of(_HB1, _HB_NOISE), **_wrong(("drift v", 1, "extra"), ("drift x", 1, "missing")), slow=True,
    ),
    # a root instead of its square
    Stated(
        "heavy ball, the root as covariance", _hb,
        _of(_HB1, {"v v": "eta^(1/4)*sigma/sqrt(N)"}), **_wrong(("covariance v v", 1, "root")),
    ),
    Stated(
        "RMSprop, the covariance as root", _rms,
        _of(_RMS, diffusion={"x": _RMS_NOISE["x x"]}), slow=True, **_wrong(("covariance x x", 2, "square")),
    ),
    # a sign
    Stated("heavy ball, damping reversed", _hb, _of({"x": "v", "v": "mu*v - g"}, _HB_NOISE), **_wrong(("drift v", 1, "-1"))),
    # no such equation, or none that is known
    Stated("RMSprop without variance", lambda: RMSprop(noise=StudentT(2)), _of(_RMS, _RMS_NOISE), "NO SDE"),
    Stated("momentum without mean", lambda: EMAMomentum(noise=Cauchy()), _of(_EMA), "NO SDE"),
    Stated("signum, order 2", lambda: Signum(noise=GAUSS), _of({**_EMA, "x": "-sign(m)"}, order=2), "NO SDE"),
    Stated("clipped by the norm", lambda: NormClipped(noise=GAUSS), _of({"x": "-g"}), "UNDECIDED"),
)  # fmt: skip

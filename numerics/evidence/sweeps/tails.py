"""DSGD and DSignSGD on x^2/2 under stable noise of any index. The law of DSGD after n steps is a stable law (theory 3, 6.7).

x_{n+1} = (1 - eta) x_n - (eta/N) sum_i sigma Z_i with E exp(i t Z) = exp(-|t|^alpha). A sum of independent stable variables is
stable with the same index, so x_n = (1 - eta)^n x_0 + s_n S with a standardised S and s_n^alpha = N (eta sigma/N)^alpha sum_{k<n}
|1 - eta|^(k alpha). For alpha < 2 the loss of x_n has no mean; its quantiles, and the mean of min(f, c), follow from the law of S.
Dimensionless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
import sympy as sp

from sdescent.derive.methods.distributed import DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled, Stable
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.evidence.sweeps.signs import EDGE, lattice_spacing, on_lattices
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import nth_key
from sdescent.numerics.statistics.estimates import Estimate, check_chances, mean, proportion, quantile
from sdescent.numerics.without_sampling.line import padded

METHODS: Final = {"dsgd": DSGD, "dsignsgd": DSignSGD}
#: a path of DSGD may go this far without a blow-up, since its recursion is linear
FAR = 1e150
#: quadrature for E min(f, c): length of a panel in log r, nodes per panel; panels begin at e^-25 times the end
PANEL, NODES, DEPTH = 0.5, 16, 25.0
_POINTS = 256


@final
@dataclass(frozen=True)
class Setting:
    """The parameters common to all tail indices: step size, clients, scale of the noise, start, and number of steps."""

    eta: float
    N: int
    sigma: float
    x0: float
    steps: int

    @property
    def start(self) -> float:
        """The initial loss f(x_0)."""
        return self.x0**2 / 2


@lru_cache
def _sign_mean() -> Any:
    """The function (alpha, y) -> 2F(y) - 1 of the stable law on arrays, one compiled program for all indices."""
    alpha, y = parameter("alpha"), sp.Symbol("y", real=True)
    ready = jit(lower_function(Stable(alpha).sign_mean(y), [alpha, y]))

    def value(alpha: Any, y: Any) -> np.ndarray:
        a, z = (np.ravel(v) for v in np.broadcast_arrays(np.asarray(alpha, float), np.asarray(y, float)))
        parts = [slice(n, n + _POINTS) for n in range(0, len(a), _POINTS)]
        pieces = [np.asarray(ready(padded(a[p], _POINTS), padded(z[p], _POINTS)))[: len(a[p])] for p in parts]
        return np.concatenate(pieces).reshape(np.broadcast_shapes(np.shape(alpha), np.shape(y)))

    return value


def spread(alpha: Any, setting: Setting) -> np.ndarray:
    """The scale s_n of the module's docstring at the last step, for each alpha."""
    a = np.asarray(alpha, float)[..., None]
    powers = np.abs(1 - setting.eta) ** (a * np.arange(setting.steps))
    return (setting.N * (setting.eta * setting.sigma / setting.N) ** a[..., 0] * powers.sum(axis=-1)) ** (1 / a[..., 0])


def beyond(alpha: Any, r: Any, setting: Setting) -> np.ndarray:
    """The probability P(|x_n| > r) for DSGD at the last step and r >= 0; alpha and r broadcast."""
    law, s = _sign_mean(), spread(alpha, setting)
    centre = (1 - setting.eta) ** setting.steps * setting.x0
    # 2F - 1 is odd, so this is 1 - (F((r - m)/s) - F((-r - m)/s))
    return 1 - (law(alpha, (r - centre) / s) + law(alpha, (r + centre) / s)) / 2


def loss_quantile(alpha: Any, q: float, setting: Setting) -> np.ndarray:
    """The q-quantile of f(x_n) of DSGD at the last step, by bisection in log r. Raises BadInput if q is outside (0, 1)."""
    check_chances(q=q)
    a = np.asarray(alpha, float)
    low, high = np.full(a.shape, -80.0), np.full(a.shape, 80.0)
    for _ in range(48):
        middle = (low + high) / 2
        above = beyond(a, np.exp(middle), setting) < 1 - q
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.exp(low + high) / 2


def capped_mean(alpha: float, caps: Any, setting: Setting) -> np.ndarray:
    """The mean E min(f(x_n), c) for DSGD at the last step and each c > 0: int_0^r P(|x| > y) y dy with c = r^2/2."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    starts = np.arange(-DEPTH, 0, PANEL)
    log = (starts[:, None] + PANEL * (1 + nodes) / 2).ravel()
    r = np.sqrt(2 * np.asarray(caps, float))[..., None] * np.exp(log)
    return (beyond(alpha, r, setting) * r**2) @ np.tile(PANEL / 2 * weights, len(starts))


def sign_mean_loss(alpha: float, setting: Setting) -> float:
    """The stationary E f of DSignSGD, from a chain on a lattice (`signs`). Raises BadInput if the index is too small for it."""
    law = _sign_mean()
    expected = np.sqrt(setting.eta * setting.sigma / setting.N)
    value, _, edge = on_lattices(lambda y: law(alpha, y), setting.eta, setting.sigma, 1.0, setting.N, expected)
    if not edge < EDGE:
        raise BadInput("alpha", alpha, "an index whose stationary law fits on the lattice")
    return value / 2


@final
@dataclass(frozen=True)
class Tail:
    """Losses f(x_n) of independent paths of "dsgd" or "dsignsgd" after the last step, (A, paths) for the indices alpha, (A,)."""

    kind: str
    alpha: np.ndarray
    loss: np.ndarray
    setting: Setting

    def quantiles(self, q: float, level: float = 0.95) -> list[Estimate]:
        """The q-quantile for each index, with an interval that is valid for every law."""
        return [quantile(row, q, level) for row in self.loss]

    def shares(self, losses: Any, level: float = 0.95) -> list[Estimate]:
        """The probability P(f <= losses[n]) at the n-th index, with an interval that is valid for every law."""
        counts = [int(np.sum(row <= end)) for row, end in zip(self.loss, losses, strict=True)]
        return [proportion(count, self.loss.shape[1], level) for count in counts]

    def means(self, cap: float = np.inf, level: float = 0.95) -> list[Estimate]:
        """The mean of min(f, cap) for each index."""
        return [mean(np.minimum(row, cap), level) for row in self.loss]


def method(kind: str, N: int) -> Method:
    """DSGD or DSignSGD with stable noise, with alpha and sigma as symbols. Raises BadInput for an unknown kind."""
    if kind not in METHODS:
        raise unknown_name("kind", kind, METHODS)
    return METHODS[kind](Scaled(Stable("alpha")), N)


def tail(kind: str, alphas: Sequence[float], setting: Setting, paths: int, seed: int = 0) -> Tail:
    """`Tail` of a kind. DSignSGD starts uniformly within half a lattice spacing of x_0, so that all lattices are equally likely."""
    spacing = lattice_spacing(setting.eta, setting.N) if kind == "dsignsgd" else 0.0
    starts = setting.x0 + spacing * (np.random.default_rng(seed).uniform(size=(1, len(alphas) * paths)) - 0.5)
    end = setting.steps * setting.eta
    ensemble = run(
        method(kind, setting.N), starts, end, key=nth_key(seed, list(METHODS).index(kind)), loss=Quadratic(1),
        params={"eta": setting.eta, "sigma": setting.sigma}, save=[end], bound=FAR, varied={"alpha": np.repeat(alphas, paths)},
    )  # fmt: skip
    return Tail(kind, np.asarray(alphas, float), ensemble.values["loss"][-1].reshape(len(alphas), paths), setting)

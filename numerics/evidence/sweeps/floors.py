"""The floor of the methods on x^2/2: settled runs compared with exact stationary moments, over clients and step sizes.

The exact E f = (1/2) E x^2 of the method's own stationary law comes from a linear equation for D(C)SGD
(`sdescent.derive.equations.process.stationary`, theory 5.4, 6.7), and from a chain on a lattice for DSignSGD (`signs`).
Everything is dimensionless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.methods.distributed import DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled, StudentT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.evidence.checks.formulas import Numbers, clients, conclusion, paths, symbols
from sdescent.numerics.evidence.checks.points import number_at
from sdescent.numerics.evidence.sweeps.quadratic import METHOD, compressed, fixed_point, growth, keep
from sdescent.numerics.evidence.sweeps.signs import density_at_zero, lattice_spacing, sign_stationary
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import nth_key
from sdescent.numerics.statistics.estimates import Estimate, mean

#: number of relaxation times of E x^2 until a run has settled, and of saved times after that, one relaxation time apart
BURN, SAVES = 20, 8
#: the level of each interval in a figure or table, and the joint level of a verdict, which is wrong by chance once in a thousand
LEVEL, SURE = 0.95, 0.999


@final
@dataclass(frozen=True)
class Affine:
    """Gaussian noise of variance sigma0^2 + sigma1^2 G^2 and a Bernoulli sparsifier of ratio omega; DSGD by default."""

    sigma0: float
    sigma1: float = 0.0
    omega: float = 0.0


@final
@dataclass(frozen=True)
class Floor:
    """The stationary loss of a method: f for each of the paths, averaged over the saved times, and E f of the stationary law."""

    kind: str
    eta: float
    N: int
    losses: np.ndarray
    exact: float

    def estimate(self, level: float = LEVEL) -> Estimate:
        """The mean of f over paths."""
        return mean(self.losses, level)


@final
@dataclass(frozen=True)
class Slope:
    """The slope of log E f in log N by weighted least squares, its half-width (delta method), and that of the exact floors."""

    value: float
    half: float
    exact: float


def unbiased(
    kinds: Mapping[str, Affine], eta: float, N: int, count: int, seed: int = 0, place: int = 0
) -> dict[str, Floor]:
    """`Floor` of D(C)SGD by name of noise and compression (DSGD without any and constant variance), in one run, independent draws.

    `count` paths of each kind; `seed` and `place` select the draws. BadInput for a step size at which E x^2 does not converge.
    """
    exact = {name: floor_of(eta, N, kind) for name, kind in kinds.items()}
    rate = min(-float(growth(METHOD, eta, kind.omega, kind.sigma1, N)) for kind in kinds.values())
    each = {
        "p": [float(keep(kind.omega)) for kind in kinds.values()], "sigma0": [kind.sigma0 for kind in kinds.values()],
        "sigma1": [kind.sigma1 for kind in kinds.values()],
    }  # fmt: skip
    varied = {name: np.repeat(values, count) for name, values in each.items()}
    starts = np.zeros((1, len(kinds) * count))
    losses = _settled(compressed(N), starts, eta, rate, {}, varied, nth_key(seed, place)).reshape(len(kinds), count)
    return {name: Floor(name, eta, N, row, exact[name]) for name, row in zip(kinds, losses, strict=True)}


def floor_of(eta: float, N: int, kind: Affine) -> float:
    """The exact E f of D(C)SGD. Raises BadInput for a step size at which E x^2 does not converge."""
    if not growth(METHOD, eta, kind.omega, kind.sigma1, N) < 0:
        raise BadInput("eta", eta, "a step size below the threshold")
    at = {"eta": eta, "p": float(keep(kind.omega)), "sigma0": kind.sigma0, "sigma1": kind.sigma1, "lambda": 1.0}
    return number_at(fixed_point(METHOD), {**at, "N": float(N)}) / 2


def floor_of_signs(nu: float, eta: float, N: int) -> float:
    """The exact E f of DSignSGD with Student's t noise of scale 1."""
    return sign_stationary(nu, eta, N=N).value / 2


def signs(nu: float, eta: float, N: int, count: int, seed: int = 0, place: int = 0) -> Floor:
    """`Floor` of DSignSGD with Student's t noise of scale 1; seed and place as for `unbiased`."""
    exact = floor_of_signs(nu, eta, N)
    # starts are uniform over whole spacings, about as wide as the law, so that all lattices are equally likely
    spacing = lattice_spacing(eta, N)
    wide = spacing * np.ceil(np.sqrt(6 * exact) / spacing)
    starts = np.random.default_rng([seed, place]).uniform(-wide, wide, size=(1, count))
    rate = 2 * eta * 2 * density_at_zero(nu)  # the rate of E x^2 near the optimum, where the mean of a sign is 2 M x
    # nu is a symbol, so that runs with different nu share one program
    method = DSignSGD(Scaled(StudentT("nu")), N)
    varied = {"nu": np.full(count, float(nu))}
    losses = _settled(method, starts, eta, rate, {"sigma": 1.0}, varied, nth_key(seed, place))
    return Floor("dsignsgd", eta, N, losses, exact)


def _settled(
    method: Method, starts: np.ndarray, eta: float, rate: float, params: Mapping[str, float], varied: Mapping[str, Any], key: Any
) -> np.ndarray:  # fmt: skip
    """The loss f of each path, averaged over times an odd number of steps apart: for odd N two classes of points alternate."""
    apart = int(np.ceil(1 / rate)) // 2 * 2 + 1
    steps = (BURN + np.arange(SAVES)) * apart
    ensemble = run(
        method, starts, float(steps[-1]) * eta, key=key, params={"eta": eta, **params}, loss=Quadratic(1), save=steps * eta,
        varied=varied,
    )  # fmt: skip
    return ensemble.values["loss"].mean(axis=0)


def stall_line(nu: float, eta: float, N: int) -> float:
    """The E x^2 of the catalogue's own formula (6.7-sign), for equal scales 1 and h = 1."""
    values = symbols(paths, eta=eta, N=N, M=density_at_zero(nu), h=1.0, x=0.0) | symbols(clients, sigma=np.ones(N))
    _, right = Numbers(values, size=(N, 1, 1, 1)).sides(conclusion("6.7-sign"))
    return float(right.item())


def slope(floors: Sequence[Floor], level: float = LEVEL) -> Slope:
    """The slope of log E f against log N, with an interval. Raises BadInput for one number of clients, or a floor <= 0."""
    estimates = [f.estimate(level) for f in floors]
    if len({f.N for f in floors}) < 2 or not all(e.lower > 0 for e in estimates):
        raise BadInput("floors", len(floors), "floors > 0 at two or more numbers of clients")
    # the half-widths of the logarithms
    halves = np.array([(e.upper - e.lower) / 2 / e.value for e in estimates])
    logs, weights = np.log([f.N for f in floors]), halves**-2
    centred = logs - np.average(logs, weights=weights)
    fit = weights * centred / np.sum(weights * centred**2)
    value, exact = (float(fit @ np.log(v)) for v in ([e.value for e in estimates], [f.exact for f in floors]))
    return Slope(value, float(np.sqrt(np.sum((fit * halves) ** 2))), exact)


def joint(count: int, level: float = SURE) -> float:
    """The level at which each of `count` intervals must hold so that all hold with probability `level` (Bonferroni)."""
    return 1 - (1 - level) / max(count, 1)

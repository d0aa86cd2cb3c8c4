"""How the cost grows with the dimension, the number of paths, steps and clients: slopes of log time against log size."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

import sdescent as sd
from benchmarks import cases
from benchmarks.measure import QUICK, SPAN, seconds
from benchmarks.peers import Work
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD
from sdescent.numerics.simulate.method import run


@final
@dataclass(frozen=True)
class Scaling:
    """Median seconds at each size, and the slope over the sizes that take ten times the least of all, past the fixed cost."""

    name: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]
    slope: float

    @property
    def reached(self) -> bool:
        """Whether the cost is proportional to the size: a slope of 1 +- 0.1."""
        return abs(self.slope - 1) <= 0.1

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "reached": self.reached}


def _clients(number: int) -> Work:
    method = DCSGD(RandK(10), sd.noise.Scaled(sd.noise.Laplace(), "1/2"), clients=number)
    return lambda: run(method, np.ones(100), 0.2, 256, 1, {"eta": 0.01}, sd.losses.Quadratic(1), 2)


_SIZES: dict[str, tuple[list[int], Callable[[int], Work]]] = {
    "dimension": ([10, 100, 1000, 10_000, 100_000], lambda d: cases.rand_k(d, 64, 50)),
    "paths": (
        [1000, 10_000, 100_000, 1_000_000, 10_000_000],
        lambda p: cases.quartic("first-order", "float64", p, 100),
    ),
    "steps": ([100, 1000, 10_000, 100_000], lambda n: cases.quartic("first-order", "float64", 10_000, n)),
    "clients": ([16, 64, 256, 1024], _clients),
}


def scalings(repetitions: int, quick: bool = False) -> list[Scaling]:
    """One for each of dimension, paths, steps and clients; without the largest size if quick."""
    rows = []
    for name, (all_sizes, make) in _SIZES.items():
        sizes = all_sizes[:-1] if quick else all_sizes
        durations = seconds({str(n): make(n) for n in sizes}, repetitions, span=QUICK if quick else SPAN)
        medians = [float(np.median(durations[str(n)])) for n in sizes]
        past = [n for n, t in zip(sizes, medians, strict=True) if t > 10 * medians[0]]
        past = past if len(past) > 1 else sizes[-2:]
        medians_before = [medians[sizes.index(n)] for n in past]
        slope = float(np.polyfit(np.log(past), np.log(medians_before), 1)[0])
        rows.append(Scaling(name, tuple(map(float, sizes)), tuple(medians), slope))
    return rows

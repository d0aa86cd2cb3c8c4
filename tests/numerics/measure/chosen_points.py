"""Points of a run whose numbers are chosen, and the answer of a measurement that has them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.toml_file import MEASUREMENT_FORMAT
from sdescent.numerics.measure.assumptions import Setting, of_catalogue
from sdescent.numerics.measure.forecast import Forecast, Prediction
from sdescent.numerics.measure.growth import fits
from sdescent.numerics.measure.points import Layer, Point, Signs
from sdescent.numerics.statistics.estimates import Estimate

G = [3.0, 2.0, 1.5, 1.0, 0.5]


def points(
    curvature: Callable[[float], float],
    trace: Callable[[float], float] = lambda g: 8.0 + 4 * g**2,
    symmetric: bool = True,
) -> list[Point]:
    """Points with gradients G at steps 0, 10, .. and loss g^2/2 (PL with mu = 1 and f* = 0)."""
    listed = []
    for n, g in enumerate(G):
        size = trace(g)
        signs = Signs(1000, 5, 0.0 if symmetric else 0.3, symmetric, 0.0, 1.0, g / 2, (2.0, 2.0, 2.0))
        listed.append(Point(
            10 * n, g**2 / 2, g, Estimate(size, size, size, 0.95, 9, 0, ""), True, (1.0,), 2.0, (Layer("['w_1']", size),),
            curvature(g), 0.0, signs, None, None, None, (), None,
        ))  # fmt: skip
    return listed


def setting(**changes: Any) -> Setting:
    method = problem({"method": changes.pop("method", "dsgd"), "clients": 2}).method
    return replace(Setting(method, 4, 5, 0.0, 0.01, [0.01] * 5, 0.0, {}), **changes)


def answer() -> dict[str, Any]:
    """What `sdescent measure` writes for such points."""
    listed = points(lambda g: 1 + 2 * g, symmetric=False)
    numbers = zip(*((p.gradient, p.trace.value, p.hessian) for p in listed), strict=True)
    one = Estimate(1.0, 0.9, 1.1, 0.95, 16, 0, "")
    predictions = (
        Prediction(1, "run", one),
        Prediction(1, "gauss", one),
        Prediction(1, "quadratic", None, "eta ||H|| = 3"),
        Prediction(
            40, "quadratic", one, "Gaussian noise gives -0.9 [-1, -0.8], at the level 0.9958, more, which excludes 0"
        ),
    )
    settings = {
        "method": {"method": "dsgd"},
        "clients": 2,
        "batch": 4,
        "eta": "1/100",
        "steps": 40,
        "sampling": "with-replacement",
    }
    population = {
        "n": 9, "d": 5, "units": 9, "all_examples": True, "curvature_units": 9, "curvature_of_all": True,
        "omega": 0.0,
    }  # fmt: skip
    return {
        "format": MEASUREMENT_FORMAT, "settings": settings,
        "population": population, "blown_up_by": None, "points": [p.to_dict() for p in listed],
        "fits": fits(*(np.array(v) for v in numbers)).to_dict(), 
        "forecast": [Forecast(0, 16, predictions, one, None).to_dict()],
        "assumptions": [j.to_dict() for j in of_catalogue(listed, setting(eta=0.5, rates=[0.5] * 5))],
        "grid": None, "context": {}, "figures": [],
    }  # fmt: skip

"""Numerical side: lowering to JAX, ensembles of SDEs, the discrete methods themselves, estimates, real data.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# A name that is also a module's (diffusion, environment, landscape, weak_order) is imported from its module.
_HOME = {
    "numerics.lower": ["LoweringError", "lower_coordinate", "lower_all", "lower_function"],
    "numerics.environment": ["Environment"],
    "numerics.landscape": ["Landscape"],
    "numerics.random": ["sample_law", "sample_noise", "compress"],
    "numerics.quantiles": ["quantile_function"],
    "numerics.expect": ["NoiseIntegral", "doubling_error"],
    "numerics.diffusion": ["Diffusion"],
    "numerics.ensembles": ["solve"],
    "numerics.optimizers": ["run"],
    "numerics.line": ["Value"],
    "numerics.transition": ["discrete_mean"],
    "numerics.backward": ["model_mean"],
    "numerics.moments": ["discrete_moment", "model_moment"],
    "numerics.weak_order": ["Slope", "WeakOrder", "SampledWeakOrder", "weak_order_sampled"],
    "numerics.runs": ["Ensemble", "save_grid"],
    "numerics.estimates": [
        "Estimate",
        "Band",
        "Series",
        "mean",
        "quantile",
        "band",
        "proportion",
        "difference",
        "over_time",
    ],
    "numerics.sequential": ["BoundedMean", "FiniteVariance", "Proportion", "Looks", "spent"],
    "numerics.verdicts": ["Verdict", "Decision", "judge", "decide"],
    "numerics.verify": ["Verified"],
}
_WHERE = {name: home for home, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'numerics' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_WHERE)

"""Numerical side: lowering to JAX, ensembles of SDEs, the discrete methods themselves, estimates, real data.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from derive.vocabulary.faces import face

_FORMER = {
    "_jax": "numerics.backend.double",
    "environment": "numerics.lowering.environment",
    "landscape": "numerics.lowering.landscape",
    "lower": "numerics.lowering.to_jax",
    "scalars": "numerics.lowering.scalars",
    "random": "numerics.laws.samplers",
    "quantiles": "numerics.laws.quantiles",
    "diffusion": "numerics.simulate.roots",
    "ensembles": "numerics.simulate.equation",
    "expect": "numerics.simulate.noise_integrals",
    "optimizers": "numerics.simulate.method",
    "runs": "numerics.simulate.runs",
    "backward": "numerics.without_sampling.backward",
    "line": "numerics.without_sampling.line",
    "moments": "numerics.without_sampling.closed_moments",
    "transition": "numerics.without_sampling.transition",
    "estimates": "numerics.statistics.estimates",
    "sequential": "numerics.statistics.sequential",
    "verdicts": "numerics.statistics.verdicts",
    "verify": "numerics.evidence.verify",
    "weak_order": "numerics.evidence.weak_order",
}
# A name that is also a module's (environment, landscape, weak_order, ..) is imported from its module.
__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "numerics.lowering.to_jax": ["LoweringError", "lower_coordinate", "lower_all", "lower_function"],
        "numerics.lowering.environment": ["Environment"],
        "numerics.lowering.landscape": ["Landscape"],
        "numerics.laws.samplers": ["sample_law", "sample_noise", "compress"],
        "numerics.laws.quantiles": ["quantile_function"],
        "numerics.simulate.noise_integrals": ["NoiseIntegral", "doubling_error"],
        "numerics.simulate.roots": ["Diffusion"],
        "numerics.simulate.equation": ["solve"],
        "numerics.simulate.method": ["run"],
        "numerics.without_sampling.line": ["Value"],
        "numerics.without_sampling.transition": ["discrete_mean"],
        "numerics.without_sampling.backward": ["model_mean"],
        "numerics.without_sampling.closed_moments": ["discrete_moment", "model_moment"],
        "numerics.evidence.weak_order": ["Slope", "WeakOrder", "SampledWeakOrder", "weak_order_sampled"],
        "numerics.simulate.runs": ["Ensemble", "save_grid"],
        "numerics.statistics.estimates": [
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
        "numerics.statistics.sequential": ["BoundedMean", "FiniteVariance", "Proportion", "Looks", "spent"],
        "numerics.statistics.verdicts": ["BoundVerdict", "Decision", "Verdict", "judge", "decide"],
        "numerics.evidence.verify": ["Verified"],
    },
    _FORMER,
)

"""Numerical side: lowering to JAX, ensembles of SDEs, the discrete methods themselves, estimates, real data.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.vocabulary.verdicts import Verdict as Verdict
    from numerics.evidence.verify import Verified as Verified
    from numerics.evidence.weak_order import SampledWeakOrder as SampledWeakOrder
    from numerics.evidence.weak_order import Slope as Slope
    from numerics.evidence.weak_order import WeakOrder as WeakOrder
    from numerics.evidence.weak_order import weak_order_sampled as weak_order_sampled
    from numerics.laws.samplers import compress as compress
    from numerics.laws.samplers import sample_law as sample_law
    from numerics.laws.samplers import sample_noise as sample_noise
    from numerics.laws.standardised import quantile_function as quantile_function
    from numerics.lowering.environment import Environment as Environment
    from numerics.lowering.landscape import Landscape as Landscape
    from numerics.lowering.tape import LoweringError as LoweringError
    from numerics.lowering.to_jax import lower_all as lower_all
    from numerics.lowering.to_jax import lower_coordinate as lower_coordinate
    from numerics.lowering.to_jax import lower_function as lower_function
    from numerics.simulate.equation import solve as solve
    from numerics.simulate.method import run as run
    from numerics.simulate.noise_integrals import NoiseIntegral as NoiseIntegral
    from numerics.simulate.noise_integrals import doubling_error as doubling_error
    from numerics.simulate.roots import Diffusion as Diffusion
    from numerics.simulate.runs import Ensemble as Ensemble
    from numerics.simulate.runs import save_grid as save_grid
    from numerics.statistics.estimates import Band as Band
    from numerics.statistics.estimates import Estimate as Estimate
    from numerics.statistics.estimates import Series as Series
    from numerics.statistics.estimates import band as band
    from numerics.statistics.estimates import difference as difference
    from numerics.statistics.estimates import mean as mean
    from numerics.statistics.estimates import over_time as over_time
    from numerics.statistics.estimates import proportion as proportion
    from numerics.statistics.estimates import quantile as quantile
    from numerics.statistics.sequential import BoundedMean as BoundedMean
    from numerics.statistics.sequential import FiniteVariance as FiniteVariance
    from numerics.statistics.sequential import Looks as Looks
    from numerics.statistics.sequential import Proportion as Proportion
    from numerics.statistics.sequential import spent as spent
    from numerics.statistics.verdicts import Decision as Decision
    from numerics.statistics.verdicts import decide as decide
    from numerics.statistics.verdicts import judge as judge
    from numerics.without_sampling.backward import model_mean as model_mean
    from numerics.without_sampling.closed_moments import discrete_moment as discrete_moment
    from numerics.without_sampling.closed_moments import model_moment as model_moment
    from numerics.without_sampling.line import Value as Value
    from numerics.without_sampling.transition import discrete_mean as discrete_mean

_FORMER = {
    "_jax": "numerics.backend.double",
    "environment": "numerics.lowering.environment",
    "landscape": "numerics.lowering.landscape",
    "lower": "numerics.lowering.to_jax",
    "scalars": "numerics.lowering.scalars",
    "random": "numerics.laws.samplers",
    "quantiles": "numerics.laws.standardised",
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
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    # A name that is also a module's (environment, landscape, weak_order, ..) is imported from its module.
    __getattr__, __dir__, __all__ = face(
        __name__,
        {
            "numerics.lowering.tape": ["LoweringError"],
            "numerics.lowering.to_jax": ["lower_coordinate", "lower_all", "lower_function"],
            "numerics.lowering.environment": ["Environment"],
            "numerics.lowering.landscape": ["Landscape"],
            "numerics.laws.samplers": ["sample_law", "sample_noise", "compress"],
            "numerics.laws.standardised": ["quantile_function"],
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
            "derive.vocabulary.verdicts": ["Verdict"],
            "numerics.statistics.verdicts": ["Decision", "judge", "decide"],
            "numerics.evidence.verify": ["Verified"],
        },
        _FORMER,
    )

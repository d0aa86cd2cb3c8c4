"""A measurement along a run, in pieces that can be stored: stretches of the run, points, forecasts, the grid of step sizes."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, final

import numpy as np

from sdescent.derive.methods.compressors import Identity, Sign, Unbiased
from sdescent.derive.methods.compressors.base import omega_of
from sdescent.derive.reading.measurements import Measurement
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure import forecast as fc
from sdescent.numerics.measure.model import Model
from sdescent.numerics.measure.points import Point, client_gradients, curvature, measure, ritz_of
from sdescent.numerics.measure.primitives import Population, batch_groups, chosen_groups
from sdescent.numerics.measure.runs import SHUFFLED, Runs, State
from sdescent.numerics.statistics.estimates import difference, mean
from sdescent.numerics.statistics.record import plain

#: batches that are measured if the loss is no mean over examples
BATCHES = 128
#: factors of eta in the grid, and runs of each
GRID = (0.25, 0.5, 1.0, 2.0, 4.0)
GRID_RUNS = 3
#: points at which the curvature is also measured on all examples
CHECKS = 3
_MAIN, _AHEAD, _GAUSS, _TRIES = range(4)  # purposes of seeds


@final
class Study:
    """A measurement.

    Args:
        model: the user's model.
        settings: the user's settings.

    Raises:
        BadInput: a setting does not fit the model.
    """

    def __init__(self, model: Model, settings: Measurement) -> None:
        self.model, self.settings, self.method = model, settings, settings.problem.method
        per_step = settings.clients * settings.batch
        if settings.sampling == SHUFFLED and not model.split and per_step > model.examples:
            raise BadInput(
                "batch", settings.batch, f"clients x batch of at most {model.examples}, the number of examples"
            )
        if settings.sampling == SHUFFLED and model.split and settings.batch > min(map(len, model.shards)):
            raise BadInput("batch", settings.batch, f"at most {min(map(len, model.shards))}, the examples of a client")
        if (settings.eta is None) is (model.optimizer is None):
            stated = "nothing" if settings.eta is None else float(settings.eta)
            accepted = "a step size > 0" if settings.eta is None else "no step size: the model file has an optimizer"
            raise BadInput("eta", stated, accepted)
        self.mean_of_examples = model.is_mean_over_examples(settings.batch, settings.seed)

    @cached_property
    def rates(self) -> np.ndarray:
        """eta_k at the steps of the run and the horizon, (steps + horizon,); 0 where the model file's update decides."""
        steps = self.settings.steps + self.settings.horizon
        if self.settings.eta is None:
            return np.zeros(steps)
        eta, factor = float(self.settings.eta), self.method.schedule.factor
        if factor.free_symbols - {t}:
            raise BadInput(
                "schedule", str(factor), "a schedule that is a function of the time t alone, such as power:p=1/2"
            )
        times = (n * self.settings.eta for n in range(steps))
        u = [float(factor.xreplace({t: at})) for at in times] if factor.free_symbols else [float(factor)] * steps
        return eta * np.array(u)

    @cached_property
    def everything(self) -> Population:
        """All examples."""
        return Population(self.model, self.model.shards, True)

    @cached_property
    def population(self) -> Population:
        """The units for the noise."""
        s = self.settings
        if not self.mean_of_examples:
            groups = batch_groups(self.model, s.batch, max(2, BATCHES // len(self.model.shards)), s.seed)
            return Population(self.model, groups, False)
        groups, whole = chosen_groups(self.model, s.examples, s.seed)
        return self.everything if whole else Population(self.model, groups, False)

    @cached_property
    def curved(self) -> Population:
        """The units for the curvature."""
        if not self.mean_of_examples:
            return self.population
        groups, whole = chosen_groups(self.model, self.settings.curvature_examples, self.settings.seed)
        return self.everything if whole else Population(self.model, groups, False)

    @cached_property
    def runs(self) -> Runs:
        """The runs of the method."""
        s = self.settings
        compressor = self.method.compressor
        return Runs(self.model, s.clients, s.batch, compressor, self.rates, s.sampling, self.everything)

    def steps(self) -> list[int]:
        """The steps that are measured: geometric early, even later, the first and the last included."""
        count, last = self.settings.points, self.settings.steps
        even = np.linspace(0, last, max(2, count - count // 4))
        early = np.geomspace(1, max(2, last / 4), max(1, count // 4))
        return sorted({round(k) for k in (*even, *early) if k <= last})

    def starts(self, steps: Sequence[int]) -> list[int]:
        """The measured steps from which the loss is forecast: evenly spread, the last included."""
        count = min(self.settings.forecasts, len(steps))
        return sorted({steps[round(n)] for n in np.linspace(len(steps) - 1, 0, count)})

    def checks(self, steps: Sequence[int]) -> list[int]:
        """The measured steps at which the curvature is also that of all examples."""
        if self.curved.whole or not self.mean_of_examples:
            return []
        return sorted({steps[int(n)] for n in np.linspace(0, len(steps) - 1, min(CHECKS, len(steps)))})

    # --- the pieces

    def advance(self, state: State, first: int, stop: int) -> State:
        """The state of the main run at step `stop`, from that at step `first`."""
        if first == stop:
            return state
        moved, _ = self.runs.run(state, first, [stop], 1, self._seed(_MAIN, 0))
        return jax.tree.map(lambda a: a[0], moved)

    def point(self, state: State, step: int) -> Point:
        """The measurements at a state."""
        s, compressor = self.settings, self.method.compressor
        sent = None if isinstance(compressor, Identity) else compressor
        return measure(self.population, self.curved, state[0], step, s.batch, sent, self.draws, s.seed)

    @property
    def draws(self) -> int:
        """Draws of a client's gradient at a point: fewer if per-example gradients are not kept."""
        return (
            self.settings.draws
            if self.population.stored and self.mean_of_examples
            else max(200, self.settings.draws // 5)
        )

    def curvature_of_all(self, state: State, step: int) -> float:
        """||H|| over all examples."""
        return self._norm_of_hessian(self.everything, state[0], step)

    def _norm_of_hessian(self, population: Population, x: Any, step: int) -> float:
        return curvature(population, x, np.random.default_rng([self.settings.seed, step])).norm

    def blown_up(self, state: State) -> bool:
        """Whether a coordinate is beyond the limit of a blow-up, or the loss is not finite."""
        return not np.isfinite(self.runs.losses(state[0][None])[0])

    def no_forecast(self) -> str:
        """Why no model but the method itself is run ahead; "" if nothing stands against it."""
        if self.settings.sampling == SHUFFLED:
            return (
                "shuffled epochs are another method: draws depend on each other, and no covariance at a point shows it"
            )
        if not self.mean_of_examples:
            return "the loss of a batch is no mean over its examples, so that single examples have no gradient"
        return ""

    def forecast(self, state: State, step: int, point: Point) -> fc.Forecast:
        """What the models predict from a point, beside runs of the method."""
        s = self.settings
        horizon = s.horizon
        saves = sorted({1, min(10, horizon), horizon})
        at = [step + k for k in saves]
        ends, real = self.runs.run(state, step, at, s.runs, self._seed(_AHEAD, step))
        rows = [fc.Prediction(k, "run", mean(r)) for k, r in zip(saves, real, strict=True)]
        rates = [self.runs.rate(step + k) for k in range(horizon)]
        steepest = max(rates) * point.hessian.norm
        if why := self.no_forecast():
            rows += [fc.Prediction(k, model, None, why) for model in ("gauss", "quadratic") for k in saves]
            return fc.Forecast(step, s.runs, steepest, None, tuple(rows), None, None)
        _, normal = self.runs.run(state, step, at, s.runs, self._seed(_GAUSS, step), gaussian=True)
        rows += [fc.Prediction(k, "gauss", mean(r)) for k, r in zip(saves, normal, strict=True)]
        law = difference(real[-1], normal[-1])
        if self.model.optimizer is not None:
            why = "the update of the model file is not x - eta G, for which the closed form is"
        elif not isinstance(self.method.compressor, Unbiased):
            why = "the message is biased: its mean is not the gradient"
        if why:
            rows += [fc.Prediction(k, "quadratic", None, why) for k in saves]
            return fc.Forecast(step, s.runs, steepest, None, tuple(rows), law, None)
        rows += [
            fc.Prediction(k, "descent", fc.number(f))
            for k, f in zip(saves, self.runs.descent(state, step, at), strict=True)
        ]
        closed = self._closed(state, step, rates)
        change = np.inf
        if np.isfinite(real[-1][0]) and point.hessian.norm > 0:
            change = self._norm_of_hessian(self.curved, ends[0][0], step) / point.hessian.norm
        why = fc.refusal(steepest, mean(real[0]), mean(closed[:, 1]), change)
        rows += [fc.Prediction(k, "quadratic", None if why else mean(closed[:, k]), why) for k in saves]
        gap = None if why else difference(normal[-1], closed[:, -1])
        return fc.Forecast(step, s.runs, steepest, float(change), tuple(rows), law, gap)

    def _closed(self, state: State, step: int, rates: Sequence[float]) -> np.ndarray:
        """The closed form, one row for each draw of the mean message's noise."""
        x, s, population = state[0], self.settings, self.everything
        rng = np.random.default_rng([s.seed, step, _AHEAD])
        loss, g = population.value_and_gradient(x)
        means = population.group_means(x) if self.model.split else g[None]
        noise = []
        for _ in range(fc.DRAWS):
            drawn = client_gradients(population, x, means, None, s.batch, s.clients, rng)
            v = jnp.asarray(np.concatenate([rows for rows, _ in drawn]), x.dtype)
            if not isinstance(self.method.compressor, Identity):
                v = self.runs.sent(jax.random.key(int(rng.integers(2**31))), v)
            noise.append(np.asarray(v, np.float64).mean(axis=0) - g)
        slope, *others = (ritz_of(population, x, v, fc.PRODUCTS) for v in (g, *noise))
        return fc.closed_form(loss, slope, others, rates)

    def grid(self) -> list[dict[str, Any]]:
        """The last losses at several step sizes, {"eta", "losses"}, None after a blow-up; [] with the file's own update."""
        if self.settings.eta is None:
            return []
        rows = []
        for factor in GRID:
            seed = self._seed(_TRIES, 0)
            _, losses = self.runs.run(self.runs.start(), 0, [self.settings.steps], GRID_RUNS, seed, scale=factor)
            rows.append({"eta": float(self.settings.eta) * factor, "losses": plain(losses[-1], null=True)})
        return rows

    @cached_property
    def omega(self) -> float | None:
        """The compressor's stated ratio in d dimensions; None if it has none."""
        import sympy as sp

        try:
            stated = omega_of(self.method.compressor, sp.Integer(self.everything.d)).value
        except Refusal:
            return None
        return float(stated) if stated.is_number else None

    @property
    def signs(self) -> bool:
        """Whether the method sends signs."""
        return isinstance(self.method.compressor, Sign)

    def _seed(self, purpose: int, step: int) -> int:
        return int(np.random.default_rng([self.settings.seed, purpose, step]).integers(2**62))

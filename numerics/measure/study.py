"""A measurement along a run, in pieces that can be stored: stretches of the run, points, forecasts, the grid of step sizes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.methods.compressors import Identity, Unbiased
from sdescent.derive.methods.compressors.base import omega_of
from sdescent.derive.reading.measurements import SHUFFLED, Measurement
from sdescent.derive.theorems.bounds.stated import read_stated
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure import forecast as fc
from sdescent.numerics.measure.assumptions import Judged, Setting, of_catalogue, of_file
from sdescent.numerics.measure.model import Model
from sdescent.numerics.measure.points import Point, client_gradients, curvature, measure
from sdescent.numerics.measure.primitives import Population, chosen_groups, lanczos, messages
from sdescent.numerics.measure.runs import Runs, State
from sdescent.numerics.statistics.estimates import difference, mean

#: factors of eta in the grid, and runs of each
GRID = (0.25, 0.5, 1.0, 2.0, 4.0)
GRID_RUNS = 3
_MAIN, _AHEAD, _GAUSS, _TRIES = range(4)  # purposes of seeds


@final
class Study:
    """A measurement of the user's model with the user's settings.

    It holds all examples (`everything`), those for the noise and the curvature, and the runs. BadInput if a setting does not fit
    the model; Refusal "no-examples" if the loss of a batch is no mean over its examples.
    """

    def __init__(self, model: Model, settings: Measurement) -> None:
        self.model, self.settings, self.method = model, settings, settings.problem.method
        fewest, sharing = min(map(len, model.shards)), 1 if model.split else settings.clients
        if settings.sampling == SHUFFLED and settings.batch * sharing > fewest:
            each, many = "the examples of a client", "the number of examples"
            most = f"at most {fewest}, {each}" if model.split else f"clients x batch of at most {fewest}, {many}"
            raise BadInput("batch", settings.batch, most)
        if (settings.eta is None) is (model.optimizer is None):
            accepted = "a step size > 0" if settings.eta is None else "no step size: the model file has an optimizer"
            raise BadInput("eta", "nothing" if settings.eta is None else float(settings.eta), accepted)
        if not model.is_mean_over_examples(settings.batch, settings.seed):
            raise Refusal(
                "no-examples",
                "the loss of a batch is no mean over its examples, as with normalisation over the batch, so that a single "
                "example has no gradient to measure; normalise over the features of each example instead (layer norm), or "
                "with constants (the averages that the network uses after training)",
            )
        self.everything = Population(model, model.shards)
        self.population, self.curved = map(self._chosen, (settings.examples, settings.curvature_examples))
        sampled = self._rates(), settings.sampling, self.everything
        self.runs = Runs(settings.clients, settings.batch, self.method.compressor, *sampled)

    def _rates(self) -> np.ndarray:
        """eta_k at the steps of the run and the horizon, (steps + horizon,); 0 where the model file's update decides."""
        steps = self.settings.steps + self.settings.horizon
        if self.settings.eta is None:
            return np.zeros(steps)
        eta, factor = float(self.settings.eta), self.method.schedule.factor
        if factor.free_symbols - {t}:
            accepted = "a schedule that is a function of the time t alone, such as power:p=1/2"
            raise BadInput("schedule", str(factor), accepted)
        times = (n * self.settings.eta for n in range(steps))
        u = [float(factor.xreplace({t: at})) for at in times] if factor.free_symbols else [float(factor)] * steps
        return eta * np.array(u)

    def _chosen(self, most: int) -> Population:
        """At most about `most` examples."""
        groups = chosen_groups(self.model, most, self.settings.seed)
        return self.everything if groups is self.model.shards else Population(self.model, groups)

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

    # --- the pieces

    def advance(self, state: State, first: int, stop: int) -> State:
        """The state of the main run at step `stop`, from that at step `first`."""
        moved, _ = self.runs.run(state, first, [stop], 1, self._seed(_MAIN, 0))
        return jax.tree.map(lambda a: a[0], moved)

    def point(self, state: State, step: int) -> Point:
        """The measurements at a state."""
        s, compressor = self.settings, self.method.compressor
        sent = None if isinstance(compressor, Identity) else compressor
        # fewer draws if per-example gradients are not kept
        draws = s.draws if self.population.stored else max(200, s.draws // 5)
        return measure(self.population, self.curved, state[0], step, s.batch, sent, draws, s.seed)

    def blown_up(self, state: State) -> bool:
        """Whether a coordinate is beyond the limit of a blow-up, or the loss is not finite."""
        return not np.isfinite(self.runs.losses(state[0][None])[0])

    def no_forecast(self) -> str:
        """Why no model but the method itself is run ahead; "" if nothing stands against it."""
        why = "shuffled epochs are another method: draws depend on each other, and no covariance at a point shows it"
        return why if self.settings.sampling == SHUFFLED else ""

    def forecast(self, state: State, step: int, point: Point) -> fc.Forecast:
        """What the models predict from a point, beside runs of the method."""
        s = self.settings
        saves = sorted({1, min(10, s.horizon), s.horizon})
        at = [step + k for k in saves]

        def column(model: str, losses: np.ndarray, why: str) -> list[fc.Prediction]:
            return [fc.Prediction(k, model, None if why else mean(r), why) for k, r in zip(saves, losses, strict=True)]

        ends, real = self.runs.run(state, step, at, s.runs, self._seed(_AHEAD, step))
        rates = [self.runs.rate(step + k) for k in range(s.horizon)]
        law, gap, normal, closed, why = None, None, real, real, self.no_forecast()
        if not why:
            _, normal = self.runs.run(state, step, at, s.runs, self._seed(_GAUSS, step), gaussian=True)
            law = difference(real[-1], normal[-1])
        rows = column("run", real, "") + column("gauss", normal, why)
        if not why and self.model.optimizer is not None:
            why = "the update of the model file is not x - eta G, for which the closed form is"
        elif not why and not isinstance(self.method.compressor, Unbiased):
            why = "the message is biased: its mean is not the gradient"
        # the tests of each forecast are the gate after one step, and the difference at each step
        level = fc.each_level((1 + len(saves)) * s.forecasts)
        if not why:
            closed, change = self._closed(state, step, rates).T[saves], np.inf
            if np.isfinite(real[-1][0]) and point.hessian > 0:
                change = curvature(self.curved, ends[0][0], np.random.default_rng([s.seed, step])).norm / point.hessian
            why = fc.refusal(max(rates) * point.hessian, mean(real[0], level), mean(closed[0], level), change)
        predicted = column("quadratic", closed, why)
        if not why:
            gaps = [difference(*pair, level) for pair in zip(normal, closed, strict=True)]
            predicted = [replace(p, why=fc.disagreement(g)) for p, g in zip(predicted, gaps, strict=True)]
            gap = gaps[-1]
        return fc.Forecast(step, s.runs, (*rows, *predicted), law, gap)

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
            sent = messages(self.method.compressor, jax.random.key(int(rng.integers(2**31))), v)
            noise.append(np.asarray(sent, np.float64).mean(axis=0) - g)
        slope, *others = (lanczos(partial(population.hessian_product, x), v, fc.PRODUCTS) for v in (g, *noise))
        return fc.closed_form(loss, slope, others, rates)

    def grid(self) -> list[dict[str, Any]]:
        """The mean loss after the run at several step sizes, {"eta", "loss"}; [] with the file's own update."""
        if self.settings.eta is None:
            return []
        run = partial(self.runs.run, self.runs.start(), 0, [self.settings.steps], GRID_RUNS, self._seed(_TRIES, 0))
        eta = float(self.settings.eta)
        return [{"eta": eta * factor, "loss": mean(run(scale=factor)[1][-1]).to_dict()} for factor in GRID]

    @cached_property
    def omega(self) -> float | None:
        """The compressor's stated ratio in d dimensions; None if it has none."""
        try:
            stated = omega_of(self.method.compressor, sp.Integer(self.everything.d)).value
        except Refusal:
            return None
        return float(stated) if stated.is_number else None

    def theorems(self, points: Sequence[Point]) -> list[Judged]:
        """The catalogue's and the user's theorems along the run (BadInput, Refusal); [] with the file's own update."""
        s = self.settings
        if s.eta is None or len(points) < 2:
            return []
        setting = Setting(
            self.method, s.batch, self.everything.d, self.omega, float(s.eta), [self.runs.rate(p.step) for p in points],
            None if s.optimum is None else float(s.optimum), {name: float(v) for name, v in s.constants},
        )  # fmt: skip
        files = [of_file(read_stated(file.path), file.name, points, setting) for file in s.theorems]
        return [*files, *of_catalogue(points, setting)]

    def _seed(self, purpose: int, step: int) -> int:
        return int(np.random.default_rng([self.settings.seed, purpose, step]).integers(2**62))

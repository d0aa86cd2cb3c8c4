"""Does the statement of a certificate about potentials hold along random paths? Another reading of FORMAT.md, without the replay.

A model is a tree: at each of one to three steps a fair coin falls, and what is known at step n depends on the first n coins. The
points of stepping potentials walk in space, by the mean that the context says and by as much noise as it allows; V is one of the
functions for which the smoothness that the context says is sharp: a quadratic, an exponential, a cosh or, where L1 < 0, what bends
most at 0, along a line or around a point. What a definition says of a symbol, of the coordinates of a vector or of a trace is so
at each step. In continuous time a potential is a polynomial in t along each path, whose change is its derivative, all else is
constant in time, and integrals are by Gauss's rule. Values are arrays, as in `models`, and many models are drawn at once.
"""

from typing import Any

import numpy as np

from tests.support.certificates.models import AXES, COORDINATES, GRID, Models

BATCH, NODES, ROUNDS = 250, 12, 4


class Infeasible(Exception):
    """The context says what is not modelled here."""


class Paths(Models):
    """Models of the context of a statement. `fine` says which: in the others the numbers that were drawn are of no model.

    Numbers that a hypothesis excludes are drawn again, or made as large or small as it says.
    """

    def __init__(self, value: dict[str, Any], count: int, seed: Any) -> None:
        context = value["context"]
        self.rng, self.context, self.in_steps, self.count = (
            np.random.default_rng(seed),
            context,
            "steps" in context,
            count,
        )
        self.coins = int(self.rng.integers(1, 4)) if self.in_steps else 1
        self.outcomes = 2**self.coins
        self.heads = (np.arange(self.outcomes)[:, None] >> np.arange(self.coins)) & 1  # outcome, coin
        nodes, weights = (np.pad(part, 1) for part in np.polynomial.legendre.leggauss(NODES))
        nodes[[0, -1]] = -1, 1  # both ends, of no weight: hypotheses hold there too
        self.times = self.coins if self.in_steps else NODES + 2
        one = (count, 1, 1, 1, 1, 1)
        self.horizon = np.full(one, float(self.coins)) if self.in_steps else self.rng.choice([0.5, 1, 2], one)
        self.weights = (
            np.ones((1, 1, self.times, 1, 1, 1))
            if self.in_steps
            else self.horizon * weights.reshape(1, 1, -1, 1, 1, 1) / 2
        )
        clock = np.arange(float(self.times)).reshape(1, 1, -1, 1, 1, 1)
        self.clock = clock if self.in_steps else self.horizon * (1 + nodes.reshape(1, 1, -1, 1, 1, 1)) / 2
        self.chances = np.full((1, self.outcomes, 1, 1, 1, 1), 1 / self.outcomes)
        self.fine, self.given = np.ones(count, bool), set[str]()
        self.used: list[tuple[dict[str, Any], list[Any], tuple[Any, Any]]] = []
        kinds = context["symbols"]
        self.symbols = {name: self.draw(AXES[kind]) for name, kind in kinds.items()}
        self.vectors = {name: self.draw((1, 2), COORDINATES) for name in context["vectors"]}
        self.matrices = {name: self.matrix(flags) for name, flags in context["matrices"].items()}
        for name, kind in kinds.items():
            if kind == "clock":
                self.give(name, self.clock)
        for key, number in (
            ("horizon", self.horizon),
            ("dimension", np.full(one, 3.0)),
            ("clients", np.full(one, 2.0)),
        ):
            if context[key] is not None:
                self.give(context[key], number)
        self.functions = {name: self.function(properties) for name, properties in context["functions"].items()}
        self.given |= names_in([list(properties.values()) for properties in context["functions"].values()])
        given = value["statement"]["definitions"] + value["statement"]["assumptions"]
        self.defining = [raw for raw in given if raw[0] == "=="]
        self.gradients = {entry["gradient"] for entry in context["potentials"].values() if "gradient" in entry}
        self.all = {*kinds, *context["vectors"], *context["matrices"]}
        moved = {name for potential, entry in context["potentials"].items() for name in (potential, *self.names(entry))}
        for n in range(2):
            before = [raw for raw in given if not names_in(raw) & moved]
            for _ in range(ROUNDS):
                for raw in given if n else before:
                    self.settle(raw)
                self.define()
            if n == 0:
                for name, entry in context["potentials"].items():
                    self.run(name, entry)
                self.check_steps()
                self.given |= self.fixed()
        self.considered = self.fine.copy()
        for raw in given:
            self.considered &= self.holds(raw, True)

    @staticmethod
    def names(entry: dict[str, Any]) -> list[str]:
        return [entry[key] for key in ("change", "end", "start", "gradient", "hessian") if key in entry]

    def draw(self, axes: tuple[int, ...], *inner: int) -> Any:
        """Values of which those at step n depend on the first n coins; more often than not >= 0."""
        values = super().draw(axes, *inner)
        if not self.in_steps:
            values = values[:, :, :1]
        if self.in_steps and 1 in axes and 2 in axes:
            values = np.stack([values[:, self.known(n), n] for n in range(self.times)], 2)
        one = (self.count, 1, 1, 1, 1, 1) + (1,) * len(inner)
        return values if inner else np.where(self.rng.random(one) < 0.5, np.abs(values), values)

    def matrix(self, flags: list[str]) -> Any:
        m = self.draw((1, 2), COORDINATES, COORDINATES)
        if "psd" in flags:
            return np.swapaxes(m, -1, -2) @ m
        return m + np.swapaxes(m, -1, -2) if "symmetric" in flags else m

    def holds(self, raw: Any, hypothesis: bool) -> Any:
        """In continuous time hypotheses are looked at at the nodes alone: a claim that fails there by less than 1/20 counts."""
        if hypothesis or self.in_steps:
            return super().holds(raw, hypothesis)
        left, right = self.value(raw[1]), self.value(raw[2])
        fails = np.abs(right - left) if raw[0] == "==" else left - right
        good = (fails <= 0.05 * (1 + np.abs(left) + np.abs(right))) | ~np.isfinite(fails)
        return np.broadcast_to(good, (self.count, *good.shape[1:])).reshape(self.count, -1).all(1)

    def above(self, slack: Any, error: Any, hypothesis: bool) -> Any:
        """A hypothesis that is strict holds by more than rounding."""
        return slack > (error if hypothesis else -error)

    def known(self, n: int) -> Any:
        """Of each outcome a number that says how the first n coins fell."""
        return (self.heads[:, :n] << np.arange(n)).sum(1)

    def give(self, name: str, value: Any) -> None:
        """A value that the context decides; where a name has two of them there is no model."""
        table = self.vectors if name in self.vectors else self.symbols
        if name in self.given:
            self.fine &= np.isclose(table[name], value).reshape(self.count, -1).all(1)
        table[name] = value
        self.given.add(name)

    def define(self) -> None:
        """Gives what is defined its value: a lone symbol, a trace, the coordinates of a vector or the vector of coordinates."""
        seen: set[str] = set()
        for raw in self.defining:
            for left, right in ((raw[1], raw[2]), (raw[2], raw[1])):
                ahead = any(self.context["symbols"].get(name) == "rv" for name in names_in(right))
                if left[0] == "x" and not ahead and left[1] not in self.given | seen | names_in(right):
                    value, axes = self.value(right), AXES[self.context["symbols"][left[1]]]
                    self.symbols[left[1]] = value[tuple(slice(None) if n in (0, *axes) else slice(1) for n in range(6))]
                    seen.add(left[1])
                elif left[0] == "tr" and left[1][1] not in self.given:
                    matrix = self.matrices[left[1][1]]
                    trace = np.trace(matrix, axis1=-2, axis2=-1)
                    matrix = np.where((trace > 0)[..., None, None], matrix, np.eye(COORDINATES))
                    scale = np.maximum(self.value(right), 0) / np.where(trace > 0, trace, COORDINATES)
                    self.matrices[left[1][1]] = scale[..., None, None] * matrix
                elif (
                    left[:1] + left[2:] == ["^", 2]
                    and left[1][0] == "norm"
                    and right[0] == "S"
                    and right[1][:1] == ["^"]
                ):
                    vector, inner = left[1][1], right[1][1]
                    if inner[0] != "x" or inner[1] in self.given:
                        continue
                    if inner[1] not in seen:
                        self.symbols[inner[1]] = np.moveaxis(self.vector(vector), -1, 3)[..., 0]
                        seen.add(inner[1])
                    elif vector[1] not in self.given | self.gradients:
                        self.vectors[vector[1]] = np.moveaxis(self.symbols[inner[1]][..., None], 3, -1)
                else:
                    continue
                break

    def fixed(self) -> set[str]:
        """All that steps are made of, by definitions too."""
        names = {name for entry in self.context["potentials"].values() for name in names_in(list(entry.values()))}
        for _ in self.defining:
            names = names.union(*(names_in(raw) for raw in self.defining if names_in(raw) & names & self.all))
        return names

    def settle(self, raw: Any) -> None:
        """Where a hypothesis fails, and in some models where not, a symbol in it moves to where it holds, as sharply as may be.

        Or, where that is not linear in the symbol, it is drawn again.
        """
        bad = ~self.holds(raw, True)
        kinds = self.context["symbols"]
        free = sorted(name for name in names_in(raw) if name in self.symbols and name not in self.given)
        if not free or raw[0] == "!=":
            return
        name = free[self.rng.integers(len(free))]
        old, axes = self.symbols[name], AXES[kinds[name]]
        ahead = {1, 2} <= set(axes) and any(kinds.get(n) == "rv" for n in names_in(raw))
        new = self.draw(axes) * self.rng.choice([1, 1, 0.25])
        # in continuous time hypotheses are looked at at the nodes alone, so that there they are not made sharp
        if not ahead and (self.in_steps or not axes) and self.rng.random() < 0.7:
            slack = self.value(raw[2]) - self.value(raw[1])
            self.symbols[name] = old + 1
            slope = self.value(raw[2]) - self.value(raw[1]) - slack
            room = (
                {"==": 0, "<": 0.25, "<=": self.rng.choice([0, 0, 0.5])}[raw[0]]
                if self.in_steps
                else 0.5 * (raw[0] != "==")
            )
            needed = old - (slack - room) / np.where(slope == 0, np.inf, slope)
            beyond = tuple(n for n in range(1, needed.ndim) if n not in axes)
            up = (slope > 0).reshape(len(slope), -1).all(1).reshape(-1, 1, 1, 1, 1, 1)
            new = np.where(up, needed.max(beyond, keepdims=True), needed.min(beyond, keepdims=True))
            bad |= (self.rng.random(self.count) < 0.3) & np.isfinite(new).reshape(len(new), -1).all(1)
        self.symbols[name] = np.where(bad.reshape(-1, 1, 1, 1, 1, 1), new, old)

    def run(self, name: str, entry: dict[str, Any]) -> None:
        if "change" not in entry:
            raise Infeasible
        if not self.in_steps:
            c = [self.rng.choice(GRID, (self.count, 1 if n == 0 else 2, 1, 1, 1, 1)) for n in range(3)]
            at = [c[0] + c[1] * time + c[2] * time**2 for time in (self.clock, self.horizon)]
            self.state(name, entry, c[0], at[0], c[1] + 2 * c[2] * self.clock, at[1])
            return
        if "mean" in entry:
            path = self.stepping(name, entry)
        else:
            size = (self.count, self.outcomes)
            path = [self.rng.choice([0, 0.25, 0.5, 1, 2], size)[:, self.known(n)] for n in range(self.coins + 1)]
        paths = np.stack(path, 2)
        turned = [np.arange(self.outcomes) ^ (1 << n) for n in range(self.coins)]  # the same coins but one
        means = np.stack([(paths[:, :, n + 1] + paths[:, turned[n], n + 1]) / 2 for n in range(self.coins)], 2)
        self.fine &= (np.abs(paths) < 1e6).reshape(self.count, -1).all(1)
        wide = paths.reshape(*paths.shape, 1, 1, 1)
        change = means.reshape(*means.shape, 1, 1, 1) - wide[:, :, :-1]
        self.state(name, entry, wide[:, :1, :1], wide[:, :, :-1], change, wide[:, :, -1:])

    def state(self, name: str, entry: dict[str, Any], start: Any, value: Any, change: Any, end: Any) -> None:
        for key, given in ((name, value), (entry["change"], change), (entry["end"], end), (entry["start"], start)):
            self.give(key, given)

    def stepping(self, name: str, entry: dict[str, Any]) -> list[Any]:
        """V along the path of x: each step of the mean that the context says, with noise up to the square and within the radius."""
        pick = lambda choices: self.rng.choice(choices, (self.count, 1))  # noqa: E731
        level, growth = (
            np.broadcast_to(self.value(raw), (self.count, 1, 1, 1, 1, 1)).reshape(-1, 1) for raw in entry["smoothness"]
        )
        # with 0 < |L1| < 1/100 V is the small difference of large numbers
        self.fine &= ((level >= 0) & ((growth == 0) | (np.abs(growth) > 0.01)))[:, 0]
        kind, sign, line = pick([0, 1, 2]), pick([1, 1, -1]), self.rng.normal(size=(self.count, 1, COORDINATES))
        line /= np.sqrt((line**2).sum(-1, keepdims=True))
        shift, share, around = np.abs(pick(GRID)) * pick([0, 1]), pick([1, 1, 0.5, 0]), pick([0, 0, 1])
        rate = np.where(growth != 0, np.abs(growth), 1)

        def curve(x: Any) -> tuple[Any, Any]:
            """V and its gradient: of |x|^2, or of s = x'line."""
            s = (x * line).sum(-1)
            exp, cosh, slope = (
                np.exp(growth * s),
                level / rate**2 * np.cosh(growth * s),
                level / rate * np.sinh(growth * s),
            )
            bent, tangent = np.where(kind == 0, exp, cosh), np.where(kind == 0, growth * exp, slope)
            square, flat = level / 2 * s**2, level * s
            less = 1 - np.exp(
                -rate * np.abs(s)
            )  # growth < 0: the slope is level/rate * less, and bends less where it is large
            below = level / rate * (np.abs(s) - less / rate), level / rate * np.sign(s) * less
            along = [
                np.select([growth > 0, growth < 0], given, other)
                for given, other in (((bent, below[0]), square), ((tangent, below[1]), flat))
            ]
            round_ = (around == 1) & (growth == 0)
            value = np.where(round_, level / 2 * (x**2).sum(-1), along[0])
            gradient = np.where(round_[..., None], level[..., None] * x, along[1][..., None] * line)
            return shift + sign * value, sign[..., None] * gradient

        x = np.broadcast_to(
            self.rng.choice(GRID, (self.count, 1, COORDINATES)), (self.count, self.outcomes, COORDINATES)
        )
        path, slopes, used_at = [curve(x)[0]], [], []
        told = entry["gradient"] in self.given
        for n in range(self.coins):
            slopes.append(curve(x)[1])
            gradient, values = (np.stack(p + [p[-1]] * (self.coins - len(p)), 2) for p in (slopes, path))
            if name not in self.given:
                self.symbols[name] = values[..., None, None, None]
            if not told:
                self.vectors[entry["gradient"]] = gradient.reshape(*gradient.shape[:3], 1, 1, 1, COORDINATES)
            for _ in range(3):  # definitions of what definitions use
                self.define()
            mean, square, radius = self.step(entry, n)
            used_at.append((mean, square, radius))
            length = np.sqrt((mean**2).sum(-1))
            self.fine &= (square >= length**2 - 1e-12 * (1 + length**2)).all(1)
            size = share * np.sqrt(np.maximum(square - length**2, 0))
            if entry["radius"] is not None:
                self.fine &= (radius >= length - 1e-12 * (1 + length)).all(1)
                size = np.minimum(size, np.maximum(radius - length, 0))
            x = x + mean + (size * (2 * self.heads[:, n] - 1))[..., None] * line
            path.append(curve(x)[0])
        if told:
            self.give(
                entry["gradient"],
                np.stack(slopes, 2).reshape(self.count, self.outcomes, self.coins, 1, 1, 1, COORDINATES),
            )
        self.given.add(entry["gradient"])
        self.used.append((entry, used_at, (level, growth)))
        return path

    def check_steps(self) -> None:
        """No step was made by a number that the context, or a definition, changed after it."""
        self.define()
        for entry, used_at, bends in self.used:
            for n, used in enumerate(used_at):
                for then, now in zip(used, self.step(entry, n), strict=True):
                    self.fine &= np.isclose(then, now, rtol=1e-13, atol=0).reshape(self.count, -1).all(1)
            for then, raw in zip(bends, entry["smoothness"], strict=True):
                self.fine &= (then == self.value(raw).reshape(-1, 1))[:, 0]

    def step(self, entry: dict[str, Any], n: int) -> tuple[Any, Any, Any]:
        """The mean of a step, by model, outcome and coordinate, its square and its radius (0 for none)."""
        mean = np.zeros((self.count, self.outcomes, COORDINATES))
        for raw, moved in entry["mean"]:
            mean = mean + self.at(raw, n)[..., None] * self.along(self.vector(moved), n)
        return mean, self.at(entry["square"], n), self.at(entry["radius"] or ["q", "0"], n)

    def at(self, raw: Any, n: int) -> Any:
        """The values of a term at step n, by model and outcome. What it says of later steps is not known yet, and not asked for."""
        later = {entry["change"] for entry in self.context["potentials"].values() if "change" in entry}
        if any(tag in str(raw) for tag in ("'E'", "'I'", "'EI'")) or names_in(raw) & later:
            raise Infeasible
        return self.along(self.value(raw)[..., None], n)[..., 0]

    def along(self, value: Any, n: int) -> Any:
        if any(size > 1 for size in value.shape[3:6]):
            raise Infeasible
        return np.broadcast_to(value, (self.count, self.outcomes, self.times, 1, 1, 1, value.shape[-1]))[
            :, :, n, 0, 0, 0
        ]


def names_in(raw: Any) -> set[str]:
    """All texts in a term or a relation, the names among them."""
    return {raw} if type(raw) is str else set[str]().union(*map(names_in, raw)) if type(raw) is list else set()


def along_paths(value: dict[str, Any], count: int, seed: int = 0, enough: int = 1_000_000) -> tuple[int, bool]:
    """In how many of so many models the hypotheses hold (at most `enough`), and whether the claim holds in all of those."""
    considered = 0
    with np.errstate(all="ignore"):
        for n in range(0, count, BATCH):
            try:
                models = Paths(value, min(BATCH, count - n), [seed, n])
            except Infeasible:
                continue
            if (models.considered & ~models.holds(value["statement"]["claim"], False)).any():
                return considered + int(models.considered.sum()), False
            considered += int(models.considered.sum())
            if considered >= enough:
                return enough, True
    return considered, True

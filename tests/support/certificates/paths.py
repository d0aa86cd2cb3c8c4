"""Does the statement of a certificate about potentials hold along random paths? Another reading of FORMAT.md, without the replay.

A model is a tree: at each step a fair coin falls, and what is known at step n depends on the first n coins. Values are arrays over
(outcome, time). The points of stepping potentials are real numbers that step by the mean that the context says and by as much noise
as it allows; V is one of the functions for which the smoothness that the context says is sharp. In continuous time a
potential is a polynomial in t along each path, whose change is its derivative; integrals are by Gauss's rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.certificates.models import FUNCTIONS, inverse

STEPS, NODES = 2, 12
GRID = np.array([-2, -1, -0.5, 0, 0.25, 0.5, 1, 2])
AXES = {"const": (), "time": (1,), "clock": (1,), "random": (0, 1), "rv": (0,)}


class Infeasible(Exception):
    """The numbers that were drawn are of no model of the context, or the context says what is not modelled here."""


class Paths:
    """One model of a context, or Infeasible."""

    def __init__(self, context: dict[str, Any], seed: Any) -> None:
        self.rng, self.context, self.in_steps = np.random.default_rng(seed), context, "steps" in context
        if context["functions"] or context["matrices"] or set(context["symbols"].values()) - set(AXES):
            raise Infeasible
        self.coins = STEPS if self.in_steps else 1
        self.heads = (np.arange(2**self.coins)[:, None] >> np.arange(self.coins)) & 1  # outcome, coin
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        horizon = float(STEPS) if self.in_steps else float(self.rng.choice([0.5, 1, 2]))
        self.weights = np.ones((1, STEPS)) if self.in_steps else horizon * weights[None] / 2
        self.times = np.arange(float(STEPS))[None] if self.in_steps else horizon * (1 + nodes)[None] / 2
        self.symbols = {name: self.draw(AXES[kind]) for name, kind in context["symbols"].items()}
        self.vectors = {name: self.draw((0, 1)) for name in context["vectors"]}
        self.given: set[str] = set()
        if context["horizon"] is not None:
            self.give(context["horizon"], np.full((1, 1), horizon))
        for name, kind in context["symbols"].items():
            if kind == "clock":
                self.give(name, self.times)
        for name, entry in context["potentials"].items():
            self.run(name, entry)

    def give(self, name: str, value: Any) -> None:
        """A value that the context decides; a name with two of them is of no model."""
        table = self.vectors if name in self.vectors else self.symbols
        if name in self.given and not np.allclose(table[name], value):
            raise Infeasible
        table[name] = value
        self.given.add(name)

    def known(self, n: int) -> Any:
        """Of each outcome a number that says how the first n coins fell."""
        return (self.heads[:, :n] << np.arange(n)).sum(1)

    def draw(self, axes: tuple[int, ...]) -> Any:
        """Values of which those at step n depend on the first n coins; one for all half of the time, and >= 0 as often."""
        count, times = len(self.heads), self.times.shape[1]
        values = self.rng.choice(GRID, (count, times if 1 in axes else 1))
        if 0 not in axes:
            values = values[:1]
        elif 1 in axes and self.in_steps:
            values = np.stack([values[self.known(n), n] for n in range(times)], 1)
        values = values if self.rng.random() < 0.5 else np.full_like(values, values.flat[0])
        return np.abs(values) if self.rng.random() < 0.6 else values

    def run(self, name: str, entry: dict[str, Any]) -> None:
        if not self.in_steps:
            if "change" not in entry:
                raise Infeasible
            c = self.rng.choice(GRID, 1)[0], self.rng.choice(GRID, (2, 1)), self.rng.choice(GRID, (2, 1))
            whole = self.weights.sum()
            self.state(name, entry, c[0], c[0] + c[1] * self.times + c[2] * self.times**2, c[1] + 2 * c[2] * self.times,
                       c[0] + c[1] * whole + c[2] * whole**2)  # fmt: skip
            return
        if "mean" in entry:
            path = self.stepping(entry)
        else:
            start = np.abs(self.rng.choice(GRID, 1))
            path = [np.full(len(self.heads), start[0])]
            path += [self.rng.choice([0, 0.25, 0.5, 1, 2], len(self.heads))[self.known(n + 1)] for n in range(STEPS)]
        self.state(name, entry, path[0][0], np.stack(path[:-1], 1), self.change(path), path[-1][:, None])

    def state(self, name: str, entry: dict[str, Any], start: Any, value: Any, change: Any, end: Any) -> None:
        for key, given in ((name, value), (entry["change"], change), (entry["end"], end), (entry["start"], np.full((1, 1), start))):
            self.give(key, given)

    def change(self, path: list[Any]) -> Any:
        """E[V(X_(n+1)) | F_n] - V(X_n): the other outcome of coin n has the number with this bit turned."""
        out = []
        for n in range(STEPS):
            other = np.arange(len(self.heads)) ^ (1 << n)
            out.append((path[n + 1] + path[n + 1][other]) / 2 - path[n])
        return np.stack(out, 1)

    def stepping(self, entry: dict[str, Any]) -> list[Any]:
        """V along the path of x: each step of the mean that the context says, with noise up to the square and within the radius."""
        level, growth = (self.value(raw).item() for raw in entry["smoothness"])
        if level < 0 or growth < 0:
            raise Infeasible
        shift, sign = abs(self.rng.choice(GRID)) * (self.rng.random() < 0.5), self.rng.choice([1, 1, -1])
        if growth == 0:
            scale = level * self.rng.choice([1, 1, 0.5])
            functions = (lambda x: shift + sign * scale * x**2 / 2, lambda x: sign * scale * x)
        elif self.rng.random() < 0.5:
            functions = (lambda x: shift + sign * np.exp(growth * x), lambda x: sign * growth * np.exp(growth * x))
        else:
            c = level / growth**2
            functions = (lambda x: shift + sign * c * np.cosh(growth * x), lambda x: sign * c * growth * np.sinh(growth * x))
        x = np.full(len(self.heads), self.rng.choice(GRID))
        path, slopes = [functions[0](x)], []
        share = self.rng.choice([1, 1, 0.5, 0])
        for n in range(STEPS):
            slopes.append(functions[1](x))
            self.vectors[entry["gradient"]] = np.stack(slopes + [slopes[-1]] * (STEPS - len(slopes)), 1)
            mean = sum((self.at(raw, n) * self.at(["vector", moved], n) for raw, moved in entry["mean"]), np.zeros(len(x)))
            square = self.at(entry["square"], n)
            if (square < mean**2).any():
                raise Infeasible
            noise = 2 * self.heads[:, n] - 1
            size = share * np.sqrt(square - mean**2)
            if entry["radius"] is not None:
                radius = self.at(entry["radius"], n)
                if (radius < np.abs(mean)).any():
                    raise Infeasible
                size = np.minimum(size, radius - np.abs(mean))
            x = x + mean + size * noise
            path.append(functions[0](x))
        if not np.isfinite(path).all():
            raise Infeasible
        gradient = self.vectors[entry["gradient"]]
        self.give(entry["gradient"], gradient)
        return path

    def at(self, raw: Any, n: int) -> Any:
        """The values of a term at step n, over the outcomes. What it says of later steps is not known yet, and not asked for."""
        if any(tag in str(raw) for tag in ("'E'", "'I'", "'EI'", "dV", "dU")):
            raise Infeasible
        value = self.vector(raw[1]) if raw[0] == "vector" else self.value(raw)
        return np.broadcast_to(value, (len(self.heads), STEPS))[:, n]

    def vector(self, raw: Any) -> Any:
        if raw[0] != "v":
            raise Infeasible
        return self.vectors[raw[1]]

    def value(self, raw: Any) -> Any:
        tag, *args = raw
        if tag == "q":
            top, _, bottom = args[0].partition("/")
            return np.full((1, 1), int(top) / int(bottom or 1))
        if tag == "pi":
            return np.full((1, 1), np.pi)
        if tag == "x":
            return self.symbols[args[0]]
        if tag == "^":
            return self.value(args[0]) ** args[1]
        if tag == "f":
            return FUNCTIONS[args[0]](self.value(args[1]))
        if tag == "norm":
            return np.abs(self.vector(args[0]))
        if tag == "dot":
            return self.vector(args[0]) * self.vector(args[1])
        if tag not in ("+", "*", "/", "E", "I", "EI"):
            raise Infeasible
        out, *parts = [self.value(arg) for arg in args]
        for part in parts:
            out = out + part if tag == "+" else out * part if tag == "*" else out * inverse(part)
        if tag in ("E", "EI"):
            out = out.mean(0, keepdims=True)
        if tag in ("I", "EI"):
            out = (out * self.weights).sum(1, keepdims=True)
        return out

    def holds(self, raw: Any, hypothesis: bool) -> bool:
        """A claim may be off by rounding, and so may a hypothesis that is not strict."""
        op, left, right = raw[0], self.value(raw[1]), self.value(raw[2])
        slack, error = right - left, (1e-12 if hypothesis else 1e-8) * (1 + np.abs(left) + np.abs(right))
        strict = slack > (error if hypothesis else -error)
        return bool({"<=": slack >= -error, "<": strict, "==": np.abs(slack) <= error, "!=": slack != 0}[op].all())


def along_paths(value: dict[str, Any], count: int, seed: int = 0, enough: int = 1_000_000) -> tuple[int, bool]:
    """In how many of so many models the hypotheses hold (at most `enough`), and whether the claim holds in all of those."""
    statement, considered = value["statement"], 0
    with np.errstate(all="ignore"):
        for n in range(count):
            try:
                model = Paths(value["context"], [seed, n])
                if not all(model.holds(raw, True) for raw in statement["assumptions"] + statement["definitions"]):
                    continue
                considered += 1
                if not model.holds(statement["claim"], False):
                    return considered, False
                if considered == enough:
                    break
            except Infeasible:
                continue
    return considered, True

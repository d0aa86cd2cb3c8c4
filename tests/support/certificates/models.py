"""Does the statement of a certificate hold in random finite models? Another reading of FORMAT.md, without the replayer.

A model has two outcomes, some times with weights that sum to the horizon, three coordinates and two clients. Values are arrays
over (model, outcome, time, j, i, k); an operator is a weighted sum over an axis.
"""

import math
from typing import Any

import numpy as np
from scipy.special import erf

MODELS, OUTCOMES, COORDINATES, CLIENTS, SPACE = 96, 2, 3, 2, 2
GRID = np.array([-2, -1, -0.5, 0, 0.25, 0.5, 1, 2, 3])
AXES = {"const": (), "time": (2,), "random": (1, 2), "rv": (1,), "coord": (1, 2, 3), "detcoord": (3,)}
AXES |= {"clock": (2,), "client": (1, 2, 5), "detclient": (5,)}
ONE = (MODELS, 1, 1, 1, 1, 1)


def inverse(b: Any) -> Any:
    return np.where(b == 0, 0, 1 / np.where(b == 0, 1, b))


def psi(s: Any) -> Any:
    """(exp(s) - 1 - s)/s^2 by its series near 0: SciPy's 1F1 may take for ever on large arguments."""
    near = np.abs(s) < 0.5
    series = np.polynomial.polynomial.polyval(np.where(near, s, 0), [1 / math.factorial(n + 2) for n in range(18)])
    far = np.where(near, 1, s)
    return np.where(near, series, (np.expm1(far) - far) / far**2)


FUNCTIONS = {
    "sqrt": lambda s: np.sqrt(np.maximum(s, 0)),
    "exp": np.exp,
    "log": lambda s: np.where(s > 0, np.log(np.where(s > 0, s, 1)), 0),
    "atan": np.arctan,
    "erf": erf,
    "tanh": np.tanh,
    "abs": np.abs,
    "psi": psi,
}


class Models:
    #: how many models, and outcomes of each
    count, outcomes = MODELS, OUTCOMES

    def __init__(self, context: dict[str, Any], exact_times: bool, seed: int) -> None:
        self.context, self.rng = context, np.random.default_rng(seed)
        nodes, weights = np.polynomial.legendre.leggauss(20 if exact_times else 2)
        self.times = len(nodes)
        self.symbols: dict[str, Any] = {name: self.draw(AXES[kind]) for name, kind in context["symbols"].items()}
        names = list(context["symbols"])
        for name in names:  # equalities between symbols of one kind should happen
            other = names[self.rng.integers(len(names))]
            if context["symbols"][name] == context["symbols"][other]:
                same = self.rng.random(ONE) < 0.3
                self.symbols[name] = np.where(same, self.symbols[other], self.symbols[name])
        for key, count in (("dimension", COORDINATES), ("clients", CLIENTS)):
            if context[key] is not None:
                self.symbols[context[key]] = np.full(ONE, float(count))
        horizon = np.ones(ONE)
        if context["horizon"] is not None:
            horizon = self.symbols[context["horizon"]] = np.abs(self.symbols[context["horizon"]])
        self.weights = horizon * weights.reshape(1, 1, -1, 1, 1, 1) / 2
        for name, kind in context["symbols"].items():
            if kind == "clock":
                self.symbols[name] = horizon * (1 + nodes.reshape(1, 1, -1, 1, 1, 1)) / 2
        self.chances = np.array([0.25, 0.75]).reshape(1, 2, 1, 1, 1, 1)
        self.vectors = {name: self.draw((1, 2), SPACE) for name in context["vectors"]}
        self.matrices = {}
        for name, flags in context["matrices"].items():
            m = self.draw((1, 2), SPACE, SPACE)
            if "psd" in flags:
                m = np.swapaxes(m, -1, -2) @ m
            self.matrices[name] = m + np.swapaxes(m, -1, -2) if "symmetric" in flags else m
        self.fine = np.ones(MODELS, bool)
        self.functions = {name: self.function(properties) for name, properties in context["functions"].items()}

    def draw(self, axes: tuple[int, ...], *inner: int) -> Any:
        full = (self.count, self.outcomes, self.times, COORDINATES, 1, CLIENTS)
        shape = tuple(n if k == 0 or k in axes else 1 for k, n in enumerate(full))
        values = self.rng.choice(GRID, shape + inner)
        one = (self.count, 1, 1, 1, 1, 1) + (1,) * len(inner)
        first = values[:, :1, :1, :1, :1, :1]
        values = np.where(self.rng.random(one) < 0.4, first, values)
        return np.where(self.rng.random(one) < 0.4, np.abs(values), values)

    def function(self, properties: dict[str, Any]) -> Any:
        """A function with the properties: c tanh for all of them, something wild for none."""
        if not properties:
            return lambda s: s**2 - 3 * s + 1
        bounds = [self.value(properties[key]) for key in ("bounded", "slope") if key in properties]
        size = np.ones((self.count, 1, 1, 1, 1, 1))
        for bound in bounds:
            size = np.minimum(size, bound)
        self.fine &= size.reshape(-1) >= 0
        if set(properties) <= {"odd"}:
            return lambda s: s**3 - 2 * s
        if set(properties) <= {"odd", "bounded"}:
            return lambda s: size * np.sin(3 * s)
        return lambda s: size * np.tanh(s)

    def value(self, raw: Any) -> Any:
        tag, *args = raw
        if tag == "q":
            top, _, bottom = args[0].partition("/")
            try:
                return np.full((1,) * 6, int(top) / int(bottom or 1))
            except OverflowError:
                return np.full((1,) * 6, np.inf)  # which refutes nothing
        if tag in ("x", "xi"):
            value = self.symbols[args[0]]
            return value if tag == "x" else np.swapaxes(value, 3, 4)
        if tag == "pi":
            return np.full((1,) * 6, np.pi)
        if tag == "^":
            return self.value(args[0]) ** args[1]
        if tag in ("f", "F"):
            return (FUNCTIONS if tag == "f" else self.functions)[args[0]](self.value(args[1]))
        if tag in ("norm", "dot", "quad"):
            u, v = self.vector(args[-1]), self.vector(args[0] if tag == "dot" else args[-1])
            if tag == "quad":
                u = self.apply(args[0], u)
            square = (u * v).sum(-1)
            return np.sqrt(square) if tag == "norm" else square
        if tag in ("opnorm", "tr", "trprod"):
            m = self.matrices[args[0][1]]
            if tag == "opnorm":
                return np.linalg.norm(m, 2, axis=(-2, -1))
            return np.trace(m if tag == "tr" else m @ self.matrices[args[1][1]], axis1=-2, axis2=-1)
        parts = [self.value(arg) for arg in args]
        if tag in ("+", "*", "/"):
            out = parts[0]
            for part in parts[1:]:
                out = out + part if tag == "+" else out * part if tag == "*" else out * inverse(part)
            return out
        return self.operator(tag, parts[0])

    def operator(self, tag: str, value: Any) -> Any:
        if tag in ("E", "EI"):
            value = (value * self.chances).sum(1, keepdims=True)
        if tag in ("I", "EI"):
            value = (value * self.weights).sum(2, keepdims=True)
        if tag in ("S", "Si"):
            axis = 3 if tag == "S" else 4
            value = (value * np.ones([COORDINATES if n == axis else 1 for n in range(6)])).sum(axis, keepdims=True)
        if tag == "C":
            value = (value * np.ones(CLIENTS)).sum(5, keepdims=True)
        return value

    def vector(self, raw: Any) -> Any:
        return self.vectors[raw[1]] if raw[0] == "v" else self.apply(raw[1], self.vector(raw[2]))

    def apply(self, matrix: Any, vector: Any) -> Any:
        return (self.matrices[matrix[1]] @ vector[..., None])[..., 0]

    def holds(self, raw: Any, hypothesis: bool) -> Any:
        """Per model: everywhere. A claim may be off by rounding, unless it is strict.

        Where a number is too large for a float, a hypothesis does not hold, so that there is no model, and a claim is not refuted.
        """
        op, left, right = raw[0], self.value(raw[1]), self.value(raw[2])
        slack = right - left
        error = (1e-13 if hypothesis else 1e-8) * (1 + np.abs(left) + np.abs(right))
        true = {
            "<=": slack >= -error,
            "<": self.above(slack, error, hypothesis),
            "==": np.abs(slack) <= error,
            "!=": slack != 0,
        }[op]
        true = true & np.isfinite(slack) if hypothesis else true | ~np.isfinite(slack)
        return np.broadcast_to(true, (self.count, *true.shape[1:])).reshape(self.count, -1).all(1)

    def above(self, slack: Any, error: Any, hypothesis: bool) -> Any:
        return slack > (
            error if hypothesis else 0
        )  # 0 < a^64 by less than rounding says nothing of 0 < exp(a^64) - 1 in floats


def exact_times(value: dict[str, Any]) -> bool:
    """Whether integrals over time have to be close to true ones."""
    return any(s["rule"] == "primitive" for s in value["steps"])


def satisfies_in_models(value: dict[str, Any], seed: int = 0) -> bool:
    """Whether the claim holds in every drawn model of the context in which the hypotheses hold. Knows nothing of processes."""
    statement = value["statement"]
    if set(statement["axioms"]) - {"integrability"}:
        return True
    with np.errstate(all="ignore"):
        models = Models(value["context"], exact_times(value), seed)
        considered = models.fine
        for raw in statement["assumptions"] + statement["definitions"]:
            considered = considered & models.holds(raw, hypothesis=True)
        return bool((~considered | models.holds(statement["claim"], hypothesis=False)).all())


def same_in_models(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two statements over one context say the same in every drawn model, hypothesis by hypothesis in any order."""

    def table(statement: dict[str, Any], models: Models) -> list[bytes]:
        raws = [
            ("claim", statement["claim"]),
            *(("given", raw) for raw in statement["assumptions"] + statement["definitions"]),
        ]
        return sorted(
            kind.encode() + raw[0].encode() + np.round(models.value(raw[2]) - models.value(raw[1]), 9).tobytes()
            for kind, raw in raws
        )

    if first["context"] != second["context"] or set(first["statement"]["axioms"]) != set(second["statement"]["axioms"]):
        return False
    with np.errstate(all="ignore"):
        models = Models(first["context"], exact_times(first), 0)
        return table(first["statement"], models) == table(second["statement"], models)

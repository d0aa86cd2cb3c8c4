"""The witness of a certificate looked at without the replay: as a finite model, in which the hypotheses are evaluated anew."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from sdescent.derive.proof.kernel.rebuild import context_from
from sdescent.derive.proof.language.context import KINDS, Context
from sdescent.derive.proof.language.terms import from_json, norm
from tests.support.finite_models import AXES, Model

#: where the properties of functions are tried
PROBES = [Fraction(n, 7) for n in range(-40, 41)] + [Fraction(0), Fraction(10**6), Fraction(-(10**6))]


def model_of(certificate: dict[str, Any]) -> Model:
    """The witness with one outcome and two times, 0 and the horizon; where time is steps, with all of them."""
    context, given = context_from(certificate["context"]), certificate["witness"]
    empty = Model(Context({}), {})

    def value(raw: Any) -> Any:
        return empty.value(from_json(raw)).item()

    def values(raw: Any) -> list[Any]:
        return [value(part) for part in raw] if isinstance(raw[0], list) else [value(raw)]

    symbols = {name: values(raw) for name, raw in given["symbols"].items()}
    entries = [*given["vectors"].values(), *given["matrices"].values()]
    size = int(symbols[context.dimension][0]) if context.dimension else len(entries[0]) if entries else 1
    clients = int(symbols[context.clients][0]) if context.clients else 1
    horizon = symbols[context.horizon][0] if context.horizon else Fraction(1)
    scalars: dict[str, Any] = {}
    for name, kind in context.symbols.items():
        axes = [{"j": size, "k": clients}.get(a, 1) if a in KINDS[kind] else 1 for a in AXES]
        if kind == "clock":
            values_of_clock = [Fraction(n) for n in range(int(horizon))] if context.steps else [Fraction(0), horizon]
            axes[AXES.index("t")], symbols[name] = len(values_of_clock), values_of_clock
        own = symbols[name] * (int(np.prod(axes)) if len(symbols[name]) == 1 else 1)
        scalars[name] = np.reshape(np.array(own, dtype=object), axes)
    vectors = {
        name: np.reshape(np.array(values(raw), dtype=object), (1, 1, size)) for name, raw in given["vectors"].items()
    }
    matrices = {}
    for name, raw in given["matrices"].items():
        matrices[name] = np.full((1, 1, size, size), Fraction(0), dtype=object)
        for n, entry in enumerate(values(raw)):
            matrices[name][0, 0, n, n] = entry
    functions = {name: function_of(f) for name, f in given["functions"].items()}
    lengths = [Fraction(1)] * int(horizon) if context.steps else [horizon / 2, horizon / 2]
    chances, steps = np.array([Fraction(1)], dtype=object), np.array(lengths, dtype=object)
    return Model(context, scalars, vectors, matrices, chances, steps, functions, sizes=(size, clients))


def function_of(shape: dict[str, str]) -> Any:
    level, height, width = (Fraction(shape[part]) for part in ("level", "height", "width"))
    return lambda t: level + height * max(-1, min(1, t / width))


def unsatisfied(certificate: dict[str, Any]) -> list[str]:
    """What the model does not satisfy: hypotheses, and declarations of matrices, functions and processes."""
    model, statement = model_of(certificate), certificate["statement"]
    context, wrong = model.context, []
    times = model.steps  # an integral over a model with one time has all of its length
    for raw in [*statement["assumptions"], *statement["definitions"]]:
        moving = any(kind == "clock" for kind in context.symbols.values())
        model.steps = times if moving else np.array([times.sum()], dtype=object)
        if not model.holds(from_json(raw, True)).all():
            wrong.append(str(raw))
    for name in context.matrices:
        if context.psd(name) and any(model.matrices[name][0, 0, n, n] < 0 for n in range(model.sizes[0])):
            wrong.append(name)
    for name, properties in context.functions.items():
        f = model.functions[name]
        for declared, bound in properties.items():
            most = None if bound is True else model.value(bound).item()
            wrong += [f"{name} {declared}"] * (not _has(f, declared, most))
    if context.steps and not (times.sum().denominator == 1 and 1 <= times.sum() <= 64):
        wrong.append("steps")
    for name, entry in context.potentials.items():
        wrong += [f"change of {name}"] * ("change" in entry and model.scalars[entry["change"]].flat[0] != 0)
        if "square" in entry:
            (first, second), slope = entry["smoothness"], norm(("v", entry["gradient"]))
            bounds = (first + second * slope, entry["square"], entry["radius"])
            wrong += [f"bound of {name}" for t in bounds if t is not None and (model.value(t) < 0).any()]
        for part, entries in (
            ("drift", model.vector),
            ("mean", model.vector),
            ("diffusion", lambda m: model.matrices[m[1]]),
        ):
            total = sum(model.value(c).item() * entries(moved) for c, moved in entry.get(part, ()))
            wrong += [f"{part} of {name}"] * bool(np.any(total != 0))
        ends = {model.scalars[n].flat[0] for n in (name, entry["start"], entry["end"])}
        wrong += [f"{name} moves"] * (len(ends) > 1)
    return wrong


def _has(f: Any, declared: str, most: Any) -> bool:
    probes = sorted(PROBES)
    if declared == "odd":
        return all(f(-t) == -f(t) for t in probes)
    if declared == "nondecreasing":
        return all(f(s) <= f(t) for s, t in pairwise(probes))
    if declared == "concave_right":
        right = [t for t in probes if t >= 0]
        return all((f(s) + f(t)) / 2 <= f((s + t) / 2) for s in right for t in right)
    if declared == "bounded":
        return all(abs(f(t)) <= most for t in probes)
    return all(f(t) <= most * t for t in probes if t >= 0)

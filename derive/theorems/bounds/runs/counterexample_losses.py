"""Losses of one coordinate for refutations: every quantity of a setting as a term in a few numbers.

A family gives the value, gradient and curvature of a loss at e = x - x*, and the mean of the loss after a step with the two-point
message g +- z, so that exact numbers can refute a claim. A refutation has one client, and the memory has its initial value 0. The
dimension is 1. If the compressor needs more dimensions, x - x* is e in one coordinate and 0 in the others.

| family | loss | ||Hess|| <= L0 + L1 ||grad|| holds if |
|---|---|---|
| quadratic | h e^2/2 | 0 <= h <= L0 |
| exponential | A (exp(b e) - b e - 1) | A b^2 = L0, b = L1 |
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.compressors import Identity, NormClip, Sign
from sdescent.derive.methods.specialise import specialise, symbols_in
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, matvec, norm, num, plus, quad, trprod, vec, x
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import LIPSCHITZ
from sdescent.derive.theorems.bounds.language.letters import CLOCK, at_the_end, at_the_start
from sdescent.derive.theorems.bounds.language.vocabulary import numbers_in, parts_of, replaced, symbols_of
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.errors import BadInput

_ZERO, _HALF = num(0), num("1/2")
#: the noise is +-z; e is x - x*
SPREAD, AT = x("z_q"), x("at_q")
#: the scale of uniform noise, for signs
SCALE = x("s_q")


@dataclass(frozen=True)
class Instance:
    """A family of losses for one setting.

    Args:
        loss: the loss as plain text.
        variables: the names of the family's own numbers, in addition to those of the theorem.
        conditions: the conditions for membership in the setting's classes.
        values: symbol, norm, product or trace of the setting -> term in numbers.
    """

    loss: str
    variables: tuple[str, ...]
    conditions: tuple[Relation, ...]
    values: Mapping[Term, Term]

    def meant(self, t: Any) -> Any:
        """A formula of the setting as a formula in numbers."""
        return replaced(t, self.values)


@dataclass(frozen=True)
class _Family:
    """f(e) - f*, f'(e) and f''(e) in numbers, and the conditions for each class."""

    loss: str
    variables: tuple[str, ...]
    gap: Callable[[Term], Term]
    slope: Callable[[Term], Term]
    bend: Callable[[Term], Term]
    smooth: Callable[[Term, Term], list[Relation]]
    signs: tuple[Relation, ...]
    #: mu -> condition for PL and strong convexity with mu; None if the loss has neither
    strong: Callable[[Term], Relation] | None


_h, _A, _b, _t = x("h_q"), x("A_q"), x("b_q"), x("t_q")


def _power(e: Term) -> Term:
    """exp(b e) in terms of t = exp(b AT), where possible."""
    if e == AT:
        return _t
    if e[:2] == ("+", AT) and len(e) == 3:
        return _t * fn("exp", _b * e[2])
    return fn("exp", _b * e)


FAMILIES = (
    _Family(
        "f(x) = h_q (x - xstar)^2/2", ("h_q",), lambda e: _h * e**2 / 2, lambda e: _h * e, lambda e: _h,
        lambda low, high: [_h.le(low)], (_h.ge(0),), lambda mu: mu.le(_h),
    ),
    _Family(
        "f(x) = A_q (exp(b_q (x - xstar)) - b_q (x - xstar) - 1), t_q = exp(b_q (x - xstar))", ("A_q", "b_q"),
        lambda e: _A * (_power(e) - _b * e - 1), lambda e: _A * _b * (_power(e) - 1), lambda e: _A * _b**2 * _power(e),
        lambda low, high: [low.eq(_A * _b**2), high.eq(_b)], (_A.ge(0), _b.gt(0), _t.gt(0)), None,
    ),
)  # fmt: skip


def instances(setting: Setting, against: bool = True) -> Iterator[Instance]:
    """The families that may be in the setting's class, with the numbers of its compressor.

    Args:
        against: whether the families serve a refutation, which needs the setting's own noise.
    """
    classes, smooth = setting.hypotheses.classes, setting.hypotheses.smoothness
    quadratic, exponential = FAMILIES
    bent = smooth is not None and smooth[1] != _ZERO and not {"pl", "strongly convex"} & set(classes)
    about = [r for name, r in setting.assumptions.items() if name in setting.formulas and nm.N[1] in symbols_of(r)]
    counts = (1,) if against or not about else (1, *numbers_in(about), 2, 10)
    for dim, numbers in _compressions(setting):
        for family, clients in product((quadratic, exponential) if bent and dim == 1 else (quadratic,), counts):
            if clients == 1 or family is quadratic:
                one = _instance(family, setting, dim, numbers, against, clients)
                if one is not None:
                    yield one


def _compressions(setting: Setting) -> Iterator[tuple[int, dict[str, Fraction]]]:
    """Pairs (dimension, numbers for the symbols of the compressor) for which the compressor exists."""
    compressor, asked = setting.method.compressor, setting.definitions.get("dimension")
    names = sorted({s.name for s in symbols_in(compressor) if not isinstance(s, Coordinate)} - {"d"})
    usual = (1,) if isinstance(compressor, Identity | Sign | NormClip) else (2, 4)
    for dim in usual if asked is None else (int(asked.right[1]),):
        for values in product((Fraction(1), Fraction(2), Fraction(1, 2)), repeat=len(names)):
            numbers = dict(zip(names, values, strict=True))
            try:
                specialise(compressor, numbers).check_dimension(dim)
            except BadInput:
                continue
            yield dim, numbers


def _instance(
    family: _Family, setting: Setting, dim: int, numbers: Mapping[str, Fraction], against: bool, clients: int
) -> Instance | None:
    signs, quadratic = isinstance(setting.method.compressor, Sign), family is FAMILIES[0]
    law_fixed = not setting.any_noise and not setting.method.noise.law.degenerate
    if signs and (dim > 1 or (against and law_fixed)):
        return None  # R belongs to this law, but the numbers below are those of uniform noise
    if setting.mean != nm.GRADIENT and not signs:
        return None  # other biased compressors: no mean message is computed here
    classes, slope, curvature = setting.hypotheses.classes, family.slope(AT), family.bend(AT)
    conditions = [*family.signs, *([SCALE.gt(0), SCALE.le(slope)] if signs else [])]
    if setting.hypotheses.smoothness is not None:
        conditions += family.smooth(*setting.hypotheses.smoothness)
    if not quadratic and set(LIPSCHITZ) & set(classes):
        return None
    conditions += [_h.le(classes[name][0]) for name in LIPSCHITZ if name in classes]
    if family.strong is not None:
        conditions += [family.strong(classes[name][0]) for name in ("pl", "strongly convex") if name in classes]
    # under uniform noise of at most this scale the sign of a positive gradient is 1
    vectors: dict[str, Term] = {nm.GRADIENT: slope, nm.DISTANCE: AT, nm.MESSAGE: num(1)}
    derived = {p.gradient for p in setting.points[1:]} | set(setting.draws_of_step)
    memory = [v for v in setting.vectors if v not in (*vectors, *setting.sums, *derived)]
    if setting.points[1:] and not quadratic:
        return None
    vectors |= {v: num(0) if against and v != nm.BENT else x(v) for v in memory}
    sums = {name: s for name, s in setting.sums.items() if derived.isdisjoint(s.parts)}
    vectors |= {name: plus(*[c * vectors[v] for v, c in s.parts.items()]) for name, s in sums.items()}
    values: dict[Term, Term] = {
        **{x(name): num(v) for name, v in numbers.items()}, nm.d: num(dim), nm.N: num(clients),
        **({x(CLOCK): num(0)} if against and setting.timed else {}),
        nm.f: family.gap(AT), nm.fstar: num(0),
        nm.CURVATURE: fn("abs", curvature), trprod(nm.H, nm.S): curvature * nm.Q, quad(nm.H, nm.g): curvature * slope**2,
        dot(nm.g, matvec(nm.H, nm.g)): curvature * slope**2, nm.NOISE: SPREAD**2, nm.clip: num(1), nm.G1: fn("abs", slope),
    }  # fmt: skip
    for b in setting.numbers:  # with a logarithm in V all must be 1 to be rational
        if against:
            r = setting.definitions[f"{after(b)} of the step"]
            values |= {x(b): x(at_the_start(b)), x(after(b)): r.right if r.left[0] == "x" else fn("sqrt", r.right)}
            continue
        values |= dict.fromkeys((x(b), x(at_the_start(b)), x(at_the_end(b))), num(1))
        conditions += [x(after(b)).eq(1)] if any(p[0] == "f" for t in setting.functions for p in parts_of(t)) else []
    if signs:
        values |= {sg.a: num(1), sg.BAR: SCALE, sg.ONE_NORM: slope, sg.sigma: SCALE, sg.M: _HALF}
        values |= {sg.y: slope, sg.b: num(1), sg.AT: num(1), x("z"): num(0), x("r"): num(1)}
    spread = {z: {z: num(1)} for z in setting.draws_of_step if z[0] == "z"}
    vectors |= dict.fromkeys(setting.draws_of_step, num(0))  # the identity is in every class of compressors
    for point in setting.points[
        1:
    ]:  # of a quadratic loss every gradient is h times the place, and a draw has the mean square Q/N
        place = plus(*[c * vectors[v] for v, c in point.parts.items()])
        drawn = {v: c for v, c in point.parts.items() if v in spread}
        vectors[point.gradient], spread[point.gradient] = _h * place, {v: _h * c for v, c in drawn.items()}
        values[point.value] = _HALF * _h * (place**2 + plus(*[c**2 * nm.Q / nm.N for c in drawn.values()]))
    for v, at in vectors.items():
        values |= {nm.inner(v, v): at**2, dot(vec(v), vec(v)): at**2, norm(vec(v)): fn("abs", at)}
        values |= {nm.inner(v, w): at * other for w, other in vectors.items() if v != w}
    for v, drawn in spread.items():  # on top of the products of the means
        for w, other in spread.items():
            more = plus(*[c * other[z] * nm.Q / nm.N for z, c in drawn.items() if z in other])
            values[nm.inner(v, w)] = vectors[v] * vectors[w] + more
            if v == w:
                values[dot(vec(v), vec(v))] = values[nm.inner(v, v)]
                del values[norm(vec(v))]
    values |= {quad(nm.H, nm.b): curvature, dot(nm.g, vec(nm.BENT)): curvature}
    table = {r.left: r.right for r in setting.definitions.values() if not signs or r.left != nm.Q}
    values = {**table, **values, **({nm.NOISE: table[nm.NOISE]} if nm.NOISE in table else {})}
    if nm.Q not in values:
        values[nm.Q], more = (num(0), []) if signs else _compressed(setting, dim, numbers)
        conditions += more
    several = setting.method.clients.is_number and setting.method.clients != 1
    if setting.steps and not quadratic and (law_fixed or several):
        return None  # E f(x + D) depends on the whole law, which is not that of two points
    bounded = "f" in setting.potentials and setting.context.potentials["f"].get("radius") is not None
    if isinstance(setting.method.compressor, Identity) and (bounded or not quadratic):
        conditions.append(values[nm.Q].eq(SPREAD**2))  # otherwise only moments matter
    if "f" in setting.potentials and setting.steps:
        moved = _mean_change(family, setting, vectors)
        if moved is None:
            return None
        values[nm.Af], ends = moved
        radius = setting.context.potentials["f"].get("radius")
        if radius is not None and not signs:
            if law_fixed or not isinstance(setting.method.compressor, Identity | NormClip):
                return None
            conditions += [fn("abs", end).le(radius) for end in ends]
    if not quadratic:
        values[AT] = fn("log", _t) / _b
    closed = {t: _closed(v, values) for t, v in values.items()}
    one = Instance(family.loss, (*family.variables, AT[1], SPREAD[1], *memory), (), closed)
    return replace(one, conditions=tuple(one.meant(c) for c in conditions))


def _compressed(setting: Setting, dim: int, numbers: Mapping[str, Fraction]) -> tuple[Term, list[Relation]]:
    """Q of the compressed message and conditions: for a compressor that is not a random mask, x - x* and z must be 0."""
    bound = setting.assumptions.get("compression")
    if bound is None:
        return SPREAD**2, []
    if specialise(setting.method.compressor, numbers).mask(sp.Integer(dim)) is not None:
        return bound.right, []
    return num(0), [AT.eq(0), SPREAD.eq(0)]


def _mean_change(family: _Family, setting: Setting, vectors: Mapping[str, Term]) -> tuple[Term, list[Term]] | None:
    """E f(x + D) - f(x) and the values of D, if known; draws are independent and equal to +z or -z with equal chances."""
    entry = setting.context.potentials["f"]
    if "mean" not in entry:
        return None
    mean = plus(*[c * vectors[v[1]] for c, v in entry["mean"]])
    moves = [mean]
    if nm.MESSAGE not in setting.vectors:
        for c in setting.draws:
            moves = [move + sign * c * SPREAD for move in moves for sign in (1, -1)]
    if family is FAMILIES[0]:
        return family.slope(AT) * mean + _HALF * _h * entry["square"], moves
    return num(Fraction(1, len(moves))) * plus(*[family.gap(AT + move) for move in moves]) - family.gap(AT), moves


def _closed(t: Term, values: Mapping[Term, Term]) -> Term:
    """A term in numbers, obtained by replacing atoms of the setting until none is left."""
    for _ in range(6):
        new = replaced(t, {k: v for k, v in values.items() if v != k})
        if new == t:
            return t
        t = new
    return t

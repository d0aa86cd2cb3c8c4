"""Refutations: a search for the numbers of a run, on a loss of `derive.bounds.instances`, which `derive.bounds.runs` checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from derive.bounds import names as nm
from derive.bounds.formulas import solved, symbolic
from derive.bounds.instances import AT, CURVE, SCALE, SPREAD, START, Instance, instances
from derive.bounds.means import Means
from derive.bounds.proving import BELOW_ONE
from derive.bounds.runs import Run, recorded
from derive.bounds.setting import Setting
from derive.bounds.signs import is_sign
from derive.bounds.vocabulary import replaced, symbols_of
from derive.proof.language.clock import now
from derive.proof.language.context import ProofError, parts
from derive.proof.language.terms import OPERATORS, Relation, Term, fn, num, x
from derive.proof.refute.counterexample import refute
from derive.theorems.entry.points import holds, value
from derive.vocabulary.symbols import u as free

#: numbers of steps that are tried
HORIZONS = (1, 2, 5, 10)
#: steps and step sizes that are tried for a claim at the horizon, where the curvature is 1, with seconds for each
ETAS = tuple(map(Fraction, ("1/2", "1", "1/4", "1/10", "3/2")))
DYNAMICS = tuple(product((1, 3, 10, 2, 30), ETAS))
EACH = 0.3
#: numbers for constants of the method that are between 0 and 1, and for others
FRACTIONS, SIZES = (Fraction(1, 2), Fraction(9, 10), Fraction(1, 10)), (Fraction(1), Fraction(1, 2), Fraction(2))
#: the part of a bound of the gradient below which a loss with a core is quadratic; what constants that bound something are tried to be
WITHIN, LARGE = Fraction(15, 16), (Fraction(1), Fraction(10), Fraction(1000), Fraction(10**6))
_OBJECTS = ("norm", "dot", "tr", "opnorm", "quad", "trprod", "F")


@dataclass(frozen=True)
class Refuted:
    """A claim fails in a run.

    Args:
        loss: the loss, in words.
        point: exact values of its numbers and the theorem's.
        claim: the claim, in the terms of the setting.
        dim: the dimension.
        run: the run, which has been checked.
    """

    loss: str
    point: Mapping[str, Fraction]
    claim: Relation
    dim: int
    run: Run


def refuted(given: Setting, claim: Relation, seconds: float = 2.0) -> Refuted | None:
    """A run in which a claim about one step fails although all assumptions hold; None says nothing.

    Args:
        claim: in the terms of the setting, without operators.
        seconds: about how long to look, for each family of losses.
    """
    for one in sorted(instances(given), key=lambda one: one.clients):
        if one.clients > 1 and nm.N[1] not in symbols_of(claim):
            continue
        found = _in_family(given, claim, one, seconds)
        if found is not None:
            return found
    return None


def refuted_at_the_end(given: Setting, claim: Relation, seconds: float) -> Refuted | None:
    """A run of some steps whose means a claim at the horizon contradicts, on a quadratic loss; None says nothing.

    The step size, the constants of the method and the number of steps are tried; then the second moments are linear in
    (x_0 - x*)^2 and the variance, and what is left is the search for one step.
    """
    stop = now() + seconds
    plain = [one for one in instances(given) if one.variables[0] == CURVE[1] and AT[1] in one.variables]
    if not given.steps or is_sign(given.method):
        return None
    wanted = [one for one in plain if one.clients == 1 or nm.N[1] in symbols_of(claim)]
    for (steps, eta), one in product(DYNAMICS, wanted):
        for numbers in _constants(given, eta):
            if now() > stop:
                return None
            try:
                found = _after(given, claim, one, numbers, steps, min(EACH, stop - now()))
            except (ProofError, KeyError, ValueError, ArithmeticError):  # a term whose mean is not known, or no step with these numbers
                continue
            if found is not None:
                return found
    return None


def _constants(given: Setting, eta: Fraction) -> Iterator[dict[str, Fraction]]:
    """Numbers for what a step depends on."""
    free_ones = [str(v) for _, v in given.method.constants if v.is_Symbol]
    choices = [FRACTIONS if name in given.method.fractions else SIZES for name in free_ones]
    for chosen in product(*choices):
        yield {"eta": eta, CURVE[1]: Fraction(1), **dict(zip(free_ones, chosen, strict=True))}


def _after(
    given: Setting, claim: Relation, one: Instance, numbers: Mapping[str, Fraction], steps: int, seconds: float
) -> Refuted | None:
    """The claim after these steps."""
    put: dict[Term, Term] = {x(name): num(v) for name, v in numbers.items()} | {given.horizon: num(steps)}
    means = Means(given, one, put, steps)
    start = {p.start: p.value for p in given.potentials.values()}

    def at_the_start(r: Relation) -> Relation:
        return replaced(one.meant(replaced(means.replaced(r), start)), put)

    ends = {p.end for p in given.potentials.values()}
    asked = [replaced(r, put) for r in one.conditions]
    for name, r in {**given.assumptions, **given.definitions}.items():
        if name in given.formulas or not {p for side in r[1:] for p in parts(side)} & ends:
            asked.append(at_the_start(r))
    asked = [r for r in asked if r.left != r.right]
    at = at_the_start(claim)
    if _foreign([*asked, at]) or any(_operators(r) for r in (*asked, at)):
        return None
    point = _point(given, asked, at, seconds)
    return None if point is None else _run(given, claim, one, {**numbers, given.horizon[1]: Fraction(steps), **point}, steps)


def satisfying(given: Setting, seconds: float = 1.0) -> dict[Term, Fraction] | None:
    """Rational values of everything in the setting at which all assumptions hold, on a quadratic loss; None if none are found."""
    one = next(iter(instances(given, against=False)), None)
    relations = None if one is None else _relations(given, one)
    if one is None or relations is None:
        return None
    for values in _horizons(given, relations):
        asked = [replaced(r, values) for r in relations]
        found = refute(sorted(set().union(*[symbols_of(r) for r in asked])), asked, num(1).le(0), seconds)
        if found is None or not all(isinstance(v, Fraction) for v in found.values()):
            continue
        numbers = {x(name): Fraction(v) for name, v in found.items() if isinstance(v, Fraction)}
        try:
            return _spread(given, one, numbers | {t: Fraction(v[1]) for t, v in values.items()})
        except (ProofError, KeyError):
            continue
    return None


def _spread(given: Setting, one: Instance, numbers: dict[Term, Fraction]) -> dict[Term, Fraction]:
    """Values of symbols, norms, products and traces."""
    free = {x(name) for name in (*given.context.symbols, *one.variables)} | {
        x(n) for t in one.values.values() for n in symbols_of(t)
    }
    numbers = {**dict.fromkeys(free, Fraction(0)), **numbers}
    table = {t: Fraction(value(v, numbers)) for t, v in one.values.items() if not isinstance(v, Fraction)}
    table = {
        **{t: v for t, v in numbers.items() if t[1] in given.context.symbols},
        **{t: v for t, v in table.items() if t[0] != "Mv"},
    }
    for key, p in given.potentials.items():
        here = table[nm.f] if key == "f" else table[nm.inner(*key)] if nm.inner(*key) in table else table[p.value]
        zero = p.start in {r.left for r in given.definitions.values()}
        table |= {p.start: Fraction(0) if zero else here, p.end: here}
        table.setdefault(p.change, Fraction(0))
    table[given.horizon] = numbers[given.horizon] if numbers.get(given.horizon) else Fraction(1)
    return table


def _relations(given: Setting, one: Instance, claim: Relation | None = None) -> list[Relation] | None:
    """The assumptions about one state in numbers; None where something is left that is not a number.

    Args:
        claim: that is to fail in a step from this state, where the process may start; None where those about the horizon are taken
            too, where it is 1 and nothing moves.
    """
    whole = claim is None
    stated = {**given.assumptions, **given.definitions}
    # what holds of every family and of every number of steps that is tried
    skipped = ("f >= f*", *(("horizon >= 0",) if given.steps else ()))
    if whole:
        stated = {name: _at_rest(given, r) for name, r in stated.items() if name != BELOW_ONE}
    here = {} if whole or one.before else {p.start: p.value for p in given.potentials.values()}  # a process starts at this state
    found = [*one.conditions, *([] if whole else _short_steps(given, one))]
    for name, r in stated.items():
        if name in skipped:
            continue
        meant = one.meant(replaced(r, here) if name in given.formulas else r)
        if not given.at_the_end(meant) and not _operators(meant):
            found += [meant, *([] if whole else _elsewhere(given, one, name, r))]
        elif name in given.formulas and claim is not None and not _is_free(given, name, claim):
            return None  # whether it holds is not known
    found = [r for r in found if r.left != r.right]
    return None if _foreign(found) else found


def _short_steps(given: Setting, one: Instance) -> list[Relation]:
    """No step from this state is longer than is assumed."""
    radius = given.hypotheses.radius
    return [] if radius is None else [fn("abs", end - AT).le(radius) for end in one.later if AT[1] in one.variables]


def _elsewhere(given: Setting, one: Instance, name: str, r: Relation) -> list[Relation]:
    """What is assumed of the state, before this one and after it, where the run has to stay."""
    found = [earlier.meant(r) for earlier in one.before]
    if name == "bounded gradient":
        found.append(one.meant(r.left.le(r.right * WITHIN)))
    of_classes = {key for key in given.hypotheses.relations if key not in ("variance", "bounded gradient")}
    moving = one.meant(r) != r and AT[1] in one.variables and given.steps
    if moving and name not in of_classes and (name in given.formulas or name in given.hypotheses.relations):
        after = [replaced(one.meant(r), {AT: end, SPREAD: num(0)}) for end in one.later]
        if any(AT[1] in symbols_of(e) for e in after):
            found += [*after, (replaced(one.later[0], {AT: num(1)}) ** 2).le(1)]
    return found


def _is_free(given: Setting, name: str, claim: Relation) -> bool:
    """Whether an assumption bounds something by a constant that occurs nowhere else, and so holds of one that is large enough."""
    bound = given.assumptions[name].right
    others = [r for other, r in {**given.assumptions, **given.definitions}.items() if other != name]
    own = given.assumptions[name].op in ("<=", "<") and bound[0] == "x" and bound[1] in given.own
    return own and bound[1] not in set().union(*(symbols_of(r) for r in (*others, claim, given.assumptions[name].left)))


def _operators(r: Relation) -> bool:
    return any(p[0] in OPERATORS for side in r[1:] for p in parts(side))


def _at_rest(given: Setting, relation: Relation) -> Relation:
    """A relation of constants and the schedule at the horizon 1, without sums over time; others as they are."""
    ends = {t for p in given.potentials.values() for t in (p.start, p.end)}
    if not {p[0] for side in relation[1:] for p in parts(side)} & {"I"} or symbols_of(relation) & {t[1] for t in ends}:
        return relation
    return _without_sums(relation)


def _without_sums(t: Any) -> Any:
    if isinstance(t, Term) and t[0] == "I":
        return _without_sums(t[1])
    return type(t)(_without_sums(a) if isinstance(a, Term) else a for a in t) if isinstance(t, Term | Relation) else t


def _foreign(relations: Sequence[Relation]) -> bool:
    return any(p[0] in _OBJECTS for r in relations for side in r[1:] for p in parts(side))


def _in_family(given: Setting, claim: Relation, one: Instance, seconds: float) -> Refuted | None:
    relations, meant = _relations(given, one, claim), one.meant(claim)
    if relations is None or _foreign([meant]):
        return None
    tried = _horizons(given, [*relations, meant])
    if one.before:  # of a state after several steps what the step depends on is tried, and the rest is simple
        steps = {given.horizon: num(len(one.before) + 1)}
        tried = [{x(n): num(v) for n, v in numbers.items()} | steps for eta in ETAS for numbers in _constants(given, eta)]
    for values in tried:
        asked, at = [replaced(r, values) for r in relations], replaced(meant, values)
        point = _point(given, asked, at, seconds / len(tried))
        found = None if point is None else _run(given, claim, one, {**{t[1]: Fraction(v[1]) for t, v in values.items()}, **point})
        if found is not None:
            return found
    return None


def _run(given: Setting, claim: Relation, one: Instance, point: Mapping[str, Any], steps: int = 0) -> Refuted | None:
    """The run of these numbers, if it refutes the claim; constants that only bound something are tried to be large.

    Args:
        steps: of a claim at the horizon, with the same noise in each.
    """
    if not all(isinstance(v, Fraction) for v in point.values()):
        return None
    number = {**dict.fromkeys(one.variables, Fraction(0)), **point}
    used = set().union(*(symbols_of(r) for r in (*given.assumptions.values(), *given.definitions.values(), claim)))
    ends = {p.start[1] for p in given.potentials.values()}
    names = [n for n, kind in given.context.symbols.items() if n in used - ends - {"fstar", "M"} and kind == "const"]
    names += ["u"] if given.method.schedule.factor == free else []
    known = {t[1]: Fraction(v[1]) for t, v in one.values.items() if t[0] == "x" and v[0] == "q"}
    several = {"N": Fraction(int(given.method.clients))} if given.method.clients.is_number else {}
    past = [number[name] for name in one.variables if name not in (START[1], AT[1], SPREAD[1]) and name[0] == "z"]
    last = abs(number[SPREAD[1]]) if given.any_noise else Fraction(0)
    noise = (last,) * steps or (*past, last)
    first = Fraction(max(steps, len(noise)))
    constants = {n: number.get(n, known.get(n, first if n == given.horizon[1] else Fraction(1))) for n in names} | several
    exponential = "t_q" in number
    shape = (number["A_q"], number["b_q"]) if exponential else (number["h_q"],)
    start = number["t_q"] if exponential else number.get(START[1], number.get(AT[1], Fraction(0)))
    core: tuple[Fraction, ...] = ()
    if "bounded gradient" in given.hypotheses.classes and not exponential and shape[0] > 0:
        top = given.hypotheses.classes["bounded gradient"][0]
        try:
            top = Fraction(value(top, {x(n): c for n, c in constants.items()}))
        except (ProofError, KeyError):
            return None
        core = top / shape[0] * WITHIN, top / shape[0] * (1 - WITHIN)
    draft = Run(shape, constants, start, noise, core, number.get(SCALE[1], Fraction(0)))
    free_names = [n for n in names if n in given.own and n not in point]
    for size in LARGE if free_names else LARGE[:1]:
        made = recorded(given, claim, replace(draft, constants={**constants, **dict.fromkeys(free_names, size)}))
        if made is not None:
            return Refuted(one.loss, dict(point), claim, one.dim, made)
    return None


def _point(given: Setting, asked: Sequence[Relation], at: Relation, seconds: float) -> dict[str, Any] | None:
    """Where the claim fails and all that is asked holds, exactly; constants that equalities give are tried to be put in first."""
    values = solved([r for r in asked if r.op == "=="], given.own)
    if values:
        found = _with_values(values, asked, at, seconds / 2)
        if found is not None:
            return found
    return refute(_names([*asked, at]), asked, at, seconds)


def _with_values(values: Mapping[Term, Term], asked: Sequence[Relation], at: Relation, seconds: float) -> dict[str, Any] | None:
    """As `_point`, with these constants put in; what is found is checked with all that is asked as it stands."""
    put, claim = [replaced(r, values) for r in asked], replaced(at, values)
    rest = [r for r in put if not _identity(r)]
    free = sorted({*_names([*rest, claim]), *(n for t in values.values() for n in symbols_of(t))})
    point = refute(free, rest, claim, seconds)
    if point is None or not all(isinstance(v, Fraction) for v in point.values()):
        return None
    numbers: dict[Term, Fraction | int] = {x(name): Fraction(str(v)) for name, v in point.items()}
    try:
        numbers |= {name: Fraction(value(t, numbers)) for name, t in values.items()}
        fails = all(holds(r, numbers) for r in asked) and not holds(at, numbers)
    except (ProofError, KeyError):
        return None
    return {name[1]: Fraction(v) for name, v in numbers.items()} if fails else None


def _names(relations: Sequence[Relation]) -> list[str]:
    return sorted(set().union(*[symbols_of(r) for r in relations]))


def _identity(r: Relation) -> bool:
    """Whether an equality holds for all numbers; of those that divide by something the search is to see."""
    try:
        return r.op == "==" and bool(sp.cancel(symbolic(r.left) - symbolic(r.right)) == 0)
    except ProofError:
        return False


def _horizons(given: Setting, relations: Sequence[Relation]) -> list[dict[Term, Term]]:
    """Numbers of steps that are tried where relations hold the horizon; an interval of time may have any length."""
    used = set().union(*[symbols_of(r) for r in relations])
    return [{given.horizon: num(n)} for n in HORIZONS] if given.steps and given.horizon[1] in used else [{}]

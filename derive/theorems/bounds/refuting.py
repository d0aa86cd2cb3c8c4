"""The search for a run that refutes a claim, on the losses of `..runs.counterexample_losses`; `..runs.check` checks the run."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from sdescent.derive.methods.specialise import symbol_names
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, num, x
from sdescent.derive.proof.refute.counterexample import refute
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import solved, symbolic
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import numbers_in, parts_of, replaced, symbols_of
from sdescent.derive.theorems.bounds.runs.check import cored, in_numbers, recorded
from sdescent.derive.theorems.bounds.runs.counterexample_losses import AT, FAMILIES, SCALE, SPREAD, Instance, instances
from sdescent.derive.theorems.bounds.runs.trajectory import Run
from sdescent.derive.theorems.entry.instances import holds, value
from sdescent.derive.vocabulary.symbols import u as free

#: numbers of steps to try
HORIZONS = (1, 2, 5, 10)
#: step sizes to try at curvature 1, and seconds for each choice
ETAS = tuple(map(Fraction, ("1/2", "1", "1/4", "1/10", "3/2")))
EACH = 0.3
#: numbers of steps without noise before the one that is tried, if steps differ
LATER = (1, 3, 10)
#: values to try for constants of the method between 0 and 1, and for its other constants
FRACTIONS, SIZES = (Fraction(1, 2), Fraction(9, 10), Fraction(1, 10)), (Fraction(1), Fraction(1, 2), Fraction(2))
#: values to try for constants that bound something
LARGE = (Fraction(1), Fraction(10), Fraction(1000), Fraction(10**6))
_OBJECTS = {"norm", "dot", "tr", "opnorm", "quad", "trprod", "F"}


@dataclass(frozen=True)
class Refuted:
    """A claim and a run in which it fails.

    Args:
        loss: the loss, as text.
        point: exact values of the numbers of the loss and of the theorem.
        claim: the claim, in the terms of the setting.
        run: the checked run.
    """

    loss: str
    point: Mapping[str, Fraction]
    claim: Relation
    run: Run

    @property
    def dim(self) -> int:
        """The dimension of the run."""
        return int(self.run.constants["d"])


@dataclass(frozen=True)
class Beyond:
    """An attempt to refute slightly more than is proved.

    Args:
        change: the change of the decay or the floor.
        where: further assumptions: L >= 100*mu and, if the conditions allow it, eta*L >= 1/2; empty for none.
        against: a run in which the stronger claim fails; None proves nothing.
    """

    change: str
    where: tuple[str, ...]
    against: Refuted | None


def refuted(setting: Setting, claim: Relation, seconds: float = 2.0) -> Refuted | None:
    """A run in which a claim about one step fails although all assumptions hold; None proves nothing.

    Args:
        claim: the claim in the terms of the setting, without operators.
        seconds: an approximate limit for each family of losses.
    """
    tried = (_in_family(setting, claim, one, seconds) for one in instances(setting))
    return next((refutation for refutation in tried if refutation is not None), None)


def refuted_at_the_end(setting: Setting, claim: Relation, seconds: float) -> Refuted | None:
    """A run on a quadratic loss whose means after several steps contradict a claim at the horizon; None proves nothing."""
    if not setting.steps or is_sign(setting.method):
        return None
    clients = (1, 4) if nm.N[1] in symbols_of(claim) and not setting.method.clients.is_number else (1,)
    tried: list[_Tried] = [(K, eta, (), N) for K in (3, 1, 10, 2, 30) for N in clients for eta in ETAS]
    return _in_numbers(setting, claim, seconds, tried)


def refuted_later(setting: Setting, claim: Relation, seconds: float = 2.0) -> Refuted | None:
    """A run as from `refuted`, but with several clients, a nonzero memory, or assumptions checked at all states it may reach."""
    many = nm.N[1] in symbols_of(claim) and not setting.method.clients.is_number
    stays = setting.formulas or {"bounded gradient", "bounded step"} & set(setting.hypotheses.classes)
    filled = setting.method.rule.memory and (setting.any_noise or setting.method.noise.law.degenerate)
    if not setting.steps or is_sign(setting.method) or not (many or stays or filled or setting.timed):
        return None
    clients = [*((1,) if stays else ()), *((4,) if many else ())]
    tried: list[_Tried] = [(1, eta, (), N) for N in clients for eta in ETAS]
    if filled:  # with 1/eta - 1 the next state is x*
        drawn = [(eta, z) for z in ("back", 0, 1, -1) if z == 0 or setting.any_noise for eta in ETAS]
        tried = [*((2, eta, (1 / eta - 1 if z == "back" else Fraction(z),), 1) for eta, z in drawn), *tried]
    if setting.timed:
        tried = [*((m + 1, eta, (Fraction(0),) * m, 1) for m in LATER for eta in ETAS), *tried]
    return _in_numbers(setting, claim, seconds, tried)


#: (number of steps, step size, draws before the last step, number of clients)
_Tried = tuple[int, Fraction, tuple[Fraction, ...], int]


def _in_numbers(setting: Setting, claim: Relation, seconds: float, tried: Sequence[_Tried]) -> Refuted | None:
    """A run on (x - x*)^2/2 that refutes the claim, or None.

    Values are tried one by one for the constants that the steps depend on; a search on relations between numbers finds the others.
    """
    stop, over = now() + seconds, setting.at_the_end(claim)
    named = symbol_names(setting.method) | {str(v) for _, v in setting.method.constants if v.is_Symbol}
    names = sorted(named - {"eta", "N", "d", "u"})
    sizes = [FRACTIONS if name in setting.method.fractions else SIZES for name in names]
    dims = {"d": next((Fraction(r.right[1]) for r in setting.definitions.values() if r.left == nm.d), Fraction(1))}
    starts = [(Fraction(1), Fraction(0)), *((Fraction(a), Fraction(1)) for a in ((0, 1) if setting.any_noise else ()))]
    for (steps, eta, past, N), values, (at, z) in product(tried, list(product(*sizes)), starts):
        if now() > stop:
            return None
        fixed = {
            "eta": eta, "N": Fraction(N), **dims, setting.horizon[1]: Fraction(steps),
            **dict(zip(names, values, strict=True)),
        }  # fmt: skip
        if setting.method.clients.is_number:
            fixed["N"] = Fraction(int(setting.method.clients))
        last = abs(past[-1]) * z if past and past[-1] else z
        draft = Run((Fraction(1),), fixed | {"u": Fraction(1)}, at, (last,) * steps if over else (*past, last))
        relations = in_numbers(setting, claim, draft)
        point = None if relations is None else _point(setting, relations[:-1], relations[-1], min(EACH, stop - now()))
        if point is None:
            continue
        drawn = {f"z{n}_q": z for n, z in enumerate(past)}
        point_of_the_run = {"h_q": Fraction(1), "start_q" if past else "at_q": at, **drawn, "z_q": last}
        refutation = _refutation_by_run(setting, claim, draft, point, FAMILIES[0].loss, point_of_the_run)
        if refutation is not None:
            return refutation
    return None


def satisfying(setting: Setting, seconds: float = 1.0) -> dict[Term, Fraction] | None:
    """Rational values of all atoms of the setting that satisfy the assumptions on a loss of `instances`; None if none are found."""
    for one in instances(setting, against=False):
        relations = _relations(setting, one, whole=True)
        if relations is None:
            continue
        if not setting.steps:
            relations.append(setting.horizon.gt(0))
        for values in _horizons(setting, relations):
            point = _numbers([replaced(r, values) for r in relations], num(1).le(0), seconds)
            if point is None:
                continue
            with suppress(ProofError, KeyError):
                numbers = {x(name): v for name, v in point.items()} | {t: Fraction(v[1]) for t, v in values.items()}
                return _spread(setting, one, numbers)
    return None


def _spread(setting: Setting, one: Instance, numbers: dict[Term, Fraction]) -> dict[Term, Fraction]:
    """Values of all symbols, norms, products and traces, with 0 for symbols without a value in `numbers`."""
    symbols = [*setting.context.symbols, *one.variables, *sorted(symbols_of(tuple(one.values.values())))]
    numbers = {**dict.fromkeys(map(x, symbols), Fraction(0)), **numbers}
    table = {t: v for t, v in numbers.items() if t[1] in setting.context.symbols}
    table |= {t: Fraction(value(v, numbers)) for t, v in one.values.items()}
    for key, p in setting.potentials.items():
        here = (
            table[p.value]
            if isinstance(key, str)
            else table[nm.inner(*key)]
            if nm.inner(*key) in table
            else table[p.value]
        )
        zero = p.start in {r.left for r in setting.definitions.values()}
        table |= {p.start: Fraction(0) if zero else here, p.end: here}
        table.setdefault(p.change, Fraction(0))
    table[setting.horizon] = numbers[setting.horizon] if numbers.get(setting.horizon) else Fraction(1)
    return table


def _relations(setting: Setting, one: Instance, whole: bool) -> list[Relation] | None:
    """The assumptions about one state, in numbers; None if an atom has no number.

    Args:
        whole: whether to include assumptions about the horizon, which is then 1, without motion. If not, the state is the start.
    """
    stated = {**setting.assumptions, **setting.definitions}
    # assumptions that hold in every family, for every number of steps that is tried
    skipped = ("f >= f*", *(("horizon >= 0",) if setting.steps else ()))
    if whole:
        stated = {name: _at_rest(setting, r) for name, r in stated.items()}
    zero = {r.left for r in setting.definitions.values()}
    here = {p.start: p.value for p in setting.potentials.values() if not (whole and p.start in zero)}
    relations = list(one.conditions)
    for name, r in stated.items():
        if name in skipped:
            continue
        meant = one.meant(replaced(r, here) if name in setting.formulas else r)
        if not setting.at_the_end(meant) and not _heads(meant) & set(OPERATORS):
            relations.append(meant)
    relations = [r for r in relations if r.left != r.right]
    return None if any(_heads(r) & _OBJECTS for r in relations) else relations


def _heads(r: Relation) -> set[str]:
    return {p[0] for p in parts_of(r)}


def _at_rest(setting: Setting, relation: Relation) -> Relation:
    """A relation without its sums over time, as at the horizon 1; a relation about the start or the end stays unchanged."""
    ends = {t[1] for p in setting.potentials.values() for t in (p.start, p.end)}
    return relation if symbols_of(relation) & ends else _without_sums(relation)


def _without_sums(t: Any) -> Any:
    if isinstance(t, Term) and t[0] == "I":
        return _without_sums(t[1])
    return type(t)(_without_sums(a) if isinstance(a, Term) else a for a in t) if isinstance(t, Term | Relation) else t


def _in_family(setting: Setting, claim: Relation, one: Instance, seconds: float) -> Refuted | None:
    relations, meant = _relations(setting, one, whole=False), one.meant(claim)
    if relations is None or _heads(meant) & _OBJECTS:
        return None
    for values in _horizons(setting, [*relations, meant]):
        asked, at = [replaced(r, values) for r in relations], replaced(meant, values)
        point = _point(setting, asked, at, seconds / (len(HORIZONS) if values else 1))
        if point is None:
            continue
        point = {**{t[1]: Fraction(v[1]) for t, v in values.items()}, **point}
        number = {**dict.fromkeys(one.variables, Fraction(0)), **point}
        fixed = {t[1]: Fraction(v[1]) for t, v in one.values.items() if t[0] == "x" and v[0] == "q"}
        shape, start = (("A_q", "b_q"), "t_q") if "t_q" in number else (("h_q",), AT[1])
        noise = (abs(number[SPREAD[1]]) if setting.any_noise and not is_sign(setting.method) else Fraction(0),)
        draft = Run(tuple(number[n] for n in shape), fixed, number[start], noise, (), number.get(SCALE[1], Fraction(0)))
        refutation = _refutation_by_run(setting, claim, draft, point, one.loss)
        if refutation is not None:
            return refutation
    return None


def _refutation_by_run(
    setting: Setting,
    claim: Relation,
    draft: Run,
    point: Mapping[str, Fraction],
    loss: str,
    numbers: dict[str, Fraction] | None = None,
) -> Refuted | None:
    """The refutation by this run, or None if the run does not refute the claim.

    Ever larger values are tried for undetermined constants. `point` fixes constants; `numbers`, if given, is reported in its place.
    """
    used = symbols_of((*setting.assumptions.values(), *setting.definitions.values(), claim))
    ends = setting.starts | {"fstar", *({"M"} if is_sign(setting.method) else ())}
    names = [n for n, kind in setting.context.symbols.items() if n in used - ends and kind == "const"]
    names += ["u"] if setting.method.schedule.factor == free else []
    constants_of_the_run = {setting.horizon[1]: Fraction(1), "u": Fraction(1), **draft.constants, **point}
    if setting.method.clients.is_number:
        constants_of_the_run["N"] = Fraction(int(setting.method.clients))
    others = [n for n in names if n not in constants_of_the_run]
    for size in LARGE if others else LARGE[:1]:
        constants = {n: constants_of_the_run.get(n, size) for n in names}
        run = recorded(setting, claim, cored(setting, replace(draft, constants=constants)))
        if run is not None:
            reported = {n: v for n, v in constants.items() if n not in ("N", "d")}
            fixed = {n: v for n, v in reported.items() if n not in point and (n in draft.constants or n in others)}
            return Refuted(loss, {**point, **fixed} if numbers is None else numbers | reported, claim, run)
    return None


def _numbers(
    asked: Sequence[Relation], at: Relation, seconds: float, more: Iterable[str] = ()
) -> dict[str, Fraction] | None:
    """Rational numbers at which a claim fails and all other relations hold exactly; `more` lists further names to include."""
    point = refute(sorted({*more, *symbols_of((*asked, at))}), asked, at, seconds)
    rational = {name: v for name, v in (point or {}).items() if isinstance(v, Fraction)}
    return None if point is None or len(rational) < len(point) else rational


def _point(setting: Setting, asked: Sequence[Relation], at: Relation, seconds: float) -> dict[str, Fraction] | None:
    """Numbers as from `_numbers`, first with constants eliminated by equalities, and checked against the original relations."""
    values = solved([r for r in asked if r.op == "=="], setting.free_constants)
    rest = [r for r in (replaced(r, values) for r in asked) if not _identity(r)]
    point = _numbers(rest, replaced(at, values), seconds / 2, symbols_of(tuple(values.values()))) if values else None
    if point is not None:
        numbers: dict[Term, Fraction | int] = {x(name): v for name, v in point.items()}
        with suppress(ProofError, KeyError):
            numbers |= {name: Fraction(value(t, numbers)) for name, t in values.items()}
            if all(holds(r, numbers) for r in asked) and not holds(at, numbers):
                return {name[1]: Fraction(v) for name, v in numbers.items()}
    return _numbers(asked, at, seconds)


def _identity(r: Relation) -> bool:
    """Whether a relation is an equality that holds for all numbers; False if SymPy cannot read it."""
    try:
        return r.op == "==" and bool(sp.cancel(symbolic(r.left) - symbolic(r.right)) == 0)
    except ProofError:
        return False


def _horizons(setting: Setting, relations: Sequence[Relation]) -> list[dict[Term, Term]]:
    """Numbers of steps to try if relations mention the horizon; an interval of time may have any length."""
    about = [r for r in relations if setting.horizon[1] in symbols_of(r)]
    return [{setting.horizon: num(n)} for n in (*HORIZONS, *numbers_in(about))] if setting.steps and about else [{}]

"""A user's theorem as a bound of a sweep: it is proved first, and then becomes a formula with assumptions about a point's numbers.

The numbers of a point do not decide assumptions about the loss, the noise or a state. These are listed, and taken for granted.
Whether the theorem is about the method of a point is decided part by part.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import sympy as sp

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.specialise import specialise, symbol_names
from sdescent.derive.proof.kernel.facts import AXIOMS
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.normal import Normal, as_number
from sdescent.derive.proof.language.terms import Relation, Term, under, x
from sdescent.derive.proof.language.text import show
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.sweeps.figures_and_bounds import Bound
from sdescent.derive.theorems.bounds.kernel_context import relation_text, worded
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import replaced, symbols_of
from sdescent.derive.theorems.bounds.stated import Stated, read_stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import FORMULAS
from sdescent.derive.vocabulary.symbols import eta
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.studies.records import METHOD_FIELDS

#: time limit for the proof of a theorem, in seconds
SECONDS = 60.0
#: letters that a theorem shares with a sweep: the step size, the number of clients, d, the horizon (both sides end at the last
#: saved step) and the initial loss
SHARED: Mapping[str, str] = {"eta": "eta", "N": "N", "d": "d", "T": "run_K*eta", "K": "run_K", nm.f0[1]: "run_f0"}
#: relative difference of numbers that count as equal
ROUNDING = 1e-9
_ARITHMETIC = ("q", "x", "+", "*", "/", "^", "pi")


def proved(bound: Bound, folder: Path) -> tuple[Bound, Covers]:
    """The bound of a theorem with its formula, its assumptions about numbers and those taken for granted, and the points it covers.

    The assumptions about numbers are all those in its file, in `folder`, and its method, needed by the proof or not: formulas of
    moments need some of them. BadInput unless it is proved, bounds E f at the horizon, and has constants as letters.
    """
    source = bound.theorem
    assert source is not None  # for the type checker
    place = f"{bound.field}.theorem"
    stated = _read(folder / source.file, source.file, place)
    setting, answer = stated.setting, answered(stated, SECONDS, repair=False)
    if answer.status != Verdict.PROVED or answer.conclusion is None or answer.checked is None:
        accepted = f"a theorem that is proved; this one is {answer.status}, and sdescent prove says why"
        raise BadInput(place, source.file, accepted)
    value, assumptions = _bound_on_the_loss(stated, answer.conclusion, f"{place}: {source.file}")
    assumptions += [r for r in setting.assumptions.values() if _is_of_numbers(stated, r)]
    others = [r for r in setting.assumptions.values() if r not in assumptions]
    others += [r for _, r in answer.checked.definitions if r.left != r.right]
    unproved = [worded(setting, d["text"]) for d in answer.checked.declared]
    unproved += [relation_text(setting, r) for r in others]
    unproved += [AXIOMS[name] for name in answer.checked.axioms]
    of_method = _symbols_of_the_method(stated.method)
    if reserved := of_method.keys() & SHARED.keys():
        accepted = "another letter for this symbol of the method: sweeps reserve this one"
        raise BadInput(place, min(reserved), accepted)
    needed = set[str]().union(symbols_of(value), *map(symbols_of, assumptions))
    letters = {**{name: text for name, text in of_method.items() if name in needed}, **source.letters}
    put = _letters(stated, needed, letters, f"{bound.field}.letters")
    stated_here = [replaced(r, put) for r in assumptions]
    signs = {"==": ("<=", ">=")}  # a sweep has no equalities
    where = [
        f"{show(tidy(r.left))} {sign} {show(tidy(r.right))}" for r in stated_here for sign in signs.get(r.op, (r.op,))
    ]
    about = METHOD if stated.about == "method" else stated.about
    if about != METHOD and stated.method.tau != eta:
        raise BadInput(place, source.file, "a theorem about an SDE in whose time a step of the method lasts eta")
    theorem = replace(source, letters=letters, title=stated.title, about=about, granted=tuple(dict.fromkeys(unproved)))
    formula = show(tidy(replaced(value, put)))
    return replace(bound, formula=formula, where=(*bound.where, *where), theorem=theorem), Covers(stated)


def _read(path: Path, name: str, place: str) -> Stated:
    """The theorem of a file that a specification names. Raises BadInput if it cannot be read, or states no theorem."""
    try:
        return read_stated(path)
    except OSError as error:
        raise BadInput(place, name, f"a file that can be read ({error.strerror})") from None
    except (BadInput, Refusal) as error:
        raise BadInput(place, name, f"a file that states a theorem ({error.message})") from None


@final
class Covers:
    """The test of whether a stated theorem is about the method of a point."""

    def __init__(self, stated: Stated) -> None:
        self._stated = stated
        self._bindings_of: dict[str, Mapping[str, Any] | None] = {}

    def __call__(self, experiment: Mapping[str, Any], letters: Mapping[str, float]) -> bool:
        """Whether the theorem covers the point (`Experiment.to_dict`), given the numbers of its constants there by name.

        Symbols of its method must have the values that the point's method has.
        """
        if self._stated.dim not in (None, experiment["dim"]) or _is_a_game(experiment["loss"], experiment["dim"]):
            return False
        method = {key: experiment[key] for key in (*METHOD_FIELDS, "eta") if experiment.get(key) is not None}
        key = json.dumps(method, sort_keys=True)
        if key not in self._bindings_of:
            self._bindings_of[key] = _bindings(self._stated, method)
        bindings = self._bindings_of[key]
        if bindings is None:
            return False
        pairs = [(letters[name], value) for name, value in bindings.items() if name in letters]
        return all(b.is_number and math.isclose(a, float(b), rel_tol=ROUNDING) for a, b in pairs)


# --- the conclusion


def _bound_on_the_loss(stated: Stated, conclusion: Relation, what: str) -> tuple[Term, list[Relation]]:
    """The bound on E f at the horizon, and the condition that its divisor is positive, unless that is known."""
    setting = stated.setting
    accepted = 'a bound on E f at the horizon, such as conclude = "gronwall" with V = "f - fstar" gives'
    if "f" not in setting.potentials or conclusion.op not in ("<=", "<"):
        raise BadInput(what, relation_text(setting, conclusion), accepted)
    normal = Normal(setting.context)
    ((end,),) = normal.polynomial(under("E", setting.potentials["f"].end))
    terms = normal.polynomial(conclusion.left)
    factor = {tuple(a for a in m if a != end): c for m, c in terms.items() if end in m}
    rest = normal.term({m: c for m, c in terms.items() if end not in m})
    divisor = normal.term(factor)
    value = tidy((conclusion.right - rest) / divisor)
    if not factor or not (_is_of_numbers(stated, value.le(0)) and _is_of_numbers(stated, divisor.le(0))):
        raise BadInput(what, relation_text(setting, conclusion), accepted)
    number = as_number(normal.polynomial(divisor))
    return value, [] if number is not None and number > 0 else [divisor.gt(0)]


def _is_plain(t: Any) -> bool:
    """Whether a term is a formula of numbers, without means, integrals, vectors or functions that a sweep's formulas lack."""
    heads = [p for p in parts(t) if isinstance(p, tuple) and p and isinstance(p[0], str)]
    return all(p[0] in _ARITHMETIC or (p[0] == "f" and p[1] in FORMULAS.functions) for p in heads)


def _is_of_numbers(stated: Stated, r: Relation) -> bool:
    kinds = stated.setting.context.symbols
    return all(_is_plain(side) for side in r[1:]) and all(kinds.get(name) == "const" for name in symbols_of(r))


def _letters(stated: Stated, needed: set[str], formulas: Mapping[str, str], place: str) -> dict[Term, Term]:
    """The formula of each constant of the theorem, in the letters of a sweep."""
    free = needed - set(SHARED)
    constants = {name for name, kind in stated.setting.context.symbols.items() if kind == "const"}
    constants = constants - {nm.fT[1], *SHARED} | free
    for name in formulas:
        if name not in constants:
            accepted = "constants of the theorem: " + (", ".join(sorted(constants)) or "it has none")
            raise unknown_name(place, name, constants, accepted)
    if missing := sorted(free - set(formulas)):
        accepted = f'a formula for each constant of the theorem, such as {missing[0]} = "1/2"'
        raise BadInput(place, f"nothing for {', '.join(missing)}", accepted)
    return {x(name): x(_as_factor(SHARED.get(name) or formulas[name])) for name in needed}


def _as_factor(formula: str) -> str:
    """A formula that may stand in a product or below an exponent: a name or a number unchanged, anything else in parentheses."""
    return formula if re.fullmatch(r"\w+", formula.strip(), re.ASCII) else f"({formula})"


def _symbols_of_the_method(method: Method) -> dict[str, str]:
    """The symbols of the method itself, each with the name of its value in the specification."""
    names = {name: f"params_{name}" for name, value in method.constants if not value.is_number}
    for kind in ("noise", "compressor", "schedule"):
        names |= {name: f"{kind}_{name}" for name in symbol_names(getattr(method, kind))}
    return names


# --- whether the theorem is about the method of a point


@lru_cache(maxsize=4096)
def _is_a_game(loss: str, dim: int) -> bool:
    """Whether the loss is a game: some coordinate maximises f, so that the method does not follow the gradient of f alone."""
    return -1 in parse_spec("loss", loss, "loss").build().players(dim)


def _bindings(stated: Stated, method: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The values that the symbols of the theorem's method take in a point's method; None if the theorem does not cover it."""
    (step,) = method["eta"]
    own_problem = problem({key: value for key, value in method.items() if key != "eta"})
    ours = specialise(own_problem.method, dict(own_problem.params))
    theirs, bindings = stated.method, dict[str, Any]()
    if not is_sign(theirs) and float(ours.noise.law.tail) <= 2:
        return None  # statements about second moments are false here
    if (ours.rule.memory, ours.rule.assignments) != (theirs.rule.memory, theirs.rule.assignments):
        return None
    if theirs.clients.is_number and theirs.clients != ours.clients:
        return None
    if stated.about != "method" and ours.regime != theirs.regime:
        return None
    kinds = ("compressor", "schedule") if stated.any_noise else ("compressor", "schedule", "noise")
    if "noise" in kinds and (NOISE in ours.regime.rules or NOISE in theirs.regime.rules):
        return None
    if not all(_matched(getattr(theirs, kind), getattr(ours, kind), bindings) for kind in kinds):
        return None
    symbols = set().union(*(e.free_symbols for e in ours.values.values()))
    steps = {s: sp.Rational(str(step)) for s in symbols if s.name == "eta"}
    values = {name: e.xreplace(steps) for name, e in ours.values.items()}
    if values.keys() != theirs.values.keys():
        return None
    return bindings if all(_matched(e, values[name], bindings) for name, e in theirs.values.items()) else None


def _matched(theirs: Any, ours: Any, bindings: dict[str, Any]) -> bool:
    """Whether `ours` is `theirs` with values for its symbols, which are added to `bindings`."""
    if isinstance(theirs, sp.Symbol):
        return isinstance(ours, sp.Basic) and ours == bindings.setdefault(theirs.name, ours)
    if isinstance(theirs, sp.Basic) or isinstance(ours, sp.Basic):
        return theirs == ours
    if type(theirs) is not type(ours):
        return False
    if is_dataclass(theirs):
        theirs, ours = (tuple(getattr(part, f.name) for f in fields(part)) for part in (theirs, ours))
    if isinstance(theirs, tuple):
        return len(theirs) == len(ours) and all(_matched(a, b, bindings) for a, b in zip(theirs, ours, strict=True))
    return theirs == ours

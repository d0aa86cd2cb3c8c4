"""An SDE that a user states for an update rule: its symbols, its drift and covariance, read in generic coordinates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from numbers import Integral
from typing import Any, NamedTuple, final

import sympy as sp
from sympy.core.function import AppliedUndef

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.expressions.coordinates import Coordinate, Node, coord_sum, fourth, symbols_of, third, to_slot
from sdescent.derive.expressions.derivatives import gathered, split_hvp
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.regime import NOISE, check_parameter
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas import expressions
from sdescent.derive.vocabulary.formulas.grammar import parse_term
from sdescent.derive.vocabulary.formulas.text import Language
from sdescent.derive.vocabulary.names import VECTORS, belongs_to_the_engine, parse_letter
from sdescent.derive.vocabulary.symbols import SHARED, parameter, t

_FORMULA = "a formula such as 'sqrt(2)*x1 - t', a SymPy expression or an exact number"
_EXACT = "an exact number in place of a float: Fraction(1, 10), sympy.Rational(1, 10), or in a text '0.1' or '1/10'"
#: the engine's own symbols that may be parameters of a stated equation
_SHARED = {name: SHARED[name] for name in ("eta", "N")}


@final
class Letters:
    """The symbols of a stated equation, of which `state` has those of the state, in order.

    Each name stands for one symbol: t is the time, eta and N are the symbols of the engine. All other symbols are real.
    A symbol is positive if `positive` names it or the user's own symbol, in `formulas`, is positive, and nonnegative if
    that is nonnegative. Raises BadInput for a name that no letter can have, a repeated name, an empty state, or a
    symbol that is negative or not real.
    """

    def __init__(self, state: Sequence[Any], positive: Sequence[Any], formulas: Iterable[Any]) -> None:
        if isinstance(state, (str, sp.Basic)) or not isinstance(state, (Sequence, sp.MatrixBase)) or not len(state):
            raise BadInput("state", state, "a list of names or symbols such as ['x1', 'm1']")
        declared = [*state, *(positive if isinstance(positive, (list, tuple)) else (positive,))]
        symbols = symbols_of([e for e in _parts([*declared, *formulas]) if isinstance(e, sp.Basic)])
        self._positive = {s.name for s in symbols if s.is_positive}
        self._positive |= {_name(p, "positive") for p in declared[len(state) :]}
        self._nonnegative = {s.name for s in symbols if s.is_nonnegative}
        for s in symbols:
            if s.is_extended_real is False or s.is_extended_negative or isinstance(s, sp.Dummy):
                described = "a symbol that is not real, is negative or has no name"
                raise BadInput(f"symbol {s.name}", described, "a real symbol")
        self._letters: dict[str, sp.Symbol] = {}
        self.state: list[sp.Symbol] = []
        for n, letter in enumerate(state, 1):
            name = parse_letter(_name(letter, f"state[{n}]"), f"state[{n}]")
            if name in self._letters:
                raise BadInput(f"state[{n}]", name, "each letter once")
            self._letters[name] = self._symbol(name)
            self.state.append(self._letters[name])

    def names(self) -> list[str]:
        """The names of the letters read so far, those of the state first."""
        return list(self._letters)

    def unused(self) -> list[str]:
        """The names declared positive that did not occur in anything read."""
        return sorted(name for name in self._positive if name not in self._letters and name not in SHARED)

    def read(self, value: Any, field: str) -> sp.Expr:
        """A formula (text, a SymPy expression or an exact number) in these symbols; anything else raises BadInput."""
        if isinstance(value, str):
            return expressions.read_formula(value, self.letter, field)
        if isinstance(value, (Fraction, Integral)) and not isinstance(value, bool):
            return sp.Rational(int(value.numerator), int(value.denominator))
        if isinstance(value, sp.Expr):
            _check(value, field)
            exchanged = {s: self.letter(s.name, field) for s in symbols_of([value])}
            return exchange(value, {s: letter for s, letter in exchanged.items() if s != letter})
        raise BadInput(field, value, _EXACT if isinstance(value, float) or hasattr(value, "dtype") else _FORMULA)

    def inequality(self, value: Any, field: str) -> tuple[sp.Expr, sp.Expr]:
        """The sides (left, right) of an inequality left > right, from text or a SymPy relation. Raises BadInput as `read`."""
        strict = "one inequality with > or <, such as '2*kappa*theta > sigma^2'"
        if isinstance(value, (sp.StrictGreaterThan, sp.StrictLessThan)):
            return self.read(value.gts, field), self.read(value.lts, field)
        if not isinstance(value, str):
            raise BadInput(field, value, strict)
        op, left, right = expressions.read_inequality(value, self.letter, field)
        if op != "<":
            raise BadInput(field, value, strict)
        return right, left

    def letter(self, name: str, field: str) -> sp.Symbol:
        """The symbol of a name: a letter of the state, the time, or a parameter. Raises BadInput if it can be none of these."""
        if name in self._letters:
            return self._letters[name]
        if name == t.name:
            return t
        if name not in _SHARED:
            parse_letter(name, field)
            if belongs_to_the_engine(name) and name not in VECTORS:
                letters = f"the letters of the state ({', '.join(s.name for s in self.state)})"
                raise BadInput(field, name, f"{letters}, t, and parameters by other names")
        self._letters[name] = _SHARED.get(name) or self._symbol(name)
        return self._letters[name]

    def _symbol(self, name: str) -> sp.Symbol:
        if name in self._positive:
            return sp.Symbol(name, positive=True)
        return sp.Symbol(name, nonnegative=True) if name in self._nonnegative else sp.Symbol(name, real=True)


def _check(value: sp.Expr, field: str) -> None:
    """Raise BadInput if a value is not a formula in real letters."""
    if value.has(sp.Float):
        raise BadInput(field, next(iter(value.atoms(sp.Float))), _EXACT)
    unknown = value.atoms(AppliedUndef)
    if unknown:
        raise BadInput(field, next(iter(unknown)), "known functions only, such as exp, tanh, sign, Piecewise")
    odd = value.atoms(sp.Derivative, sp.Integral, sp.Sum, Coordinate, Node)
    if odd or value.has(sp.nan, sp.zoo, sp.oo, sp.I):
        raise BadInput(field, next(iter(odd), value), _FORMULA)


def _name(letter: Any, field: str) -> str:
    if isinstance(letter, sp.Symbol):
        return letter.name
    if not isinstance(letter, str):
        raise BadInput(field, letter, "the name of a letter, or a symbol")
    return letter


def _parts(value: Any) -> list[Any]:
    """The entries of nested lists and matrices."""
    if isinstance(value, sp.MatrixBase):
        return list(value)
    if isinstance(value, Mapping) or not isinstance(value, (list, tuple)):
        return [value]
    return [part for entry in value for part in _parts(entry)]


Pair = tuple[str, str]
#: the functions of stated formulas besides those of all formulas: the Hessian times a vector; the third derivative along two
#: vectors (the same one twice by default) and the fourth along one; the Euclidean norm; the sum over coordinates; the value of a
#: vector at the other coordinate of a pair; the inverse sine; the sum over lags l = 1, 2, ..
_MORE = {name: (1, 1) for name in ("hess", "fourth", "norm", "sum", "other", "asin", "series")} | {"third": (1, 2)}
STATED = Language({**expressions.FORMULAS.functions, **_MORE}, powers=True)
LAG = sp.Symbol("l", integer=True, positive=True)
_NOISY = ("G", "raw", "fresh", "local", "normal")


class Partial(NamedTuple):
    """A part of a formula that must be nonnegative, or must not vanish on an open set, for the formula to have a value."""

    field: str  # the field of the formula
    part: sp.Expr  # the part at the generic coordinate
    sign: bool  # whether the part must be nonnegative


@final
@dataclass(frozen=True)
class StatedEquation:
    """An SDE stated by the user, dZ = drift dt + L dW, L L' = covariance, at a generic coordinate; all dimensionless."""

    order: int  # the claimed weak order, 1 or 2
    drift: Mapping[str, sp.Expr]  # the drift of each letter
    #: the covariance of two letters at the same coordinate. Keys (first, second) follow the order of the state; missing
    #: entries are 0
    covariance: Mapping[Pair, sp.Expr]
    pair: Mapping[Pair, sp.Expr]  # the covariance of two letters (first, second) at two different coordinates
    partial: tuple[Partial, ...] = ()  # the conditions under which the formulas, as written, are defined

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All stated formulas."""
        return (*self.drift.values(), *self.covariance.values(), *self.pair.values())


def read_equation(
    method: Method,
    drift: Mapping[str, object],
    covariance: Mapping[str, object] | None = None,
    *,
    diffusion: Mapping[str, object] | None = None,
    pair: Mapping[str, object] | None = None,
    order: int = 1,
    where: Mapping[str, object] | None = None,
    values: Mapping[str, sp.Expr] | None = None,
) -> StatedEquation:
    """Read a stated equation from formulas.

    The letters are x, those of the memory, g (the gradient), t, d (the dimension) and pi. Any other name is a parameter; if the
    regime rescales it, it stands for its formula (beta for 1 - rho*eta). Functions act coordinate by coordinate, except hess(y),
    third(y), third(y, z), fourth(y), norm(y), sum(y) and, in `pair`, other(y); series(..) sums over l = 1, 2, ..

    Args:
        method: the update rule for which the equation is stated.
        drift: a formula for each letter.
        covariance: a formula for each pair of letters such as "x m"; missing entries are 0.
        diffusion: a root in place of the covariance: for each letter a formula (with Brownian motions of its own), or a list of
            formulas, one for each vector of Brownian motions, which all letters share.
        pair: for each pair such as "x m", the covariance of x at another coordinate with m.
        order: 1 or 2.
        where: a formula for each abbreviation; it may use earlier abbreviations.
        values: numbers for parameters.

    Raises:
        BadInput: a formula that cannot be read, with its field; a letter that the rule does not have.
    """
    if isinstance(order, bool) or order not in (1, 2):
        raise BadInput("order", order, "1 or 2")
    if covariance is not None and diffusion is not None:
        raise BadInput("covariance", "both", "covariance or diffusion, one of the two")
    reader = _Reader(method, where or {}, values or {})
    if not isinstance(drift, Mapping) or not drift:
        raise BadInput("drift", drift, 'a table of formulas such as {x = "-g"}')
    drifts = {reader.state_letter(a, "drift"): reader(e, f"drift {a}") for a, e in drift.items()}
    if diffusion is not None:
        covariances = _squared(reader.root(diffusion), reader.letters)
    else:
        covariances = reader.table(covariance or {}, "covariance", ordered=True)
    pairs = reader.table(pair or {}, "pair", ordered=False)
    return StatedEquation(order, drifts, covariances, pairs, tuple(reader.partial.values()))


class _Reader:
    def __init__(self, method: Method, where: Mapping[str, object], values: Mapping[str, sp.Expr]) -> None:
        self.letters = method.rule.letters
        table = {**method.values, **_scales(method), **({"N": method.clients} if method.clients.is_number else {})}
        self.values: dict[str, Any] = {**{name: e for name, e in table.items() if name not in self.letters}, **values}
        #: for each abbreviation, its meaning and the parts that must be nonnegative or nonzero
        self.short: dict[str, tuple[sp.Expr, list[Partial]]] = {}
        self.partial: dict[tuple[sp.Expr, bool], Partial] = {}
        if not isinstance(where, Mapping):
            raise BadInput("where", where, 'a table of formulas such as {kappa = "1/(1-beta)"}')
        for name, formula in where.items():
            check_parameter(name, "where")
            if name in (*self.letters, "g", "eta"):
                raise BadInput("where", name, "a name that is not a letter of the rule")
            before, self.partial = self.partial, {}
            self.short[name] = self(formula, f"where {name}"), [*self.partial.values()]
            self.partial = before

    def __call__(self, text: object, field: str, other: bool = False) -> sp.Expr:
        # a letter of the rule may be called like a function, such as `sum`
        names = expressions.names_in(text, set(STATED.functions).difference(self.letters))
        functions = {**_MEANING, "other": (lambda e: to_slot(sp.sympify(e), "j", "i")) if other else _misplaced(field)}
        self.lags = any(n == "series" for n in expressions.names_in(text, ()))

        def needs(part: sp.Expr, sign: bool) -> None:
            self.partial.setdefault((part, sign), Partial(field, part, sign))

        return expressions.expression(parse_term(text, names, field, STATED), self.letter, field, functions, needs)

    def letter(self, name: str, field: str) -> sp.Expr:
        if name in self.letters or name == "g":
            return Coordinate(name)
        if name in self.short:
            value, parts = self.short[name]
            self.partial |= {(p.part, p.sign): p for p in parts}
            return value
        if name == "l" and self.lags:
            return LAG
        if name in _NOISY:
            raise BadInput(field, name, "g, the gradient: the noise enters an equation through its covariance")
        if name in self.values:
            return sp.sympify(self.values[name])
        if name not in SHARED:
            check_parameter(name, field)
        return SHARED.get(name, parameter(name))

    def state_letter(self, letter: object, field: str) -> str:
        if not isinstance(letter, str) or letter not in self.letters:
            raise unknown_name(field, letter, self.letters, "letters of the state: " + ", ".join(self.letters))
        return letter

    def table(self, table: Mapping[str, object], field: str, ordered: bool) -> dict[Pair, sp.Expr]:
        if not isinstance(table, Mapping):
            raise BadInput(field, table, f'a table of formulas such as {{"x x" = ".."}} over {", ".join(self.letters)}')
        entries: dict[Pair, sp.Expr] = {}
        for key, formula in table.items():
            parts = key.split() if isinstance(key, str) else []
            if len(parts) != 2:
                raise BadInput(field, key, 'two letters with a space between, such as "x m"')
            first, second = (self.state_letter(a, f"{field} {key}") for a in parts)
            if ordered and self.letters.index(first) > self.letters.index(second):
                first, second = second, first
            if (first, second) in entries:
                raise BadInput(field, key, "each entry once: the covariance is symmetric")
            entries[first, second] = self(formula, f"{field} {key}", other=field == "pair")
        return entries

    def root(self, table: Mapping[str, object]) -> dict[str, tuple[sp.Expr, ...]]:
        if not isinstance(table, Mapping):
            raise BadInput("diffusion", table, 'a table of formulas such as {m = "sqrt(eta)*sigma"}')
        rows: dict[str, Any] = {self.state_letter(a, "diffusion"): e for a, e in table.items()}
        widths = {len(e) if isinstance(e, (list, tuple)) else None for e in rows.values()}
        if len(widths) > 1 or 0 in widths:
            accepted = "one formula for each letter, or one list for each letter, all of the same length"
            raise BadInput("diffusion", table, accepted)
        if None not in widths:
            return {a: tuple(self(e, f"diffusion {a}[{n}]") for n, e in enumerate(row, 1)) for a, row in rows.items()}
        formulas = {a: self(e, f"diffusion {a}") for a, e in rows.items()}
        return {a: tuple(e if a == b else sp.S.Zero for b in formulas) for a, e in formulas.items()}


def _scales(method: Method) -> dict[str, sp.Expr]:
    """The scales of noise that the regime makes large: sigma is sigma0 times the factor of the regime."""
    factor = method.regime.rules.get(NOISE)
    symbols = [s for s in method.noise.scales if isinstance(s, sp.Symbol)]
    return {} if factor is None else {s.name: parameter(f"{s.name}0") * factor for s in symbols}


def _squared(root: Mapping[str, tuple[sp.Expr, ...]], letters: tuple[str, ...]) -> dict[Pair, sp.Expr]:
    """The nonzero entries of L L', by letters."""
    entries = {
        (a, b): gathered(sp.Add(*[p * q for p, q in zip(root[a], root[b], strict=True)]))
        for a, b in combinations_with_replacement([a for a in letters if a in root], 2)
    }
    return {key: e for key, e in entries.items() if e != 0}


def _sum_over_lags(e: sp.Expr) -> sp.Expr:
    constant, rest = sp.sympify(e).as_independent(LAG, as_Add=False)
    return constant * sp.Sum(rest, (LAG, 1, sp.oo))


_MEANING: Mapping[str, Callable[..., Any]] = {
    "hess": split_hvp, "third": third, "fourth": fourth, "norm": lambda e: sp.sqrt(coord_sum(e**2)), "sum": coord_sum,
    "asin": sp.asin, "series": _sum_over_lags,
}  # fmt: skip


def _misplaced(field: str) -> Callable[[sp.Expr], sp.Expr]:
    def refuse(e: sp.Expr) -> sp.Expr:
        raise BadInput(field, "other(..)", "other(..) in the table pair, for the covariance at two coordinates")

    return refuse


def near_x(equation: RuleEquation, stated: StatedEquation) -> set[str]:
    """The letter x and the letters on which x depends in either equation."""
    needs: dict[str, set[str]] = {a: set() for a in equation.letters}
    for drift in (equation.drift, stated.drift):
        for a, e in drift.items():
            needs.setdefault(a, set()).update(_bases(e))
    for covariance in (equation.covariance, stated.covariance, equation.pair, stated.pair):
        for (a, b), e in covariance.items():
            needs[a] |= _bases(e)
            needs[b] |= _bases(e)
    near, waiting = {"x"}, ["x"]
    while waiting:
        more = needs.get(waiting.pop(), set()) - near
        near |= more
        waiting += more
    return near


def _bases(e: sp.Expr) -> set[str]:
    return {"x" if c.base == "g" else c.base for c in symbols_of([e]) if isinstance(c, Coordinate)}

"""An SDE that a user states for an update rule: drift and covariance by letters, read in generic coordinates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, NamedTuple, final

import sympy as sp

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, fourth, symbols_of, third, to_slot
from sdescent.derive.expressions.gathered import gathered, split_hvp
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.language import check_parameter
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import FORMULAS, expression, names_in
from sdescent.derive.vocabulary.formulas.grammar import parse_term
from sdescent.derive.vocabulary.formulas.text import Language
from sdescent.derive.vocabulary.symbols import SHARED, parameter

Pair = tuple[str, str]
#: the functions of stated formulas besides those of all formulas: the Hessian times a vector; the third derivative along two
#: vectors (the same one twice by default) and the fourth along one; the Euclidean norm; the sum over coordinates; the value of a
#: vector at the other coordinate of a pair; the inverse sine; the sum over lags l = 1, 2, ..
_MORE = {name: (1, 1) for name in ("hess", "fourth", "norm", "sum", "other", "asin", "series")} | {"third": (1, 2)}
STATED = Language({**FORMULAS.functions, **_MORE}, powers=True)
LAG = sp.Symbol("l", integer=True, positive=True)
_NOISY = ("G", "raw", "fresh", "local", "normal")


class Partial(NamedTuple):
    """A part of a formula that must be nonnegative, or must not vanish on an open set, for the formula to have a value.

    Args:
        field: the field of the formula.
        part: the part at the generic coordinate.
        sign: whether the part must be nonnegative.
    """

    field: str
    part: sp.Expr
    sign: bool


@final
@dataclass(frozen=True)
class StatedEquation:
    """An SDE stated by the user, dZ = drift dt + L dW with L L' = covariance, at a generic coordinate. Everything is dimensionless.

    Args:
        order: the claimed weak order, 1 or 2.
        drift: the drift of each letter.
        covariance: the covariance of two letters at the same coordinate. Keys (first, second) follow the order of the state;
            missing entries are 0.
        pair: the covariance of two letters (first, second) at two different coordinates.
        partial: the conditions under which the formulas, as written, are defined.
    """

    order: int
    drift: Mapping[str, sp.Expr]
    covariance: Mapping[Pair, sp.Expr]
    pair: Mapping[Pair, sp.Expr]
    partial: tuple[Partial, ...] = ()

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
        names = names_in(text, set(STATED.functions).difference(self.letters))
        functions = {**_MEANING, "other": (lambda e: to_slot(sp.sympify(e), "j", "i")) if other else _misplaced(field)}
        self.lags = any(n == "series" for n in names_in(text, ()))

        def needs(part: sp.Expr, sign: bool) -> None:
            self.partial.setdefault((part, sign), Partial(field, part, sign))

        return expression(parse_term(text, names, field, STATED), self.letter, field, functions, needs)

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
            raise BadInput(field, name, "g, the gradient: an equation holds its noise in the covariance")
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
            raise BadInput("diffusion", table, "for each letter one formula, or for each a list of as many")
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

"""Expectation over the noise of an expression in a client's message v = g + s Z, where Z has independent coordinates.

In one coordinate, products of powers of v_j and signs sgn(v_j - c) become moments E Z^m and signed moments R_m (theory
3). A product with sums over coordinates is split by the coincidences of summation indices, so that it factorises.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeVar

import sympy as sp

from sdescent.derive.equations.step.piecewise import in_signs, pieces
from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, coord_sum, depends_on, nodes, to_slot, v
from sdescent.derive.expressions.graphs import remade
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.vocabulary.errors import NoClosedForm

T = TypeVar("T")


def univariate(
    phi: sp.Expr, mean: sp.Expr, scale: sp.Expr, law: Law, functions: "CoordinateFunctions | None" = None
) -> sp.Expr:
    """The mean of phi(v_j) for v_j = mean + scale Z, where phi is an expression in the coordinate v (slot j).

    With `functions`, signed moments of the law have short names. Raises NoClosedForm unless phi is a polynomial in v
    and in signs of v minus constants of known order, and the law has these moments in closed form.
    """
    if law.degenerate:
        return phi.xreplace({v: mean})
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(_in_signs(phi))):
        constant, power, thresholds = _monomial(term)
        for coefficient, threshold in _reduce_signs(thresholds):
            for q in range(power + 1):
                if threshold is None:
                    factor = sp.S.Zero if q % 2 and law.symmetric else law.moment(q)
                else:
                    if q and law.tail.is_number and not q < law.tail:
                        # the whole may have a mean although this term has none
                        raise NoClosedForm(f"the law has no moment of order {q}, which one piece of the map needs")
                    factor = law.signed_moment(q, (mean - threshold) / scale)
                    factor = factor if functions is None else functions.kernel(factor)
                total += constant * coefficient * sp.binomial(power, q) * mean ** (power - q) * scale**q * factor
    return total


def _in_signs(phi: sp.Expr) -> sp.Expr:
    """An expression with |a|, max, min, steps and cases written with signs of v - c; ties have probability zero."""
    if not phi.args or not phi.has(v):
        return phi
    args = [_in_signs(a) if isinstance(a, sp.Expr) else a for a in phi.args]
    if isinstance(phi, sp.Abs):
        return args[0] * _sign_of(args[0])
    if isinstance(phi, (sp.Max, sp.Min)):
        return in_signs(pieces(phi))
    if isinstance(phi, sp.Heaviside):
        return (1 + _sign_of(args[0])) / 2
    if isinstance(phi, sp.sign):
        return _sign_of(args[0])
    if isinstance(phi, sp.Pow) and phi.exp.is_Integer and phi.exp.is_negative:
        parts = (a.as_base_exp() for a in sp.Mul.make_args(args[0]))
        return sp.Mul(*[base ** ((-n if isinstance(base, sp.sign) else n) * phi.exp) for base, n in parts])
    if isinstance(phi, sp.Piecewise):
        result, left = sp.S.Zero, sp.S.One
        for value, condition in phi.args:
            inside = _indicator(condition)
            result += left * inside * _in_signs(value)
            left *= 1 - inside
        return result
    return phi.func(*args)


def _indicator(condition: Any) -> sp.Expr:
    if condition in (sp.true, sp.false):
        return sp.Integer(bool(condition))
    if isinstance(condition, sp.And):
        return sp.Mul(*[_indicator(a) for a in condition.args])
    if isinstance(condition, sp.Or):
        return 1 - sp.Mul(*[1 - _indicator(a) for a in condition.args])
    if isinstance(condition, (sp.StrictGreaterThan, sp.GreaterThan, sp.StrictLessThan, sp.LessThan)):
        return (1 + _sign_of(_in_signs(condition.gts - condition.lts))) / 2
    raise NoClosedForm(f"the condition {condition} is not an inequality")


def _sign_of(a: sp.Expr) -> sp.Expr:
    """The sign of a, written with signs of v - c; the pieces of a have degree at most 2 and zeros in a known order."""
    return in_signs(pieces(sp.sign(a))) if a.has(v) else sp.sign(a)


def _monomial(term: sp.Expr) -> tuple[sp.Expr, int, list[sp.Expr]]:
    """The constant, the power of v, and the thresholds c of the factors sgn(v - c) of a term."""
    constant, power, thresholds = sp.S.One, 0, []
    for factor in sp.Mul.make_args(term):
        if not factor.has(v):
            constant *= factor
            continue
        base, exponent = factor.as_base_exp()
        if not (exponent.is_Integer and exponent > 0):
            raise NoClosedForm(f"{factor} is not a polynomial")
        if base == v:
            power += int(exponent)
        elif isinstance(base, sp.sign):
            thresholds += [sp.expand(v - base.args[0])] * int(exponent)
        else:
            raise NoClosedForm(f"{factor} is neither a power of v nor a sign")
    return constant, power, thresholds


def _reduce_signs(thresholds: list[sp.Expr]) -> list[tuple[sp.Expr, sp.Expr | None]]:
    """A product of signs as a combination of single signs, by sgn(v-a) sgn(v-b) = 1 - sgn(v-a) + sgn(v-b) for a < b."""
    terms: list[tuple[sp.Expr, sp.Expr | None]] = [(sp.S.One, None)]
    for c in thresholds:
        grown: list[tuple[sp.Expr, sp.Expr | None]] = []
        for coefficient, other in terms:
            if other is None:
                grown.append((coefficient, c))
            elif other == c:
                grown.append((coefficient, None))
            else:
                gap = sp.expand(c - other)
                if not (gap.is_nonnegative or gap.is_nonpositive):
                    raise NoClosedForm(f"it is unknown which of the thresholds {c} and {other} is larger")
                low, high = (other, c) if gap.is_nonnegative else (c, other)
                grown += [(coefficient, None), (-coefficient, low), (coefficient, high)]
        terms = grown
    return terms


class CoordinateFunctions:
    """Short names for functions of one coordinate, which make expectations polynomials in plain symbols.

    Signed moments of the law are named K0, K1, .. (`kernel`); a coordinate function that is not a polynomial in g is
    named F0, F1, .. (`name`). `value` undoes both, and also `letters`, the expressions for letters in the functions.
    """

    def __init__(self, letters: Mapping[sp.Symbol, sp.Expr] | None = None) -> None:
        letters = letters or {}
        self._values: dict[sp.Expr, sp.Expr] = {s: e for s, e in letters.items() if isinstance(s, Coordinate)}
        self._names: dict[sp.Expr, str] = {}
        self._undone: dict[sp.Basic, Any] = {s: e for s, e in letters.items() if not isinstance(s, Coordinate)}

    def _base(self, value: sp.Expr, letter: str) -> str:
        if value not in self._names:
            base = f"{letter}{len(self._names)}"
            self._names[value] = base
            self._values[Coordinate(base, "j")] = value
        return self._names[value]

    def kernel(self, value: sp.Expr) -> sp.Expr:
        """The name of a signed moment, at slot j; a constant is returned as it is."""
        return Coordinate(self._base(value, "K"), "j") if depends_on(value) else value

    def name(self, function: sp.Expr, slot: str) -> sp.Expr:
        """A function, written in slot j, at another slot: a polynomial in g as it is, any other function under a name."""
        function = sp.expand(function)
        if all(c.base == "g" for c in function.atoms(Coordinate)):
            return to_slot(function, "j", slot)
        constant, body = coordinates.split_product(function)
        return constant * Coordinate(self._base(body, "F"), slot)

    def value(self, expr: sp.Expr) -> sp.Expr:
        """The expression with every name replaced by its meaning, also inside aggregates; no name may be added afterwards."""
        if expr not in self._undone:
            result: Any = expr
            if isinstance(expr, Coordinate):
                value = self._values.get(expr.at("j"))
                result = expr if value is None else self.value(to_slot(value, "j", expr.slot))
            elif expr.args:
                result = remade(expr, [self.value(a) for a in expr.args])
            self._undone[expr] = result
        return self._undone[expr]


def expectation(
    expr: sp.Expr, law: Law, scale: sp.Expr, functions: CoordinateFunctions, slots: tuple[str, ...] = ("j",)
) -> sp.Expr:
    """The mean of an expression in v at distinct coordinates `slots` and in sums over all coordinates, a polynomial in
    named functions.

    Raises NoClosedForm for other aggregates, sums used non-polynomially, and coordinate functions without closed form.
    """

    def mean_of(phi: sp.Expr) -> sp.Expr:
        return univariate(phi, Coordinate("g", "j"), scale, law, functions)

    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expr)):
        constant, by_slot, sums = _factors(term, slots)
        total += constant * over_coincidences(by_slot, sums, mean_of, functions)
    return sp.expand(total)


def _factors(term: sp.Expr, slots: tuple[str, ...]) -> tuple[sp.Expr, dict[str, sp.Expr], list[sp.Expr]]:
    """The constant of a term, its function of v for each slot, and the summands of its sums, both written in slot j."""
    constant, by_slot, sums = sp.S.One, dict.fromkeys(slots, sp.S.One), []
    for factor in sp.Mul.make_args(term):
        inner = nodes(factor)
        if inner and not any(s.base == "v" for e in inner for s in e.atoms(Coordinate)):
            constant *= factor
            continue
        if inner:
            base, exponent = factor.as_base_exp()
            if not isinstance(base, CoordSum) or not (exponent.is_Integer and exponent > 0):
                raise NoClosedForm(f"{factor} mixes all coordinates of the message")
            sums += [to_slot(base.args[0], "k", "j")] * int(exponent)
            continue
        holders = [s for s in slots if depends_on(factor, s)]
        if not holders:
            constant *= factor
        elif len(holders) == 1:
            by_slot[holders[0]] *= to_slot(factor, holders[0], "j")
        else:
            raise NoClosedForm(f"{factor} does not factorise over coordinates")
    return constant, by_slot, sums


def over_coincidences(
    by_slot: dict[str, sp.Expr], sums: list[sp.Expr], mean_of: Any, functions: CoordinateFunctions
) -> sp.Expr:
    """The mean of prod_s a_s(v_s) prod_r sum_k phi_r(v_k): each index k_r equals a slot or lies elsewhere, coinciding in blocks."""
    slots, total = tuple(by_slot), sp.S.Zero
    for places in product((*slots, None), repeat=len(sums)):
        here, free = dict(by_slot), list[sp.Expr]()
        for place, phi in zip(places, sums, strict=True):
            if place is None:
                free.append(phi)
            else:
                here[place] *= phi
        at_slots = sp.Mul(*[functions.name(mean_of(a), s) for s, a in here.items()])
        for blocks in partitions(free):
            total += at_slots * _distinct_sum([mean_of(sp.Mul(*block)) for block in blocks], slots, functions)
    return total


def _distinct_sum(means: list[sp.Expr], slots: tuple[str, ...], functions: CoordinateFunctions) -> sp.Expr:
    """The sum of prod_b means_b over distinct coordinates outside `slots`, by inclusion and exclusion over coincidences."""
    total = sp.S.Zero
    for blocks in partitions(means):
        term = sp.S.One
        for block in blocks:
            together = sp.Mul(*block)
            outside = coord_sum(together) - sp.Add(*[functions.name(together, s) for s in slots])
            term *= (-1) ** (len(block) - 1) * sp.factorial(len(block) - 1) * outside
        total += term
    return total


def partitions(items: Sequence[T]) -> Iterator[list[list[T]]]:
    """All partitions of a list into blocks."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for n, block in enumerate(smaller):
            yield [*smaller[:n], [first, *block], *smaller[n + 1 :]]

"""The differences between a stated equation and the derived one: entry by entry, power by power of the step, term by term.

Both sides are expanded in s, the root of the time of a step. Equality is shown on every piece of the domain, and a difference at a
point (`sdescent.derive.proof.piecewise.equality`); the grouping and factoring here only serve the reader.
"""

import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from itertools import product

import sympy as sp

from sdescent.derive.audit.differing_terms import Entry, Term
from sdescent.derive.audit.stated_equation import LAG, Partial
from sdescent.derive.equations.in_coordinates import derivatives_of, expansion_of
from sdescent.derive.equations.rule_equation import localised
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.equations.step.increments import Expanded, root, series_of
from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.derivatives import coefficients, factored, gathered, linear
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.compressors.base import any_count, any_fraction, any_positive
from sdescent.derive.methods.losses import Loss
from sdescent.derive.proof.piecewise.equality import Undecided, difference, partial_function
from sdescent.derive.proof.piecewise.fractions import Inverse
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import N, eta, t
from sdescent.derive.vocabulary.symbols import d as dimension

#: the dimensions in which to search for a difference if equality is not shown for all dimensions
DIMENSIONS = (1, 2, 3)
#: the last power of s that is compared: s^0 and s^1 concern weak order 1, s^2 and s^3 weak order 2
LAST = 3
_LEAST = -8
#: an entry that differs in more terms than this is reported as one term
MOST_TERMS = 6
SHIFTED = "the power of the step is wrong, as if the equation were stated for another regime or another time of a step"


class Comparison:
    """The comparison of expressions in generic coordinates, power by power of s, for a rule `expanded` in its regime.

    With `loss` and `dim`, expressions are compared in named coordinates with the gradient of the loss substituted;
    `local` says whether losses are sums over coordinates with derivatives H_j, T_j, .. A state counts only if
    `conditions` hold and every expression of `derived` has a value there.
    """

    def __init__(
        self, expanded: Expanded, loss: Loss | None, dim: int | None, local: bool = False, conditions: Iterable[Condition] = (),
        derived: Iterable[sp.Expr] = (),
    ) -> None:  # fmt: skip
        self.expanded, self.loss, self.dim, self.local = expanded, loss, dim, local
        bounded = {p for e in derived for p in _parts(e) if partial_function(p)}
        #: an expression that has a value exactly where everything derived has one
        self.within: sp.Expr = sp.Add(*[sp.Dummy(real=True) * p for p in sorted(bounded, key=sp.default_sort_key)])
        self.conditions = {c.left: c.right for c in conditions if c.left.is_Symbol}
        #: the values of the letters at which the last two unequal expressions differ
        self.point: Mapping[str, sp.Expr] = {}

    def _domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        """The symbols restricted to a subset of the positive numbers, written in unrestricted letters."""
        values: dict[sp.Basic, sp.Expr] = {s: least + any_positive(s) for s, least in self.conditions.items()}
        values |= {symbol: 1 + any_count(symbol) for symbol in (N, dimension)}
        values |= {sp.Symbol(name, positive=True): any_fraction(name) for name in self.expanded.method.rule.fractions}
        return values | self.expanded.method.compressor.domain(dim)

    def powers(self, e: sp.Expr) -> Series:
        """The series in s of an expression in eta."""
        return _series(self._in_root(e))

    def _in_root(self, e: sp.Expr) -> sp.Expr:
        e = linear(sp.sympify(e))
        e = e if self.dim is None else e.xreplace({dimension: sp.Integer(self.dim)})
        return (localised(e, self.dim) if self.local else e).subs(eta, self.expanded.step)

    def in_eta(self, e: sp.Expr, n: int) -> sp.Expr:
        """The term e s^n, written in eta."""
        c, power = self.expanded.method.regime.power
        return factored(e * sp.sqrt(c) ** n * eta ** (power * n / 2))

    def same(self, one: sp.Expr, two: sp.Expr, pair: bool = False) -> bool:
        """Whether two expressions are equal wherever all derived ones have a value, for every gradient or that of the
        loss; may raise Undecided.
        """
        try:
            if self._same(one, two, pair):
                return True
        except Undecided:
            if self.within == 0:
                raise
        return self.within != 0 and self._same(one + self.within, two + self.within, pair)

    def _same(self, one: sp.Expr, two: sp.Expr, pair: bool) -> bool:
        """Whether two expressions are equal, as in `same`, wherever the second has a value."""
        one, two = gathered(linear(one)), gathered(linear(two))
        if one == two or gathered(one - two) == 0:
            return True
        aggregates = bool((one - two).atoms(coordinates.Node))
        if self.loss is None and (self.dim is None or not aggregates):
            stand_ins: list[tuple[coordinates.Node, sp.Expr, sp.Expr]] = []
            domain = self._domain(dimension if self.dim is None else sp.Integer(self.dim))
            first, second = (_alone(e, stand_ins).xreplace(domain) for e in (one, two))
            if not aggregates:
                return self._equal(first, second, domain)
            with suppress(Undecided):
                return difference(first, second, None) is None
        unsettled: Undecided | None = None
        for dim in DIMENSIONS if self.dim is None else (self.dim,):
            try:
                if not self._same_in(one, two, dim, pair):
                    return False
            except Undecided as error:
                unsettled = error
        if unsettled is None and self.dim is not None:
            return True
        numbers = ", ".join(map(str, DIMENSIONS))
        reason = f"equality is shown in {numbers} coordinates, but not in every number of coordinates"
        raise unsettled or Undecided(reason)

    def has_value(self, stated: Partial) -> None:
        """Raise Undecided unless a stated formula has a value for small steps: a part is >= 0, or vanishes at single
        points only.
        """
        part = stated.part
        with suppress(NoClosedForm):
            series = self.powers(part)
            head = series.first()
            part = part if head is None or (stated.sign and series.last != head[0]) else head[1]
        if _plainly(part, stated.sign):
            return
        part = part.xreplace({p: self._at_a_lag(p) for p in part.atoms(sp.Pow)})
        gap = sp.Abs(part) - part if stated.sign else part * Inverse(part) - 1
        try:
            pair = any(c.slot == "i" for c in part.atoms(coordinates.Coordinate))
            fits = self._same(gap + self.within, self.within, pair)
        except Undecided as error:
            needed = f"{formula(part)} >= 0" if stated.sign else f"{formula(part)} vanishes at single points only"
            raise Undecided(f"{stated.field} has a value if {needed}, which is not shown", error.piece) from error
        if not fits:
            raise Undecided(f"{stated.field} has no real value where {formula(part)} < 0")

    def _at_a_lag(self, power: sp.Pow) -> sp.Expr:
        """The power b^(a l + c), for a fraction b and any lag l = 1, 2, .., as z^a b^(a + c) with a fraction z or z = 1."""
        rate, name = sp.diff(power.exp, LAG), str(power.base)
        if name not in self.expanded.method.rule.fractions or not (rate.is_Rational and rate.is_positive):
            return power
        return any_fraction(f"{name} lag") ** rate * power.base ** power.exp.xreplace({LAG: sp.S.One})

    def surely(self, one: sp.Expr, two: sp.Expr, pair: bool = False) -> bool:
        """Whether two expressions are shown to be equal."""
        with suppress(Undecided):
            return self.same(one, two, pair)
        return False

    def _same_in(self, one: sp.Expr, two: sp.Expr, dim: int, pair: bool) -> bool:
        expansion, put = expansion_of(self.loss, dim, (one, two), ())
        apart = [(m, n) for m in range(dim) for n in range(dim) if m != n]
        slopes = {} if self.loss is None or not self.local else derivatives_of(self.loss, dim)
        domain = self._domain(sp.Integer(dim))
        lists = [[expansion.pair(e, m, n) for m, n in apart] if pair else expansion.vector(e) for e in (one, two)]
        sides = [[put(e).xreplace(slopes) for e in entries] for entries in lists]
        domains = [{**domain, s: sp.Integer(n)} for s in domain if str(s) == "k" for n in range(1, dim + 1)] or [domain]
        both = product(zip(*sides, strict=True), domains)
        return all(self._equal(a.xreplace(table), b.xreplace(table), table) for (a, b), table in both)

    def _equal(self, one: sp.Expr, two: sp.Expr, domain: Mapping[sp.Basic, sp.Expr]) -> bool:
        """Whether two expressions in the letters of `domain` are equal; points and pieces are reported in its symbols."""
        try:
            point = difference(one, two, [e for s, e in domain.items() if str(s) in ("N", "d", "k")])
        except Undecided as error:
            back: dict[sp.Basic, sp.Expr] = {}
            for s, e in domain.items():
                for y in e.free_symbols - set(back):
                    back[y] = sp.solve(e - s, y)[0].xreplace(back)
            piece = [replace(c, expr=sp.together(c.expr.xreplace(back))) for c in error.piece]
            raise Undecided(error.reason, piece) from error
        if point is None:
            return True
        letters = {s: e for s, e in domain.items() if e.free_symbols and e.free_symbols <= set(point)}
        self.point = {formula(s): v for s, v in point.items() if not isinstance(s, sp.Dummy)}
        self.point |= {formula(s): e.xreplace(point) for s, e in letters.items()}
        return False

    def terms(self, entry: Entry, claimed: sp.Expr, derived: sp.Expr, last: int) -> Iterator[Term]:
        """The terms in which two entries differ, up to the power `last` of s. Raises Undecided, NoClosedForm if it
        cannot be decided.
        """
        pair, alike = entry.apart, True
        one, two = self.powers(claimed), self.powers(derived)
        if (shifted := self._shifted(entry, one, two, last)) is not None:
            yield shifted
            return
        for n in range(max(_LEAST, min(one.low, two.low)), last + 1):
            a, b = gathered(one[n]), gathered(two[n])
            try:
                equal = self.same(a, b, pair)
            except Undecided as error:
                raise Undecided(f"{entry}: {error.reason}", error.piece) from error
            if not equal:
                point, alike = self.point, False
                for one_term, two_term, kind, factor in self._apart(a, b, pair):
                    sides = self.in_eta(one_term, n), self.in_eta(two_term, n)
                    yield Term(entry, *sides, 1 if n <= 1 else 2, kind, factor, n, point=point)
        if alike and (place := self._singular(claimed, last)) is not None:
            fails = f"the expansion of the stated formula in the step fails where {formula(place)} = 0"
            raise Undecided(f"{entry}: {fails}")

    def _singular(self, e: sp.Expr, last: int) -> sp.Expr | None:
        """An expression at whose zeros the terms beyond s^`last` may be large for every step size; None if there is none."""
        for term in sp.Add.make_args(sp.expand(self._in_root(e))):
            power = term.as_independent(root)[1]
            exact = power == 1 or (power.as_base_exp()[0] == root and power.as_base_exp()[1] <= last)
            for part in () if exact else sp.preorder_traversal(term):
                below = _divided(part)
                head = None if below is None else _series(below).first()
                if head is not None and not self._without_zero(head[1]):
                    return head[1]
        return None

    def _without_zero(self, e: sp.Expr) -> bool:
        """Whether an expression is shown to have no zero inside the domain."""
        e = _alone(linear(e), []).xreplace(self._domain(dimension if self.dim is None else sp.Integer(self.dim)))
        letters = {s for s in e.free_symbols if s.is_nonnegative and not isinstance(s, sp.Dummy)}
        return _proved_equal(sp.sign(e.xreplace({s: sp.Dummy(positive=True) for s in letters})) ** 2, sp.S.One)

    def _shifted(self, entry: Entry, one: Series, two: Series, last: int) -> Term | None:
        """The difference of two entries, each a single power of s, that agree up to a constant and this power; else None."""
        pair = entry.apart
        claimed, derived = self._single(one, pair), self._single(two, pair)
        if claimed is None or derived is None or claimed[0] == derived[0] or min(claimed[0], derived[0]) > last:
            return None
        (m, a), (n, b) = claimed, derived
        factor = sp.S.One if self.surely(a, b, pair) else self._factor(a, b, pair)
        if factor is None or not factor.is_number:
            return None
        first = min(m, n)
        off = self.in_eta(factor, m - n)
        return Term(entry, self.in_eta(a, m), self.in_eta(b, n), 1 if first <= 1 else 2, "factor", off, first, SHIFTED)

    def _single(self, series: Series, pair: bool) -> tuple[int, sp.Expr] | None:
        """The power and coefficient of a series with a single nonzero term; None for any other series."""
        if series.last is None or series.last > LAST:
            return None
        nonzero = {n: gathered(series[n]) for n in range(max(_LEAST, series.low), series.last + 1)}
        nonzero = {n: e for n, e in nonzero.items() if not self.surely(e, sp.S.Zero, pair)}
        return next(iter(nonzero.items())) if len(nonzero) == 1 else None

    def _apart(self, a: sp.Expr, b: sp.Expr, pair: bool) -> Iterator[tuple[sp.Expr, sp.Expr, str, sp.Expr | None]]:
        """The tuple (claimed, derived, kind, factor) of each difference between two unequal coefficients."""
        if self.surely(a, sp.S.Zero, pair):
            yield sp.S.Zero, b, "missing", None
            return
        if self.surely(b, sp.S.Zero, pair):
            yield a, sp.S.Zero, "extra", None
            return
        whole = self._factor(a, b, pair)
        if whole is not None:
            yield a, b, "factor", whole
            return
        grouped, other = _grouped(a), _grouped(b)
        apart: list[tuple[sp.Expr, sp.Expr, str, sp.Expr | None]] = []
        for key in [key for key in grouped if key in other]:
            first, second = (sp.Add.make_args(sp.expand(e)) for e in (grouped.pop(key), other.pop(key)))
            claimed = sp.Add(*[e for e in first if e not in second])  # without common summands
            derived = sp.Add(*[e for e in second if e not in first])
            if not self.surely(claimed * key, derived * key, pair):
                kind = "missing" if claimed == 0 else "extra" if derived == 0 else "factor"
                factor = sp.factor(sp.cancel(claimed / derived)) if kind == "factor" else None
                apart.append((claimed * key, derived * key, kind, factor))
        extra, missing = ([c * key for key, c in terms.items()] for terms in (grouped, other))
        for e in list(extra):
            match = next((m for m in missing if self.surely(e, m, pair)), None)
            if match is not None:
                extra.remove(e)
                missing.remove(match)
        if len(extra) + len(missing) + len(apart) > MOST_TERMS:
            yield a, b, "differs", None
            return
        claimed, derived, compared = sp.Add(*extra), sp.Add(*missing), bool(extra and missing)
        if not (compared and self.surely(claimed, derived, pair)):
            factor = self._factor(claimed, derived, pair) if compared else None
            if factor is not None:
                yield claimed, derived, "factor", factor
            else:
                yield from ((e, sp.S.Zero, "extra", None) for e in extra)
                yield from ((sp.S.Zero, e, "missing", None) for e in missing)
        yield from apart

    def _factor(self, a: sp.Expr, b: sp.Expr, pair: bool) -> sp.Expr | None:
        """The quotient a/b if it is constant in the state and the time: guessed from one term of each, then verified; else None."""
        if set(sp.Add.make_args(gathered(a))) & set(sp.Add.make_args(gathered(b))):
            return None  # a term that both share is correct, so not everything is off by a factor
        one, two = _grouped(a), _grouped(b)
        key = next((k for k in one if k in two), None)
        if key is None and len(one) == len(two) == 1:
            quotient = sp.simplify(sp.Mul(*one.values(), *one) / sp.Mul(*two.values(), *two))
        elif key is not None:
            quotient = sp.cancel(one[key] / two[key])
        else:
            return None
        if quotient.atoms(coordinates.Coordinate, coordinates.Node) or quotient.has(t) or quotient == 1:
            return None
        return sp.factor(quotient) if self.surely(a, quotient * b, pair) else None


_KINKS = (sp.Abs, sp.sign, sp.Max, sp.Min)


def _series(e: sp.Expr) -> Series:
    """The series as in `series_of`, also through Hessian products, sums over coordinates, and kinks away from the limit."""
    if not any(n.has(root) for n in e.atoms(coordinates.Node, *_KINKS)):
        return series_of(e)
    if isinstance(e, (sp.Max, sp.Min)):
        one, two = e.args[0], e.func(*e.args[1:])
        size = sp.Abs(one - two, evaluate=False)
        return _series((one + two + (size if isinstance(e, sp.Max) else -size)) / 2)
    if isinstance(e, (sp.Abs, sp.sign)) and e.has(root):
        inner = _series(e.args[0])
        head = inner.first()
        if head is None or not (head[1].is_positive or head[1].is_negative):
            raise NoClosedForm(f"no expansion in the step is known for {formula(e)}, whose kink moves with the step")
        side = 1 if head[1].is_positive else -1
        return Series.constant(side) if isinstance(e, sp.sign) else inner * Series.constant(side)
    if isinstance(e, (sp.Add, sp.Mul)):
        return reduce(operator.add if isinstance(e, sp.Add) else operator.mul, map(_series, e.args))
    if isinstance(e, sp.Pow) and not e.exp.has(root):
        return _series(e.base).power(e.exp)
    if isinstance(e, sp.Function) and len(e.args) == 1:
        return _series(e.args[0]).applied(e.func)  # pyright: ignore[reportArgumentType]
    if isinstance(e, (coordinates.Hvp, coordinates.CoordSum)):
        inner, slot = _series(coordinates.to_slot(e.args[0], "k", "j")), getattr(e, "slot", "j")
        through = coordinates.hvp if isinstance(e, coordinates.Hvp) else coordinates.coord_sum
        return inner.map(lambda a: coordinates.to_slot(through(gathered(a)), "j", slot) if a != 0 else sp.S.Zero)
    raise NoClosedForm(f"no expansion of {formula(e)} in the step is known")


def _divided(part: sp.Basic) -> sp.Expr | None:
    """The expression that must not vanish for `part` to be bounded and smooth in s; None if there is none."""
    if isinstance(part, sp.log):
        return part.args[0]  # pyright: ignore[reportReturnType]
    if isinstance(part, sp.Pow) and not part.exp.is_nonnegative:
        return part.base
    return part.base if isinstance(part, sp.Pow) and not part.exp.is_Integer and part.base.has(root) else None


def _alone(e: sp.Expr, aggregates: list[tuple[coordinates.Node, sp.Expr, sp.Expr]]) -> sp.Expr:
    """An expression with a letter for each aggregate; aggregates with equal bodies share a letter."""
    for node in coordinates.nodes(e):
        body = _alone(node.args[0], aggregates)  # pyright: ignore[reportArgumentType]
        alike = ((b, a) for n, b, a in aggregates if n.args[1:] == node.args[1:] and type(n) is type(node))
        letter = next((a for b, a in alike if _proved_equal(b, body)), None)
        if letter is None:
            letter = sp.Dummy(**({"nonnegative": True} if node.is_nonnegative else {"real": True}))
        aggregates.append((node, body, letter))
        e = e.xreplace({node: letter})
    return e


def _proved_equal(one: sp.Expr, two: sp.Expr) -> bool:
    with suppress(Undecided):
        return difference(one, two, None) is None
    return False


def _parts(e: sp.Basic) -> Iterator[sp.Basic]:
    """The parts of an expression at the generic coordinate, without parts inside functions of all coordinates."""
    yield e
    for part in () if isinstance(e, coordinates.Node) else e.args:
        yield from _parts(part)


def _plainly(part: sp.Expr, sign: bool) -> bool:
    """Whether `part` is a product of letters, which vanishes on no open set, and is evidently nonnegative if `sign` is set."""
    factors = {f.as_base_exp()[0] for f in sp.Mul.make_args(part)}
    letters = all(f.is_Symbol or (f.is_Rational and f) for f in factors)
    return letters and (not sign or bool(part.is_nonnegative))


def _grouped(e: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """The constant factor of each product of factors that depend on the state or the time."""

    def moves(factor: sp.Expr) -> bool:
        state = factor.atoms(coordinates.Coordinate, coordinates.Node)
        return bool(state) or factor.has(t) or coordinates.depends_on(factor)

    return {key: c for key, c in coefficients(gathered(e), moves).items() if c != 0}

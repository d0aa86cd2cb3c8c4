"""Where a stated equation differs from the derived one: entry by entry, power by power of the step, term by term.

Both sides are expanded in s, the root of the time of a step. Equality is decided by exact cancellation or at random rational
points (`derive.expressions.vanishing`, `derive.stated.elsewhere`); what is grouped and factored here is for the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import sympy as sp

from derive.equations.in_coordinates import expansion_of, state_symbols
from derive.equations.local_rules import localised
from derive.expressions.coordinates import (
    CURVATURE,
    HIGHER,
    THIRD,
    Coordinate,
    CoordSum,
    Hvp,
    Node,
    coord_sum,
    depends_on,
    hvp,
    to_slot,
)  # fmt: skip
from derive.expressions.gathered import factored, gathered, linear
from derive.expressions.power_series import Series
from derive.expressions.vanishing import vanishes
from derive.expressions.written import formula
from derive.methods.compressors.base import any_fraction, any_positive
from derive.methods.losses import Loss
from derive.stated.elsewhere import differs_elsewhere
from derive.step.moments import Condition
from derive.step.update import Expanded, root, series_of
from derive.vocabulary.errors import NoClosedForm
from derive.vocabulary.symbols import N, eta, t
from derive.vocabulary.symbols import d as dimension

#: dimensions in which an equality is tried that does not cancel in the form for any dimension
DIMENSIONS = (2, 3)
#: powers of s that are compared: s^0 and s^1 concern weak order 1, s^2 and s^3 weak order 2
LAST = 3
_LEAST = -8
#: of the comparison of infinite sums
DIGITS, NEGLIGIBLE = 30, sp.Float("1e-20")
#: an entry that differs in more terms than these is one term
MOST_TERMS = 6
SHIFTED = "a power of the step is wrong, as between two regimes or for another time of a step"


@final
@dataclass(frozen=True)
class Term:
    """A term in which the two equations differ.

    Args:
        where: such as "drift m", "covariance x m", "covariance x m at two coordinates".
        claimed, derived: the term on each side, at the generic coordinate, 0 where there is none.
        matters: the weak order at which it matters.
        kind: "missing", "extra", "factor" or "differs".
        factor: claimed over derived, where that is a constant.
        power: of s, in the entry.
        remark: why, in one sentence, or "".
    """

    where: str
    claimed: sp.Expr
    derived: sp.Expr
    matters: int
    kind: str
    factor: sp.Expr | None
    power: int
    remark: str = ""

    @property
    def difference(self) -> sp.Expr:
        """Claimed minus derived."""
        return gathered(self.claimed - self.derived)


class Comparison:
    """Two expressions in generic coordinates, compared in the powers of s.

    Args:
        expanded: the rule in its regime.
        loss, dim: where given, expressions are compared in named coordinates, with the loss's gradient put in.
        local: whether losses are sums over coordinates, H_j, T_j, .. their derivatives (`derive.equations.local_rules`).
        conditions: under which the equations are compared.
    """

    def __init__(
        self, expanded: Expanded, loss: Loss | None, dim: int | None, local: bool = False, conditions: Iterable[Condition] = ()
    ) -> None:
        self.expanded, self.loss, self.dim, self.local = expanded, loss, dim, local
        self.conditions = {c.left: c.right for c in conditions if c.left.is_Symbol}

    def _domain(self, dim: sp.Expr) -> dict[sp.Basic, sp.Expr]:
        """What is not any positive number, in letters that are."""
        found: dict[sp.Basic, sp.Expr] = {symbol: least + any_positive(symbol) for symbol, least in self.conditions.items()}
        found |= {symbol: 1 + any_positive(symbol) for symbol in (N, dimension)}
        found |= {sp.Symbol(name, positive=True): any_fraction(name) for name in self.expanded.method.rule.fractions}
        return found | self.expanded.method.compressor.domain(dim)

    def powers(self, e: sp.Expr) -> Series:
        """An expression in eta as a series in s."""
        e = linear(sp.sympify(e))
        e = e if self.dim is None else e.xreplace({dimension: sp.Integer(self.dim)})
        return _series((localised(e, self.dim) if self.local else e).subs(eta, self.expanded.step))

    def in_eta(self, e: sp.Expr, n: int) -> sp.Expr:
        """e s^n in eta."""
        c, power = self.expanded.method.regime.power
        return factored(e * sp.sqrt(c) ** n * eta ** (power * n / 2))

    def same(self, one: sp.Expr, two: sp.Expr, pair: bool = False) -> bool:
        """Whether two expressions are equal, for every gradient (of the loss).

        Raises:
            ArithmeticError: that cannot be decided.
        """
        gap = gathered(linear(one) - linear(two))
        if gap == 0:
            return True
        nodes = gap.atoms(Node)
        if self.loss is None and (self.dim is None or not nodes):
            alone = gap.xreplace({n: _stand_in(n) for n in nodes})
            alone = alone.xreplace(self._domain(dimension if self.dim is None else sp.Integer(self.dim)))
            if _vanishes(alone):
                return True
            if not nodes:
                return False
        dims = DIMENSIONS if self.dim is None else (self.dim,)
        return all(self._same_in(gap, dim, pair) for dim in dims)

    def _same_in(self, gap: sp.Expr, dim: int, pair: bool) -> bool:
        expansion, put = expansion_of(self.loss, dim, (gap,), ())
        apart = [(m, n) for m in range(dim) for n in range(dim) if m != n]
        entries = [expansion.pair(gap, m, n) for m, n in apart] if pair else expansion.vector(gap)
        slopes, domain = self._slopes(dim), self._domain(sp.Integer(dim))
        return all(_vanishes(put(e).xreplace(slopes).xreplace(domain)) for e in entries)

    def _slopes(self, dim: int) -> dict[sp.Expr, sp.Expr]:
        """H_j, T_j, .. of the loss, which is a sum over coordinates."""
        if self.loss is None or not self.local:
            return {}
        state = state_symbols(dim)
        value = self.loss.value(state)
        letters = {2: CURVATURE, 3: THIRD, **HIGHER}
        return {c.entry(m + 1): sp.diff(value, x, n) for m, x in enumerate(state) for n, c in letters.items()}

    def terms(self, where: str, claimed: sp.Expr, derived: sp.Expr, last: int, pair: bool = False) -> Iterator[Term]:
        """The terms in which two entries differ, up to a power of s.

        Raises:
            ArithmeticError, NoClosedForm: that cannot be decided.
        """
        one, two = self.powers(claimed), self.powers(derived)
        if (shifted := self._shifted(where, one, two, last, pair)) is not None:
            yield shifted
            return
        for n in range(max(_LEAST, min(one.low, two.low)), last + 1):
            a, b = gathered(one[n]), gathered(two[n])
            if not self.same(a, b, pair):
                for own, right, kind, factor in self._apart(a, b, pair):
                    yield Term(where, self.in_eta(own, n), self.in_eta(right, n), 1 if n <= 1 else 2, kind, factor, n)

    def _shifted(self, where: str, one: Series, two: Series, last: int, pair: bool) -> Term | None:
        """Two entries that are each one power of s, not the same one, and otherwise alike: off by a power of the step."""
        claimed, derived = self._single(one, pair), self._single(two, pair)
        if claimed is None or derived is None or claimed[0] == derived[0] or min(claimed[0], derived[0]) > last:
            return None
        (m, a), (n, b) = claimed, derived
        factor = sp.S.One if self.same(a, b, pair) else self._factor(a, b, pair)
        if factor is None or not factor.is_number:
            return None
        first = min(m, n)
        off = self.in_eta(factor, m - n)
        return Term(where, self.in_eta(a, m), self.in_eta(b, n), 1 if first <= 1 else 2, "factor", off, first, SHIFTED)

    def _single(self, series: Series, pair: bool) -> tuple[int, sp.Expr] | None:
        """(power, coefficient) of a series that has one; None for others."""
        if series.last is None or series.last > LAST:
            return None
        found = {n: gathered(series[n]) for n in range(max(_LEAST, series.low), series.last + 1)}
        found = {n: e for n, e in found.items() if not self.same(e, sp.S.Zero, pair)}
        return next(iter(found.items())) if len(found) == 1 else None

    def _apart(self, a: sp.Expr, b: sp.Expr, pair: bool) -> Iterator[tuple[sp.Expr, sp.Expr, str, sp.Expr | None]]:
        """(claimed, derived, kind, factor) of each difference of two entries that are not equal."""
        if self.same(a, sp.S.Zero, pair):
            yield sp.S.Zero, b, "missing", None
            return
        if self.same(b, sp.S.Zero, pair):
            yield a, sp.S.Zero, "extra", None
            return
        whole = self._factor(a, b, pair)
        if whole is not None:
            yield a, b, "factor", whole
            return
        left, right = _grouped(a), _grouped(b)
        both = [key for key in left if key in right]
        apart: list[tuple[sp.Expr, sp.Expr, str, sp.Expr | None]] = []
        for key in both:
            own, true = _without_common(left.pop(key), right.pop(key))
            if not self.same(own * key, true * key, pair):
                kind = "missing" if own == 0 else "extra" if true == 0 else "factor"
                apart.append((own * key, true * key, kind, sp.factor(sp.cancel(own / true)) if kind == "factor" else None))
        extra, missing = [c * key for key, c in left.items()], [c * key for key, c in right.items()]
        for e in list(extra):
            match = next((m for m in missing if self.same(e, m, pair)), None)
            if match is not None:
                extra.remove(e)
                missing.remove(match)
        if len(extra) + len(missing) + len(apart) > MOST_TERMS:
            yield a, b, "differs", None
            return
        if extra and missing:
            own, true = sp.Add(*extra), sp.Add(*missing)
            if not self.same(own, true, pair):
                factor = self._factor(own, true, pair)
                if factor is not None:
                    yield own, true, "factor", factor
                else:
                    yield from ((e, sp.S.Zero, "extra", None) for e in extra)
                    yield from ((sp.S.Zero, e, "missing", None) for e in missing)
        else:
            yield from ((e, sp.S.Zero, "extra", None) for e in extra)
            yield from ((sp.S.Zero, e, "missing", None) for e in missing)
        yield from apart

    def _factor(self, a: sp.Expr, b: sp.Expr, pair: bool) -> sp.Expr | None:
        """a/b where it is constant in the state and the time; a guess from one term of each that is then decided."""
        if set(sp.Add.make_args(gathered(a))) & set(sp.Add.make_args(gathered(b))):
            return None  # a term that both have is right
        left, right = _grouped(a), _grouped(b)
        key = next((k for k in left if k in right), None)
        if key is None and len(left) == len(right) == 1:
            quotient = sp.simplify(sp.Mul(*left.values(), *left) / sp.Mul(*right.values(), *right))
        elif key is not None:
            quotient = sp.cancel(left[key] / right[key])
        else:
            return None
        if quotient.atoms(Coordinate, Node) or quotient.has(t) or quotient == 1:
            return None
        return sp.factor(quotient) if self.same(a, quotient * b, pair) else None


def _series(e: sp.Expr) -> Series:
    """As `series_of`, through Hessian products and sums over coordinates too."""
    inside = [n for n in e.atoms(Node) if n.has(root)]
    if not inside:
        return series_of(e)
    if isinstance(e, (sp.Add, sp.Mul)):
        found = Series.constant(0 if isinstance(e, sp.Add) else 1)
        for a in e.args:
            found = found + _series(a) if isinstance(e, sp.Add) else found * _series(a)  # pyright: ignore[reportArgumentType]
        return found
    if isinstance(e, sp.Pow) and not e.exp.has(root):
        return _series(e.base).power(e.exp)
    if isinstance(e, (Hvp, CoordSum)):
        own, slot = _series(to_slot(e.args[0], "k", "j")), getattr(e, "slot", "j")
        through = (lambda a: to_slot(hvp(a), "j", slot)) if isinstance(e, Hvp) else coord_sum
        return own.map(lambda a: through(gathered(a)) if a != 0 else sp.S.Zero)
    raise NoClosedForm(f"the expansion of {formula(e)} in the step")


def _stand_in(node: Node) -> sp.Expr:
    return sp.Dummy(**({"nonnegative": True} if node.is_nonnegative else {"real": True}))


def _vanishes(e: sp.Expr) -> bool:
    """As `vanishes`; infinite sums are letters first, since their digits take long.

    Raises:
        ArithmeticError: two sums that are not written alike are equal as far as was tried, or no point had a value.
    """
    sums = {s: sp.Dummy(real=True) for s in e.atoms(sp.Sum)}
    if not sums:
        return vanishes(e) and (e == 0 or not differs_elsewhere(e))
    if vanishes(e.xreplace(sums)):
        return True
    point = {s: sp.Rational(n, n + 3) for n, s in enumerate(sorted(e.free_symbols, key=str), 1)}
    known = {s: s.xreplace(point).evalf(DIGITS) for s in sums}
    parts = [a.xreplace(known).xreplace(point).evalf(DIGITS) for a in sp.Add.make_args(e)]
    if abs(sp.Add(*parts)) > NEGLIGIBLE * sp.Add(*map(abs, parts)):
        return False
    raise ArithmeticError("two infinite sums are equal as far as was tried, and are not written alike")


def _without_common(one: sp.Expr, two: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Two coefficients without the summands that they share."""
    left, right = (sp.Add.make_args(sp.expand(e)) for e in (one, two))
    shared = set(left) & set(right)
    return sp.Add(*[e for e in left if e not in shared]), sp.Add(*[e for e in right if e not in shared])


def _grouped(e: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """Product of what depends on the state and the time -> its constant factor."""
    found: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(gathered(e)):
        constant, dependent = sp.S.One, sp.S.One
        for factor in sp.Mul.make_args(term):
            if factor.atoms(Coordinate, Node) or factor.has(t) or depends_on(factor):
                dependent *= factor
            else:
                constant *= factor
        found[dependent] = found.get(dependent, sp.S.Zero) + constant
    return {key: c for key, c in found.items() if c != 0}

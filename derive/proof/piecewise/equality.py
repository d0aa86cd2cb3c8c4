"""Whether two expressions are equal wherever they have values: a proof on every piece, or a point where they differ.

The signs of the arguments of kinks (abs, min, max, roots) and jumps (sign, comparisons) divide the domain into pieces. On each
piece the difference is a quotient of polynomials in letters and atoms (`fractions`). The expressions are equal on a piece if the
difference reduces to 0, or if the piece has no inner point, whatever values the atoms have (`cells`); else nothing is shown. At
kinks the signs are weak: every point of a piece without inner points also belongs to a neighbouring piece, whose formula holds
there. At jumps the value 0 is a piece of its own.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import sympy as sp
from flint import fmpq

from sdescent.derive.expressions.joints import Unresolved
from sdescent.derive.proof.piecewise import cells
from sdescent.derive.proof.piecewise.balls import Point, sign_at, value_at
from sdescent.derive.proof.piecewise.cells import GENERATORS, Frozen, Poly, TooMany, between, frozen, open_cells, thawed
from sdescent.derive.proof.piecewise.fractions import Open, Outside, Quotients, Sign, TooLarge

#: limits: pieces, signs of a piece that are tried together, letters and atoms in these signs
MOST_PIECES, TOGETHER, MOST_LETTERS = 500, 3, 4
#: the budget of `open_cells`, for all pieces together
BUDGET = 20_000
#: numbers of random points: those of the first test, and those through which lines in search of a piece pass
FIRST, LINES = 3, 4
#: sizes of random points, one after the other
SIZES = (fmpq(1), fmpq(1, 10**4), fmpq(100), fmpq(1, 100))
#: positions of points in a cell; None is the cell's simplest number
SHARES = (None, fmpq(1, 2), fmpq(1, 3))
_MARGIN = fmpq(1, 10**6)
#: bounds on the size of functions
_BOUNDS = {"sin": fmpq(1001, 1000), "cos": fmpq(1001, 1000), "erf": fmpq(1), "atan": fmpq(8, 5)}
_INVERSES = {
    sp.sin: sp.asin, sp.cos: sp.acos, sp.exp: sp.log, sp.log: sp.exp, sp.erf: sp.erfinv, sp.atan: sp.tan,
}  # fmt: skip


#: expressions with their signs on a piece, and letters with their values there
Assumed = tuple[tuple[sp.Expr, Sign], ...]
Solved = tuple[tuple[sp.Expr, sp.Expr], ...]


@final
@dataclass(frozen=True)
class Condition:
    """The condition expr > 0, < 0 or = 0 for the sign 1, -1 or 0; >= 0 or <= 0 if `weak`."""

    expr: sp.Expr
    sign: int
    weak: bool

    def said(self, show: Callable[[sp.Expr], str]) -> str:
        """The condition as text, such as m*x - 10 >= 0."""
        return f"{show(self.expr)} {'=' if not self.sign else '<>'[self.sign > 0] + '=' * self.weak} 0"


def partial_function(e: sp.Basic) -> bool:
    """Whether an expression is not defined everywhere: a root, a power with letters in the exponent, log or asin."""
    return isinstance(e, (sp.log, sp.asin)) or (isinstance(e, sp.Pow) and not e.exp.is_Integer)


class Undecided(ArithmeticError):
    """Raised if neither equality nor a difference was shown, on `piece` by its conditions; () for the whole domain."""

    def __init__(self, reason: str, piece: Sequence[Condition] = ()) -> None:
        self.reason, self.piece = reason, tuple(piece)
        super().__init__(self.said(sp.sstr))

    def said(self, show: Callable[[sp.Expr], str]) -> str:
        """The reason and the piece."""
        return self.reason + (", where " + " and ".join(c.said(show) for c in self.piece) if self.piece else "")


@final
class _Differs(Exception):
    def __init__(self, point: Point) -> None:
        self.point = point


def difference(one: sp.Expr, two: sp.Expr, whole: Sequence[sp.Expr] | None = ()) -> dict[sp.Basic, sp.Rational] | None:
    """A point at which two expressions in real symbols certainly differ; None if they are equal.

    They are equal if they agree wherever both have values, and if `one` has a value wherever `two` has one, except at
    points that satisfy an equation, such as poles. Points of the domain that are not limits of inner points do not
    count. Expressions of `whole` are integers at every point of the domain; None skips the search for a point. Raises
    Undecided if neither is shown.
    """
    if one == two:
        return None
    try:
        _Question(one, two, whole).settle()
    except (RecursionError, OverflowError, ValueError) as error:  # SymPy also raises if it compares undefined values
        raise Undecided("the formulas are too large, or have no value on a piece") from error
    except _Differs as different:
        return {s: sp.Rational(int(v.p), int(v.q)) for s, v in different.point.items()}
    return None


class _Question:
    def __init__(self, one: sp.Expr, two: sp.Expr, whole: Sequence[sp.Expr] | None) -> None:
        self.one, self.two, self.gap, self.whole = one, two, one - two, whole
        parts = sp.preorder_traversal(two)
        #: parts of `two` that are not defined everywhere and cancel in the difference
        self.hidden: list[Any] = [e for e in parts if partial_function(e) and not self.gap.has(e)]
        self.letters: list[sp.Basic] = sorted(one.free_symbols | two.free_symbols, key=str)
        self.draw = random.Random(20250600181)
        self.quotients = Quotients([one, two])
        self.pieces, self.compared, self.budget = 0, False, [BUDGET]
        self.unsettled: Undecided | None = None
        self.later: list[Callable[[], None]] = []

    def settle(self) -> None:
        if self.gap.has(sp.Sum):  # only one point: the digits of an infinite sum take long
            self._try({}, {s: fmpq(n, 1 if s.is_integer else n + 3) for n, s in enumerate(self.letters, 1)})
            self.whole = None
        for n in range(FIRST if self.whole is not None else 0):
            self._try({}, self._random(n))
        self._piece(self.one, self.two, (), {}, ())
        while self.later and self.unsettled is None:  # pieces that satisfy equations come after those that they bound
            self.later.pop(0)()
        if self.unsettled is not None:
            raise self.unsettled
        if not self.compared:
            raise Undecided("the formulas have no value together at any point that was tried")

    def _piece(self, one: sp.Expr, two: sp.Expr, assumed: Assumed, signs: dict[Frozen, Sign], solved: Solved) -> None:
        """Show equality on one piece, given by `assumed` expressions with their signs, and split it if more signs are needed.

        Letters that equations of this piece determine, `solved`, have values in both sides; `signs` are those chosen so
        far.
        """
        self.pieces += 1
        if self.pieces > MOST_PIECES:
            self.unsettled = Undecided(f"there are more than {MOST_PIECES} pieces")
            return
        q = self.quotients
        q.under(signs)
        gap = None
        try:
            for e, s in assumed:
                above, below = q.read(e)
                actual = q.sign(above * below, strict=True)
                if actual != s.value and (actual or s.strict):
                    return
            right = q.read(two)
            try:
                left = q.read(one)
            except Outside:
                pass
            else:
                gap = q.minus(left, right)
                if any(not s.value and not gap.gcd(thawed(key)).is_constant() for key, s in signs.items()):
                    gap -= gap  # a multiple of a polynomial that is 0 here
        except Outside:
            return
        except (TooLarge, Unresolved) as error:
            self.unsettled = Undecided(str(error), self._conditions(signs, solved))
            return
        except Open as needed:
            f, sign, strict = needed.factor, signs.get(frozen(needed.factor)), needed.strict or q.strict
            for value in (1, -1) if sign is None else (sign.value,):
                self._piece(one, two, assumed, {**signs, frozen(f): Sign(value, strict)}, solved)
            if strict:
                self.later.append(partial(self._at_zero, f, one, two, assumed, signs, solved))
            return
        if gap is None and solved:
            return  # a pole, or an end of the domain, of `one` alone
        if gap is not None and not gap:
            self.compared = True
            return
        if not self._empty(signs):
            q.under(signs)
            for point in self._points(signs) if self.whole is not None else ():
                self._try(dict(solved), point)
            reason = "equality is not shown" if gap is not None else "the stated formula has no real value"
            if self.gap.has(sp.Sum):
                reason = "two infinite sums are not written alike, and their equality is not shown"
            self.unsettled = self.unsettled or Undecided(reason, self._conditions(signs, solved))

    def _at_zero(
        self, f: Poly, one: sp.Expr, two: sp.Expr, assumed: Assumed, signs: dict[Frozen, Sign], solved: Solved
    ) -> None:
        """Show equality on the piece with f = 0, with f solved for a letter if possible."""
        q = self.quotients
        q.under(signs)
        for n, atom in enumerate(q.atoms):
            letter = atom.expr
            if not letter.is_Symbol or f.degrees()[n] != 1:
                continue
            slope = f.derivative(n)
            others = [q.atoms[m].expr for m, e in enumerate(f.degrees()) if e and m != n]
            try:
                if any(e.has(letter) for e in others) or not q.sign(slope, strict=True):
                    continue
            except Open:
                continue
            put = {letter: -q.expression(f - slope * GENERATORS[n]) / q.expression(slope)}
            domain = [(put[letter], Sign(1, bool(letter.is_positive)))] if letter.is_nonnegative else []
            conditions = [*assumed, *((q.expression(thawed(key)), s) for key, s in signs.items() if key != frozen(f))]
            held = (*((e.xreplace(put), s) for e, s in conditions), *domain)
            self._piece(one.xreplace(put), two.xreplace(put), held, {}, (*solved, *put.items()))
            return
        if not self._empty({**signs, frozen(f + _MARGIN): Sign(1, True), frozen(f - _MARGIN): Sign(-1, True)}):
            conditions = [(q.expression(thawed(key)), s) for key, s in signs.items() if not s.strict]
            strict = {key: s for key, s in signs.items() if s.strict}
            self._piece(one, two, (*assumed, *conditions), {**strict, frozen(f): Sign(0, True)}, solved)

    def _conditions(self, signs: Mapping[Frozen, Sign], solved: Solved) -> list[Condition]:
        equations = [Condition(letter - value, 0, False) for letter, value in solved]
        return equations + [
            Condition(self.quotients.expression(thawed(f)), s.value, not s.strict) for f, s in signs.items()
        ]

    # no inner point

    def _empty(self, signs: Mapping[Frozen, Sign]) -> bool:
        """Whether no open set has these signs, whatever values the atoms have; False if that is not shown."""
        definite = {f: s.value for f, s in signs.items() if s.value}
        sizes = [*range(1, min(TOGETHER, len(definite)) + 1), len(definite)]
        for chosen in itertools.chain(*(itertools.combinations(definite.items(), n) for n in dict.fromkeys(sizes))):
            with_facts, order = self._with_facts(dict(chosen))
            if any(with_facts[f] != s for f, s in chosen):
                return True
            with suppress(TooMany):
                if len(order) <= MOST_LETTERS and next(open_cells(with_facts, order, self.budget), None) is None:
                    return True
        return False

    def _with_facts(self, chosen: dict[Frozen, int]) -> tuple[dict[Frozen, int], list[int]]:
        """The signs together with strict bounds on their letters and atoms, and their generators, low degrees first."""
        q = self.quotients
        polynomials: list[tuple[Poly, int]] = [(thawed(key), s) for key, s in chosen.items()]
        held = {n for p, _ in polynomials for n, e in enumerate(p.degrees()) if e}
        for n in held:
            atom, g = q.atoms[n], GENERATORS[n]
            if atom.kind in ("exp", "root") or (atom.kind == "letter" and atom.expr.is_nonnegative):
                polynomials.append((g, 1))
            elif atom.kind in _BOUNDS:
                polynomials += [(g - _BOUNDS[atom.kind], -1), (g + _BOUNDS[atom.kind], 1)]
        size = {n: max(int(p.degrees()[n]) for p, _ in polynomials) for n in held}
        return {frozen(p): s for p, s in polynomials}, sorted(held, key=lambda n: (size[n], n))

    # points

    def _random(self, n: int) -> dict[sp.Basic, fmpq]:
        point: dict[sp.Basic, fmpq] = {}
        for s in self.letters:
            point[s] = fmpq(self.draw.randint(1, 30), 1 if s.is_integer else self.draw.choice((1, 2, 3, 5, 7)))
            if not s.is_nonnegative:
                point[s] *= SIZES[n % len(SIZES)] * self.draw.choice((-1, 1))
        return point

    def _try(self, solved: Mapping[sp.Expr, sp.Expr], point: dict[sp.Basic, fmpq]) -> None:
        """Raise _Differs if the two sides certainly differ at the point."""
        try:
            for letter, value in reversed(list(solved.items())):
                point[letter] = value_at(value, point)
            counts = [value_at(e, point) for e in self.whole or () if e.free_symbols <= set(point)]
            for e in self.hidden:
                value_at(e, point)
        except (Unresolved, ZeroDivisionError, OverflowError, ValueError):
            return
        fits = all(self._allowed(s, point.get(s)) for s in self.letters) and all(n.q == 1 for n in counts)
        if fits and sign_at(self.gap, point):
            raise _Differs({s: point[s] for s in self.letters})

    def _allowed(self, s: Any, value: Any) -> bool:
        fits = isinstance(value, fmpq) and (not s.is_integer or value.q == 1)
        return fits and (value > 0 or (not s.is_positive and (value == 0 or not s.is_nonnegative)))

    def _points(self, signs: dict[Frozen, Sign]) -> Iterator[dict[sp.Basic, fmpq]]:
        """Points that may lie in the piece."""
        q = self.quotients
        yield from (self._random(n) for n in range(len(SIZES)))
        definite = {f: s.value for f, s in signs.items() if s.value}
        with_facts, order = self._with_facts(definite)
        letters = {n: q.atoms[n].expr for n in order}
        if len(order) <= MOST_LETTERS:
            with suppress(TooMany):
                tried = (itertools.islice(open_cells(with_facts, order, self.budget, share), 4) for share in SHARES)
                for cell in itertools.chain.from_iterable(tried):
                    inner = {letters[n]: value for n, value in cell.items()}
                    yield self._random(0) | {s: v for s, v in inner.items() if s.is_Symbol}
                    yield self._random(0) | self._inverted(inner)
        for n in range(LINES):
            base = self._random(n)
            for m, s in letters.items():
                if s.is_Symbol:
                    yield from self._along(base, s, m, [thawed(key) for key in definite])

    def _along(
        self, base: dict[sp.Basic, fmpq], s: sp.Basic, m: int, polynomials: list[Poly]
    ) -> Iterator[dict[sp.Basic, fmpq]]:
        """A point in every cell of the polynomials in letters along the line through `base` in the direction of one letter."""
        at = {f"g{n}": base[a.expr] for n, a in enumerate(self.quotients.atoms) if a.expr in base and n != m}
        lines = [p.subs(at) for p in polynomials]
        plain = [cells.univariate(p, m) for p in lines if p and all(not e or n == m for n, e in enumerate(p.degrees()))]
        with suppress(TooMany):
            yield from ({**base, s: value} for value in between(plain, SHARES[1]))

    def _inverted(self, cell: Mapping[Any, fmpq]) -> dict[sp.Basic, fmpq]:
        """Values of letters that give atoms of one letter nearly their values in a cell."""
        letters = {s: v for s, v in cell.items() if s.is_Symbol}
        for atom, value in cell.items():
            free = atom.free_symbols - set(letters)
            if len(free) == 1 and type(atom) in _INVERSES:
                s = free.pop()
                goal = atom.args[0] - _INVERSES[type(atom)](sp.Rational(int(value.p), int(value.q)))
                slope = goal.diff(s)
                number = slope
                if slope and not slope.has(s):
                    number = (-goal.xreplace({s: sp.S.Zero}) / slope).xreplace(letters).evalf(40)
                if number.is_Float:
                    letters[s] = fmpq(*map(int, sp.Rational(number).as_numer_denom()))
        return letters

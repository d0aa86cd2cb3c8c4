"""Simple rational functions of constants for multipliers that a proof does not determine.

If an inequality has slack, its multipliers may vary. One after the other, each gets the range that the others leave it at every
point of the constants, and then a simple function that lies within all ranges: a sum of few terms, each a simple number times
powers of constants. Whether the result is a proof is checked afterwards, in symbols.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import linprog

from sdescent.derive.proof.gram.forms import Form
from sdescent.derive.proof.gram.identities import Identity, Search
from sdescent.derive.proof.gram.linear_relations import at_point, composed, evaluated
from sdescent.derive.proof.gram.sampling import Units

#: the part of a range that is kept free at each end, and the largest end of a range
MARGIN, LARGEST = 0.2, 1e6
#: the accuracy of the ends of ranges, relative and absolute
EXACT, TINY = 1e-5, 1e-8
#: the powers of one constant, and the largest number of terms
POWERS, TERMS = range(-2, 4), 3
#: how often the sizes of coefficients are weighted anew, so that few remain
ROUNDS = 6
#: number of constants -> the largest sum of the sizes of their powers
DEGREES = {1: 6, 2: 6, 3: 5, 4: 5, 5: 4}
#: the largest number of factors beside the constants
MOST_FACTORS = 3


def range_of(one: Identity, name: Any) -> tuple[float, float] | None:
    """The least and the greatest value of the multiplier of a fact, or of a zero by its number; None if the solver fails."""
    search = Search([one])
    unknown = search.multipliers[0][name] if name in one.facts else search.free[0][name]
    ends: list[float] = []
    for sign in (1.0, -1.0):
        x = search.problem.optimum({unknown: sign}, tolerance=1e-9)
        ends.append(-sign * LARGEST if x is None else float(x[unknown]))
    low, high = ends
    return (low, high) if (abs(low) < LARGEST or abs(high) < LARGEST) and low <= high + EXACT else None


def simple_function(
    factors: Sequence[Any],
    points: Sequence[Sequence[Any]],
    ranges: Sequence[tuple[float, float]],
    part: float = 1 / 6,
    terms: int = TERMS,
) -> Any | None:
    """A simple function within ranges at points; None if there is none of few terms.

    Args:
        factors: elements of a field of rational functions, of whose powers the function is made.
        points: a value for each generator of the field.
        part: half of the share of a range, by orders of magnitude, in which a value counts as its middle.
        terms: the largest number of terms.
    """
    field = factors[0].field
    low, high = np.array(ranges).T
    low, high = np.maximum(low, -LARGEST), np.minimum(high, LARGEST)
    if np.all(low <= TINY) and np.all(high >= -TINY):
        return field.zero
    width = high - low
    # the lower end first, where other multipliers may vanish
    near = [TINY + EXACT * np.abs(end) for end in (low, high)]
    free = [MARGIN * np.minimum(width, np.abs(low)), MARGIN * width]
    inside = (
        np.where(width > near[0], low + free[0], low - near[0]),
        np.where(width > near[1], high - free[1], high + near[1]),
    )
    whole = low - near[0], high + near[1]
    bounds = [(low - near[0], low + near[0]), inside, whole, (high - near[1], high + near[1])]
    if np.all(inside[0] > 0):  # the middle by orders of magnitude, which leaves most to the other multipliers
        bounds.insert(
            1, tuple(np.exp(w * np.log(inside[0]) + (1 - w) * np.log(inside[1])) for w in (0.5 + part, 0.5 - part))
        )
    exponents = _exponents(len(factors))
    numbers = np.array([[float(Fraction(str(evaluated(f, p)))) for f in factors] for p in points])
    table = np.array([np.prod(numbers ** np.array(e), axis=1) for e in exponents]).T
    degrees = [sum(map(abs, e)) for e in exponents]
    for lower, upper in bounds:
        for chosen in _supports(table, lower, upper, degrees, terms):
            coefficients = _simple(table[:, chosen], lower, upper)
            if coefficients is None:
                continue
            parts = zip(coefficients, (exponents[n] for n in chosen), strict=True)
            pieces = (field.ground_new(sp.QQ(c.numerator, c.denominator)) * _power(factors, e) for c, e in parts)
            return sum(pieces, field.zero)
    return None


def _exponents(size: int) -> list[tuple[int, ...]]:
    tuples, degree = list[tuple[int, ...]]([()]), DEGREES.get(size, 3)
    for _ in range(size):
        tuples = [(*e, n) for e in tuples for n in POWERS if sum(map(abs, e)) + abs(n) <= degree]
    return sorted(tuples, key=lambda e: sum(map(abs, e)))


def _power(factors: Sequence[Any], exponents: Sequence[int]) -> Any:
    value = factors[0].field.one
    for g, n in zip(factors, exponents, strict=True):
        value = value * g**n
    return value


def _supports(table: Any, low: Any, high: Any, degrees: Sequence[int], terms: int) -> Iterator[list[int]]:
    """Sets of columns of which a combination may lie between the bounds: single ones, pairs, and those of the shortest sum."""
    single: list[tuple[int, int]] = []
    for n, column in enumerate(table.T):
        if np.max(low / column) <= np.min(high / column):
            c = _between(Fraction(float(np.max(low / column))), Fraction(float(np.min(high / column))))
            single.append((degrees[n] + abs(c.numerator) + c.denominator, n))
    yield from ([n] for _, n in sorted(single))
    if terms == 1:
        return
    if np.all(high - low < 4 * (TINY + EXACT * np.abs(low))):
        yield from _pairs(table, (low + high) / 2, degrees)
    weights = 1.0 + np.array(degrees, dtype=float)
    # ranges and powers may be orders of magnitude apart
    scale = 1 / (TINY + np.abs(low) + np.abs(high))
    table = table * scale[:, None]
    table = table / np.max(np.abs(table), axis=0)
    both = np.hstack([table, -table])
    for _ in range(ROUNDS):
        result = linprog(
            np.hstack([weights, weights]),
            A_ub=np.vstack([both, -both]),
            b_ub=np.hstack([high * scale, -low * scale]),
            bounds=(0, None),
            method="highs",
        )
        if result.status != 0:
            return
        c = result.x[: len(weights)] - result.x[len(weights) :]
        chosen = [int(n) for n in np.flatnonzero(np.abs(c) > 1e-7)]
        if len(chosen) <= terms:
            yield chosen
            return
        weights = (1.0 + np.array(degrees, dtype=float)) / (np.abs(c) + 0.01)


def _pairs(table: Any, values: Any, degrees: Sequence[int]) -> Iterator[list[int]]:
    """Pairs of columns of which a combination has the given values, simple ones first."""
    scale = 1 / (1 + np.abs(values))
    columns, target = table * scale[:, None], values * scale
    columns = columns / np.linalg.norm(columns, axis=0)
    products, onto = columns.T @ columns, columns.T @ target
    below = 1 - products**2
    squares = onto[:, None] ** 2 + onto[None, :] ** 2 - 2 * products * onto[:, None] * onto[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = target @ target - np.where(below > 1e-9, squares / below, -np.inf)
    pairs = np.argwhere(np.triu(left < len(values) * EXACT**2, 1))
    yield from sorted(([int(n), int(m)] for n, m in pairs), key=lambda pair: degrees[pair[0]] + degrees[pair[1]])


def _simple(columns: Any, low: Any, high: Any) -> list[Fraction] | None:
    """Simple coefficients of columns whose combination lies between the bounds, each in the range that the others leave."""
    count, fixed = columns.shape[1], list[Fraction]()
    for n in range(count):
        used = columns[:, :n] @ np.array([float(c) for c in fixed]) if n else 0.0
        rest = columns[:, n:]
        ends: list[Fraction] = []
        for sign in (1.0, -1.0):
            cost = np.zeros(count - n)
            cost[0] = sign
            result = linprog(
                cost,
                A_ub=np.vstack([rest, -rest]),
                b_ub=np.hstack([high - used, used - low]),
                bounds=(None, None),
                method="highs",
            )
            if result.status != 0:
                return None
            ends.append(Fraction(float(result.x[0])))
        fixed.append(_between(*ends))
    return fixed


def _between(low: Fraction, high: Fraction) -> Fraction:
    """The rational number with the least denominator between two numbers, and among these the one nearest to 0."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -_between(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    below = low.numerator // low.denominator
    return below + 1 / _between(1 / (high - below), 1 / (low - below))


class Chooser:
    """The choice of all multipliers of an identity.

    Args:
        one: the identity over the field of constants.
        chosen: the units in which the points are given.
        points: values of all constants.
        positive: elements of the field that are positive by assumption.
        within: raises if the time is over.
        part: half of the share of a range in which a value counts as its middle.
    """

    def __init__(
        self,
        one: Identity,
        chosen: Units,
        points: Sequence[Sequence[Any]],
        positive: Sequence[Any],
        within: Callable[[], None],
        part: float,
    ) -> None:
        self.part = part
        self.one, self.chosen, self.points, self.within = one, chosen, points, within
        places = [n for n, name in enumerate(chosen.linear.generators) if name in chosen.names]
        self.small = [[p[n] for n in places] for p in self.points]
        self.factors = factors_of(chosen, positive)
        self.units = chosen.of_form(one.goal)
        self.eliminated, self.zeros = _eliminated(_numbered(one, chosen), [one.goal, *one.facts.values()])
        self.vanishing = [zero for zero in one.zeros if product_of_two(zero) is not None]
        self.goal = self._without_zeros(one.goal)
        self.facts = {name: self._without_zeros(form) for name, form in one.facts.items()}

    def _without_zeros(self, form: Form) -> Form:
        for monomial, zero in self.eliminated:
            if monomial in form:
                form = form - zero * (form[monomial] / zero[monomial])
        return form

    def solved(self) -> tuple[Mapping[Any, Any], list[Any], Form] | None:
        """The multipliers of facts and of zeros, and what is left of the goal; None if a multiplier has no simple function."""
        done = dict[Any, Any]()
        while self.facts or self.zeros:
            self.within()
            name, c = self._determined() or self._free()
            if c is None:
                return None
            if name in self.facts:
                done[name] = c
            self.goal = self.goal - (self.facts.pop(name) if name in self.facts else self.zeros.pop(0)) * c
        nothing = self.chosen.linear.field.zero
        zeros = [-self.goal.pop(("zero", str(n)), nothing) for n in range(len(self.one.zeros))]
        return done, zeros, self.goal

    def _determined(self) -> tuple[Any, Any] | None:
        """A fact that alone has a term which no square can have, and the multiplier that this term gives it."""
        for m in {m: None for form in self.facts.values() for m in form if m[0] not in ("dot", "zero")}:
            names = [name for name, form in self.facts.items() if m in form]
            if len(names) == 1 and not any(m in zero for zero in self.zeros):
                return names[0], self.goal.get(m, self.chosen.linear.field.zero) / self.facts[names[0]][m]
        return None

    def _free(self) -> tuple[Any, Any | None]:
        """A fact and a simple function for its multiplier: that of the narrowest range with a function of one term, if any."""
        whole = [
            Identity(
                at_point(_unnumbered(self.goal), p),
                {k: at_point(_unnumbered(f), p) for k, f in self.facts.items()},
                {},
                [at_point(_unnumbered(z), p) for z in (*self.zeros, *self.vanishing)],
            )
            for p in self.points
        ]
        left: list[tuple[float, Any, list[Any], list[Any]]] = []
        for name in self.facts or [0]:
            ranges = [range_of(each, name) for each in whole]
            kept = [(p, r) for p, r in zip(self.small, ranges, strict=True) if r is not None]
            if len(kept) * 2 < len(ranges):
                return name, None
            wide = float(np.median([(high - low) / (1e-9 + abs(low)) for _, (low, high) in kept]))
            left.append((wide, name, [p for p, _ in kept], [r for _, r in kept]))
        left.sort(key=lambda each: each[0])
        # a function of one term is more likely to be right elsewhere
        for each, terms in [*((each, 1) for each in left), (left[0], TERMS)]:
            _, name, points, ranges = each
            c = simple_function(self.factors, points, ranges, self.part, terms)
            if c is not None:
                break
        else:
            return left[0][1], None
        form = self.one.facts[name] if name in self.facts else _unnumbered(self.zeros[0])
        weights = [a - b for a, b in zip(self.units, self.chosen.of_form(form), strict=True)]
        return name, self.chosen.restored(c, weights) if c != 0 else self.chosen.linear.field.zero


def _numbered(one: Identity, chosen: Units) -> list[Form]:
    """The zeros, each with its number, so that what is added of it can be read off in the end."""
    return [zero + {("zero", str(n)): chosen.linear.field.one} for n, zero in enumerate(one.zeros)]


def without_free_zeros(one: Identity, chosen: Units) -> Identity:
    """The identity without zeros that say only how large squares are: multiples of any sign are hard to choose."""
    _, left = _eliminated(_numbered(one, chosen), [one.goal, *one.facts.values()])
    free = {max(int(m[1]) for m in zero if m[0] == "zero") for zero in left}
    return Identity(one.goal, one.facts, {}, [Form() if n in free else zero for n, zero in enumerate(one.zeros)])


def _eliminated(zeros: Sequence[Form], others: Sequence[Form]) -> tuple[list[tuple[Any, Form]], list[Form]]:
    """Pairs of a monomial and a zero in which alone it stands, and the zeros that are left.

    A monomial is a term, the square of a vector that stands nowhere else, or a product of two vectors that vanishes; a sum of
    squares may need others.
    """
    places = [m for form in (*zeros, *others) for m in form if m[0] == "dot"]

    def lone(m: Any, zero: Form) -> bool:
        if m[1] != m[2]:
            return product_of_two(_unnumbered(zero)) is not None
        return all(p == m or m[1] not in p[1:] for p in places)

    done, left = list[tuple[Any, Form]](), list[Form]()
    for zero in zeros:
        for monomial, earlier in done:
            if monomial in zero:
                zero = zero - earlier * (zero[monomial] / earlier[monomial])
        monomials = [m for m in zero if m[0] != "zero" and (m[0] != "dot" or lone(m, zero))]
        if not monomials:
            left += [zero] if _unnumbered(zero) else []
            continue
        monomial = min(monomials, key=lambda m: (m[0] == "dot", not _is_number(zero[m])))
        done = [(m, z - zero * (z[monomial] / zero[monomial]) if monomial in z else z) for m, z in done]
        done.append((monomial, zero))
    return done, left


def product_of_two(form: Form) -> Any | None:
    """The product of two vectors that is all that a form has, or None."""
    m: Any = next(iter(form)) if len(form) == 1 else ("term",)
    return m if m[0] == "dot" and m[1] != m[2] else None


def _is_number(c: Any) -> bool:
    return c.numer.is_ground and c.denom.is_ground


def _unnumbered(form: Form) -> Form:
    return Form({m: c for m, c in form.items() if m[0] != "zero"})


def factors_of(chosen: Units, positive: Sequence[Any]) -> list[Any]:
    """The constants that are not units, and positive linear polynomials in them such as 1 - beta."""
    field = sp.QQ.frac_field(*chosen.names)
    values = [field.gens[chosen.names.index(n)] if n in chosen.names else field.one for n in chosen.linear.generators]
    factors: dict[Any, None] = {}
    for c in positive:
        for factor, _ in c.numer.factor_list()[1]:
            element = composed(factor, values, field)
            if len(element.numer.monoms()) == 2 and max(map(sum, element.numer.monoms())) == 1:
                factors[element if composed(c.numer, values, field) == element else -element] = None
    return [*field.gens, *list(factors)[:MOST_FACTORS]]

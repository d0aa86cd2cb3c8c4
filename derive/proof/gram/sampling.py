"""Rational values of constants at which conditions hold, up to changes of units.

If all relations are homogeneous under a change of the units of x, of f and so on, some constants may be set to 1 and the others
take their place by dimension: with L = 1 the step size eta stands for eta L.
"""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpz_mat
from sympy.polys.fields import FracElement

from sdescent.derive.proof.gram.forms import Form, Monomial
from sdescent.derive.proof.gram.linear_relations import Linear, composed, evaluated

_TRIED = """
1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/7 2/7 3/7 1/8 3/8 5/8 1/10 3/10 7/10 9/10 1/12 1/16 1/20 1/24 1/30 1/40
1 3/2 4/3 5/4 2 5/2 7/3 3 7/2 4 5 6 7 8 10 12
"""
#: the number of tuples to try
MOST_TRIES = 20_000
#: values to try for a constant, simple ones first
VALUES = tuple(fmpq(*map(int, text.split("/"))) for text in _TRIED.split())
#: values far apart, at which a formula shows how it grows
FAR_APART = (
    *map(fmpq, (1, 2, 5, 30)),
    *(fmpq(*v) for v in ((1, 400), (1, 40), (1, 6), (1, 2), (3, 4), (7, 8), (29, 30))),
)


@dataclass(frozen=True)
class Units:
    """Constants set to 1 by a choice of units.

    Args:
        linear: the forms.
        weights: for each unit the powers of it in the constants, and in the monomials of forms.
        ones: the constants that are 1, one for each unit; the weight of each is 1 in its own unit and 0 in the others.
    """

    linear: Linear
    weights: tuple[Mapping[Any, int], ...]
    ones: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The other constants."""
        return tuple(name for name in self.linear.generators if name not in self.ones)

    def restored(self, c: Any, weights: Sequence[int]) -> Any:
        """An element in the other constants as one in all constants, with the given powers of the units.

        Args:
            c: an element of the field of `names`.
            weights: for each unit the power of it that the restored element has.
        """
        field = self.linear.field
        generator = dict(zip(self.linear.generators, field.gens, strict=False))

        def scaled(name: str) -> Any:
            value = generator[name]
            for one, table in zip(self.ones, self.weights, strict=True):
                value = value * generator[one] ** -table.get(name, 0)
            return value

        values = [scaled(name) for name in self.names]
        whole = composed(c.numer, values, field) / composed(c.denom, values, field)
        for one, n in zip(self.ones, weights, strict=True):
            whole = whole * generator[one] ** n
        return whole

    def of_form(self, form: Form) -> tuple[int, ...]:
        """For each unit the power of it in a homogeneous form."""
        monomial, c = next(iter(form.items()))
        exponents = c.numer.monoms()[0], c.denom.monoms()[0]
        above, below = (dict(zip(self.linear.generators, e, strict=False)) for e in exponents)

        def power(table: Mapping[Any, int]) -> int:
            return table.get(monomial, 0) + sum(table.get(n, 0) * (above[n] - below[n]) for n in above)

        return tuple(power(table) for table in self.weights)


def units(linear: Linear, forms: Sequence[Form]) -> Units:
    """The units under which all forms are homogeneous, and constants that they can set to 1."""
    monomials: dict[Monomial, None] = {m: None for form in forms for m in form}
    mixed = [m for m in monomials if m[0] == "dot" and m[1] != m[2]]
    monomials |= {("dot", v, v): None for m in mixed for v in m[1:]}
    keys: list[Any] = [*linear.generators, *monomials]
    place = {key: n for n, key in enumerate(keys)}
    rows: list[list[int]] = []
    for form in forms:
        degrees: list[list[int]] = []
        for m, c in form.items():
            below = c.denom.monoms()[0]
            if len(c.denom.monoms()) > 1:
                return Units(linear, (), ())
            for above in c.numer.monoms():
                row = [0] * len(keys)
                row[place[m]] += 1
                for name, p, q in zip(linear.generators, above, below, strict=False):
                    row[place[name]] += p - q
                degrees.append(row)
        rows += [[a - b for a, b in zip(row, degrees[0], strict=True)] for row in degrees[1:]]
    if not linear.generators or not rows:
        return Units(linear, (), ())
    rows.append([1 if key == ("term", "1") else 0 for key in keys])
    for m in mixed:  # <u, v> has the units of ||u|| ||v||
        row = [0] * len(keys)
        row[place[m]] = 2
        for v in m[1:]:
            row[place["dot", v, v]] = -1
        rows.append(row)
    kernel, rank = fmpz_mat(rows).nullspace()
    basis = [[int(kernel[i, j]) for i in range(len(keys))] for j in range(rank)]
    chosen: list[tuple[str, list[int]]] = []
    for name in linear.generators:  # a constant whose weight divides all weights of a unit is that unit
        for vector in basis:
            lead = vector[place[name]]
            if lead and all(v % lead == 0 for v in vector):
                unit = [v // lead for v in vector]
                basis = [
                    [v - w[place[name]] * u for v, u in zip(w, unit, strict=True)] for w in basis if w is not vector
                ]
                chosen = [(n, [v - w[place[name]] * u for v, u in zip(w, unit, strict=True)]) for n, w in chosen]
                chosen.append((name, unit))
                break
    weights = tuple({key: vector[place[key]] for key in keys if vector[place[key]]} for _, vector in chosen)
    return Units(linear, weights, tuple(name for name, _ in chosen))


def samples(
    chosen: Units, conditions: Sequence[tuple[str, FracElement]], most: int, values: Sequence[Any] = VALUES
) -> Iterator[tuple[Any, ...]]:
    """Points of the constants `chosen.names`, the others being 1, at which all conditions hold.

    Args:
        conditions: pairs (relation to 0, element of the field), such as (">", L - mu).
        most: the number of points.
        values: the values to try for a constant.
    """
    seen, count = set[tuple[Any, ...]](), 0
    for point in itertools.islice(_tries(len(chosen.names), values), MOST_TRIES):
        if point not in seen and holds(chosen, conditions, point):
            count += 1
            yield point
            if count == most:
                return
        seen.add(point)


def _tries(size: int, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Tuples of values: all in order for one constant, and random ones for several, which repeat no value too often."""
    if size < 2:
        yield from itertools.product(values, repeat=size)
        return
    # products of several values must keep small denominators
    simple = [v for v in values if size == 2 or v.p + v.q <= 13 or values is not VALUES]
    rng = random.Random(0)
    while True:
        yield tuple(rng.choice(simple) for _ in range(size))


def holds(chosen: Units, conditions: Sequence[tuple[str, Any]], values: Sequence[Any]) -> bool:
    point = {**dict(zip(chosen.names, values, strict=True)), **dict.fromkeys(chosen.ones, fmpq(1))}
    ordered = [point[name] for name in chosen.linear.generators]
    for op, c in conditions:
        value = evaluated(c, ordered)
        if value is None or not _inside(op, value, _varies(chosen, c)):
            return False
    return True


def _inside(op: str, value: Any, varies: bool) -> bool:
    """Whether a value satisfies a condition, and not on its border, where other formulas may hold."""
    if op == "<=":
        return value > 0 or (value == 0 and not varies)
    return {"<": value > 0, "==": value == 0, "!=": value != 0}[op]


def _varies(chosen: Units, c: Any) -> bool:
    """Whether an element depends on a constant that is not 1."""
    places = [n for n, name in enumerate(chosen.linear.generators) if name in chosen.names]
    return any(e[n] for e in c.numer.monoms() for n in places)

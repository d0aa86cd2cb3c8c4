"""Open cells of polynomials: a rational point in each open set on which none of the polynomials changes its sign.

A projection by leading coefficients, discriminants and resultants suffices for open cells (Strzebonski, Solving systems of strict
polynomial inequalities, J. Symb. Comput. 29 (2000)). Everything is exact.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint
from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpq_poly, fmpz_poly

from sdescent.derive.proof.search.intervals.extrema import simplest_between
from sdescent.derive.proof.search.ring import rational as fmpq_of

#: limits of a projection: the number of polynomials, the terms of a polynomial, its degree
MOST_POLYNOMIALS, MOST_TERMS, HIGHEST = 40, 150, 16

MOST_GENERATORS = 48
#: bits for the isolation of roots
PRECISIONS = (64, 256, 2048)
RING = fmpq_mpoly_ctx.get(tuple(f"g{n}" for n in range(MOST_GENERATORS)), Ordering.lex)
GENERATORS = RING.gens()
#: a polynomial of RING (flint fmpq_mpoly, which has no hash)
Poly = Any
#: monomials and coefficients of a polynomial, as a key
Frozen = tuple[Any, ...]


def frozen(p: Poly) -> Frozen:
    """The polynomial as a key."""
    return tuple(p.to_dict().items())


def thawed(key: Frozen) -> Poly:
    """The polynomial of a key."""
    return RING.from_dict(dict(key))


class TooMany(Exception):
    """There would be too many cells."""


def open_cells(
    signs: Mapping[Frozen, int], order: Sequence[int], budget: list[int], share: fmpq | None = None
) -> Iterator[dict[int, fmpq]]:
    """One point of each open cell on which every irreducible polynomial has its sign, -1 or 1; none if no open set has these signs.

    `order` has the numbers of all generators, in the order of projection. `budget` holds the number of polynomials and
    points that may still be examined, and is decreased. `share` is the position of a point in its interval, from 0 to
    1; None for the simplest number. Raises TooMany if a projection or the number of cells is too large.
    """
    levels: list[list[tuple[Poly, int | None]]] = []
    rest = {key: thawed(key) for key in signs}
    for v in order:
        levels.append([(p, signs.get(key)) for key, p in rest.items() if p.degrees()[v]])
        here = [p for p, _ in levels[-1]]
        rest = {key: p for key, p in rest.items() if not p.degrees()[v]}
        for p in here:
            rest |= _factors(_leading(p, v))
            if p.degrees()[v] > 1:
                rest |= _factors(p.discriminant(f"g{v}"))
        for p, q in itertools.combinations(here, 2):
            rest |= _factors(p.resultant(q, f"g{v}"))
        budget[0] -= len(rest)
        large = any(len(p) > MOST_TERMS or p.total_degree() > HIGHEST for p in rest.values())
        if large or budget[0] < 0 or len(rest) > MOST_POLYNOMIALS:
            raise TooMany
    assert not rest  # the order names every generator

    def lifted(n: int, at: dict[int, fmpq]) -> Iterator[dict[int, fmpq]]:
        if n < 0:
            yield at
            return
        names = {f"g{v}": value for v, value in at.items()}
        lines = [(p.subs(names) if names else p, s) for p, s in levels[n]]
        for value in between([univariate(line, order[n]) for line, _ in lines], share):
            budget[0] -= 1
            if budget[0] < 0:
                raise TooMany
            if all(s is None or s * number(line.subs({f"g{order[n]}": value})) > 0 for line, s in lines):
                yield from lifted(n - 1, {**at, order[n]: value})

    yield from lifted(len(order) - 1, {})


def number(p: Any) -> fmpq:
    """A constant polynomial as a number."""
    return p.leading_coefficient() if p else fmpq(0)


def univariate(p: Any, v: int) -> list[fmpq]:
    """The coefficients of a polynomial in one generator, constant term first."""
    coefficients = [fmpq(0)] * (int(p.degrees()[v]) + 1)
    for m, c in p.to_dict().items():
        coefficients[int(m[v])] = c
    return coefficients


def between(polynomials: Sequence[Sequence[fmpq]], share: fmpq | None) -> list[fmpq]:
    """A rational number in each open interval between neighbouring real roots of the polynomials, and beyond them."""
    factors = {tuple(p.coeffs()): p for c in polynomials if any(c) for p, _ in fmpq_poly(c).numer().factor()[1]}
    real = _real_roots(factors.values())
    if not real:
        return [fmpq(0) if share is None else 10 * share - 5]
    width = max(abs(real[0][0]), abs(real[-1][1]), fmpq(1))
    inner = [(a[1], b[0]) for a, b in itertools.pairwise(real)]
    ends = [(real[0][0] - width - 1, real[0][0]), *inner, (real[-1][1], real[-1][1] + width + 1)]
    return [_simple(a, b) if share is None else a + share * (b - a) for a, b in ends]


def _real_roots(irreducible: Collection[fmpz_poly]) -> list[tuple[fmpq, fmpq]]:
    """Disjoint intervals around the real roots of distinct irreducible polynomials, in ascending order."""
    for bits in PRECISIONS:
        with flint.ctx.workprec(bits):
            isolated: list[Any] = [p.complex_roots() for p in irreducible]
            roots = [r for several in isolated for r, _ in several]
            real = sorted((r.real.lower().fmpq(), r.real.upper().fmpq()) for r in roots if r.imag == 0)
        if all(a[1] < b[0] for a, b in itertools.pairwise(real)):
            return real
    raise TooMany


def _simple(a: fmpq, b: fmpq) -> fmpq:
    """A fraction with a small denominator in the open interval (a, b)."""
    margin = (b - a) / 2**64
    inner = (a + margin, b - margin)
    return fmpq_of(simplest_between(*(Fraction(int(v.p), int(v.q)) for v in inner)))


def _leading(p: Any, v: int) -> Any:
    degree, terms = int(p.degrees()[v]), p.to_dict().items()
    lead = {(*m[:v], 0, *m[v + 1 :]): c for m, c in terms if int(m[v]) == degree}
    return p.context().from_dict(lead)


def _factors(p: Poly) -> dict[Frozen, Poly]:
    """The nonconstant irreducible factors. Raises TooMany if the polynomial is too long or, as a resultant, 0."""
    if len(p) > 4 * MOST_TERMS or not p:
        raise TooMany
    return {frozen(f): f for f, _ in p.factor()[1]} if not p.is_constant() else {}

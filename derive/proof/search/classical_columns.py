"""Columns from classical proofs: Bernstein's basis over a box, and the inequality of the means.

Like all columns they are untrusted: a linear program decides whether a claim is a sum of them.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq, fmpz

from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.search.linear import Base, Column, Maker
from sdescent.derive.proof.search.ring import Factor, Mono, Piece, Poly, cone_product, degree_of, quotient, terms_of


def box(maker: Maker, target: Poly, factors: Sequence[Factor], cap: int) -> list[Column]:
    """Products over all variables v of (v - low)^k (high - v)^(n - k), n being the degree of v; of v^k if v has no upper bound.

    A polynomial linear in each variable and nonnegative at the corners is a sum of these. At most `cap` columns, or
    none.
    """
    ring = maker.ring
    bounds: dict[int, dict[int, tuple[Any, Factor]]] = {}
    for f in factors:
        held = [v for v in range(ring.size) if f.poly and f.poly.degrees()[v]]
        if degree_of(f.poly) != 1 or len(held) != 1:
            continue
        data = terms_of(f.poly)
        slope = data[tuple(int(u == held[0]) for u in range(ring.size))]
        side, bound = (1 if slope > 0 else -1), -data.get(ring.one, fmpq(0)) / slope
        sides = bounds.setdefault(held[0], {})
        if side not in sides or (bound - sides[side][0]) * side > 0:
            sides[side] = bound, f
    degrees = {v: int(n) for v, n in enumerate(target.degrees()) if n}
    boxed = [v for v in degrees if len(bounds.get(v, {})) == 2]
    if not boxed or any(v not in bounds for v in degrees) or math.prod(n + 1 for n in degrees.values()) > cap:
        return []
    choices: list[list[tuple[Factor, ...]]] = []
    for v, n in degrees.items():
        near = [f for _, (_, f) in sorted(bounds[v].items(), reverse=True)]
        split = [(near[0],) * k + (near[-1],) * (n - k) for k in range(n + 1)]
        choices.append(split if v in boxed else [(near[0],) * k for k in range(n + 1)])
    bases = [maker.base([f for part in parts for f in part]) for parts in itertools.product(*choices)]
    return [Column(base, 0, base.terms, base.strict, 1.0 + base.degree) for base in bases]


def weighted_means(maker: Maker, target: Poly, _: Sequence[Factor], cap: int) -> list[Column]:
    """Columns m (p x^n + q y^n - n x^p y^q), n = p + q, m a monomial, x and y positive: weighted means of two numbers.

    A monomial m x^p y^q of the target with a negative coefficient leads to m x^n and m y^n, which have one variable fewer and lead
    on to further monomials. In this way the weighted means of any number of variables are compared.
    """
    positive = {v for v, (sign, _) in maker.signs.items() if sign > 0}
    data = terms_of(target)
    todo = [(m, True) for m, c in data.items() if c < 0]
    scales = _scales(data, todo[0][0]) if todo else []
    reached, columns, bases = {m for m, _ in todo}, list[Column](), dict[tuple[int, int, int, int], Base]()
    if maker.high:  # a rule v^2 = value would lower the powers
        return []
    while todo and len(columns) < cap:
        m, of_target = todo.pop()
        held = [v for v, e in enumerate(m) if e]
        if not set(held) <= positive or sum(m) > 127:
            continue
        for u, v in itertools.combinations(held if of_target else held[:2], 2):
            key = u, v, m[u], m[v]
            if key not in bases:
                bases[key] = maker.base((_two_means(maker, scales, *key),))
            rest = tuple(0 if w in (u, v) else e for w, e in enumerate(m))
            packed = int.from_bytes(bytes(rest), "little")
            terms = maker.times(bases[key].poly, bases[key].terms, packed, 1)
            columns.append(Column(bases[key], packed, terms, False, sum(m)))
            for w in (u, v):
                end = tuple(m[u] + m[v] if k == w else e for k, e in enumerate(rest))
                todo += [(end, False)] if end not in reached else []
                reached.add(end)
    return columns


def _scales(data: Mapping[Mono, Any], m: Mono) -> list[Any]:
    """Numbers s_v that make the means of the s_v v equal if the coefficients of v^n are proportional to m's exponents, or 1."""
    n, scales, first = sum(m), [fmpq(1)] * len(m), None
    for v, e in enumerate(m):
        c = data.get(tuple(n * (u == v) for u in range(len(m)))) if e else None
        if c is None or c < 0:
            continue
        first = first or c / e
        ratio = c / e / first
        root = fmpq(*(fmpz(part).root(n) for part in (ratio.p, ratio.q)))
        scales[v] = root if root**n == ratio else fmpq(1)
    return scales


def _two_means(maker: Maker, scales: Sequence[Any], u: int, v: int, p: int, q: int) -> Factor:
    """The factor p x^n + q y^n - n x^p y^q, n = p + q: (x - y)^2 times a sum of positive monomials, with x and y scaled u and v."""
    ring = maker.ring
    x, y, n = ring.gens[u] * scales[u], ring.gens[v] * scales[v], p + q
    spend(n)
    poly = x**n * p + y**n * q - x**p * y**q * n
    inner, _ = quotient(poly, (x - y) ** 2)
    cone = ring.termwise(terms_of(inner), maker.signs)
    assert cone is not None  # x and y are positive
    square: tuple[Piece, ...] = ((fmpq(1), (), (x - y,)),)
    return Factor(poly, cone_product(square, cone[0]), False)


def swaps(maker: Maker, target: Poly) -> list[Base]:
    """The bases (x - y)^2 for every two variables of the target; their multiples must share a monomial with a multiple of x y.

    They compare a monomial with those that majorise it, as in Hurwitz's proof of the inequality of the means, and
    Muirhead's.
    """
    held = [v for v in range(maker.ring.size) if target.degrees()[v]]
    pairs = itertools.combinations(held, 2) if len(held) > 2 else ()
    gens = maker.ring.gens
    return [maker.base((), (gens[u] - gens[v],), (1 << 8 * u | 1 << 8 * v,)) for u, v in pairs]

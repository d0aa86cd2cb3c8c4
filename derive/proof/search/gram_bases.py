"""The monomials in a certificate's squares: the bases of Gram matrices.

Untrusted. Degrees bound the monomials. A monomial v is dropped if b v^2 has a monomial that nothing else can cancel (the Newton
polytope, and more). Sign changes of variables that leave the problem invariant split a basis into parts.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.search.linear import Base, Maker, System

MAX_BASIS = 60


def bases_of_squares(maker: Maker, bases: Sequence[Base], system: System) -> list[list[list[int]]]:
    """The parts of the basis, packed, for each base b; b v^2 stays within the degrees of the multiples of the target."""
    ring, mults, columns, equations = maker.ring, system.mults, system.sums, system.equations
    support = sorted({m for c in (*mults, *equations) for m in c.terms} | {m for b in bases for m in b.terms})
    # the value of v^2 by a rule may occur in products of v
    ruled = [v for v in range(ring.size) if maker.high >> 8 * v & 255]
    values = [m for v in ruled for m in ring.packed(maker.reduce(ring.gens[v] ** 2))]
    exponents = [ring.unpacked(m) for m in (*support, *values)]
    box = [max(e[v] for e in exponents) for v in range(ring.size)]
    top = max((maker.degree(m) for c in mults for m in c.terms), default=0)
    top = max([top, *map(maker.degree, values)])
    top += top % 2
    candidates = [_within(maker, base, box, top, support) for base in bases]
    fixed_plus: Counter[int] = Counter()
    fixed_minus: Counter[int] = Counter()
    for sign, part, free in ((-1, mults, len(mults) > 1), (1, columns, False), (0, equations, True)):
        for column in part:
            for m, c in column.terms.items():
                fixed_plus[m] += free or c * sign > 0
                fixed_minus[m] += free or c * sign < 0
    # rules mix monomials, so that degrees are then the only bounds
    while not maker.high:
        plus, minus = fixed_plus.copy(), fixed_minus.copy()
        for base, basis in zip(bases, candidates, strict=True):
            signs = [(n, c > 0) for n, c in base.terms.items()]
            spend(len(basis) ** 2 * len(signs) // 4)
            for i, v in enumerate(basis):
                for n, positive in signs:
                    (plus if positive else minus)[n + 2 * v] += 1
                for w in basis[:i]:
                    for n, _ in signs:
                        plus[n + v + w] += 1
                        minus[n + v + w] += 1
        before = sum(map(len, candidates))
        candidates = [
            [v for v in basis if all((minus if c > 0 else plus)[n + 2 * v] for n, c in base.terms.items())]
            for base, basis in zip(bases, candidates, strict=True)
        ]
        if sum(map(len, candidates)) == before:
            break
    odd = _parities(maker, [m for c in columns for m in c.terms] + support)
    return [_parts(odd, basis) for basis in candidates]


def _parities(maker: Maker, monomials: Sequence[int]) -> list[int]:
    """An echelon basis over GF(2) of the parities of the monomials' exponents."""
    mask = sum(1 << 8 * v for v in range(maker.ring.size))
    echelon: list[int] = []
    for m in monomials:
        rest = _rest(echelon, m & mask)
        if rest:
            echelon.append(rest)
    return echelon


def _rest(echelon: Sequence[int], parity: int) -> int:
    for row in echelon:
        parity = min(parity, parity ^ row)
    return parity


def _parts(echelon: Sequence[int], basis: Sequence[int]) -> list[list[int]]:
    """The basis split into parts: v and w share a part if v w is a product of monomials of the problem times a square."""
    mask = int.from_bytes(b"\x01" * 400, "little")
    parts: dict[int, list[int]] = {}
    for v in basis:
        parts.setdefault(_rest(echelon, v & mask), []).append(v)
    return list(parts.values())


def _within(maker: Maker, base: Base, box: Sequence[int], top: int, support: Sequence[int]) -> list[int]:
    ring = maker.ring
    degrees = [max(ring.unpacked(n)[v] for n in base.terms) for v in range(ring.size)]
    limits = [max(b - o, 0) // 2 for b, o in zip(box, degrees, strict=True)]
    # a rule v^2 = value reduces the power of v to 1
    limits = [max(e, 1) if maker.high >> 8 * v & 255 else e for v, e in enumerate(limits)]
    most = (top - base.degree) // 2
    if most < 0:
        return []
    active = [v for v in range(ring.size) if limits[v]]
    if math.comb(len(active) + most, most) > 4 * MAX_BASIS:
        return _halves(maker, base, limits, most, support)
    monomials: list[int] = []
    for d in range(most + 1):
        for group in itertools.combinations_with_replacement(active, d):
            exponents = [0] * ring.size
            for v in group:
                exponents[v] += 1
            if all(e <= limit for e, limit in zip(exponents, limits, strict=True)):
                monomials.append(int.from_bytes(bytes(exponents), "little"))
    return monomials


def _halves(maker: Maker, base: Base, limits: Sequence[int], most: int, support: Sequence[int]) -> list[int]:
    """The v with n v w in the support for some w near v (balanced splits of monomials), used if there are too many candidates."""
    ring, counts = maker.ring, Counter[int]()
    for s in support:
        for n in base.terms:
            m = (s | ring.guard) - n
            if m & ring.guard != ring.guard:
                continue
            e = ring.unpacked(m ^ ring.guard)
            choices: list[Any] = [sorted({k // 2, (k + 1) // 2}) for k in e]
            for half in itertools.islice(itertools.product(*choices), 64):
                if sum(half) <= most and all(h <= limit for h, limit in zip(half, limits, strict=True)):
                    counts[int.from_bytes(bytes(half), "little")] += 1
    return sorted(v for v, _ in counts.most_common(MAX_BASIS))

"""The ring over QQ in the atoms of a problem, and simplified premises in it.

Untrusted. A nonnegative polynomial (`Factor`) has a cone: a sum of c * prod slack(premise) * prod square^2 that equals it modulo
the equality premises. Expanding the cones turns a certificate in simplified premises into one in the original premises.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Term

#: c * prod slack(premise i) * prod square^2 with c > 0; the data of a certify step
Member = tuple[Fraction, tuple[int, ...], tuple[Term, ...]]
#: a polynomial of python-flint, which ships no types
Poly = Any
#: exponents of the ring's atoms
Mono = tuple[int, ...]
#: a Member with its squares in the ring
Piece = tuple[Any, tuple[int, ...], tuple[Poly, ...]]

MAX_PIECES = 400
#: products of monomials in one product or power of polynomials; flint, which cannot be interrupted, takes 1/10 s for them
MAX_PRODUCTS = 2_000_000
#: the largest number of monomials of a power times the bits of its coefficients
MAX_BITS = 50_000_000


class GiveUp(Exception):
    """The search fails because it becomes too large or has no exact solution."""


@dataclass(frozen=True)
class CertifyStep:
    """Data of a certify step, with premises by number: mult * (r - l) - sum - sum of term_k * (r_k - l_k) has normal form 0."""

    mult: tuple[Member, ...]
    sum: tuple[Member, ...]
    equalities: tuple[tuple[int, Term], ...]


@dataclass(frozen=True)
class Factor:
    """The polynomial `poly` >= 0 (> 0 if strict), equal to its cone modulo the equalities."""

    poly: Poly
    cone: tuple[Piece, ...]
    strict: bool


#: maps a variable v to (s, factor s * v >= 0)
Signs = dict[int, tuple[int, Factor]]


@dataclass(frozen=True)
class ZeroPolynomial:
    """The equation poly == 0, where poly equals the sum of rep[k] * slack(premise k) modulo earlier rules."""

    poly: Poly
    rep: dict[int, Poly]


@dataclass(frozen=True)
class Rule:
    """An equation solved for the variable v: v^n = value or, if `inverse`, v * value = 1."""

    v: int
    n: int
    value: Poly
    equation: ZeroPolynomial
    inverse: bool = False


@dataclass
class Core:
    """The simplified problem: target >= 0 from factors and equations, where target = weight * (r - l) modulo the rules.

    `after` holds a factor of the sum for each cleared inverse of unknown sign: Q^k p = S gives p = v^k S.
    """

    target: Poly
    factors: list[Factor]
    equations: list[ZeroPolynomial]
    hints: list[Poly]
    weight: tuple[Piece, ...]
    after: list[tuple[Piece, Piece]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


class Ring:
    """Polynomials over QQ in the atoms of a problem."""

    def __init__(self, normal: Normal, terms: Iterable[Term]) -> None:
        self.normal = normal
        forms = [normal.polynomial(t) for t in terms]
        self.atoms = sorted({a for form in forms for monomial in form for a, _ in monomial})
        self.place = {a: i for i, a in enumerate(self.atoms)}
        names = tuple(f"x{a}" for a in self.atoms) or ("x",)
        self.size = len(names)
        self.ctx = fmpq_mpoly_ctx.get(names, Ordering.lex)
        self.gens = self.ctx.gens()
        self.one: Mono = (0,) * self.size
        #: the top bit of each byte of a packed monomial; exponents stay below it
        self.guard = sum(128 << 8 * i for i in range(self.size))

    def poly(self, t: Term) -> Poly:
        """The term as a polynomial of the ring."""
        data: dict[Mono, Any] = {}
        for monomial, c in self.normal.polynomial(t).items():
            exponents = [0] * self.size
            for a, n in monomial:
                exponents[self.place[a]] = n
            data[tuple(exponents)] = rational(c)
        return self.ctx.from_dict(data)

    def term(self, poly: Poly) -> Term:
        """The polynomial of the ring as a term."""
        data = terms_of(poly)
        form = {tuple((self.atoms[i], e) for i, e in enumerate(m) if e): fraction(c) for m, c in data.items()}
        return self.normal.term(form)

    def monomial(self, exponents: Mono) -> Poly:
        """A monomial of the ring from its exponents."""
        return self.ctx.from_dict({exponents: fmpq(1)})

    def number(self, value: Any) -> Poly:
        """A constant of the ring."""
        return self.ctx.constant(value)

    def packed(self, poly: Poly) -> dict[int, Any]:
        """The coefficients by monomial, packed into an integer with one byte per exponent. Raises GiveUp for exponents
        above 127.
        """
        spend(len(poly))
        data = terms_of(poly)
        if any(max(m) > 127 for m in data):
            raise GiveUp
        return {int.from_bytes(bytes(m), "little"): c for m, c in data.items()}

    def unpacked(self, m: int) -> Mono:
        """The exponents of a packed monomial."""
        return tuple(m.to_bytes(self.size, "little"))

    def put(self, poly: Poly, v: int, value: Poly) -> Poly:
        """The polynomial with a value substituted for the variable v."""
        if not degree_in(poly, v):
            return poly
        return poly.compose(*[value if u == v else g for u, g in enumerate(self.gens)], ctx=self.ctx)

    def by_power(self, poly: Poly, v: int) -> dict[int, Poly]:
        """The coefficients of the polynomial by powers of the variable v."""
        parts: dict[int, dict[Mono, Any]] = {}
        for m, c in terms_of(poly).items():
            parts.setdefault(m[v], {})[(*m[:v], 0, *m[v + 1 :])] = c
        return {e: self.ctx.from_dict(part) for e, part in parts.items()}

    def head(self, v: int) -> str:
        """The head of the variable's atom: f for sqrt(t), abs(t), .., inv for inv(Q), and so on; "" if there are no atoms."""
        return self.normal.key_of(self.atoms[v])[0] if self.atoms else ""

    def signs(self, factors: Sequence[Factor]) -> Signs:
        """Variables of known sign, v -> (s, factor s * v >= 0), also from c v - (nonnegative terms) >= 0: L >= 1 gives
        that of L.
        """
        table: Signs = {}
        for _ in range(3):
            before = dict(table)
            for factor in factors:
                data = terms_of(factor.poly)
                for m, c in data.items():
                    if sum(m) == 1:
                        self._sign_of(factor, data, m, c, table)
            if before == table:
                break
        return table

    def _sign_of(self, factor: Factor, data: dict[Mono, Any], m: Mono, c: Any, table: Signs) -> None:
        v, sign = m.index(1), 1 if c > 0 else -1
        if v in table and (table[v][1].strict or (len(data) > 1 and not factor.strict)):
            return
        rest = {n: -d for n, d in data.items() if n != m}
        others = None if any(n[v] for n in rest) else self.termwise(rest, table)
        if others is None:
            return
        cone, strict = [*factor.cone, *others[0]], factor.strict or others[1]
        if len(cone) > 6 or (v in table and not strict):
            return
        table[v] = sign, Factor(self.gens[v] * sign, scaled_cone(cone, 1 / abs(c)), strict)

    def termwise(self, data: Mapping[Mono, Any], signs_of: Signs) -> tuple[tuple[Piece, ...], bool] | None:
        """The cone of a polynomial and whether one of its terms is positive; None unless signs make all terms nonnegative."""
        cone, strict = list[Piece](), False
        for m, c in data.items():
            part = self.monomial_factor(m, signs_of)
            if part is None or c * part[0] < 0:
                return None
            cone += scaled_cone(part[1].cone, abs(c))
            strict = strict or part[1].strict
        return tuple(cone), strict

    def monomial_factor(self, m: Mono, signs_of: Signs) -> tuple[int, Factor] | None:
        """The sign s of a monomial and the factor s * m >= 0, or None if the sign is unknown or the cone too large."""
        sign, cones, strict = 1, [], True
        root = [0] * self.size
        for v, e in enumerate(m):
            if not e:
                continue
            of_v, factor = signs_of.get(v, (1, None))
            if factor is not None and factor.strict:
                cones += [factor.cone] * e
            elif e % 2 and factor is None:
                return None
            else:
                root[v], strict = e // 2, False
                cones += [factor.cone] * (e % 2) if factor is not None else []
            sign *= of_v ** (e % 2)
        if any(root):
            cones.append(((fmpq(1), (), (self.monomial(tuple(root)),)),))
        try:
            cone = cone_product(*cones)
        except GiveUp:
            return None
        return sign, Factor(self.monomial(m) * sign, cone, strict)

    def sign_cone(self, poly: Poly, factors: Sequence[Factor]) -> tuple[int, Factor] | None:
        """The sign s and factor s * poly >= 0, strict if possible, by a premise times a number or term by term, or None."""
        signs_of = self.signs(factors)
        best: tuple[int, Factor] | None = None
        lead = poly.leading_coefficient()
        for factor in factors:
            ratio = lead / factor.poly.leading_coefficient() if factor.poly else None
            if ratio is not None and len(factor.poly) == len(poly) and factor.poly * ratio == poly:
                sign = 1 if ratio > 0 else -1
                candidate = sign, Factor(poly * sign, scaled_cone(factor.cone, abs(ratio)), factor.strict)
                if factor.strict:
                    return candidate
                best = best or candidate
        for sign in (1, -1):
            cone = self.termwise(terms_of(poly * sign), signs_of)
            if cone is not None:
                candidate = sign, Factor(poly * sign, *cone)
                if candidate[1].strict:
                    return candidate
                best = best or candidate
        return best


def product(p: Poly, q: Poly) -> Poly:
    """The product p q. Raises GiveUp if the product is too large."""
    size = len(p) * len(q)
    if size > MAX_PRODUCTS:
        raise GiveUp
    spend(size // 16)
    return p * q


def power(p: Poly, n: int) -> Poly:
    """The power p^n. Raises GiveUp: the power may be too large."""
    if n < 2 or not p:
        return p**n
    # bounds on the number of monomials of p^n: from the n-th power of a sum of len(p) symbols, and from the degrees of p
    size = min(math.comb(len(p) + n - 1, n), math.prod(n * int(d) + 1 for d in p.degrees()))
    bits = n * max(int(c.p).bit_length() + int(c.q).bit_length() for c in p.coeffs())
    if size * len(p) > MAX_PRODUCTS or size * bits > MAX_BITS:
        raise GiveUp
    spend(size * len(p) // 16)
    return p**n


def quotient(p: Poly, q: Poly) -> tuple[Poly, Poly]:
    """The quotient and remainder of p divided by q, by leading monomials. Raises GiveUp: they may be too large."""
    if p and len(q) > 2:
        lead = max(sum(map(int, q.monoms()[0])), 1)
        steps, degree = degree_of(p) // lead, degree_of(p)
        # each step replaces the leading monomial by the other monomials of q
        degree += steps * max(degree_of(q) - lead, 0)
        variables = sum(any(map(int, pair)) for pair in zip(p.degrees(), q.degrees(), strict=True))
        most = min(len(p) * math.comb(len(q) + steps - 1, steps), math.comb(degree + variables, variables))
        if most * len(q) > 10 * MAX_PRODUCTS:
            raise GiveUp
    spend(len(p) * len(q) // 16)
    return divmod(p, q)


def terms_of(poly: Poly) -> dict[Mono, Any]:
    """The coefficients by exponents, which are Python integers."""
    spend(len(poly))
    return {tuple(map(int, m)): c for m, c in poly.to_dict().items()}


def degree_in(poly: Poly, v: int) -> int:
    """The degree in the variable v; 0 for the zero polynomial."""
    return int(poly.degrees()[v]) if poly else 0


def degree_of(poly: Poly) -> int:
    """The total degree; 0 for the zero polynomial."""
    return int(poly.total_degree()) if poly else 0


def fraction(c: Any) -> Fraction:
    """The fmpq as a Fraction."""
    return Fraction(int(c.p), int(c.q))


def rational(c: Fraction) -> Any:
    """The Fraction as an fmpq."""
    return fmpq(c.numerator, c.denominator)


def cone_product(*cones: Sequence[Piece]) -> tuple[Piece, ...]:
    """The product of sums of pieces, with like pieces merged. Raises GiveUp if there are too many pieces."""
    result: list[Piece] = [(fmpq(1), (), ())]
    for cone in cones:
        if len(result) * len(cone) > 40 * MAX_PIECES:
            raise GiveUp
        spend(4 * len(result) * len(cone))
        result = merged((c * d, tuple(sorted(i + j)), s + t) for c, i, s in result for d, j, t in cone)
        if len(result) > MAX_PIECES:
            raise GiveUp
    return tuple(result)


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Add up the pieces with the same premises and squares, and absorb constant squares into the coefficients."""
    total: dict[Any, Piece] = {}
    for c, indices, squares in pieces:
        variable_squares: list[Poly] = []
        for square in squares:
            if square.is_constant():
                c = c * square.leading_coefficient() ** 2 if square else fmpq(0)
            else:
                variable_squares.append(square)
        if c:
            key = (indices, tuple(sorted(str(s) for s in variable_squares)))
            c0 = total[key][0] if key in total else fmpq(0)
            total[key] = (c0 + c, indices, tuple(variable_squares))
    return list(total.values())


def scaled_cone(cone: Sequence[Piece], c: Any) -> tuple[Piece, ...]:
    """The cone multiplied by a positive constant."""
    return tuple((c * d, indices, squares) for d, indices, squares in cone)

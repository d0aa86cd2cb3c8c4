"""Expressions as quotients of polynomials over QQ in letters and atoms, given the signs of the arguments of their kinks.

Atoms are roots r^q = f, exponentials of monomials, logarithms of irreducible factors, sines with s^2 = 1 - c^2, and
other functions, of which erf, atan and asin are odd and cos is even. A numerator that reduces to 0 is 0, but not
conversely.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, final

import sympy as sp
from flint import fmpq, fmpz

from sdescent.derive.proof.piecewise.balls import AT_ZERO, of_cases
from sdescent.derive.proof.piecewise.cells import GENERATORS, MOST_GENERATORS, RING, Frozen, Poly, frozen

ONE = RING.constant(1)
#: a numerator and a denominator
Quotient = tuple[Poly, Poly]
MOST_TERMS, MOST_DENOMINATOR, HIGHEST = 1500, 840, 500
_ODD, _HYPERBOLIC = (sp.erf, sp.atan, sp.asin), (sp.sinh, sp.cosh, sp.tanh)
#: functions with the sign of their argument
_SAME_SIGN = ("erf", "atan", "asin")


class TooLarge(Exception):
    """There would be too many atoms, terms or digits."""


class Inverse(sp.Function):
    """The inverse 1/u, which SymPy does not cancel, so that it has no value at u = 0."""


class Outside(Exception):
    """There is no real value under these signs."""


@final
class Open(Exception):
    """The sign of an irreducible polynomial is needed; if `strict`, also whether the polynomial is 0."""

    def __init__(self, factor: Poly, strict: bool) -> None:
        self.factor, self.strict = factor, strict


@final
@dataclass(frozen=True)
class Sign:
    """The relation value * polynomial > 0, or >= 0 if not `strict`; for the value 0, polynomial = 0."""

    value: int
    strict: bool


@final
@dataclass(frozen=True)
class Atom:
    """A generator: a letter or a function of earlier generators."""

    kind: str  # "letter", "root", "exp", "log", "sin" or the name of another function
    expr: sp.Expr  # the atom as an expression
    of: Any = None  # its argument; for a root or a sine, the value of its `power`
    power: int = 0


class Quotients:
    """Quotients for some expressions; generators keep their numbers when the signs change."""

    def __init__(self, expressions: list[sp.Expr]) -> None:
        rationals = {r for e in expressions if e.has(sp.exp, *_HYPERBOLIC, sp.Pow) for r in e.atoms(sp.Rational)}
        roots = {p.exp.q for e in expressions for p in e.atoms(sp.Pow) if p.exp.is_Rational}
        self.power = math.lcm(1, *(int(q) for q in roots))
        self.unit = math.lcm(1, *(int(r.q) for r in rationals))
        if self.unit > MOST_DENOMINATOR:
            self.unit = 1
        self.atoms: list[Atom] = []
        self._place: dict[Any, int] = {}
        #: the signs of irreducible polynomials
        self.signs: dict[Frozen, Sign] = {}
        self.strict = False
        self._read: dict[sp.Basic, Quotient] = {}

    def under(self, signs: Mapping[Frozen, Sign]) -> None:
        """Replace the signs; if one of them is 0, every sign must then be strict."""
        self.signs, self._read = dict(signs), {}
        self.strict = any(not s.value for s in signs.values())

    def generator(self, key: Any, atom: Callable[[], Atom]) -> Poly:
        """The generator of an atom."""
        if key not in self._place:
            if len(self.atoms) == MOST_GENERATORS:
                raise TooLarge("there are more functions than can be compared")
            self._place[key] = len(self.atoms)
            self.atoms.append(atom())
        return GENERATORS[self._place[key]]

    # signs

    def sign(self, p: Poly, strict: bool = False) -> int:
        """The sign of a polynomial; if not `strict`, 1 means >= 0 and -1 means <= 0. Raises Open if it is not determined."""
        p, strict = self.reduced(p), strict or self.strict
        if not p:
            return 0
        content, factors = p.factor()
        sign = 1 if content > 0 else -1
        for f, n in factors:
            s = self._sign(f, strict)
            sign *= s if n % 2 else s * s
        return sign

    def _sign(self, f: Poly, strict: bool) -> int:
        for signed, s in ((f, 1), (-f, -1)):
            sign = self.signs.get(frozen(signed))
            if sign is not None:
                if strict and not sign.strict:
                    raise Open(signed, True)
                return s * sign.value
        definite = self._definite(f, strict)
        if definite is not None:
            return definite
        held = [n for n, e in enumerate(f.degrees()) if e]
        atom = self.atoms[held[-1]]
        if len(f) == 1 and atom.kind in _SAME_SIGN:
            return self.sign(atom.of[0] * atom.of[1], strict)
        if atom.kind == "exp" and f in (GENERATORS[held[-1]] - 1, 1 - GENERATORS[held[-1]]):  # exp(u) > 1 for u > 0
            return int(f.leading_coefficient()) * self.sign(atom.of[0] * atom.of[1], strict)
        if len(f) == 1 and atom.kind in ("log", "root"):
            return self.sign(atom.of - (atom.kind == "log"), strict)
        for n in reversed(held):
            if self.atoms[n].kind == "root" and self.atoms[n].power == 2:  # a + b r, r >= 0
                b = f.derivative(n)
                a = f - b * GENERATORS[n]
                one, two = self.sign(a, strict), self.sign(b, strict)
                return one if one == two else one * self.sign(a * a - b * b * self.atoms[n].of, strict)
        raise Open(f, strict)

    def _definite(self, f: Poly, strict: bool) -> int | None:
        """The common sign of all terms, from the signs of the letters and atoms in them; None if there is none."""
        if len({c > 0 for c in f.coeffs()}) > 1:
            return None
        sure = False
        for m in f.monoms():
            kinds = [self._positive(n) for n, e in enumerate(m) if int(e) % 2]
            if None in kinds:
                return None
            sure |= all(kinds) and all(self._positive(n) for n, e in enumerate(m) if int(e) and not int(e) % 2)
        return (1 if f.leading_coefficient() > 0 else -1) if sure or not strict else None

    def _positive(self, n: int) -> bool | None:
        """True for a positive generator, False for a nonnegative one, None for any other."""
        atom = self.atoms[n]
        if atom.kind == "exp":
            return True
        if atom.kind == "root":
            return bool(atom.of.is_constant())
        sign = self.signs.get(frozen(GENERATORS[n]))
        if sign is not None and sign.value > 0:
            return sign.strict
        return bool(atom.expr.is_positive) if atom.kind == "letter" and atom.expr.is_nonnegative else None

    # arithmetic

    def reduced(self, p: Poly) -> Poly:
        """The polynomial with known powers of roots and squares of sines replaced by their values."""
        for n in range(len(self.atoms) - 1, -1, -1):
            atom = self.atoms[n]
            if not atom.power or p.degrees()[n] < atom.power:
                continue
            by_power: dict[int, dict[Any, Any]] = {}
            for m, c in p.to_dict().items():
                whole, rest = divmod(int(m[n]), atom.power)
                by_power.setdefault(whole, {})[tuple(rest if i == n else int(e) for i, e in enumerate(m))] = c
            p = reduce(lambda a, b: a + b, (RING.from_dict(data) * atom.of**k for k, data in by_power.items()))
            _check(p)
        return p

    def read(self, e: sp.Expr) -> Quotient:
        """The expression as a quotient. Raises Open if a sign is not determined, Outside if it has no real value, TooLarge."""
        if e not in self._read:
            self._read[e] = self._quotient(e)
        return self._read[e]

    def _quotient(self, e: Any) -> Quotient:
        if e.is_Rational:
            return RING.constant(fmpq(int(e.p), int(e.q))), ONE
        if e in (sp.nan, sp.zoo, sp.oo, -sp.oo):
            raise Outside
        if e.is_Symbol or e is sp.pi:
            return self.generator(e, lambda: Atom("letter", e)), ONE
        if e.is_Add:
            return reduce(self._plus, map(self.read, e.args))
        if e.is_Mul:
            return reduce(self._times, map(self.read, e.args))
        if e.is_Pow or e is sp.E:
            return self._power(e)
        if isinstance(e, (sp.Abs, sp.sign)):
            n, d = self.read(e.args[0])
            s = self.sign(n * d, strict=isinstance(e, sp.sign))
            return (RING.constant(s), ONE) if isinstance(e, sp.sign) else (s * n, d)
        if isinstance(e, (sp.Max, sp.Min, sp.Piecewise)):
            return of_cases(e, self.read, self._order)
        return self._function(e)

    def _order(self, one: Quotient, two: Quotient, strict: bool) -> int:
        n, d = self._plus(one, (-two[0], two[1]))
        return self.sign(n * d, strict)

    def minus(self, one: Quotient, two: Quotient) -> Poly:
        """The numerator of the difference."""
        return self._plus(one, (-two[0], two[1]))[0]

    def _plus(self, one: Quotient, two: Quotient) -> Quotient:
        (a, b), (c, d) = one, two
        if b == d:
            return self._small(a + c, b)
        common = b.gcd(d)
        return self._small(a * (d // common) + c * (b // common), b * (d // common))

    def _times(self, one: Quotient, two: Quotient) -> Quotient:
        return self._small(one[0] * two[0], one[1] * two[1])

    def _small(self, n: Poly, d: Poly) -> Quotient:
        """The quotient n/d in lowest terms, with powers of roots reduced."""
        n, d = self.reduced(n), self.reduced(d)
        _check(n)
        _check(d)
        if not d:
            raise Outside
        if d.is_constant():
            return n / d.leading_coefficient(), ONE
        common = n.gcd(d)
        n, d = n // common, d // common
        scale = d.leading_coefficient()
        return n / scale, d / scale

    def _power(self, e: Any) -> Quotient:
        if e is sp.E:
            return self._exponential((ONE, ONE))
        n, d = self.read(e.base)
        if e.exp.is_Integer:
            if abs(int(e.exp)) * max(len(n), len(d), 8) > 8 * HIGHEST:
                raise TooLarge("a power is too high")
            above, below = (n, d) if e.exp > 0 else (d, n)
            return self._small(above ** abs(int(e.exp)), below ** abs(int(e.exp)))
        if not self.sign(n * d):
            if e.exp.is_Rational and e.exp > 0:
                return RING.constant(0), ONE
            raise Outside
        if not e.exp.is_Rational:
            return self._exponential(self._times(self.read(e.exp), self._logarithm(n, d)))
        return self._rooted(n, d, Fraction(int(e.exp.p), int(e.exp.q)))

    def _parts(self, n: Poly, d: Poly) -> list[tuple[Poly, int]]:
        """The quotient n/d as a product of powers of positive factors: primes, and irreducible polynomials or their negatives."""
        if self.sign(n * d) < 0:
            raise Outside
        content, factors = n.factor()
        below, others = d.factor()
        ratio = abs(fmpq(content) / fmpq(below))
        primes = [(RING.constant(int(p)), int(k)) for p, k in fmpz(int(ratio.p)).factor()] if ratio.p > 1 else []
        primes += [(RING.constant(int(p)), -int(k)) for p, k in fmpz(int(ratio.q)).factor()] if ratio.q > 1 else []
        powers = [*factors, *((f, -int(k)) for f, k in others)]
        return primes + [(self.sign(f) * f, int(k)) for f, k in powers]

    def _rooted(self, n: Poly, d: Poly, exponent: Fraction) -> Quotient:
        """The power (n/d)^exponent."""
        product: Quotient = (ONE, ONE)
        for f, k in self._parts(n, d):
            whole, rest = divmod(k * exponent, 1)
            powers = [(f, int(whole))]
            if rest:
                q = self.power if self.power % rest.denominator == 0 else rest.denominator
                key = ("root", frozen(f), q)
                atom = lambda f=f, q=q: Atom("root", self.expression(f) ** sp.Rational(1, q), f, q)  # noqa: E731
                powers.append((self.generator(key, atom), int(rest * q)))
            for base, m in powers:
                product = self._times(product, _whole_power(base, m))
        return product

    def _logarithm(self, n: Poly, d: Poly) -> Quotient:
        if not self.sign(n * d):
            raise Outside
        total = RING.constant(0)
        for f, k in self._parts(n, d):
            total += k * self.generator(("log", frozen(f)), lambda f=f: Atom("log", sp.log(self.expression(f)), f))
        return total, ONE

    def _exponential(self, argument: Quotient) -> Quotient:
        """The exponential of a sum, as a product of powers of its monomials' exponentials and of its logarithms' arguments."""
        n, d = argument
        product: Quotient = (ONE, ONE)
        for m, c in n.to_dict().items():
            monomial = RING.from_dict({m: fmpq(1)})
            at = next((i for i, e in enumerate(m) if e), 0)
            if d.is_constant() and monomial == GENERATORS[at] and self.atoms and self.atoms[at].kind == "log":
                root = self._rooted(self.atoms[at].of, ONE, Fraction(int(c.p), int(c.q)))
                product = self._times(product, root)
                continue
            unit = self.unit if self.unit % int(c.q) == 0 else int(c.q)
            power = int((c * unit).p)
            if abs(power) > HIGHEST:
                raise TooLarge("an exponential is too high")
            name = sp.exp(self.expression(monomial) / self.expression(d) / unit)
            part = self.generator(
                ("exp", m, frozen(d), unit), lambda name=name, m=monomial, u=unit: Atom("exp", name, (m, d * u))
            )
            product = self._times(product, _whole_power(part, power))
        return product

    def _function(self, e: Any) -> Quotient:
        kind = type(e).__name__
        if isinstance(e, sp.Sum):
            return self.generator(e, lambda: Atom(kind, e)), ONE
        if not isinstance(e, sp.Function):
            raise TooLarge(f"{kind} cannot be compared")
        if isinstance(e, (*_HYPERBOLIC, sp.erfc)):
            return self.read(e.rewrite(sp.exp if isinstance(e, _HYPERBOLIC) else sp.erf))
        of = [self.read(a) for a in e.args]
        if isinstance(e, Inverse):
            return self._small(of[0][1], of[0][0])
        if not of[0][0] and type(e) in AT_ZERO:
            return RING.constant(AT_ZERO[type(e)]), ONE
        if isinstance(e, sp.exp):
            return self._exponential(of[0])
        if isinstance(e, sp.log):
            return self._logarithm(*of[0])
        flip = 1
        if isinstance(e, (*_ODD, sp.sin, sp.cos)) and of[0][0]:
            n, d = of[0]
            flip = 1 if n.leading_coefficient() > 0 else -1
            of = [(flip * n, d)]
        name = e.func(*[self.expression(n) / self.expression(d) for n, d in of])
        key = (kind, *((frozen(n), frozen(d)) for n, d in of))
        if isinstance(e, sp.sin):
            cosine = self.read(sp.cos(e.args[0]))[0]
            return flip * self.generator(key, lambda: Atom("sin", name, 1 - cosine**2, 2)), ONE
        flip = flip if isinstance(e, _ODD) else 1
        return flip * self.generator(key, lambda: Atom(kind, name, of[0])), ONE

    def expression(self, p: Poly) -> sp.Expr:
        """The polynomial as an expression."""
        powers = {m: [self.atoms[n].expr ** int(e) for n, e in enumerate(m) if e] for m in p.monoms()}
        return sp.Add(*[sp.Rational(int(c.p), int(c.q)) * sp.Mul(*powers[m]) for m, c in p.to_dict().items()])


def _whole_power(base: Poly, m: int) -> Quotient:
    return (base**m, ONE) if m >= 0 else (ONE, base**-m)


def _check(p: Poly) -> None:
    if len(p) > MOST_TERMS:
        raise TooLarge("the formulas have too many terms when multiplied out")

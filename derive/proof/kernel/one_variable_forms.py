"""Functions of one real variable: derivatives, normal forms, identities, balls, limits. Trusted, as part of the kernel."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from sdescent.derive.proof.language.context import Context, ProofError, parts
from sdescent.derive.proof.language.normal import (
    ONE,
    Frozen,
    Monomial,
    Normal,
    Polynomial,
    added,
    freeze,
    multiplied,
    power,
    scaled,
)
from sdescent.derive.proof.language.terms import Term, fn, from_json, num, plus, substitute, times, x

#: (kind, p): "positive" for the argument of log or sqrt, "nonzero" for a denominator
Domain = list[tuple[str, Term]]
PI = Term(("pi",))


#: f'(p) as a term in p, valid where f is differentiable: for log and sqrt where 0 < p, for the others everywhere. abs has no
#: entry, since it has no derivative at 0
OUTER: Mapping[str, Callable[[Term], Term]] = {
    "exp": lambda p: fn("exp", p),
    "log": lambda p: 1 / p,
    "sqrt": lambda p: 1 / (2 * fn("sqrt", p)),
    "atan": lambda p: 1 / (1 + p**2),
    "erf": lambda p: 2 * fn("exp", -(p**2)) / fn("sqrt", PI),
    "tanh": lambda p: 1 - fn("tanh", p) ** 2,
}
_POSITIVE = ("log", "sqrt")


def derivative(t: Term, variable: str) -> tuple[Term, Domain]:
    """The derivative dt/d(variable) by the rules of calculus, with all other symbols constant, and the domain the rules need.

        (a + b)' = a' + b'         (a b)' = a' b + a b'        (a^n)' = n a^(n-1) a'
        (a/b)' = a' (1/b) - a b' (1/b)^2     where b is not 0
        f(p)' = f'(p) p'                     where f is differentiable at p: for log and sqrt where 0 < p, else everywhere

    The domain lists the denominators and the arguments of log and sqrt in which the variable occurs. All other
    denominators and arguments are constants, for which the rules hold at 0 too (1/0 = 0 and log 0 = 0 by convention,
    with derivative 0). Raises ProofError if t contains abs, psi, a declared function, an operator or a vector, for
    which there is no rule here.
    """
    domain: Domain = []
    return _slope(t, variable, domain), domain


def _slope(t: Term, variable: str, domain: Domain) -> Term:
    head, args = t[0], t[1:]
    if head in ("q", "pi"):
        return num(0)
    if head == "x":
        return num(1) if t[1] == variable else num(0)
    if head == "+":
        return plus(*[_slope(a, variable, domain) for a in args])
    if head == "*":
        slopes = [_slope(a, variable, domain) for a in args]
        return plus(*[times(*args[:m], s, *args[m + 1 :]) for m, s in enumerate(slopes)])
    if head == "^":
        inner = _slope(args[0], variable, domain)
        return num(args[1]) * args[0] ** (args[1] - 1) * inner if args[1] else num(0)
    if head == "/":
        above, below = (_slope(a, variable, domain) for a in args)
        if _holds(args[1], variable):
            domain.append(("nonzero", args[1]))
        return above / args[1] - args[0] * below * (1 / args[1]) ** 2  # 1/b^2 is an atom of its own
    if head == "f" and args[0] in OUTER:
        inner = _slope(args[1], variable, domain)
        if args[0] in _POSITIVE and _holds(args[1], variable):
            domain.append(("positive", args[1]))
        return inner / args[1] if args[0] == "log" else OUTER[args[0]](args[1]) * inner
    raise ProofError(f"there is no rule for the derivative of {head} {args[0] if head in ('f', 'F') else ''} here")


def _holds(t: Term, variable: str) -> bool:
    return t == ("x", variable) or any(_holds(a, variable) for a in t[1:] if isinstance(a, Term))


def endpoints(t: Term, variable: str, last: str) -> tuple[Term, Term]:
    """The values of t at both ends: with 0 in place of the variable, and with the symbol `last` in its place."""
    return substitute(t, variable, num(0)), substitute(t, variable, x(last))


BITS = 256
MAX_DEGREE = 400
UNIT: Polynomial = {ONE: Fraction(1)}
_HEADS = frozenset({"q", "x", "pi", "+", "*", "^", "/", "f"})
_ARGUMENTS = {"+": slice(1, None), "*": slice(1, None), "/": slice(1, None), "^": slice(1, 2), "f": slice(2, 3)}
_ODD = frozenset({"atan", "erf", "tanh"})


class Forms(Normal):
    """Normal forms of terms in one variable, with the identities below, derivatives, balls, and limits at +oo.

    The variable is declared as `time`, so a polynomial depends on it if `depends` contains "t".
    """

    def __init__(self, variable: str) -> None:
        super().__init__(Context(symbols={variable: "time"}))
        self.variable = Term(("x", variable))
        #: monic Q known to have no zero in the interval -> its sign there
        self.signs: dict[Frozen, int] = {}
        self._positive: dict[Frozen, bool] = {}

    def read(self, value: Any) -> Polynomial:
        """The normal form of a term from outside.

        Raises:
            ProofError: it is not a term in the variable alone, or it contains abs or an operator, or a power is too high.
        """
        try:
            t = value if isinstance(value, Term) else from_json(value)
        except TypeError as error:
            raise ProofError("not a term") from error
        self.context.check(t)
        for part in parts(t):
            if part[0] not in _HEADS or part[:2] == ("f", "abs"):
                raise ProofError("a term of one variable has no operators and no abs")
            # a string or a number is not a term, although normal forms would read "xy" as the symbol y
            if any(type(a) is not Term for a in part[_ARGUMENTS.get(part[0], slice(0))]):
                raise ProofError("not a term")
        poly = self.polynomial(t)
        if any(n > MAX_DEGREE for monomial in poly for _, n in monomial):
            raise ProofError(f"a power above {MAX_DEGREE}")
        return poly

    def polynomial(self, t: Term) -> Polynomial:
        if t not in self._cache:
            self._cache[t] = self.reduced(self._normal_form(t))
        return self._cache[t]

    def constant(self, poly: Polynomial) -> bool:
        """Whether the polynomial is a number, that is, does not depend on the variable."""
        return not self.depends(poly)

    # identities

    def reduced(self, poly: Polynomial) -> Polynomial:
        """The same function with the exponentials in each product merged, and powers and inverses of positive roots rewritten."""
        result = added(self._reduced(m, c) for m, c in poly.items())
        return result if result == poly else self.reduced(result)

    def _reduced(self, monomial: Monomial, c: Fraction) -> Polynomial:
        """exp(p)^n exp(q)^m .. = exp(n p + m q + ..); sqrt(Q)^n = sqrt(Q)^(n mod 2) Q^(n div 2), 1/sqrt(Q) = sqrt(Q)/Q."""
        exponents: list[Polynomial] = []
        others: list[tuple[int, int]] = []
        factors: list[Polynomial] = []
        for a, n in monomial:
            name, argument, sign = self._power_of(a)
            if name == "exp":
                exponents.append(scaled(argument, Fraction(sign * n)))
            elif name == "sqrt" and (n > 1 or sign < 0) and self.positive(argument):
                root = self._function("f", "sqrt", argument)
                factors += [power(root, n % 2), power(argument, n // 2)]
                factors += [power(self._inverse(argument), n)] if sign < 0 else []
            else:
                others.append((a, n))
        result: Polynomial = {tuple(others): c}
        for factor in [*factors, self._function("f", "exp", added(exponents))]:
            result = multiplied(result, factor)
        return result

    def _power_of(self, a: int) -> tuple[str, Polynomial, int]:
        """(f, p, 1) for the atom f(p), (f, p, -1) for its inverse, and ("", {}, 1) for any other atom."""
        key = self.key_of(a)
        if key[0] == "f":
            return key[1], dict(key[2]), 1
        if key[0] == "inv" and len(key[1]) == 1:
            ((inner, c),) = key[1]
            if c == 1 and len(inner) == 1 and inner[0][1] == 1 and self.key_of(inner[0][0])[0] == "f":
                name, argument, _ = self._power_of(inner[0][0])
                return name, argument, -1
        return "", {}, 1

    def _function(self, head: str, name: str, argument: Polynomial) -> Polynomial:
        if name in _ODD and argument and argument[min(argument)] < 0:
            return scaled(super()._function(head, name, scaled(argument, Fraction(-1))), Fraction(-1))
        return super()._function(head, name, argument)

    # signs

    def positive(self, poly: Polynomial) -> bool:
        """Whether 0 < Q is known for the polynomial Q: from its value if it is a number, else from `signs`."""
        if not self.constant(poly):
            return self.sign(poly) > 0
        key = freeze(poly)
        if key not in self._positive:
            self._positive[key] = self.decided(poly, True)
        return self._positive[key]

    def sign(self, poly: Polynomial) -> int:
        """1 or -1 if the polynomial Q is known to have that sign in the interval, else 0."""
        monic, c = _monic(poly)
        return self.signs.get(monic, 0) * (1 if c > 0 else -1)

    def learn(self, poly: Polynomial, sign: int) -> None:
        """Record that the polynomial Q has this sign in the interval. Normal forms use it from now on."""
        monic, c = _monic(poly)
        self.signs[monic] = sign if c > 0 else -sign
        self._cache.clear()

    def decided(self, number: Polynomial, strict: bool) -> bool:
        """Whether a number is shown to be >= 0 (> 0): exactly if it is rational, else by a ball above 0."""
        if not self.constant(number):
            raise ProofError("not a number")
        value = _rational(number)
        if value is not None:
            return value > 0 or (value == 0 and not strict)
        with ctx.workprec(BITS):
            return bool(self.ball(number, arb(0)) > 0)

    def nonzero(self, number: Polynomial) -> bool:
        """Whether a number is shown not to be 0."""
        return self.decided(number, True) or self.decided(scaled(number, Fraction(-1)), True)

    def ball(self, poly: Polynomial, at: arb, enclosures: dict[int, arb] | None = None) -> arb:
        """An enclosure of {poly(x): x in `at`} at the precision of the flint context; nan or infinite if there is none."""
        enclosures = {} if enclosures is None else enclosures
        total = arb(0)
        for monomial, c in poly.items():
            value = arb(fmpq(c.numerator, c.denominator))
            for a, n in monomial:
                if a not in enclosures:
                    enclosures[a] = self._atom_ball(a, at, enclosures)
                value *= enclosures[a] ** n
            total += value
        return total

    def _atom_ball(self, a: int, at: arb, enclosures: dict[int, arb]) -> arb:
        key = self.key_of(a)
        if key[0] == "x":
            return at
        if key[0] == "pi":
            return arb.pi()
        inner = self.ball(dict(key[-1]), at, enclosures)
        if key[:2] == ("f", "psi"):
            return psi_ball(inner)
        return 1 / inner if key[0] == "inv" else getattr(inner, key[1])()

    def check_domain(self, poly: Polynomial, roots: bool = False) -> None:
        """Raises ProofError unless denominators have no zero and arguments of log are positive; with `roots`, only sqrt is checked.

        An argument of log or sqrt that is a number is not checked. The first check makes a function continuous on the
        interval. With the second as well it is smooth, by the chain rule.
        """
        for a in {a for monomial in poly for a, _ in monomial}:
            key = self.key_of(a)
            if key[0] not in ("inv", "f"):
                continue
            inner = dict(key[-1])
            self.check_domain(inner, roots)
            number = self.constant(inner)
            good = True
            if key[0] == "inv" and not roots:
                good = self.nonzero(inner) if number else self.sign(inner) != 0
            elif key[:2] == ("f", "sqrt" if roots else "log"):
                good = number or self.positive(inner)
            if not good:
                name = key[1] if key[0] == "f" else ""
                raise ProofError(f"the domain of {key[0]} {name} is not shown: {str(inner)[:120]}")

    # calculus

    def derivative(self, poly: Polynomial) -> Polynomial:
        """poly', if the domain of poly was checked when it came in (or poly is itself the derivative of such a function).

        By the chain rule for a polynomial in atoms, poly' is the sum over its atoms a of (d poly / d a) a', with a' from the
        function `derivative`. The new denominators have no zeros: Q for log(Q) and sqrt(Q) for sqrt(Q), both positive, and
        1 + p^2 for atan(p).
        """
        self.check_domain(poly, roots=True)
        result: list[Polynomial] = []
        for monomial, c in poly.items():
            for place, (a, n) in enumerate(monomial):
                if self._depends[a]:
                    rest = (*monomial[:place], *([(a, n - 1)] if n > 1 else []), *monomial[place + 1 :])
                    slope, _ = derivative(self.atom(a), self.variable[1])  # `check_domain` has checked the domain
                    result.append(multiplied({rest: c * n}, self.polynomial(slope)))
        return self.reduced(added(result))

    def at(self, poly: Polynomial, value: Term) -> Polynomial:
        """The polynomial with a term in place of the variable."""
        return self.polynomial(substitute(self.term(poly), self.variable[1], value))

    def coefficients(self, poly: Polynomial) -> list[Polynomial] | None:
        """[c_0, c_1, ..] with poly = sum c_k x^k and numbers c_k; None if poly is not a polynomial in the variable."""
        by_power: dict[int, list[Polynomial]] = {}
        (((variable, _),),) = self.polynomial(self.variable)
        for monomial, c in poly.items():
            rest = tuple(f for f in monomial if f[0] != variable)
            if not self.constant({rest: c}):
                return None
            by_power.setdefault(dict(monomial).get(variable, 0), []).append({rest: c})
        if max(by_power, default=0) > MAX_DEGREE:
            raise ProofError(f"a polynomial of degree above {MAX_DEGREE}")
        return [added(by_power.get(k, [])) for k in range(max(by_power, default=-1) + 1)]

    def cleared(self, m: Polynomial, poly: Polynomial) -> Polynomial:
        """m poly, for m without zeros. If 1/m = c mu, monomials that mu divides are divided by c mu, the rest multiplied by m."""
        inverse = self.polynomial(1 / self.term(m))
        result: list[Polynomial] = []
        for monomial, c in poly.items():
            powers, value = dict(monomial), multiplied({monomial: c}, m)
            for mu, scale in inverse.items() if len(inverse) == 1 else ():
                if all(powers.get(a, 0) >= n for a, n in mu):
                    value = {tuple((a, k) for a, n in monomial if (k := n - dict(mu).get(a, 0))): c / scale}
            result.append(value)
        return self.reduced(added(result))

    # limits

    def limit(self, poly: Polynomial) -> Polynomial:
        """The limit at +oo, a number: each monomial ~ c x^d tends to 0 (d < 0) or to c (d = 0).

        Raises ProofError if a monomial grows, or its size is not known.
        """
        sizes = [self._size(m, c) for m, c in poly.items()]
        if any(size is not None and size[0] > 0 for size in sizes):
            raise ProofError("the limit is not finite, or is not shown to be by the limits of the terms")
        return self.reduced(added(size[1] for size in sizes if size is not None and size[0] == 0))

    def _leading(self, poly: Polynomial) -> tuple[Fraction, Polynomial] | None:
        """(d, c) with poly ~ c x^d at +oo and a number c shown to be nonzero; None if poly falls faster than every power."""
        sizes = [size for size in (self._size(m, c) for m, c in poly.items()) if size is not None]
        if not sizes:
            return None
        degree = max(d for d, _ in sizes)
        return degree, self._nonzero(self.reduced(added(c for d, c in sizes if d == degree)))

    def _nonzero(self, number: Polynomial) -> Polynomial:
        if not self.nonzero(number):
            raise ProofError("a leading coefficient may be 0")
        return number

    def _size(self, monomial: Monomial, c: Fraction) -> tuple[Fraction, Polynomial] | None:
        sizes = [(n, self._atom_size(a)) for a, n in monomial]
        degree, factor = Fraction(0), {ONE: c}
        for n, size in sizes:
            if size is None:
                return None
            degree, factor = degree + n * size[0], multiplied(factor, power(size[1], n))
        return degree, factor

    def _atom_size(self, a: int) -> tuple[Fraction, Polynomial] | None:
        """`_leading` for an atom: 1/Q and sqrt(Q) from that of Q; exp(Q), atan(Q), .. by whether Q grows or tends to a number."""
        key, zero = self.key_of(a), Fraction(0)
        if not self._depends[a]:
            return zero, self._nonzero({((a, 1),): Fraction(1)})
        if key[0] == "x":
            return Fraction(1), UNIT
        size = self._leading(dict(key[-1]))
        if size is None:
            if key[:2] != ("f", "exp"):
                raise ProofError("an atom of unknown size at infinity")
            return zero, UNIT
        degree, lead = size
        up = self.decided(lead, True)
        if key[0] == "inv":
            return -degree, self._inverse(lead)
        if key[1] == "sqrt" and up:
            return degree / 2, self._function("f", "sqrt", lead)
        if key[1] == "exp" and degree < 0:
            return zero, UNIT
        if key[1] == "exp" and degree > 0 and not up:
            return None
        if key[1] in ("exp", *_ODD) and degree == 0:
            return zero, self._function("f", key[1], lead)
        if key[1] in _ODD and degree > 0:
            value = self.polynomial(PI / 2) if key[1] == "atan" else UNIT
            return zero, value if up else scaled(value, Fraction(-1))
        raise ProofError("an atom of unknown size at infinity")


def psi_ball(at: arb) -> arb:
    """An enclosure of psi(t) = (exp(t) - 1 - t)/t^2 = 1F1(1; 3; t)/2 over `at`: psi increases, so the two ends suffice."""
    if not at.is_finite():
        return arb("nan")
    low, high = (_psi_at(arb(end)) for end in (at.lower(), at.upper()))
    return low.union(high)


def _psi_at(t: arb) -> arb:
    """psi(t), by the quotient unless |t| < 4: the series of 1F1 takes forever if exp(t) overflows."""
    return t.hypgeom_1f1(1, 3) / 2 if abs(t) < 4 else (t.exp() - 1 - t) / t**2


def _monic(poly: Polynomial) -> tuple[Frozen, Fraction]:
    c = poly[min(poly)] if poly else Fraction(1)
    return freeze(scaled(poly, 1 / c)), c


def _rational(poly: Polynomial) -> Fraction | None:
    return poly.get(ONE, Fraction(0)) if set(poly) <= {ONE} else None

"""Normal forms: every term as a polynomial with rational coefficients in atoms. Two terms are the same if their forms are.

Trusted, as part of the kernel. The rules are those of FORMAT.md, and each is an identity of real numbers: expansion, inverses of
products, and linearity of sums and of expectations and integrals that exist, which pulls out factors that do not depend on the
bound letter. Nothing cancels: a * inv(a) stays.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.language.context import KINDS, PROCESS, Context, ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, num, plus, times, under

#: a product of atoms as ((number of the atom, power), ..), numbers ascending, powers >= 1
Monomial = tuple[tuple[int, int], ...]
#: monomial -> coefficient, never 0
Polynomial = dict[Monomial, Fraction]
#: a polynomial in a form that can be compared and hashed
Frozen = tuple[tuple[Monomial, Fraction], ...]

ONE: Monomial = ()
MAX_MONOMIALS = 200_000
#: the most bits of a coefficient's numerator and denominator
MAX_COEFFICIENT = 1_000_000
_AT_ZERO = {"exp": 1, "sqrt": 0, "atan": 0, "erf": 0, "tanh": 0, "psi": Fraction(1, 2)}
_AT_ONE = {"log": 0, "sqrt": 1}


class Normal:
    """The normal forms of one context; atoms are numbered in order of appearance."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._number: dict[Any, int] = {}
        self._atoms: list[Any] = []
        self._depends: list[frozenset[str]] = []
        self._cache: dict[Term, Polynomial] = {}

    def polynomial(self, t: Term) -> Polynomial:
        """The normal form of a term (checked by the context beforehand).

        Raises ProofError: the term integrates a random term, sums a product that mixes both indices, needs a constant
        that the context does not name, or is too large or too deep.
        """
        if t not in self._cache:
            try:
                self._cache[t] = self._normal_form(t)
            except RecursionError as error:
                raise ProofError("a term nested too deeply") from error
        return dict(self._cache[t])

    def frozen(self, t: Term) -> Frozen:
        """The normal form of a term, for comparisons."""
        return freeze(self.polynomial(t))

    def key(self, relation: Relation) -> tuple[str, Frozen]:
        """The key of a relation: two relations are the same if their keys are (== and != up to sign)."""
        poly = self.polynomial(relation.slack)
        if relation.op in ("==", "!=") and poly and freeze(poly)[0][1] < 0:
            poly = scaled(poly, Fraction(-1))
        return relation.op, freeze(poly)

    def depends(self, poly: Polynomial) -> frozenset[str]:
        """The letters that the value of a polynomial depends on."""
        return frozenset[str]().union(*[self._depends[a] for monomial in poly for a, _ in monomial])

    def term(self, poly: Polynomial) -> Term:
        """A term with this normal form."""
        spend(2 * len(poly))
        return _short(plus, [self._product(m, c) for m, c in freeze(poly)])

    def _product(self, monomial: Monomial, c: Fraction) -> Term:
        factors = [self.atom(a) ** n if n > 1 else self.atom(a) for a, n in monomial]
        return _short(times, factors if c == 1 and factors else [num(c), *factors])

    def atom(self, number: int) -> Term:
        """The term of an atom."""
        key = self._atoms[number]
        head = key[0]
        if head == "inv":
            return 1 / self.term(dict(key[1]))
        if head in ("f", "F"):
            return Term((head, key[1], self.term(dict(key[2]))))
        if head in OPERATORS:
            return under(head, self.term({key[1]: Fraction(1)}))
        return Term(key)

    def key_of(self, number: int) -> Any:
        """The head of an atom and its arguments in normal form."""
        return self._atoms[number]

    def single(self, key: Any, depends: frozenset[str]) -> Polynomial:
        """The polynomial that consists of one atom."""
        if key not in self._number:
            self._number[key] = len(self._atoms)
            self._atoms.append(key)
            self._depends.append(depends)
        return {((self._number[key], 1),): Fraction(1)}

    def _normal_form(self, t: Term) -> Polynomial:
        head = t[0]
        if head == "q":
            value = Fraction(t[1])
            return {ONE: value} if value else {}
        if head in ("x", "xi", "pi"):
            return self.single(tuple(t), self.context.depends(t))
        if head == "+":
            return added(self.polynomial(a) for a in t[1:])
        if head == "*":
            result: Polynomial = {ONE: Fraction(1)}
            for a in t[1:]:
                result = multiplied(result, self.polynomial(a))
            return result
        if head == "^":
            return power(self.polynomial(t[1]), t[2])
        if head == "/":
            return multiplied(self.polynomial(t[1]), self._inverse(self.polynomial(t[2])))
        if head in ("f", "F"):
            return self._function(head, t[1], self.polynomial(t[2]))
        if head in OPERATORS:
            return self._operator(head, self.polynomial(t[1]))
        return self._vectors(t)

    def _inverse(self, poly: Polynomial) -> Polynomial:
        """The inverse of a polynomial: 1/0 = 0, 1/(c a b) = (1/c)(1/a)(1/b), 1/(cQ) = (1/c)(1/Q)."""
        if not poly:
            return {}
        first = min(poly)
        if len(poly) == 1:
            result = {ONE: 1 / poly[first]}
            for a, n in first:
                one = {((a, 1),): Fraction(1)}
                result = multiplied(result, power(self.single(("inv", freeze(one)), self._depends[a]), n))
            return result
        scale = poly[first]
        body = scaled(poly, 1 / scale)
        return scaled(self.single(("inv", freeze(body)), self.depends(body)), 1 / scale)

    def _function(self, head: str, name: str, argument: Polynomial) -> Polynomial:
        value = as_number(argument) if head == "f" else None
        if value is not None:
            table = {"abs": abs(value), **{Fraction(0): _AT_ZERO, Fraction(1): _AT_ONE}.get(value, {})}
            if name in table:
                return {ONE: Fraction(table[name])} if table[name] else {}
        return self.single((head, name, freeze(argument)), self.depends(argument))

    def _vectors(self, t: Term) -> Polynomial:
        head, args = t[0], list(t[1:])
        if head == "trprod":
            args.sort(key=self._place)
        if head == "dot":
            return self._dot(*args)
        return self.single((head, *args), PROCESS)

    def _dot(self, u: Any, v: Any) -> Polynomial:
        """The normal form of u'v. It is symmetric; v'v = ||v||^2; u'Mv = v'Mu and u'Mu = quad(M, u) for symmetric M."""
        if u == v:
            return power(self.single(("norm", u), PROCESS), 2)
        forms = [(u, v), (v, u)]
        for left, right in ((u, v), (v, u)):
            if left[0] == "v" and right[0] == "Mv" and self.context.symmetric(right[1][1]):
                if left == right[2]:
                    return self.single(("quad", right[1], left), PROCESS)
                forms += [(right[2], ("Mv", right[1], left)), (("Mv", right[1], left), right[2])]
        return self.single(("dot", *min(forms, key=lambda pair: [self._place(w) for w in pair])), PROCESS)

    def _place(self, t: Any) -> list[int]:
        """The positions in the context of a vector's or matrix's names, so that normal forms do not depend on spelling."""
        if isinstance(t, str):
            return [[*self.context.vectors, *self.context.matrices].index(t)]
        return [place for part in t[1:] for place in self._place(part)]

    def _operator(self, head: str, argument: Polynomial) -> Polynomial:
        if head == "I" and "w" in self.depends(argument):
            raise ProofError("a time integral without expectation is for deterministic terms: use EI")
        bound = frozenset(OPERATORS[head])
        result: list[Polynomial] = []
        for monomial, c in argument.items():
            out = tuple((a, n) for a, n in monomial if not self._depends[a] & bound)
            rest = tuple((a, n) for a, n in monomial if self._depends[a] & bound)
            result.append(multiplied({out: c}, self._of_rest(head, rest)))
        return added(result)

    def _of_rest(self, head: str, rest: Monomial) -> Polynomial:
        """The operator applied to a product of atoms that all depend on what it binds."""
        depends = self.depends({rest: Fraction(1)})
        if head == "EI" and "w" not in depends:
            head = "I"
        if rest == ONE:
            name = {"E": "", "I": self.context.horizon, "C": self.context.clients}.get(head, self.context.dimension)
            if name is None:
                raise ProofError(f"{head}(1) is a constant that the context does not name")
            return self.single(("x", name), KINDS["const"]) if name else {ONE: Fraction(1)}
        if head == "Si":
            if "j" in depends:
                raise ProofError("a sum over the other coordinate of a product that mixes both")
            return self._operator("S", self._renamed(rest))
        return self.single((head, rest), depends - frozenset(OPERATORS[head]))

    def _renamed(self, monomial: Monomial) -> Polynomial:
        """The monomial with j in place of i, and a coefficient, since atoms are ordered. Raises ProofError where a sum
        would capture j.
        """

        def put(t: Any) -> Any:
            if t[:1] == ("xi",):
                return Term(("x", t[1]))
            if t[:1] == ("S",) and "i" in self.context.depends(t):
                raise ProofError("a sum over the other coordinate of a sum that mixes both")
            return type(t)(put(a) if isinstance(a, tuple) else a for a in t)

        return self.polynomial(put(self.term({monomial: Fraction(1)})))


def _short(make: Any, parts: list[Term]) -> Term:
    return parts[0] if len(parts) == 1 else make(*parts)


def freeze(poly: Polynomial) -> Frozen:
    """The sorted tuple of a polynomial's entries."""
    return tuple(sorted(poly.items()))


def added(polys: Iterable[Polynomial]) -> Polynomial:
    """The sum of polynomials."""
    total: Polynomial = {}
    for poly in polys:
        spend(len(poly))
        for m, c in poly.items():
            value = total.get(m, 0) + c
            if value:
                total[m] = Fraction(value)
            else:
                total.pop(m, None)
    return total


def scaled(poly: Polynomial, factor: Fraction) -> Polynomial:
    """A rational multiple of a polynomial."""
    return {m: factor * c for m, c in poly.items()} if factor else {}


def multiplied(p: Polynomial, q: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    total: Polynomial = {}
    for m, c in p.items():
        bits = c.numerator.bit_length() + c.denominator.bit_length()
        spend(len(q) * (2 + (bits * bits >> 20)))  # the time for common factors of long numbers grows as the square
        for n, e in q.items():
            both = _joined(m, n)
            value = total.get(both, 0) + c * e
            if value:
                total[both] = Fraction(value)
            else:
                total.pop(both, None)
        if len(total) > MAX_MONOMIALS:
            raise ProofError("a polynomial with too many terms")
    if any(max(c.numerator.bit_length(), c.denominator.bit_length()) > MAX_COEFFICIENT for c in total.values()):
        raise ProofError("a coefficient with too many digits")
    return total


def power(poly: Polynomial, n: int) -> Polynomial:
    """poly^n for n >= 0."""
    result: Polynomial = {ONE: Fraction(1)}
    for _ in range(n):
        result = multiplied(result, poly)
    return result


def _joined(m: Monomial, n: Monomial) -> Monomial:
    if not m or not n:
        return m or n
    powers = dict(m)
    for a, k in n:
        powers[a] = powers.get(a, 0) + k
    return tuple(sorted(powers.items()))


def as_number(poly: Polynomial) -> Fraction | None:
    """The value of a polynomial that is a rational number, else None."""
    if not poly:
        return Fraction(0)
    return poly[ONE] if len(poly) == 1 and ONE in poly else None

"""Limits at +oo of functions of one variable: a term in 1/x and bounded factors, its limit, and a proof of the limit in Rocq.

The limit is taken along A, A + 1, ..: a decreasing function lies above its limit there.
"""

from fractions import Fraction

from sdescent.derive.proof.language.normal import ONE, Monomial, Polynomial, added, scaled
from sdescent.derive.proof.language.terms import Term, contains, fn, num, plus, times, x
from sdescent.derive.proof.rocq.derivatives import UnsupportedError
from sdescent.derive.proof.rocq.equalities import Equalities, Interval, numerical
from sdescent.derive.proof.rocq.notation import number


class Limits:
    """Limits for x >= A; `of(phi)` proves that phi tends to a number and that this number is nonnegative."""

    def __init__(self, lemmas: Equalities, start: Fraction) -> None:
        self.lemmas = lemmas
        self.forms = lemmas.forms
        self.start = start
        self.x = x(lemmas.name)
        self.small = 1 / self.x

    def of(self, phi: Polynomial) -> str:
        """The arguments of limit__le after the derivatives: proofs of the limit and of its sign."""
        whole = plus(*(self._member(m, c) for m, c in phi.items()))
        where = Interval(self.start, None)
        equal = self.lemmas.equal(self.lemmas.term(phi), whole, where)
        proof, limit = self._limit(whole)
        same = f"(fun x__ l__ => {equal} x__ l__)"
        text = self.lemmas.text(self.lemmas.term(phi))
        moved = f"(lim__same A__ (fun x__ => {text}) (fun x__ => {self.lemmas.text(whole)}) _ {same} {proof})"
        # the limit of erf is known to only a few digits
        if "erf__top" in limit:
            less = added([self.forms.limit(phi), {ONE: Fraction(-1, 1000)}])
            if not self.forms.decided(less, True):
                raise UnsupportedError(phi)
        sign = self.lemmas.new(f"0 <= {limit}", Interval(None, None), f"first [lra | {numerical(limit, 300)}].")
        return f"{moved} ({sign} x__)".replace("A__", number(self.start))

    def _member(self, monomial: Monomial, c: Fraction) -> Term:
        """A monomial as a product of factors that have limits, with powers of x absorbed into powers of 1/x."""
        power, factors, decays = 0, [], []
        for a, n in monomial:
            key = self.forms.key_of(a)
            atom = {((a, 1),): Fraction(1)}
            if self.forms.constant(atom):
                factors.append(self.lemmas.term(atom) ** n)
            elif key[0] == "x":
                power -= n
            elif key[0] == "inv":
                degree, inner = self._scaled(dict(key[1]))
                power += n * degree
                factors.append((1 / inner) ** n)
            elif key[:2] in (("f", "exp"), ("f", "atan"), ("f", "erf")):
                degree, inner = self._scaled(dict(key[2]))
                if degree < 1:
                    raise UnsupportedError(monomial)
                if key[1] == "exp":  # exp(p) = exp(-(-p)), where -p grows
                    decays += [fn("exp", -(self.x**degree * self._scaled(scaled(dict(key[2]), Fraction(-1)))[1]))] * n
                else:
                    factors.append(fn(key[1], self.x**degree * inner) ** n)
            else:
                raise UnsupportedError(monomial)
        if power < 0 and not decays:
            raise UnsupportedError(monomial)
        if power < 0:  # the exponential decays faster than the power grows
            decays[0], power = self.x**-power * decays[0], 0
        return times(num(c), self.small**power, *factors, *decays)

    def _scaled(self, poly: Polynomial) -> tuple[int, Term]:
        """The degree d of the polynomial, and q with poly = x^d q(1/x)."""
        coefficients = self.forms.coefficients(poly)
        if coefficients is None:
            raise UnsupportedError(poly)
        degree = len(coefficients) - 1
        terms = (self.lemmas.term(c) * self.small ** (degree - k) for k, c in enumerate(coefficients) if c)
        return degree, plus(*terms)

    def _limit(self, term: Term) -> tuple[str, str]:
        """A proof that fun x__ => text(term) tends to a number, and the text of that number."""
        show = self.lemmas.text
        if term == self.small:
            return f"(lim__u A__ {self._by_numbers('0 < A__')})", "0"
        match term:
            case ("*", ("^", self.x, k), ("f", "exp", ("*", _, ("*", ("^", _, n), q)))):
                lead = self._lead(n, q)
                return f"(lim__decay A__ {k} {lead})", "0"
            case ("+" | "*" as head, first, *rest):
                proof, value = self._limit(first)
                whole = first
                for right in rest:
                    other, limit = self._limit(right)
                    lemma = "lim__add" if head == "+" else "lim__mul"
                    proof = f"({lemma} A__ (fun x__ => {show(whole)}) (fun x__ => {show(right)}) _ _ {proof} {other})"
                    whole, value = Term((head, whole, right)), f"({value} {head} {limit})"
                return proof, value
            case ("^", base, n):
                proof, value = self._limit(base)
                return f"(lim__pow A__ (fun x__ => {show(base)}) _ {n} {proof})", f"({value} ^ {n})"
            case ("/", _, b) if self._varies(b):
                proof, value = self._limit(b)
                away = self._by_numbers(f"{value} <> 0")
                return f"(lim__inv A__ (fun x__ => {show(b)}) _ {away} {proof})", f"(/ {value})"
            case ("f", "exp", ("*", _, ("*", ("^", _, n), q))) if self._varies(q) or n:
                return f"(lim__exp A__ (fun x__ => {show(self.x**n * q)}) {self._grows(n, q)})", "0"
            case ("f", "atan" | "erf" as f, ("*", ("^", _, n), q)) if self._varies(q) or n:
                value = "(PI / 2)" if f == "atan" else "erf__top"
                return f"(lim__{f} A__ (fun x__ => {show(self.x**n * q)}) {self._grows(n, q)})", value
        if self._varies(term):
            raise UnsupportedError(term)
        return f"(lim__const A__ {show(term)})", show(term)

    def _grows(self, n: int, q: Term) -> str:
        return f"(big__lead A__ {self._lead(n, q)})"

    def _lead(self, n: int, q: Term) -> str:
        """The arguments of the lemmas about x^n q with n > 0, among them a proof that q tends to a positive number."""
        proof, value = self._limit(q)
        signs = f"{self._by_numbers('1 <= A__')} {self._by_numbers(f'0 < {value}')}"
        return f"{n - 1} (fun x__ => {self.lemmas.text(q)}) _ {signs} {proof}"

    def _by_numbers(self, relation: str) -> str:
        """A proof of a relation between two numbers."""
        text = relation.replace("A__", number(self.start))
        ball = numerical(text, 80)
        body = f"first [lra | {ball} | apply Rgt_not_eq; {ball} | apply Rlt_not_eq; {ball}]."
        return f"({self.lemmas.new(text, Interval(None, None), body)} 0)"

    def _varies(self, term: Term) -> bool:
        return contains(term, self.lemmas.name)

"""Functions of one variable in Rocq: their derivatives, expressions that are equal on an interval, and limits at +oo."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from sdescent.derive.proof.kernel.one_variable_forms import OUTER, Forms
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import ONE, Monomial, Polynomial, added, as_number, scaled
from sdescent.derive.proof.language.terms import Term, contains, fn, num, plus, times, x
from sdescent.derive.proof.rocq.notation import FUNCTIONS, UNIT, ZERO, RocqTerms, number

Writer = Callable[[Term], str]


class UnsupportedError(Exception):
    """Raised for a part of a proof in one variable that cannot be proved in Rocq; the whole fact becomes a premise."""


def derived(text: Writer, term: Term, name: str, nonzero: Writer, positive: Writer) -> tuple[Term, str]:
    """The derivative at y__, and a proof that it is the derivative of fun x__ => text(term).

    `text` writes a term in Rocq's notation, with x__ for the variable `name`. `nonzero` and `positive` give a proof at
    y__ of b <> 0 for a denominator b, and of 0 < t for an argument t of log or sqrt. Raises UnsupportedError if the
    term has a power with exponent 0 or a function whose derivative has no lemma.
    """

    def of(t: Term) -> tuple[Term, str]:
        return derived(text, t, name, nonzero, positive)

    def function(t: Term) -> str:
        return f"(fun x__ => {text(t)})"

    if not contains(term, name):
        return ZERO, f"(d__const {text(term)} y__)"
    match term:
        case ("x", _):
            return UNIT, "(d__id y__)"
        case ("+" | "*" as head, first, *rest):
            whole, (d, proof) = first, of(first)
            for right in rest:
                e, other = of(right)
                lemma = "d__add" if head == "+" else "d__mul"
                proof = f"({lemma} {function(whole)} {function(right)} y__ _ _ {proof} {other})"
                d = d + e if head == "+" else d * right + whole * e
                whole = Term((head, whole, right))
            return d, proof
        case ("^", base, n) if n:
            d, proof = of(base)
            pieces = f"{n} {n} {function(base)} y__ _ (num__ {n}) {proof}"
            return Term(("*", num(n), base ** (n - 1), d)), f"(d__pow {pieces})"
        case ("/", a, b) if a == UNIT:
            d, proof = of(b)
            return Term(("*", num(-1), d, Term(("^", term, 2)))), f"(d__inv {function(b)} y__ _ {nonzero(b)} {proof})"
        case ("/", a, b):
            return of(a * (1 / b))
        case ("f", "exp" | "log" | "sqrt" | "atan" | "erf" | "tanh" as f, t):
            d, proof = of(t)
            side = f" {positive(t)}" if f in ("log", "sqrt") else ""
            return OUTER[f](t) * d, f"(d__{FUNCTIONS[f]} {function(t)} y__ _{side} {proof})"
    raise UnsupportedError(term)


ODD = ("atan", "erf", "tanh")


@dataclass(frozen=True)
class Interval:
    """The interval low <= x__ <= high, or low < x__ <= high if `open`; an end that is None is infinite."""

    low: Fraction | None
    high: Fraction | None
    open: bool = False

    def bounds(self) -> list[str]:
        low = [] if self.low is None else [f"{number(self.low)} {'<' if self.open else '<='} x__"]
        return low if self.high is None else [*low, f"x__ <= {number(self.high)}"]

    def names(self) -> str:
        """The names of the hypotheses that state the bounds."""
        return ("l__ " if self.low is not None else "") + ("h__ " if self.high is not None else "")


class Equalities:
    """Lemmas for x__ in the interval `whole`, where the domain is known; their names contain `number` and so stay distinct."""

    def __init__(self, number: int, variable: str, whole: Interval) -> None:
        self._terms = RocqTerms(Context(symbols={variable: "const"}))
        self._terms.identifiers[variable] = "x__"
        self.forms = Forms(variable)
        self.term, self.normal = self.forms.term, self.forms.polynomial
        self.name = variable
        self.whole = whole
        self.domain: list[str] = []  # lemmas that state 0 < sign * Q
        self.lemmas: list[str] = []
        self._prefix = number
        self._equal: dict[tuple[str, str, Interval], str] = {}

    # Text

    def text(self, term: Term) -> str:
        return self._terms.show(term, self._terms.atom_text, as_written=True)

    def new(self, statement: str, where: Interval, body: str) -> str:
        """Add a lemma for all x__ of the interval and return its name."""
        name = f"ball__{self._prefix}_{len(self.lemmas)}"
        arrows = " -> ".join([*where.bounds(), statement])
        self.lemmas.append(f"Lemma {name} (x__ : R) : {arrows}.\nProof. intros {where.names()}. {body} Qed.")
        return name

    @staticmethod
    def at(name: str, where: Interval, point: str = "x__") -> str:
        """The lemma applied at a point that linear arithmetic can place in the interval."""
        return f"({name} {point}{' ltac:(lra)' * len(where.bounds())})"

    # Equalities

    def equal(self, left: Term, right: Term, where: Interval) -> str:
        """The name of a lemma which states that text(left) = text(right) on the interval."""
        texts = self.text(left), self.text(right)
        key = (*texts, where)
        if key not in self._equal:
            body = "reflexivity." if texts[0] == texts[1] else self._by_field(left, right, where)
            self._equal[key] = self.new(f"{texts[0]} = {texts[1]}", where, body)
        return self._equal[key]

    def _by_field(self, left: Term, right: Term, where: Interval) -> str:
        script = ""
        functions = {self.text(f): f for f in [*_outer(left), *_outer(right)]}
        for text in sorted(functions, key=len, reverse=True):  # a function nested in another one comes after it
            canonical = self.term(self.normal(functions[text]))
            if text != self.text(canonical):
                script += f"rewrite ?{self.at(self._function(functions[text], canonical, where), where)}. "
        left, right = self._canonical(left), self._canonical(right)
        facts, squares = self.facts([left, right])
        powers, positive = self._powers([left, right])
        with_squares = f" [{' '.join(squares)}]" if squares else ""
        equalities = [f"assert ({name} : {statement}). {{ {proof} }} " for name, (statement, proof) in powers.items()]
        close = f"first [reflexivity | ring{with_squares} | field{with_squares}; repeat split; nonzero__]."
        return f"{script}{facts}{positive}{''.join(equalities)}{_rewritten(powers)}{close}"

    def _canonical(self, term: Term) -> Term:
        """The term with every function in normal form."""
        if term[0] == "f":
            return self.term(self.normal(term))
        return Term(self._canonical(t) if isinstance(t, Term) else t for t in term)

    def _function(self, f: Term, canonical: Term, where: Interval) -> str:
        """A lemma f(t) = N(f(t)) from t = N(t), where f is applied to a number or f(-p) = -f(p) is used if needed."""
        argument = self.normal(f[2])
        inner = self.term(argument)
        moved = ""
        if self.text(inner) != self.text(f[2]):
            moved = f"rewrite {self.at(self.equal(f[2], inner, where), where)}. "
        if self.text(fn(f[1], inner)) == self.text(canonical):
            proof = "reflexivity."
        elif canonical[0] == "q":
            proof = f"exact (sym__ {FUNCTIONS[f[1]]}__{as_number(argument)})."
        elif f[1] in ODD and canonical[0] == "*" and canonical[1] == num(-1):
            positive = canonical[2][2]
            proof = f"rewrite {self.at(self.equal(inner, -positive, where), where)}. exact (odd__{f[1]} {self.text(positive)})."
        else:
            raise UnsupportedError(f)
        return self.new(f"{self.text(f)} = {self.text(canonical)}", where, f"{moved}{proof}")

    # Known facts

    def facts(self, terms: list[Term]) -> tuple[str, list[str]]:
        """Tactics that state the signs of the terms' denominators and radicands, and the names of facts sqrt(Q) * sqrt(Q) = Q."""
        script = "pose proof PI_RGT_0 as P__. "
        if any(contains(t, self.name) for t in terms):
            for n, name in enumerate(self.domain):
                script += f"pose proof {self.at(name, self.whole)} as D{n}__. "
        squares: list[str] = []
        parts = [p for t in terms for p in subterms(t)]
        functions = {self.text(p): p for p in parts if p[0] == "f"}
        for n, f in enumerate(functions.values()):
            inner = self.text(f[2])
            if f[1] == "sqrt" and self.forms.positive(self.normal(f[2])):
                positive = "lra" if contains(f[2], self.name) else f"first [lra | {numerical(inner, 80)}]"
                script += f"assert (S{n}__ : 0 < {inner}) by {positive}. pose proof (sqrt_lt_R0 _ S{n}__) as T{n}__. "
                script += f"pose proof (sqrt_sqrt _ (Rlt_le _ _ S{n}__)) as R{n}__. "
                squares.append(f"R{n}__")
            if f[1] == "exp":
                script += f"pose proof (exp_pos {inner}) as S{n}__. "
        with_squares = f" [{' '.join(squares)}]" if squares else ""
        for n, f in enumerate(functions.values()):
            if f[1] == "atan" and any(p[0] == "/" for p in parts):
                one = 1 + f[2] ** 2
                normal = self.text(self.term(self.normal(one)))
                script += f"assert (A{n}__ : 0 < {self.text(one)}) by (pose proof (pow2_ge_0 {self.text(f[2])}); lra). "
                same = f"field{with_squares}; repeat split; nonzero__"
                script += f"assert (B{n}__ : 0 < {normal}) by (replace {normal} with {self.text(one)} by ({same}); exact A{n}__). "
        signed: set[str] = set()
        for b in [p[2] for p in parts if p[0] == "/"]:
            text = self.text(b)
            if contains(b, self.name) or b[0] == "q" or text in signed:
                continue
            signed.add(text)
            sign = "0 <" if self.forms.decided(self.normal(b), True) else "0 > "
            script += f"assert ({sign} {text}) by {numerical(text, 80)}. "
        return script, squares

    def _powers(self, terms: list[Term]) -> tuple[dict[str, tuple[str, str]], str]:
        """Proved equalities that write each exp(p) in powers of exp(m/D), m being the monomials of all such p; and exp(m/D) > 0."""
        exponents = {self.text(p): self.normal(p[2]) for t in terms for p in subterms(t) if p[:2] == ("f", "exp")}
        scales: dict[Any, int] = {}
        for p in exponents.values():
            for m, c in p.items():
                scales[m] = lcm(scales.get(m, 1), c.denominator)
        only = list(exponents.values())
        if len(only) == 1 == len(scales) and list(only[0].values()) == [Fraction(1, s) for s in scales.values()]:
            return {}, ""
        powers: dict[str, tuple[str, str]] = {}
        positive = ""
        for text, p in exponents.items():
            bases = [(self.text(self.term({m: Fraction(1, scales[m])})), int(c * scales[m])) for m, c in p.items()]
            summands = [f"({n}) * {base}" for base, n in bases]
            factors = [f"exp {base} ^ {n}" if n > 0 else f"(/ exp {base}) ^ {-n}" for base, n in bases]
            lemmas = [f"(exp__{'up' if n > 0 else 'down'} ({n}) {abs(n)} {base} eq_refl)" for base, n in bases]
            whole = self.text(self.term(p))
            if f"(exp {whole})" != text:
                raise UnsupportedError(text)
            proof = f"replace {whole} with ({' + '.join(summands)}) by (field; repeat split; nonzero__). rewrite ?exp_plus. "
            proof += f"rewrite {', '.join(lemmas)}. reflexivity."
            positive += "".join(f"pose proof (exp_pos {base}). " for base, _ in bases)
            if factors != [f"exp {whole} ^ 1"]:
                powers[f"X{len(powers)}__"] = f"exp {whole} = {' * '.join(factors)}", proof
        return powers, positive

    # Numbers

    def sign(self, value: Polynomial, strict: bool) -> str:
        """A tactic that proves 0 <= text(term(value)), or 0 < .. if `strict`, for a number."""
        if not self.forms.decided(value, strict):
            raise ProofError("the sign of a number is not shown")
        return "lra" if set(value) <= {ONE} else numerical(self.text(self.term(value)), 300)


def numerical(text: str, bits: int, bisected: str = "") -> str:
    """A tactic that proves a numerical relation by balls; erf and psi become integrals there, and erf's limit a number near 1."""
    outside = "psi__out; " * ("(psi " in text) + "top__out; " * ("erf__top" in text) + "erf__out; " * ("(erf " in text)
    return f"({outside}interval with ({bisected}i_prec {bits}))"


def _rewritten(powers: dict[str, Any]) -> str:
    """A script that substitutes the powers in the goal and in the hypotheses."""
    if not powers:
        return ""
    names = ", ".join(f"?{name}" for name in powers)
    return f"repeat match goal with H : 0 < ?u |- _ => progress rewrite {names} in H end. rewrite {names}. "


def subterms(term: Term) -> list[Term]:
    """The term and all its subterms, each before its own subterms."""
    return [term, *(p for t in term if isinstance(t, Term) for p in subterms(t))]


def _outer(term: Term) -> list[Term]:
    """The outermost functions of a term, those that no other function contains."""
    return [term] if term[0] == "f" else [f for t in term if isinstance(t, Term) for f in _outer(t)]


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
        equal = self.lemmas.equal(self.lemmas.term(phi), whole, Interval(self.start, None))
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
                return f"(lim__decay A__ {k} {self._lead(n, q)})", "0"
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

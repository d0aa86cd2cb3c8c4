"""Theory 8: facts about the shipped unimodal noise laws.

They are inequalities in one variable, which `sdescent.derive.proof.search.one_variable` proves.

Let R(x) = 2F(x) - 1 and a = R(1). For x >= 0, F is concave, F'(x) <= F'(0), x R(x) >= a (x - 1/4), R(x) >= a min(1, x) and
R(x) >= a x/(1 + x). R comes from `Law.branches`. The number a stays the term R(1), since it may be transcendental. The grammar has
no min, so a fact is stated on each side of a kink of R or of min(1, x).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction

from sdescent.derive.methods.noise import Cauchy, Gaussian, Laplace, Law, Logistic, StudentT, Uniform
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, plus, substitute, times, x
from sdescent.derive.proof.search.one_variable import find
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem

NAME = "x"
VARIABLE = x(NAME)
CONTEXT = Context({NAME: "const"})
#: name in a spec -> law
LAWS: Mapping[str, Law] = {
    "gaussian": Gaussian(), "laplace": Laplace(), "logistic": Logistic(), "cauchy": Cauchy(),
    **{f"student-t:{nu}": StudentT(nu) for nu in range(2, 11)}, "uniform": Uniform(),
}  # fmt: skip
_FUNCTIONS: Mapping[Any, str] = {sp.erf: "erf", sp.tanh: "tanh", sp.atan: "atan", sp.exp: "exp", sp.log: "log"}


@dataclass(frozen=True)
class Branch:
    """R on [low, high]; None for `high` means +oo."""

    sign_mean: Term
    low: Fraction
    high: Fraction | None


@dataclass(frozen=True)
class Bound:
    """A fact about a law: `claim` holds for low <= x <= high. `short` abbreviates functions in the claim."""

    law: str
    fact: str
    claim: Relation
    low: Fraction
    high: Fraction | None
    short: Mapping[Term, str]

    @property
    def term(self) -> Term:
        """The term whose nonnegativity the claim states."""
        return self.claim.slack

    def proof(self, seconds: float = 2.0) -> dict[str, Any] | None:
        """The fields of a ball step that proves the claim, or None."""
        return find(self.term, NAME, self.low, self.high, False, seconds)


def branches(law: str) -> list[Branch]:
    """R of a law in the units of `sdescent.derive.methods.noise`.

    SymPy does not evaluate the formula, so that a certificate has the formula of the law's file under every version of SymPy.
    """
    with sp.evaluate(False):
        pieces = LAWS[law].branches(sp.Symbol(NAME, real=True))
    return [Branch(as_written(e), Fraction(low), None if high is None else Fraction(high)) for e, low, high in pieces]


def as_written(e: sp.Basic) -> Term:
    """An expression as a term, node by node. A product with an inverse becomes a quotient, a rational power a root or exp(n log x).

    Raises ValueError if the grammar of terms lacks a part of the expression.
    """
    if isinstance(e, sp.Rational):
        return num(Fraction(int(e.p), int(e.q)))
    if e is sp.pi:
        return Term(("pi",))
    if isinstance(e, sp.Symbol):
        return x(e.name)
    if isinstance(e, sp.Pow) and e.exp.is_Rational:
        return _power(as_written(e.base), Fraction(int(e.exp.p), int(e.exp.q)))
    if isinstance(e, sp.Pow):
        return fn("exp", as_written(e.exp) * fn("log", as_written(e.base)))
    if isinstance(e, sp.Add):
        return plus(*map(as_written, e.args))
    if isinstance(e, sp.Mul):
        *rest, last = e.args
        if isinstance(last, sp.Pow) and last.exp == -1 and len(rest) == 1:
            return as_written(rest[0]) / as_written(last.base)
        return times(*map(as_written, e.args))
    if (name := _FUNCTIONS.get(e.func)) is not None:
        return fn(name, as_written(e.args[0]))
    if isinstance(e, HyperbolicFunction):
        return as_written(e.rewrite(sp.exp))
    if isinstance(e, (sp.asin, sp.erfc)):
        return as_written(e.rewrite(sp.atan if isinstance(e, sp.asin) else sp.erf))
    raise ValueError(f"{e} is not a term of the proof grammar")


def _power(base: Term, n: Fraction) -> Term:
    if n < 0:
        return 1 / _power(base, -n)
    if n.denominator == 1:
        return base ** int(n)
    if n.denominator == 2:
        return fn("sqrt", base) if n.numerator == 1 else fn("sqrt", base) ** n.numerator
    return fn("exp", num(n) * fn("log", base))


def at_one(law: str) -> Term:
    """R(1)."""
    return substitute(branches(law)[0].sign_mean, NAME, num(1))


def bounds(law: str) -> list[Bound]:
    """All facts of theory 8 about a law, on each side of a kink of R or of min(1, x).

    Concavity and the bound on the slope are claimed inside each branch of R. At a kink of R (uniform law, x = 1) the slope falls.
    """
    pieces = branches(law)
    a = substitute(pieces[0].sign_mean, NAME, num(1))
    peak = substitute(_slope(pieces[0].sign_mean), NAME, num(0))
    facts: list[Bound] = []
    for branch in pieces:
        R = branch.sign_mean
        slope = _slope(R)
        bend = _slope(slope)
        value = {R: "R(x)", a: "R(1)"}
        claims = [
            ("concave", bend.le(0), {bend: "R''(x)"}),
            ("slope", slope.le(peak), {slope: "R'(x)", peak: "R'(0)"}),
            ("product", (a * (VARIABLE - Fraction(1, 4))).le(VARIABLE * R), value),
            ("hyperbola", (a * VARIABLE / (1 + VARIABLE)).le(R), value),
        ]
        facts += [Bound(law, fact, claim, branch.low, branch.high, _letters(short)) for fact, claim, short in claims]
        if branch.low < 1:
            facts.append(Bound(law, "minimum", (a * VARIABLE).le(R), branch.low, Fraction(1), _letters(value)))
        if branch.high is None:
            facts.append(Bound(law, "minimum", a.le(R), max(branch.low, Fraction(1)), None, _letters(value)))
    return facts


def _letters(value: Mapping[Term, str]) -> Mapping[Term, str]:
    """The abbreviations without those of numbers and of x."""
    return {t: letter for t, letter in value.items() if t[0] not in ("q", "x")}


def _slope(t: Term) -> Term:
    """dt/dx, where every root in t is a root of nu + x^2."""
    forms = Forms(NAME)
    for nu in range(2, 11, 2):
        forms.learn(forms.polynomial(nu + VARIABLE**2), 1)
    return forms.term(forms.derivative(forms.polynomial(t)))


TITLE = {
    "concave": "concavity", "slope": "slope at the origin", "product": "a line below x times R",
    "hyperbola": "a hyperbola below R", "minimum": "a ramp below R",
}  # fmt: skip
PLACE = {(Fraction(0), Fraction(1)): ", up to 1", (Fraction(1), None): ", from 1 on"}


def assumptions(bound: Bound) -> dict[str, Relation]:
    """low <= x <= high."""
    interval = {"low": VARIABLE.ge(bound.low)}
    return interval if bound.high is None else {**interval, "high": VARIABLE.le(bound.high)}


def entry(number: int, bound: Bound) -> Theorem:
    def prove(w: Derivation) -> Fact:
        premises = [w[name] for name in assumptions(bound)]
        fact = w.prover.analysis(bound.term, NAME, VARIABLE, bound.low, bound.high, premises=premises)
        return w.step(bound.fact, fact)

    law = bound.law.replace("student-t:", "Student-t, ν = ")
    return Theorem(
        id=f"8-{bound.law.replace(':', '-')}-{number}",
        title=f"{law[0].upper() + law[1:]} noise: {TITLE[bound.fact]}{PLACE.get((bound.low, bound.high), '')}",
        source="elementary",
        claim=bound.claim,
        short=bound.short,
        context=CONTEXT,
        assumptions=assumptions(bound),
        point={VARIABLE: bound.low if bound.high is None else (bound.low + bound.high) / Fraction(2)},
        prove=prove,
        evidence=(Evidence("law"),),
    )


CATALOGUE_LAWS = tuple(law for law in LAWS if not law.startswith("student-t") or law in ("student-t:3", "student-t:4"))
ENTRIES: tuple[Theorem | Refutation, ...] = tuple(
    entry(n, bound) for law in CATALOGUE_LAWS for n, bound in enumerate(bounds(law), 1)
)

"""Theory 8: facts about the shipped unimodal noise laws, by the analysis of one variable (`derive.theorems.facts.law_bounds` states them)."""

from __future__ import annotations

from fractions import Fraction

from derive.proof.kernel.rules import Fact
from derive.proof.language.context import Context
from derive.proof.language.terms import Relation, x
from derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from derive.theorems.facts.law_bounds import LAWS, Bound, bounds

CONTEXT = Context({"x": "const"})
VARIABLE = x("x")
TITLES = {
    "gaussian": "Gaussian",
    "cauchy": "Cauchy",
    "laplace": "Laplace",
    "logistic": "logistic",
    "uniform": "uniform",
}

SAID = {
    "concave": r"$R''\le0$",
    "slope": r"$R'(x)\le R'(0)$",
    "product": r"$x\,R(x)\ge a\left(x-\frac14\right)$",
    "hyperbola": r"$R(x)\ge\frac{a\,x}{1+x}$",
    "minimum": r"$R(x)\ge a\min(1,x)$",
}

TITLE = {
    "concave": "concavity",
    "slope": "slope at the origin",
    "product": "a line below x times R",
    "hyperbola": "a hyperbola below R",
    "minimum": "a ramp below R",
}
PLACE = {(Fraction(0), Fraction(1)): ", up to 1", (Fraction(1), None): ", from 1 on"}


def assumptions(bound: Bound) -> dict[str, Relation]:
    """low <= x <= high."""
    found = {"low": VARIABLE.ge(bound.low)}
    return found if bound.high is None else {**found, "high": VARIABLE.le(bound.high)}


def entry(number: int, bound: Bound) -> Theorem:
    def prove(w: Derivation) -> Fact:
        premises = [w[name] for name in assumptions(bound)]
        fact = w.prover.analysis(bound.term, "x", VARIABLE, bound.low, bound.high, premises=premises)
        return w.step(bound.fact, fact)

    law = TITLES.get(bound.law, bound.law.replace("student-t:", "Student-t, ν = "))
    in_tex = law.replace("ν", r"$\nu$")
    return Theorem(
        id=f"8-{bound.law.replace(':', '-')}-{number}",
        title=f"{law[0].upper() + law[1:]} noise: {TITLE[bound.fact]}{PLACE.get((bound.low, bound.high), '')}",
        source="theory 8",
        statement=rf"With $R=2F-1$ of {in_tex} noise and $a=R(1)$: {SAID[bound.fact]} for $x\ge{bound.low}$"
        + ("." if bound.high is None else rf" and $x\le{bound.high}$."),
        context=CONTEXT,
        assumptions=assumptions(bound),
        point={VARIABLE: bound.low if bound.high is None else (bound.low + bound.high) / Fraction(2)},
        prove=prove,
        evidence=(Evidence("law"),),
    )


SHOWN = tuple(law for law in LAWS if not law.startswith("student-t") or law in ("student-t:3", "student-t:4"))
ENTRIES: tuple[Theorem | Refutation, ...] = tuple(
    entry(n, bound) for law in SHOWN for n, bound in enumerate(bounds(law), 1)
)

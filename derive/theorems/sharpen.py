"""The least constant for which a claim is certified, and a counterexample just below it.

A `StatedConstant` is a claim with a parameter c that is weaker for larger c. The claim is an inequality that a theorem states with
a number in place of c, or the inequality in its proof from which the number comes. `least` walks through the rationals with
denominators of at most 64 (`sdescent.derive.proof.search.mediants`). Each value is refuted at exact numbers or certified by the
kernel. If neither succeeds, the walk ends and the gap stays open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, num, xs
from sdescent.derive.proof.refute.counterexample import refute
from sdescent.derive.proof.refute.exact import Algebraic
from sdescent.derive.proof.search.certify import Prover
from sdescent.derive.proof.search.mediants import Tried, Walked, between
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.theorems.facts.laws import CATALOGUE_LAWS, CONTEXT, NAME, VARIABLE, at_one, branches

Certify = Callable[[Fraction, float], Fact]
Witness = Mapping[str, Fraction | Algebraic]
Refute = Callable[[Fraction, float], Witness | None]


@dataclass(frozen=True)
class StatedConstant:
    """A constant that `entry` states as `stated`. `certify` (or its ProofError) and `refute` judge values from 0 to `high`."""

    name: str
    entry: str
    stated: Fraction
    certify: Certify
    refute: Refute
    high: int = 8


@dataclass(frozen=True)
class Sharpened(Walked):
    """The least value of a constant: `proof` is a fact at `certified`; for `refuted`, unless None, the claim fails at `witness`."""

    constant: StatedConstant


def least(constant: StatedConstant, seconds: float = 2.0) -> Sharpened | None:
    """The least constant in [0, high] by certificates and counterexamples; None if an integer is undecided or all are refuted."""

    def judge(c: Fraction) -> Tried | None:
        if (witness := constant.refute(c, seconds / 8)) is not None:
            return Tried(False, witness)
        try:
            return Tried(True, constant.certify(c, seconds))
        except ProofError:
            witness = constant.refute(c, seconds)
            return None if witness is None else Tried(False, witness)

    below: tuple[Fraction | None, Witness] = None, {}
    for n in map(Fraction, range(constant.high + 1)):
        decision = judge(n)
        if decision is None:
            return None
        if decision.holds:
            walked = Walked(n, decision.by, *below, False)
            return Sharpened(**vars(walked if walked.refuted is None else between(judge, walked)), constant=constant)
        below = n, decision.by
    return None


def algebraic(
    name: str, entry: str, stated: str, claim: Callable[[Term], Relation], names: str, assume: tuple[Relation, ...] = ()
) -> StatedConstant:
    """A constant in an inequality between polynomials in the variables `names`."""
    letters = names.split()
    context = Context(dict.fromkeys(letters, "const"))

    def certify(c: Fraction, seconds: float) -> Fact:
        prover = Prover(context, seconds)
        return prover.have(claim(num(c)), *prover.assume(*assume))

    return StatedConstant(
        name, entry, Fraction(stated), certify, lambda c, s: refute(letters, assume, claim(num(c)), s)
    )


def chord(law: str, entry: str) -> StatedConstant:
    """The least c with x R(x) >= R(1) (x - c) for all x >= 0, for a law whose R = 2F - 1 is a single formula."""
    (branch,) = branches(law)
    at = VARIABLE

    def term(c: Fraction) -> Term:
        return at * branch.sign_mean - at_one(law) * (at - c)

    def certify(c: Fraction, seconds: float) -> Fact:
        prover = Prover(CONTEXT, seconds)
        return prover.analysis(term(c), NAME, at, 0, premises=prover.assume(at.ge(0)))

    def against(c: Fraction, seconds: float) -> Witness | None:
        return refute([NAME], [at.ge(0)], num(0).le(term(c)), seconds)

    return StatedConstant(f"the chord of {law} noise", entry, Fraction(1, 4), certify, against)


G, r, b, s, v, z, y, q = xs("G r b s v z y q")
CONSTANTS = (
    algebraic("Young's constant: G <= G^2 + c", "6.2-pathwise", "1/4", lambda c: G.le(G**2 + c), "G", (G.ge(0),)),
    algebraic("κ for the floor L₀ + L₁: G <= c G^2 + 1", "6.2-scheduled", "1/4", lambda c: G.le(c * G**2 + 1), "G", (G.ge(0),)),
    algebraic("the floor: y K_0 <= c K^2", "6.3-high-pathwise", "1/4", lambda c: (y * s).le(c * (y + s) ** 2), "y s", (y.ge(0), s.gt(0))),
    algebraic("ω of natural compression", "4-natural", "1/8", lambda c: ((r - 1) * (2 - r)).le(c * r**2), "r", (r.ge(1), r.le(2))),
    algebraic("the curvature of a sample", "8-logistic-regression", "1/4", lambda c: (b**2 * s * (1 - s)).le(c * b**2), "b s"),
    algebraic("L₀ of the quartic: 3 z^2 <= c + z^3", "8-quartic", "4", lambda c: (3 * z**2).le(c + z**3), "z", (z.ge(0),)),
    algebraic("the chord of uniform noise", "8-uniform-3", "1/4", lambda c: (v - c).le(v**2), "v", (v.ge(0), v.le(1))),
    algebraic("the threshold of growth, θ = 1: q >= c", "6.9-growth", "2", lambda c: ((q + c - 1) ** 2).ge(1), "q", (q.ge(0),)),
    *(chord(law, f"8-{law.replace(':', '-')}-3") for law in CATALOGUE_LAWS if law != "uniform"),
)  # fmt: skip


def sharpest(entry: Theorem | Refutation, seconds: float = 2.0) -> Sharpened | None:
    """The least value of the constant that an entry states; None if it states none, or if `least` locates none."""
    constants = [c for c in CONSTANTS if c.entry == entry.id]
    return least(constants[0], seconds) if constants else None

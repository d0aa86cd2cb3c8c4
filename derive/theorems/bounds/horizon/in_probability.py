"""Conclusions in probability from a bound on a step: sums that are finite almost surely, and bounds with high probability.

Almost surely: if E sum_(n<K) y_n <= C for every K, with y_n >= 0 and C without K, then sum_n y_n < oo almost surely, by monotone
convergence.

With high probability, for x' = x - a (g + Z) with noise that is bounded almost surely: let lam > 0 and

    X_n = (1/lam) log E[exp(lam (f(x_(n+1)) - f(x_n))) | F_n]      (the exponential change of f).

If X_n <= B_n in every step, with B_n known at the step, then M_n = exp(lam (f(x_n) - f(x_0) - sum_(m<n) B_m)) is a supermartingale with
M_0 = 1. So E M_K <= 1, and M_K >= 1/delta has at most the probability delta (Markov's inequality; Ville 1939 for all K at once).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import sympy as sp

from sdescent.derive.methods.compressors import Identity
from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Monomial, Normal, Polynomial
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, plus, under, x
from sdescent.derive.theorems.bounds.horizon.algebra import Comparison
from sdescent.derive.theorems.bounds.horizon.gronwall_and_telescoping import Conclusion
from sdescent.derive.theorems.bounds.kernel_context import Setting, relation_text, term_text
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import in_order, symbolic
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, replaced, symbols_of
from sdescent.derive.theorems.bounds.proving import ZERO, StepFailed, Weighted
from sdescent.derive.theorems.entry.instances import value
from sdescent.derive.theorems.entry.theorem import Member, Premise
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Source

ALMOST_SURELY, HIGH_PROBABILITY = "almost surely", "high probability"
#: "infinity" in a claim about a sum over all steps, and the probability with which a claim may fail
INFINITY, DELTA = x("oo"), x("delta")
#: the exponential change of f; M with its change, start and end; whether the claim fails
CHANGE = x("Xf_q")
M, CHANGE_OF_M, M_START, M_END = map(x, ("M_q", "AM_q", "M0_q", "MT_q"))
FAILS = x("fails_q")
#: M decreases in mean, so that E M_K <= 1, and the claim fails only where M_K >= 1/delta
DECREASE, MEAN, EVENT = CHANGE_OF_M.le(0), under("E", M_END).le(1), FAILS.le(DELTA * M_END)
SUPERMARTINGALE_FACTS = (DECREASE, MEAN, EVENT)
#: the names of the facts of which the exponential supermartingale consists
EXPONENTIAL_DESCENT, SUPERMARTINGALE = "exponential change of f", "exponential supermartingale"


@dataclass(frozen=True)
class Tail:
    """A claim with high probability.

    Args:
        exponent: lam.
        bound: B, the bound on the exponential change.
        claim: the claim on a path, with a symbol for each sum over the path.
        sums: the summands -> their symbols.
        total: the sum of B over the path.
    """

    exponent: Term
    bound: Term
    claim: Relation
    sums: Mapping[Term, Term]
    total: Term

    @property
    def conclusion(self) -> Relation:
        """P(the claim fails) <= delta."""
        return under("E", FAILS).le(DELTA)

    @property
    def growth(self) -> Term:
        """log M_K."""
        return self.exponent * (nm.fT - nm.f0 - self.total)


def tail_of(setting: Setting, exponent: Term, step: Relation, claim: Relation) -> Tail:
    """The claim and the bound on a step, with symbols for sums over the path.

    Raises:
        BadInput: the method is not x' = x - a G with bounded noise, or a smoothness or a constant is missing.
    """
    classes, method = setting.hypotheses.classes, setting.method
    plain = method.plain and isinstance(method.compressor, Identity) and setting.mean == nm.GRADIENT
    if not (plain and setting.steps and setting.any_noise and set(setting.potentials) == {"f"}):
        accepted = 'V = "f - fstar" and a method x = x - eta*G without compression, with noise = "any"'
        raise BadInput("conclude", HIGH_PROBABILITY, accepted)
    smooth = setting.hypotheses.smoothness
    if smooth is None or smooth[1] != ZERO or "bounded noise" not in classes:
        raise BadInput("conclude", HIGH_PROBABILITY, 'the assumptions "smooth: L" and "bounded noise: s"')
    if DELTA[1] not in setting.context.symbols:
        raise BadInput("conclude", HIGH_PROBABILITY, "a claim with delta, the probability with which it may fail")
    normal, sums = Normal(setting.context), dict[Term, Term]()

    def summed(t: Term) -> Term:
        parts: list[Term] = []
        for varying, share in by_varying(normal, t).items():
            summand = {varying: Fraction(1)}
            if "w" in normal.depends(summand):
                symbol = sums.setdefault(normal.term(summand), x(f"S{len(sums) + 1}_q"))
                parts.append(normal.term(share) * symbol)
            else:
                parts.append(normal.term(share) * under("I", normal.term(summand)))
        return plus(*parts)

    def along(t: Term) -> Term:
        if t[0] == "I":
            return summed(t[1])
        return Term(along(a) if isinstance(a, Term) else a for a in t)

    bound = replaced(step.right - step.left, {CHANGE: ZERO})
    on_path = Relation((claim.op, along(claim.left), along(claim.right)))
    means = any(p[0] in ("E", "EI") for p in parts_of(on_path))
    if means or not sums:
        accepted = "sums over the path, such as sum(G^2), in a claim with high probability"
        raise BadInput("claim", "a mean" if means else "no sum over the path", accepted)
    return Tail(exponent, bound, on_path, sums, summed(bound))


def by_varying(normal: Normal, t: Term) -> dict[Monomial, Polynomial]:
    """A term by its products of what varies with the outcome or the time, with polynomials in constants as coefficients."""
    table: dict[Monomial, Polynomial] = {}
    for m, c in normal.polynomial(t).items():
        varying = tuple(f for f in m if normal.depends({(f,): Fraction(1)}))
        table.setdefault(varying, {})[tuple(f for f in m if f not in varying)] = c
    return table


def exponential(setting: Setting, tail: Tail) -> Setting:
    """The setting with the exponential supermartingale and the event that the claim fails."""
    step, noise = -setting.context.potentials["f"]["mean"][0][0], setting.hypotheses.classes["bounded noise"][0]
    assert setting.hypotheses.smoothness is not None
    smooth = setting.hypotheses.smoothness[0]
    clients, lam = setting.clients, tail.exponent
    # f' - f <= -a G^2 + (L a^2/2)(G^2 + s^2) - a (1 - L a) <g, Z>, and Hoeffding's lemma for <g, Z>, the mean of N bounded terms;
    # lam > 0 implies that what cancels here is not 0
    spread = symbolic(lam * step**2 * (1 - smooth * step) ** 2 * noise**2 / (2 * clients))
    names = list(setting.context.symbols)
    letters = {s: x(s.name) for s in spread.free_symbols if isinstance(s, sp.Symbol)}
    descent = (
        -step * nm.G**2
        + smooth / 2 * step**2 * (nm.G**2 + noise**2)
        + in_order(sp.factor(spread), letters, names) * nm.G**2
    )
    relations: dict[Source, dict[str, Relation]] = {
        Source.LITERATURE: {EXPONENTIAL_DESCENT: CHANGE.le(descent)},
        Source.CONCLUSION: {"delta > 0": DELTA.gt(0)},
        Source.METHOD: {
            "M > 0": M.gt(0), "fails >= 0": FAILS.ge(0), "fails <= 1": FAILS.le(1),
            "the claim fails": (FAILS * (tail.claim.left - tail.claim.right)).ge(0),
            f"change of the {SUPERMARTINGALE}": CHANGE_OF_M.le(M * (fn("exp", lam * (CHANGE - tail.bound)) - 1)),
            f"{SUPERMARTINGALE} at the start": M_START.eq(1),
            f"{SUPERMARTINGALE} at the end": fn("exp", tail.growth).le(M_END),
        },
    }  # fmt: skip
    kinds = {
        **{t[1]: "random" for t in (CHANGE, M, CHANGE_OF_M)}, M_START[1]: "const",
        **{t[1]: "rv" for t in (M_END, FAILS, *tail.sums.values())},
    }  # fmt: skip
    context = replace(
        setting.context, symbols={**setting.context.symbols, **kinds},
        potentials={**setting.context.potentials, M[1]: {"change": CHANGE_OF_M[1], "end": M_END[1], "start": M_START[1]}},
    )  # fmt: skip
    words = {symbol: x(f"sum({term_text(setting, t)})") for t, symbol in tail.sums.items()}
    words |= {CHANGE: x(EXPONENTIAL_DESCENT), M: x("M"), CHANGE_OF_M: x("change of M"), M_START: x("M_0")}
    words |= {M_END: x("M_K"), FAILS: x("fails")}
    assumptions, sources = dict(setting.assumptions), dict(setting.sources)
    for source, each in relations.items():
        assumptions |= each
        sources |= dict.fromkeys(each, source)
    return replace(setting, context=context, assumptions=assumptions, sources=sources, words=words)


def with_tail(point: Mapping[Term, Fraction], tail: Tail, setting: Setting) -> dict[Term, Fraction]:
    """A point of the plain setting with values for what `exponential` adds, in which nothing fails."""
    numbers = {**point, **dict.fromkeys(tail.sums.values(), Fraction(0)), DELTA: Fraction(1, 2)}
    growth = max(Fraction(value(tail.growth, numbers)), Fraction(0))
    descent = setting.assumptions[EXPONENTIAL_DESCENT].right
    return {
        **numbers, CHANGE: Fraction(value(descent, numbers)), M: Fraction(1), CHANGE_OF_M: Fraction(-1), M_START: Fraction(1),
        M_END: Fraction(3) ** ceil(growth), FAILS: Fraction(0),
    }  # fmt: skip


def spoken(conclude: str, setting: Setting, claim: Relation, proved: Relation) -> str:
    """What is proved, in the notation of a theorem file.

    Args:
        claim: the claim as its author reads it.
        proved: the claim of the certificate, which is another one for a claim in probability.
    """
    if conclude == HIGH_PROBABILITY:
        return f"with probability at least 1 - delta: {relation_text(setting, claim)}"
    said = relation_text(setting, proved)
    return (
        f"almost surely {relation_text(setting, claim)}, since {said} for every K"
        if conclude == ALMOST_SURELY
        else said
    )


class InProbability(Conclusion):
    """A proof in progress that leads to a conclusion in probability."""

    def almost_surely(self, v: Weighted, drift: Fact, summand: Term) -> Fact:
        """E sum m y <= C for every horizon, where m y >= 0 is what the bound on a step subtracts and C does not depend on the horizon.

        Raises:
            ProofError: an assumption is about one horizon, a sum of the schedule has no bound, or the bound on a step does not
                subtract a positive multiple of y.
        """
        w, k, normal = self.w, self.k, self.k.normal
        for name, r in self.setting.assumptions.items():
            if self._of_one_horizon(name, r):
                raise ProofError(f"{name} is about one horizon, and the sum is over all steps")
        concluded = self.summable(v, drift)
        drop, growth, floor = (concluded.data[name] for name in ("drop", "growth", "floor"))
        ours, theirs = self._lead(summand, drop)
        if normal.polynomial(summand * theirs) != normal.polynomial(drop * ours):
            said = term_text(self.setting, drop)
            raise ProofError(f"the bound on a step subtracts {said}, which is no multiple of the summand")
        self.show("a positive multiple of the summand", ZERO.lt(ours * theirs))
        for fact in self._ends():
            self.branch.add(fact)
        level, low = concluded.premises[0].claim.left, self.below(v)[0]
        (most, grows), (rise, rises) = self._for_every_horizon(growth), self._for_every_horizon(floor)
        start = self.show("V_0 is above the lower bound", level.le(v.start))
        rising = k.monotone("I", concluded.premises[3])
        bound = level - low + fn("exp", most) * (v.start - level + rise)
        claim = under("EI", drop).le(normal.term(normal.polynomial(bound)))
        if self._has_horizon(claim):
            raise ProofError(f"the bound {relation_text(self.setting, claim)} depends on the horizon")
        members: list[Member] = [concluded, self._last(v, low), rises]
        if normal.polynomial(growth):
            factor = k.function("monotone:exp", [under("I", growth), most], [grows])
            members[2:] = [[factor, start], [factor, rising], [k.function("exp_positive", [most]), rises]]
        return w.combine("the sum over all steps", claim, members)

    def _of_one_horizon(self, name: str, relation: Relation) -> bool:
        """Whether an assumption that holds for one number of steps need not hold for another."""
        ends = {p.end for p in self.setting.potentials.values()}
        late = any(p in ends or p[0] in ("E", "EI") for p in parts_of(relation))
        return (late and name in self.setting.formulas) or (name != "horizon >= 0" and self._has_horizon(relation))

    def _has_horizon(self, relation: Relation) -> bool:
        normal = self.k.normal
        sides = tuple(normal.term(normal.polynomial(side)) for side in relation[1:])
        return self.setting.horizon[1] in symbols_of(sides)

    def _lead(self, *terms: Term) -> list[Term]:
        """The coefficient of the first varying monomial of the first term, in each of the terms."""
        normal = self.k.normal
        tables = [by_varying(normal, t) for t in terms]
        lead = min(tables[0], key=lambda m: (len(m), m), default=())
        return [normal.term(table.get(lead, {})) for table in tables]

    def _for_every_horizon(self, t: Term) -> tuple[Term, Fact]:
        """(C, the fact that the sum of t over the steps is <= C), from assumed bounds on sums such as sum(u^2) <= A."""
        normal, bounds, members = self.k.normal, list[Term](), list[Member]()
        for m, c in normal.polynomial(under("I", t)).items():
            of_sum = tuple(f for f in m if normal.key_of(f[0])[0] == "I")
            factor = normal.term({tuple(f for f in m if f not in of_sum): c})
            for name in self.setting.formulas:
                r = self.setting.assumptions[name]
                left = normal.polynomial(r.left)
                if of_sum and list(left) == [of_sum] and left[of_sum] > 0 and r.op in ("<=", "<"):
                    bounds.append(factor * r.right / num(left[of_sum]))
                    sign = self.weight_sign(factor, "the factor of a sum")
                    members.append((c / left[of_sum], name) if sign is None else (1 / left[of_sum], [sign, name]))
                    break
            else:
                summed = term_text(self.setting, under("I", normal.term({m: c}) if not of_sum else t))
                raise ProofError(
                    f"nothing bounds {summed} for every number of steps: assume a bound such as sum(u^2) <= A"
                )
        most = plus(*bounds)
        return most, self.w.combine("a bound for every horizon", under("I", t).le(most), members)

    def with_high_probability(self, tail: Tail, step: Relation) -> Fact:
        """P(the claim fails) <= delta, from a bound on the exponential change of f."""
        w, k, lam = self.w, self.k, tail.exponent
        descent = w[EXPONENTIAL_DESCENT]
        left = self.show("the claim about the bound", descent.claim.right.le(tail.bound))
        drift = w.combine("the claim", step, [left, descent])
        positive = self.show("the exponent is positive", ZERO.lt(lam))
        below = w.combine("the exponent of the change", (lam * (CHANGE - tail.bound)).le(ZERO), [[positive, drift]])
        factor = k.function("monotone:exp", [lam * (CHANGE - tail.bound), ZERO], [below])
        decrease = w.combine(
            f"the {SUPERMARTINGALE} decreases in mean",
            DECREASE,
            [["M > 0", factor], f"change of the {SUPERMARTINGALE}"],
        )
        moved = w.step("the sum of the changes", k.telescope([(num(1), M[1])], [w["M > 0"]]))
        members = [moved, w.step("sum up", k.monotone("EI", decrease))]
        whole = w.combine(f"the mean of the {SUPERMARTINGALE}", MEAN, members, [f"{SUPERMARTINGALE} at the start"])
        fails = w.combine("where the claim fails", EVENT, *self._where_it_fails(tail))
        mean = w.step("in the mean", k.monotone("E", fails))
        return w.combine("with high probability", tail.conclusion, [mean, ["delta > 0", whole]])

    def _where_it_fails(self, tail: Tail) -> tuple[list[Member], list[tuple[Term, Premise] | Premise]]:
        """Members and equalities that give fails <= delta M_K: exp(z) >= 1 + z with z = log(delta M_K), and fails z >= 0."""
        w, k, growth = self.w, self.k, tail.growth
        z, log_of = growth + fn("log", DELTA), k.function("exp_log", [DELTA], [w["delta > 0"]])
        at_end, sum_of = f"{SUPERMARTINGALE} at the end", k.function("exp_add", [growth, fn("log", DELTA)])
        variable = x("z_q")
        tangent = w.step("exp(z) >= 1 + z", w.prover.analysis(fn("exp", variable) - 1 - variable, variable[1], z))
        members: list[Member] = [
            ["delta > 0", at_end], ["fails <= 1", k.function("exp_positive", [z])], ["fails >= 0", tangent], self._exceeds(tail, z),
        ]  # fmt: skip
        return members, [(num(1), sum_of), (fn("exp", growth), log_of)]

    def _exceeds(self, tail: Tail, z: Term) -> Fact:
        """fails z >= 0, since the claim fails only where z > 0."""
        w, claim = self.w, ZERO.le(FAILS * z)
        for relation in (claim, tail.claim):
            self.domain.missing(relation)
            self._units(relation)
        plain = [*filter(self._about_constants, self.branch.facts), w["fails >= 0"], self._logarithm()]
        constants = Branch(self.k, self.branch.deadline, plain)
        symbols = {nm.fT[1], *(t[1] for t in tail.sums.values())}
        event, signs = w["the claim fails"], [w["f >= f* at the end"]]
        comparison = Comparison(constants, claim, event, signs, lambda r: constants.show(r, 1.0), symbols)
        for multiple in comparison.multiples():
            proof = comparison.proof(multiple, lambda r: constants.show(r, 1.0))
            if proof is not None:
                return w.step("the claim holds where M_K <= 1/delta", proof)
        raise StepFailed("the claim where the supermartingale is at most 1/delta", tail.claim)

    def _logarithm(self) -> Fact:
        """0 <= log(delta) + log(1/delta)."""
        w, k = self.w, self.k
        unit = k.inverse(DELTA, w["delta > 0"])
        positive = w.combine("1/delta > 0", ZERO.lt(1 / DELTA), [1], [(-1, unit)], ["delta > 0"])
        one = w.combine("delta (1/delta) = 1", num(1).le(DELTA * (1 / DELTA)), [], [(-1, unit)])
        rising = k.function(
            "monotone:log", [num(1), DELTA * (1 / DELTA)], [k.certify(ZERO.lt(1), sum=[(Fraction(1), (), ())]), one]
        )
        product = k.function("log_mul", [DELTA, 1 / DELTA], [w["delta > 0"], positive])
        return w.combine(
            "log(1/delta) = -log(delta)", ZERO.le(fn("log", DELTA) + fn("log", 1 / DELTA)), [rising], [product]
        )

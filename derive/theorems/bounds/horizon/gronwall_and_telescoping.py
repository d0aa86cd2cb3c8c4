"""Conclusions at the horizon from a bound on a step: sums of changes, Gronwall's inequality, and the claims that follow."""

from collections.abc import Sequence
from fractions import Fraction

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, fn, norm, plus, vec, x
from sdescent.derive.theorems.bounds.horizon.algebra import MEANS, Comparison
from sdescent.derive.theorems.bounds.kernel_context import Potential
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import at_the_end, at_the_start
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, replaced
from sdescent.derive.theorems.bounds.proving import BELOW_ONE, ONE, QUICK, UNIT, ZERO, Bound, StepFailed, Weighted
from sdescent.derive.theorems.entry.logarithms import arguments, bounded_below, tangent


class Conclusion(Bound):
    """A proof in progress that leads to the horizon; `forms` are further forms of its conclusion."""

    forms: Sequence[Fact] = ()
    #: V, if its changes are summed
    summed: Weighted | None = None

    def below(self, v: Weighted) -> tuple[Term, Fact]:
        """(c, the fact c <= W) with a constant c, from f >= f* and squares >= 0; W is V without its constant."""
        low = plus(*[w * self._least(p) for w, p in v.parts])
        if (pair := self.with_logarithm(v.parts)) is not None:  # a constant of `telescope` is a rational function
            self.branch.add(fact := self._bounded_below(*pair))
            low = low + fact.claim.left
        if v.clock is not None or pair is not None:  # the clock must cancel
            low = self.k.normal.term(self.k.normal.polynomial(low))
        return low, self.show("V is bounded below", low.le(v.value))

    def _least(self, p: Potential) -> Term:
        """The least value of a potential that is 1, f at a point, a square or a function of a number; 0 for a logarithm."""
        return p.value if p is UNIT else ZERO if self._of_the_loss(p) is None else nm.fstar

    def telescope(self, v: Weighted, drift: Fact) -> Fact:
        """E int (minus the random part of the bound) <= V_0 - inf V + int (the rest of the bound)."""
        k = self.k
        low, bounded = self.below(v)
        moved = self.w.step("the sum of the changes", k.telescope(v.listed, [bounded]))
        whole = self.w.step("sum up", k.monotone("EI", drift))
        kept, rest = self.divided(drift.claim.right)
        claim = (Term(("E", v.end)) + kept).le(v.start + rest)
        self.summed = v
        self.forms = [self.w.combine("with the end", claim, [moved, whole])]
        if not k.normal.polynomial(kept):  # only the end is bounded
            return self.forms[0]
        return self.w.combine("together", kept.le(v.start - low + rest), [*self.forms, self._last(v, low)])

    def _last(self, v: Weighted, low: Term) -> Fact:
        """low <= E W(X_T)."""
        members, equalities, parts = [], [], [(v.at(w, v.horizon), p) for w, p in v.parts]
        if (pair := self.with_logarithm(parts)) is not None:
            w, weight, b = pair
            fact = self._bounded_below(w, weight, self._number_at_the_end(b))
            members.append(self.k.monotone("E", fact))
            equalities.append((-weight, self.k.monotone("E", self.w[f"log({b[1]}) at the end"])))
            parts = [(w, p) for w, p in parts if p not in (self.setting.functions[t] for t in (b, fn("log", b)))]
        for weight, p in parts:
            if p is UNIT:
                continue
            if (end := self._of_the_loss(p)) is not None:
                fact = self.k.monotone("E", self.w[end])
            elif p in self.setting.functions.values():
                fact = self.k.monotone("E", self.show(f"{p.name} at the end", p.end.ge(0)))
            elif f"{p.name} >= 0 at the end" in self.setting.assumptions:
                fact = self.k.monotone("E", self.w[f"{p.name} >= 0 at the end"])
            else:
                raise ProofError("the sum of the changes of inner products has no lower bound: use squares in V")
            sign = self.weight_sign(weight, "a weight of V")
            members.append([sign, fact] if sign is not None else (Fraction(weight[1]), fact))
        ends = v.at_the_end({p.value: Term(("E", p.end)) for _, p in v.parts})
        return self.w.combine("the end", low.le(ends), members, equalities)

    def _number_at_the_end(self, b: Term) -> Term:
        """b_K, whose sign is then a fact of the branch."""
        self.branch.add(self.w[f"{b[1]} > 0 at the end"])
        return x(at_the_end(b[1]))

    def _bounded_below(self, w: Term, weight: Term, b: Term) -> Fact:
        sign = self.show("the weight of the logarithm", weight.le(0))
        return bounded_below(self.w, self.branch, (w, weight, b), sign)

    def _tangent_at_the_end(self, b: Term, least: Term) -> Fact:
        """E log(b_K) <= log(t) + E(b_K)/t - 1 for a constant t, with the potential in place of log(b_K)."""
        p, end = self.setting.functions[fn("log", b)], self._number_at_the_end(b)
        over = tangent(self.w, self.branch, end, least)
        claim = p.end.le(fn("log", least) + end / least - 1)
        fact = self.w.combine("the logarithm at the end", claim, [over], [f"log({b[1]}) at the end"])
        return self.branch.add(self.k.monotone("E", fact))

    def _of_the_loss(self, p: Potential) -> str | None:
        """The name of the assumption that a potential, which is f at a point, is at least f* at the end; None for products."""
        for name, r in self.setting.assumptions.items():
            if r == nm.fstar.le(p.end):
                return name
        return None

    def divided(self, bound: Term) -> tuple[Term, Term]:
        """(EI of minus the random part, I of the rest) for the bound on the change; f occurs as f - f*."""
        normal, values = self.k.normal, [p.value for p in self.setting.points]
        poly = normal.polynomial(replaced(bound, {f: f + nm.fstar for f in values}))
        kept = normal.term({m: -c for m, c in poly.items() if "w" in normal.depends({m: c})})
        rest = normal.term({m: c for m, c in poly.items() if "w" not in normal.depends({m: c})})
        return Term(("EI", replaced(kept, {f: f - nm.fstar for f in values}))), Term(("I", rest))

    def summable(self, v: Weighted, drift: Fact) -> Fact:
        """E V(X_T) + E int y <= c + exp(int a)(V_0 - c + int b), from change <= a (V - c) + b - y and V >= c (Robbins and Siegmund 1971).

        c is 0 if V >= 0 is proved; if not, it is the constant with V - c >= 0 that f >= f* and squares give.
        """
        k, normal = self.k, self.k.normal
        rate, rest = _shared(normal, v, drift.claim.right)
        low = ZERO
        try:
            bounded = self.show("V >= 0", (-v.constant).le(v.value), seconds=self.seconds / 4)
            low = -v.constant
        except StepFailed:
            low, bounded = self.below(v)
        random = {m: q for m, q in normal.polynomial(rest).items() if "w" in normal.depends({m: q})}
        # rest is the bound without growth V, so that the floor for W - low, W = V - constant, has growth (low + constant) besides
        growth, drop = -rate, -normal.term(random)
        floor = rest - normal.term(random) + growth * (low + v.constant)
        if "w" in normal.depends(normal.polynomial(rate)):
            raise ProofError("summable needs change <= a V + b - y with a and b of time alone")
        floor = normal.term(normal.polynomial(floor))
        restated = v.change.le(growth * (v.value - low) + floor - drop)
        signed = {"growth >= 0": growth, "floor >= 0": floor, "drop >= 0": drop}
        premises = [bounded, self.branch.restated(drift, restated)]
        premises += [self.show(name, ZERO.le(t)) for name, t in signed.items()]
        return self.w.step("summable changes", k.summable(v.listed, growth, floor, drop, premises))

    def gronwall(self, v: Weighted, drift: Fact, about: bool = False) -> Fact:
        """E V(X_T) <= V_0 q + (c/k)(1 - q), from change <= -k V + c; with `about`, in the textbook form if that is proved."""
        k = self.k
        rate, offset = rate_of(self.k.normal, v, drift.claim.right)
        _, bounded = self.below(v)
        # in terms of W = V - constant: change <= -k W + (c - k constant)
        moved = offset - rate * v.constant
        restated = self.branch.restated(drift, v.change.le(-rate * v.value + moved))
        positive = self.show("the rate is positive", ZERO.lt(rate))
        below = self._below_one(rate) if self.setting.steps else None
        premises = [bounded, restated, positive, *([] if below is None else [below])]
        grown = self.w.step("Gronwall's inequality", k.decay(v.listed, rate, moved, premises))
        self.domain.missing(offset / rate)
        unit = k.inverse(rate, positive)
        T = self.setting.horizon
        left = fn("exp", T * fn("log", 1 - rate)) if self.setting.steps else fn("exp", -rate * T)
        claim = (Term(("E", v.end)) + v.constant).le((v.start + v.constant) * left + offset / rate * (1 - left))
        bound = self.w.combine("around the least value", claim, [grown], [(-v.constant * (1 - left), unit)])
        return self._textbook(v, bound, rate, offset, left, below) if about else bound

    def _textbook(self, v: Weighted, bound: Fact, rate: Term, offset: Term, left: Term, below: Fact | None) -> Fact:
        """E V(X_T) <= V_0 exp(-k T) + c/k if V_0 >= 0 and c >= 0 are proved, else `bound` unchanged."""
        self.branch.add(bound)
        for fact in self._ends():
            self.branch.add(fact)
        order = None if below is None else self._slower(left, rate, below)
        try:
            start = self.show("V_0 >= 0", (v.start + v.constant).ge(0), seconds=2.0)
            floor = self.show("the floor", offset.ge(0), seconds=2.0)
            over = self.show("a positive rate", ZERO.lt(1 / rate), seconds=2.0)
        except StepFailed:
            return bound
        decay = fn("exp", -rate * self.setting.horizon)
        members = [bound, [floor, over, self.k.function("exp_positive", [left[2]])]]
        sharp = bound.claim.left.le((v.start + v.constant) * left + offset / rate)
        self.branch.add(self.w.combine("with the whole floor", sharp, members))
        members += [] if order is None else [[start, order]]
        claim = bound.claim.left.le((v.start + v.constant) * decay + offset / rate)
        return self.w.combine("as it is often stated", claim, members)

    def _slower(self, left: Term, rate: Term, below: Fact) -> Fact:
        """(1 - k)^K <= exp(-k K), from log(1 - k) <= -k."""
        w, k, T = self.w, self.k, self.setting.horizon
        z = x("z_q")
        tangent = w.step("exp(-k) >= 1 - k", w.prover.analysis(fn("exp", -z) - 1 + z, "z_q", rate))
        positive = w.combine("1 - k > 0", ZERO.lt(1 - rate), [below])
        order = w.combine("as a bound", (1 - rate).le(fn("exp", -rate)), [tangent])
        rising = k.function("monotone:log", [1 - rate, fn("exp", -rate)], [positive, order])
        inverse = k.function("log_exp", [-rate])
        slow = w.combine("log(1 - k) <= -k", fn("log", 1 - rate).le(-rate), [rising], [inverse])
        total = w.combine("over all steps", left[2].le(-rate * T), [["horizon >= 0", slow]])
        return w.step("as an exponential", k.function("monotone:exp", [left[2], -rate * T], [total]))

    def at_the_horizon(self, claim: Relation, concluded: Fact) -> Fact:
        """A claim about the horizon, from the fact concluded there.

        Raises:
            StepFailed: the search finds no proof.
        """
        earlier = [line.fact for line in reversed(self.w.lines) if line.fact.claim.left == concluded.claim.left]
        forms = list(dict.fromkeys([concluded, *earlier, *self.forms, *self._without_logarithms(claim)]))
        sums = self._sums()
        for fact in [concluded, *self._ends(), *sums]:
            self.branch.add(fact)
        for relation in (claim, *(form.claim for form in forms)):
            self.domain.missing(relation)
            self._units(relation)
        constants = Branch(self.k, self.branch.deadline, filter(self._about_constants, self.branch.facts))

        def quick(r: Relation) -> Fact | None:
            return constants.show(r, 0.3)

        compared = [Comparison(self.branch, claim, form, sums, quick) for form in forms]
        multiples = [(c, multiple) for c in compared for multiple in c.multiples()]
        for show in (
            quick,
            lambda r: None if self.fails(r) else self.strategies.prove(self.branch, r, self.seconds / 2),
        ):
            for comparison, multiple in multiples:
                proof = comparison.proof(multiple, show)
                if proof is not None:
                    return self.w.step("the claim at the horizon", proof)
        return self.show("the claim at the horizon", claim, [concluded])

    def _without_logarithms(self, claim: Relation) -> list[Fact]:
        """The sums of changes with E log(s_K) bounded by its tangents at t and t s_0, for each log(t) in the claim."""
        v = self.summed
        pair = None if v is None else self.with_logarithm([(v.at(w, v.horizon), p) for w, p in v.parts])
        if pair is None:
            return []
        _, weight, b = pair
        start, forms = x(at_the_start(b[1])), list[Fact]()
        for t in arguments(claim.left, claim.right):
            for least in (t, t * start):
                if self.k.normal.depends(self.k.normal.polynomial(least)) or self.domain.missing(fn("log", least)):
                    continue
                if least != t:
                    signs = [self.branch.show(r.gt(0), 1.0) for r in (t, start)]
                    self.branch.add(self.k.function("log_mul", [t, start], [f for f in signs if f is not None]))
                bound, sign = self._tangent_at_the_end(b, least), self.show("the weight of a logarithm", weight.le(0))
                for form in self.forms:
                    left = form.claim.left - weight * (bound.claim.left - bound.claim.right)
                    members = [form, [sign, bound]]
                    forms.append(
                        self.w.combine("the tangent in place of the logarithm", left.le(form.claim.right), members)
                    )
        return forms

    def _about_constants(self, fact: Fact) -> bool:
        """Whether a fact contains constants alone, without means over the outcome."""
        slack = fact.claim.slack
        return not self.k.normal.depends(self.k.normal.polynomial(slack)) and not {p[0] for p in parts_of(slack)} & set(
            MEANS
        )

    def _sums(self) -> list[Fact]:
        """Facts that sums and means of squares, of f - f* and of the schedule are nonnegative."""
        k, w = self.k, self.w
        squares = [w.square(norm(vec(v))) for v in self.setting.vectors]
        gap = self.w.combine("f - f* >= 0", ZERO.le(nm.f - nm.fstar), ["f >= f*"])
        ends = [k.monotone("E", w[name]) for name in self.setting.assumptions if name.endswith(" at the end")]
        schedule = [k.monotone("I", w["u >= 0"])] if "u >= 0" in self.setting.assumptions else []
        return [*(k.monotone("EI", fact) for fact in (*squares, gap)), *schedule, *ends]

    def _ends(self) -> list[Fact]:
        """The assumptions and definitions about the start, the end and the horizon, except `BELOW_ONE`."""
        assumed = {**self.setting.assumptions, **self.setting.definitions}.items()
        return [self.w[name] for name, r in assumed if self.setting.at_the_end(r) and name != BELOW_ONE]

    def _below_one(self, rate: Term) -> Fact:
        """k < 1, proved or else assumed, since (1 - k)^K need not decay otherwise."""
        if self.fails(rate.lt(1)):
            return self.w[BELOW_ONE]
        # 1 - eta mu (2 - eta mu - omega eta mu) = (1 - eta mu)^2 + omega (eta mu)^2 is a product of facts once eta mu < 1 is one
        powers = [dict(m) for m in self.k.normal.polynomial(rate)]
        if shared := set(powers[0]).intersection(*powers):
            factor = self.k.normal.term({tuple(sorted((a, min(m[a] for m in powers)) for a in shared)): ONE})
            constants = Branch(self.k, self.branch.deadline, self.branch.about_constants())
            if (below := constants.show(factor.lt(1), QUICK)) is not None:
                self.branch.add(below)
        try:
            return self.show("the rate is below 1", rate.lt(1), seconds=1.0)
        except StepFailed:
            return self.w[BELOW_ONE]


def rate_of(normal: Normal, v: Weighted, bound: Term) -> tuple[Term, Term]:
    """Constants k and c with bound = -k V + c.

    Raises:
        ProofError: the bound is not of this form.
    """
    rate, rest = _shared(normal, v, bound)
    if any(normal.depends(normal.polynomial(t)) for t in (rate, rest)):
        raise ProofError(
            "the bound on the change is not of the form -k V + c with constants k and c, which gronwall needs"
        )
    return rate, rest


def _shared(normal: Normal, v: Weighted, bound: Term) -> tuple[Term, Term]:
    """k and r with bound = -k V + r, where r does not contain the first potential of V."""
    poly, value = normal.polynomial(bound), normal.polynomial(v.value)
    lead = min(value, key=lambda m: (len(m), m))
    random = tuple((a, n) for a, n in lead if "w" in normal.depends({((a, n),): ONE}))
    common = {m: q for m, q in poly.items() if all(f in m for f in random)}
    share = {tuple(f for f in m if f not in random): -q / value[lead] for m, q in common.items()}
    weight = {tuple(f for f in lead if f not in random): ONE}
    rate = normal.term(share) if weight == {(): ONE} else normal.term(share) / normal.term(weight)
    return rate, normal.term(normal.polynomial(bound + rate * (v.value + v.constant)))

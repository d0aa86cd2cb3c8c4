"""The rules about potentials that are known by how they change: descent, telescope, decay, summable, summation. Trusted.

They serve the method itself, whose time is steps, and, but for the first and the last, an equation whose generator the statement
defines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdescent.derive.proof.kernel.facts import AXIOMS, Fact, RuleGroup
from sdescent.derive.proof.language.context import STEPPING, ProofError, exact, name_of, parts
from sdescent.derive.proof.language.terms import OPERATORS, Term, dot, fn, norm, num, plus, substitute, under, x

#: [(weight, potential), ..]
Weighted = Sequence[tuple[Term, str]]


class Steps(RuleGroup):
    """Rules about changes of potentials; all but `descent` and `summation` seal all hypotheses."""

    def descent(self, potential: str, reach: Term, premises: Sequence[Fact] = ()) -> Fact:
        """The descent lemma for (L0, L1)-smooth functions and steps that are bounded, in mean over the step.

                        H |- 0 <= L1      G |- L1 r <= c
            -----------------------------------------------------------
            H, G |- change <= b'grad V + (L0 + L1 ||grad V||) q psi(c)

        The context says that ||Hess V|| <= L0 + L1 ||grad V|| everywhere, and of the step D that E D = b, E||D||^2 <= q and ||D||
        <= r; psi(s) = (exp(s) - 1 - s)/s^2. Without a bound r, L1 and c are 0 (by normal form), there are no premises, and psi(0)
        = 1/2: the classical lemma.

        Sound: let g be the gradient, h(t) = ||g(x + tD) - g(x)||, s = ||D||. By the bound on the Hessian h(t) <= int_0^t (L0 +
        L1 ||g(x)|| + L1 h) s, so that h(t) <= (L0 + L1 ||g(x)||)(exp(L1 s t) - 1)/L1 (Gronwall 1919), and V(x + D) - V(x) -
        g(x)'D = int_0^1 (g(x + tD) - g(x))'D dt is at most s times the integral of that, (L0 + L1 ||g(x)||) s^2 psi(L1 s). psi is
        the integral of (1 - t) exp(st) over [0, 1], so it rises, and L1 s <= c almost surely. All but D is known at the step,
        hence the mean. The premises are used at one time and outcome alone: nothing is sealed. (Zhang, He, Sra and Jadbabaie
        2020, with the constant that the integral gives)

        Raises:
            ProofError: time is not steps or nothing is declared of the step; a premise is not the one above; c looks ahead.
        """
        facts = self._premises(premises)
        entry = self.context.potentials.get(name_of(potential), {})
        if set(entry) != STEPPING:
            raise ProofError(f"the descent lemma needs a potential whose step is declared, which {potential} is not")
        if not self.context.process(reach):
            raise ProofError("the reach c in L1 r <= c depends on a coordinate or a client, or looks ahead")
        (first, second), radius = entry["smoothness"], entry["radius"]
        if radius is None:
            self._premises(facts, 0)
            if self._poly(second) or self._poly(reach):
                raise ProofError(
                    "steps of any length need L1 = 0 and the reach 0: (L0, L1)-smoothness does not suffice"
                )
        else:
            for fact, need in zip(
                self._premises(facts, 2), (num(0).le(second), (second * radius).le(reach)), strict=True
            ):
                self._says(fact, need)
        gradient = ("v", entry["gradient"])
        slope = [t * dot(gradient, v) for t, v in entry["mean"]]
        bend = (first + second * norm(gradient)) * entry["square"] * fn("psi", reach)
        return self._fact(
            "descent", x(entry["change"]).le(plus(*slope, bend)), facts, {"potential": potential, "reach": reach}
        )

    def telescope(self, potentials: Weighted, premises: Sequence[Fact]) -> Fact:
        """The sum of the changes, or Dynkin's formula as an inequality.

                                  H |- c <= W
            -------------------------------------------------------      W = sum w_n V_n, C = sum w_n change_n
            H |- E sum w_n end_n - sum w_n start_n <= EI(C)

        Side conditions: w_n and c are made of const symbols, numbers, + * ^ /. Seals all hypotheses. Axioms: integrability, and
        the others where time is not steps.

        Sound: with steps, E W(X_(n+1)) - E W(X_n) = E C_n by the tower property, and the sum telescopes. Otherwise W is C^2 with
        the generator C, and the proof is that of `ito`.

        Raises:
            ProofError: a potential is not known by its change; a premise is not the one above; w or c is not constant.
        """
        facts, potentials = self._premises(premises, 1), exact(potentials)
        whole, end, start, change = self._weighted(potentials)
        self._below(facts[0], whole)
        claim = (under("E", end) - start).le(under("EI", change))
        return self._moved("telescope", claim, facts, {"potentials": potentials})

    def decay(self, potentials: Weighted, rate: Term, offset: Term, premises: Sequence[Fact]) -> Fact:
        """Gronwall's inequality, for steps or for an equation.

            H |- c <= W      H |- C <= -k W + b      H |- 0 < k      (steps: H |- k < 1)
            ----------------------------------------------------------------------------      T the horizon
            H |- E sum w_n end_n <= q sum w_n start_n + (b/k)(1 - q)

        q = exp(T log(1 - k)) = (1 - k)^T for steps, exp(-kT) otherwise; W and C as in `telescope`. Side conditions, axioms and
        seals as there; k and b depend on nothing.

        Sound: with steps, E W(X_(n+1)) <= (1 - k) E W(X_n) + b, and 1 - k > 0: induction. Otherwise as `gronwall`.

        Raises:
            ProofError: as telescope; k or b depends on something; the context names no horizon.
        """
        facts, potentials = self._premises(premises, 4 if self.context.steps else 3), exact(potentials)
        whole, end, start, change = self._weighted(potentials)
        self._below(facts[0], whole)
        if any(self.normal.depends(self._poly(t)) for t in (rate, offset)):
            raise ProofError("rate and offset are constants: they depend on no outcome, time, coordinate or client")
        if self.context.horizon is None:
            raise ProofError("the context names no horizon")
        self._says(facts[1], change.le(-rate * whole + offset))
        self._says(facts[2], num(0).lt(rate))
        if self.context.steps:
            self._says(facts[3], rate.lt(1))
        left = fn(
            "exp",
            x(self.context.horizon) * fn("log", 1 - rate) if self.context.steps else -rate * x(self.context.horizon),
        )
        claim = under("E", end).le(start * left + offset / rate * (1 - left))
        return self._moved("decay", claim, facts, {"potentials": potentials, "rate": rate, "offset": offset})

    def summable(self, potentials: Weighted, growth: Term, floor: Term, drop: Term, premises: Sequence[Fact]) -> Fact:
        """What a potential that may grow by summable amounts leaves for the sum of what it loses.

            H |- 0 <= W      H |- C <= a W + b - y      H |- 0 <= a      H |- 0 <= b      H |- 0 <= y
            ------------------------------------------------------------------------------------------
                     H |- E sum w_n end_n + EI(y) <= exp(I(a)) (sum w_n start_n + I(b))

        W and C as in `telescope`; axioms and seals as there. Side conditions: a and b depend on time at most, y on outcome and
        time, and on nothing known at the end only. Where I(a) and I(b) stay bounded as the horizon grows, so does the left side: by
        monotone convergence the sum of all y is finite almost surely (Robbins and Siegmund 1971).

        Sound: with steps and S_n = E W(X_n) + sum_(m<n) E y_m, S_(n+1) <= (1 + a_n) E W(X_n) + b_n + sum_(m<n) E y_m
        <= (1 + a_n) S_n + b_n; so S_T <= prod (1 + a_m) (S_0 + I(b)) <= exp(I(a)) (S_0 + I(b)), where S_0 = W(X_0) >= 0.
        (Nothing is said of the sign of W(X_T): hypotheses hold at the steps before T.) Otherwise p E W + int p E y with
        p = exp(-int_0^t a) grows by I(b) at most, by Ito's formula for p W and Fatou's lemma as in `ito`, and
        exp(-I(a)) <= p <= 1.

        Raises:
            ProofError: as telescope; a, b or y depends on too much.
        """
        facts, potentials = self._premises(premises, 5), exact(potentials)
        whole, end, start, change = self._weighted(potentials)
        for t in (growth, floor):
            if not self.context.process(t) or not self.context.depends(t) <= {"t"}:
                raise ProofError("growth and floor depend on time at most")
        if not self.context.process(drop):
            raise ProofError("the drop depends on a coordinate or a client, or looks ahead")
        needs = [whole.ge(0), change.le(growth * whole + floor - drop), growth.ge(0), floor.ge(0), drop.ge(0)]
        for fact, need in zip(facts, needs, strict=True):
            self._says(fact, need)
        left = under("E", end) + under("EI", drop)
        claim = left.le(fn("exp", under("I", growth)) * (start + under("I", floor)))
        data = {"potentials": potentials, "growth": growth, "floor": floor, "drop": drop}
        return self._moved("summable", claim, facts, data)

    def summation(self, time: str, primitive: Term) -> Fact:
        """A sum over the steps of differences.

            ----------------------------------------      t of kind clock, T the horizon
            |- I(P(t + 1) - P(t)) == P(T) - P(0)

        Side conditions: time is steps; P has no symbols but t and const ones, and no operators.

        Sound: the sum telescopes, whatever the function P is.

        Raises:
            ProofError: a side condition fails, or the context names no horizon.
        """
        self.context.check(primitive)
        if not self.context.steps or self.context.symbols.get(name_of(time)) != "clock" or self.context.horizon is None:
            raise ProofError(
                "a sum over steps needs time that is steps, a symbol of kind clock for them, and a horizon"
            )
        for part in parts(primitive):
            free = part[0] == "x" and part[1] != time and self.context.symbols[part[1]] != "const"
            if free or part[0] in OPERATORS or self.context.depends(part) - {"t"}:
                raise ProofError("the primitive of a sum is made of the time and constants, without operators")
        next_, first, last = (substitute(primitive, time, t) for t in (x(time) + 1, num(0), x(self.context.horizon)))
        claim = under("I", next_ - primitive).eq(last - first)
        return self._fact("summation", claim, (), {"time": time, "primitive": primitive})

    def _moved(self, rule: str, claim: Any, facts: Sequence[Fact], data: dict[str, Any]) -> Fact:
        axioms = ("integrability",) if self.context.steps else AXIOMS
        sealed = {key for fact in facts for key in fact.hypotheses}
        return self._fact(rule, claim, facts, data, sealed=sealed, axioms=axioms)

    def _weighted(self, potentials: Any) -> tuple[Term, Term, Term, Term]:
        """W, and the sums of its ends, starts and changes."""
        if (
            type(potentials) is not tuple
            or not potentials
            or any(type(p) is not tuple or len(p) != 2 for p in potentials)
        ):
            raise ProofError("no potential is given, or not as pairs of a weight and a name")
        weights, names, entries = [], [], []
        for weight, name in potentials:
            entry = self.context.potentials.get(name_of(name), {})
            if "change" not in entry:
                raise ProofError(f"{name} is not a potential that is known by how it changes")
            if not self.context.constant(weight):
                raise ProofError(f"the weight of {name} is not a constant")
            weights, names, entries = [*weights, weight], [*names, name], [*entries, entry]

        def total(part: str | None) -> Term:
            symbols = names if part is None else [entry[part] for entry in entries]
            return plus(*[w * x(s) for w, s in zip(weights, symbols, strict=True)])

        return total(None), total("end"), total("start"), total("change")

    def _below(self, fact: Fact, whole: Term) -> None:
        """Raises unless the fact is c <= W with a constant c."""
        if fact.claim.op not in ("<=", "<") or not self.context.constant(fact.claim.left):
            raise ProofError("the first premise is c <= W with a constant c: W is the sum of the weighted potentials")
        self._says(fact, fact.claim.left.le(whole))

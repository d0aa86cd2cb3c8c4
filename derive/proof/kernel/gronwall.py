"""Ito's formula and Gronwall's inequality: ito, gronwall, telescope, decay and summable. Trusted, as part of the kernel.

The rules bound the mean of a potential through its change along paths. ito and gronwall need an equation in the context and take
the change from its generator; the other rules take the change that the context names, in steps or in continuous time.
"""

from collections.abc import Sequence
from typing import Any

from sdescent.derive.proof.kernel.facts import AXIOMS, Fact, RuleGroup
from sdescent.derive.proof.language.context import ProofError, exact, name_of
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, num, plus, trprod, under, x

#: [(weight, potential), ..]
Weighted = Sequence[tuple[Term, str]]


class Gronwall(RuleGroup):
    """Rules that use their premises along whole paths, and therefore seal all hypotheses."""

    def ito(self, potential: str, premises: Sequence[Fact]) -> Fact:
        """Ito's formula for V, as an inequality.

            H |- 0 <= a_n  (every coefficient of the diffusion, in order)      H |- c <= V
            ------------------------------------------------------------------------------
                            H |- E V(X_T) - V(x_0) <= E int_0^T L V dt

        The context says that dX = sum b_n u_n dt + L dW with L L' = sum a_n M_n; LV = sum b_n grad V'u_n + 1/2 sum a_n
        Tr(Hess V M_n). V(X_T) is the symbol `end`, V(x_0) the symbol `start`.

        Side conditions: V is declared smooth (C^2), and c is built from const symbols and numbers with + * ^ /.
        Axioms: all four. Seals all hypotheses.

        Sound: a weak solution exists up to explosion. Stopped at the exit times of balls, the stochastic integral is a
        martingale, so Ito's formula holds in expectation with equality. As the stopping times tend to T, Fatou's
        lemma keeps <= on the left, since V is bounded below, and integrability gives the limit on the right.
        Psd matrices with coefficients >= 0 add up to a covariance. (Karatzas and Shreve 1991, 3.3; Ikeda and Watanabe
        1989, IV.2.3)

        Raises:
            ProofError: V is not declared smooth, or a premise is not the one above.
        """
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts), self.context.potentials[potential]
        claim = (under("E", x(entry["end"])) - x(entry["start"])).le(under("EI", generator))
        return self._along_paths("ito", claim, facts, {"potential": potential})

    def gronwall(self, potential: str, rate: Term, offset: Term, premises: Sequence[Fact]) -> Fact:
        """Exponential decay of the mean, from decay along the process.

            premises of ito      H |- L V <= -k V + c      H |- 0 < k
            ---------------------------------------------------------------      k, c depend on nothing; T the horizon
            H |- E V(X_T) <= V(x_0) exp(-kT) + (c/k) (1 - exp(-kT))

        Axioms and seals as for `ito`.

        Sound: apply Ito's formula to exp(kt) V, whose drift exp(kt) (kV + LV) is at most exp(kt) c, and multiply by
        exp(-kT) (Gronwall 1919).

        Raises:
            ProofError: as for `ito`, or k or c depends on something, the context names no horizon, or a premise is not the
            one above.
        """
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts[:-2]), self.context.potentials[potential]
        claim = self._after_decay(x(entry["start"]), x(entry["end"]), rate, offset)
        self._says(facts[-2], generator.le(-rate * x(potential) + offset))
        self._says(facts[-1], num(0).lt(rate))
        return self._along_paths("gronwall", claim, facts, {"potential": potential, "rate": rate, "offset": offset})

    def telescope(self, potentials: Weighted, premises: Sequence[Fact]) -> Fact:
        """The telescoping sum of the changes, or Dynkin's formula as an inequality.

                                  H |- c <= W
            -------------------------------------------------------      W = sum w_n V_n, C = sum w_n change_n
            H |- E sum w_n end_n - sum w_n start_n <= EI(C)

        Side conditions: w_n and c are built from const symbols and numbers with + * ^ /. Seals all hypotheses. Axioms:
        integrability if time is steps, else all four.

        Sound: in steps, E W(X_(n+1)) - E W(X_n) = E C_n by the tower property, and the sum telescopes. Otherwise W is C^2, the
        generator applied to W gives C, and the proof is that of `ito`.

        Raises:
            ProofError: the context declares no change for a potential, a premise is not the one above, or w or c is not constant.
        """
        facts, potentials = self._premises(premises, 1), exact(potentials)
        whole, end, start, change = self._weighted_sums(potentials)
        self._below(facts[0], whole)
        claim = (under("E", end) - start).le(under("EI", change))
        return self._along_paths("telescope", claim, facts, {"potentials": potentials})

    def decay(self, potentials: Weighted, rate: Term, offset: Term, premises: Sequence[Fact]) -> Fact:
        """Gronwall's inequality, for steps or for an equation.

            H |- c <= W      H |- C <= -k W + b      H |- 0 < k      (steps: H |- k < 1)
            ----------------------------------------------------------------------------      T the horizon
            H |- E sum w_n end_n <= q sum w_n start_n + (b/k)(1 - q)

        q = exp(T log(1 - k)) = (1 - k)^T for steps, exp(-kT) otherwise. W, C, side conditions, axioms and seals as in
        `telescope`; k and b depend on nothing.

        Sound: in steps, E W(X_(n+1)) <= (1 - k) E W(X_n) + b with 1 - k > 0, so the bound follows by induction. Otherwise as for
        `gronwall`.

        Raises:
            ProofError: as for `telescope`, or k or b depends on something, or the context names no horizon.
        """
        facts, potentials = self._premises(premises, 4 if self.context.steps else 3), exact(potentials)
        whole, end, start, change = self._weighted_sums(potentials)
        self._below(facts[0], whole)
        claim = self._after_decay(start, end, rate, offset)
        self._says(facts[1], change.le(-rate * whole + offset))
        self._says(facts[2], num(0).lt(rate))
        if self.context.steps:
            self._says(facts[3], rate.lt(1))
        return self._along_paths("decay", claim, facts, {"potentials": potentials, "rate": rate, "offset": offset})

    def summable(self, potentials: Weighted, growth: Term, floor: Term, drop: Term, premises: Sequence[Fact]) -> Fact:
        """An upper bound for the total loss of a potential whose growth is summable.

            H |- 0 <= W      H |- C <= a W + b - y      H |- 0 <= a      H |- 0 <= b      H |- 0 <= y
            ------------------------------------------------------------------------------------------
                     H |- E sum w_n end_n + EI(y) <= exp(I(a)) (sum w_n start_n + I(b))

        W, C, axioms and seals as in `telescope`. Side conditions: a and b depend on time at most; y depends on outcome and time at
        most, and on nothing that is known only at the end. If I(a) and I(b) stay bounded as the horizon grows, so does the left
        side: by monotone convergence the sum of all y is finite almost surely (Robbins and Siegmund 1971).

        Sound: in steps, let S_n = E W(X_n) + sum_(m<n) E y_m. Then S_(n+1) <= (1 + a_n) E W(X_n) + b_n + sum_(m<n) E y_m
        <= (1 + a_n) S_n + b_n; so S_T <= prod (1 + a_m) (S_0 + I(b)) <= exp(I(a)) (S_0 + I(b)), where S_0 = W(X_0) >= 0.
        (W(X_T) may have any sign: hypotheses hold at the steps before T.) Otherwise, p E W + int p E y with
        p = exp(-int_0^t a) grows by I(b) at most, by Ito's formula for p W and Fatou's lemma as in `ito`, and
        exp(-I(a)) <= p <= 1.

        Raises:
            ProofError: as for `telescope`, or a, b or y depends on more than allowed.
        """
        facts, potentials = self._premises(premises, 5), exact(potentials)
        whole, end, start, change = self._weighted_sums(potentials)
        for t in (growth, floor):
            if not self.context.process(t) or not self.context.depends(t) <= {"t"}:
                raise ProofError("growth and floor depend on time at most")
        if not self.context.process(drop):
            raise ProofError("the drop depends on a coordinate or a client, or looks ahead")
        needs = [whole.ge(0), change.le(growth * whole + floor - drop), growth.ge(0), floor.ge(0), drop.ge(0)]
        for fact, need in zip(facts, needs, strict=True):
            self._says(fact, need)
        bound = fn("exp", under("I", growth)) * (start + under("I", floor))
        claim = (under("E", end) + under("EI", drop)).le(bound)
        data = {"potentials": potentials, "growth": growth, "floor": floor, "drop": drop}
        return self._along_paths("summable", claim, facts, data)

    def _generator(self, potential: str, facts: Sequence[Fact]) -> Term:
        """L V = drift' grad V + Tr(hess V covariance)/2, after a check that V is C^2 and bounded below and the covariance psd."""
        entry = self.context.potentials.get(name_of(potential))
        if entry is None or not entry.get("smooth"):
            raise ProofError(f"Ito's formula needs a C^2 function, which {potential} is not declared to be")
        drift, diffusion = entry["drift"], entry["diffusion"]
        if len(facts) != len(diffusion) + 1:
            raise ProofError("Ito's formula needs nonnegative coefficients of the covariance, and a lower bound of V")
        for fact, (c, _) in zip(facts, diffusion, strict=False):
            self._says(fact, num(0).le(c))
        self._below(facts[-1], x(potential))
        gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
        slope = [t * dot(gradient, v) for t, v in drift]
        return plus(*slope, *[num("1/2") * t * trprod(hessian, m) for t, m in diffusion])

    def _weighted_sums(self, potentials: Any) -> tuple[Term, Term, Term, Term]:
        """The weighted sum W of the potentials, and the sums of their ends, starts and changes with the same weights."""
        are_pairs = type(potentials) is tuple and all(type(p) is tuple and len(p) == 2 for p in potentials)
        if not are_pairs or not potentials:
            raise ProofError("potentials must be a nonempty tuple of pairs (weight, name)")
        rows = []
        for weight, name in potentials:
            entry = self.context.potentials.get(name_of(name), {})
            if "change" not in entry:
                raise ProofError(f"the context declares no change for a potential called {name}")
            if not self.context.constant(weight):
                raise ProofError(f"the weight of {name} is not a constant")
            rows.append([weight * x(n) for n in (name, entry["end"], entry["start"], entry["change"])])
        whole, end, start, change = (plus(*terms) for terms in zip(*rows, strict=True))
        return whole, end, start, change

    def _below(self, fact: Fact, whole: Term) -> None:
        """Raises unless the fact claims c <= W with a constant c."""
        if fact.claim.op not in ("<=", "<") or not self.context.constant(fact.claim.left):
            raise ProofError(
                "a premise is not the bound c <= W with a constant c, W the potential or the weighted sum of them"
            )
        self._says(fact, fact.claim.left.le(whole))

    def _after_decay(self, start: Term, end: Term, rate: Term, offset: Term) -> Relation:
        """E end <= start q + (c/k)(1 - q), where q = exp(-kT), or (1 - k)^T in steps; raises if k or c depends on anything."""
        if any(self.normal.depends(self._poly(t)) for t in (rate, offset)):
            raise ProofError("rate and offset are constants: they depend on no outcome, time, coordinate or client")
        if self.context.horizon is None:
            raise ProofError("the context names no horizon")
        horizon = x(self.context.horizon)
        q = fn("exp", horizon * fn("log", 1 - rate) if self.context.steps else -rate * horizon)
        return under("E", end).le(start * q + offset / rate * (1 - q))

    def _along_paths(self, rule: str, claim: Relation, facts: Sequence[Fact], data: dict[str, Any]) -> Fact:
        """The claim, from premises used along whole paths. Adding up steps needs one axiom, Ito's formula all four."""
        axioms = ("integrability",) if self.context.steps else AXIOMS
        sealed = {key for fact in facts for key in fact.hypotheses}
        return self._fact(rule, claim, facts, data, sealed=sealed, axioms=axioms)

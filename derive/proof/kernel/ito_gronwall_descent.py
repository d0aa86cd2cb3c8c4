"""Processes and time: Ito's formula, Gronwall's inequality, primitives, the descent lemma. Trusted, as part of the kernel."""

from collections.abc import Sequence
from typing import Any

from sdescent.derive.proof.kernel.facts import AXIOMS, Fact, RuleGroup
from sdescent.derive.proof.kernel.one_variable_forms import Domain, derivative, endpoints
from sdescent.derive.proof.language.context import STEPPING, Context, ProofError, exact, name_of, parts
from sdescent.derive.proof.language.terms import (
    OPERATORS,
    Relation,
    Term,
    dot,
    fn,
    norm,
    num,
    plus,
    substitute,
    trprod,
    under,
    x,
)

#: [(weight, potential), ..]
Weighted = Sequence[tuple[Term, str]]
#: the name of the function 1 among weighted potentials, and its value, end, start and change; no symbol has this name
ONE = "1"
ONES = num(1), num(1), num(1), num(0)


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
        integrability if time is steps, else all four. In steps w_n may contain the clock k too: then the end has w_n(T), the start
        w_n(0), and C = sum (w_n(k + 1) (V_n + change_n) - w_n(k) V_n). The name 1 stands for the function V_n = 1.

        Sound: in steps, E W(k + 1, X_(k+1)) - E W(k, X_k) = E C_k by the tower property, and the sum telescopes.
        Otherwise W is C^2, the generator applied to W gives C, and the proof is the same as for `ito`. Raises
        ProofError if the context declares no change for a potential, a premise is not the one above, or w_n or c
        contains more than it may.
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

        Sound: in steps, E W(X_(n+1)) <= (1 - k) E W(X_n) + b with 1 - k > 0, so the bound follows by induction.
        Otherwise as for `gronwall`. Raises ProofError: as for `telescope`, or k or b depends on something, or the
        context names no horizon.
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

            H |- c <= W      H |- C <= a (W - c) + b - y      H |- 0 <= a      H |- 0 <= b      H |- 0 <= y
            ------------------------------------------------------------------------------------------------
                   H |- E sum w_n end_n + EI(y) <= c + exp(I(a)) (sum w_n start_n - c + I(b))

        W, C, c, axioms, seals as in `telescope`. Side conditions: a and b depend on time at most; y depends on outcome and time at
        most, and on nothing that is known only at the end. If I(a) and I(b) stay bounded as the horizon grows, so does the left
        side: by monotone convergence the sum of all y is finite almost surely (Robbins and Siegmund 1971).

        Sound: W - c is another function of the state, with the same changes, so let c = 0. In steps, let S_n = E W(X_n)
        + sum_(m<n) E y_m. Then S_(n+1) <= (1 + a_n) E W(X_n) + b_n + sum_(m<n) E y_m <= (1 + a_n) S_n + b_n; so S_T <=
        prod (1 + a_m) (S_0 + I(b)) <= exp(I(a)) (S_0 + I(b)), where S_0 = W(X_0) >= 0. (W(X_T) may have any sign:
        hypotheses hold at the steps before T.) Otherwise, p E W + int p E y with p = exp(-int_0^t a) grows by I(b) at
        most, by Ito's formula for p W and Fatou's lemma as in `ito`, and exp(-I(a)) <= p <= 1. Raises ProofError: as
        for `telescope`, or a, b or y depends on more than allowed.
        """
        facts, potentials = self._premises(premises, 5), exact(potentials)
        whole, end, start, change = self._weighted_sums(potentials)
        for t in (growth, floor):
            if not self.context.process(t) or not self.context.depends(t) <= {"t"}:
                raise ProofError("growth and floor depend on time at most")
        if not self.context.process(drop):
            raise ProofError("the drop depends on a coordinate or a client, or looks ahead")
        self._below(facts[0], whole)
        low = facts[0].claim.left
        needs = [change.le(growth * (whole - low) + floor - drop), growth.ge(0), floor.ge(0), drop.ge(0)]
        for fact, need in zip(facts[1:], needs, strict=True):
            self._says(fact, need)
        bound = low + fn("exp", under("I", growth)) * (start - low + under("I", floor))
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
            if name != ONE and "change" not in entry:
                raise ProofError(f"the context declares no change for a potential called {name}")
            last, first, next_ = self._weight_at_times(name, weight)
            symbols = () if name == ONE else (x(name), x(entry["end"]), x(entry["start"]), x(entry["change"]))
            value, end, start, change = symbols or ONES
            moved = weight * change if next_ is weight else next_ * (value + change) - weight * value
            rows.append([weight * value, last * end, first * start, moved])
        whole, end, start, change = (plus(*terms) for terms in zip(*rows, strict=True))
        return whole, end, start, change

    def _weight_at_times(self, name: str, weight: Term) -> tuple[Term, Term, Term]:
        """A weight at the horizon, at 0 and one step later; raises unless it consists of const symbols and, in steps, the clock."""
        if self.context.constant(weight):
            return weight, weight, weight
        clock = next((n for n, kind in self.context.symbols.items() if kind == "clock"), None)
        horizon = self.context.horizon
        if not self.context.steps or clock is None or horizon is None:
            raise ProofError(f"the weight of {name} is not a constant")
        if not self.context.constant(first := substitute(weight, clock, num(0))):
            raise ProofError(f"the weight of {name} contains more than constants and the clock")
        return substitute(weight, clock, x(horizon)), first, substitute(weight, clock, x(clock) + 1)

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


#: heads allowed in a primitive: no operators, vectors or declared functions
_PRIMITIVE = frozenset({"q", "x", "pi", "+", "*", "^", "/", "f"})


class Primitives(RuleGroup):
    """The fundamental theorem of calculus, and its analogue for steps."""

    def primitive(self, time: str, primitive: Term, integrand: Term, premises: Sequence[Fact]) -> Fact:
        """The fundamental theorem of calculus on [0, T], T the horizon.

            H |- P' == u      H |- 0 < p  (arguments of log)      H |- q != 0  (denominators)
            ---------------------------------------------------------------------------------
                                   H |- int_0^T u dt == P(T) - P(0)

        P' is computed by `time_derivative`; only the p and q in which `time` occurs need a premise. The first
        premise is P' == u; the others come in any order, and 0 < q or q < 0 will do for q != 0.

        Side conditions: `time` is of kind clock; the only symbols of P are `time` and const symbols, it has no operators,
        and its only functions are exp and log. Seals all hypotheses, since they are used at all times.

        Sound: P is continuously differentiable on [0, T], since its denominators have no zero and its logarithms exist.
        Raises ProofError if a side condition fails, a premise is missing, time is steps, or the context names no
        horizon.
        """
        facts = self._premises(premises)
        if self.context.steps:
            raise ProofError("time is steps here: the rule for a sum over them is summation")
        slope, domain = time_derivative(self.context, primitive, name_of(time))
        if not facts or self.context.horizon is None:
            raise ProofError("the first premise is P' == u, and the context names a horizon: one of them is missing")
        self._says(facts[0], slope.eq(integrand))
        domain_facts = {self.normal.key(f.claim) for f in facts[1:]}
        for kind, p in domain:
            options = [num(0).lt(p)] if kind == "positive" else [num(0).lt(p), p.lt(0), Relation(("!=", p, num(0)))]
            if not any(self.normal.key(o) in domain_facts for o in options):
                raise ProofError(f"{p} is not shown to be in the domain: add the premise that it is {kind}")
        first, last = endpoints(primitive, time, self.context.horizon)
        data = {"time": time, "primitive": primitive, "integrand": integrand}
        claim = under("I", integrand).eq(last - first)
        return self._fact("primitive", claim, facts, data, sealed={key for f in facts for key in f.hypotheses})

    def summation(self, time: str, primitive: Term) -> Fact:
        """The sum over the steps of the differences of P.

            ----------------------------------------      t of kind clock, T the horizon
            |- I(P(t + 1) - P(t)) == P(T) - P(0)

        Side conditions: time is steps; the only symbols of P are t and const symbols, and it has no operators or vectors.

        Sound: the sum telescopes, whatever the function P is. Raises ProofError if a side condition fails, or the
        context names no horizon.
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


def time_derivative(context: Context, t: Term, time: str) -> tuple[Term, Domain]:
    """The derivative dt/d(time) of a deterministic term, and its domain: the terms that must be positive or nonzero.

    Raises ProofError if `time` is not declared as the clock, or t contains a symbol that is neither the clock nor
    constant, an operator, or a function other than exp and log.
    """
    context.check(t)
    if context.symbols.get(time) != "clock":
        raise ProofError(f"{time} is not declared as the clock: other functions of time are not time itself")
    for part in parts(t):
        if part[0] not in _PRIMITIVE or (part[0] == "f" and part[1] not in ("exp", "log")):
            raise ProofError(
                f"no derivative of {part[0]} in a primitive: use sums, products, powers, quotients, exp and log"
            )
        if part[0] == "x" and part[1] != time and context.symbols[part[1]] != "const":
            raise ProofError(f"{part[1]} is neither a constant nor {time}")
    return derivative(t, time)


class Descent(RuleGroup):
    """The rule about one step of a potential. It seals nothing."""

    def descent(self, potential: str, reach: Term, premises: Sequence[Fact] = ()) -> Fact:
        """The descent lemma for (L0, L1)-smooth functions and bounded steps, in mean over the step.

                        H |- 0 <= L1      G |- L1 r <= c
            -----------------------------------------------------------
            H, G |- change <= b'grad V + (L0 + L1 ||grad V||) q psi(c)

        The context says that ||Hess V|| <= L0 + L1 ||grad V|| everywhere, and that the step D satisfies E D = b, E||D||^2 <= q and
        ||D|| <= r; psi(s) = (exp(s) - 1 - s)/s^2. If no bound r is declared, L1 and c must be 0 (by normal form) and there are no
        premises; psi(0) = 1/2 then gives the classical lemma.

        Sound: let g be the gradient, h(t) = ||g(x + tD) - g(x)||, s = ||D||. By the bound on the Hessian h(t) <= int_0^t (L0 +
        L1 ||g(x)|| + L1 h) s, so that h(t) <= (L0 + L1 ||g(x)||)(exp(L1 s t) - 1)/L1 (Gronwall 1919), and V(x + D) - V(x) -
        g(x)'D = int_0^1 (g(x + tD) - g(x))'D dt is at most s times the integral of that, (L0 + L1 ||g(x)||) s^2 psi(L1 s). psi is
        the integral of (1 - t) exp(st) over t in [0, 1], so it increases, and L1 s <= c almost surely. Everything except D is known
        at the step, so the bound holds in mean. Each premise is used only at this time and outcome, so nothing is sealed. (Zhang,
        He, Sra and Jadbabaie 2020, with the constant that the integral gives)

        Raises:
            ProofError: the potential's step is not declared, a premise is not the one above, or c depends on a coordinate or a
            client or looks ahead.
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
                need = "steps of any length need L1 = 0 and the reach 0"
                raise ProofError(f"{need}: (L0, L1)-smoothness does not suffice")
        else:
            sign, bound = self._premises(facts, 2)
            self._says(sign, num(0).le(second))
            self._says(bound, (second * radius).le(reach))
        gradient = ("v", entry["gradient"])
        slope = [t * dot(gradient, v) for t, v in entry["mean"]]
        bend = (first + second * norm(gradient)) * entry["square"] * fn("psi", reach)
        claim = x(entry["change"]).le(plus(*slope, bend))
        return self._fact("descent", claim, facts, {"potential": potential, "reach": reach})

"""The rules about time and about the process behind a potential: ito, gronwall, primitive. Trusted, with the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdescent.derive.proof.kernel.calculus import Domain, derivative, endpoints
from sdescent.derive.proof.kernel.facts import AXIOMS, Fact, RuleGroup
from sdescent.derive.proof.language.context import Context, ProofError, name_of, parts
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, num, plus, trprod, under, x

#: heads of a primitive: no operators, vectors or declared functions
_PRIMITIVE = frozenset({"q", "x", "pi", "+", "*", "^", "/", "f"})


class Processes(RuleGroup):
    """Rules that use their premises along whole paths or at all times: they seal all hypotheses."""

    def ito(self, potential: str, premises: Sequence[Fact]) -> Fact:
        """Ito's formula for V, as an inequality.

            H |- 0 <= a_n  (every coefficient of the diffusion, in order)      H |- c <= V
            ------------------------------------------------------------------------------
                            H |- E V(X_T) - V(x_0) <= E int_0^T L V dt

        The context says that dX = sum b_n u_n dt + L dW with L L' = sum a_n M_n; LV = sum b_n grad V'u_n + 1/2 sum a_n
        Tr(Hess V M_n). V(X_T) is the symbol `end`, V(x_0) the symbol `start`.

        Side conditions: V is declared smooth (C^2), and c is made of const symbols, numbers, + * ^ /.
        Axioms: all four. Seals all hypotheses.

        Sound: a weak solution exists up to explosion; stopped at the exit times of balls the stochastic integral is a
        martingale, so that Ito's formula holds in expectation with equality; with the stopping times to T, Fatou's
        lemma keeps <= on the left, since V is bounded below, and integrability gives the limit on the right.
        Coefficients >= 0 of psd matrices make a covariance. (Karatzas and Shreve 1991, 3.3; Ikeda and Watanabe 1989,
        IV.2.3)

        Raises:
            ProofError: V is not declared smooth, or a premise is not the one above.
        """
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts), self.context.potentials[potential]
        claim = (under("E", x(entry["end"])) - x(entry["start"])).le(under("EI", generator))
        return self._fact("ito", claim, facts, {"potential": potential}, sealed=_hypotheses(facts), axioms=AXIOMS)

    def _generator(self, potential: str, facts: Sequence[Fact]) -> Term:
        """L V = drift' grad V + Tr(hess V covariance)/2, once V is C^2 and bounded below and the covariance is PSD."""
        entry = self.context.potentials.get(name_of(potential))
        if entry is None or not entry.get("smooth"):
            raise ProofError(f"Ito's formula needs a C^2 function, which {potential} is not declared to be")
        drift, diffusion = entry["drift"], entry["diffusion"]
        if len(facts) != len(diffusion) + 1:
            raise ProofError("Ito's formula needs nonnegative coefficients of the covariance, and a lower bound of V")
        for fact, (c, _) in zip(facts, diffusion, strict=False):
            self._says(fact, num(0).le(c))
        below = facts[-1].claim
        constant = {p[0] for p in parts(below.left)} <= {"q", "x", "+", "*", "^", "/"} and not self.context.depends(
            below.left
        )
        if below.op not in ("<=", "<") or not constant or below.right != x(potential):
            raise ProofError("the last premise of Ito's formula is c <= V with a constant c")
        gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
        own = [t * dot(gradient, v) for t, v in drift]
        return plus(*own, *[num("1/2") * t * trprod(hessian, m) for t, m in diffusion])

    def gronwall(self, potential: str, rate: Term, offset: Term, premises: Sequence[Fact]) -> Fact:
        """Exponential decay, from decay along the process.

            premises of ito      H |- L V <= -k V + c      H |- 0 < k
            ---------------------------------------------------------------      k, c depend on nothing; T the horizon
            H |- E V(X_T) <= V(x_0) exp(-kT) + (c/k) (1 - exp(-kT))

        Axioms and seals as ito.

        Sound: Ito's formula for exp(kt) V, whose drift exp(kt) (kV + LV) is at most exp(kt) c; then times exp(-kT)
        (Gronwall 1919).

        Raises:
            ProofError: as ito; k or c depends on something; the context names no horizon; a premise is not the one
            above.
        """
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts[:-2]), self.context.potentials[potential]
        for t in (rate, offset):
            if self.normal.depends(self._poly(t)):
                raise ProofError("rate and offset are constants: they depend on no outcome, time, coordinate or client")
        self._says(facts[-2], generator.le(-rate * x(potential) + offset))
        self._says(facts[-1], num(0).lt(rate))
        if self.context.horizon is None:
            raise ProofError("the context names no horizon")
        decay = fn("exp", -rate * x(self.context.horizon))
        claim = under("E", x(entry["end"])).le(x(entry["start"]) * decay + offset / rate * (1 - decay))
        data = {"potential": potential, "rate": rate, "offset": offset}
        return self._fact("gronwall", claim, facts, data, sealed=_hypotheses(facts), axioms=AXIOMS)

    def primitive(self, time: str, primitive: Term, integrand: Term, premises: Sequence[Fact]) -> Fact:
        """The fundamental theorem of calculus on [0, T], T the horizon.

            H |- P' == u      H |- 0 < p  (arguments of log)      H |- q != 0  (denominators)
            ---------------------------------------------------------------------------------
                                   H |- int_0^T u dt == P(T) - P(0)

        P' is that of `calculus.derivative`; p and q are those in which the time is written. The first premise is P' ==
        u; the others come in any order, and 0 < q or q < 0 will do for q != 0.

        Side conditions: `time` is of kind clock; P has no other symbols than it and const ones, no operators, and no
        functions but exp and log. Seals all hypotheses, since they are used at all times.

        Sound: on [0, T] P is continuously differentiable, since its denominators have no zero and its logarithms exist.

        Raises:
            ProofError: a side condition fails, or a premise is missing.
        """
        facts = self._premises(premises)
        if self.context.steps:
            raise ProofError("time is steps here: the rule for a sum over them is summation")
        slope, domain = time_derivative(self.context, primitive, name_of(time))
        if not facts or self.context.horizon is None:
            raise ProofError("the first premise is P' == u, and the context names a horizon: one of them is missing")
        self._says(facts[0], slope.eq(integrand))
        shown = {self.normal.key(f.claim) for f in facts[1:]}
        for kind, p in domain:
            options = [num(0).lt(p)] if kind == "positive" else [num(0).lt(p), p.lt(0), Relation(("!=", p, num(0)))]
            if not any(self.normal.key(o) in shown for o in options):
                raise ProofError(f"{p} is not shown to be in the domain: add the premise that it is {kind}")
        first, last = endpoints(primitive, time, self.context.horizon)
        data = {"time": time, "primitive": primitive, "integrand": integrand}
        claim = under("I", integrand).eq(last - first)
        return self._fact("primitive", claim, facts, data, sealed=_hypotheses(facts))


def time_derivative(context: Context, t: Term, time: str) -> tuple[Term, Domain]:
    """dt/d(time) of a deterministic term, and what must be positive or not 0 for it.

    Raises:
        ProofError: `time` is not declared as the clock; t holds a symbol that is neither the clock nor constant, an
        operator, or a
            function other than exp and log.
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


def _hypotheses(facts: Sequence[Fact]) -> set[Any]:
    return {key for fact in facts for key in fact.hypotheses}

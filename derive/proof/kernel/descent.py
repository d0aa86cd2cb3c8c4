"""The descent lemma for (L0, L1)-smooth functions, over one step of a method: descent. Trusted, as part of the kernel."""

from collections.abc import Sequence

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import STEPPING, ProofError, name_of
from sdescent.derive.proof.language.terms import Term, dot, fn, norm, num, plus, x


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
        the integral of (1 - t) exp(st) over [0, 1], so it increases, and L1 s <= c almost surely. Everything except D is known at
        the step, hence the mean. Each premise is used only at this time and outcome, so nothing is sealed. (Zhang, He, Sra and
        Jadbabaie 2020, with the constant that the integral gives)

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

"""Time integrals and sums over steps by a primitive: the rules primitive and summation. Trusted, as part of the kernel."""

from collections.abc import Sequence

from sdescent.derive.proof.kernel.calculus import Domain, derivative, endpoints
from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import Context, ProofError, name_of, parts
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, num, substitute, under, x

#: heads of a primitive: no operators, vectors or declared functions
_PRIMITIVE = frozenset({"q", "x", "pi", "+", "*", "^", "/", "f"})


class Primitives(RuleGroup):
    """The fundamental theorem of calculus, and its analogue for steps."""

    def primitive(self, time: str, primitive: Term, integrand: Term, premises: Sequence[Fact]) -> Fact:
        """The fundamental theorem of calculus on [0, T], T the horizon.

            H |- P' == u      H |- 0 < p  (arguments of log)      H |- q != 0  (denominators)
            ---------------------------------------------------------------------------------
                                   H |- int_0^T u dt == P(T) - P(0)

        P' is computed by `calculus.derivative`; only the p and q in which `time` is written need a premise. The first
        premise is P' == u; the others come in any order, and 0 < q or q < 0 will do for q != 0.

        Side conditions: `time` is of kind clock; the only symbols of P are `time` and const symbols, it has no operators,
        and its only functions are exp and log. Seals all hypotheses, since they are used at all times.

        Sound: P is continuously differentiable on [0, T], since its denominators have no zero and its logarithms exist.

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

        Side conditions: time is steps; the only symbols of P are t and const symbols, and it has no operators.

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


def time_derivative(context: Context, t: Term, time: str) -> tuple[Term, Domain]:
    """The derivative dt/d(time) of a deterministic term, and its domain: the terms that must be positive or nonzero.

    Raises:
        ProofError: `time` is not declared as the clock, or t contains a symbol that is neither the clock nor constant, an
            operator, or a function other than exp and log.
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

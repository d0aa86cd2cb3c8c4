"""The rules about functions of one variable: function, declared and ball. Trusted, as part of the kernel."""

from collections.abc import Mapping, Sequence
from typing import Any

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.kernel.function_laws import LAWS, law_of, property_of
from sdescent.derive.proof.kernel.one_variable import check_ball, needs_open
from sdescent.derive.proof.language.context import ProofError, exact, name_of
from sdescent.derive.proof.language.terms import Relation, Term, num, substitute


class Functions(RuleGroup):
    """Rules about abs, sqrt, exp, log, atan, erf, tanh, psi and the functions that the context declares."""

    def function(self, law: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """An instance of a law of `function_laws.LAWS`.

            H |- needs of the law, for the arguments
            ----------------------------------------
              H |- claim of the law, for them

        A law `monotone:f` claims f(s) <= f(t), and f(s) < f(t) if the premise is s < t.

        Sound: the laws hold for real numbers with the conventions sqrt t = 0 for t < 0 and log t = 0 for t <= 0. exp,
        atan, erf and tanh have positive derivatives everywhere, log and sqrt for t > 0; so all six increase strictly
        where the law applies. psi(t) = (exp(t) - 1 - t)/t^2, psi(0) = 1/2, is the integral of (1 - s) exp(st) over
        [0, 1], so it is positive and increases strictly.

        Raises:
            ProofError: there is no such law, or a premise is not what the law needs.
        """
        facts = self._premises(premises)
        claim, needs = law_of(law, list(args))
        for fact, need in zip(self._premises(facts, len(needs)), needs, strict=True):
            self._says(fact, need)
        if LAWS[law].strict and facts[-1].claim.op == "<":
            claim = Relation(("<", *claim[1:]))
        return self._fact("function", claim, facts, {"law": law, "args": tuple(args)})

    def declared(self, function: str, prop: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """An instance of a property that the context declares for a function F (`function_laws.PROPERTIES`).

            H |- needs of the property, for the arguments
            ---------------------------------------------      F declared with the property
              H |- claim of the property, for them

        Sound: a model of the context interprets F by a function R -> R that has the property: odd; |F| <= bound;
        nondecreasing; F(t) <= slope t for t >= 0; concave on [0, oo), so that chords lie below the graph.

        Raises:
            ProofError: the context does not declare the property for F, the number of arguments is wrong, or a premise is
            not what the property needs.
        """
        entry = self.context.functions.get(name_of(function), {})
        claim, needs = property_of(function, entry, name_of(prop), args)
        for fact, need in zip(facts := self._premises(premises, len(needs)), needs, strict=True):
            self._says(fact, need)
        return self._fact("declared", claim, facts, {"function": function, "property": prop, "args": tuple(args)})

    def ball(self, data: Mapping[str, Any], premises: Sequence[Fact] = ()) -> Fact:
        """The sign of a function on an interval, taken at the value of a term.

            H |- low <= t      H |- t <= high      `proof` proves 0 <= phi on [low, high]
            -----------------------------------------------------------------------------
                                         H |- 0 <= phi(t)

        FORMAT.md, section Balls, describes the data: variable, term (phi), strict, low, high, domain, proof, at (t).
        If `strict` is set, the claim is 0 < phi(t). An end that is None (-oo, oo) has no premise. If `up_open` occurs in
        the proof, the first premise must be low < t.

        Sound: `one_variable.check_ball` accepts the tree only if phi >= 0 (> 0) at every number of the interval, except
        perhaps at low itself if `up_open` occurs; the value of t at each point is such a number.

        Raises:
            ProofError: the proof fails, or a premise is not the one above.
        """
        facts = self._premises(premises)
        data = {k: exact(v) for k, v in data.items()}
        check_ball({k: v for k, v in data.items() if k != "at"})
        self.context.check(data.get("at"))
        at, bounds = data["at"], [("low", 1), ("high", -1)]
        needs = [(num(data[k]).le(at) if s > 0 else at.le(num(data[k]))) for k, s in bounds if data[k] is not None]
        for fact, need in zip(self._premises(facts, len(needs)), needs, strict=True):
            self._says(fact, need)
        if needs_open(data) and facts[0].claim.op != "<":
            raise ProofError("the claim fails at the end of the interval, which the premise admits: it must be low < t")
        value = substitute(data["term"], data["variable"], at)
        return self._fact("ball", num(0).lt(value) if data["strict"] else num(0).le(value), facts, data)

"""The rules about functions of one variable, and tables of their laws. Trusted, as part of the kernel."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.kernel.one_variable import check_ball, needs_open
from sdescent.derive.proof.language.context import ProofError, exact, name_of
from sdescent.derive.proof.language.terms import Relation, Term, declared, fn, num, substitute, term

ZERO, ONE = num(0), num(1)


class Law(NamedTuple):
    """A law of functions; `claim` and `needs` take `count` terms each."""

    count: int
    claim: Callable[..., Relation]
    needs: Callable[..., list[Relation]] = lambda *args: []
    #: whether the claim is strict if the last premise is
    strict: bool = False


def _rises(name: str, *domain: str) -> Law:
    """The law f(s) <= f(t) if s <= t. It needs 0 op s for each op in `domain`: elsewhere f is 0 by convention."""
    return Law(
        2,
        lambda s, t: fn(name, s).le(fn(name, t)),
        lambda s, t: [*(Relation((op, ZERO, s)) for op in domain), s.le(t)],
        True,
    )


#: name -> law. Each holds for all real arguments that satisfy its needs; sqrt t = 0 for t < 0 and log t = 0 for t <= 0.
LAWS: Mapping[str, Law] = {
    "abs_square": Law(1, lambda t: (fn("abs", t) ** 2).eq(t**2)),
    "abs_nonneg": Law(1, lambda t: ZERO.le(fn("abs", t))),
    "abs_of_positive": Law(1, lambda t: fn("abs", t).eq(t), lambda t: [ZERO.le(t)]),
    "abs_of_negative": Law(1, lambda t: fn("abs", t).eq(-t), lambda t: [t.le(ZERO)]),
    "sqrt_nonneg": Law(1, lambda t: ZERO.le(fn("sqrt", t))),
    "sqrt_of_square": Law(1, lambda t: fn("sqrt", t**2).eq(t), lambda t: [ZERO.le(t)]),
    "sqrt_square": Law(1, lambda t: (fn("sqrt", t) ** 2).eq(t), lambda t: [ZERO.le(t)]),
    "exp_positive": Law(1, lambda t: ZERO.lt(fn("exp", t))),
    "exp_add": Law(2, lambda s, t: fn("exp", s + t).eq(fn("exp", s) * fn("exp", t))),
    "log_exp": Law(1, lambda t: fn("log", fn("exp", t)).eq(t)),
    "exp_log": Law(1, lambda t: fn("exp", fn("log", t)).eq(t), lambda t: [ZERO.lt(t)]),
    "log_mul": Law(
        2, lambda s, t: fn("log", s * t).eq(fn("log", s) + fn("log", t)), lambda s, t: [ZERO.lt(s), ZERO.lt(t)]
    ),
    "psi_square": Law(1, lambda t: (fn("psi", t) * t**2).eq(fn("exp", t) - 1 - t)),
    "psi_positive": Law(1, lambda t: ZERO.lt(fn("psi", t))),
    "monotone:exp": _rises("exp"),
    "monotone:psi": _rises("psi"),
    "monotone:atan": _rises("atan"),
    "monotone:erf": _rises("erf"),
    "monotone:tanh": _rises("tanh"),
    "monotone:log": _rises("log", "<"),
    "monotone:sqrt": _rises("sqrt", "<="),
}


def law_of(law: str, args: Sequence[Term | int]) -> tuple[Relation, list[Relation]]:
    """The claim of a law for its arguments, and the relations that it needs.

    Raises ProofError if there is no such law with that many arguments.
    """
    if type(law) is not str or law not in LAWS or LAWS[law].count != len(args):
        name = repr(law) if type(law) is str else f"a {type(law).__name__}"
        raise ProofError(
            f"there is no law {name} of {len(args)} arguments: `LAWS` of derive/proof/kernel/functions.py lists all"
        )
    row, terms = LAWS[law], [term(a) for a in args]
    return row.claim(*terms), row.needs(*terms)


class Property(NamedTuple):
    """An instance of a declared property. `claim` takes F as a function on terms, the declared value, and then the arguments."""

    #: the property that the context must declare
    declared: str
    count: int
    claim: Callable[..., Relation]
    needs: Callable[..., list[Relation]] = lambda *args: []


#: name in a step -> instance of a property that the context declares
PROPERTIES: Mapping[str, Property] = {
    "odd": Property("odd", 1, lambda F, _, t: F(-t).eq(-F(t))),
    "bounded": Property("bounded", 1, lambda F, bound, t: F(t).le(bound)),
    "bounded_below": Property("bounded", 1, lambda F, bound, t: (-bound).le(F(t))),
    "nondecreasing": Property("nondecreasing", 2, lambda F, _, s, t: F(s).le(F(t)), lambda s, t: [s.le(t)]),
    "slope": Property("slope", 1, lambda F, slope, t: F(t).le(slope * t), lambda t: [ZERO.le(t)]),
    "concave_right": Property(
        "concave_right", 3,
        lambda F, _, s, t, a: (a * F(s) + (1 - a) * F(t)).le(F(a * s + (1 - a) * t)),
        lambda s, t, a: [ZERO.le(s), ZERO.le(t), ZERO.le(a), a.le(ONE)],
    ),
}  # fmt: skip


def property_of(
    function: str, entry: Mapping[str, Any], prop: str, args: Sequence[Any]
) -> tuple[Relation, list[Relation]]:
    """The claim for these arguments of a property that `entry` declares for F, and the relations that it needs.

    Raises:
        ProofError: the context does not declare the property for F, or the property has another number of arguments.
    """
    row = PROPERTIES.get(prop)
    if row is None or row.declared not in entry:
        raise ProofError(f"{function} is not declared {prop}: the context would have to list the property")
    if len(args) != row.count:
        raise ProofError(f"{prop} has {row.count} arguments, not {len(args)}")
    value, terms = entry[row.declared], [term(t) for t in args]
    return row.claim(lambda t: declared(function, t), value, *terms), row.needs(*terms)


class Functions(RuleGroup):
    """Rules about abs, sqrt, exp, log, atan, erf, tanh, psi and the functions that the context declares."""

    def function(self, law: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """An instance of a law of `LAWS`.

            H |- needs of the law, for the arguments
            ----------------------------------------
              H |- claim of the law, for them

        A law `monotone:f` claims f(s) <= f(t), or f(s) < f(t) if its last premise is s < t.

        Sound: the laws hold for real numbers with the conventions sqrt t = 0 for t < 0 and log t = 0 for t <= 0. exp,
        atan, erf and tanh have positive derivatives everywhere, log and sqrt for t > 0; so all six increase strictly
        where the law applies. psi(t) = (exp(t) - 1 - t)/t^2, psi(0) = 1/2, is the integral of (1 - s) exp(st) over s in
        [0, 1], so it is positive and increases strictly. Raises ProofError if there is no such law with that many
        arguments, or the premises are not what the law needs.
        """
        facts = self._premises(premises)
        claim, needs = law_of(law, list(args))
        for fact, need in zip(self._premises(facts, len(needs)), needs, strict=True):
            self._says(fact, need)
        if LAWS[law].strict and facts[-1].claim.op == "<":
            claim = Relation(("<", *claim[1:]))
        return self._fact("function", claim, facts, {"law": law, "args": tuple(args)})

    def declared(self, function: str, prop: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """An instance of a property that the context declares for a function F (`PROPERTIES`).

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
        """The sign of a function on an interval, applied at the value of a term.

            H |- low <= t      H |- t <= high      `proof` proves 0 <= phi on [low, high]
            -----------------------------------------------------------------------------
                                         H |- 0 <= phi(t)

        FORMAT.md, section Balls, describes the data: variable, term (phi), strict, low, high, domain, proof, at (t).
        If `strict` is set, the claim is 0 < phi(t). An end that is None (-oo, oo) has no premise. If `up_open` occurs in
        the proof, the first premise must be low < t.

        Sound: `one_variable.check_ball` accepts the tree only if phi >= 0 (> 0) at every number of the interval, except
        perhaps at low itself if `up_open` occurs; the value of t at each point is such a number. Raises ProofError if
        the proof fails, or a premise is not the one above.
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

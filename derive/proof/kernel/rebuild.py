"""Rebuild a certificate in the kernel: its steps are made again as facts. `replay` checks certificates without the kernel."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.certificate import FORMAT
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, from_json, num

#: rule -> function from the kernel, the stated claim, the premises and the data to the fact
_RULES: dict[str, Callable[[Kernel, Relation, list[Fact], Mapping[str, Any]], Fact]] = {
    "assume": lambda k, c, p, d: k.assume(c),
    "certify": lambda k, c, p, d: k.certify(c, p, _cone(d["mult"]), _cone(d["sum"]), _multiples(d["equalities"])),
    "inverse": lambda k, c, p, d: k.inverse(_term(d["of"]), p[0]),
    "absurd": lambda k, c, p, d: k.absurd(c, p[0]),
    "cases": lambda k, c, p, d: k.cases(_relation(d["split"]), p[0], p[1]),
    "cut": lambda k, c, p, d: k.cut(p[0], p[1]),
    "instantiate": lambda k, c, p, d: k.instantiate(p[0], d["symbol"], _term(d["term"])),
    "function": lambda k, c, p, d: k.function(d["law"], [_term(t) for t in d["args"]], p),
    "ball": lambda k, c, p, d: k.ball({**d, "term": _term(d["term"]), "at": _term(d["at"]), **_trees(d)}, p),
    "declared": lambda k, c, p, d: k.declared(d["function"], d["property"], [_term(t) for t in d["args"]], p),
    "nonnegative": lambda k, c, p, d: k.nonnegative(_term(d["of"])),
    "quad_bound": lambda k, c, p, d: k.quad_bound(d["matrix"], d["vector"], d["sign"]),
    "trace_bound": lambda k, c, p, d: k.trace_bound(d["matrix"], d["psd"], d["sign"]),
    "cauchy_schwarz": lambda k, c, p, d: k.cauchy_schwarz(d["u"], d["v"]),
    "squared_norm": lambda k, c, p, d: k.squared_norm([(_term(t), v) for t, v in d["parts"]]),
    "monotone": lambda k, c, p, d: k.monotone(d["operator"], p[0]),
    "component": lambda k, c, p, d: k.component(d["operator"], p[0]),
    "ito": lambda k, c, p, d: k.ito(d["potential"], p),
    "gronwall": lambda k, c, p, d: k.gronwall(d["potential"], _term(d["rate"]), _term(d["offset"]), p),
    "primitive": lambda k, c, p, d: k.primitive(d["time"], _term(d["primitive"]), _term(d["integrand"]), p),
    "descent": lambda k, c, p, d: k.descent(d["potential"], _term(d["reach"]), p),
    "telescope": lambda k, c, p, d: k.telescope(_weighted(d), p),
    "decay": lambda k, c, p, d: k.decay(_weighted(d), _term(d["rate"]), _term(d["offset"]), p),
    "summable": lambda k, c, p, d: k.summable(_weighted(d), _term(d["growth"]), _term(d["floor"]), _term(d["drop"]), p),
    "summation": lambda k, c, p, d: k.summation(d["time"], _term(d["primitive"])),
}

#: rule -> number of its premises, for the rules where it is fixed
PREMISES = {
    **dict.fromkeys(
        ("assume", "summation", "nonnegative", "quad_bound", "trace_bound", "cauchy_schwarz", "squared_norm"), 0
    ),
    **dict.fromkeys(("inverse", "absurd", "instantiate", "monotone", "component"), 1),
    **dict.fromkeys(("cases", "cut"), 2),
}


def rebuild(certificate: Mapping[str, Any], kernel: Kernel | None = None) -> Fact:
    """The fact that a certificate states, made again by the kernel.

    Args:
        kernel: the kernel that makes it; by default a new one.

    Raises:
        ProofError: a step is not an instance of its rule, the last step does not prove the statement, the shape is wrong, or the
            kernel has another context.
    """
    try:
        return _rebuilt(certificate, kernel)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, ProofError):
            raise
        raise ProofError(f"not of the shape of a certificate: {type(error).__name__}") from None


def _rebuilt(certificate: Mapping[str, Any], kernel: Kernel | None) -> Fact:
    if certificate["format"] != FORMAT:
        raise ProofError(f"the format of the certificate is not {FORMAT!r}")
    context = context_from(certificate["context"])
    kernel = Kernel(context) if kernel is None else kernel
    if kernel.context != context:
        raise ProofError("the certificate is about another method or other functions")
    facts: list[Fact] = []
    for step in certificate["steps"]:
        if any(type(n) is not int or not 0 <= n < len(facts) for n in step["premises"]):
            raise ProofError("a premise of a step is not an earlier step")
        claim = _relation(step["claim"])
        if len(step["premises"]) != PREMISES.get(step["rule"], len(step["premises"])):
            raise ProofError("a step has another number of premises than its rule")
        fact = _RULES[step["rule"]](kernel, claim, [facts[n] for n in step["premises"]], step["data"])
        kernel.context.check_relation(claim)
        if kernel.normal.key(fact.claim) != kernel.normal.key(claim):
            raise ProofError("a step claims something other than its rule gives")
        if claim.op == "==" and kernel.normal.polynomial(fact.claim.slack) != kernel.normal.polynomial(claim.slack):
            # the rule gave r == l, but later steps rely on r - l as the claim writes it
            fact = kernel.certify(claim, [fact], equalities=[(0, num(-1))])
        facts.append(fact)
    last, stated = facts[-1], certificate["statement"]
    listed = [_relation(r) for r in (*stated["assumptions"], *stated["definitions"])]
    for relation in (*listed, _relation(stated["claim"])):
        kernel.context.check_relation(relation)
    keys = [kernel.normal.key(r) for r in listed]
    same = set(keys) == set(last.hypotheses) and len(keys) == len(set(keys)) and set(stated["axioms"]) == last.axioms
    if not same or kernel.normal.key(_relation(stated["claim"])) != kernel.normal.key(last.claim):
        raise ProofError("the statement is not what the last step proves")
    return last


def context_from(value: Mapping[str, Any]) -> Context:
    """The context that a JSON value of a certificate describes."""
    functions = {
        name: {prop: v if v is True else _term(v) for prop, v in entry.items()}
        for name, entry in value["functions"].items()
    }
    potentials = {name: {part: _potential(part, v) for part, v in e.items()} for name, e in value["potentials"].items()}
    whole = {"functions": functions, "potentials": potentials, "vectors": tuple(value["vectors"])}
    return Context(**{**value, **whole})


def _term(value: Any) -> Term:
    if type(value) is not list:
        raise ProofError("not a term")
    return from_json(value)


def _potential(part: str, value: Any) -> Any:
    """One part of a potential's entry in the context, read from JSON."""
    if part in ("drift", "diffusion", "mean"):
        return tuple((_term(t), _vector(v)) for t, v in value)
    if part == "smoothness":
        return tuple(_term(t) for t in value)
    return _term(value) if part in ("square", "radius") and value is not None else value


def _weighted(data: Mapping[str, Any]) -> list[tuple[Term, str]]:
    return [(_term(w), name) for w, name in data["potentials"]]


def _vector(value: Any) -> Any:
    return tuple(_vector(v) for v in value) if isinstance(value, list) else value


def _relation(value: Any) -> Relation:
    if type(value) is not list:
        raise ProofError("not a relation")
    return from_json(value, relation=True)


def _cone(members: Any) -> list[Any]:
    return [(_fraction(c), tuple(numbers), tuple(_term(t) for t in squares)) for c, numbers, squares in members]


def _fraction(text: Any) -> Fraction:
    if type(text) is not str:
        raise ProofError("a number is not written as text")
    return Fraction(text)


def _multiples(equalities: Any) -> list[Any]:
    return [(number, _term(t)) for number, t in equalities]


def _trees(data: Mapping[str, Any]) -> dict[str, Any]:
    """The proof tree and the domain of a ball: lists stay lists, and the terms inside them become `Term`s."""
    return {
        "proof": _tree(data["proof"]),
        "domain": [[_term(q), sign, _tree(tree)] for q, sign, tree in data["domain"]],
    }


def _tree(tree: Any) -> Any:
    head, *rest = tree
    if head == "times":
        return [head, _term(rest[0]), *(_tree(t) for t in rest[1:])]
    if head in ("sum", "product"):
        return [head, [[_term(t), _tree(inner)] for t, inner in rest[0]]]
    return [head, *(_tree(t) if isinstance(t, list) else t for t in rest)]

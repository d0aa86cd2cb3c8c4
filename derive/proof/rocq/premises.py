"""Rules whose facts Rocq is not asked to prove: analysis of vectors, matrices, expectations and integrals. They are premises.

What such a rule gives, and when, the kernel says; the file states it as a Hypothesis: its claim from the claims of its premises.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.proof.kernel.rules import Kernel
from derive.proof.language.normal import Monomial, added
from derive.proof.language.terms import OPERATORS, Relation, Term, declared, dot, norm, under, x
from derive.proof.rocq.notation import UNIT, VARIABLES, ZERO, ExportError, applied, expanded
from derive.proof.rocq.script import Given, RocqStep, Script, abstracted, quantified

SORTS = {"S": "coords", "Si": "coords", "C": "clients"}


def geometric(script: Script, step: RocqStep) -> Given:
    """Signs and bounds of norms, traces and quadratic forms, for every w and t."""
    d, kernel = step.data, Kernel(script.terms.context)
    match step.rule:
        case "nonnegative":
            found = kernel.nonnegative(d["of"]).claim
        case "quad_bound":
            found = kernel.quad_bound(_name(d["matrix"]), _name(d["vector"]), d["sign"]).claim
        case "trace_bound":
            found = kernel.trace_bound(_name(d["matrix"]), _name(d["psd"]), d["sign"]).claim
        case _:
            u, v = (("v", d[k]) if isinstance(d[k], str) else d[k] for k in ("u", "v"))
            found = dot(u, v).le(norm(u) * norm(v))
            kernel.context.check_relation(found)
    text = script.closed(found)
    return found, applied(script.fact(text, f"step {step.number}, {step.rule}: {text}"), script.deps(found))


def _name(raw: Any) -> str:
    """The name of a vector or a matrix, which may also stand as it does in terms."""
    return raw if isinstance(raw, str) else raw[1]


def property_of_function(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """The property that the context declares, for all arguments, as a premise; its instance from that."""
    context, terms, show = script.terms.context, script.terms, script.show
    name, prop = step.data["function"], step.data["property"]
    args = [terms.normal(t) for t in step.data["args"]]
    f = terms.identifiers[name]
    value = context.functions[name].get("bounded" if prop == "bounded_below" else prop)
    if value is None:
        raise ExportError(f"{name} is not declared {prop}"[:80])

    def of(t: Term) -> Term:
        return declared(name, t)

    def sides(*wanted: Relation) -> str:
        return " ".join(script.bridge(*g, w) for g, w in zip(given, wanted, strict=True))

    words = f"{name} is {prop.replace('_', ' ')} (declared)"
    match prop:
        case "odd":
            u = terms.normal(-args[0])
            fact = script.fact(f"forall x__, {f} (- x__) = - {f} x__", words)
            proof = f"(is__odd {f} {fact} {show(args[0])} {show(u)} (trans__ {script.identity(u, -args[0])} (minus__ _)))"
            return of(u).eq(-of(args[0])), f"(trans__ {proof} (sym__ (minus__ _)))"
        case "bounded" | "bounded_below":
            fact = script.fact(f"forall x__, Rabs ({f} x__) <= {show(value)}", f"{name} is bounded (declared)")
            if prop == "bounded":
                return of(args[0]).le(value), f"(above__ _ _ ({fact} {show(args[0])}))"
            return (-value).le(of(args[0])), f"(under__abs _ _ ({fact} {show(args[0])}))"
        case "nondecreasing":
            fact = script.fact(f"forall x__ y__, x__ <= y__ -> {f} x__ <= {f} y__", words)
            s, t = args
            return of(s).le(of(t)), f"({fact} {show(s)} {show(t)} {sides(s.le(t))})"
        case "slope":
            fact = script.fact(f"forall x__, 0 <= x__ -> {f} x__ <= {show(value)} * x__", words)
            return of(args[0]).le(value * args[0]), f"({fact} {show(args[0])} {sides(ZERO.le(args[0]))})"
        case "concave_right":
            s, t, a = args
            fact = script.fact(f"concave__ {f}", words)
            mean = a * s + (1 - a) * t
            u = terms.normal(mean)
            order = sides(ZERO.le(s), ZERO.le(t), ZERO.le(a), a.le(UNIT))
            texts = " ".join(show(p) for p in (s, t, a, u))
            found = (a * of(s) + (1 - a) * of(t)).le(of(u))
            return found, f"(is__concave {f} {fact} {texts} {script.identity(u, mean)} {order})"
    raise ExportError(f"there is no property {prop!r}"[:80])


def monotone(script: Script, step: RocqStep, given: Given) -> Given:
    """op(l) <= op(r) from l <= r everywhere: proved for sums over coordinates, a premise for expectations and integrals."""
    (op, low, high), proof = given
    operator: str = step.data["operator"]
    if operator not in OPERATORS or op == "!=":
        raise ExportError(f"step {step.number}: there is no rule for {operator!r} of {op}"[:80])
    weaker = Relation(("==" if op == "==" else "<=", low, high))
    found = Relation((weaker.op, under(operator, low), under(operator, high)))
    proof = script.bridge(given[0], proof, weaker)
    bound = OPERATORS[operator]
    if operator in SORTS:
        sort = SORTS[operator]
        left, right = _sum(script, operator, low), _sum(script, operator, high)
        functions = " ".join(f"(fun {bound} => {script.show(t)})" for t in (low, high))
        between = f"(sum__{'eq' if op == '==' else 'le'} {sort} {functions} {abstracted(bound, proof)})"
        return found, f"(between__{'eq' if op == '==' else 'le'} {between} {left} {right})"
    inner, outer = script.deps(weaker), script.deps(found)
    outer = "".join(v for v in VARIABLES if v in outer or (v in inner and v not in bound))
    statement = quantified(outer, f"{quantified(bound, script.relation(weaker))} -> {script.relation(found)}")
    words = f"step {step.number}, monotone {operator} (integrability): {statement}"
    return found, f"({applied(script.fact(statement, words), outer)} {abstracted(bound, proof)})"


def _sum(script: Script, operator: str, term: Term) -> str:
    """A proof of Sum (fun j => term) = N(S(term)), member by member."""
    terms, v, sort = script.terms, OPERATORS[operator], SORTS[operator]

    def product(m: Monomial, c: Fraction, bound: bool) -> Term:
        """Those factors of a monomial that depend on what the sum binds, or the others."""
        return expanded({tuple((a, n) for a, n in m if (v in terms.depends({((a, n),): c})) == bound): c})

    rest, total, proof = ZERO, ZERO, f"(sum__0 {sort})"
    for m, c in reversed(terms.polynomial(term).items()):
        a, f = product(m, c, False), product(m, Fraction(1), True)
        value = under(operator, f)
        if f != expanded({(): Fraction(1)}):
            proof = f"(sum__lin {sort} {script.show(a)} (fun {v} => {script.show(f)}) (fun {v} => {script.show(rest)}) _ {proof})"
        else:
            size = script.show(value)
            fact = script.size_of(sort, size)
            proof = f"(sum__const {sort} {script.show(a)} {size} (fun {v} => {script.show(rest)}) _ {fact} {proof})"
        rest, total = a * f + rest, a * value + total
    functions = f"(fun {v} => {script.show(term)}) (fun {v} => {script.show(rest)})"
    split = f"(sum__eq {sort} {functions} (fun {v} => {script.identity(term, rest)}))"
    return f"(trans__ {split} (trans__ {proof} {script.identity(total, under(operator, term))}))"


def component(script: Script, step: RocqStep, given: Given) -> Given:
    """r - l <= Sum (r - l): one of what is >= 0 everywhere."""
    claim, proof = given
    operator: str = step.data["operator"]
    if operator not in ("S", "C") or claim.op not in ("<=", "<"):
        raise ExportError(f"step {step.number}: a component is of a sum of what is >= 0")
    v, sort, slack = OPERATORS[operator], SORTS[operator], claim.slack
    positive = script.bridge(claim, proof, ZERO.le(slack))
    listed = script.fact(f"forall {v} : {VARIABLES[v]}, In {v} {sort}", f"{sort} lists every one")
    function = f"(fun {v} => {script.show(slack)})"
    least = f"(sum__one {sort} {function} {abstracted(v, positive)} {v} ({listed} {v}))"
    return slack.le(under(operator, slack)), f"(between__le {least} (same__ _) {_sum(script, operator, slack)})"


def process(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """E(end) - start <= EI(LV), or Grönwall's E(end) <= start exp(-k T) + c/k (1 - exp(-k T)), from their own premises."""
    d, terms = step.data, script.terms
    name, kernel = d["potential"], Kernel(terms.context)
    needs = [r for r, _ in given]
    bound = len(terms.context.potentials[name]["diffusion"])
    needs[bound] = _below(script, needs[bound], name)
    facts = [kernel.assume(r) for r in needs]
    if step.rule == "ito":
        found, rule = kernel.ito(name, facts).claim, "Ito"
    else:
        found, rule = kernel.gronwall(name, d["rate"], d["offset"], facts).claim, "Gronwall"
    words = f"{rule} (weak existence, localisation, Fatou, integrability) for V = {name}"
    return _always(script, step, given, needs, found, words)


def _below(script: Script, bound: Relation, name: str) -> Relation:
    """c <= V, whatever side its terms stand on: c is V less the relation's slack."""
    terms, v = script.terms, x(name)
    return terms.term(added([terms.polynomial(v), terms.polynomial(-bound.slack)])).le(v)


def primitive(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """I(u) = P(T) - P(0), P' = u: the symbol of kind clock is the time itself."""
    d, kernel = step.data, Kernel(script.terms.context)
    needs = [r for r, _ in given]
    found = kernel.primitive(d["time"], d["primitive"], d["integrand"], [kernel.assume(r) for r in needs]).claim
    return _always(script, step, given, needs, found, f"primitive, {d['time']} being the time")


def _always(script: Script, step: RocqStep, given: list[Given], needs: list[Relation], found: Relation, words: str) -> Given:
    """The claim from what it needs, each of which is to hold for all outcomes and times, as a premise."""
    statement = " -> ".join([*(script.closed(r) for r in needs), script.relation(found)])
    proofs = [abstracted(script.deps(r), script.bridge(*g, r)) for g, r in zip(given, needs, strict=True)]
    return found, f"({script.fact(statement, f'step {step.number}, {words}: {statement}')} {' '.join(proofs)})"

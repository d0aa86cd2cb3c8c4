"""Proofs that terms as written equal the terms of the steps, and the declared properties of functions, vectors and matrices.

Each declaration is a premise, and its consequences are proved.
"""

from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.functions import property_of
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.normal import Polynomial, as_number
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, dot, norm, num
from sdescent.derive.proof.rocq.notation import FUNCTIONS, GEOMETRIC, UNIT, ExportError, expanded, number
from sdescent.derive.proof.rocq.operators import written_under
from sdescent.derive.proof.rocq.script import Proved, RocqStep, Script


def written_equal(script: Script, term: Term) -> str:
    """A proof that the term as written equals the term with its quotients, functions, operators and vectors in normal form."""
    if script.show(term, as_written=True) == script.show(term):
        return f"(same__ {script.show(term)})"
    match term:
        case ("+" | "*" as head, first, *rest):
            proof = written_equal(script, first)
            for a in rest:
                proof = f"(cong__{'add' if head == '+' else 'mul'} {proof} {written_equal(script, a)})"
            return proof
        case ("^", base, n):
            return f"(under__ (fun z__ => z__ ^ {n}) {written_equal(script, base)})"
        case ("/", a, b):
            inverse = f"(trans__ (under__ Rinv {_normal(script, b)}) {_inverse(script, script.terms.polynomial(b))})"
            return f"(once__ {inverse})" if a == UNIT else f"(cong__mul {written_equal(script, a)} {inverse})"
        case ("F", name, t):
            return f"(under__ {script.terms.identifiers[name]} {_normal(script, t)})"
        case (operator, t) if operator in OPERATORS:
            return written_under(script, operator, t, written_equal(script, t))
        case (head, *_) if head in GEOMETRIC:
            return written_form(script, term)
        case ("f", name, t):
            value = script.value(name, script.terms.polynomial(t))
            return f"(trans__ (under__ {FUNCTIONS[name]} {_normal(script, t)}) (sym__ {value}))"
    raise ExportError(f"not a term: {term!r}"[:80])


def as_written(script: Script, relation: Relation, proof: str, *, back: bool = False) -> str:
    """Turn a proof of the relation in normal form into a proof of it as written, or the reverse if `back` is true."""
    if script.relation(relation) == script.relation(relation, as_written=True):
        return proof
    sides = [written_equal(script, t) if back else f"(sym__ {written_equal(script, t)})" for t in relation[1:]]
    return f"(between__{ {'<=': 'le', '<': 'lt', '==': 'eq', '!=': 'ne'}[relation.op] } {proof} {' '.join(sides)})"


def _normal(script: Script, term: Term) -> str:
    """A proof that the term as written equals its normal form."""
    return f"(trans__ {written_equal(script, term)} {script.identity(term, script.terms.normal(term))})"


def _inverse(script: Script, p: Polynomial) -> str:
    """A proof of / p = N(1/p)."""
    q = as_number(p)
    if q is not None:
        return f"(inv__number {number(q)} {number(1 / q)} ltac:(lra))" if q else "(inv__0 (same__ 0))"
    c, factors = script.terms.factors(p)
    if c == 1 and len(factors) == 1 and factors[0][1] == 1:
        return "(same__ _)"
    if len(p) == 1:
        return script.inverse_of_monomial(p)
    f = expanded(factors[0][0])
    scaled = script.identity(expanded(p), num(c) * f)
    return f"(inv__scaled {script.show(expanded(p))} {number(c)} {script.show(f)} {number(1 / c)} {scaled} ltac:(lra))"


# Vectors and matrices: their declared properties, as premises


def symmetric(script: Script, matrix: Any) -> str:
    """A proof that a matrix is symmetric, for bound w and t."""
    if script.terms.context.psd(matrix[1]):
        return f"(psd__symmetric _ {positive_semidefinite(script, matrix)})"
    return _declared(script, matrix, "symmetric__", "symmetric")


def positive_semidefinite(script: Script, matrix: Any) -> str:
    """A proof that a matrix is positive semidefinite, for bound w and t."""
    return _declared(script, matrix, "psd__", "positive semidefinite, that is, a sum of products v v'")


def _declared(script: Script, matrix: Any, predicate: str, words: str) -> str:
    statement = f"forall (w : W) (t : Time), {predicate} {script.terms.vector(matrix)}"
    return f"({script.declared(statement, f'{script.terms.identifiers[matrix[1]]} is {words}')} w t)"


def written_form(script: Script, term: Term) -> str:
    """A proof that a norm, a trace or a form as written equals its normal form."""
    terms = script.terms
    goal = terms.poly(terms.polynomial(term), terms.atom_text)
    if term[0] == "trprod":
        return f"(trprod__sym axes {terms.vector(term[1])} {terms.vector(term[2])})"
    reached = [(term[1], term[2], "")]
    for u, v, proof in reached:
        low, high = terms.vector(u), terms.vector(v)
        forms = [terms.geometric(("dot", u, v))]
        if v[0] == "Mv" and v[2] == u:  # by definition equal to the quadratic form
            forms.append(terms.geometric(("quad", v[1], u)))
        if u == v:
            return _chained(proof, f"(norm__square axes {low})")
        if goal in forms:
            return proof or f"(same__ {goal})"
        steps = [(v, u, f"(dot__sym axes {low} {high})")]
        if v[0] == "Mv" and terms.context.symmetric(v[1][1]):
            moved = f"{terms.vector(v[1])} {low} {terms.vector(v[2])} {symmetric(script, v[1])}"
            steps.append((v[2], ("Mv", v[1], u), f"(dot__moved axes {moved})"))
        visited = [(a, b) for a, b, _ in reached]
        reached += [(a, b, _chained(proof, p)) for a, b, p in steps if (a, b) not in visited]
    raise ExportError(f"not a form: {term!r}"[:80])


def _chained(first: str, second: str) -> str:
    return f"(trans__ {first} {second})" if first else second


def geometric(script: Script, step: RocqStep, _premises: list[Proved]) -> Proved:
    """The sign or bound of a norm, a trace or a quadratic form, for all w and t."""
    d, kernel, vector = step.data, Kernel(script.terms.context), script.terms.vector
    if step.rule == "nonnegative":
        head, *parts = d["of"]
        claim = kernel.nonnegative(d["of"]).claim
        flagged = [part for part in parts if part[0] == "m" and head != "opnorm"]
        arguments = [*(vector(part) for part in parts), *(positive_semidefinite(script, m) for m in flagged)]
        proof = f"({head}__pos axes {' '.join(arguments)})"
    elif step.rule == "squared_norm":
        claim = kernel.squared_norm(d["parts"]).claim
        pairs = [f"({script.show(c, as_written=True)}, {vector(('v', v))})" for c, v in d["parts"]]
        proof = f"(squared__norm axes {pairs[0]} ({' :: '.join([*pairs[1:], 'nil'])}))"
    elif step.rule == "cauchy_schwarz":
        u, v = (("v", d[k]) if isinstance(d[k], str) else d[k] for k in ("u", "v"))
        claim = dot(u, v).le(norm(u) * norm(v))
        kernel.context.check_relation(claim)
        proof = f"(cauchy__ axes {vector(u)} {vector(v)})"
    else:
        form, other = ("quad", "vector") if step.rule == "quad_bound" else ("trprod", "psd")
        objects = ("m", _name(d["matrix"])), ("v" if form == "quad" else "m", _name(d[other]))
        rule = kernel.quad_bound if form == "quad" else kernel.trace_bound
        claim = rule(objects[0][1], objects[1][1], d["sign"]).claim
        flags = "" if form == "quad" else f"{positive_semidefinite(script, objects[1])} "
        side = "(or_introl eq_refl)" if d["sign"] == 1 else "(or_intror eq_refl)"
        lemma = "quad__bound" if form == "quad" else "trace__bound"
        sign = number(Fraction(d["sign"]))
        proof = f"({lemma} axes {sign} {vector(objects[0])} {vector(objects[1])} {flags}{side})"
    return claim, as_written(script, claim, proof, back=True)


def _name(raw: Any) -> str:
    """The name of a vector or a matrix, which is given either directly or as the object that occurs in terms."""
    return raw if isinstance(raw, str) else raw[1]


def property_of_function(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """An instance of a declared property, proved from the premise that the property holds for all arguments."""
    context, terms, show = script.terms.context, script.terms, script.show
    name, prop = step.data["function"], step.data["property"]
    args = [terms.normal(t) for t in step.data["args"]]
    f = terms.identifiers[name]
    value = context.functions[name].get("bounded" if prop == "bounded_below" else prop)
    if value is None:
        raise ExportError(f"{name} is not declared {prop}"[:80])

    claim, needs = property_of(name, context.functions[name], prop, args)
    sides = " ".join(script.bridge(*g, r) for g, r in zip(premises, needs, strict=True))
    words, at = f"{name} is {prop.replace('_', ' ')}", " ".join(show(t) for t in args)
    match prop:
        case "odd":
            u = terms.normal(-args[0])
            fact = script.declared(f"forall x__, {f} (- x__) = - {f} x__", words)
            proof = f"(is__odd {f} {fact} {at} {show(u)} (trans__ {script.identity(u, -args[0])} (minus__ _)))"
            proof = f"(trans__ {proof} (sym__ (minus__ _)))"
        case "bounded" | "bounded_below":
            fact = script.declared(f"forall x__, Rabs ({f} x__) <= {show(value)}", f"{name} is bounded")
            proof = f"({'above__' if prop == 'bounded' else 'under__abs'} _ _ ({fact} {at}))"
        case "nondecreasing":
            fact = script.declared(f"forall x__ y__, x__ <= y__ -> {f} x__ <= {f} y__", words)
            proof = f"({fact} {at} {sides})"
        case "slope":
            fact = script.declared(f"forall x__, 0 <= x__ -> {f} x__ <= {show(value)} * x__", words)
            proof = f"({fact} {at} {sides})"
        case _:  # concave on the right
            s, t, a = args
            fact = script.declared(f"concave__ {f}", words)
            mean = a * s + (1 - a) * t
            u = terms.normal(mean)
            proof = f"(is__concave {f} {fact} {at} {show(u)} {script.identity(u, mean)} {sides})"
    return claim, proof

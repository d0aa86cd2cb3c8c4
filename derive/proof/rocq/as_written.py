"""Terms as written rather than in normal form: proofs that they equal the terms the steps use."""

from typing import Any

from sdescent.derive.proof.language.normal import Polynomial, as_number
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, num
from sdescent.derive.proof.rocq.notation import FUNCTIONS, GEOMETRIC, UNIT, ExportError, expanded, number
from sdescent.derive.proof.rocq.operators import written_under
from sdescent.derive.proof.rocq.script import Script


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
    text = script.terms.vector(matrix)
    statement = f"forall (w : W) (t : Time), {predicate} {text}"
    return f"({script.declared(statement, f'{script.terms.identifiers[matrix[1]]} is {words}')} w t)"


def written_form(script: Script, term: Term) -> str:
    """A proof that a norm, a trace or a form as written equals its normal form."""
    terms = script.terms
    goal = terms.poly(terms.polynomial(term), terms.atom_text)
    if term[0] == "trprod":
        return f"(trprod__sym coords {terms.vector(term[1])} {terms.vector(term[2])})"
    reached = [(term[1], term[2], "")]
    for u, v, proof in reached:
        low, high = terms.vector(u), terms.vector(v)
        forms = _form(script, u, v)
        if u == v:
            return _chained(proof, f"(norm__square coords {low})")
        if goal in forms:
            return proof or f"(same__ {goal})"
        steps = [(v, u, f"(dot__sym coords {low} {high})")]
        if v[0] == "Mv" and terms.context.symmetric(v[1][1]):
            moved = f"{terms.vector(v[1])} {low} {terms.vector(v[2])} {symmetric(script, v[1])}"
            steps.append((v[2], ("Mv", v[1], u), f"(dot__moved coords {moved})"))
        visited = [(a, b) for a, b, _ in reached]
        reached += [(a, b, _chained(proof, p)) for a, b, p in steps if (a, b) not in visited]
    raise ExportError(f"not a form: {term!r}"[:80])


def _form(script: Script, u: Any, v: Any) -> list[str]:
    """The text of the inner product and, if v is M u, of the quadratic form that equals it by definition."""
    texts = [script.terms.geometric(("dot", u, v))]
    return [*texts, script.terms.geometric(("quad", v[1], u))] if v[0] == "Mv" and v[2] == u else texts


def _chained(first: str, second: str) -> str:
    return f"(trans__ {first} {second})" if first else second

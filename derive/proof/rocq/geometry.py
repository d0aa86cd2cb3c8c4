"""Vectors and matrices: what the context declares of them, as premises, and proofs that a form is its normal form."""

from __future__ import annotations

from typing import Any

from sdescent.derive.proof.language.terms import Term
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.script import Script


def symmetric(script: Script, matrix: Any) -> str:
    """A proof that a matrix is symmetric, where w and t are bound."""
    if script.terms.context.psd(matrix[1]):
        return f"(psd__symmetric _ {positive_semidefinite(script, matrix)})"
    return _declared(script, matrix, "symmetric__", "symmetric")


def positive_semidefinite(script: Script, matrix: Any) -> str:
    """A proof that a matrix is positive semidefinite, where w and t are bound."""
    return _declared(script, matrix, "psd__", "positive semidefinite, that is, a sum of products v v'")


def _declared(script: Script, matrix: Any, predicate: str, words: str) -> str:
    text = script.terms.vector(matrix)
    statement = f"forall (w : W) (t : Time), {predicate} {text}"
    return f"({script.declared(statement, f'{script.terms.identifiers[matrix[1]]} is {words}')} w t)"


def written_form(script: Script, term: Term) -> str:
    """A proof that a norm, a trace or a form as it is written is its normal form."""
    terms = script.terms
    wanted = terms.poly(terms.polynomial(term), terms.atom_text)
    if term[0] == "trprod":
        return f"(trprod__sym coords {terms.vector(term[1])} {terms.vector(term[2])})"
    reached = [(term[1], term[2], "")]
    for u, v, proof in reached:
        left, right = terms.vector(u), terms.vector(v)
        found = _form(script, u, v)
        if u == v:
            return _chained(proof, f"(norm__square coords {left})")
        if wanted in found:
            return proof or f"(same__ {wanted})"
        steps = [(v, u, f"(dot__sym coords {left} {right})")]
        if v[0] == "Mv" and terms.context.symmetric(v[1][1]):
            moved = f"{terms.vector(v[1])} {left} {terms.vector(v[2])} {symmetric(script, v[1])}"
            steps.append((v[2], ("Mv", v[1], u), f"(dot__moved coords {moved})"))
        known = [(a, b) for a, b, _ in reached]
        reached += [(a, b, _chained(proof, p)) for a, b, p in steps if (a, b) not in known]
    raise ExportError(f"not a form: {term!r}"[:80])


def _form(script: Script, u: Any, v: Any) -> list[str]:
    """The texts of the inner product, and of the quadratic form that it is by definition."""
    texts = [script.terms.geometric(("dot", u, v))]
    return [*texts, script.terms.geometric(("quad", v[1], u))] if v[0] == "Mv" and v[2] == u else texts


def _chained(first: str, second: str) -> str:
    return f"(trans__ {first} {second})" if first else second

"""Terms of one variable: substitution, derivatives with their proofs, and terms as they are written, not in normal form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.proof.rocq.script import ONE_TERM, ZERO, Script, const, of_poly
from derive.proof.rocq.terms import FUNCTIONS, RELATIONS, ExportError, Poly, Relation, Term, number

Proof = Callable[[Term], str]


class UnsupportedError(Exception):
    """What is not proved here; it enters as a premise."""


def replaced(term: Any, name: str, by: Term) -> Any:
    """The term (or data with terms in it) with `by` for the symbol `name`."""
    if not isinstance(term, (list, tuple)):
        return term
    if list(term) == ["x", name]:
        return by
    return type(term)(replaced(t, name, by) for t in term)


def contains(term: Any, name: str) -> bool:
    return isinstance(term, (list, tuple)) and (list(term) == ["x", name] or any(contains(t, name) for t in term))


def singular(term: Term, name: str) -> list[tuple[str, Term]]:
    """Denominators, and arguments of log and sqrt, in which the symbol occurs."""
    if not isinstance(term, list):
        return []
    found = [pair for t in term for pair in singular(t, name)]
    if term[0] == "/" and contains(term[2], name):
        found.append(("/", term[2]))
    if term[0] == "f" and term[1] in ("log", "sqrt") and contains(term[2], name):
        found.append((term[1], term[2]))
    return found


def derivative(term: Term, name: str) -> Term:
    """The derivative by the symbol, by the rules of calculus."""
    if not contains(term, name):
        return ZERO
    match term:
        case ["x", _]:
            return ["q", "1"]
        case ["+", *args]:
            return ["+", *(derivative(a, name) for a in args)]
        case ["*", *args]:
            return ["+", *(["*", *args[:n], derivative(a, name), *args[n + 1 :]] for n, a in enumerate(args))]
        case ["^", base, n]:
            return ["*", const(n), ["^", base, n - 1], derivative(base, name)] if n else ZERO
        case ["/", a, b]:
            square = ["*", ["q", "-1"], a, derivative(b, name), ["/", ["q", "1"], ["^", b, 2]]]
            return ["+", ["/", derivative(a, name), b], square]
        case ["f", f, t]:
            return ["*", _of_function(f, t), derivative(t, name)]
    raise ExportError("no derivative by the rules of calculus")


def _of_function(f: str, t: Term) -> Term:
    match f:
        case "exp":
            return ["f", "exp", t]
        case "log":
            return ["/", ["q", "1"], t]
        case "sqrt":
            return ["/", ["q", "1"], ["*", ["q", "2"], ["f", "sqrt", t]]]
        case "atan":
            return ["/", ["q", "1"], ["+", ["q", "1"], ["^", t, 2]]]
        case "tanh":
            return ["+", ["q", "1"], ["*", ["q", "-1"], ["^", ["f", "tanh", t], 2]]]
    raise ExportError(f"no derivative of {f}"[:80])


# Terms as they are written


def raw(script: Script, term: Term) -> str:
    """The term with nothing in normal form: what stays true when a value is put for a variable."""
    match term:
        case ["+", *args] if args:
            return "(" + " + ".join(raw(script, a) for a in args) + ")"
        case ["*", *args] if args:
            return "(" + " * ".join(raw(script, a) for a in args) + ")"
        case ["^", base, int(n)]:
            return f"({raw(script, base)} ^ {n})"
        case ["/", a, b]:
            return f"(/ {raw(script, b)})" if a == ONE_TERM else f"({raw(script, a)} * (/ {raw(script, b)}))"
        case ["f", name, t] if name in FUNCTIONS:
            return f"({FUNCTIONS[name]} {raw(script, t)})"
    return script.show(term)


def raw_equal(script: Script, term: Term) -> str:
    """A proof of raw(term) = show(term)."""
    if raw(script, term) == script.show(term):
        return f"(same__ {script.show(term)})"
    match term:
        case ["+" | "*" as head, first, *rest]:
            proof = raw_equal(script, first)
            for a in rest:
                proof = f"(cong__{'add' if head == '+' else 'mul'} {proof} {raw_equal(script, a)})"
            return proof
        case ["^", base, n]:
            return f"(under__ (fun z__ => z__ ^ {n}) {raw_equal(script, base)})"
        case ["/", a, b]:
            inverse = f"(trans__ (under__ Rinv {raw_normal(script, b)}) {_inverse(script, script.terms.normal(b))})"
            return f"(once__ {inverse})" if a == ONE_TERM else f"(cong__mul {raw_equal(script, a)} {inverse})"
        case ["f", name, t]:
            value = script.value(name, script.terms.normal(t))
            return f"(trans__ (under__ {FUNCTIONS[name]} {raw_normal(script, t)}) (sym__ {value}))"
    raise ExportError(f"not a term: {term!r}"[:80])


def raw_relation(script: Script, relation: Relation) -> str:
    return f"{raw(script, relation[1])} {RELATIONS[relation[0]]} {raw(script, relation[2])}"


def raw_deps(script: Script, term: Any) -> frozenset[str]:
    """The variables in the text of raw(term), those included that no normal form has."""
    match term:
        case ["+" | "*", *args]:
            return frozenset().union(*(raw_deps(script, a) for a in args))
        case ["^", base, _]:
            return raw_deps(script, base)
        case ["/", a, b]:
            return raw_deps(script, a) | raw_deps(script, b)
        case ["f", _, t]:
            return raw_deps(script, t)
    return frozenset(script.deps(("==", term, ZERO)))


def as_written(script: Script, relation: Relation, proof: str, *, back: bool = False) -> str:
    """From a proof of the relation one of it as it is written; `back`, the other way round."""
    if script.relation(relation) == raw_relation(script, relation):
        return proof
    sides = [raw_equal(script, t) if back else f"(sym__ {raw_equal(script, t)})" for t in relation[1:]]
    return f"(between__{ {'<=': 'le', '<': 'lt', '==': 'eq', '!=': 'ne'}[relation[0]]} {proof} {' '.join(sides)})"


def raw_normal(script: Script, term: Term) -> str:
    """A proof of raw(term) = N(term)."""
    return f"(trans__ {raw_equal(script, term)} {script.identity(term, of_poly(script.terms.normal(term)))})"


def _inverse(script: Script, p: Poly) -> str:
    """A proof of / p = N(1/p)."""
    q = p.constant()
    if q is not None:
        return f"(inv__number {number(q)} {number(1 / q)} ltac:(lra))" if q else "(inv__0 (same__ 0))"
    c, factors = script.terms.factors(p)
    if c == 1 and len(factors) == 1 and factors[0][1] == 1:
        return "(same__ _)"
    if len(p) == 1:
        return script.inverse_of_monomial(p)
    f = of_poly(factors[0][0])
    scaled = script.identity(of_poly(p), ["*", const(c), f])
    return f"(inv__scaled {script.show(of_poly(p))} {number(c)} {script.show(f)} {number(1 / c)} {scaled} ltac:(lra))"


# Derivatives with proofs


def derived(script: Script, term: Term, name: str, nonzero: Proof, positive: Proof) -> tuple[Term, str]:
    """The derivative at y__ and a proof that it is that of fun x__ => raw(term).

    `nonzero` and `positive` prove b <> 0 and 0 < t at y__ for denominators b and arguments t of log and sqrt.
    """

    def of(t: Term) -> tuple[Term, str]:
        return derived(script, t, name, nonzero, positive)

    def function(t: Term) -> str:
        return f"(fun x__ => {raw(script, t)})"

    if not contains(term, name):
        return ZERO, f"(d__const {raw(script, term)} y__)"
    match term:
        case ["x", _]:
            return ONE_TERM, "(d__id y__)"
        case ["+" | "*" as head, first, *rest]:
            left, (d, proof) = first, of(first)
            for right in rest:
                e, other = of(right)
                lemma = "d__add" if head == "+" else "d__mul"
                proof = f"({lemma} {function(left)} {function(right)} y__ _ _ {proof} {other})"
                d = ["+", d, e] if head == "+" else ["+", ["*", d, right], ["*", left, e]]
                left = [head, left, right]
            return d, proof
        case ["^", base, 0]:
            raise UnsupportedError(base)
        case ["^", base, n]:
            d, proof = of(base)
            pieces = f"{n} {n} {function(base)} y__ _ (num__ {n}) {proof}"
            return ["*", const(n), ["^", base, n - 1], d], f"(d__pow {pieces})"
        case ["/", a, b] if a == ONE_TERM:
            d, proof = of(b)
            return ["*", ["q", "-1"], d, ["^", term, 2]], f"(d__inv {function(b)} y__ _ {nonzero(b)} {proof})"
        case ["/", a, b]:
            return of(["*", a, ["/", ONE_TERM, b]])
        case ["f", "exp", t]:
            d, proof = of(t)
            return ["*", term, d], f"(d__exp {function(t)} y__ _ {proof})"
        case ["f", "tanh", t]:
            d, proof = of(t)
            outer = ["+", ONE_TERM, ["*", ["q", "-1"], ["^", term, 2]]]
            return ["*", outer, d], f"(d__tanh {function(t)} y__ _ {proof})"
        case ["f", "log" | "sqrt" | "atan" as f, t]:
            d, proof = of(t)
            inner = {"log": t, "sqrt": ["*", ["q", "2"], term], "atan": ["+", ONE_TERM, ["^", t, 2]]}[f]
            side = "" if f == "atan" else f" {positive(t)}"
            return ["*", ["/", ONE_TERM, inner], d], f"(d__{FUNCTIONS[f]} {function(t)} y__ _{side} {proof})"
    raise UnsupportedError(term)

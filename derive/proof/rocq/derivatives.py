"""Derivatives with their proofs: one lemma of calculus for each part of a term in one variable, as written.

The kernel supplies the derivatives of the functions (`calculus.OUTER`); the lemmas differentiate sums, products and powers.
"""

from collections.abc import Callable

from sdescent.derive.proof.kernel.one_variable_forms import OUTER
from sdescent.derive.proof.language.terms import Term, contains, num
from sdescent.derive.proof.rocq.notation import FUNCTIONS, UNIT, ZERO

Writer = Callable[[Term], str]


class UnsupportedError(Exception):
    """A part of a proof in one variable that is not proved in Rocq; the whole fact becomes a premise."""


def derived(text: Writer, term: Term, name: str, nonzero: Writer, positive: Writer) -> tuple[Term, str]:
    """The derivative at y__, and a proof that it is the derivative of fun x__ => text(term).

    Args:
        text: writes a term in Rocq's notation, with x__ for the variable.
        name: the variable.
        nonzero, positive: give a proof at y__ of b <> 0 for a denominator b, and of 0 < t for an argument t of log or sqrt.

    Raises:
        UnsupportedError: the term has a power with exponent 0 or a function whose derivative has no lemma.
    """

    def of(t: Term) -> tuple[Term, str]:
        return derived(text, t, name, nonzero, positive)

    def function(t: Term) -> str:
        return f"(fun x__ => {text(t)})"

    if not contains(term, name):
        return ZERO, f"(d__const {text(term)} y__)"
    match term:
        case ("x", _):
            return UNIT, "(d__id y__)"
        case ("+" | "*" as head, first, *rest):
            whole, (d, proof) = first, of(first)
            for right in rest:
                e, other = of(right)
                lemma = "d__add" if head == "+" else "d__mul"
                proof = f"({lemma} {function(whole)} {function(right)} y__ _ _ {proof} {other})"
                d = d + e if head == "+" else d * right + whole * e
                whole = Term((head, whole, right))
            return d, proof
        case ("^", base, n) if n:
            d, proof = of(base)
            pieces = f"{n} {n} {function(base)} y__ _ (num__ {n}) {proof}"
            return Term(("*", num(n), base ** (n - 1), d)), f"(d__pow {pieces})"
        case ("/", a, b) if a == UNIT:
            d, proof = of(b)
            return Term(("*", num(-1), d, Term(("^", term, 2)))), f"(d__inv {function(b)} y__ _ {nonzero(b)} {proof})"
        case ("/", a, b):
            return of(a * (1 / b))
        case ("f", "exp" | "log" | "sqrt" | "atan" | "erf" | "tanh" as f, t):
            d, proof = of(t)
            side = f" {positive(t)}" if f in ("log", "sqrt") else ""
            return OUTER[f](t) * d, f"(d__{FUNCTIONS[f]} {function(t)} y__ _{side} {proof})"
    raise UnsupportedError(term)

"""Two bounds of the logarithm, from exp(d) >= 1 + d and the laws of exp and log."""

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError, parts
from sdescent.derive.proof.language.terms import Relation, Term, fn, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.theorems.entry.theorem import Derivation

#: seconds for the sign of an argument
EACH = 0.3
_Z = x("z_q")


def tangent(w: Derivation, branch: Branch, s: Term, t: Term) -> Fact:
    """log s - log t <= s/t - 1 for positive s and t, since exp(d) >= 1 + d at d = log s - log t.

    Raises:
        ProofError: s > 0 or t > 0 is not shown.
    """
    k, over = w.kernel, fn("log", s) - fn("log", t)
    product = k.function("exp_add", [over, fn("log", t)])
    values = [k.function("exp_log", [a], [_positive(branch, a)]) for a in (s, t)]
    unit = k.inverse(t, _positive(branch, t))
    # exp(d) t = exp(d) exp(log t) = exp(log s) = s, so exp(d) = s/t
    e = fn("exp", over)
    equalities = [(-(1 / t), product), (1 / t, values[0]), (-(e / t), values[1]), (-e, unit)]
    return w.combine("the tangent of the logarithm", _tangent(s, t), [_above(w, over)], equalities)


def is_tangent(claim: Relation) -> bool:
    """Whether a claim is that of `tangent` for some terms."""
    logs = arguments(claim.left)
    return len(logs) == 2 and claim in (_tangent(*logs), _tangent(*logs[::-1]))


def arguments(*terms: Term) -> list[Term]:
    """The s of each log(s) in terms, each once."""
    return list(dict.fromkeys(p[2] for t in terms for p in parts(t) if p[:2] == ("f", "log")))


def bounded_below(w: Derivation, branch: Branch, part: tuple[Term, Term, Term], sign: Fact) -> Fact:
    """-2 v - v^2/a <= a b + v log(b) for v <= 0 < a: with r = exp(log(b)/2), r^2 = b and log(b) <= 2 r - 2.

    Args:
        part: a, v and b.
        sign: the fact v <= 0.

    Raises:
        ProofError: a > 0 or b > 0 is not shown.
    """
    (a, v, b), k = part, w.kernel
    half, positive = fn("log", b) / 2, _positive(branch, a)
    r = fn("exp", half)
    square, value = k.function("exp_add", [half, half]), k.function("exp_log", [b], [_positive(branch, b)])
    # a r^2 + 2 v r + v^2/a = a (r + v/a)^2
    members = [(2, [sign, _above(w, half)]), (1, [positive], r + v / a)]
    equalities = [(a, value), (-a, square), *([] if a[0] == "q" else [(2 * v * r + v**2 / a, k.inverse(a, positive))])]
    claim = (-2 * v - v**2 / a).le(a * b + v * fn("log", b))
    return w.combine("the number and its logarithm", claim, members, equalities)


def _tangent(s: Term, t: Term) -> Relation:
    return (fn("log", s) - fn("log", t)).le(s / t - 1)


def _above(w: Derivation, d: Term) -> Fact:
    """0 <= exp(d) - 1 - d."""
    return w.prover.analysis(fn("exp", _Z) - 1 - _Z, "z_q", d)


def _positive(branch: Branch, t: Term) -> Fact:
    fact = branch.show(t.gt(0), EACH)
    if fact is None:
        raise ProofError(f"{text(t)} is not shown to be positive: add {text(t)} > 0 to assume")
    return fact

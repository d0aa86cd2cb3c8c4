"""Facts about the numbers of a scalar memory and their logarithms, which the search does not find by itself."""

from collections.abc import Iterator, Sequence

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, fn, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.theorems.bounds.kernel_context import Potential, Setting
from sdescent.derive.theorems.bounds.language.scalar_memory import moved_to
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, replaced, symbols_of
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.theorems.entry.theorem import Derivation

#: seconds for the sign of an argument
EACH = 0.3
_Z = x("z_q")


def of_a_step(w: Derivation, branch: Branch, setting: Setting) -> Iterator[Fact]:
    """For each number b of the memory, b <= b_next or the reverse if it is shown; and bounds on the change of each logarithm in V."""
    for b in setting.numbers:
        here, there = x(b), x(after(b))
        order = branch.show(here.le(there), EACH) or branch.show(there.le(here), EACH)
        yield from () if order is None else (order,)
    for s in logarithms(setting):
        t = moved_to(s, setting.numbers, after)
        rise, fall = tangent(w, branch, t, s), tangent(w, branch, s, t)
        yield from (rise, fall)
        # 1 - r >= (1 - r^2)/2 for r = s/t
        half = (1 - (s / t) ** 2).le(2 * fn("log", t) - 2 * fn("log", s))
        yield w.combine("the logarithm and squares", half, [(2, fall), w.square(1 - s / t)])


def logarithms(setting: Setting) -> list[Term]:
    """The arguments of the logarithms in the functions of V."""
    found = (p[2] for t in setting.functions for p in parts_of(t) if p[:2] == ("f", "log"))
    return list(dict.fromkeys(found))


def with_logarithm(setting: Setting, parts: Sequence[tuple[Term, Potential]]) -> tuple[Term, Term, Term] | None:
    """(w, v, b) if V has the parts w b and v log(b), None if it has no logarithm.

    Raises:
        ProofError: V has no part w b, or another logarithm, so that no lower bound of V is known.
    """
    of = {id(p): t for t, p in setting.functions.items()}
    weights = {of[id(p)]: w for w, p in parts if id(p) in of}
    logs = [t for t in weights if any(p[:2] == ("f", "log") for p in parts_of(t))]
    if not logs:
        return None
    (log, *more), b = logs, logs[0][-1]
    if more or log[:2] != ("f", "log") or b not in weights:
        raise ProofError(f"V with {text(log)} has no lower bound that is known: write log(b) with a positive multiple of b in V")
    return weights[b], weights[log], b


def bounded_below(w: Derivation, branch: Branch, setting: Setting, part: tuple[Term, Term, Term], sign: Fact) -> Fact:
    """-2 v - v^2/a <= a b + v log(b) for v <= 0 < a: with r = exp(log(b)/2), r^2 = b and log(b) <= 2 r - 2.

    Args:
        part: a, v and b.
        sign: the fact v <= 0.

    Raises:
        ProofError: a > 0 is not shown.
    """
    (a, v, b), k = part, w.kernel
    half, log = fn("log", b) / 2, setting.functions[fn("log", b)].value
    r, positive, size = fn("exp", half), branch.show(a.gt(0), EACH), branch.show(b.gt(0), EACH)
    if positive is None or size is None:
        raise ProofError(f"V is not bounded below: the weight of {text(b)} is not shown to be positive")
    above = w.prover.analysis(fn("exp", _Z) - 1 - _Z, "z_q", half)
    square, value = k.function("exp_add", [half, half]), k.function("exp_log", [b], [size])
    # a r^2 + 2 v r + v^2/a = a (r + v/a)^2
    members = [(2, [sign, above]), (1, [positive], r + v / a)]
    equalities = [(a, value), (-a, square), (-v, text(fn("log", b)))]
    equalities += [] if a[0] == "q" else [(2 * v * r + v**2 / a, k.inverse(a, positive))]
    claim = (-2 * v - v**2 / a).le(a * b + v * log)
    return w.combine("the number and its logarithm", claim, members, equalities)


def _tangent(s: Term, t: Term) -> Relation:
    return (fn("log", s) - fn("log", t)).le(s / t - 1)


def is_tangent(claim: Relation) -> bool:
    """Whether a claim is that of `tangent` for some terms."""
    logs = [p[2] for p in parts_of(claim.left) if p[:2] == ("f", "log")]
    return len(logs) == 2 and claim in (_tangent(*logs), _tangent(*logs[::-1]))


def tangent(w: Derivation, branch: Branch, s: Term, t: Term) -> Fact:
    """log s - log t <= s/t - 1 for positive s and t, since exp(d) >= 1 + d at d = log s - log t.

    Raises:
        ProofError: s > 0 or t > 0 is not shown.
    """
    k, over = w.kernel, fn("log", s) - fn("log", t)
    positive = [branch.show(r.gt(0), EACH) for r in (s, t)]
    if positive[0] is None or positive[1] is None:
        raise ProofError(f"log needs {s} > 0 and {t} > 0: add them to assume")
    above = w.prover.analysis(fn("exp", _Z) - 1 - _Z, "z_q", over)
    product = k.function("exp_add", [over, fn("log", t)])
    values = [k.function("exp_log", [a], [fact]) for a, fact in zip((s, t), positive, strict=True)]
    unit = k.inverse(t, positive[1])
    # exp(d) t = exp(d) exp(log t) = exp(log s) = s, so exp(d) = s/t
    claim, e = _tangent(s, t), fn("exp", over)
    equalities = [(-(1 / t), product), (1 / t, values[0]), (-(e / t), values[1]), (-e, unit)]
    return w.combine("the tangent of the logarithm", claim, [above], equalities)

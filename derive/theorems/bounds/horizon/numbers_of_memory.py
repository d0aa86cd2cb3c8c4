"""Facts about the numbers of a scalar memory and their logarithms, which the search does not find by itself."""

from collections.abc import Iterator

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, fn, num, x
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language.scalar_memory import moved_to
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of
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
    claim, e = over.le(s / t - 1), fn("exp", over)
    equalities = [(-(1 / t), product), (1 / t, values[0]), (-(e / t), values[1]), (-e, unit)]
    return w.combine("the tangent of the logarithm", claim, [above], equalities)

"""Theory 6.8 ([C]): changes of step size, batch size, compression and number of clients that preserve the floor of 6.5.

The floor is the limit of the bound of 6.5 as T -> oo, for r = 1, s1 = 0 and equal clients with noise variance s0/B.
"""

from fractions import Fraction

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, parts
from sdescent.derive.proof.language.terms import Relation, Term, num, xs
from sdescent.derive.theorems.entry.from_method import put
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, N, d, eta, omega, s0
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased import polyak
from sdescent.derive.vocabulary.names import Model

re, rb, rw, rn, B = xs("re rb rw rn B")
mu = polyak.mu
NAMES = {
    "re": r"\Theta_\eta", "rb": r"\Theta_B", "rw": r"\Theta_\omega", "rn": r"\Theta_N", "L0": "L",
    "s0": r"\sigma_0^2",
}  # fmt: skip
SYMBOLS = ("re", "rb", "rw", "rn", "omega", "eta", "B", "N", "L0", "d", "s0", "mu")
CONTEXT = Context(dict.fromkeys(SYMBOLS, "const"))
RULE = (re * (1 + rw * omega)).eq(rn * rb * (1 + omega))
POSITIVE: dict[str, Relation] = {"r_B > 0": rb.gt(0), "r_N > 0": rn.gt(0)}


def equal_clients(t: Term) -> Term:
    """A term with the value of one client in place of each mean over clients."""
    if t[0] == "/" and t[1][0] == "C" and t[2] == N:
        return t[1][1]
    return Term(equal_clients(p) if isinstance(p, Term) else p for p in t)


def floor(model: Model) -> Term:
    """The floor eta L D_0/(4 mu N) with D_0 = d (1 + omega) s0/B, by substitution into the bound of 6.5.

    Raises:
        ValueError: the bound does not contain the terms to substitute.
    """
    bound, one = polyak.bound(model), equal_clients(ub.DEFINITIONS["D_0"].right)
    limits = {polyak.decay(model): num(0), polyak.rate(model): num(1), D0: put(one, {s0: s0 / B})}
    if not set(limits) <= set(parts(bound)):
        raise ValueError(f"the bound of 6.5 has no limit of this kind: {bound}")
    return put(bound, limits)


BEFORE = floor("corrected")
AFTER = put(BEFORE, {eta: re * eta, B: rb * B, omega: rw * omega, N: rn * N})
#: the condition r > 0 of 6.5, with A_1 = omega, before and after the change
KEPT = put(polyak.rate("corrected"), {A1: omega})
STABLE: dict[str, Relation] = {
    "r > 0": num(0).lt(KEPT), "r > 0 afterwards": num(0).lt(put(KEPT, {eta: re * eta, omega: rw * omega, N: rn * N})),
}  # fmt: skip
#: the floor is SHARE (1 + omega)
SHARE = eta * L0 * d * s0 / (4 * mu * B * N)


def units(w: Derivation) -> list[Fact]:
    return [w.kernel.inverse(t, w[name]) for name, t in (("r_B > 0", rb), ("r_N > 0", rn))]


def enough(w: Derivation) -> Fact:
    """The floor after the change equals the floor before, if the rule holds."""
    one, two = units(w)
    # after = share re (1 + rw omega)/(rb rn), and re (1 + rw omega) = rn rb (1 + omega) by the rule
    return w.combine(
        "the floor does not change", AFTER.eq(BEFORE), (),
        [(SHARE / (rb * rn), "rule"), (SHARE * (1 + omega), one), (SHARE * (1 + omega) * rb / rb, two)],
    )  # fmt: skip


def needed(w: Derivation) -> Fact:
    """The rule holds if the floor stays the same and is not 0."""
    one, two = units(w)
    amount = w.kernel.inverse(BEFORE, w["the floor is not 0"])
    mine = re * (1 + rw * omega) * SHARE
    cleared = w.combine(
        "clear r_B and r_N", mine.eq(rn * rb * (1 + omega) * SHARE), (),
        [(rb * rn, "the floor stays"), (-mine, one), (-mine * rb / rb, two)],
    )  # fmt: skip
    return w.combine("divide", RULE, (), [((1 + omega) / BEFORE, cleared), (RULE.slack, amount)])


AT = {re: 1, rb: 1, rw: 1, rn: 1, omega: 1, eta: 1, B: 1, N: 1, L0: 1, d: 1, s0: 1, mu: 1}
ENTRIES = (
    Theorem(
        id="6.8-enough", title="Scaling rule: enough", source="arXiv 2502.17009",
        claim=AFTER.eq(BEFORE), context=CONTEXT, assumptions={**POSITIVE, "rule": RULE},
        point=AT, names=NAMES, prove=enough, evidence=(Evidence("scaling"),),
    ),
    Theorem(
        id="6.8-needed", title="Scaling rule: needed", source="arXiv 2502.17009",
        claim=RULE, context=CONTEXT, assumptions={**POSITIVE, "the floor stays": AFTER.eq(BEFORE), "the floor is not 0": Relation(("!=", BEFORE, num(0)))},
        point=AT, names=NAMES, prove=needed, evidence=(Evidence("scaling"),),
    ),
    Refutation(
        id="6.8-linear", title="The linear scaling rule with compression that changes", source="the linear scaling rule of Goyal et al. 2017, with compression",
        assume={
            **POSITIVE, "B > 0": B.gt(0), "N > 0": N.gt(0), "mu > 0": mu.gt(0), "linear": re.eq(rn), "one batch": rb.eq(1), **STABLE,
        },
        claim=AFTER.eq(BEFORE),
        witness={
            "re": 2, "rn": 2, "rb": 1, "rw": 2, "omega": 1, "eta": Fraction(1, 10), "B": 1, "N": 1, "L0": 1, "d": 1, "s0": 40, "mu": 1,
        },
        words=r"$\omega$ doubles with $\eta$ and $N$ (as for Rand-$k$ from $k=d/2$ to $k=d/3$): the floor goes from $2$ to $3$. Both step sizes "
        r"are within the condition of 6.5.",
        repair="6.8-enough", mended={"omega stays": rw.eq(1)}, names=NAMES,
    ),
)  # fmt: skip

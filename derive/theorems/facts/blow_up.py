"""Theory 6.9: pre-scheduled gradient descent on the quartic grows for ever from where eta eta_0 x_0^2 >= 1 + rho^(-1/2)."""

from __future__ import annotations

from derive.proof.kernel.rules import Fact
from derive.proof.language.context import Context
from derive.proof.language.terms import Relation, num, xs
from derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem

k, e, e1, q, x0, x1 = xs("k e e1 q x0 x1")
CONTEXT = Context(dict.fromkeys(["k", "e", "e1", "q", "x0", "x1"], "const"))
NAMES = {"k": r"\rho^{-1/2}", "e": r"\eta\eta_n", "e1": r"\eta\eta_{n+1}", "q": "q_n", "x0": "x_n", "x1": "x_{n+1}"}
DEFINITIONS: dict[str, Relation] = {"gradient descent": x1.eq(x0 - e * x0**3), "q_n": q.eq(e * x0**2)}
ASSUMPTIONS: dict[str, Relation] = {"rho <= 1": k.ge(1), "q_n >= 1 + rho^(-1/2)": q.ge(1 + k)}
SLOW: dict[str, Relation] = {"eta_n >= 0": e.ge(0), "eta_{n+1} >= rho eta_n": e.le(k**2 * e1)}

EVIDENCE = (Evidence("growth"), Evidence("quartic trajectory"))


def step(w: Derivation) -> Fact:
    """x_{n+1} = x_n (1 - q_n)."""
    return w.combine("one step", x1.eq(x0 * (1 - q)), (), [(1, "gradient descent"), (x0, "q_n")])


def growth(w: Derivation) -> Fact:
    """x_{n+1}^2 >= k^2 x_n^2: (q - 1)^2 - k^2 = (q - 1 - k)(q - 1 + k)."""
    own = step(w)
    high = w.combine(
        "q_n - 1 + k >= 0", (q - 1 + k).ge(0), [(1, ["q_n >= 1 + rho^(-1/2)"], ()), (2, ["rho <= 1"], ()), (2, (), ())]
    )
    return w.combine(
        "growth", (k**2 * x0**2).le(x1**2), [(1, ["q_n >= 1 + rho^(-1/2)", high], (x0,))], [(-(x1 + x0 * (1 - q)), own)]
    )  # fmt: skip


def induction(w: Derivation) -> Fact:
    """eta eta_{n+1} x_{n+1}^2 >= 1 + k: k^2 eta eta_{n+1} x_{n+1}^2 >= q (q - 1)^2 >= (1 + k) k^2."""
    own = step(w)
    big = w.combine("q_n - 1 >= k", (q - 1).ge(k), [(1, ["q_n >= 1 + rho^(-1/2)"], ())])
    positive = w.combine("k >= 0", k.ge(0), [(1, ["rho <= 1"], ()), (1, (), ())])
    square = w.combine("(q_n - 1)^2 >= k^2", (k**2).le((q - 1) ** 2), [(1, [big, big], ()), (2, [positive, big], ())])
    whole = w.combine(
        "q_n (q_n - 1)^2 >= (1 + k) k^2",
        ((1 + k) * k**2).le(q * (q - 1) ** 2),
        [(1, ["q_n >= 1 + rho^(-1/2)"], (q - 1,)), (1, [square], ()), (1, [positive, square], ())],
    )
    last = w.combine(
        "the next step", (q * (q - 1) ** 2).le(k**2 * e1 * x1**2), [(1, ["eta_{n+1} >= rho eta_n"], (x1,))],
        [(-e * (x1 + x0 * (1 - q)), own), ((q - 1) ** 2, "q_n")],
    )  # fmt: skip
    strict = w.combine(
        "k^2 > 0", num(0).lt(k**2), [(1, ["rho <= 1", "rho <= 1"], ()), (2, ["rho <= 1"], ()), (1, (), ())]
    )
    return w.combine(
        "the induction", (1 + k).le(e1 * x1**2), [(1, [whole], ()), (1, [last], ())], mult=[(1, [strict], ())]
    )


GROWTH = Theorem(
    id="6.9-growth", title="Gradient descent on the quartic: one step", source="theory 6.9",
    statement=r"If $q_n=\eta\eta_nx_n^2\ge1+\rho^{-1/2}$, $0<\rho\le1$, then $x_{n+1}^2\ge\rho^{-1}x_n^2$.",
    context=CONTEXT, assumptions=ASSUMPTIONS, definitions=DEFINITIONS, recomputed=("descent",), point={k: 1, e: 2, q: 2, x0: 1, x1: -1, e1: 2}, names=NAMES, prove=growth,
    evidence=EVIDENCE,
)  # fmt: skip
INDUCTION = Theorem(
    id="6.9-induction", title="Gradient descent on the quartic: for ever", source="theory 6.9",
    statement=r"If moreover $\eta_{n+1}\ge\rho\eta_n$, then $q_{n+1}\ge1+\rho^{-1/2}$ again, so $|x_n|\ge\rho^{-n/2}|x_0|$ for all $n$.",
    context=CONTEXT, assumptions={**ASSUMPTIONS, **SLOW}, definitions=DEFINITIONS, recomputed=("descent",),
    point={k: 1, e: 2, q: 2, x0: 1, x1: -1, e1: 2}, names=NAMES, prove=induction, evidence=EVIDENCE,
)  # fmt: skip
EQUALITY = Refutation(
    id="6.9-equality", title="Strict growth at the threshold with a constant step", source="theory 6.9",
    statement=r"If $\eta\eta_nx_n^2\ge1+\rho^{-1/2}$ with $\rho=1$, then $|x_{n+1}|>|x_n|$.",
    assume={**ASSUMPTIONS, **DEFINITIONS, "rho = 1": k.eq(1)}, claim=(x0**2).lt(x1**2),
    witness={"k": 1, "e": 2, "q": 2, "x0": 1, "x1": -1},
    words=r"$\eta\eta_n=2$, $x_0=1$: $x_1=1-2=-1$, and so on with period $2$. Growth needs $\rho<1$ or a strict inequality.",
    repair="6.9-growth", mended={"above the threshold": q.gt(1 + k)}, names=NAMES,
)  # fmt: skip
ENTRIES = (GROWTH, INDUCTION, EQUALITY)

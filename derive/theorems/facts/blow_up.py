"""Theory 6.9: pre-scheduled gradient descent on the quartic grows at least like theta^n once eta eta_0 x_0^2 >= 1 + theta."""

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, num, xs
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem

theta, e, e1, q, x0, x1 = xs("theta e e1 q x0 x1")
CONTEXT = Context(dict.fromkeys(["theta", "e", "e1", "q", "x0", "x1"], "const"))
NAMES = {"theta": r"\theta", "e": r"\eta\eta_n", "e1": r"\eta\eta_{n+1}", "q": "q_n", "x0": "x_n", "x1": "x_{n+1}"}
DEFINITIONS: dict[str, Relation] = {"gradient descent": x1.eq(x0 - e * x0**3), "q_n": q.eq(e * x0**2)}
ASSUMPTIONS: dict[str, Relation] = {"theta >= 1": theta.ge(1), "q_n >= 1 + theta": q.ge(1 + theta)}
SLOW: dict[str, Relation] = {"eta_n >= 0": e.ge(0), "eta_n <= theta^2 eta_{n+1}": e.le(theta**2 * e1)}
GROWS, AGAIN = (theta**2 * x0**2).le(x1**2), (1 + theta).le(e1 * x1**2)
EVIDENCE = (Evidence("growth"), Evidence("quartic trajectory"))


def step(w: Derivation) -> Fact:
    """x_{n+1} = x_n (1 - q_n)."""
    return w.combine("one step", x1.eq(x0 * (1 - q)), (), ["gradient descent", (x0, "q_n")])


def growth(w: Derivation) -> Fact:
    """x_{n+1}^2 >= theta^2 x_n^2: (q - 1)^2 - theta^2 = (q - 1 - theta)(q - 1 + theta)."""
    moved = step(w)
    high = w.combine("q_n - 1 + theta >= 0", (q - 1 + theta).ge(0), ["q_n >= 1 + theta", (2, "theta >= 1"), 2])
    return w.combine("growth", GROWS, [(1, ["q_n >= 1 + theta", high], x0)], [(-(x1 + x0 * (1 - q)), moved)])


def induction(w: Derivation) -> Fact:
    """eta eta_{n+1} x_{n+1}^2 >= 1 + theta: theta^2 eta eta_{n+1} x_{n+1}^2 >= q (q - 1)^2 >= (1 + theta) theta^2."""
    moved = step(w)
    big = w.combine("q_n - 1 >= theta", (q - 1).ge(theta), ["q_n >= 1 + theta"])
    positive = w.combine("theta >= 0", theta.ge(0), ["theta >= 1", 1])
    square = w.combine("(q_n - 1)^2 >= theta^2", (theta**2).le((q - 1) ** 2), [[big, big], (2, [positive, big])])
    whole = w.combine(
        "q_n (q_n - 1)^2 >= (1 + theta) theta^2",
        ((1 + theta) * theta**2).le(q * (q - 1) ** 2),
        [(1, "q_n >= 1 + theta", q - 1), square, [positive, square]],
    )
    last = w.combine(
        "the next step", (q * (q - 1) ** 2).le(theta**2 * e1 * x1**2), [(1, "eta_n <= theta^2 eta_{n+1}", x1)],
        [(-e * (x1 + x0 * (1 - q)), moved), ((q - 1) ** 2, "q_n")],
    )  # fmt: skip
    strict = w.combine("theta^2 > 0", num(0).lt(theta**2), [["theta >= 1", "theta >= 1"], (2, "theta >= 1"), 1])
    return w.combine("the induction", AGAIN, [whole, last], mult=[strict])


GROWTH = Theorem(
    id="6.9-growth", title="Gradient descent on the quartic: one step", source="elementary", claim=GROWS,
    context=CONTEXT, assumptions=ASSUMPTIONS, definitions=DEFINITIONS, recomputed=("descent",), point={theta: 1, e: 2, q: 2, x0: 1, x1: -1, e1: 2}, names=NAMES, prove=growth,
    evidence=EVIDENCE,
)  # fmt: skip
INDUCTION = Theorem(
    id="6.9-induction", title="Gradient descent on the quartic: for ever", source="elementary",
    claim=AGAIN, remark=r"$|x_n|\ge\theta^n|x_0|$ for all $n$.",
    context=CONTEXT, assumptions={**ASSUMPTIONS, **SLOW}, definitions=DEFINITIONS, recomputed=("descent",),
    point={theta: 1, e: 2, q: 2, x0: 1, x1: -1, e1: 2}, names=NAMES, prove=induction, evidence=EVIDENCE,
)  # fmt: skip
EQUALITY = Refutation(
    id="6.9-equality", title="Strict growth at the threshold with a constant step", source="elementary",
    assume={**ASSUMPTIONS, **DEFINITIONS, "theta = 1": theta.eq(1)}, claim=(x0**2).lt(x1**2),
    witness={"theta": 1, "e": 2, "q": 2, "x0": 1, "x1": -1},
    words=r"$\eta\eta_n=2$, $x_0=1$: $x_1=1-2=-1$, and so on with period $2$. Growth needs $\theta>1$ or a strict inequality.",
    repair="6.9-growth", mended={"above the threshold": q.gt(1 + theta)}, names=NAMES,
)  # fmt: skip
ENTRIES = (GROWTH, INDUCTION, EQUALITY)

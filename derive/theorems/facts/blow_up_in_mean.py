"""Pre-scheduled D(C)SGD on the quartic in the mean, with any noise and any unbiased compressor (theory 6.9, ours).

The step is x_{n+1} = x_n - e C_n, where C_n is the mean message and E[C_n | past] = f'(x_n) = x_n^3. The past also determines the
weight w, for example the indicator of an event. Let m = E(w x_n^2)/E(w), the second moment on that event. If e m >= 2, then

    E(w x_{n+1}^2) >= E(w x_n^2 (1 - e x_n^2)^2) >= m (1 - e m)^2 E(w).

The first inequality holds because the noise is centred, the second because y (1 - e y)^2 lies above its tangent at y = m. Once
e m >= 1 + theta, each step multiplies the second moment by at least theta^2. For example, let w be the indicator of |x_1| >= x_*,
where x_*^2 exceeds the threshold. The second moment then grows from every start from which |x_1| reaches x_* with positive
probability. Under Gaussian noise every start has this property.
"""

from fractions import Fraction

import sympy as sp

from sdescent.derive.methods.losses import Quartic
from sdescent.derive.methods.losses import x as place
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, num, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem

theta, e, e1, m, w, c, x0, x1, f = xs("theta e e1 m w c x0 x1 f")
CONTEXT = Context(
    {**dict.fromkeys(["theta", "e", "e1", "m"], "const"), **dict.fromkeys(["w", "c", "x0", "x1", "f"], "rv")}
)
NAMES = {
    "theta": r"\theta", "e": r"\eta\eta_n", "e1": r"\eta\eta_{n+1}", "m": r"\langle x_n^2\rangle", "w": "w",
    "c": "C_n", "x0": "x_n", "x1": "x_{n+1}", "f": "f(x_n)",
}  # fmt: skip
LOSS = Quartic().coordinate
SLOPE = expression(sp.diff(LOSS, place), {place: x0})
#: x_n after one step without noise
KEPT = x0 - e * SLOPE
WEIGHT, NOW, NEXT = under("E", w), under("E", w * x0**2), under("E", w * x1**2)
GROWS, AGAIN = (theta**2 * NOW).le(NEXT), ((1 + theta) * WEIGHT).le(e1 * NEXT)
LARGE = (m**2 * WEIGHT).le(4 * under("E", f))


def message() -> dict[str, Relation]:
    """The step and the unbiasedness of its message given x_n and w."""
    slope = expression(sp.diff(LOSS, place), {place: x0})
    return {
        "the step": x1.eq(x0 - e * c),
        "unbiased message": under("E", w * (x0 - e * slope) * c).eq(under("E", w * (x0 - e * slope) * slope)),
    }


DEFINITIONS = {name: relation for name, relation in message().items() if name == "the step"}
MOMENT: dict[str, Relation] = {"mean of the square": NOW.eq(m * WEIGHT)}
ASSUMPTIONS: dict[str, Relation] = {
    "unbiased message": message()["unbiased message"], "w >= 0": w.ge(0), "eta_n >= 0": e.ge(0), "theta >= 1": theta.ge(1), "beyond the threshold": (e * m).ge(1 + theta), **MOMENT,
}  # fmt: skip
SLOW: dict[str, Relation] = {"eta_n <= theta^2 eta_{n+1}": e.le(theta**2 * e1)}
POINT = {theta: 1, e: 2, e1: 2, m: 1, w: 1, c: 1, x0: 1, x1: -1}


def growth(d: Derivation) -> Fact:
    """theta^2 E(w x_n^2) <= E(w x_{n+1}^2)."""
    above = d.combine("e m >= 1", (e * m).ge(1), ["beyond the threshold", "theta >= 1", 1])
    y = x0**2
    noise = d.combine(
        "the square of the noise is not negative", (w * KEPT**2 - 2 * e * w * KEPT * (c - SLOPE)).le(w * x1**2),
        [(1, "w >= 0", e * (c - SLOPE))], [(-w * (x1 + x0 - e * c), "the step")],
    )  # fmt: skip
    tangent = d.combine(
        "above the tangent at m", (w * (m * (1 - e * m) ** 2 + (1 - e * m) * (1 - 3 * e * m) * (y - m))).le(w * KEPT**2),
        [(1, "w >= 0", e * x0 * (y - m)), (2, ["w >= 0", "eta_n >= 0", above], y - m)],
    )  # fmt: skip
    first, second = (d.step("in the mean", d.kernel.monotone("E", fact)) for fact in (noise, tangent))
    convex = d.combine(
        "the second moment after a step", (m * (1 - e * m) ** 2 * WEIGHT).le(NEXT), [first, second],
        [(2 * e, "unbiased message"), (-(1 - e * m) * (1 - 3 * e * m), "mean of the square")],
    )  # fmt: skip
    square = d.kernel.certify((w * y).ge(0), [d["w >= 0"]], sum=[(Fraction(1), (0,), (x0,))])
    positive = d.step("a second moment is not negative", d.kernel.monotone("E", square))
    big = d.combine("e m - 1 >= theta", (e * m - 1).ge(theta), ["beyond the threshold"])
    plus = d.combine("e m - 1 + theta >= 0", (e * m - 1 + theta).ge(0), [big, (2, "theta >= 1"), 2])
    # (1 - e m)^2 - theta^2 = (e m - 1 - theta)(e m - 1 + theta)
    return d.combine("growth", GROWS, [convex, [big, plus, positive]], [((1 - e * m) ** 2, "mean of the square")])


def induction(d: Derivation) -> Fact:
    """(1 + theta) E(w) <= e1 E(w x_{n+1}^2): the next step also starts beyond the threshold."""
    more = growth(d)
    square = d.kernel.certify((w * x0**2).ge(0), [d["w >= 0"]], sum=[(Fraction(1), (0,), (x0,))])
    positive = d.step("a second moment is not negative", d.kernel.monotone("E", square))
    weight = d.step("so is the weight", d.kernel.monotone("E", d["w >= 0"]))
    strict = d.combine("theta^2 > 0", num(0).lt(theta**2), [["theta >= 1", "theta >= 1"], (2, "theta >= 1"), 1])
    step = d.combine("eta_{n+1} >= 0", e1.ge(0), ["eta_n <= theta^2 eta_{n+1}", "eta_n >= 0"], mult=[strict])
    return d.combine(
        "the induction", AGAIN,
        [[step, more], ["eta_n <= theta^2 eta_{n+1}", positive], ["beyond the threshold", weight]],
        [(-e, "mean of the square")],
    )  # fmt: skip


def loss(d: Derivation) -> Fact:
    """m^2 E(w) <= 4 E f(x_n), by w (x_n^2 - m)^2 >= 0 and w <= 1."""
    spread = d.combine("w (x_n^2 - m)^2 >= 0", (w * (x0**2 - m) ** 2).ge(0), [(1, "w >= 0", x0**2 - m)])
    whole = d.combine("w f <= f", (w * x0**4).le(4 * f), [(1, "w <= 1", x0**2)], [(-4, "the loss")])
    first, second = (d.step("in the mean", d.kernel.monotone("E", fact)) for fact in (spread, whole))
    return d.combine("the loss", LARGE, [first, second], [(-2 * m, "mean of the square")])


def quartic() -> dict[str, Relation]:
    return {"the loss": f.eq(expression(LOSS, {place: x0}))}


SOURCE = "ours"
ENTRIES = (
    Theorem(
        id="6.9-mean-growth", title="D(C)SGD on the quartic, in the mean: one step", source=SOURCE,
        claim=GROWS, context=CONTEXT, assumptions=ASSUMPTIONS, definitions=DEFINITIONS, read=message, point=POINT,
        names=NAMES, prove=growth, evidence=(Evidence("growth in the mean"),),
    ),
    Theorem(
        id="6.9-mean-induction", title="D(C)SGD on the quartic, in the mean: for ever", source=SOURCE, claim=AGAIN,
        remark=r"$\mathbb{E}[wx_{n+j}^2]\ge\theta^{2j}\,\mathbb{E}[wx_n^2]$ for all $j$, with 6.9-mean-growth.",
        context=CONTEXT, assumptions={**ASSUMPTIONS, **SLOW}, definitions=DEFINITIONS, read=message,
        point=POINT, names=NAMES, prove=induction, evidence=(Evidence("growth in the mean"),),
    ),
    Theorem(
        id="6.9-mean-loss", title="D(C)SGD on the quartic: the expected loss grows with the second moment", source=SOURCE,
        claim=LARGE,
        remark=r"With 6.9-mean-induction and $w$ the indicator of $|x_1|\ge x_*$ where $\eta\eta_1x_*^2\ge1+\theta$: $\mathbb{E}f(x_{1+j})\ge\frac14\theta^{4j}x_*^4\,\mathbb{P}(|x_1|\ge x_*)$, "
        r"which tends to infinity with $j$ if $\theta>1$ and the probability is positive. Under Gaussian noise it is, for every start and $x_*$.",
        context=CONTEXT, assumptions={"w >= 0": w.ge(0), "w <= 1": w.le(1), **MOMENT}, definitions=quartic(), read=quartic,
        point={m: 4, w: 1, x0: 2, f: 4}, names=NAMES, prove=loss, evidence=(Evidence("growth in the mean"),),
    ),
)  # fmt: skip

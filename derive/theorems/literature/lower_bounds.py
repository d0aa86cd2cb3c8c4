"""A lower bound: the Huber function, on which gradient descent is as slow as on any convex L-smooth function.

With the width w > 0 it is f(x) = L x^2/2 for |x| <= w and L w |x| - L w^2/2 beyond. Its points (x, f', f) are those with |f'| <= L w,
L x = f' + L r, f' r = L w |r| and 2 L f = f'^2 + 2 L^2 w |r|.
"""

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, fn, num, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem

L, w, xp, gp, rp, fp, xq, gq, rq, fq = POINTS = xs("L w xp gp rp fp xq gq rq fq")
INTERPOLATES = ((gp - gq) ** 2).le(2 * L * (fp - fq - gq * (xp - xq)))
HUBER: dict[str, Relation] = {}
for name, at, value, steep, rest in (("p", xp, fp, gp, rp), ("q", xq, fq, gq, rq)):
    HUBER[f"the place of {name}"] = (L * at).eq(steep + L * rest)
    HUBER[f"the value at {name}"] = (2 * L * value).eq(steep**2 + 2 * L**2 * w * fn("abs", rest))
    HUBER[f"the side of {name}"] = (steep * rest).eq(L * w * fn("abs", rest))


def interpolates(d: Derivation) -> Fact:
    """2 L (f(p) - f(q) - f'(q) (p - q)) - (f'(p) - f'(q))^2 = 2 L (L w |r_p| - f'(q) r_p), and |f'(q)| <= L w."""
    parts = [(-1, "the value at p"), (1, "the value at q"), (2 * gq, "the place of p"), (-2 * gq, "the place of q")]
    branches = []
    for sign, here, size in d.either_sign(rp):
        least = ["f'(q) <= L w" if sign > 0 else "-f'(q) <= L w", here]
        line = d.combine("the steepest line", (gq * rp).le(L * w * fn("abs", rp)), [least], [(-L * w, size)])
        terms = [*parts, (-2 * L, "the side of q")]
        branches.append(d.combine("the difference", INTERPOLATES, [(2, ["L > 0", line])], terms))
    return d.step("either side", d.kernel.cases(num(0).le(rp), *branches))


CLASS = Theorem(
    id="huber-class", title="The Huber function is smooth and convex: interpolation between any two of its points",
    source="Taylor, Hendrickx and Glineur 2017, Theorem 4, for the inequality", claim=INTERPOLATES,
    context=Context(dict.fromkeys([s[1] for s in POINTS], "const")), prove=interpolates,
    assumptions={"L > 0": L.gt(0), "f'(q) <= L w": gq.le(L * w), "-f'(q) <= L w": (-gq).le(L * w)},
    definitions=HUBER, point=dict.fromkeys(POINTS, 0) | {L: 1, w: 1},
)  # fmt: skip

eta, K, x0, fT, low, slope, z, Az, z0, zT = xs("eta K x0 fT low slope z Az z0 zT")
SLOWEST = (L * x0**2).le((4 * K + 2) * under("E", fT))
KINDS = {"const": "eta L w K x0 z0 low", "random": "z Az slope", "rv": "zT fT"}


def descent() -> dict[str, Relation]:
    """The change of z = -x in a step of gradient descent, from the engine's mean of a step."""
    return {"change of -x": Az.eq(eta * expression(sde(DSGD(clients=1)).moments.mean, {g: slope}))}


def slowest(d: Derivation) -> Fact:
    """x_K >= x_0 - K w since no slope exceeds L w, and f is above its steepest tangent."""
    short = d.combine("a step", Az.le(w), [["eta >= 0", "f' <= L w"]], ["change of -x", (w, "eta L = 1")])
    moved = d.step("the sum of the steps", d.kernel.telescope([(num(1), "z")], [d["the states are bounded"]]))
    whole = d.step("over the steps", d.kernel.monotone("EI", short))
    end = d.step("the end", d.kernel.monotone("E", d["the tangent at the end"]))
    return d.have("together", SLOWEST, moved, whole, end, "the width", "z_0 = -x_0", "L > 0", "w > 0", "K >= 0")


SLOW = Theorem(
    id="gradient-descent-lower-bound", title="A lower bound for the last iterate of gradient descent, on the Huber function",
    source="Drori and Teboulle 2014, Theorem 3.2", claim=SLOWEST, prove=slowest, definitions=descent(), read=descent,
    context=Context(
        {name: kind for kind, names in KINDS.items() for name in names.split()}, horizon="K", steps=True,
        potentials={"z": {"change": "Az", "start": "z0", "end": "zT"}},
    ),
    assumptions={
        "L > 0": L.gt(0), "w > 0": w.gt(0), "eta >= 0": eta.ge(0), "K >= 0": K.ge(0), "eta L = 1": (eta * L).eq(1),
        "the width": ((2 * K + 1) * w).eq(x0), "f' <= L w": slope.le(L * w), "the states are bounded": low.le(z),
        "the tangent at the end": (-L * w * zT - L * w**2 / 2).le(fT), "z_0 = -x_0": z0.eq(-x0),
    },
    point={eta: 1, L: 1, w: 1, K: 0, x0: 1, z0: -1, z: -1, zT: -1, low: -1, Az: 0, slope: 0, fT: 1},
    remark=r"With $x^{*}=0$ and $f^{*}=0$ the bound is $L\|x_0-x^{*}\|^2/(4K+2)$, and it is attained: $x_n=x_0-n\,w$.",
)  # fmt: skip
ENTRIES = (CLASS, SLOW)

"""Lower bounds: a function on which gradient descent is as slow as on any, and noise that no number of steps averages away.

The Huber function with the width w > 0 is f(x) = L x^2/2 for |x| <= w and L w |x| - L w^2/2 beyond. Its points (x, f', f) are those
with |f'| <= L w, L x = f' + L r, f' r = L w |r| and 2 L f = f'^2 + 2 L^2 w |r|.
"""

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.symbols import eta as step_size

# --- the Huber function is convex and L-smooth

L, w, xp, gp, rp, fp, xq, gq, rq, fq = POINTS = xs("L w xp gp rp fp xq gq rq fq")
PRIMED = {"gp": "f'(p)", "gq": "f'(q)", "fp": "f(p)", "fq": "f(q)", "rp": "r_p", "rq": "r_q", "xp": "p", "xq": "q"}
INTERPOLATES = ((gp - gq) ** 2).le(2 * L * (fp - fq - gq * (xp - xq)))


def huber(name: str, at: Term, slope: Term, rest: Term, value: Term) -> dict[str, Relation]:
    """The equations of a point of the Huber function."""
    size = fn("abs", rest)
    return {
        f"the place of {name}": (L * at).eq(slope + L * rest),
        f"the value at {name}": (2 * L * value).eq(slope**2 + 2 * L**2 * w * size),
        f"the side of {name}": (slope * rest).eq(L * w * size),
    }


def interpolates(d: Derivation) -> Fact:
    """2 L (f(p) - f(q) - f'(q) (p - q)) - (f'(p) - f'(q))^2 = 2 L (L w |r_p| - f'(q) r_p), and |f'(q)| <= L w."""
    equalities = [
        (-1, "the value at p"),
        (1, "the value at q"),
        (2 * gq, "the place of p"),
        (-2 * gq, "the place of q"),
    ]
    branches = []
    for sign, here, size in d.either_sign(rp):
        steep = "f'(q) <= L w" if sign > 0 else "-f'(q) <= L w"
        line = d.combine("the steepest line", (gq * rp).le(L * w * fn("abs", rp)), [[steep, here]], [(-L * w, size)])
        members = [(2, ["L > 0", line])]
        branches.append(d.combine("the difference", INTERPOLATES, members, [*equalities, (-2 * L, "the side of q")]))
    return d.step("either side", d.kernel.cases(num(0).le(rp), *branches))


CLASS = Theorem(
    id="huber-class", title="The Huber function is smooth and convex: interpolation between any two of its points",
    source="Taylor, Hendrickx and Glineur 2017, Theorem 4, for the inequality", claim=INTERPOLATES,
    context=Context(dict.fromkeys([s[1] for s in POINTS], "const")), prove=interpolates, names=PRIMED,
    assumptions={"L > 0": L.gt(0), "f'(q) <= L w": gq.le(L * w), "-f'(q) <= L w": (-gq).le(L * w)},
    definitions={**huber("p", xp, gp, rp, fp), **huber("q", xq, gq, rq, fq)}, point=dict.fromkeys(POINTS, 0) | {L: 1, w: 1},
)  # fmt: skip

# --- gradient descent on it, and SGD on a parabola

eta, K, sigma, x0, fT, low, slope = xs("eta K sigma x0 fT low slope")
z, Az, z0, zT = MOVING = xs("z Az z0 zT")
CONTEXT = Context(
    {**dict.fromkeys(["eta", "L", "w", "K", "sigma", "x0", "z0", "low"], "const"), "z": "random", "Az": "random", "slope": "random",
     "zT": "rv", "fT": "rv"},
    horizon="K", potentials={"z": {"change": "Az", "start": "z0", "end": "zT"}}, steps=True,
)  # fmt: skip
SLOWEST = (L * x0**2).le((4 * K + 2) * under("E", fT))


def descent() -> dict[str, Relation]:
    """The change of z = -x in a step of gradient descent, from the engine's mean of a step."""
    mean = expression(sde(DSGD(clients=1)).moments.mean, {g: slope})
    return {"change of -x": Az.eq(eta * mean)}


def slowest(d: Derivation) -> Fact:
    """x_K >= x_0 - K w since no slope exceeds L w, and f is above its steepest tangent."""
    short = d.combine("a step", Az.le(w), [["eta >= 0", "f' <= L w"]], ["change of -x", (w, "eta L = 1")])
    moved = d.step("the sum of the steps", d.kernel.telescope([(num(1), "z")], [d["the states are bounded"]]))
    whole = d.step("over the steps", d.kernel.monotone("EI", short))
    end = d.step("the end", d.kernel.monotone("E", d["the tangent at the end"]))
    facts = (moved, whole, end, "the width", "z_0 = -x_0", "L > 0", "w > 0", "K >= 0")
    return d.have("together", SLOWEST, *facts)


SLOW = Theorem(
    id="gradient-descent-lower-bound", title="A lower bound for the last iterate of gradient descent, on the Huber function",
    source="Drori and Teboulle 2014, Theorem 3.2", claim=SLOWEST, context=CONTEXT, prove=slowest,
    names={"x0": "x_0", "fT": "f(x_K)", "z": "(-x_n)", "zT": "(-x_K)", "z0": "(-x_0)", "Az": r"\Delta_n", "slope": "f'(x_n)", "low": "b"},
    assumptions={
        "L > 0": L.gt(0), "w > 0": w.gt(0), "eta >= 0": eta.ge(0), "K >= 0": K.ge(0), "eta L = 1": (eta * L).eq(1),
        "the width": ((2 * K + 1) * w).eq(x0), "f' <= L w": slope.le(L * w), "the states are bounded": low.le(z),
        "the tangent at the end": (-L * w * zT - L * w**2 / 2).le(fT), "z_0 = -x_0": z0.eq(-x0),
    },
    definitions=descent(), read=descent,
    point={eta: 1, L: 1, w: 1, K: 0, x0: 1, z0: -1, z: -1, zT: -1, low: -1, Az: 0, slope: 0, fT: 1},
    remark=r"With $x^{*}=0$ and $f^{*}=0$ the bound is $L\|x_0-x^{*}\|^2/(4K+2)$, and it is attained: $x_n=x_0-n\,w$.",
)  # fmt: skip
RATE = eta * L * (2 - eta * L)
NOISY = (eta * sigma**2).le(L * (2 - eta * L) * -under("E", zT))


def parabola() -> dict[str, Relation]:
    """The mean change of z = -x^2 in a step of SGD on L x^2/2, from the engine's mean and variance of a message."""
    form, at, bend = sde(DSGD(Gaussian(), clients=1)).form, sp.Symbol("at"), sp.Symbol("L")
    assert form is not None  # for the type checker
    mean, step = form.mean.xreplace({g: bend * at}), step_size
    square = sp.expand(2 * step * at * mean - step**2 * (mean**2 + form.variance))
    return {"change of -x^2": Az.eq(expression(square.xreplace({at**2: -sp.Symbol("z")}), {}))}


def noisy(d: Derivation) -> Fact:
    """W = -x^2 has W' <= (1 - k) W - eta^2 sigma^2 in the mean, and begins at the fixed point."""
    rate = d.have("the rate", num(0).lt(RATE), "L > 0", "eta > 0", "eta L < 1")
    below = d.combine("the rate is below 1", RATE.lt(1), [["eta L < 1", "eta L < 1"]])
    change = d.combine("a step", Az.le(-RATE * z - eta**2 * sigma**2), (), ["change of -x^2"])
    grown = d.step(
        "over the steps",
        d.kernel.decay([(num(1), "z")], RATE, -(eta**2) * sigma**2, [d["the states are bounded"], change, rate, below]),
    )
    unit, left = d.kernel.inverse(RATE, rate), fn("exp", K * fn("log", 1 - RATE))
    equalities = [(eta * left, "the start"), (-(eta**2) * sigma**2 * (1 - left), unit)]
    return d.combine("the fixed point", NOISY, [[rate, grown]], equalities, ["eta > 0"])


FLOOR = Theorem(
    id="sgd-noise-floor", title="A lower bound for SGD with constant steps: on a parabola it stays at its stationary level",
    source="elementary; theory 5.4", claim=NOISY, context=CONTEXT, prove=noisy,
    names={"z": "(-x_n^2)", "zT": "(-x_K^2)", "z0": "(-x_0^2)", "Az": r"\Delta_n", "low": "b"},
    assumptions={
        "L > 0": L.gt(0), "eta > 0": eta.gt(0), "eta L < 1": (eta * L).lt(1),
        "the states are bounded": low.le(z), "the start": (L * (2 - eta * L) * z0).eq(-eta * sigma**2),
    },
    definitions=parabola(), read=parabola,
    point={eta: 1, L: "1/2", sigma: 0, z0: 0, z: 0, zT: 0, low: 0, Az: 0},
    remark=r"For $f=L x^2/2$ this is $\mathbb{E}f(x_K)\ge\eta\sigma^2/(2\,(2-\eta L))$; a bounded noise has bounded states.",
)  # fmt: skip
ENTRIES = (CLASS, SLOW, FLOOR)

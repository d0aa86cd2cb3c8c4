"""Theory 6.7: the stationary variance of DSignSGD near the optimum of a quadratic, from the linearised SDE of the engine."""

from fractions import Fraction

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under, xs
from sdescent.derive.theorems.entry.instances import linearised
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.stationary.quadratic import SECOND, stationary, x

eta, N, M, h, sigma, slope = xs("eta N M h sigma slope")
v = SECOND
NAMES = {"sigma": r"\sigma_k", "h": r"\lambda", "slope": "b'(0)"}
CONTEXT = Context(
    {**dict.fromkeys(["eta", "N", "M", "h", "slope"], "const"), "sigma": "detclient", "x": "rv"}, clients="N"
)
INVERSES = under("C", 1 / sigma)
VARIANCE = v.eq(eta / (4 * N * M) * (N / INVERSES) / h)
POSITIVE: dict[str, Relation] = {"N > 0": N.gt(0), "h > 0": h.gt(0)}


def sign(w: Derivation) -> Fact:
    """E x^2 = eta sigma_H/(4 N M h), from 0 = -2 a E x^2 + eta/N with a = 2 M h/sigma_H."""
    k = w.kernel
    _, one = w.inverse(sigma, "sigma_k > 0")
    weak = w.combine("1/sigma_k >= 0", num(0).le(1 / sigma), [one])
    all_ = w.combine("sum of 1/sigma_k > 0", num(0).lt(INVERSES), [k.component("C", weak), one])
    clients, curved, dense, whole = (
        k.inverse(t, f) for t, f in ((N, w["N > 0"]), (h, w["h > 0"]), (M, w["M > 0"]), (INVERSES, all_))
    )
    factor = N / M / INVERSES / h / 4
    shares = [h / h, M / M, INVERSES / INVERSES]
    return w.combine(
        "solve", VARIANCE, (),
        [
            (factor, "stationary"), (-2 * v * factor, "slope"), (-v, curved), (-v * shares[0], dense),
            (-v * shares[0] * shares[1], whole), (-v * shares[0] * shares[1] * shares[2], clients),
        ],
    )  # fmt: skip


PI = Term(("pi",))
TWO, ROOT, HALF = fn("sqrt", 2), fn("sqrt", PI), fn("sqrt", PI / 2)
GAUSSIAN = v.eq(eta / (2 * N) * HALF * sigma / h)
ONE = Context({**dict.fromkeys(["eta", "N", "h", "sigma"], "const"), "x": "rv"})


def read() -> dict[str, Relation]:
    """E L x^2 = 0 for the engine's SDE of DSignSGD with Gaussian noise of one scale on h x^2/2, linearised at 0."""
    equation = sde(DSignSGD(Scaled(Gaussian(), "sigma")), "first-order", Quadratic(("h",)), 1).expanded
    return {"stationary": stationary(linearised(equation), (x,), 0, 0)}


def gaussian(w: Derivation) -> Fact:
    """E x^2 = eta sqrt(pi/2) sigma/(2 N h), since 2 M = sqrt(2/pi) and sqrt(pi/2) = sqrt(pi) sqrt(2)/2."""
    k = w.kernel
    pi = w.step("pi > 0", w.prover.analysis(PI, "h", h, strict=True))
    half = w.combine("pi/2 > 0", num(0).lt(PI / 2), [("1/2", pi)])
    positive = [w.combine(f"{name} >= 0", num(0).le(t), [f]) for name, t, f in (("pi", PI, pi), ("pi/2", PI / 2, half))]
    none = w.number(0)
    long = k.function("monotone:sqrt", [num(0), PI], [none, pi])
    rise = k.function("monotone:sqrt", [num(0), PI / 2], [none, half])
    two = k.function("sqrt_square", [num(2)], [w.combine("2 >= 0", num(0).le(2), [2])])
    squares = [k.function("sqrt_square", [t], [f]) for t, f in zip((PI, PI / 2), positive, strict=True)]
    other = ROOT * TWO / 2
    both = w.combine(
        "a sum of positive roots", num(0).lt(HALF + other), [rise, ("1/2", [long, k.function("sqrt_nonneg", [num(2)])])]
    )
    same = w.combine(
        "sqrt(pi/2) = sqrt(pi) sqrt(2)/2", HALF.eq(other), (),
        [squares[1], (num("-1/2"), squares[0]), (-(ROOT**2) / 4, two)], [both],
    )  # fmt: skip
    curved, root, scale = k.inverse(h, w["h > 0"]), k.inverse(ROOT, long), k.inverse(sigma, w["sigma > 0"])
    factor, product = ROOT * TWO * sigma / h / 4, h / h * ROOT / ROOT * sigma / sigma
    return w.combine(
        "solve", GAUSSIAN, (),
        [
            (factor, "stationary"), (-eta / (2 * N) * sigma / h, same), (-v * product / 2, two), (-v, curved), (-v * h / h, root),
            (-v * h / h * ROOT / ROOT, scale),
        ],
    )  # fmt: skip


ENTRIES = (
    Theorem(
        id="6.7-sign", title="DSignSGD near the optimum of a quadratic", source="arXiv 2411.15958",
        claim=VARIANCE, context=CONTEXT, assumptions={**POSITIVE, "M > 0": M.gt(0), "sigma_k > 0": sigma.gt(0)},
        definitions={
            "slope": slope.eq(2 * M * h * INVERSES / N),
            "stationary": num(0).eq(under("E", 2 * x * (-slope * x) + eta / N)),
        },
        recomputed=("linear signs",), point={eta: 2, N: 1, M: Fraction(1, 2), h: 1, sigma: 1, slope: 1, x: 1}, names=NAMES, prove=sign,
        evidence=(Evidence("signs near the optimum", {"scales": "several"}),),
    ),
    Theorem(
        id="6.7-sign-gaussian", title="DSignSGD near the optimum of a quadratic, Gaussian noise", source="arXiv 2411.15958",
        claim=GAUSSIAN, context=ONE, assumptions={"h > 0": h.gt(0), "sigma > 0": sigma.gt(0)}, definitions=read(), read=read,
        point={eta: 0, N: 1, h: 1, sigma: 1, x: 0}, names={"h": r"\lambda"}, prove=gaussian,
        evidence=(Evidence("signs near the optimum", {"scales": "one"}),),
    ),
)  # fmt: skip

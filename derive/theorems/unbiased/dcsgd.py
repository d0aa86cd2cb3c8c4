"""D(C)SGD with a pre-scheduled step (theory 6.1, 6.2): a pathwise bound, and the mean square gradient at a random time.

The drifts of the first-order and the corrected model differ by eta u^2/2 H g, so A' is A_1/N for the first and 1 + A_1/N for the
second. The bound under the step condition with L0 + L1 E G, reported for 6.2, is refuted; with L0 + L1 E G^3/E G^2 it is proved.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import GluedExponential, SeparableSum
from sdescent.derive.methods.noise import Affine, Noise, NoNoise
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, num, under, x, xs
from sdescent.derive.theorems.entry.from_method import expression, put
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, L1, G, N, eps, eta, kap, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Quotation, Refutation, Theorem
from sdescent.derive.theorems.facts.losses import halves
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import parameter

FLOOR = 1 / (4 * kap)


def rules(model: Model) -> dict[str, Relation]:
    """The assumptions kap > 0, u >= 0 and the step condition eta u K_kap(G) <= 2 eps."""
    return {"kap > 0": kap.gt(0), "u >= 0": u.ge(0), "step": (eta * u * ub.condition(model, kap)).le(2 * eps)}


def young(w: Derivation) -> Fact:
    """G <= kap G^2 + 1/(4 kap)."""
    unit = w.kernel.inverse(kap, w["kap > 0"])
    square = G - num("1/2") / kap
    return w.combine("Young's inequality", G.le(kap * G**2 + FLOOR), [(1, "kap > 0", square)], [(FLOOR - G, unit)])


def drift_bound(model: Model) -> Relation:
    """L f <= -(1 - eps) u G^2 + eta u^2 (L0 + L1/(4 kap)) D_0/(2N)."""
    return ub.generator(model, u).le(-(1 - eps) * u * G**2 + eta * u**2 * (L0 + FLOOR * L1) * D0 / (2 * N))


def derivation(model: Model) -> Callable[[Derivation], tuple[Fact, Fact]]:
    """A proof of 0 < 1/N and of the bound on the drift of f."""

    def prove(w: Derivation) -> tuple[Fact, Fact]:
        bounds, half = ub.bounds(w), "1/2"
        members: list[Any] = [
            (half, ["eta >= 0", bounds.per, bounds.spread], u),
            (half, ["u >= 0", "step"], G),
            (half, ["eta >= 0", "L1 >= 0", bounds.D0, bounds.per, young(w)], u),
        ]
        if model == "corrected":
            members.append((half, ["eta >= 0", bounds.curvature], u))
        return bounds.per, w.combine("the bound on the drift of f", drift_bound(model), members)

    return prove


def pair(model: Model, number: str, source: str) -> tuple[Theorem, Theorem]:
    """The pathwise theorem and the theorem at a random time, for one model."""
    numbers = {"eps": 0.34, "kap": 0.25}
    return ub.pair(
        (f"{number}-pathwise", f"{number}-scheduled"), (f"D(C)SGD, {model} model, pathwise", f"D(C)SGD, {model} model, pre-scheduled step"),
        drift_bound(model), G**2, (L0 + FLOOR * L1) * D0 / (2 * N), {**ub.ASSUMPTIONS, **rules(model)}, derivation(model),
        (
            (Evidence("unbiased clients"), Evidence("one step", {"method": "rand-k"})),
            (Evidence("random time", {"method": "rand-k", "model": model, "constants": numbers}),),
        ),
        ub.random_time(r"\|\nabla f(X_{\hat T})\|^2"), source=source, **ub.common(model, u, {ub.condition(model, kap): r"K_\kappa(G)"}),
    )  # fmt: skip


# --- the step condition in expectation

SECOND, THIRD = under("E", G**2), under("E", G**3)
EXTRA = eta * u**2 * (L0 + FLOOR * L1) * D0 / (2 * N)
MEAN = under("E", ub.generator("corrected", u)).le(-(1 - eps) * u * SECOND + EXTRA)


def repaired(w: Derivation) -> Fact:
    """E L f <= -(1 - eps) u E G^2 + EXTRA, from the mean of a drift bound without conditions and the condition on moments of G."""
    bounds, half = ub.bounds(w), "1/2"
    rate = (L0 + L1 * G) * A + kap * L1 * D0 / N
    before = w.combine(
        "the drift of f, before any condition",
        ub.generator("corrected", u).le(-u * G**2 + num(half) * eta * u**2 * rate * G**2 + EXTRA),
        [
            (half, ["eta >= 0", bounds.per, bounds.spread], u),
            (half, ["eta >= 0", bounds.curvature], u),
            (half, ["eta >= 0", "L1 >= 0", bounds.D0, bounds.per, young(w)], u),
        ],
    )
    whole = w.step("take the expectation", w.kernel.monotone("E", before))
    return w.combine("the condition on the moments of G", MEAN, [whole, (half, ["u >= 0", "step"])])


REPAIRED = Theorem(
    id="6.2-expectation-repaired",
    title="D(C)SGD, corrected model: the step condition on moments of the gradient",
    source="ours",
    claim=MEAN,
    assumptions={
        **ub.ASSUMPTIONS,
        "kap > 0": kap.gt(0),
        "u >= 0": u.ge(0),
        "step": (eta * u * ((L0 * SECOND + L1 * THIRD) * A + kap * L1 * D0 / N * SECOND)).le(2 * eps * SECOND),
    },
    prove=repaired,
    evidence=(Evidence("random states"),),
    **ub.common("corrected"),
)

p, high, step, share = xs("p G eta eps")


def drift(noise: Noise) -> Term:
    """The engine's L f at G = f'(x) for f = e^x - x - 1, x >= 0, N = d = 1, where D0 is the constant variance of the noise.

    Raises:
        ValueError: L f is not a function of G.
    """
    right, _ = halves(GluedExponential().coordinate)
    loss = SeparableSum(right)
    equation = sde(DSGD(noise, clients=1), "corrected", loss, 1).expanded
    (state,), letter = equation.state, sp.Symbol("G")
    growth = {sp.exp(state): 1 + letter}
    f = loss.value([state])
    slope, generated = (sp.expand(e).xreplace(growth) for e in (sp.diff(f, state), generator(equation, f)))
    generated = sp.expand(
        generated.xreplace({sp.exp(2 * state): (1 + letter) ** 2, sp.exp(3 * state): (1 + letter) ** 3})
    )
    if sp.expand(slope - letter) != 0 or generated.has(state):
        raise ValueError(f"{generated} is not a function of the gradient")
    return expression(generated, {parameter("sigma0") ** 2: D0})


def expected() -> Relation:
    """E L f <= -(1 - eps) E G^2, without noise."""
    return over(drift(NoNoise())).le(-(1 - share) * over(high**2))


def fifth() -> Relation:
    """L f <= -(1 - eps) G^2 + (eta/2)(L0 + L1) D0 with L0 = L1 = 1, for noise with variance D0 + G^2, so that A_1 = 1."""
    return drift(Affine(sigma1=1)).le(-(1 - share) * high**2 + step * D0)


def over(value: Term) -> Term:
    """The mean of a function of the gradient norm that is `value` at G, which has probability p, and 0 at G = 0."""
    return p * value


EXPECTATION = Refutation(
    id="6.2-expectation",
    title="D(C)SGD, corrected model: the step condition on the mean of the gradient norm",
    source="arXiv 2506.00181v2, Theorem 4.2 as reported",
    quotes=(
        Quotation(
            r"If $\eta u\,(L_0+L_1\mathbb{E}G)\,A\le2\varepsilon$ with $A=1+A_1/N$ and $D_0=0$, then $\mathbb{E}\mathcal{L}f\le-(1-\varepsilon)\,u\,\mathbb{E}G^2$.",
            "arXiv 2506.00181v2, Theorem 4.2, as public notes report a step of its proof",
        ),
    ),
    assume={
        "a probability": p.le(1),
        "which is not negative": p.ge(0),
        "a norm": high.ge(0),
        "step": (step * (1 + over(high))).le(2 * share),
        "0 < eps": share.gt(0),
    },
    claim=expected(),
    read=expected,
    witness={"p": Fraction(1, 4), "G": 4, "eta": Fraction(1, 2), "eps": Fraction(1, 2)},
    words=(
        r"$f=e^x-x-1$ for $x\ge0$ and $x^2/2$ for $x<0$ is $(1,1)$-smooth with $f''=1+|f'|$ for $x\ge0$. $A_1$ and $D_0$ are the constants of $\operatorname{Tr}S\le A_1G^2+D_0$. Without noise ($A_1=D_0=0$), "
        r"$N=d=A=u=1$, let $X=\log 5$, where $G=4$, with probability $P=1/4$, and $X=0$, where $G=0$, otherwise. "
        r"The drift of $\mathbb{E}f$ is $+1$ and the claimed bound is $-2$: $\mathbb{E}G^3$ is not $\mathbb{E}G\,\mathbb{E}G^2$. "
        r"This refutes the step of the proof as it is reported; no solution from a fixed start has this law. The numbers on the SDE are on a law that it does reach: "
        r"there the bound itself fails."
    ),
    repair="6.2-expectation-repaired",
    mended={"step": (step * (1 + high)).le(2 * share)},
    names={"p": "P", "G": "G", "eps": r"\varepsilon"},
    evidence=(Evidence("reachable law"),),
)

gap = x("kap")
FIFTH = Refutation(
    id="6.2-kappa-fifth",
    title="A smaller κ keeps the floor",
    source="ours",
    assume={
        "a norm": high.ge(0),
        "0 < eps": share.gt(0),
        "eps <= 1": share.le(1),
        "eta >= 0": step.ge(0),
        "D_0 >= 0": D0.ge(0),
        "step": (
            step * put(ub.condition("corrected", gap), {L0: num(1), L1: num(1), N: num(1), A1: num(1), G: high})
        ).le(2 * share),
        "kappa": gap.eq(Fraction(1, 5)),
    },
    claim=fifth(),
    read=fifth,
    witness={"kap": Fraction(1, 5), "G": 2, "D0": 100, "eta": Fraction(1, 26), "eps": Fraction(1, 2)},
    words=(
        r"The noise has the variance $D_0+G^2$, that is, $A_1=1$ in $\operatorname{Tr}S\le A_1G^2+D_0$. "
        r"In one dimension with $f''=1+|f'|$ (the function of 6.2-expectation) every inequality of the proof is an equality, so the drift of $f$ is "
        r"$-G^2+\frac{\eta}{2}(1+G)(2G^2+D_0)$. At $G=2$, $G\le\kappa G^2+1$ fails for $\kappa<1/4$."
    ),
    repair="6.2-pathwise",
    mended={"kappa": gap.eq(Fraction(1, 4))},
    names={"kap": r"\kappa", "D0": "D_0", "eps": r"\varepsilon"},
)

ENTRIES: tuple[Theorem | Refutation, ...] = (
    *pair("first-order", "6.1", "arXiv 2506.00181v1; the parameter κ is ours"),
    *pair("corrected", "6.2", "arXiv 2506.00181v2, Theorem 4.2; the parameter κ is ours"),
    EXPECTATION,
    REPAIRED,
    FIFTH,
)

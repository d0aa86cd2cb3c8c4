"""Theory 6.3 for bounded steps: x' = x - eta u m/||m|| under any noise, and D(C)SGD with bounded messages and the step u/K(G).

The first theorem holds for each draw: at step n every name of its context has a value, including the message m. It assumes nothing
about the distribution of the noise.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, dot, norm, num, tr, under, vec
from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.discrete.averaged import PSI
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import loss_in_steps
from sdescent.derive.theorems.entry.symbols import L0, L1, Af, G, N, S, c, eps, eta, g, r, tau, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub

m, z, e, s = vec("mv"), vec("zv"), vec("ev"), vec("sv")
SIZE, NOISE, ALONG = norm(m), norm(z), dot(g, s)
ASSUMPTIONS: dict[str, Relation] = {"u >= 0": u.ge(0), "L1 >= 0": L1.ge(0)}
ONE: dict[str, Relation] = {"eta >= 0": eta.ge(0)}
#: m = g + Z is the message, e = -Z
MESSAGE: dict[str, Relation] = {
    "m = g + Z": (SIZE**2).eq(dot(g, m) + dot(z, m)), "g = m + e": (G**2).eq(dot(g, m) + dot(g, e)), "e = -Z": norm(e).eq(NOISE),
}  # fmt: skip
NAMES = {
    **av.NAMES, "Af": r"f(x_{n+1})-f(x_n)", "mv": "m", "zv": "Z", "ev": "-Z", "sv": "s", "tau": r"\tau", "r": r"\varrho", "S": r"\Sigma",
}  # fmt: skip
SHORT: dict[Term, str] = {G: "G", SIZE: r"\|m\|", NOISE: r"\|Z\|"}
POINT: dict[Term, Any] = {
    **av.POINT, L0: 1, L1: 1, tau: 1, G: 0, SIZE: 0, NOISE: 0, norm(e): 0, norm(s): 0, dot(g, m): 0, dot(z, m): 0, dot(g, e): 0, ALONG: 0,
}  # fmt: skip
#: a point for theorems that divide by eta
MOVING: dict[Term, Any] = {**POINT, **av.MOVING}


def context(square: Term, radius: Term) -> Context:
    """A context with the step eta u s, where s is determined at the step; `square` and `radius` bound ||s||^2 and ||s||."""
    step = {"mean": ((eta * u, s),), "square": eta**2 * u**2 * square, "radius": eta * u * radius}
    named = {"change": "Af", "end": "fT", "start": "f0", "gradient": "g", "smoothness": (L0, L1)}
    return symbols.context(f"{av.SYMBOLS} tau", {"f": {**named, **step}}, ("g", "mv", "zv", "ev", "sv"), "")


class Message:
    """Facts about the message m = g + Z and the step eta u s."""

    def __init__(self, w: Derivation) -> None:
        self.w, self.k, self.rate = w, w.kernel, av.rate(w)
        self.G, self.size, self.noise = (w.kernel.nonnegative(t) for t in (G, SIZE, NOISE))

    @cached_property
    def psi(self) -> Fact:
        """0 < psi(c)."""
        return self.k.function("psi_positive", [c])

    @cached_property
    def descent(self) -> Fact:
        """The descent lemma for f."""
        return self.w.step("the descent lemma", self.k.descent("f", c, [self.w["L1 >= 0"], self.w["reach"]]))

    @cached_property
    def triangle(self) -> Fact:
        """G <= ||m|| + ||Z||."""
        w, k, claim = self.w, self.k, G.le(SIZE + NOISE)
        low = w.combine("no gradient", claim, [k.assume(G.le(0)), self.size, self.noise])
        high = w.combine(
            "some gradient", claim, [k.cauchy_schwarz("g", "mv"), k.cauchy_schwarz("g", "ev")],
            ["g = m + e", (G, "e = -Z")], mult=[k.assume(num(0).lt(G))],
        )  # fmt: skip
        return w.step("the triangle inequality", k.cases(G.le(0), low, high))

    @cached_property
    def aligned(self) -> Fact:
        """||m|| (G - 2 ||Z||) <= g'm."""
        return self.w.combine(
            "the message along the gradient", (SIZE * (G - 2 * NOISE)).le(dot(g, m)),
            [self.k.cauchy_schwarz("zv", "mv"), [self.size, self.triangle]], ["m = g + Z"],
        )  # fmt: skip


DIRECTION: dict[str, Relation] = {**MESSAGE, "direction": (SIZE * ALONG).eq(-dot(g, m))}
UNIT: dict[str, Relation] = {
    "length": norm(s).le(1), "reach": (L1 * eta * u).le(c), "step": (PSI * eta * u * L1).le(eps),
}  # fmt: skip


def direction(w: Derivation) -> Fact:
    """f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u G + 2 eta u ||Z|| + eta^2 u^2 psi(c) L0."""
    message, k = Message(w), w.kernel
    claim = ALONG.le(2 * NOISE - G)
    none = w.combine(
        "no message: a step of any direction", claim,
        [k.cauchy_schwarz("g", "sv"), [message.G, "length"], (2, message.triangle), (2, k.assume(SIZE.le(0)))],
    )  # fmt: skip
    some = w.combine(
        "a step along the message", claim, [message.aligned], ["direction"], mult=[k.assume(num(0).lt(SIZE))]
    )
    along = w.step("the step along the gradient", k.cases(SIZE.le(0), none, some))
    return w.combine(
        "the bound on one step", ALONG_STEP,
        [message.descent, [message.rate, "u >= 0", along], [message.rate, "u >= 0", message.G, "step"]],
    )  # fmt: skip


ALONG_STEP = Af.le(-(1 - eps) * eta * u * G + 2 * eta * u * NOISE + eta**2 * u**2 * PSI * L0)
ALONG_FLOOR = 2 * eta * under("EI", u * NOISE) + eta**2 * PSI * L0 * under("I", u**2)


#: the mean over clients of E||U_k - g||^2
VARIANCE = ub.mean(ub.q + ub.v)
SIZE_OF_STEP = L0 + L1 * (G + r)
h = u * (1 / SIZE_OF_STEP)
KEPT = G**2 / SIZE_OF_STEP
BOUNDED_STEP = Af.le(-(1 - eps) * eta * u * KEPT + eta**2 * u**2 * PSI * VARIANCE / N / SIZE_OF_STEP)
BOUNDED_FLOOR = eta**2 * PSI / N * under("EI", u**2 * VARIANCE / SIZE_OF_STEP)
BOUNDED: dict[str, Relation] = {
    "r >= 0": r.ge(0), "N > 0": N.gt(0), "L0 > 0": L0.gt(0), "eta u <= c": (eta * u).le(c), "step": (PSI * eta * u).le(eps),
}  # fmt: skip


def bounded_context() -> Context:
    """A context for D(C)SGD with the step u/(L0 + L1 (G + r)), where the mean of the messages is at most G + r long."""
    loss = loss_in_steps(ub.equation("first-order"), h, {"mean": "g"}, (L0, L1), eta * h * (G + r))
    return symbols.context(f"{av.SYMBOLS} r N q v", {"f": loss}, matrices="S")


def bounded(w: Derivation) -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u G^2/K + eta^2 u^2 psi(c) (mean of q + v)/(N K)."""
    k, rate = w.kernel, av.rate(w)
    size = k.nonnegative(G)
    positive = w.combine("K > 0", SIZE_OF_STEP.gt(0), ["L0 > 0", ["L1 >= 0", size], ["L1 >= 0", "r >= 0"]])
    unit, over = w.inverse(SIZE_OF_STEP, positive)
    # L1 eta u (G + r)/K <= eta u, since K - L1 (G + r) = L0
    reach = w.combine(
        "the length of a step", (L1 * (eta * h * (G + r))).le(c), ["eta u <= c", [rate, "u >= 0", "L0 > 0", over]],
        [(eta * u, unit)],
    )  # fmt: skip
    lemma = w.step("the descent lemma", k.descent("f", c, [w["L1 >= 0"], reach]))
    psi, per = k.function("psi_positive", [c]), w.inverse(N, "N > 0")[1]
    # (L0 + L1 G)/K <= 1
    share = w.combine(
        "the curvature over K", ((L0 + L1 * G) / SIZE_OF_STEP).le(1), [["L1 >= 0", "r >= 0", over]], [unit]
    )
    spread = w.combine("Tr S >= 0", tr(S).ge(0), [k.nonnegative(tr(S))])
    return w.combine(
        "the bound on one step", BOUNDED_STEP,
        [
            lemma, (1, [psi, share, over], (eta, u, G)), (1, [psi, share, over, per, spread], (eta, u)),
            (1, [rate, "u >= 0", over, "step"], G),
        ],
        [(eta**2 * u**2 * PSI / N / SIZE_OF_STEP, "total variance")],
    )  # fmt: skip


#: a function that proves the bound on one step
Proof = Callable[[Derivation], Fact]
DESCENT = "the descent lemma for bounded steps"
TWIN = r"The ratio to the constants of the SDE is $2\psi(c)$, which tends to $1$ with $c$."


def theorem(
    id: str,
    title: str,
    bound: tuple[Relation, Proof, Term, Term | None],
    remark: str,
    summed: bool,
    more: Mapping[str, Relation],
    **parts: Any,
) -> Theorem:
    """A theorem about one step or, if `summed`, about the average over the steps.

    Args:
        bound: the bound on one step, its proof, the averaged term, and the floor of the average.
    """
    assumptions = {**ASSUMPTIONS, **(av.ENDS if summed else ONE), **more}
    names = {
        "source": f"ours; {DESCENT}",
        "names": NAMES,
        "short": SHORT,
        "point": MOVING if summed else POINT,
    }
    return Theorem(
        id=id,
        title=title,
        remark=remark,
        assumptions=assumptions,
        **{**names, **av.one_or_all(*bound, summed), **parts},
    )


def along(id: str, title: str, remark: str, summed: bool) -> Theorem:
    """A theorem about steps along m/||m||."""
    return theorem(
        id, title, (ALONG_STEP, direction, G, ALONG_FLOOR), remark, summed, UNIT,
        context=context(num(1), num(1)), definitions=DIRECTION, recomputed=("normalised",),
        evidence=(Evidence("messages of the method", {"method": "normalised", "summed": summed}),),
    )  # fmt: skip


def adaptive(id: str, title: str, remark: str, summed: bool) -> Theorem:
    """A theorem about D(C)SGD with the step u/K(G)."""
    return theorem(
        id, title, (BOUNDED_STEP, bounded, KEPT, BOUNDED_FLOOR), remark, summed, BOUNDED,
        context=bounded_context(), definitions={"total variance": ub.DEFINITIONS["total variance"]}, recomputed=("unbiased",),
        names={**NAMES, "Af": av.NAMES["Af"]}, short={**SHORT, SIZE_OF_STEP: "K"},
        point={**(MOVING if summed else POINT), r: 1, N: 1, tr(S): 0, ub.q: 0, ub.v: 0},
        evidence=(Evidence("bounded noise of the method", {"summed": summed}),),
    )  # fmt: skip


ENTRIES = (
    along(
        "6.3-direction-pathwise-method", "Normalised SGD itself, one step, every noise",
        r"It holds for each draw of the noise; in mean over the draws $\mathbb{E}\|Z\|$ stands for $\|Z\|$. The flow $\dot x=-\nabla f/\|\nabla f\|$ has $-G$; its first correction in "
        r"$\eta$ has $\frac12$ in place of $\psi(c)$: the ratio is $2\psi(c)$.", False,
    ),
    along(
        "6.3-direction-scheduled-method", "Normalised SGD itself, the average over its steps, every noise",
        r"The noise adds at most $\frac{2}{1-\varepsilon}\max_n\mathbb{E}\|Z_n\|$, which no schedule makes small; large batches do.", True,
    ),
    adaptive(
        "6.3-bounded-pathwise-method", "Adaptively normalised D(C)SGD itself, bounded messages, one step",
        r"Without noise $\varrho=0$ and $f$ falls while $\eta u\,\psi(\eta u)<1$, that is $\eta u<1.256$. In 6.3-low-pathwise $\eta u\le2\varepsilon$ is "
        r"asked: the ratio is $2\psi(c)$. There the noise need not be bounded, and its share of $K$ is $\kappa L_1D_0/N$ in place of $L_1\varrho$.", False,
    ),
    adaptive(
        "6.3-bounded-scheduled-method", "Adaptively normalised D(C)SGD itself, bounded messages, the average over its steps",
        TWIN, True,
    ),
)  # fmt: skip

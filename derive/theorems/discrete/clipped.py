"""Clipped SGD itself, without noise and with any noise: x' = x - eta u min(1, tau/||m||) m, with steps at most eta u tau long."""

from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, fn, norm, num
from sdescent.derive.theorems.discrete import normalised as nm
from sdescent.derive.theorems.discrete.averaged import PSI
from sdescent.derive.theorems.discrete.normalised import ALONG, L0, L1, NOISE, SIZE, G, Message, s, tau
from sdescent.derive.theorems.entry.symbols import Af, c, eps, eta, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem


def least(t: Term) -> Term:
    """min(t, tau)."""
    return (t + tau - fn("abs", t - tau)) / 2


#: the direction and length of a step without noise: g's = -G min(G, tau)
SILENT: dict[str, Relation] = {"direction": ALONG.eq(-G * least(G)), "length": norm(s).eq(least(G))}
NOISY: dict[str, Relation] = {
    **nm.MESSAGE,
    "direction": (SIZE * ALONG).eq(-least(SIZE) * nm.dot(nm.g, nm.m)),
    "length": norm(s).eq(least(SIZE)),
}
SILENT_STEP = Af.le(-(1 - eps) * eta * u * G * least(G))
NOISY_STEP = Af.le(-eta * u * least(SIZE) * ((1 - eps) * G - 2 * NOISE) + eta**2 * u**2 * PSI * L0 * least(SIZE) ** 2)
REACH: dict[str, Relation] = {"tau > 0": tau.gt(0), "reach": (L1 * (eta * u * tau)).le(c)}
STEP: dict[str, Relation] = {"L0 >= 0": L0.ge(0), "step": (PSI * eta * u * (L0 + L1 * tau)).le(eps)}
PART: dict[str, Relation] = {"step": (PSI * eta * u * L1 * tau).le(eps)}


class Clipped(Message):
    """Facts about the length of a clipped message."""

    def bounds(self, size: Term, positive: Fact) -> tuple[Fact, Fact, Fact]:
        """0 <= min(t, tau), min(t, tau) <= t and min(t, tau) <= tau, from 0 <= t."""
        w, k, claims = self.w, self.k, (least(size).ge(0), least(size).le(size), least(size).le(tau))
        branches: list[list[Fact]] = []
        for _, here, same in w.either_sign(size - tau):
            branches.append([w.have("the smaller one", claim, same, here, positive, "tau > 0") for claim in claims])
        smaller = [
            w.step("the smaller of the two", k.cases((size - tau).le(0), low, high))
            for high, low in zip(*branches, strict=True)
        ]
        return smaller[0], smaller[1], smaller[2]


def silent(w: Derivation) -> Fact:
    """f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u G min(G, tau)."""
    message = Clipped(w)
    low, below, short = message.bounds(G, message.G)
    size = least(G)
    first = w.combine("L0 min^2 <= L0 G min", (L0 * size**2).le(L0 * G * size), [["L0 >= 0", low, below]])
    second = w.combine(
        "L1 G min^2 <= L1 tau G min", (L1 * G * size**2).le(L1 * tau * G * size), [["L1 >= 0", message.G, low, short]]
    )
    return w.combine(
        "the bound on one step", SILENT_STEP,
        [
            message.descent, (1, [message.psi, first], (eta, u)), (1, [message.psi, second], (eta, u)),
            [message.rate, "u >= 0", message.G, low, "step"],
        ],
        [(eta * u, "direction"), (PSI * eta**2 * u**2 * (L0 + L1 * G) * (norm(s) + size), "length")],
    )  # fmt: skip


def noisy(w: Derivation) -> Fact:
    """f(x_(n+1)) - f(x_n) <= -eta u min(||m||, tau) ((1 - eps) G - 2 ||Z||) + eta^2 u^2 psi(c) L0 min(||m||, tau)^2."""
    message, k = Clipped(w), w.kernel
    low, below, short = message.bounds(SIZE, message.size)
    size, claim = least(SIZE), ALONG.le(least(SIZE) * (2 * NOISE - G))
    here = k.assume(SIZE.le(0))
    nothing = w.combine("no step", size.le(0), [below, here])
    # min = 0: both sides are 0
    none = w.combine(
        "no message", claim,
        [k.cauchy_schwarz("g", "sv"), [message.G, nothing], (2, [message.noise, low]), [message.G, nothing]],
        [(G, "length")],
    )  # fmt: skip
    some = w.combine(
        "a step along the message", claim, [[low, message.aligned]], ["direction"], mult=[k.assume(num(0).lt(SIZE))]
    )
    along = w.step("the step along the gradient", k.cases(SIZE.le(0), none, some))
    second = w.combine(
        "L1 G min^2 <= L1 tau G min", (L1 * G * size**2).le(L1 * tau * G * size), [["L1 >= 0", message.G, low, short]]
    )
    return w.combine(
        "the bound on one step", NOISY_STEP,
        [
            message.descent, [message.rate, "u >= 0", along], (1, [message.psi, second], (eta, u)),
            [message.rate, "u >= 0", message.G, low, "step"],
        ],
        [(PSI * eta**2 * u**2 * (L0 + L1 * G) * (norm(s) + size), "length")],
    )  # fmt: skip


def entry(
    id: str, title: str, bound: tuple[Relation, nm.Proof], remark: str, summed: bool, noise: bool, more: dict[str, Relation],
) -> Theorem:  # fmt: skip
    """A theorem about clipped steps with or without noise: about one step or, if `summed`, about the average over the steps."""
    parts: dict[str, Any] = {
        "context": nm.context(norm(s) ** 2, tau), "definitions": NOISY if noise else SILENT,
        "recomputed": ("norm-clipped" if noise else "silent norm-clipped",),
        "short": {**nm.SHORT, least(G): r"\min(G,\tau)", least(SIZE): r"\min(\|m\|,\tau)"},
        "evidence": (Evidence("messages of the method", {"method": "norm-clipped" if noise else "silent norm-clipped", "summed": summed}),),
        "source": f"Zhang, He, Sra, Jadbabaie 2020; {nm.DESCENT}",
    }  # fmt: skip
    return nm.theorem(id, title, (*bound, G * least(G), None), remark, summed, {**REACH, **more}, **parts)


ENTRIES = (
    entry(
        "6.3-clipped-pathwise-method", "Clipped gradient descent itself, one step",
        (SILENT_STEP, silent), r"The flow $\dot x=-\min(1,\tau/G)\nabla f$ has $\varepsilon=0$; its first correction in $\eta$ has $\frac12$ in place of $\psi(c)$: the ratio "
        r"is $2\psi(c)$.", False, False, STEP,
    ),
    entry(
        "6.3-clipped-scheduled-method", "Clipped gradient descent itself, the average over its steps",
        (SILENT_STEP, silent), r"With $u=1$ some $n<K$ has $\min(G_n^2,\tau G_n)\le\frac{f(x_0)-f^*}{(1-\varepsilon)\,\eta K}$: there is no floor.", True, False, STEP,
    ),
    entry(
        "6.3-clipped-noise-method", "Clipped SGD itself, one step, every noise",
        (NOISY_STEP, noisy), r"It holds for each draw of the noise. Where $\|Z\|\le\zeta$ always, $f$ falls in every step from a point with $(1-\varepsilon)G>2\zeta+\eta u\,\psi(c)L_0\tau$.", False, True, PART,
    ),
)  # fmt: skip

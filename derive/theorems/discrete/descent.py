"""The descent lemma for D(C)SGD itself: x' = x - eta u (1/N) sum_k U_k, with the messages U_k of `unbiased.noise_bound`.

The loss is a potential in discrete time. The mean and the mean square of a step come from the engine, and the descent lemma
replaces Ito's formula. The entries are counterparts of theory 6.2, with a pre-scheduled step.

On L-smooth losses the bounds are those of the corrected SDE. On (L0, L1)-smooth losses with steps D that satisfy L1 ||D|| <= c, the
method has 2 psi(c) L0 and 2 psi(c) L1 in place of L0 and L1, where psi(s) = (e^s - 1 - s)/s^2. The ratio 2 psi(c) is 1.0712 at
c = 1/5, 1.4366 at c = 1, and tends to 1 as c -> 0.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, tr, under, x, xs
from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import loss_in_steps, step_square
from sdescent.derive.theorems.entry.symbols import D0, L0, L1, Af, G, K, N, S, c, eps, eta, kap, signs, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.dcsgd import FLOOR, young
from sdescent.derive.theorems.unbiased.noise_bound import A

(B,) = xs("B")
NAMES = {**symbols.NAMES, **av.NAMES, "B": "B_n"}
#: the context declares the bound on the Hessian
ASSUMPTIONS: dict[str, Relation] = {**signs("N > 0", "L0 >= 0", "omega_k >= 0"), **ub.CLIENTS}


@dataclass(frozen=True)
class Smoothness:
    """The terms in ||Hess f|| <= L0 + second G, ||D|| <= radius and second * radius <= reach; second = 0 needs no radius."""

    second: Term
    reach: Term
    radius: Term | None

    @property
    def factor(self) -> Term:
        """2 psi(reach), the factor of L0 and L1 relative to the corrected SDE; 1 without a radius."""
        return num(1) if self.radius is None else 2 * fn("psi", self.reach)

    def condition(self) -> Term:
        """2 psi(c) K_kap(G), or L0 A without a radius; the step condition says that eta u times this is at most 2 eps."""
        return L0 * A if self.radius is None else self.factor * ub.condition("corrected", kap)

    def floor(self) -> Term:
        """2 psi(c) (L0 + L1/(4 kap)), or L0 without a radius."""
        return L0 if self.radius is None else self.factor * (L0 + FLOOR * self.second)

    def rules(self) -> dict[str, Relation]:
        """The assumptions u >= 0, the step condition and, for bounded steps, kap > 0, signs of constants, and L1 radius <= c."""
        rules = {"u >= 0": u.ge(0), "step": (eta * u * self.condition()).le(2 * eps)}
        if self.radius is not None:
            rules |= signs("L1 >= 0", "d >= 0", "s0_k >= 0")
            rules |= {"kap > 0": kap.gt(0), "reach": (self.second * self.radius).le(self.reach)}
        return rules


SMOOTH = Smoothness(num(0), num(0), None)
#: bounded steps with L1 eta u B <= c, where B bounds the norm of the averaged message
BOUNDED = Smoothness(L1, c, eta * u * B)


def context(h: Term, smooth: Smoothness, **more: str) -> Context:
    """The context of the theorems about D(C)SGD itself, with the engine's step and h in place of the schedule."""
    loss = _loss(h, (L0, smooth.second), smooth.radius)
    return symbols.context(f"{ub.SYMBOLS} K Af c B", {"f": loss}, matrices="S", more=more)


def distances(h: Term, **more: str) -> Context:
    """The context for V = ||e||^2/2 in place of f, e = x - x* with a minimiser x*; AV is the change of V, V0 and VK its ends."""
    names = {"change": "AV", "end": "VK", "start": "V0", "gradient": "e"}
    potentials = {"V": {**_loss(h, (num(1), num(0)), None), **names}}
    return symbols.context(f"{ub.SYMBOLS} K V AV V0 VK", potentials, ("g", "e"), "S", more=more)


def _loss(h: Term, smoothness: tuple[Term, Term], radius: Term | None) -> dict[str, Any]:
    return loss_in_steps(ub.equation("first-order"), h, ub.VECTORS, smoothness, radius)


def point(**more: int | Fraction) -> dict[Term, int | Fraction]:
    """Numbers that satisfy the assumptions, with the method at rest: G = 0, one client, omega = 1, s0 = 1, q = v = 1."""
    at: dict[Term, int | Fraction] = {t: value for t, value in ub.point().items() if t != symbols.CURVATURE}
    still = {eta: Fraction(1, 4), eps: Fraction(1, 2), x("q"): 1, x("m2"): 1, G: 0, tr(S): 2, K: 1, Af: 0, c: 0, B: 0}
    return at | still | {x(name): value for name, value in more.items()}


def common(context: Context, **other: Any) -> dict[str, Any]:
    """The fields that the theorems about the method share; `other` replaces or adds fields."""
    return {
        "context": context, "definitions": ub.DEFINITIONS, "recomputed": ("unbiased",), "point": point(), "names": NAMES, "short": {G: "G"}, **other,
    }  # fmt: skip


def noise(w: Derivation, h: Term) -> tuple[Fact, Fact]:
    """0 < 1/N, and E||D||^2 <= eta^2 h^2 (A G^2 + D_0/N) by the bound on Tr S; every derivation starts here."""
    per, trace = ub.noise_bound(w)
    claim = step_square(ub.equation("first-order"), h, ub.VECTORS).le(eta**2 * h**2 * (A * G**2 + D0 / N))
    return per, w.combine("the mean square of a step", claim, [(1, [per, trace], (eta, h))])


def descent(w: Derivation, smooth: Smoothness) -> Fact:
    """The descent lemma for f."""
    facts = [] if smooth.radius is None else [w["L1 >= 0"], w["reach"]]
    return w.step("the descent lemma", w.kernel.descent("f", smooth.reach, facts))


def one_step(w: Derivation, smooth: Smoothness, rate: str = "eta >= 0") -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u G^2 + eta^2 u^2 floor D_0/(2N), from the step condition.

    `rate` is the name of the assumption on the sign of eta.
    """
    (per, square), lemma = noise(w, u), descent(w, smooth)
    members: list[Any] = [lemma, ("1/2", [rate, "u >= 0", "step"], G)]
    if smooth.radius is None:
        members.append(("1/2", ["L0 >= 0", square]))
    else:
        size, floor = w.kernel.function("psi_positive", [smooth.reach], []), ub.floor_is_nonnegative(w, per)
        members += [
            [size, "L0 >= 0", square],
            [size, "L1 >= 0", w.kernel.nonnegative(G), square],
            (1, [size, "L1 >= 0", floor, per, young(w)], (eta, u)),
        ]
    return w.combine("one step", step_bound(smooth), members)


def step_bound(smooth: Smoothness) -> Relation:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u G^2 + eta^2 u^2 floor D_0/(2N)."""
    return Af.le(-(1 - eps) * eta * u * G**2 + eta**2 * u**2 * smooth.floor() * D0 / (2 * N))


def floor_of_the_sum(smooth: Smoothness) -> Term:
    """eta^2 floor D_0 sum u^2/(2N)."""
    return eta**2 * smooth.floor() * D0 * under("I", u**2) / (2 * N)


def scheduled(w: Derivation, smooth: Smoothness) -> Fact:
    """E sum u G^2/sum u <= (f(x_0) - f* + eta^2 floor D_0 sum u^2/(2N))/(eta (1 - eps) sum u), from the bound on one step."""
    return av.averaged(w, one_step(w, smooth, "eta > 0"), G**2, floor_of_the_sum(smooth))


# --- the entries

BOUND_OF_MESSAGES = r"Where the noise is at most $R$ in norm, $B_n$ is $G_n+R$ without compression, and $\frac dk(G_n+R)$ with Rand-$k$. "


def theorem(smooth: Smoothness, id: str, title: str, remark: str, averaged: bool) -> Theorem:
    """The theorem about one step or, if `averaged`, about the mean square of the gradient over the steps."""
    more = av.ENDS if averaged else symbols.signs("eta >= 0")
    bounded = smooth is BOUNDED
    sums = Evidence("method paths") if bounded else Evidence("method moments", {"power": None})
    return Theorem(
        id=id,
        title=title,
        source="after Ghadimi and Lan 2013, with compression; the descent lemma in place of Ito's formula",
        claim=av.mean_bound(G**2, floor_of_the_sum(smooth)) if averaged else step_bound(smooth),
        remark=remark,
        assumptions={**ASSUMPTIONS, **smooth.rules(), **more},
        prove=(lambda w: scheduled(w, smooth)) if averaged else (lambda w: one_step(w, smooth)),
        evidence=(sums if averaged else Evidence("method step", {"smooth": "bounded" if bounded else "plain"}),),
        **common(context(u, smooth), short={G: "G", ub.condition("corrected", kap): r"K_\kappa(G)"}),
    )


ENTRIES = (
    theorem(
        SMOOTH, "6.2-pathwise-method", "D(C)SGD itself, L-smooth, one step",
        r"Per time $\eta$ this is 6.2-pathwise with $L_1=0$: the same constants for the method and for the corrected SDE.", False,
    ),
    theorem(
        SMOOTH, "6.2-scheduled-method", "D(C)SGD itself, L-smooth, pre-scheduled step",
        r"The left side is $\mathbb{E}\|\nabla f(x_{\hat n})\|^2$ for an independent $\hat n$ with probabilities $u_n/\sum u$. "
        r"With $T=\eta K$ and sums for integrals it is 6.2-scheduled with $L_1=0$: the ratio of the constants is 1.", True,
    ),
    theorem(
        BOUNDED, "6.2-pathwise-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, one step",
        BOUND_OF_MESSAGES + r"It is 6.2-pathwise with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$; the ratio $2\psi(c)$ is at most $1+0.44c$ for $c\le1$ (8-psi-one).", False,
    ),
    theorem(
        BOUNDED, "6.2-scheduled-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, pre-scheduled step",
        r"The ratio of the floor to that of 6.2-scheduled is $2\psi(c)$.", True,
    ),
)  # fmt: skip

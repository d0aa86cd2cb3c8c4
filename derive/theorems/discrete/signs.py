"""Theory 6.4 for DSignSGD itself, whose steps are never longer than eta u sqrt(d), whatever the noise: one step, and their average.

Where the corrected SDE has L0 and L1, the method has 2 psi(c) L0 and 2 psi(c) L1, with L1 eta u sqrt(d) <= c and psi(s) = (e^s - 1 - s)/s^2:
2 psi(c) is 1.07 at c = 1/5, 1.44 at c = 1, and tends to 1 with c. The facts about one state are those of the SDE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from derive.proof.kernel.rules import Fact
from derive.proof.language.context import Context
from derive.proof.language.terms import Relation, Term, fn, num, under
from derive.theorems.discrete import averaged as av
from derive.theorems.discrete.averaged import PSI, Af, c, eps, eta, u
from derive.theorems.entry.from_method import loss_in_steps, step_radius
from derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from derive.theorems.signs import setting as sg
from derive.theorems.signs.everywhere import FLOOR
from derive.theorems.signs.setting import L0, L1, PHI, SignFacts, a, d

NAMES = {**{name: shown for name, shown in sg.NAMES.items() if name != "c"}, **av.NAMES}
ASSUMPTIONS: dict[str, Relation] = {name: r for name, r in sg.ASSUMPTIONS.items() if name != "smooth"}
DEFINITIONS: dict[str, Relation] = {name: r for name, r in sg.DEFINITIONS.items() if name != "Lam g = b"}
ROOT = fn("sqrt", d)
#: written out: the descent lemma takes it only where the engine's radius is the same
REACH: dict[str, Relation] = {"reach": (L1 * eta * u * ROOT).le(c)}
STEP: dict[str, Relation] = {"step": (PSI * eta * u * d * L1).le(eps * a)}
LIMIT = 2 * eps * a / ROOT
"""A reach that the step condition implies: eta u d L1/2 <= eps a, for psi >= 1/2."""
DECREASING: dict[str, Relation] = {"u <= 1": u.le(1), "step": (fn("psi", LIMIT) * eta * d * L1).le(eps * a), "eps >= 0": eps.ge(0)}


def context(**more: str) -> Context:
    """The names, with the mean, the mean square and the length of a step that the engine has."""
    own = sg.equation("first-order")
    symbols = {
        **av.SYMBOLS, **dict.fromkeys(["N", "d", "M", "z", "r", "ratio"], "const"), "sigma": "detclient", "y": "coord", "b": "coord", **more,
    }  # fmt: skip
    return Context(
        symbols,
        ("g", "bv"),
        {"S": ("psd",)},
        {"R": sg.SHAPE},
        horizon="K",
        dimension="d",
        clients="N",
        potentials={"f": loss_in_steps(own, u, {"mean": "bv"}, (L0, L1), step_radius(own, u))},
        steps=True,
    )


def point(**more: Any) -> dict[Term, Any]:
    """Numbers at which the assumptions hold and the method stays where it is: one client, d = 1, g = 0."""
    known = {t: value for t, value in sg.point().items() if t[0] not in ("quad", "opnorm")}
    return {**known, **av.POINT} | {sg.x(name): value for name, value in more.items()}


@dataclass(frozen=True)
class Condition:
    """What is known of the length of a step: 0 <= eta, L1 eta u sqrt(d) <= reach, and the step condition in terms of psi(reach)."""

    reach: Term
    rate: Fact
    length: Fact
    step: Fact

    @property
    def factor(self) -> Term:
        """2 psi(reach), the ratio to the constants of the SDE."""
        return 2 * fn("psi", self.reach)


def given(w: Derivation) -> Condition:
    """What the theorem assumes."""
    return Condition(c, av.rate(w), w["reach"], w["step"])


def implied(w: Derivation) -> Condition:
    """From eta psi(2 eps a/sqrt(d)) d L1 <= eps a and u <= 1, without a condition on the reach."""
    k, root = w.kernel, ROOT
    start = av.rate(w)
    step = w.combine(
        "the step condition at every step", (fn("psi", LIMIT) * eta * u * d * L1).le(eps * a),
        [(1, ["step"], ()), (1, [k.function("psi_positive", [LIMIT]), start, "d >= 0", "L1 >= 0", "u <= 1"], ())],
    )  # fmt: skip
    least = w.combine("d >= 1 > 0", num(0).lt(d), [(1, ["d >= 1"], ()), (1, (), ())])
    strict = k.function("monotone:sqrt", [num(0), d], [k.certify(num(0).le(0)), least])
    square = k.function("sqrt_square", [d], [w["d >= 0"]])
    unit, over = w.inverse(root, strict)
    top = w.combine("2 eps a/sqrt(d) >= 0", LIMIT.ge(0), [(2, ["eps >= 0", "a > 0", over], ())])
    half = k.function("monotone:psi", [num(0), LIMIT], [top])
    # sqrt(d) = d/sqrt(d), and eta u d L1 <= 2 psi eta u d L1 <= 2 eps a
    length = w.combine(
        "the length of a step", (L1 * eta * u * root).le(LIMIT),
        [(2, [over, step], ()), (2, [over, half, start, "u >= 0", "d >= 0", "L1 >= 0"], ())],
        [(-L1 * eta * u * root, unit), (L1 * eta * u / root, square)],
    )  # fmt: skip
    return Condition(LIMIT, start, length, step)


def descent(w: Derivation, known: Condition, moderate: Fact) -> list[Any]:
    """The members of a certificate: the descent lemma, and psi eta^2 u^2 times a bound of (L0 + L1 G)(||b||^2 + Tr S/N)."""
    size = w.kernel.function("psi_positive", [known.reach])
    lemma = w.step("the descent lemma", w.kernel.descent("f", known.reach, [w["L1 >= 0"], known.length]))
    return [(1, [lemma], ()), (1, [size, moderate], (eta, u))]


def one_step(w: Derivation, known: Condition) -> Fact:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 2 psi FLOOR, FLOOR that of the corrected SDE."""
    s = SignFacts(w)
    unit, over = s.over_a
    return w.combine(
        "the bound on one step", step_bound(known.factor * FLOOR),
        [*descent(w, known, s.everywhere), (1, [known.rate, "u >= 0", s.phi_nonnegative, over, known.step], ())],
        [(eps * eta * u * PHI, unit)],
    )  # fmt: skip


def scheduled(w: Derivation, known: Condition) -> Fact:
    """The average over the steps."""
    return av.averaged(w, one_step(w, known), PHI, whole(known.factor * FLOOR))


def step_bound(floor: Term) -> Relation:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 floor."""
    return Af.le(-(1 - eps) * eta * u * PHI + eta**2 * u**2 * floor)


def whole(floor: Term) -> Term:
    """eta^2 floor sum u^2."""
    return eta**2 * floor * under("I", u**2)




def theorem(
    id: str, title: str, claim: Relation, remark: str, prove: Callable[[Derivation], Fact], more: Mapping[str, Relation],
    evidence: tuple[Evidence, ...], summed: bool,
) -> Theorem:  # fmt: skip
    """A theorem on DSignSGD itself: one step, or the average over its steps."""
    base = {name: r for name, r in ASSUMPTIONS.items() if not summed or name != "eta >= 0"}
    return Theorem(
        id=id, title=title, source="theory 6.4; the descent lemma in place of Ito's formula", claim=claim, remark=remark,
        context=context(), assumptions={**base, **more, **(av.ENDS if summed else {})}, definitions=DEFINITIONS, recomputed=("signs",),
        point=point(**av.MOVING) if summed else point(), names=NAMES, short=sg.short(), prove=prove, evidence=evidence,
    )  # fmt: skip


STEPS, SUMS = (Evidence("sign step of the method"),), (Evidence("sign steps of the method"),)
ENTRIES = (
    theorem(
        "6.4-global-pathwise-method", "DSignSGD itself, one step, every state",
        step_bound(2 * PSI * FLOOR),
        r"No moment of the noise is used. The corrected SDE has $\frac12$ in place of $\psi(c)$ (6.4-global-pathwise): $L_0$ and $L_1$ are multiplied by $2\psi(c)$, "
        r"which is at most $1.44$ for $c\le1$ and tends to $1$ with $c$.",
        lambda w: one_step(w, given(w)), {**sg.SPREAD, **REACH, **STEP}, STEPS, False,
    ),
    theorem(
        "6.4-global-scheduled-method", "DSignSGD itself, the average over its steps, heavy tails included",
        av.mean_bound(PHI, whole(2 * PSI * FLOOR)),
        r"Nothing is stopped: the method does not explode. With $T=\eta K$ and $\int u^i$ for $\eta\sum u_n^i$ this is 6.4-global-scheduled with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$.",
        lambda w: scheduled(w, given(w)), {**sg.SPREAD, **REACH, **STEP}, SUMS, True,
    ),
    theorem(
        "6.4-global-decreasing-method", "DSignSGD itself, one condition for all schedules below 1",
        av.mean_bound(PHI, whole(2 * fn("psi", LIMIT) * FLOOR)),
        r"The schedules $u_n=(1+n)^{-p}$, $p\ge0$, are of this kind. A condition on the length of a step is not needed: it follows, since $\psi\ge\frac12$. The corrected SDE asks for "
        r"$\frac{\eta}{2}dL_1\le\varepsilon R(1)$; the ratio $2\psi(c)$ is at most $2\psi(2/\sqrt d)$, which is $1.07$ at $d=100$ and $\varepsilon=1$.",
        lambda w: scheduled(w, implied(w)), {**sg.SPREAD, "d >= 1": d.ge(1), **DECREASING}, SUMS, True,
    ),
)  # fmt: skip

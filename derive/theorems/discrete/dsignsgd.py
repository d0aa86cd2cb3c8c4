"""Theory 6.4 for DSignSGD itself, whose steps are at most eta u sqrt(d) long under any noise: one step, and the average over steps.

In place of L0 and L1 of the corrected SDE the method has 2 psi(c) L0 and 2 psi(c) L1, where L1 eta u sqrt(d) <= c and
psi(s) = (e^s - 1 - s)/s^2. The ratio 2 psi(c) is 1.07 at c = 1/5, 1.44 at c = 1, and tends to 1 as c -> 0. The facts about one
state are those of the SDE.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under
from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.discrete.averaged import PSI
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.from_method import loss_in_steps, step_radius
from sdescent.derive.theorems.entry.symbols import L0, L1, Af, G, N, c, d, eps, eta, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.signs import bounded_ratio as ratio
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.theorems.signs.bounded_ratio import ROOT_D, Bounded
from sdescent.derive.theorems.signs.every_state import FLOOR_ANYWHERE, FLOOR_BY_CLIENTS, RATE_BY_CLIENTS, Ordered
from sdescent.derive.theorems.signs.facts import INVERSE_H, PHI, M, SignFacts, a

NAMES = {**{name: latex for name, latex in sg.NAMES.items() if name != "c"}, **av.NAMES}
ASSUMPTIONS: dict[str, Relation] = {name: r for name, r in sg.ASSUMPTIONS.items() if name != "smooth"}
DEFINITIONS: dict[str, Relation] = {name: r for name, r in sg.DEFINITIONS.items() if name != "Lam g = b"}
#: the reach is written out, since the descent lemma needs the engine's own radius
REACH: dict[str, Relation] = {"reach": (L1 * eta * u * ROOT_D).le(c)}
STEP: dict[str, Relation] = {"step": (PSI * eta * u * d * L1).le(eps * a)}
LIMIT = 2 * eps * a / ROOT_D
"""A reach that the step condition implies: eta u d L1/2 <= eps a, for psi >= 1/2."""
DECREASING: dict[str, Relation] = {
    "u <= 1": u.le(1),
    "step": (fn("psi", LIMIT) * eta * d * L1).le(eps * a),
    "eps >= 0": eps.ge(0),
}


def context() -> Context:
    """The context, with the engine's mean, mean square and length of a step."""
    equation = sg.equation("first-order")
    loss = loss_in_steps(equation, u, sg.VECTORS, (L0, L1), step_radius(equation, u))
    names = f"{av.SYMBOLS} N d M z r ratio sigma y b"
    return symbols.context(names, {"f": loss}, ("g", "bv"), "S", {"R": sg.SHAPE})


#: numbers that satisfy the assumptions, with the method at rest: one client, d = 1, g = 0
POINT = {**{t: value for t, value in sg.point().items() if t[0] not in ("quad", "opnorm")}, **av.POINT}


@dataclass(frozen=True)
class Condition:
    """Facts about the length of a step: 0 <= eta, L1 eta u sqrt(d) <= reach, and the step condition with psi(reach)."""

    reach: Term
    rate: Fact
    length: Fact
    step: Fact

    @property
    def factor(self) -> Term:
        """2 psi(reach), the ratio to the constants of the SDE."""
        return 2 * fn("psi", self.reach)


def stated_condition(w: Derivation) -> Condition:
    """The condition on a step, from the theorem's assumptions."""
    return Condition(c, av.rate(w), w["reach"], w["step"])


def implied(w: Derivation) -> Condition:
    """The condition on a step from eta psi(2 eps a/sqrt(d)) d L1 <= eps a and u <= 1, without an assumption on the reach."""
    k, start = w.kernel, av.rate(w)
    step = w.combine(
        "the step condition at every step", (fn("psi", LIMIT) * eta * u * d * L1).le(eps * a),
        ["step", [k.function("psi_positive", [LIMIT]), start, "d >= 0", "L1 >= 0", "u <= 1"]],
    )  # fmt: skip
    least = w.combine("d >= 1 > 0", num(0).lt(d), ["d >= 1", 1])
    strict = k.function("monotone:sqrt", [num(0), d], [w.number(0), least])
    square = k.function("sqrt_square", [d], [w["d >= 0"]])
    unit, over = w.inverse(ROOT_D, strict)
    top = w.combine("2 eps a/sqrt(d) >= 0", LIMIT.ge(0), [(2, ["eps >= 0", "a > 0", over])])
    half = k.function("monotone:psi", [num(0), LIMIT], [top])
    # sqrt(d) = d/sqrt(d), and eta u d L1 <= 2 psi eta u d L1 <= 2 eps a
    length = w.combine(
        "the length of a step", (L1 * eta * u * ROOT_D).le(LIMIT),
        [(2, [over, step]), (2, [over, half, start, "u >= 0", "d >= 0", "L1 >= 0"])],
        [(-L1 * eta * u * ROOT_D, unit), (L1 * eta * u / ROOT_D, square)],
    )  # fmt: skip
    return Condition(LIMIT, start, length, step)


def descent(w: Derivation, condition: Condition, moderate: Fact) -> list[Any]:
    """The members of a certificate for the descent lemma and for psi eta^2 u^2 times a bound on (L0 + L1 G)(||b||^2 + Tr S/N)."""
    size = w.kernel.function("psi_positive", [condition.reach])
    lemma = w.step("the descent lemma", w.kernel.descent("f", condition.reach, [w["L1 >= 0"], condition.length]))
    return [lemma, (1, [size, moderate], (eta, u))]


def everywhere(w: Derivation, condition: Condition) -> Fact:
    """The bound on one step at every state."""
    s = SignFacts(w)
    unit, over = s.over_a
    return w.combine(
        "the bound on one step", step_bound(condition.factor * FLOOR_ANYWHERE),
        [*descent(w, condition, s.everywhere), [condition.rate, "u >= 0", s.phi_nonnegative, over, condition.step]],
        [(eps * eta * u * PHI, unit)],
    )  # fmt: skip


def by_clients(w: Derivation, condition: Condition) -> Fact:
    """The bound on one step with the floor of order 1/N."""
    s = Ordered(w)
    return w.combine(
        "the bound on one step", step_bound(condition.factor * FLOOR_BY_CLIENTS),
        [*descent(w, condition, s.by_clients), [condition.rate, "u >= 0", s.phi_nonnegative, condition.step]],
    )  # fmt: skip


def of_bounded_ratio(w: Derivation, condition: Condition) -> Fact:
    """The bound on one step while no slope exceeds rho times a scale."""
    s = Bounded(w)
    unit = w.kernel.inverse(INVERSE_H, s.strict_harmonic)
    return w.combine(
        "the bound on one step", step_bound(condition.factor * ratio.FLOOR["corrected"]),
        [
            *descent(w, condition, ratio.moderate(s)), (1, [condition.rate, "u >= 0", s.positive_harmonic, condition.step], G),
            ["eps >= 0", condition.rate, "u >= 0", s.quadratic],
        ],
        [(-(condition.factor * eta**2 * u**2 * G**2 * L1 * d / (2 * N)), unit)],
    )  # fmt: skip


def step_bound(floor: Term) -> Relation:
    """E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u Phi + eta^2 u^2 floor; `floor` is the corrected SDE's times 2 psi."""
    return Af.le(-(1 - eps) * eta * u * PHI + eta**2 * u**2 * floor)


def whole(floor: Term) -> Term:
    """eta^2 floor sum u^2."""
    return eta**2 * floor * under("I", u**2)


#: a function that proves the bound on one step
Proof = Callable[[Derivation, Condition], Fact]


def theorem(
    id: str, title: str, remark: str, floor: Term, more: Mapping[str, Relation], one_step: Proof, summed: bool,
    condition: Callable[[Derivation], Condition] = stated_condition,
) -> Theorem:  # fmt: skip
    """A theorem about one step of DSignSGD or, if `summed`, about the average over its steps."""
    parts = av.one_or_all(step_bound(floor), lambda w: one_step(w, condition(w)), PHI, whole(floor), summed)
    base = {name: r for name, r in ASSUMPTIONS.items() if not summed or name != "eta >= 0"}
    return Theorem(
        id=f"6.4-{id}-method", title=f"DSignSGD itself, {title}", source="ours; the descent lemma in place of Ito's formula",
        remark=remark, context=context(), assumptions={**base, **more, **(av.ENDS if summed else {})}, definitions=DEFINITIONS, recomputed=("signs",),
        point={**POINT, **(av.MOVING if summed else {})}, names=NAMES, short=sg.short(),
        evidence=(Evidence("sign steps of the method" if summed else "sign step of the method"),), **parts,
    )  # fmt: skip


def pair(
    ids: tuple[str, str], titles: tuple[str, str], remarks: tuple[str, str], floor: Term, more: Mapping[str, Relation], one_step: Proof,
) -> tuple[Theorem, Theorem]:  # fmt: skip
    """The bounds on one step and on the average over the steps; `floor` is that of the corrected SDE."""
    one, other = (
        theorem(id, title, remark, 2 * PSI * floor, more, one_step, summed)
        for id, title, remark, summed in zip(ids, titles, remarks, (False, True), strict=True)
    )
    return one, other


def twin(of: str, factor: str) -> str:
    """A remark that compares the average with the theorem about the SDE."""
    return rf"With $T=\eta K$ and $\int u^i$ for $\eta\sum u_n^i$ this is {of} with {factor}."


CONDITION_AND_FLOOR = r"the condition and the floor times $2\psi(c)$"
ENTRIES = (
    *pair(
        ("global-pathwise", "global-scheduled"), ("one step, every state", "the average over its steps, heavy tails included"),
        (
            r"No moment of the noise is used. The corrected SDE has $\frac12$ in place of $\psi(c)$ (6.4-global-pathwise): $L_0$ and $L_1$ are multiplied by $2\psi(c)$, "
            r"which is at most $1.44$ for $c\le1$ and tends to $1$ with $c$.",
            "Nothing is stopped: the method does not explode. " + twin("6.4-global-scheduled", r"$2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$"),
        ),
        FLOOR_ANYWHERE, {**sg.SPREAD, **REACH, **STEP}, everywhere,
    ),
    theorem(
        "global-decreasing", "one condition for all schedules below 1",
        r"The schedules $u_n=(1+n)^{-p}$, $p\ge0$, are of this kind. A condition on the length of a step is not needed: it follows, since $\psi\ge\frac12$. The corrected SDE asks for "
        r"$\frac{\eta}{2}dL_1\le\varepsilon R(1)$; the ratio $2\psi(c)$ is at most $2\psi(2/\sqrt d)$, which is $1.07$ at $d=100$ and $\varepsilon=1$.",
        2 * fn("psi", LIMIT) * FLOOR_ANYWHERE, {**sg.SPREAD, "d >= 1": d.ge(1), **DECREASING}, everywhere, True, implied,
    ),
    *pair(
        ("clients-pathwise", "clients-scheduled"),
        ("with the floor of order 1/N, one step", "with the floor of order 1/N, the average over its steps"),
        (
            r"The mean square of a step is $\eta^2u^2\left(\|b\|^2+\frac1N\operatorname{Tr}S\right)$, for equal clients "
            r"$\eta^2u^2\sum_j\left(b_j^2+\frac{1-b_j^2}{N}\right)$. The condition and the floor are those of 6.4-clients-pathwise times $2\psi(c)$.",
            twin("6.4-clients-scheduled", CONDITION_AND_FLOOR),
        ),
        FLOOR_BY_CLIENTS, {**sg.SPREAD, **REACH, "step": (2 * PSI * eta * u * RATE_BY_CLIENTS).le(eps), "M >= 0": M.ge(0)}, by_clients,
    ),
    *pair(
        ("corrected", "corrected-scheduled"),
        ("one step, while no slope exceeds ρ times a scale", "the average over its steps, while no slope exceeds ρ times a scale"),
        (r"The condition and the floor are those of 6.4-corrected times $2\psi(c)$.", twin("6.4-corrected-scheduled", CONDITION_AND_FLOOR)),
        ratio.FLOOR["corrected"],
        {
            **REACH, **ratio.BOUNDED, "eps >= 0": eps.ge(0), "step": (2 * PSI * eta * u * ratio.K["corrected"]).le(eps * ratio.SLOPE),
            "M >= 0": M.ge(0),
        },
        of_bounded_ratio,
    ),
)  # fmt: skip

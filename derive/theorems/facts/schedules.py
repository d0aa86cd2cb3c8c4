"""Theory 6.6: the integrals phi_1 = int u and phi_2 = int u^2 of the schedules u = (1+t)^-p, and why phi_2/phi_1 tends to 0."""

from sdescent.derive.proof.kernel.ito_gronwall_descent import time_derivative
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under, xs
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem

T, p, t, u, w_, delta, chi, top, early = xs("T p t u w delta chi U T1")
KINDS = (
    dict.fromkeys(["T", "p", "delta", "U", "T1"], "const") | {"t": "clock"} | dict.fromkeys(["u", "w", "chi"], "time")
)
CONTEXT = Context(KINDS, horizon="T")
NAMES = {"p": r"\gamma", "delta": r"\delta", "chi": r"\chi"}
TIME: dict[str, Relation] = {"t >= 0": t.ge(0)}


PHI1, PHI2 = under("I", u), under("I", u**2)


def integral(q: Term) -> Relation:
    """int_0^T (1+t)^-q dt = ((1+T) (1+T)^-q - 1)/(1-q)."""
    return under("I", power(q)).eq(((1 + T) * power(q, T) - 1) / (1 - q))


def power(q: Term, at: Term = t) -> Term:
    """(1+t)^-q = exp(-q log(1+t))."""
    return fn("exp", -q * fn("log", 1 + at))


def powers(q: Term, missing: str):
    """int_0^T (1+t)^-q dt for q != 1: the derivative of (1+t)(1+t)^-q/(1-q) is (1+t)^-q."""

    def prove(w: Derivation) -> Fact:
        kernel = w.kernel
        positive = w.combine("1 + t > 0", (1 + t).gt(0), [1, "t >= 0"])
        unit, share = kernel.inverse(1 + t, positive), kernel.inverse(1 - q, w[missing])
        value = power(q)
        primitive = (1 + t) * value * (1 / (1 - q))
        slope = w.combine(
            "the derivative", _derivative(w, primitive).eq(value), (), [(-q * value / (1 - q), unit), (value, share)]
        )
        return w.step("the fundamental theorem of calculus", kernel.primitive("t", primitive, value, [slope, positive]))

    return prove


def _derivative(w: Derivation, primitive: Term) -> Term:
    return time_derivative(w.kernel.context, primitive, "t")[0]


def logarithm(w: Derivation) -> Fact:
    """int_0^T dt/(1+t) = log(1+T)."""
    kernel = w.kernel
    positive = w.combine("1 + t > 0", (1 + t).gt(0), [1, "t >= 0"])
    primitive = fn("log", 1 + t)
    slope = kernel.certify(_derivative(w, primitive).eq(1 / (1 + t)))
    integral = kernel.primitive("t", primitive, 1 / (1 + t), [slope, positive])
    return w.step("the fundamental theorem of calculus", integral)


def ratio(w: Derivation) -> Fact:
    """phi_2/phi_1 <= delta + int w/phi_1, where w is the positive part of u^2 - delta u."""
    phi1, phi2, rest = PHI1, PHI2, under("I", w_)
    whole = w.step("integrate", w.kernel.monotone("I", w["u^2 <= delta u + w"]))
    unit, over = w.inverse(phi1, "phi_1 > 0")
    return w.combine("divide", (phi2 / phi1).le(delta + rest / phi1), [[over, whole]], [(delta, unit)])


def limit(w: Derivation) -> Fact:
    """phi_2 <= U^2 T_1 + (delta/2) phi_1 <= delta phi_1, since chi is 1 up to T_1 and u <= delta/2 afterwards."""
    phi1, phi2 = PHI1, PHI2
    weak = w.combine("chi >= 0", num(0).le(chi), [(1, [], chi)], ["an indicator"])
    split = w.combine(
        "before and after T_1", (u**2).le(chi * top**2 + delta / 2 * u),
        [
            (1, weak, top - u), (2, [weak, "u <= U", "u >= 0"]), ["u <= delta/2 from T_1 on", "u >= 0"],
            ("1/2", [weak, "delta > 0", "u >= 0"]),
        ],
    )  # fmt: skip
    whole = w.step("integrate", w.kernel.monotone("I", split))
    most = w.combine("together", phi2.le(delta * phi1), [whole, (1, "the time up to T_1", top), ("1/2", "T is large")])
    unit, over = w.inverse(phi1, "phi_1 > 0")
    return w.combine("divide", (phi2 / phi1).le(delta), [[over, most]], [(delta, unit)])


def theorem(
    name: str, title: str, claim: Relation, assumptions: dict[str, Relation], point: dict, prove, remark: str = ""
) -> Theorem:
    return Theorem(
        id=f"6.6-{name}", title=title, source="elementary", claim=claim, context=CONTEXT, assumptions=assumptions,
        point=point, names=NAMES, prove=prove, remark=remark, evidence=(Evidence("schedules"),),
    )  # fmt: skip


NOT_ONE, NOT_HALF = Relation(("!=", 1 - p, num(0))), Relation(("!=", 1 - 2 * p, num(0)))
ENTRIES = (
    theorem(
        "power", "The integral of a power schedule", integral(p),
        {**TIME, "p != 1": NOT_ONE}, {t: 0, p: 2}, powers(p, "p != 1"),
    ),
    theorem(
        "power-squared", "The integral of its square", integral(2 * p),
        {**TIME, "p != 1/2": NOT_HALF}, {t: 0, p: 2}, powers(2 * p, "p != 1/2"),
    ),
    theorem(
        "logarithm", "The exceptional exponents", under("I", 1 / (1 + t)).eq(fn("log", 1 + T)), TIME, {t: 0}, logarithm,
    ),
    theorem(
        "ratio", "The ratio of the two integrals", (PHI2 / PHI1).le(delta + under("I", w_) / PHI1),
        {"u^2 <= delta u + w": (u**2).le(delta * u + w_), "phi_1 > 0": under("I", u).gt(0)}, {u: 1, delta: 1, w_: 0}, ratio,
        r"With $\phi_i=\int_0^Tu^i\,\mathrm{d}t$, $\limsup\phi_2/\phi_1\le\delta$ for every $\delta>0$ where $u\to0$ and $\phi_1\to\infty$: $w=\max(u^2-\delta u,0)$ vanishes from some time on.",
    ),
    theorem(
        "limit", "The ratio of the two integrals from some time on",
        (PHI2 / PHI1).le(delta),
        {
            "delta > 0": delta.gt(0), "u >= 0": u.ge(0), "u <= U": u.le(top), "an indicator": (chi**2).eq(chi),
            "u <= delta/2 from T_1 on": ((1 - chi) * u).le((1 - chi) * delta / 2), "the time up to T_1": under("I", chi).le(early),
            "phi_1 > 0": under("I", u).gt(0), "T is large": (2 * top**2 * early).le(delta * under("I", u)),
        },
        {u: 1, delta: 2, top: 1, chi: 1, early: 1}, limit,
        r"$\chi$ is 1 up to $T_1$ and 0 afterwards. The ratio tends to 0 where $u\to0$ and $\phi_1\to\infty$: there are such $T_1$ and such $T$, all from a $T_0$ on, for every $\delta>0$.",
    ),
)  # fmt: skip

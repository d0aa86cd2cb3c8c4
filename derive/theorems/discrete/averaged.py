"""A bound on the schedule-weighted average over the steps of a method, from a bound on one step."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.symbols import Af, K, c, eps, eta, f, f0, fstar, fT, u
from sdescent.derive.theorems.entry.theorem import Derivation

PSI = fn("psi", c)
#: names that the theorems about bounded steps in this folder share; K is the horizon
SYMBOLS = "eta L0 L1 eps K fstar f0 c u f fT Af"
NAMES: Mapping[str, str] = {
    **{name: symbols.NAMES[name] for name in ("L0", "L1", "eps", "fstar", "f0", "g")}, "fT": "f(x_K)", "Af": r"\mathbb{E}_nf(x_{n+1})-f(x_n)",
}  # fmt: skip
POINT: Mapping[Term, int] = {eta: 0, eps: 0, u: 1, f: 0, f0: 0, fT: 0, fstar: 0, c: 1, K: 1, Af: 0}
#: values of a point for theorems that divide by eta
MOVING: Mapping[Term, Fraction] = {eta: Fraction(1, 100), eps: Fraction(1, 2)}
ENDS: Mapping[str, Relation] = {
    "eta > 0": eta.gt(0), "f >= f*": fstar.le(f), "f(x_K) >= f*": fstar.le(fT), "eps < 1": num(0).lt(1 - eps), "sum u > 0": under("I", u).gt(0),
}  # fmt: skip


def rate(w: Derivation) -> Fact:
    """0 <= eta, from the theorem's own assumption, which is eta > 0 if the theorem divides by eta."""
    try:
        return w["eta >= 0"]
    except KeyError:
        return w.combine("eta >= 0", eta.ge(0), ["eta > 0"])


def mean_bound(kept: Term, whole_floor: Term | None = None, start: Term = f0 - fstar) -> Relation:
    """E sum u kept/sum u <= (start + whole_floor)/(eta (1 - eps) sum u)."""
    clock, top = under("I", u), start if whole_floor is None else start + whole_floor
    return (under("EI", u * kept) / clock).le(top / (1 - eps) / (eta * clock))


def averaged(
    w: Derivation, bound: Fact, kept: Term, whole_floor: Term | None = None, potential: str = "f", start: Term = f0 - fstar,
    least: tuple[Fact | str, Fact | str] = ("f >= f*", "f(x_K) >= f*"),
) -> Fact:  # fmt: skip
    """E sum u kept/sum u <= (f(x_0) - f* + whole_floor)/(eta (1 - eps) sum u); another potential V may replace f.

    Args:
        bound: the fact E_n f(x_(n+1)) - f(x_n) <= -(1 - eps) eta u kept + floor.
        whole_floor: the mean of the floor, summed over the steps; None for no floor.
        potential, start, least: V, V(x_0) - c, and the facts (or names of assumptions) c <= V and c <= V(x_K).
    """
    k = w.kernel
    below, last_below = (w[fact] if isinstance(fact, str) else fact for fact in least)
    moved = w.step("the sum of the changes", k.telescope([(num(1), potential)], [below]))
    whole = w.step("sum over the steps", k.monotone("EI", bound))
    last = w.step("the end", k.monotone("E", last_below))
    energy, clock = under("EI", u * kept), under("I", u)
    top = start if whole_floor is None else start + whole_floor
    total = w.combine("together", ((1 - eps) * eta * energy).le(top), [moved, whole, last])
    share, one = w.inverse(1 - eps, "eps < 1")
    unit, rate = w.inverse(eta, "eta > 0")
    _, two = w.inverse(clock, "sum u > 0")
    # energy/clock = (1 - eps) (1/(1 - eps)) eta (1/eta) energy/clock
    return w.combine(
        "divide", mean_bound(kept, whole_floor, start), [[one, rate, two, total]],
        [(-energy / clock, share), (-energy / clock * (1 - eps) / (1 - eps), unit)],
    )  # fmt: skip


def one_or_all(
    bound: Relation, one_step: Callable[[Derivation], Fact], kept: Term, floor: Term | None, summed: bool
) -> dict[str, Any]:
    """The claim and the proof of the bound on one step or, if `summed`, on the average; `floor` is already summed."""
    if not summed:
        return {"claim": bound, "prove": one_step}
    return {"claim": mean_bound(kept, floor), "prove": lambda w: averaged(w, one_step(w), kept, floor)}

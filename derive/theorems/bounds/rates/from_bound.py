"""The decays and floors that a polynomial bound on the change of V implies: its negative monomials are the decay."""

from collections.abc import Iterator, Sequence

import sympy as sp

from sdescent.derive.proof.language.terms import Term
from sdescent.derive.theorems.bounds.language.formulas import falling, upright, written
from sdescent.derive.theorems.bounds.lyapunov_candidates import Determined, Letters, falls
from sdescent.derive.theorems.bounds.stated import Stated

G, PHI, GAP, SLOPE = sp.Symbol("G"), sp.Symbol("<g, b>"), sp.Symbol("(f - fstar)"), sp.Symbol("<g, x - xstar>")
#: (decay, unit of the decay, floor, conditions)
Rates = Iterator[tuple[sp.Expr, sp.Expr, sp.Expr, list[str]]]


def rates_from(fitted: Determined, stated: Stated, letters: Letters) -> Rates:
    """The rates that a bound on the change of V implies."""
    e, conditions = _without_memory(fitted.expression, stated.method.fractions)
    state = _state(e)
    if state == {G}:
        yield from _of_gradient(e, conditions, stated, letters)
    if PHI in state and not state - {PHI, G}:
        yield from _of_signs(e, letters)
    if SLOPE in state and state <= {SLOPE, G, sp.Symbol("||x - xstar||")}:
        yield from _of_distance(e, conditions, fitted, stated)


def _state(e: sp.Expr) -> set[sp.Symbol]:
    return {s for s in e.free_symbols if s in (G, sp.Symbol("f")) or s.name[0] in "<|"}


def _without_memory(e: sp.Expr, fractions: tuple[str, ...]) -> tuple[sp.Expr, list[str]]:
    """(e without squares of the memory, the conditions that their coefficients are <= 0)."""
    conditions: list[str] = []
    for m in sorted((s for s in _state(e) if s.name.startswith("||") and s.name != "||x - xstar||"), key=str):
        conditions.append(f"{written(upright(e.coeff(m, 2), fractions))} <= 0")
        e = sp.expand(e - e.coeff(m, 2) * m**2)
    return e, conditions


def _of_gradient(e: sp.Expr, conditions: list[str], stated: Stated, letters: Letters) -> Rates:
    classes, fractions = stated.hypotheses.classes, stated.method.fractions
    eps, kap = letters.eps, letters.kap
    poly = sp.Poly(e, G)
    powers = {n: poly.coeff_monomial(G**n) for n in range(poly.degree() + 1)}
    falls = falling(powers.get(2, sp.S.Zero))
    grows = sp.expand(powers.get(2, sp.S.Zero) - falls)
    floor, linear = powers.get(0, sp.S.Zero), powers.get(1, sp.S.Zero)
    cubic = sp.Add(*[c * G ** (n - 2) for n, c in powers.items() if n > 2])
    if linear == 0 and cubic == 0:
        decay = sp.factor(-falls - grows)
        if {"pl", "strongly convex"} & set(classes):
            mu = sp.Symbol(next(classes[k][0] for k in ("pl", "strongly convex") if k in classes)[1])
            positive = f"{written(upright(decay, fractions))} > 0"
            yield sp.factor(2 * mu * decay), sp.Symbol("V"), floor, [*conditions, positive]
        yield decay, G**2, floor, conditions
    young = [] if linear == 0 else [f"{kap} > 0"]
    small = grows + cubic + (kap * linear if linear != 0 else 0)
    if small != 0:
        condition = sp.expand(sp.cancel(2 * small / sp.gcd_terms(-falls)))
        yield (1 - eps) * (-falls), G**2, floor + (linear / (4 * kap) if linear != 0 else 0), [
            *conditions, *young, f"{written(condition)} <= 2*{eps}",
        ]  # fmt: skip


def _of_signs(e: sp.Expr, letters: Letters) -> Rates:
    """The rates for signs, with G <= Phi/a + d sbar/4 in the terms that grow with G."""
    rate, bent, floor = -e.coeff(PHI), e.coeff(G), e.subs({PHI: 0, G: 0})
    if sp.expand(e - bent * G + rate * PHI - floor) != 0:
        return
    phi, a, scale, d = sp.symbols("Phi a sbar d")
    if bent == 0:
        yield rate, phi, floor, []
        return
    condition = sp.expand(sp.cancel(bent / (rate * a)))
    kept = (1 - letters.eps) * rate
    yield kept, phi, sp.factor(floor + bent * d * scale / 4), [f"{written(condition)} <= {letters.eps}"]


def _of_distance(e: sp.Expr, conditions: list[str], fitted: Determined, stated: Stated) -> Rates:
    classes, smooth = stated.hypotheses.classes, stated.hypotheses.smoothness
    rate, square = -e.coeff(SLOPE), e.coeff(G, 2)
    floor = sp.expand(e + rate * SLOPE - square * G**2)
    if smooth is None and "bounded gradient" in classes:
        floor, square = floor + square * sp.Symbol(str(classes["bounded gradient"][0][1])) ** 2, sp.S.Zero
    if floor.free_symbols & _state(e) or (smooth is None and square != 0):
        return
    if fitted.with_loss:  # then the bound has a term that decays in G^2
        least = falling(square)
        if not falls(fitted.at(square)):
            conditions = [*conditions, f"{written(sp.factor(sp.cancel((square - least) / -least)))} <= 1"]
        yield from _together(rate, square, floor, conditions, fitted, classes.get("strongly convex", ()))
        return
    bound = sp.S.Zero if smooth is None else sp.Symbol(str(smooth[0][1]))
    # G^2 <= 2 L (<g, x - x*> - (f - f*)) if f is convex and smooth
    left, condition = rate, conditions
    if square != 0:
        left = sp.factor(rate - 2 * bound * square)
        condition = [*conditions, f"{written(sp.expand(sp.cancel(2 * bound * square / rate)))} <= 1"]
    if "strongly convex" in classes:
        mu = sp.Symbol(classes["strongly convex"][0][1])
        yield sp.factor(left * mu / 2 + rate * mu / 2), sp.Symbol("V"), floor, condition
    if "convex" in classes:
        yield left, GAP, floor, condition


def _together(
    rate: sp.Expr, square: sp.Expr, floor: sp.Expr, conditions: list[str], fitted: Determined, strong: Sequence[Term]
) -> Rates:
    """The rates for a V with loss and distance: the decay rate (f - f*) and, for strongly convex losses, also a multiple of V."""
    if strong and fitted.weight_of_distance is not None:
        mu = sp.Symbol(strong[0][1])
        # the decay is at least rate (f - f* + mu/2 ||x - x*||^2) - 2 square mu (f - f*), by G^2 >= 2 mu (f - f*) and square <= 0;
        # k is the largest factor for which k (f - f* + weight ||x - x*||^2) is below this, provided the condition holds
        k = sp.cancel(rate * mu / (2 * fitted.weight_of_distance))
        left = upright(-(k - rate + 2 * mu * square), ())
        yield sp.factor(k), sp.Symbol("V"), floor, [*conditions, f"{written(sp.expand(left))} >= 0"]
    yield sp.factor(rate), GAP, floor, conditions

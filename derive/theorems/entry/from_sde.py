"""The terms of Ito's formula for a method's SDE, so that the theorems are about derived equations and not about typed ones."""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from sdescent.derive.derivation import SDE
from sdescent.derive.equations.models import lam
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, g, hvp, nodes, to_slot
from sdescent.derive.proof.language.terms import Term, dot, fn, mat, matvec, num, plus, times, trprod, under, vec, x
from sdescent.derive.vocabulary.symbols import u as free

Part = tuple[Term, Any]


def loss_in_time(equation: SDE, h: Term, vectors: Mapping[str, str]) -> dict[str, Any]:
    """The data of Ito's formula for the loss f along the SDE, from its start f0 to its value fT at the horizon.

    Args, Raises: as for `drift_terms`.
    """
    return loss_along(drift_terms(equation, h, vectors), diffusion_terms(equation, h))


def loss_along(drift: list[Part], diffusion: list[Part]) -> dict[str, Any]:
    """The data that `loss_in_time` returns, from the parts of an equation."""
    named = {"gradient": "g", "hessian": "H", "end": "fT", "start": "f0"}
    return {**named, "smooth": True, "drift": drift, "diffusion": diffusion}


def generator_of(potential: Mapping[str, Any]) -> Term:
    """L V = drift . grad V + Tr(Hess V covariance)/2 of a potential V, as in the kernel's Ito formula; or its `change` if given."""
    if "change" in potential:
        return x(potential["change"])
    slope, bend = vec(potential["gradient"]), mat(potential["hessian"])
    first = [c * dot(slope, v) for c, v in potential["drift"]]
    return plus(*first, *[num("1/2") * c * trprod(bend, m) for c, m in potential["diffusion"]])


def drift_terms(equation: SDE, h: Term, vectors: Mapping[str, str], hessian: str = "H") -> list[Part]:
    """The drift as [(coefficient, vector)], with h in place of the schedule u.

    Args:
        equation: an SDE with a free schedule.
        vectors: the names of the vectors: "mean" for b, "curvature" for Lam H Lam g (if that is not H g).

    Raises:
        ValueError: the drift is not a combination of b, H b and Lam H Lam g with scalar coefficients.
    """
    mean = equation.moments.mean
    if mean is None or equation.drift is None:
        raise ValueError("the method has no drift in closed form")
    mean_letter, bent, ratio = sp.Dummy("b"), sp.Dummy("Hb"), sp.Dummy("Lam")
    # symbols replace vectors, since SymPy would divide inside the cases of a case distinction
    letters: dict[sp.Expr, sp.Expr] = {hvp(mean): bent, mean: mean_letter}
    basis: list[tuple[sp.Expr, Any]] = [(mean_letter, vec(vectors["mean"]))]
    if equation.model == "corrected" and mean == g:
        basis.append((bent, matvec(("m", hessian), vec(vectors["mean"]))))
    elif equation.model == "corrected":
        letters[lam(mean)] = ratio
        basis.append((ratio * bent, vec(vectors["curvature"])))
    terms: list[Part] = []
    for summand in sp.Add.make_args(equation.drift.xreplace(letters)):
        fitting = [(summand / e, v) for e, v in basis if _is_scalar(summand / e)]
        if len(fitting) != 1:
            raise ValueError(f"{summand} is not a multiple of one of the known vectors")
        terms.append((expression(fitting[0][0], {free: h}), fitting[0][1]))
    return terms


def diffusion_terms(equation: SDE, h: Term, covariance: str = "S") -> list[Part]:
    """The covariance of the SDE as [(coefficient, matrix)]: eta h^2/N times S."""
    return [(expression(equation.rate, {free: h}), ("m", covariance))]


def _is_scalar(e: sp.Expr) -> bool:
    return (
        not nodes(e)
        and not any(isinstance(s, (Coordinate, sp.Dummy)) for s in e.free_symbols)
        and not e.has(sp.Piecewise)
    )


def expression(e: sp.Expr, letters: Mapping[sp.Expr, Term]) -> Term:
    """An expression in symbols, generic coordinates v_j, their sums, roots, exp and |.| as a term; v_j becomes the symbol v.

    Args:
        letters: subexpression -> its letter or another term.

    Raises:
        ValueError: a part of the expression is outside the grammar of terms.
    """
    if e in letters:
        return letters[e]
    if e.is_Rational:
        return num(f"{e.p}/{e.q}")  # pyright: ignore[reportAttributeAccessIssue]
    if e is sp.pi:
        return Term(("pi",))
    if isinstance(e, Coordinate) and e.slot == "j":
        return x(e.base)
    if isinstance(e, sp.Symbol) and not isinstance(e, Coordinate):
        return x(e.name)
    if isinstance(e, CoordSum):
        return under("S", expression(to_slot(e.args[0], "k", "j"), letters))  # pyright: ignore[reportArgumentType]
    if isinstance(e, sp.Pow) and (2 * e.exp).is_Integer:
        base, n = expression(e.base, letters), abs(int(2 * e.exp))
        root = base if n % 2 == 0 else fn("sqrt", base)
        power = root if n in (1, 2) else root ** (n if n % 2 else n // 2)
        return power if e.exp > 0 else 1 / power
    if isinstance(e, sp.Mul):
        return _product(e, letters)
    args = [expression(a, letters) for a in e.args if isinstance(a, sp.Expr)]
    if isinstance(e, sp.Add):
        return plus(*args)
    if isinstance(e, (sp.exp, sp.Abs)):
        return fn("exp" if isinstance(e, sp.exp) else "abs", args[0])
    raise ValueError(f"{e} is not a term of the proof grammar")


def _product(e: sp.Mul, letters: Mapping[sp.Expr, Term]) -> Term:
    """A product as a quotient. Division by a sum stays separate, since normal forms do not split inverses of sums."""
    if e.could_extract_minus_sign() and e.args[0].is_number:
        return -expression(-e, letters)
    powers = [a for a in e.args if isinstance(a, sp.Pow) and a.exp.is_number and a.exp.is_negative]
    above = [expression(a, letters) for a in e.args if a not in powers]  # pyright: ignore[reportArgumentType]
    below = [expression(1 / a, letters) for a in powers if not a.base.is_Add]
    product = above[0] if len(above) == 1 else times(*above)
    if below:
        product = product / (below[0] if len(below) == 1 else times(*below))
    for a in powers:
        if a.base.is_Add:
            each, times_over = (a.base, -int(a.exp)) if a.exp.is_Integer else (1 / a, 1)
            for _ in range(times_over):
                product = product / expression(each, letters)
    return product


def put(t: Term, values: Mapping[Term, Term]) -> Term:
    """A term with some parts replaced by other terms, without products by 0 and 1 and sums with 0."""
    if t in values:
        return values[t]
    parts = [put(p, values) if isinstance(p, Term) else p for p in t[1:]]
    if t[0] == "*" and num(0) in parts:
        return num(0)
    if t[0] in ("+", "*"):
        neutral = num(0 if t[0] == "+" else 1)
        kept = [p for p in parts if p != neutral] or [neutral]
        return kept[0] if len(kept) == 1 else Term((t[0], *kept))
    return Term((t[0], *parts))

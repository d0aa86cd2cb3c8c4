"""D(C)SGD with a pre-scheduled step (theory 6.1, 6.2): pathwise, and for the mean square gradient at a random time.

The first-order and the corrected model differ in one term of the drift, eta u^2/2 H g, hence in A' = A_1/N or 1 + A_1/N.
The form of 6.2 in expectations is refuted in `dcsgd_expectation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, num
from sdescent.derive.theorems.entry.symbols import D0, L0, L1, G, N, eps, eta, kap, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.vocabulary.choices import Model

FLOOR = 1 / (4 * kap)


def rules(model: Model) -> dict[str, Relation]:
    """kap > 0, u >= 0 and the step condition eta u K_kap(G) <= 2 eps."""
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
    """0 < 1/N, and the bound on the drift of f."""

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
    """The two theorems for one model."""
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


ENTRIES = (
    *pair("first-order", "6.1", "theory 6.1; arXiv 2506.00181v1; the parameter κ is ours"),
    *pair("corrected", "6.2", "theory 6.2; arXiv 2506.00181v2, Theorem 4.2; the parameter κ is ours"),
)

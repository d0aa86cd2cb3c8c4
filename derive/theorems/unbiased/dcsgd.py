"""D(C)SGD with a pre-scheduled step (theory 6.1, 6.2): pathwise, and for the mean square gradient at a random time.

The first-order and the corrected model differ in one term of the drift, eta u^2/2 H g, hence in A' = A_1/N or 1 + A_1/N.
The form of 6.2 in expectations is refuted in `dcsgd_expectation`.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import num, under
from derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from derive.theorems.unbiased import setting as ub
from derive.theorems.unbiased.setting import D0, L0, L1, G, N, eps, eta, kap, u
from derive.vocabulary.choices import Model

FLOOR = 1 / (4 * kap)


def rules(model: Model) -> dict[str, ub.Relation]:
    """kap > 0, u >= 0 and the step condition eta u K_kap(G) <= 2 eps."""
    return {"kap > 0": kap.gt(0), "u >= 0": u.ge(0), "step": (eta * u * ub.condition(model, kap)).le(2 * eps)}


def young(w: Derivation) -> Fact:
    """G <= kap G^2 + 1/(4 kap)."""
    unit = w.kernel.inverse(kap, w["kap > 0"])
    square = G - num("1/2") / kap
    return w.combine("Young's inequality", G.le(kap * G**2 + FLOOR), [(1, ["kap > 0"], (square,))], [(FLOOR - G, unit)])


def derivation(model: Model, integrated: bool) -> Callable[[Derivation], Fact]:
    """The proof for a model, up to the pathwise bound or to the end."""

    def prove(w: Derivation) -> Fact:
        known = ub.bounds(w)
        bound = ub.pathwise(w, model, u, known, (kap, FLOOR, young(w)), (w["u >= 0"], w["step"]))
        return ub.scheduled(w, model, bound, known, FLOOR) if integrated else bound

    return prove


def pair(model: Model, number: str, name: str, source: str) -> tuple[Theorem, Theorem]:
    """The two theorems for one model."""
    own = {
        "context": ub.context(model, u),
        "definitions": ub.DEFINITIONS,
        "recomputed": ("unbiased",),
        "point": ub.point(),
        "names": ub.NAMES,
        "short": ub.short(u) | {ub.condition(model, kap): r"K_\kappa(G)"},
        "source": source,
    }
    pathwise = Theorem(
        id=f"{number}-pathwise",
        title=f"D(C)SGD, {name} model, pathwise",
        claim=ub.drift_bound(model, u, FLOOR),
        assumptions={**ub.ASSUMPTIONS, **rules(model)},
        prove=derivation(model, False),
        evidence=(Evidence("unbiased clients"), Evidence("one step", {"method": "rand-k"})),
        **own,
    )
    scheduled = Theorem(
        id=f"{number}-scheduled",
        title=f"D(C)SGD, {name} model, pre-scheduled step",
        claim=ub.mean_bound(G**2, (L0 + FLOOR * L1) * D0 / (2 * N)),
        remark=ub.random_time(r"\|\nabla f(X_{\hat T})\|^2"),
        assumptions={
            **ub.ASSUMPTIONS,
            **rules(model),
            **ub.ENDS,
            "eps < 1": num(0).lt(1 - eps),
            "int u > 0": under("I", u).gt(0),
        },
        prove=derivation(model, True),
        evidence=(Evidence("random time", {"method": "rand-k", "model": model, "constants": {"eps": 0.34, "kap": 0.25}}),),
        **own,
    )
    return pathwise, scheduled


ENTRIES = (
    *pair("first-order", "6.1", "first-order", "theory 6.1; arXiv 2506.00181v1; the parameter κ is ours"),
    *pair("corrected", "6.2", "corrected", "theory 6.2; arXiv 2506.00181v2, Theorem 4.2; the parameter κ is ours"),
)

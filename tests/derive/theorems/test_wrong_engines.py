"""With a wrong drift, rate, moment or ratio in the engine, no theorem about it comes out proved."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import pytest
import sympy as sp

import sdescent.derive
from sdescent.derive.equations import models
from sdescent.derive.equations.sde import Equation
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.theorems.catalogue import MODULES, entries
from sdescent.derive.theorems.entry import recompute
from sdescent.derive.theorems.entry.checking import Checked, check
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.stationary import line as stationary
from sdescent.derive.vocabulary.symbols import eta
from sdescent.derive.vocabulary.verdicts import Verdict

ENTRIES = entries()


FIRST = (
    "6.1-pathwise", "6.1-scheduled", "6.4-classic", "6.4-classic-bounded", "6.4-classic-scheduled", "6.5-first-order", "6.5-sign",
)  # fmt: skip


CORRECTED = (
    "6.2-pathwise", "6.2-scheduled", "6.2-expectation-repaired", "6.3-low-pathwise", "6.3-low-scheduled", "6.3-high-pathwise",
    "6.3-high-scheduled", "6.4-corrected", "6.4-corrected-scheduled", "6.4-global-pathwise", "6.4-global-scheduled",
    "6.4-clients-pathwise", "6.4-clients-scheduled", "6.5-corrected",
)  # fmt: skip


#: on the methods themselves: the mean of a step is read off the first-order drift, its covariance off the rate
METHODS = (
    "6.2-pathwise-method", "6.2-scheduled-method", "6.2-pathwise-bounded-method", "6.2-scheduled-bounded-method", "6.2-root-method",
    "6.2-harmonic-method", "6.2-summable-method", "6.5-corrected-method", "6.5-convex-method", "6.5-strongly-convex-method",
    "6.4-global-pathwise-method", "6.4-global-scheduled-method", "6.4-global-decreasing-method", "6.4-clients-pathwise-method",
    "6.4-clients-scheduled-method", "6.4-corrected-method", "6.4-corrected-scheduled-method", "6.3-bounded-pathwise-method",
    "6.3-bounded-scheduled-method",
)  # fmt: skip
#: of which both are read off the update rule, and the covariance of a message off the rate
MOMENTUM = ("6.2-heavy-ball-step-method", "6.2-heavy-ball-method")

#: of which the step is read off the update rule and evaluated (`test_from_sde`): no model, and no rate of noise
RULES = (
    "6.3-direction-pathwise-method", "6.3-direction-scheduled-method", "6.3-clipped-pathwise-method",
    "6.3-clipped-scheduled-method", "6.3-clipped-noise-method",
)  # fmt: skip


#: those of 6.7 whose equations are read off a model
STATIONARY = {
    "first-order": (
        "6.7-first-order", "6.7-covariance-first-order", "6.7-rand-k-first-order", "6.7-sign-gaussian", "6.7-change-first-order",
        "6.7-change-method", "6.7-affine-method", "6.7-affine-first-order",
    ),
    "corrected": (
        "6.7-corrected", "6.7-covariance-corrected", "6.7-rand-k-corrected", "6.7-change-corrected", "6.7-affine-corrected",
    ),
    "second-order": ("6.7-second-order", "6.7-covariance-second-order", "6.7-change-second-order", "6.7-affine-second-order"),
}  # fmt: skip


Drift = Callable[[sp.Expr, Method], sp.Expr]


def test_every_entry_about_a_model_is_tried() -> None:
    told = {
        name
        for name in ENTRIES
        if isinstance(ENTRIES[name], Theorem) and name[:3] in ("6.1", "6.2", "6.3", "6.4", "6.5")
    }
    read = {"6.2-heavy-ball-pathwise", "6.2-heavy-ball-average"}  # from a rule with memory: test_heavy_ball
    assert told - {*FIRST, *CORRECTED, *METHODS, *MOMENTUM, *RULES, *read} == {
        "6.4-bounded-ratio", "6.4-chord-zero", "6.4-reading", "6.3-strength-grows", "6.3-strength-falls"
    }  # facts about Phi and about K, no model  # fmt: skip


def curved(factor: Any) -> Drift:
    """The corrected drift with a factor at its second term."""
    return lambda b, m: -m.schedule.factor * b + factor * eta * m.schedule.factor**2 / 2 * models.curvature(b)


WRONG: dict[str, tuple[str, Drift]] = {
    "first-order, half": ("first-order", lambda b, m: -m.schedule.factor * b / 2),
    "first-order, h squared": ("first-order", lambda b, m: -(m.schedule.factor**2) * b),
    "corrected, second term twice": ("corrected", curved(2)),
    "corrected, no second term": ("corrected", curved(0)),
    "corrected, sign": ("corrected", lambda b, m: -models.corrected(b, m)),
}


@dataclasses.dataclass
class Fresh:
    """The catalogue as the engine of this moment makes it: its theorems' SDEs are read when their modules are loaded."""

    entries: dict[str, Any]
    broken: list[str]
    check: Callable[..., Checked]


def fresh() -> Fresh:
    """Loads the theorems anew; modules that refuse the engine's equations are `broken`."""
    parent = "sdescent.derive.theorems"
    kept = {name: module for name, module in sys.modules.items() if name == parent or name.startswith(parent + ".")}
    for name in kept:
        del sys.modules[name]
    found, broken = {}, []
    try:
        for name in MODULES:
            if name.startswith("facts.") or name == "unbiased.scaling":
                continue  # no SDE is in them
            try:
                found |= {entry.id: entry for entry in import_module(f"{parent}.{name}").ENTRIES}
            except ValueError:
                broken.append(name)
        # the moments are not what is wrong, and computing them takes a second
        import_module(f"{parent}.entry.recompute")._once = recompute._once
        return Fresh(found, broken, import_module(f"{parent}.entry.checking").check)
    finally:
        for name in [name for name in sys.modules if name == parent or name.startswith(parent + ".")]:
            del sys.modules[name]
        sys.modules.update(kept)
        sdescent.derive.theorems = kept[parent]


@pytest.mark.slow
def test_a_fresh_catalogue_is_the_same() -> None:
    now = fresh()
    assert not now.broken
    assert set(now.entries) <= set(ENTRIES)
    some = (*FIRST, *CORRECTED, *METHODS, *MOMENTUM)[::3]
    assert proved(now, some) == {*some}
    assert import_module("sdescent.derive.theorems.stationary.line") is stationary
    told = {name for names in STATIONARY.values() for name in names}
    assert told == {name for name in ENTRIES if name.startswith("6.7-")} - {"6.7-sign"}  # which is computed again
    some = sorted(told)[::3]
    assert proved(now, some) == {*some}


def proved(now: Fresh, names: Iterable[str]) -> set[str]:
    """Which of these come out although the engine is wrong."""
    found = {name: now.check(now.entries[name], seconds=1.0) for name in names if name in now.entries}
    assert {f.status for f in found.values()} <= {Verdict.PROVED, Verdict.UNDECIDED}
    assert all(f.certificate is None for f in found.values() if f.status != Verdict.PROVED)
    return {name for name, f in found.items() if f.status == Verdict.PROVED}


@pytest.mark.slow
@pytest.mark.parametrize("which", WRONG)
def test_a_wrong_drift_proves_nothing(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, drift = WRONG[which]
    monkeypatch.setitem(models.MODELS, model, drift)
    models.lam.cache_clear()
    own, other = ((*FIRST, *METHODS), CORRECTED) if model == "first-order" else (CORRECTED, FIRST)
    still, constant = (
        STATIONARY[model],
        ("6.5-first-order", "6.5-sign", "6.5-corrected-method", "6.5-strongly-convex-method"),
    )
    flat = {*constant, *still} if which == "first-order, h squared" else set()  # u = 1 there
    now = fresh()
    tried = (*own, *still)[:: 1 if flat else 3]
    assert proved(now, tried) == flat
    assert proved(now, other[:2]) == set(other[:2])  # the other model is as it was


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["N squared", "no h"])
def test_a_wrong_rate_proves_nothing(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rate(self: Equation) -> sp.Expr:
        h, clients = self.method.schedule.factor, self.method.clients
        return {"N squared": eta * h**2 / clients**2, "no h": eta / clients}[wrong]

    monkeypatch.setattr(Equation, "rate", property(rate))
    named = [*FIRST, *CORRECTED, *METHODS, *MOMENTUM, *(name for names in STATIONARY.values() for name in names)][::2]
    unscheduled = {name for name in named if name[:3] in ("6.5", "6.7")} - {"6.5-convex-method"}  # u = 1 there
    flat = unscheduled if wrong == "no h" else set()
    assert proved(fresh(), named) == flat | {"6.5-sign"} & {*named}  # which has no noise


@pytest.mark.slow
@pytest.mark.parametrize("part", ["off the diagonal", "mean", "variance"])
def test_wrong_moments_prove_nothing(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions of the theorems are computed again; where the engine's moments differ, nothing rests on them."""
    right = models.moments

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = right(*args, **kwargs)
        form = found.form
        assert form is not None
        factors, core = form.factors, form.core
        mean, diag = form.mean, form.diag
        if part == "mean":
            mean = sp.Rational(101, 100) * mean
        elif part == "variance":
            diag = sp.Rational(101, 100) * diag
        else:
            factors, core = (*factors, form.mean), sp.diag(core, sp.Matrix([[sp.Rational(1, 100)]]))
        form = dataclasses.replace(form, mean=mean, diag=diag, factors=factors, core=core)
        return dataclasses.replace(found, form=form, mean=mean)

    moved = {"unbiased", "signs", *(("silent signs", "descent") if part == "mean" else ())}
    recompute.forget()
    models.lam.cache_clear()
    monkeypatch.setattr(models, "moments", wrong)
    try:
        for name, entry in ENTRIES.items():
            if isinstance(entry, Theorem) and set(entry.recomputed) & moved:
                found = check(entry)
                assert found.status == Verdict.UNDECIDED, name
                assert "definitions are not those of the method" in found.reason
    finally:
        recompute.forget()
        models.lam.cache_clear()


def test_a_wrong_ratio_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lam g = b is computed again too."""
    recompute.forget()
    monkeypatch.setattr(recompute, "lam", lambda b: 2 * models.lam(b))
    try:
        found = check(ENTRIES["6.4-global-pathwise"])
        assert found.status == Verdict.UNDECIDED
        assert "Lam g" in found.reason
    finally:
        recompute.forget()


@pytest.mark.slow
def test_a_wrong_length_of_the_messages_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The radius of a step of DSignSGD is the engine's; what a theorem asks of it is sqrt(d)."""
    monkeypatch.setattr(Sign, "longest", lambda self, dim: sp.Rational(99, 100) * sp.sqrt(dim))
    signs = [name for name in METHODS if name.startswith("6.4")]
    assert len(signs) >= 7 and proved(fresh(), signs) == set()

"""With a wrong drift, rate, moment or ratio in the engine, no theorem about it comes out proved."""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

import pytest
import sympy as sp

import sdescent.derive
from sdescent.derive.equations import sde
from sdescent.derive.equations.sde import Equation
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.theorems.catalogue import MODULES, entries
from sdescent.derive.theorems.entry import from_method
from sdescent.derive.theorems.entry.checking import Checked, check
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.stationary import quadratic as stationary
from sdescent.derive.vocabulary.symbols import eta
from sdescent.derive.vocabulary.verdicts import Verdict

ENTRIES = entries()
#: of each kind of theorem one: on a first-order model, or on a method, whose mean step is the drift of that model
FIRST = (
    "6.1-pathwise", "6.4-classic-scheduled", "6.5-sign", "6.7-first-order", "6.7-change-method", "6.2-pathwise-method",
    "6.4-global-scheduled-method", "6.3-bounded-pathwise-method", "6.5-convex-method",
)  # fmt: skip
CORRECTED = (
    "6.2-pathwise", "6.3-low-scheduled", "6.4-clients-pathwise", "6.5-corrected", "6.7-covariance-corrected",
    "6.7-affine-corrected",
)  # fmt: skip
#: their mean and their covariance are read off the update rule and the rate; off a second-order model
OTHERS = ("6.2-heavy-ball-step-method", "6.7-second-order")
#: with the schedule u = 1
CONSTANT = {"6.5-sign", "6.5-corrected", *(name for name in (*FIRST, *CORRECTED, *OTHERS) if name[:3] == "6.7")}
Drift = Callable[[sp.Expr, Method], sp.Expr]
WRONG: dict[str, tuple[str, Drift]] = {
    "half": ("first-order", lambda b, m: -m.schedule.factor * b / 2),
    "h squared": ("first-order", lambda b, m: -(m.schedule.factor**2) * b),
    "second term twice": (
        "corrected", lambda b, m: -m.schedule.factor * b + eta * m.schedule.factor**2 * sde.curvature(b),
    ),
}  # fmt: skip


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
    anew, broken = {}, []
    try:
        for name in MODULES:
            if name.startswith("facts.") or name == "unbiased.scaling":
                continue  # no SDE is in them
            try:
                anew |= {entry.id: entry for entry in import_module(f"{parent}.{name}").ENTRIES}
            except ValueError:
                broken.append(name)
        # the moments are not what is wrong, and computing them takes a second
        import_module(f"{parent}.entry.from_method")._once = from_method._once
        return Fresh(anew, broken, import_module(f"{parent}.entry.checking").check)
    finally:
        for name in [name for name in sys.modules if name == parent or name.startswith(parent + ".")]:
            del sys.modules[name]
        sys.modules.update(kept)
        sdescent.derive.theorems = kept[parent]


def proved(now: Fresh, names: Iterable[str]) -> set[str]:
    """Which of these come out although the engine is wrong."""
    checked = {name: now.check(now.entries[name], seconds=1.0) for name in names if name in now.entries}
    assert {one.status for one in checked.values()} <= {Verdict.PROVED, Verdict.UNDECIDED}
    assert all(one.certificate is None for one in checked.values() if one.status != Verdict.PROVED)
    return {name for name, one in checked.items() if one.status == Verdict.PROVED}


@pytest.mark.slow
def test_a_fresh_catalogue_is_the_same() -> None:
    now, names = fresh(), (*FIRST, *CORRECTED, *OTHERS)
    assert not now.broken and set(now.entries) <= set(ENTRIES)
    assert proved(now, names) == {*names}
    assert import_module("sdescent.derive.theorems.stationary.quadratic") is stationary


@pytest.mark.slow
@pytest.mark.parametrize("which", WRONG)
def test_a_wrong_drift_proves_nothing(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, drift = WRONG[which]
    monkeypatch.setitem(sde.MODELS, model, drift)
    sde.lam.cache_clear()
    wrong, right = (FIRST, CORRECTED) if model == "first-order" else (CORRECTED, FIRST)
    now = fresh()
    assert proved(now, wrong) == (CONSTANT & {*FIRST} if which == "h squared" else set())
    assert proved(now, right[:1]) == {right[0]}  # the other model is as it was


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["N squared", "no h"])
def test_a_wrong_rate_proves_nothing(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rate(self: Equation) -> sp.Expr:
        h, clients = self.method.schedule.factor, self.method.clients
        return {"N squared": eta * h**2 / clients**2, "no h": eta / clients}[wrong]

    monkeypatch.setattr(Equation, "rate", property(rate))
    names = (*FIRST[::2], *CORRECTED[1::2], *OTHERS)
    flat = CONSTANT & {*names} if wrong == "no h" else set()
    assert proved(fresh(), names) == flat | {"6.5-sign"} & {*names}  # which has no noise


@pytest.fixture
def _anew() -> Iterator[None]:
    """The recomputed definitions with the engine of this moment."""
    from_method.forget()
    sde.lam.cache_clear()
    yield
    from_method.forget()
    sde.lam.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("_anew")
@pytest.mark.parametrize("part", ["off the diagonal", "mean", "variance"])
def test_wrong_moments_prove_nothing(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions of the theorems are computed again; where the engine's moments differ, nothing rests on them."""
    right, more = sde.moments, sp.Rational(101, 100)

    def wrong(*args: Any, **kwargs: Any) -> Any:
        moments = right(*args, **kwargs)
        form = moments.form
        assert form is not None
        changes: dict[str, Any] = {
            "mean": {"mean": more * form.mean}, "variance": {"diag": more * form.diag},
            "off the diagonal": {
                "factors": (*form.factors, form.mean), "core": sp.diag(form.core, sp.Matrix([[sp.Rational(1, 100)]])),
            },
        }[part]  # fmt: skip
        form = dataclasses.replace(form, **changes)
        return dataclasses.replace(moments, form=form, mean=form.mean)

    moved = {"unbiased", "signs", *(("silent signs", "descent") if part == "mean" else ())}
    monkeypatch.setattr(sde, "moments", wrong)
    for name, entry in ENTRIES.items():
        if isinstance(entry, Theorem) and set(entry.recomputed) & moved:
            checked = check(entry)
            assert checked.status == Verdict.UNDECIDED, name
            assert "definitions are not those of the method" in checked.reason


@pytest.mark.usefixtures("_anew")
def test_a_wrong_ratio_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lam g = b is computed again too."""
    monkeypatch.setattr(from_method, "lam", lambda b: 2 * sde.lam(b))
    checked = check(ENTRIES["6.4-global-pathwise"])
    assert checked.status == Verdict.UNDECIDED and "Lam g" in checked.reason


@pytest.mark.slow
def test_a_wrong_length_of_the_messages_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The radius of a step of DSignSGD is the engine's; what a theorem asks of it is sqrt(d)."""
    monkeypatch.setattr(Sign, "longest", lambda self, dim: sp.Rational(99, 100) * sp.sqrt(dim))
    assert proved(fresh(), ["6.4-global-pathwise-method", "6.4-corrected-scheduled-method"]) == set()

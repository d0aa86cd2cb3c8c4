"""What the theorems read off the engine: a check reads it again, and with a wrong engine nothing is proved."""

import dataclasses
import importlib.util
from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.equations import sde
from sdescent.derive.methods.compressors import QSGD, Bernoulli, FixedGrid, Identity, Natural, RandK, Ternary, Unbiased
from sdescent.derive.methods.losses import (
    Cosh,
    GluedExponential,
    LogisticRegression,
    Quadratic,
    Quartic,
    Separable,
    SeparableSum,
    Smoothness,
)
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Laplace
from sdescent.derive.proof.language.terms import Relation, num
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry import from_method, instances
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as unbiased
from sdescent.derive.theorems.unbiased import polyak
from sdescent.derive.vocabulary.symbols import eta
from sdescent.derive.vocabulary.verdicts import Verdict

q = sp.Rational
ENTRIES = entries()
THEOREMS = [e for e in ENTRIES.values() if isinstance(e, Theorem)]
#: of each module whose theorems read relations off the engine one theorem, and of each group that is computed again
READ = {e.prove.__module__: e for e in THEOREMS if e.read}
RECOMPUTED = {e.recomputed: e for e in sorted(THEOREMS, key=lambda e: len(e.definitions)) if e.recomputed}
WRONG_WORDS = "definitions are not those of the method"


def again(name: str) -> ModuleType:
    """A module of theorems loaded once more, with the engine as it is at this moment; the one that is loaded stays."""
    spec = importlib.util.find_spec(f"sdescent.derive.theorems.{name}")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def proved_again(name: str, only: str = "") -> set[str]:
    """Which entries of a module (or whether this one) come out when it is read with the engine of now; none where it refuses."""
    try:
        anew = again(name).ENTRIES
    except ValueError:
        return set()
    return {
        e.id
        for e in anew
        if only in ("", e.id) and isinstance(e, Theorem) and check(e, seconds=1.0).status == Verdict.PROVED
    }


def test_nothing_is_left_out() -> None:
    """Every compressor has its ratio, every loss its constants; every group that is computed again is evaluated."""
    compressors, losses = (
        {c for c in kind.__subclasses__() if c.__module__.startswith("sdescent.derive.methods.")}
        for kind in (Unbiased, Separable)
    )
    assert {e.id for e in THEOREMS if e.read and e.id.startswith("4-")} == {*OF} == {e for e in ENTRIES if e[0] == "4"}
    assert {*OF.values()} == compressors and {*LOSSES.values(), SeparableSum} == losses
    read = {e.id for e in THEOREMS if e.read and e.id.startswith("8-")}
    assert read == {*LOSSES, "8-psi-sharp", "8-glued-twice", "8-rosenbrock-never"}
    assert {e.id for e in ENTRIES.values() if isinstance(e, Refutation) and e.read} == {*REFUTED_READ, "8-psi-half"}
    groups = {name for e in RECOMPUTED.values() for name in e.recomputed}
    assert groups == set(instances.INSTANCES) == {*from_method.GROUPS, "linear signs"}


@pytest.mark.parametrize("theorem", READ.values(), ids=lambda t: t.id)
def test_a_planted_definition_is_noticed(theorem: Theorem) -> None:
    """Each relation that is read, changed a little or to another sign, is not taken, whatever the proof makes of it."""
    read = theorem.read() if theorem.read else {}
    assert read
    for name, relation in read.items():
        for right in (relation.right * num(Fraction(101, 100)), relation.right + num(1), -relation.right):
            wrong = Relation((relation.op, relation.left, right))
            kind = "definitions" if name in theorem.definitions else "assumptions"
            checked = check(dataclasses.replace(theorem, **{kind: {**getattr(theorem, kind), name: wrong}}))
            assert checked.status == Verdict.UNDECIDED, (name, wrong)
            assert WRONG_WORDS in checked.reason or "the point of the theorem" in checked.reason
            # at whatever point: not only because it does not satisfy what was planted
            only: dict[str, Any] = {"assumptions": {}, "definitions": {}, kind: {name: wrong}}
            anywhere = dataclasses.replace(theorem, **only, point=_Any())
            assert WRONG_WORDS in check(anywhere).reason


@pytest.mark.parametrize("theorem", RECOMPUTED.values(), ids=lambda t: t.id)
def test_a_planted_definition_does_not_hold_in_the_engine(theorem: Theorem) -> None:
    """Definitions that are written in a theorem are evaluated in what the engine has, and a wrong one is noticed at any point."""
    for name, relation in theorem.definitions.items():
        right, shifted = relation.right, relation.right + num(Fraction(1, 100))
        # 0 = a t says the same as 0 = t
        for other in (shifted,) if relation.left == num(0) else (shifted, right * num(Fraction(101, 100)), -right):
            only = {name: relation.left.eq(other)}
            checked = check(dataclasses.replace(theorem, definitions=only, assumptions={}, point=_Any(), read=None))
            assert checked.status == Verdict.UNDECIDED
            assert f"{name} does not hold for what the engine has" in checked.reason, (name, other)


class _Any(dict[Any, Any]):
    """A point that satisfies what it is asked: `holds` evaluates nothing."""


@pytest.fixture(autouse=True)
def _no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    from sdescent.derive.theorems.entry import checking

    right = checking.holds
    monkeypatch.setattr(checking, "holds", lambda relation, at: True if isinstance(at, _Any) else right(relation, at))


# --- compressors ------------------------------------------------------------------------------------------------------

OF: dict[str, type[Unbiased]] = {
    "4-identity": Identity, "4-bernoulli": Bernoulli, "4-rand-k": RandK, "4-natural": Natural, "4-qsgd-fine": QSGD,
    "4-qsgd-coarse": QSGD, "4-ternary": Ternary, "4-fixed-grid": FixedGrid,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("4-bernoulli", "mean"),
        ("4-fixed-grid", "mean"),
        ("4-natural", "variance up"),
        ("4-qsgd-coarse", "another shape"),
    ],
)
def test_a_compressor_with_other_moments(name: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right, more = OF[name].conditional_moments, q(101, 100)

    def wrong(self: Any, dim: sp.Expr) -> Any:
        form = right(self, dim)
        if part == "mean":
            return dataclasses.replace(form, mean=more * form.mean)
        return dataclasses.replace(form, diag=more * form.diag if part == "variance up" else form.diag + form.mean**2)

    monkeypatch.setattr(OF[name], "conditional_moments", wrong)
    checked = check(ENTRIES[name])
    assert checked.status == Verdict.UNDECIDED
    assert WRONG_WORDS in checked.reason or "the variance" in checked.reason
    # the fixed grid has no ratio, whatever its mean is
    assert proved_again("facts.compressors", name) <= {"4-fixed-grid"}


def test_a_compressor_whose_variance_vanishes_in_another_case(monkeypatch: pytest.MonkeyPatch) -> None:
    right = QSGD.conditional_moments

    def wrong(self: Any, dim: sp.Expr) -> Any:
        form = right(self, dim)
        own = sp.piecewise_fold(form.variance).args[0][0]
        return SimpleNamespace(mean=form.mean, variance=sp.Piecewise((own, dim > 2), (0, True)))

    monkeypatch.setattr(QSGD, "conditional_moments", wrong)
    checked = check(ENTRIES["4-qsgd-fine"])
    assert checked.status == Verdict.UNDECIDED and "does not vanish outside" in checked.reason


def test_the_covariance_of_signs_is_asked_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    right = from_method.sde

    def wrong(method: Any) -> Any:
        form = right(method).form
        assert form is not None
        return SimpleNamespace(form=dataclasses.replace(form, diag=q(101, 100) * form.diag))

    monkeypatch.setattr(from_method, "sde", wrong)
    assert from_method.signs() == [f"the covariance of the sign with {law}" for law in from_method.LAWS]


@pytest.mark.parametrize("name", ["4-rand-k", "4-natural", "4-qsgd-coarse"])
def test_a_compressor_with_another_omega(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = OF[name].omega

    def smaller(self: Any, dim: sp.Expr) -> Any:
        ratio = right(self, dim)
        value = ratio.value - q(1, 100)
        return dataclasses.replace(ratio, value=sp.piecewise_fold(value) if value.has(sp.Piecewise) else value)

    monkeypatch.setattr(OF[name], "omega", smaller)
    assert check(ENTRIES[name]).status == Verdict.UNDECIDED
    assert name not in proved_again("facts.compressors", name)


# --- losses -----------------------------------------------------------------------------------------------------------

LOSSES: dict[str, type[Separable]] = {
    "8-quadratic": Quadratic, "8-quartic": Quartic, "8-cosh": Cosh, "8-glued-exponential": GluedExponential,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "part"), [("8-quartic", "f"), ("8-quadratic", "L0"), ("8-cosh", "L0"), ("8-glued-exponential", "L1")]
)
def test_another_loss(name: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """f + x^2/200 is not smooth with the constants of f, nor is f with a smaller L0 or, where L1 > 0, with a smaller L1."""
    cls = LOSSES[name]
    coordinate, smoothness = cls.coordinate.fget, cls.smoothness  # pyright: ignore[reportAttributeAccessIssue]
    if part == "f":
        monkeypatch.setattr(cls, "coordinate", property(lambda self: coordinate(self) + place**2 / 200))
    else:

        def smaller(self: Any, dim: int) -> Smoothness:
            own = smoothness(self, dim)
            lower = q(99, 100) * own.l0 if part == "L0" else own.l0
            return Smoothness(lower, own.l1 - q(1, 100) if part == "L1" else own.l1)

        monkeypatch.setattr(cls, "smoothness", smaller)
    assert check(ENTRIES[name]).status == Verdict.UNDECIDED
    assert name not in proved_again("facts.losses", name)


@pytest.mark.parametrize("jump", [1, place, place**2])
def test_a_jump_of_the_glued_loss(jump: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right, left = sp.exp(place) - place - 1, place**2 / 2
    broken = sp.Piecewise((right, place >= 0), (left + jump, True))
    monkeypatch.setattr(GluedExponential, "coordinate", property(lambda self: broken))
    assert check(ENTRIES["8-glued-twice"]).status == Verdict.UNDECIDED
    assert "8-glued-twice" not in proved_again("facts.losses", "8-glued-twice")


@pytest.fixture
def _anew() -> Iterator[None]:
    """The recomputed definitions with the engine of this moment."""
    from_method.forget()
    yield
    from_method.forget()


VALUE, SMOOTHNESS = LogisticRegression.value, LogisticRegression.smoothness
#: entry, class, method, and what stands in its place
OTHER_LOSSES = {
    "not separable": (
        "8-separable", Separable, "value",
        lambda self, state, right=Separable.value: right(self, state) + state[0] * state[-1] / 100,
    ),
    "value": ("8-logistic-regression", LogisticRegression, "value", lambda self, state: VALUE(self, state) * q(101, 100)),
    "l2": ("8-logistic-regression", LogisticRegression, "value", lambda self, state: VALUE(self, state) + state[0] ** 2 / 100),
    "L0": (
        "8-logistic-regression", LogisticRegression, "smoothness",
        lambda self, dim: Smoothness(SMOOTHNESS(self, dim).l0 * 2, sp.S.Zero),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("_anew")
@pytest.mark.parametrize("which", OTHER_LOSSES)
def test_another_loss_of_several_coordinates(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    id, cls, name, wrong = OTHER_LOSSES[which]
    monkeypatch.setattr(cls, name, wrong)
    checked = check(ENTRIES[id])
    assert checked.status == Verdict.UNDECIDED
    words = ("not diagonal", "not that of its parts", "is another one", "does not hold for what the engine has")
    assert any(said in checked.reason for said in words)


# --- the floor of 6.5 -------------------------------------------------------------------------------------------------

SCALING = {"6.8-enough", "6.8-needed"}


@pytest.mark.parametrize("wrong", ["N squared", "omega twice", "no decay"])
def test_another_floor_has_another_scaling_rule(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule is about the bound that 6.5 proves, and about its D_0."""
    assert proved_again("unbiased.scaling") == SCALING
    right, mean_of, omega, s0 = polyak.bound, unbiased.mean, unbiased.omega, unbiased.s0
    if wrong == "omega twice":
        inside = mean_of(s0) + mean_of(s0 * omega) + mean_of(s0 * omega)
        monkeypatch.setitem(unbiased.DEFINITIONS, "D_0", unbiased.D0.eq(unbiased.d * inside))
    else:
        other = {
            "no decay": lambda model: polyak.FLOOR / (2 * polyak.mu),
            "N squared": lambda model: right(model) / unbiased.N,
        }
        monkeypatch.setattr(polyak, "bound", other[wrong])
    assert proved_again("unbiased.scaling") == set()


# --- DSignSGD near the optimum ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_anew")
def test_another_sign_near_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Laplace, "density", lambda self, y: sp.exp(-sp.Abs(y)) / 3)
    checked = check(ENTRIES["6.7-sign"])
    assert checked.status == Verdict.UNDECIDED and "does not hold for what the engine has" in checked.reason


# --- refutations ------------------------------------------------------------------------------------------------------

REFUTED_READ = ("6.2-expectation", "6.2-kappa-fifth")


@pytest.mark.parametrize("name", REFUTED_READ)
def test_a_planted_claim_is_noticed(name: str) -> None:
    entry = ENTRIES[name]
    assert isinstance(entry, Refutation)
    for claim in (entry.claim.left.le(entry.claim.right - num(1)), (2 * entry.claim.left).le(entry.claim.right)):
        checked = check(dataclasses.replace(entry, claim=claim))
        assert checked.status == Verdict.UNDECIDED and "not the one that is read off the engine" in checked.reason


@pytest.mark.parametrize("factor", [2, 0])
def test_refutations_are_about_the_engines_drift(factor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = {e.id: e.claim for e in again("unbiased.dcsgd").ENTRIES if isinstance(e, Refutation)}
    assert right == {name: ENTRIES[name].claim for name in REFUTED_READ}  # pyright: ignore[reportAttributeAccessIssue]

    def wrong(b: sp.Expr, method: Any) -> sp.Expr:
        h = method.schedule.factor
        return -h * b + factor * eta * h**2 / 2 * sde.curvature(b)

    monkeypatch.setitem(sde.MODELS, "corrected", wrong)
    for name in REFUTED_READ:
        assert check(ENTRIES[name]).status == Verdict.UNDECIDED
    for entry in again("unbiased.dcsgd").ENTRIES:
        if isinstance(entry, Refutation):
            assert entry.claim != right[entry.id]
            # without noise, and without the second term, what is claimed holds at the point
            bare = dataclasses.replace(entry, mended={})
            assert entry.id != "6.2-expectation" or (check(bare).status == Verdict.REFUTED) == (factor > 1)
            # and what repairs the claim about the engine's drift does not repair another
            assert factor <= 1 or check(entry).status == Verdict.UNDECIDED

"""Every rule of a certificate in Rocq: it is accepted, and what is false or does not follow is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.rocq.export import translated
from tests.derive.proof.rocq import valid_certificates as v
from tests.derive.proof.rocq.drafts import (
    Certificate,
    Tamper,
    assuming,
    changed,
    check,
    claiming,
    none_of,
    put,
    replaced,
    rocq,
    without,
)
from tests.derive.proof.rocq.laws import functions, laws_of_psi

AXIOMS = ["fatou", "integrability", "localisation", "weak-existence"]
SUM, CLAIM, LAST = ("steps", -1, "data", "sum"), ("statement", "claim"), ("steps", -1)
DECLARED = ("context", "potentials", "V")
FASTER = "start*exp(-2*k*T) + c/k*(1 - exp(-2*k*T))"
MORE, POWER = claiming("LEFT + 1/10 <= RIGHT"), "exp(T*log(1 - k/2))"


def in_time(c: Certificate) -> None:
    del c["context"]["steps"]


def mult_may_vanish(c: Certificate) -> None:
    put(*LAST, "data", "mult", to=[["1", [], [["+", ["*", ["q", "2"], ["x", "G"]], ["q", "-1"]]]]])(c)
    claiming("G < 1/4 + G**2")(c)


#: what is false or does not follow, the certificate, its edit
TAMPERED: list[tuple[str, Callable[[], Certificate], Tamper]] = [
    ("another coefficient of a square", v.young, put(*SUM, 0, 0, to="1/3")),
    ("a coefficient below zero", v.young, put(*SUM, 0, 0, to="-1/2")),
    ("the statement claims more", v.young, put(*CLAIM, to="!x*y <= 1/2*x**2")),
    ("a smaller square", v.young, claiming("LEFT <= 1/2*x**2 + 1/3*y**2")),
    ("strict without reason", v.young, claiming("LEFT < RIGHT")),
    ("an assumption is not stated", v.divided, without(0)),
    ("a weaker assumption is stated", v.divided, put("statement", "assumptions", 0, 0, to="<=")),
    ("the inverse of what may be zero", v.divided, assuming("0 <= a")),
    ("an inverse times two", v.divided, put("steps", 3, "claim", to="!b*(1/b) == 2")),
    ("a multiplier that may vanish", v.below_square, mult_may_vanish),
    ("one case alone", v.split, put(*LAST, "premises", to=[4, 4])),
    ("another split", v.split, put(*LAST, "data", "split", to="!x <= 1")),
    ("another instance", v.instantiated, claiming("x/(1 + x**2) <= 1/3")),
    ("no contradiction", v.contradicted, assuming("x <= 1")),
    ("an escaped hypothesis", v.contradicted, put("statement", "assumptions", to=[])),
    ("a larger decrease", v.drift, claiming("LEFT <= RIGHT - norm(g)**2")),
    ("a drift that is not bounded", v.drift, without(0)),
    ("the noise is forgotten", v.descent, claiming("EI(norm(g)**2) <= start")),
    ("a faster decay", v.decay, claiming(f"LEFT <= {FASTER}")),
    ("a potential that is not bounded", v.decay, without(0)),
    ("sums that are exchanged", v.coordinates, put("steps", 2, "claim", to="!RIGHT <= LEFT")),
    ("concave as convex", v.declared, put("steps", 10, "claim", to="!RIGHT <= LEFT")),
    ("psi is its value at 0", v.descent_, replaced("psi(L1*(eta*B))", "1/2")),
    ("smoothness that does not grow", v.descent_, replaced("L0 + L1*norm(g)", "L0")),
    ("steps of any length", v.descent_, put(*DECLARED, "radius", to=None)),
    ("L1 may be negative", v.descent_, without(0)),
    ("a third for a sixth less", v.unbounded, MORE),
    ("L1 with steps of any length", v.unbounded, put(*DECLARED, "smoothness", 1, to=["q", "1"])),
    ("more than the changes", v.telescope_of_steps, MORE),
    ("W may be unbounded", v.telescope_of_steps, without(0)),
    ("the decay of continuous time", v.decay_of_steps, replaced(POWER, "exp(-(k/2*T))")),
    ("a rate that may be 1", v.decay_of_steps, without(3)),
    ("steps taken for time", v.decay_of_steps, in_time),
    ("a sum that grows less", v.summable_of_steps, replaced("exp(I(2*up))", "1 + I(2*up)")),
    ("a drop that may be negative", v.summable_of_steps, without(4)),
    ("W that may be negative", v.summable_in_time, without(0)),
    ("a sum up to T + 1", v.summed, replaced("T**2", "(T + 1)**2")),
    ("an integral for a sum", v.summed, in_time),
    ("an equality that is none", v.equal_over_time, claiming("LEFT == RIGHT + T")),
]  # fmt: skip


@rocq
@pytest.mark.slow
def test_rocq_accepts_every_rule_and_nothing_false() -> None:
    valid = {c.__name__: c() for c in v.VALID if c is not v.ball_of_psi}
    false = {name: changed(make, tamper) for name, make, tamper in TAMPERED}
    laws = none_of(functions()[::8], "law") | none_of(laws_of_psi()[::5], "law of psi")
    check(valid, {**false, **laws})
    assert not [name for name, c in valid.items() for p in translated(c).premises if p.kind == "assumed"]


@pytest.mark.parametrize("certificate", [c for c in v.VALID if c is not v.cauchy], ids=lambda c: c.__name__)
def test_kernel_accepts(certificate: Callable[[], Certificate]) -> None:
    """So that what Rocq is asked about is of the format. `cauchy` has K w for a vector, which only the replay takes."""
    good = certificate()
    rules = {s["rule"] for s in good["steps"]}
    means = any(s["data"].get("operator") in ("E", "I", "EI") for s in good["steps"])
    moving = rules & {"ito", "gronwall", "telescope", "decay", "summable"}
    in_steps = "steps" in good["context"]
    good["statement"]["axioms"] = AXIOMS if moving and not in_steps else AXIOMS[1:2] if moving or means else []
    rebuild(good)


def kinds(certificate: Certificate) -> dict[str, list[str]]:
    """The premises of an exported file, by their kind."""
    words: dict[str, list[str]] = {}
    for p in translated(certificate).premises:
        words.setdefault(p.kind, []).append(p.words)
    return words


def test_the_descent_lemma_has_no_general_premise_but_of_expectations() -> None:
    """What is known of the function and of its step is declared; the lemma, the sum and psi are proved."""
    exported = translated(v.unbounded())
    assert [p.kind for p in exported.premises] == ["general", "declared", "declared"]
    assert exported.premises[0].words.endswith("(a regular conditional probability)")
    assert exported.proved == 1
    short = "almost surely, given what is known at n"
    assert not any(p.words.endswith(short) for p in exported.premises)
    steps = kinds(v.descent_())
    assert len(steps["general"]) == 3  # E(. | F_n), the tower property, E
    assert any(words.endswith(short) for words in steps["declared"])
    assert set(steps) == {"general", "declared", "integrable"}


def test_sums_over_steps_need_no_integral() -> None:
    steps, time = kinds(v.summable_of_steps()), kinds(v.summable_in_time())
    assert not any("Int" in words for words in [*steps["general"], *steps["integrable"]])
    assert any("Int is linear" in words for words in time["general"])
    assert kinds(v.summed()) == {"declared": ["T is the number of steps, count__"]}


def test_in_continuous_time_the_sum_of_the_changes_is_dominated() -> None:
    """Without |C| the rule is false: a stochastic integral that is 1 at T is one up to each time that localises it only."""
    start = "integrable_wt (fun w t => Rabs"
    assert any(words.startswith(start) for words in kinds(v.telescope_in_time())["integrable"])
    assert not any("Rabs" in words for words in kinds(v.telescope_of_steps())["integrable"])

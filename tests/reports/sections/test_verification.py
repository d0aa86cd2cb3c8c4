"""The section on bounds against numbers: every entry has evidence, verdicts flip with planted numbers, and each part typesets."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Cosh
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.numerics.evidence.paths.curves import CURVATURES, NUMBERS, START, polyak, random_time
from sdescent.numerics.evidence.paths.random_time import instances
from sdescent.numerics.evidence.sweeps import floors
from sdescent.reports.assembly.plan import Plan
from sdescent.reports.assembly.report import build_report
from sdescent.reports.claims.verdict_of_claim import Results
from sdescent.reports.document.notation import prose
from sdescent.reports.document.pdf import Absent
from sdescent.reports.document.tex import Tex, environment
from sdescent.reports.paper.sweeps import figures, settled
from sdescent.reports.paper.sweeps import section as sweeps
from sdescent.reports.paper.verification import section as verification
from sdescent.reports.paper.verification.section import weak_orders
from sdescent.reports.sections.base import Inputs
from sdescent.reports.store.cache import ResultsCache
from tests.reports.document.test_tex import compile_tex

ALL = entries()


def context(folder: Path, quick: bool = True) -> tuple[Inputs, list[str]]:
    announced: list[str] = []
    return Inputs(quick, None, ResultsCache(folder, context={}), announced.append), announced


def one(id: str, verdict: str = "CONFIRMED", **more: Any) -> dict[str, Any]:
    """A result as `sdescent.numerics.evidence.verify` gives it."""
    return {
        "id": id, "subject": "SDE", "route": "points", "verdict": verdict, "tightness": 1.5, "count": 10, "failing": 0,
        "outside": {}, "decision": None, **more,
    }  # fmt: skip


def test_every_entry_is_in_one_group():
    assert sorted(id for ids in verification.grouped().values() for id in ids) == sorted(ALL)
    assert set(verification.scheduled()) == {i.id for i in instances()}


def test_the_verdict_on_an_entry_is_the_worst_of_its_routes():
    def said(*verdicts: str) -> str:
        pieces = verification.theorem_evidence([one("6.2-pathwise", v) for v in verdicts])
        return pieces["verify-6.2-pathwise-sde"]["verdict"]

    assert said("CONFIRMED", "CONFIRMED") == "CONFIRMED"
    assert said("CONFIRMED", "INCONCLUSIVE") == "INCONCLUSIVE"
    assert said("INCONCLUSIVE", "VIOLATED", "CONFIRMED") == "VIOLATED"
    assert verification.worst([]) == "INCONCLUSIVE"
    results = [one("6.7-sign", subject="SDE, not linearised"), one("6.7-sign", "VIOLATED", subject="method")]
    made = verification.theorem_evidence(results)
    assert {k: v["verdict"] for k, v in made.items()} == {
        "verify-6.7-sign-sde-not-linearised": "CONFIRMED", "verify-6.7-sign-method": "VIOLATED",
    }  # fmt: skip


def test_words_hold_the_numbers():
    decision = {"estimate": {"value": 0.5, "lower": 0.4, "upper": 0.6}, "error": 0.01, "bound": 0.7}
    said = verification.theorem_evidence([one("6.2-scheduled", decision=decision, route="Monte Carlo", count=512)])
    says = said["verify-6.2-scheduled-sde"]["says"]
    assert all(n in says for n in ("0.500", "[0.400,0.600]", "0.010", "0.700", "512"))
    failing = verification.theorem_evidence([one("6.5-sign", "VIOLATED", failing=3)])["verify-6.5-sign-sde"]
    assert "7 of 10" in failing["says"] and failing["anchor"] == "tab:verification-6-5"


def test_facts_on_a_law_share_a_line_where_they_agree():
    found = [one(f"8-cauchy-{n}", "VIOLATED" if n == 3 else "CONFIRMED", subject="formula") for n in range(1, 5)]
    rows = verification.rows(found, [f["id"] for f in found])
    assert [(r["name"], r["verdict"], r["count"]) for r in rows] == [
        ("8-cauchy (3 facts)", "CONFIRMED", 30),
        ("8-cauchy", "VIOLATED", 10),
    ]
    outside = {"L0 >= 0": True, "smooth": True, "step": False, "u >= 0": None}
    (row,) = verification.rows([one("6.2-pathwise", outside=outside)], ["6.2-pathwise"])
    assert row["needed"] == r"$0 \le L_0$, smooth"


def test_tightness_leaves_out_equalities():
    found = [one("6.1-pathwise"), one("6.1-pathwise", subject="method", tightness=0.4)]
    found += [one("6.7-corrected", tightness=None), one("6.2-expectation", route="witness")]
    found += [one("6.1-pathwise", tightness=1.2), one("6.8-linear", route="witness")]
    expected = {"6.1-pathwise": {"SDE": 1.2, "method": 0.4}, "6.2-expectation": {"witness": 1.5}}
    assert verification.tightness(found) == expected


def test_the_figure_of_tightness_has_what_is_not_confirmed_and_what_is_loose():
    found = [
        one("6.1-pathwise", tightness=1.01), one("6.1-pathwise", "VIOLATED", subject="method", tightness=0.4),
        one("6.2-pathwise", tightness=1.2), one("6.4-chord", "VIOLATED", route="witness", tightness=0.2),
        one("6.2-scheduled", tightness=1.1), one("6.2-scheduled", subject="method", tightness=1.3),
    ]  # fmt: skip
    result = {"tightness": verification.tightness(found), "evidence": verification.theorem_evidence(found)}
    assert list(weak_orders.drawn(result)) == ["6.4-chord", "6.1-pathwise", "6.2-scheduled"]


def test_theorems_about_the_method_are_read_off_the_results():
    """An entry that is about something else leaves the list, and its group is no longer whole."""
    ids = ("6.1-pathwise", "6.7-affine-method", "6.7-corrected", "6.9-growth", "6.9-induction")
    found = [one(id, subject="method") for id in ids]
    found += [one("6.9-equality", "VIOLATED", subject="formula"), one("6.1-pathwise", "VIOLATED", subject="method")]
    shown = verification.theorem_evidence(found)
    of_the_method = {id: {"about": "method"} for id in ("6.7-affine-method", "6.9-growth", "6.9-induction")}
    entries_ = {**of_the_method, "6.1-pathwise": {"about": "first-order SDE"}}
    assert verification.covering(shown, Results(entries_)) == "6.7-affine-method and those of 6.9"
    other = {**entries_, "6.9-growth": {"about": "ODE"}}
    assert verification.covering(shown, Results(other)) == "6.7-affine-method and 6.9-induction"
    assert verification.covering(shown, Results({})) == ""


def test_what_is_violated_is_a_refuted_claim_or_does_not_carry_over_to_the_method():
    found = [
        one("6.1-pathwise"), one("6.1-pathwise", "VIOLATED", subject="method"), one("6.2-expectation", "VIOLATED"),
        one("6.4-chord", "VIOLATED", subject="formula", route="witness"), one("6.9-growth", subject="method"),
    ]  # fmt: skip
    known = Results({"6.9-growth": {"about": "method"}})

    def left(results):
        return verification.violations(verification.tightness(results), verification.theorem_evidence(results), known)

    assert left(found) == {"proved": [], "refuted": ["6.2-expectation"], "method": 1}
    planted = [*found, one("6.9-growth", "VIOLATED", subject="method"), one("6.2-pathwise", "VIOLATED")]
    assert left(planted) == {"proved": ["6.9-growth", "6.2-pathwise"], "refuted": ["6.2-expectation"], "method": 1}


def test_the_means_of_a_curve_are_below_its_bound_or_one_is_not():
    series = {"SDE": {"mean": [1.0, 0.5]}, "method": {"mean": [1.0, 0.7]}}
    assert verification._apart({"series": series}) == pytest.approx(40.0)
    assert verification._below({"bound": [1.0, 0.8], "series": series})
    assert not verification._below({"bound": [1.0, 0.6], "series": series})


def test_lines_are_the_methods_or_above_or_below():
    own = np.array([1.0, 0.5])
    found = {"method": own, "first-order": own + 1, "second-order": np.array([np.inf, 0.5]), "corrected": own}
    assert figures.lines(found) == (
        "the threshold of the corrected model is the method's; the threshold of the first-order and second-order models is nowhere "
        "below the method's"
    )
    assert "corrected model is in parts below the method's" in figures.lines({**found, "corrected": own * [1, 0.99]})


def test_panels_that_turn_dark_and_blow_ups_are_counted():
    borders = {"method": ["1.99", "2.01"], "first-order": ["2.99", r"\infty"], "corrected": ["0.662", "0.688"]}
    said = figures.growth(borders)
    assert said == (
        "dark is gradient descent from a $q$ between $1.99$ and $2.01$ on, the corrected model from a $q$ between $0.662$ and "
        "$0.688$ on, the first-order model nowhere"
    )
    blown = {"method": [[0, 1.0, 1.0]], "dcsgd": [[0.1, 0.2, 1.0]], "dsignsgd": [[0, 0, 0]], "normalised": [[0, 0, 0]]}
    said = figures.blow_ups({"q": [1.0, 2.0, 3.0], "thresholds": [2.5], "blown": blown})
    assert said == (
        "gradient descent blows up from 1 of 1 starts on or above the line and from 1 of 2 below it; of DCSGD there are blow-ups "
        "in 3 of 3 cells, 2 of them below; there are none of DSignSGD and normalised DCSGD"
    )


@pytest.mark.slow
def test_a_bound_on_a_random_time_over_the_horizon():
    """6.2: bound and mean fall with the horizon; two fifths of the bound are violated."""
    (instance,) = [i for i in instances() if i.id == "6.2-scheduled"]
    right, wrong = (random_time(instance, 1536, scale=scale) for scale in (1.0, 0.4))
    assert {s: d.verdict for s, d in right.decisions.items()} == {"SDE": "CONFIRMED", "method": "CONFIRMED"}
    assert {s: d.verdict for s, d in wrong.decisions.items()} == {"SDE": "VIOLATED", "method": "VIOLATED"}
    assert np.all(np.diff(right.bound) < 0) and right.horizons[-1] == instance.T
    for series in right.series.values():
        assert np.all(series.mean < right.bound) and np.all(np.diff(series.mean) < 0)


@pytest.mark.slow
def test_the_pl_bound_over_time_and_its_exact_means():
    """The simulated means are those of the closed moments: |z| < 4.5 at each of 2 x 16 times; a fifth of the bound is broken."""
    found, exact = polyak(1500)
    for subject, series in found.series.items():
        error = (series.mean_upper - series.mean_lower)[1:] / (2 * 1.96)
        assert np.all(np.abs(series.mean - exact[subject])[1:] < 4.5 * error)
    start = float(np.array(CURVATURES) @ np.square(START) / 2)
    assert found.bound[0] == pytest.approx(start) and np.all(exact["SDE"] <= found.bound * (1 + 1e-12))
    # theory 6.5 at t = T by hand: A = 1 + (omega + d s1 (1 + omega))/N, D0 = d s0 (1 + omega), omega = 1, N = 2, mu = 1, L = 2
    eta, s0, s1 = NUMBERS["eta"], NUMBERS["sigma0"] ** 2, NUMBERS["sigma1"] ** 2
    r = 1 - eta * 2 * (1 + (1 + 4 * s1) / 2) / 2
    decay = np.exp(-2 * r * found.horizons[-1])
    assert found.bound[-1] == pytest.approx(start * decay + eta * 2 * 4 * s0 * (1 - decay) / (8 * r))


@pytest.mark.slow
def test_floors_that_are_a_tenth_too_high_are_violated(monkeypatch):
    """Two numbers of clients, 1000 paths each; a factor leaves the slopes as they are."""
    whole = settled.floors((2, 16), 1000, 5)
    assert np.all(np.diff([own["exact"] for own in whole["floors"].values()]) < 0)
    found = whole["evidence"]
    assert {e["verdict"] for e in found.values()} == {"CONFIRMED"} and not any(e["failing"] for e in found.values())
    for name in ("floor_of", "floor_of_signs"):
        right = getattr(floors, name)
        monkeypatch.setattr(floors, name, lambda *given, right=right: 1.1 * right(*given))
    wrong = settled.floors((2, 16), 1000, 5)["evidence"]
    assert {e["verdict"] for e in wrong.values()} == {"VIOLATED"} and all(e["failing"] == 2 for e in wrong.values())


def slope(order: float | None, doubt: float | None, stated: int = 2, resolution: float = 1e-6) -> dict[str, Any]:
    return {"slope": {"order": order, "doubt": doubt}, "stated": stated, "resolution": resolution}


def test_the_verdict_on_an_order():
    assert weak_orders.verdict(slope(1.98, 0.03)) == "CONFIRMED"
    assert weak_orders.verdict(slope(1.02, 0.03)) == "VIOLATED"
    assert weak_orders.verdict(slope(1.5, 0.6)) == "INCONCLUSIVE"  # an interval that holds all orders says nothing
    assert weak_orders.verdict(slope(None, None)) == "INCONCLUSIVE"
    assert weak_orders.verdict(slope(2.0, 0.03, resolution=float("nan"))) == "INCONCLUSIVE"


@pytest.mark.slow
def test_a_planted_error_loses_the_second_order():
    """Half the covariance in the second-order model; its own comes out 2."""
    own = weak_orders.order("dsgd", "second-order", 3)
    assert weak_orders.verdict(own) == "CONFIRMED" and own["stated"] == 2
    wrong = sde(DSGD(Gaussian(), 2), "second-order", Cosh(), 1)
    found = weak_orders.order("dsgd", "second-order", 3, wrong)
    shown = weak_orders.evidence_of({**found, "case": "half the covariance", "model": "second-order"})
    assert shown["verdict"] == "VIOLATED" and "half the covariance: " in shown["says"]
    assert "stated is $2$" in shown["says"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["verification", "sweeps"])
def test_a_quick_section(name, quick_report, tmp_path):
    """All pieces, figures and the document; every anchor exists, every tick is planned, a second run computes nothing."""
    shutil.copytree(quick_report / "results", tmp_path / "results")
    made = build_report(None, tmp_path, True, name, lambda label, share: None)
    assert made["notes"] == [] or isinstance(compile_tex(tmp_path / "report.tex"), Absent)
    kind: Any = {"verification": verification.Verification, "sweeps": sweeps.Sweeps}[name]
    own = Inputs(True, None, ResultsCache(tmp_path / "results"), (announced := []).append)
    result = kind().compute(own)
    assert own.cache.computed == []
    planned = len(Plan(None, True, name)._steps[name])
    assert planned == len(announced) + 1 + (len(result["schedules"]["blown"]) if name == "sweeps" else 0)
    part = (tmp_path / "parts" / f"{name}.tex").read_text()
    if name == "verification":  # its tables are in the appendix
        there = Inputs(True, None, own.cache, lambda label: None, {"verification": result})
        tables = environment(tex=Tex, prose=prose).get_template("parts/comparisons.tex")
        part += tables.render(**verification.Comparisons().compute(there))
    for key, found in result["evidence"].items():
        assert rf"\label{{{found['anchor']}}}" in part, key
        assert found["verdict"] in ("CONFIRMED", "VIOLATED", "INCONCLUSIVE") and found["says"]
    for label in set(part.split(r"\label{")[1:]):
        name_of = label.split("}")[0]
        # the tables of the groups are named by their first and last; each other figure and table has a sentence of its own
        assert rf"\ref{{{name_of}}}" in part or name_of.startswith("tab:verification-"), name_of
    if name == "sweeps":
        return
    for id, entry in ALL.items():
        own_keys = [k for k in result["evidence"] if k.startswith(f"verify-{id}-") and k.removeprefix(f"verify-{id}-") in (
            "sde", "method", "formula", "sde-not-linearised")]  # fmt: skip
        assert own_keys, id
        for key in own_keys:
            if key.endswith(("-sde", "-formula")):
                expected = "VIOLATED" if isinstance(entry, Refutation) else "CONFIRMED"
                assert result["evidence"][key]["verdict"] == expected, key
    orders = {k: v["verdict"] for k, v in result["evidence"].items() if k.startswith("weak-order")}
    assert len(orders) == 9 and set(orders.values()) == {"CONFIRMED"}


def test_mathematics_in_notes_is_set_as_such_and_words_are_not() -> None:
    shown = verification._in_words("f'' = 1 + |f'|, eta = 1/2, D_0 = 3 with E G: 100% of the betas, theta and E Gx")
    formulas, words = shown.split(": ")
    assert formulas == r"$f''$ = 1 + $|f'|$, $\eta$ = 1/2, $D_0$ = 3 with $\mathbb{E}\,G$"
    assert words == r"100\% of the betas, theta and E Gx"

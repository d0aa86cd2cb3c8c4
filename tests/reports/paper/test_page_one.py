"""Page one: its sentences and the lines of its table follow from results, change with them, and vanish where they do not hold."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import METHOD, SDE, evidence
from sdescent.reports.claims.verdict_of_claim import Judged, Results
from sdescent.reports.paper import page_one
from sdescent.reports.paper.application import GROUPS
from tests.reports.paper.test_ledger import CLAIMS, SETTLED, entry


def told(about: str, values: dict[str, Any], verdict: str = "CONFIRMED", subject: str = METHOD) -> dict[str, Any]:
    """Evidence with numbers, as the sections make it."""
    return evidence(about, subject, verdict, "", "", values=values)


def about(topic: str, verdict: str) -> dict[str, Any]:
    """All settled evidence about a topic, with another verdict."""
    of_topic = {k: e for k, e in SETTLED.evidence.items() if e["about"] == topic}
    return {k: evidence(topic, e["subject"], verdict, "", "") for k, e in of_topic.items()}


REACHED = {"E G^2": 0.76, "bound": 0.19, "error": 0.002, "times": [0, 1], "E G^2 up to": [0, 1]}
NUMBERS = {
    "reach": told("6.2-expectation", REACHED, "VIOLATED", SDE),
    "quartic": told("threshold-quartic", {"steps": {"method": 2.0, "corrected": 0.5}}),
    "weak-c": told("weak-order-corrected", {"error": 0.6, "eta": 0.1}),
    "weak-f": told("weak-order-first-order", {"error": 0.3, "eta": 0.1}),
    "follows-ensemble-dsgd-corrected-late": told("follows-dsgd-late-corrected", {"low": 0.0011, "high": 0.0011}),
    "follows-ensemble-dsgd-first-order-late": told("follows-dsgd-late-first-order", {"low": 0.17, "high": 0.17}, "VIOLATED"),
    "weak-s": told("weak-order-second-order", {"error": 0.01, "eta": 0.1}),
    "best": told("experiment-b-held-digits", {"multipliers": [102.0, 240.0]}, "SEEN"),
    "regression": told("experiment-b-held-breast-cancer", {"multipliers": [4.0]}, "SEEN"),
}  # fmt: skip


def judged(changed: Mapping[str, Any] | None = None, entries: Mapping[str, Any] | None = None) -> Judged:
    results = Results({**SETTLED.entries, **(entries or {})}, {**SETTLED.evidence, **NUMBERS, **(changed or {})})
    return Judged(GROUPS, results)


def said(number: int, **changes: Any) -> str:
    return " ".join(page_one._said(part) for part in page_one.SENTENCES[number](judged(**changes)))


def test_all_five_sentences_with_their_numbers() -> None:
    every = page_one.sentences(judged())
    assert len(every) == 5 and not any(re.search(r"<[a-z-]+>", text) for text in every)
    numbers = ("0.19", "0.76"), ("4.0",), ("2.0", "0.11", "17", "1/4"), (), ("51", "120", "2.0")
    for text, expected in zip(every, numbers, strict=True):
        assert all(f"${n}" in text or f"{n}\\" in text for n in expected), text
    assert "A theorem fails" in every[0]


def test_a_sentence_changes_with_its_numbers() -> None:
    other = {"reach": told("6.2-expectation", {**NUMBERS["reach"]["values"], "E G^2": 0.55}, "VIOLATED", subject=SDE)}
    assert "0.55" in said(0, changed=other) and "0.76" not in said(0, changed=other)
    steps = {"quartic": told("threshold-quartic", {"steps": {"method": 2.0, "corrected": 0.1}})}
    assert "$20$" in said(1, changed=steps)


@pytest.mark.parametrize(
    ("sentence", "key", "verdict", "left"),
    [
        (0, "reach", "CONFIRMED", ""),
        (1, "quartic", "VIOLATED", "not on the quartic"),
        (1, "quartic", "INCONCLUSIVE", "not on the quartic"),
    ],
)
def test_a_sentence_falls_with_the_evidence(sentence: int, key: str, verdict: str, left: str) -> None:
    piece = NUMBERS[key]
    other = evidence(piece["about"], piece["subject"], verdict, "", "", values=piece["values"])
    text = said(sentence, changed={**about(piece["about"], verdict), key: other})
    assert (left not in text) if left else not text


def test_a_better_transient_is_not_called_worse_and_a_worse_rest_not_better() -> None:
    worse = told("weak-order-corrected", {"error": 0.2, "eta": 0.1})
    assert not said(2, changed={"weak-c": worse})
    late = told("follows-dsgd-late-corrected", {"low": 0.16, "high": 0.18})
    assert "settled" not in said(2, changed={"follows-ensemble-dsgd-corrected-late": late})


def test_what_is_not_proved_is_not_said_to_be() -> None:
    fallen = {"6.9-growth": entry("6.9-growth", "UNDECIDED")}
    assert not said(3, entries=fallen)
    fallen = {"6.4-global-scheduled-method": entry("6.4-global-scheduled-method", "UNDECIDED")}
    assert said(3) != said(3, entries=fallen) and "optimiser" not in said(3, entries=fallen).partition("SGD and")[0]
    count = re.compile(r"We prove (\d+) theorems")
    whole = int(count.search(said(4))[1])  # type: ignore[index]
    assert (
        whole
        == 26
        == sum(1 for e in SETTLED.entries.values() if e["about"] == "method" and not e["id"].startswith("6.7"))
    )
    fallen = {"6.5-convex-method": entry("6.5-convex-method", "UNDECIDED")}
    assert int(count.search(said(4, entries=fallen))[1]) < whole  # type: ignore[index]
    assert "convex" in said(4) and "convex" not in said(4, entries=fallen)
    small = told("experiment-b-held-digits", {"multipliers": [1.5, 120.0]}, "SEEN")
    assert "steps are small" in said(4) and "small" not in said(4, changed={"best": small})


def test_the_table_is_bound_to_claims() -> None:
    assert 0 < len(page_one.ROWS) <= 8
    for row in page_one.ROWS:
        assert set(row.rests_on) | set(row.against) <= set(CLAIMS) and set(row.why) <= {str(v) for v in Verdict}
        assert not row.parts or len(row.parts) == len(row.rests_on)
    assert all(set(kind) == {"words", "claims"} for kind in page_one._FILE["theorem"])
    assert {id for claims in page_one.KINDS.values() for id in claims} <= set(CLAIMS)
    used = set(re.findall(r'(?<!\w)\("([a-z-]+)", [{pn]', page_one.__loader__.get_source(page_one.__name__)))  # type: ignore[union-attr]
    assert set(page_one.WORDS) == used


def test_the_table_follows_from_results_and_contradictions_come_first() -> None:
    lines = page_one.table(judged())
    assert lines[0]["verdict"] == Verdict.REFUTED_NUMERICALLY and "Theorem 4.2" in lines[0]["words"]
    assert [page_one.ORDER.index(Verdict(line["verdict"])) for line in lines] == sorted(
        page_one.ORDER.index(Verdict(line["verdict"])) for line in lines
    )
    signs = next(line for line in lines if "adaptive-converges" in line["claims"])
    assert signs["verdict"] == Verdict.PROVED
    fallen = page_one.table(judged(entries={"6.6-limit": entry("6.6-limit", "UNDECIDED")}))
    other = next(line for line in fallen if "adaptive-converges" in line["claims"])
    assert other["verdict"] == Verdict.OPEN and other["why"] == "Of 4 statements behind it: 1 open, 3 proved."


def test_a_claim_that_contradicts_lowers_a_verdict() -> None:
    def proposal(every: Judged) -> str:
        return next(line["verdict"] for line in page_one.table(every) if "curvature-coefficient" in line["claims"])

    assert proposal(judged()) == Verdict.PROVED_IN_PART
    open_again = {
        k: told("threshold-quartic", {"steps": {"method": 2.0, "corrected": 0.5}}, "INCONCLUSIVE")
        for k, e in {**SETTLED.evidence, **NUMBERS}.items() if e["about"] == "threshold-quartic"
    }  # fmt: skip
    assert proposal(judged(open_again)) == Verdict.PROVED


def test_the_parts_of_a_figure_are_named_by_verdict() -> None:
    unsure = about("experiment-a-digits", "UNDECIDED")
    figure = next(line for line in page_one.table(judged(unsure)) if "omega-diverges" in line["claims"])
    assert (
        figure["why"].startswith("Undecided in runs: (a). Seen in runs: (b), (c) on networks, (c) elsewhere")
        and figure["verdict"] == Verdict.UNDECIDED
    )


def test_the_figures_show_what_the_sentences_say() -> None:
    pieces = {
        "threshold-corrected": told(
            "threshold-corrected", {"steps": {"method": 1.7, "second-order": None}, "N": 2, "sigma1": 0.5, "omega": 0.0}
        )
    }
    data = page_one.drawn(judged(pieces))
    assert data["refutation"]["average"] == 0.76 and data["thresholds"]["quadratic"] == {
        "method": 1.7,
        "second-order": None,
    }
    assert page_one.drawn(judged({"reach": evidence("6.2-expectation", SDE, "VIOLATED", "", "")}))["refutation"] is None

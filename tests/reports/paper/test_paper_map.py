"""The map of the paper: its claims and sections exist, its verdicts are computed, and what is not reproduced has a reason."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.claims.verdict_of_claim import LOOKS, Judged, Results
from sdescent.reports.document.notation import macro
from sdescent.reports.document.tex import Tex, environment
from sdescent.reports.paper import paper_map
from sdescent.reports.paper.application import GROUPS, SECTIONS
from sdescent.reports.paper.paper_map import DIFFERENCES, ROWS, Row, answered, read_map
from sdescent.reports.sections.base import Inputs
from sdescent.reports.store.cache import ResultsCache

IDS = [c.id for g in GROUPS for c in g.claims]
FIGURE_A = next(row for row in ROWS if row.place == "Figure 1 (a)")
SEEN, FAILS = LOOKS[Verdict.SEEN].words, LOOKS[Verdict.SEEN_TO_FAIL].words


def results(verdict: Verdict) -> Judged:
    """The verdicts from one study of claim (a) on a network."""
    key = "experiment-a-network-digits-cnn-study-1"
    piece = evidence("experiment-a-network-digits-cnn", METHOD, verdict, "x", "tab:network-verdicts")
    return Judged(GROUPS, Results({}, {key: piece}))


def test_every_claim_and_section_exists_and_what_is_not_reproduced_has_a_reason_alone() -> None:
    for row in ROWS:
        assert all(any(fnmatchcase(i, pattern) for i in IDS) for pattern in row.claims), row
        assert set(row.here) <= set(SECTIONS) and row.version in ("v1", "v2")
        assert bool(row.why) != bool(row.claims)
        assert not row.why or answered(row, results(Verdict.SEEN)) == {}
    assert {row.version for row in ROWS} == {"v1", "v2"} and len({d.topic for d in DIFFERENCES}) == len(DIFFERENCES)
    assert "verdict" not in {key for row in ROWS for key in vars(row)}  # it is never typed
    front = {c.id for g in GROUPS if g.front and not g.grid for c in g.claims if "ours" not in c.source}
    assert {i for i in front if any(fnmatchcase(i, p) for row in ROWS for p in row.claims)} == front


def test_another_result_makes_another_row() -> None:
    assert answered(FIGURE_A, results(Verdict.SEEN)) == {SEEN: ["omega-diverges"]}
    assert answered(FIGURE_A, results(Verdict.SEEN_TO_FAIL)) == {FAILS: ["omega-diverges"]}
    said = {}
    for verdict in (Verdict.SEEN, Verdict.SEEN_TO_FAIL):
        context = Inputs(True, None, ResultsCache("unused", {}), lambda label: None, judged=results(verdict))
        env = environment(tex=Tex)
        env.globals |= {"macro": lambda name: Tex(macro(name)), "whole": False}
        text = env.get_template("parts/map.tex").render(**paper_map.PaperMap().compute(context))
        said[verdict] = next(line for line in text.splitlines() if "Figure 1 (a)" in line)
    assert f"{SEEN} (omega-diverges)" in said[Verdict.SEEN]
    assert f"{FAILS} (omega-diverges)" in said[Verdict.SEEN_TO_FAIL]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"claims": ("a",)},
        {"claims": ("a",), "here": ("b",), "scale": "c", "why": "d"},
        {"why": "d", "here": ("b",), "scale": "c"},
    ],
)
def test_a_row_without_claims_or_reason_or_with_both_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="v1, here"):
        Row("v1", "here", "what", **keys)  # pyright: ignore[reportArgumentType]


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("[[row]]\nversion = 'v1'\nplace = 'p'\nwhat = 'w'\nverdict = 'proved'\n")
    with pytest.raises(TypeError, match="verdict"):
        read_map(tmp_path / "map.toml")

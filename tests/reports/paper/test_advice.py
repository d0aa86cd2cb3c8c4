"""Advice for practitioners: a line stands while all that it rests on holds; otherwise it is listed with the reason."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import NOISE_MODEL
from sdescent.reports.claims.verdict_of_claim import Judged, Results
from sdescent.reports.paper import advice
from tests.reports.paper.test_ledger import CLAIMS
from tests.reports.paper.test_page_one import judged, told

ASYMMETRIC = {"noise": told(f"follows-dsignsgd-late-{NOISE_MODEL}", {"low": 0.639, "high": 0.7}, "VIOLATED")}
LINES = [line for lines in advice.LINES.values() for line in lines]


def of(claims: Mapping[str, Any], results: Results) -> Judged:
    """These verdicts, whatever the results say, with these results."""
    one = Judged((), results)
    vars(one)["claims"] = claims
    return one


def verdicts(changed: dict[str, Verdict]) -> Judged:
    """Judged claims that come out as each line of advice needs them, but for those changed."""
    every = judged(ASYMMETRIC)
    wanted = {id: Verdict.PROVED for line in LINES for id in line.rests_on}
    wanted |= {id: Verdict.REFUTED for line in LINES for id in line.fails} | changed
    claims = {id: {**row, "status": wanted.get(id, row["status"])} for id, row in every.claims.items()}
    return of(claims, every.results)


def said(all_claims: Judged) -> list[str]:
    return [line["says"] for group in advice.advice(all_claims)["groups"] for line in group["lines"]]


def test_all_lines_stand_with_their_numbers_and_claims() -> None:
    assert {id for line in LINES for id in (*line.rests_on, *line.fails)} <= set(CLAIMS)
    every = said(verdicts({}))
    assert len(every) == len(LINES) and not any(re.search(r"<[a-z-]+>", text) for text in every)
    assert any("$63$" in text for text in every) and any("$51$ to $120$" in text for text in every)
    assert any("$30$ times as much" in text and "$60$ times" in text for text in every)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_line_falls_with_anything_it_rests_on(line: advice.Line) -> None:
    falls = {id: Verdict.UNDECIDED for id in line.rests_on} | {id: Verdict.PROVED for id in line.fails}
    for id, verdict in falls.items():
        result = advice.advice(verdicts({id: verdict}))
        (reason,) = [one["why"] for one in result["left_out"] if one["name"] == line.name]
        assert id in reason and line.says not in [one["says"] for g in result["groups"] for one in g["lines"]]


def test_a_number_that_shows_the_contrary_takes_its_line_away() -> None:
    close = of(
        verdicts({}).claims,
        judged({"noise": told(f"follows-dsignsgd-late-{NOISE_MODEL}", {"low": 0.05, "high": 0.2})}).results,
    )
    assert len(said(close)) == len(LINES) - 1 and not any("mini-batches" in text for text in said(close))

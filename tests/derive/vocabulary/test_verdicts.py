"""One vocabulary of verdicts: the table of the pages is the enumeration, and no other word or list of words stands for one."""

import ast
import json
import pickle
import re
from pathlib import Path

from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")


def section(title: str, page: str = PAGE) -> str:
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def differing(page: str) -> list[str]:
    """Where the table of a page is not the enumeration with its exit statuses: words of either that the other lacks."""
    table = {word: status for word, _, _, status in rows(section("Verdicts", page))}
    code = {str(word): str(EXIT_STATUS.get(word, "")) for word in Verdict}
    return sorted(word for word in {*table, *code} if table.get(word) != code.get(word))


def test_the_table_of_verdicts_is_the_enumeration() -> None:
    assert differing(PAGE) == []
    assert len(rows(section("Verdicts"))) == len(Verdict)  # each once
    assert all(of and meaning for _, of, meaning, _ in rows(section("Verdicts")))


def test_a_wrong_table_is_noticed() -> None:
    assert differing(PAGE.replace("| DIFFERS | `audit`", "| DISAGREES | `audit`")) == ["DIFFERS", "DISAGREES"]
    assert differing(re.sub(r"(?m)^(\| UNDECIDED \| `check.*\|) 3 \|$", r"\1 1 |", PAGE)) == ["UNDECIDED"]
    assert differing(PAGE.replace("| OPEN | ledger |", "")) == ["OPEN"]


def test_every_exit_status_is_explained() -> None:
    explained = {int(row[0]) for row in rows(section("Exit statuses"))}
    assert set(EXIT_STATUS.values()) <= explained


def test_the_statuses_of_the_ledger_are_those_of_its_table() -> None:
    from sdescent.reports.claims.verdict_of_claim import STATUSES

    assert [row[0] for row in rows(section("The ledger of the paper"))] == list(STATUSES)


def test_a_verdict_is_its_word() -> None:
    word = Verdict.PROVED_IN_PART
    assert json.loads(json.dumps({word: word})) == {str(word): str(word)} and repr(word) == repr(str(word))
    assert pickle.loads(pickle.dumps(word)) is word and Verdict(str(word)) is word


WORDS = frozenset(map(str, Verdict))


def bare(source: str) -> list[tuple[int, str]]:
    """(line, word) of every verdict that is written as a text of its own."""
    if not any(word in source for word in WORDS):
        return []
    texts = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [(node.lineno, str(node.value)) for node in texts if node.value in WORDS]


def test_no_file_writes_a_verdict_as_a_text() -> None:
    files = [f for package in ("derive", "numerics", "reports", "sdescent") for f in (ROOT / package).rglob("*.py")]
    written = {f.relative_to(ROOT).as_posix(): bare(f.read_text(encoding="utf-8")) for f in files}
    assert {path for path, words in written.items() if words} == {"derive/vocabulary/verdicts.py"}
    assert bare('status = "PROVED"') == [(1, "PROVED")]

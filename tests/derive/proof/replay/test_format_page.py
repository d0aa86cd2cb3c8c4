"""FORMAT.md says what both checkers accept: its example is valid, and its tables and rules are those of the code."""

import json
import re
from pathlib import Path

import pytest

from sdescent.derive.proof.kernel.functions import LAWS, PROPERTIES
from sdescent.derive.proof.kernel.linear_algebra import TABLE
from sdescent.derive.proof.kernel.rebuild import _RULES, rebuild
from sdescent.derive.proof.kernel.rules import AXIOMS, Kernel
from sdescent.derive.proof.language.context import PROPERTIES as DECLARED
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import num, under, x
from sdescent.derive.proof.replay import logic_and_algebra
from sdescent.derive.proof.replay.check import RULES, describe, replay
from sdescent.derive.proof.replay.one_variable import TREES
from tests.support.certificates.edits import refused
from tests.support.certificates.rules import certificate, step, t

PAGE = (Path(__file__).parents[4] / "derive/proof/FORMAT.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def rows(*columns: str) -> list[list[str]]:
    """The rows of the one table with these columns, in plain text."""
    lines = PAGE.splitlines()
    (start,) = [n for n, line in enumerate(lines) if line == f"| {' | '.join(columns)} |"]
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split(" | ")])
    return found


def test_the_example_is_valid() -> None:
    lines = describe(replay(EXAMPLE))
    assert "axioms: none" in lines and "3 steps re-checked, 0 trusted (axioms: none)" in lines
    fact = rebuild(json.loads(EXAMPLE))
    assert fact.rule == "certify" and len(fact.hypotheses) == 2
    value = json.loads(EXAMPLE)
    value["steps"][-1]["data"]["sum"][0][0] = "1/3"
    assert "identity does not hold" in str(refused(value))


def test_every_rule_has_its_place() -> None:
    headings = set(re.findall(r"^#### (\w+)$", PAGE, re.MULTILINE))
    linear = {row.rule for row in TABLE}
    assert headings | linear == set(RULES) == set(_RULES) and not headings & linear
    assert set(re.findall(r'^- `\["(\w+)"', PAGE, re.MULTILINE)) == set(TREES)
    assert all(f"`{name}`" in PAGE for name in AXIOMS)


def test_the_table_of_laws_is_that_of_the_kernel() -> None:
    table = rows("law", "args", "needs", "claim")
    assert [row[0] for row in table] == list(LAWS)
    s, t = x("s"), x("t")
    for name, args, needs, claim in table:
        law = LAWS[name]
        given = [t] if law.count == 1 else [s, t]
        assert args == ", ".join(a[1] for a in given)
        said = [f"{_words(r.left)} {r.op} {_words(r.right)}" for r in law.needs(*given)]
        assert needs.split(", ") == (said or ["none"])
        assert f" {law.claim(*given).op} " in claim
        assert law.strict == name.startswith("monotone:")


def _words(t) -> str:
    return t[1]


def test_the_tables_of_declared_properties_are_those_of_the_code() -> None:
    assert {row[0] for row in rows("property", "value", "what it says of F: R -> R")} == DECLARED
    table = rows("property", "declared", "args", "needs", "claim")
    assert {row[0]: row[1] for row in table} == {name: p.declared for name, p in PROPERTIES.items()}
    for name, _, args, needs, _ in table:
        row = PROPERTIES[name]
        given = [x(a) for a in args.split(", ")]
        assert len(given) == row.count
        assert needs.split(", ") == (
            [f"{_words(r.left)} {r.op} {_words(r.right)}" for r in row.needs(*given)] or ["none"]
        )


def test_the_table_of_linear_algebra_is_that_of_both_checkers() -> None:
    table = rows("rule", "data", "objects", "relation", "because")
    assert [row[0] for row in table] == [row.rule for row in TABLE]
    for (rule, data, objects, _, _), row in zip(table, TABLE, strict=True):
        flags = [kind for kind in row.objects.values() if kind in ("symmetric", "psd")]
        assert re.findall(r"symmetric|psd", objects) == flags
        if rule == "nonnegative":
            tag = re.findall(r'\["(\w+)"', data)[0]
            assert logic_and_algebra.NONNEGATIVE[tag] == len(flags)
        else:
            keys = [*row.objects, *(["sign"] if row.signed else [])]
            bound = logic_and_algebra.BOUNDS[rule]
            assert re.findall(r'"(\w+)":', data) == keys == [*bound.objects, *(["sign"] if bound.signed else [])]
            assert [k for k in bound.objects.values() if k != "v"] == flags
    assert {row.rule for row in TABLE} == {"nonnegative", *logic_and_algebra.BOUNDS}


def test_the_replay_takes_vectors_as_in_terms() -> None:
    """One of the differences that the page lists."""
    for rule, data, claim in (
        ("cauchy_schwarz", {"u": "u", "v": t("Mv(H, u)")}, "dot(u, Mv(H, u)) <= norm(u)*norm(Mv(H, u))"),
        (
            "quad_bound",
            {"matrix": "H", "vector": t("Mv(H, u)"), "sign": 1},
            "quad(H, Mv(H, u)) <= opnorm(H)*norm(Mv(H, u))**2",
        ),
    ):
        value = certificate(step(rule, [], data, claim))
        assert replay(json.dumps(value)).rechecked == 1
        with pytest.raises(ValueError):
            rebuild(value)


def test_the_kernel_reads_letters_as_they_are_written() -> None:
    """Another: under E the kernel seals g - g <= 0, though its normal form is 0 <= 0."""
    kernel = Kernel(Context({"g": "random"}))
    fact = kernel.monotone("E", kernel.assume((x("g") - x("g")).le(0)))
    assert fact.sealed == set(fact.hypotheses) and under("E", num(0)) == fact.claim.right

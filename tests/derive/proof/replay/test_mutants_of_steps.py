"""Random edits of certificates about steps, in both checkers, judged along random paths; and checkers that lack a condition.

2,000 of them with the slow tests; by hand more, with other seeds. What is accepted states the same as before, or what holds in all
drawn models; the planted faults show that the same edits and models find a checker that accepts more.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sdescent.derive.proof.replay import check, potentials
from tests.support.certificates.mutants import FalseStatement, tally
from tests.support.certificates.sources import by_hand, in_steps, own
from tests.support.samples import slow_if

MANY, CORES = 2_000, min(2, os.cpu_count() or 1)
RULES = ("descent", "telescope", "decay", "summable", "summation")


def test_some_mutants() -> None:
    found = tally(by_hand(), 400, 0)
    assert found["accepted"] >= 4 and found["invalid"] > 80, found


@pytest.mark.slow
def test_many_mutants() -> None:
    """A tenth of those that the replay refuses goes through the kernel too, and all that it accepts."""
    sources = by_hand() | in_steps() | own()
    parts = [(sources, MANY // (10 * CORES), seed) for seed in range(10 * CORES)]
    found = Counter[str]()
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        for one in pool.map(tally, *zip(*parts, strict=True)):
            found += one
    print(dict(found))
    assert found["accepted"] + found["invalid"] + found["unreadable"] == MANY
    assert found["true"] > 10 and found["unmet"] < found["true"] / 4, found


# name, what stands in derive/proof/replay/potentials.py, what is put there, the certificate whose mutants find it
FAULTS = [
    ("no reach", "        rules.need(bound, terms.sub(c, ", "        (lambda *_: None)(bound, terms.sub(c, ",
        "descent with a radius"),
    ("no sign of L1", "        rules.need(sign, growth)\n", "", "a step"),
    ("no k < 1", "        rules.need(fact, rest, strict=True)\n", "        pass\n", "decay"),
    ("no 0 < k", "    rules.need(positive, k, strict=True)\n", "", "decay with weights"),
    ("no fall", "    rules.need(falls, terms.sub(terms.sub(b, terms.mul(k, w.value)), w.change))\n", "", "decay with weights"),
    ("a rate that is not constant", "check(not terms.deps(k) and not terms.deps(b), ", "check(True, ", "decay with weights"),
    ("no sign of what is lost", "        rules.need(fact, slack)\n", "        slack is y or rules.need(fact, slack)\n", "summable"),
    ("no bound on the change", "        rules.need(fact, slack)\n", "        slack is needs[1] or rules.need(fact, slack)\n",
        "summable"),
    ("a weight that is not constant", "check(is_constant(terms, weight), ", "check(True, ", "decay with weights"),
    ("a primitive of any time", "check(known, ", "check(True, ", "a sum with a constant"),
]  # fmt: skip


@pytest.fixture
def planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The rules about steps of the replay, with an edit of their source. The name of a certificate."""
    _, old, new, name = request.param
    text = Path(str(potentials.__file__)).read_text(encoding="utf-8")
    assert text.count(old) == 1
    module = ModuleType("broken")
    exec(compile(text.replace(old, new), "broken", "exec"), module.__dict__)
    for rule in RULES:
        monkeypatch.setitem(check.RULES, rule, getattr(module, rule))
    yield name


@pytest.mark.parametrize(
    "planted", [pytest.param(f, marks=slow_if(f[0].startswith("a weight")), id=f[0]) for f in FAULTS], indirect=True
)
def test_a_rule_without_a_condition_is_found(planted: str) -> None:
    """By a statement that fails in a model, and by the kernel, which refuses it."""
    source: dict[str, dict[str, Any]] = {planted: by_hand()[planted]}
    with pytest.raises(FalseStatement):
        tally(source, 20_000, 0, share=0)

"""Advice for practitioners: each line with the claims on which it rests, and printed only where they hold."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from sdescent.derive.equations.sde import MODELS
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import NOISE_MODEL
from sdescent.reports.claims.following import FOLLOW
from sdescent.reports.claims.verdict_of_claim import LOOKS, Judged, plain
from sdescent.reports.paper.page_one import HOLDS, SENTENCES, between, error_ratios, filled
from sdescent.reports.sections.base import Inputs, Section


@final
@dataclass(frozen=True)
class Line:
    """A line of advice, as LaTeX with <names> of numbers, called `name` in the list of what is not advised.

    The claims `rests_on` of claims.toml must hold, at least in part, and those of `fails` must fail; `part`, the key of a part of
    a sentence of page one or of `parts`, must be supported and has the numbers.
    """

    name: str
    says: str
    rests_on: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    part: str = ""

    def __post_init__(self) -> None:
        if not self.rests_on + self.fails and not self.part:
            raise ValueError(f"{self.name}: nothing to rest on; name claims or a part")


#: the verdicts of claims that do not hold
FAILS = (Verdict.CONTRADICTED, Verdict.REFUTED, Verdict.REFUTED_NUMERICALLY, Verdict.SEEN_TO_FAIL)
_GROUPS = plain(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))["group"]
#: title -> its lines
LINES: Mapping[str, tuple[Line, ...]] = {g["title"]: tuple(Line(**line) for line in g["line"]) for g in _GROUPS}


def parts(all_claims: Judged) -> dict[str, Mapping[str, str]]:
    """The supported parts of sentences by key, each with its numbers."""
    by_key = {key: numbers for sentence in SENTENCES for key, numbers in sentence(all_claims)}
    gaps = [v["low"] for v in all_claims.numbers(f"follows-dsignsgd-*-{NOISE_MODEL}")]
    if gaps and FOLLOW < min(gaps) < math.inf:
        by_key["noise model"] = {"least": f"{math.floor(100 * min(gaps))}"}
    ratios = {m: error_ratios(all_claims, m, "second-order") for m in MODELS if m != "second-order"}
    if all(values and min(values) > 1 for values in ratios.values()):
        by_key["on the way"] = {m: between(values, 2) for m, values in ratios.items()}
    return by_key


def advice(all_claims: Judged) -> dict[str, Any]:
    """The lines that the results support, by group, and the names of all others with the reasons."""
    numbers, groups, left_out = parts(all_claims), [], []
    for title, lines in LINES.items():
        supported = []
        for line in lines:
            short = [id for id in line.rests_on if all_claims.verdict(id) not in (*HOLDS, Verdict.PROVED_IN_PART)]
            short += [id for id in line.fails if all_claims.verdict(id) not in FAILS]
            words = [f"{id} is {LOOKS[all_claims.verdict(id)].words}" for id in short]
            if line.part and line.part not in numbers:
                words.append("the numbers do not show it")
            if words:
                left_out.append({"name": line.name, "why": "; ".join(words)})
            else:
                evidence = [
                    {"claim": id, "verdict": LOOKS[all_claims.verdict(id)].words}
                    | {key: all_claims.claims[id][key] for key in ("scope", "missing")}
                    for id in (*line.rests_on, *line.fails)
                ]
                supported.append({"says": filled(line.says, numbers.get(line.part, {})), "evidence": evidence})
        groups.append({"title": title, "lines": supported})
    return {"groups": groups, "left_out": left_out}


@final
class Advice(Section):
    """Which step to take, when signs pay, and which model to trust, each line with its evidence."""

    name, title = "advice", "Advice for practitioners"

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {**advice(context.judged), "whole": context.whole}

"""Certificates written by hand: makers of terms and relations, and a draft to which steps are added; what Rocq says of one."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import Exported, translated
from sdescent.derive.proof.rocq.judge import STANDARD, Judged, judge
from sdescent.derive.proof.rocq.notation import ExportError

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
Term = list[Any]
Relation = list[Any]
Certificate = dict[str, Any]


def q(value: object) -> Term:
    return ["q", str(value)]


def x(name: str) -> Term:
    return ["x", name]


def add(*terms: Term) -> Term:
    return ["+", *terms]


def mul(*terms: Term) -> Term:
    return ["*", *terms]


def neg(t: Term) -> Term:
    return mul(q(-1), t)


def sub(s: Term, t: Term) -> Term:
    return add(s, neg(t))


def sq(t: Term) -> Term:
    return ["^", t, 2]


def le(s: Term, t: Term) -> Relation:
    return ["<=", s, t]


def lt(s: Term, t: Term) -> Relation:
    return ["<", s, t]


def eq(s: Term, t: Term) -> Relation:
    return ["==", s, t]


def f(name: str, t: Term) -> Term:
    return ["f", name, t]


ZERO, ONE = q(0), q(1)
UNIT = [["1", [], []]]


class Draft:
    """A certificate by hand: each method appends a step and gives its number."""

    def __init__(self, symbols: dict[str, str], **context: Any) -> None:
        self.context = {
            "symbols": symbols,
            "vectors": [],
            "matrices": {},
            "functions": {},
            "horizon": None,
            "dimension": None,
            "clients": None,
            "potentials": {},
            **context,
        }
        self.steps: list[dict[str, Any]] = []

    def step(self, rule: str, premises: list[int], data: dict[str, Any], claim: Relation) -> int:
        self.steps.append({"rule": rule, "premises": premises, "data": data, "claim": claim})
        return len(self.steps) - 1

    def assume(self, claim: Relation) -> int:
        return self.step("assume", [], {}, claim)

    def certify(self, premises: list[int], claim: Relation, total: Any = (), equalities: Any = (), mult: Any = UNIT) -> int:
        return self.step("certify", premises, {"mult": mult, "sum": list(total), "equalities": list(equalities)}, claim)

    def law(self, law: str, args: list[Term], claim: Relation, premises: tuple[int, ...] = ()) -> int:
        return self.step("function", list(premises), {"law": law, "args": args}, claim)

    def done(self, *assumptions: Relation, definitions: tuple[Relation, ...] = (), title: str = "a theorem") -> dict[str, Any]:
        statement = {
            "assumptions": list(assumptions),
            "axioms": [],
            "claim": self.steps[-1]["claim"],
            "definitions": list(definitions),
        }
        certificate = {"format": "sdescent-certificate-1", "title": title, "context": self.context}
        return copy.deepcopy({**certificate, "statement": statement, "steps": self.steps})


def judged(certificate: dict[str, Any]) -> tuple[Exported, Judged]:
    exported = translated(certificate)
    return exported, judge(exported.text, timeout=60)


def accepted(certificate: dict[str, Any]) -> Exported:
    exported, verdict = judged(certificate)
    assert verdict.accepted, verdict.output
    assert set(verdict.assumptions) <= STANDARD
    return exported


def rejected(certificate: dict[str, Any]) -> None:
    try:
        _, verdict = judged(certificate)
    except ExportError:
        return
    assert not verdict.accepted
    assert "Error" in verdict.output

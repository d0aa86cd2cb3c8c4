"""Certificates written by hand: makers of terms and relations, and a draft to which steps are added; what Rocq says of many."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest

from sdescent.derive.proof.rocq import export
from sdescent.derive.proof.rocq.judge import STANDARD
from sdescent.derive.proof.rocq.library.whole import library
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

    def certify(
        self, premises: list[int], claim: Relation, total: Any = (), equalities: Any = (), mult: Any = UNIT
    ) -> int:
        return self.step("certify", premises, {"mult": mult, "sum": list(total), "equalities": list(equalities)}, claim)

    def law(self, law: str, args: list[Term], claim: Relation, premises: tuple[int, ...] = ()) -> int:
        return self.step("function", list(premises), {"law": law, "args": args}, claim)

    def done(
        self, *assumptions: Relation, definitions: tuple[Relation, ...] = (), title: str = "a theorem"
    ) -> dict[str, Any]:
        statement = {
            "assumptions": list(assumptions),
            "axioms": [],
            "claim": self.steps[-1]["claim"],
            "definitions": list(definitions),
        }
        certificate = {"format": "sdescent-certificate-1", "title": title, "context": self.context}
        return copy.deepcopy({**certificate, "statement": statement, "steps": self.steps})


def both(certificate: Certificate, claim: Relation) -> None:
    """Another claim, in the last step and in the statement."""
    certificate["steps"][-1]["claim"] = certificate["statement"]["claim"] = claim


Tamper = Callable[[Certificate], None]


def changed(make: Callable[[], Certificate], tamper: Tamper) -> Certificate:
    certificate = make()
    tamper(certificate)
    assert certificate != make()
    return certificate


def last_claim(change: Callable[[Relation], Relation]) -> Tamper:
    """Another claim, made from the one there is, in the last step and in the statement."""
    return lambda c: both(c, change(c["statement"]["claim"]))


def put(*path: Any, to: Any) -> Tamper:
    """Something else in one place, or in several where `to` is a function of what stands there."""

    def tamper(c: Certificate) -> None:
        place: Any = c
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return tamper


def without(number: int) -> Tamper:
    """One of the assumptions is not stated."""

    def tamper(c: Certificate) -> None:
        del c["statement"]["assumptions"][number]

    return tamper


def assuming(relation: Relation) -> Tamper:
    """Another first step, and first assumption."""

    def tamper(c: Certificate) -> None:
        c["steps"][0]["claim"] = c["statement"]["assumptions"][0] = relation

    return tamper


def without_library(certificate: Certificate) -> str:
    """The file of a certificate without the lemmas that it begins with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "library", lambda text: "")
        return export.translated(certificate).text


def answers(texts: Mapping[str, str]) -> dict[str, str]:
    """What Rocq says of each text, all in one process: loading it and the lemmas takes longer than most proofs do.

    Each text is a module, which is forgotten after it. Rocq goes on after an error, so that each has its own.
    """
    lines = ["Set Silent.", library("\n".join(texts.values()))]
    lines += [
        f'Goal True. idtac "== {n}". Abort.\nModule C.\n{t}\nEnd C.\nAbort All.\nReset C.' for n, t in texts.items()
    ]
    with tempfile.TemporaryDirectory() as folder:  # nra leaves a file
        ran = subprocess.run(
            ["coqtop", "-q"], cwd=folder, input="\n".join(lines), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3600, check=True,
        )  # fmt: skip
    begin, *rest = re.split(r"^.*== (.*)$", ran.stdout, flags=re.MULTILINE)
    assert "Error" not in begin, begin[-2000:]
    said = dict(zip(rest[::2], rest[1::2], strict=True))
    assert said.keys() == texts.keys()
    return said


def axioms_in(said: str) -> set[str]:
    """Those that `Print Assumptions` names."""
    return set(re.findall(r"^([A-Za-z_][\w.']*)\s*:", said.partition("Axioms:")[2], re.MULTILINE))


def check(
    valid: Mapping[str, Certificate], false: Mapping[str, Certificate], axioms: Collection[str] = STANDARD
) -> dict[str, set[str]]:
    """Rocq accepts each of the first and none of the others; the axioms that each of the first rests on."""
    texts = {name: without_library(certificate) for name, certificate in valid.items()}
    for name, certificate in false.items():
        assert name not in texts
        try:
            texts[name] = without_library(certificate)
        except ExportError:
            continue
    said, used = answers(texts), dict[str, set[str]]()
    assert not false or said.keys() - valid.keys(), "nothing false reaches Rocq"
    for name in valid:
        assert "Error" not in said[name], f"{name}: {said[name][-2000:]}"
        assert "Axioms:" in said[name] or "Closed under the global context" in said[name], name
        used[name] = axioms_in(said[name])
        assert used[name] <= set(axioms), name
    assert [name for name in said if name not in valid and "Error" not in said[name]] == []
    return used

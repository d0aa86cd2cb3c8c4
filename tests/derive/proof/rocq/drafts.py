"""Certificates written by hand in infix, a draft to which steps are added, and what Rocq says of many certificates at once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.rocq import export
from sdescent.derive.proof.rocq.judge import STANDARD
from sdescent.derive.proof.rocq.library.whole import library
from sdescent.derive.proof.rocq.notation import ExportError
from tests.support.certificates.rules import t

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
Term = list[Any]
Relation = list[Any]
Certificate = dict[str, Any]
TABLES = {"vectors": "v", "matrices": "m"}
#: what holds terms in the data of a step
TERMS = {"of", "term", "args", "split", "primitive", "integrand", "at", "reach", "potentials"}
TERMS |= {"rate", "offset", "growth", "floor", "drop"}


def read(text: Any, context: Mapping[str, Any] | None = None) -> Any:
    """A term or relation in infix, over the names of a context; 1/2 is a number, and a + b + c one sum. Lists are terms already."""
    tags = {name: tag for table, tag in TABLES.items() for name in (context or {}).get(table, ())}
    functions = (context or {}).get("functions", {})

    def tagged(raw: Any) -> Any:
        if type(raw) is not list:
            return raw
        head, *args = [tagged(part) for part in raw]
        if head in ("x", "v", "m"):
            return [tags.get(args[0], "x"), args[0]]
        if head == "/" and [a[0] for a in args] == ["q", "q"]:
            return ["q", str(Fraction(args[0][1]) / Fraction(args[1][1]))]
        if head in ("+", "*") and args[0][0] == head:
            return [head, *args[0][1:], *args[1:]]
        return ["F", *args] if head == "f" and args[0] in functions else [head, *args]

    return tagged(t(text)) if type(text) is str else text


class Draft:
    """A certificate by hand: each method appends a step and gives its number."""

    def __init__(self, symbols: str | dict[str, str], **context: Any) -> None:
        """Symbols by name, or as a text such as "random x y; const T"."""
        if isinstance(symbols, str):
            kinds = [part.split() for part in symbols.split(";") if part.strip()]
            symbols = {name: kind for kind, *names in kinds for name in names}
        sizes = {"horizon": None, "dimension": None, "clients": None}
        self.context = {
            "symbols": symbols,
            "vectors": [],
            "matrices": {},
            "functions": {},
            **sizes,
            "potentials": {},
            **context,
        }
        self.steps: list[dict[str, Any]] = []

    def t(self, text: Any) -> Any:
        return read(text, self.context)

    def step(self, rule: str, premises: list[int], data: dict[str, Any], claim: Any) -> int:
        data = {key: self._terms(key, value) if key in TERMS else value for key, value in data.items()}
        self.steps.append({"rule": rule, "premises": premises, "data": data, "claim": self.t(claim)})
        return len(self.steps) - 1

    def _terms(self, key: str, value: Any) -> Any:
        """A text as a term; [[weight, name], ..] of potentials with terms for the weights."""
        if key == "potentials":
            return [[self.t(weight), name] for weight, name in value]
        return [self.t(part) for part in value] if key == "args" else self.t(value)

    def assume(self, *claims: Any) -> list[int]:
        return [self.step("assume", [], {}, claim) for claim in claims]

    def certify(
        self, premises: list[int], claim: Any, total: Any = (), equalities: Any = (), mult: Any = (("1", (), ()),)
    ) -> int:
        cones = {
            name: [[c, list(numbers), [self.t(s) for s in squares]] for c, numbers, squares in cone]
            for name, cone in (("mult", mult), ("sum", total))
        }
        return self.step("certify", premises, {**cones, "equalities": [[n, self.t(s)] for n, s in equalities]}, claim)

    def law(self, law: str, args: list[Any], claim: Any, premises: tuple[int, ...] = ()) -> int:
        return self.step("function", list(premises), {"law": law, "args": [self.t(a) for a in args]}, claim)

    def done(self, *assumptions: Any, title: str = "a theorem") -> dict[str, Any]:
        """The certificate of the last step under these assumptions, or under all that it assumes."""
        listed = [self.t(a) for a in assumptions] or [s["claim"] for s in self.steps if s["rule"] == "assume"]
        statement = {"assumptions": listed, "axioms": [], "claim": self.steps[-1]["claim"], "definitions": []}
        certificate = {"format": "sdescent-certificate-1", "title": title, "context": self.context}
        return json.loads(json.dumps({**certificate, "statement": statement, "steps": self.steps}))


def in_one(drafts: list[Draft]) -> Certificate:
    """The steps of drafts one after another in one certificate; the last step proves a trivial claim from all of them."""
    whole = Draft(drafts[0].context["symbols"])
    for draft in drafts:
        first = len(whole.steps)
        for step in draft.steps:
            whole.step(step["rule"], [first + n for n in step["premises"]], step["data"], step["claim"])
    whole.certify(list(range(len(whole.steps))), "0 <= 1", [["1", [], []]])
    assumed = [s["claim"] for s in whole.steps if s["rule"] == "assume"]
    return whole.done(*(r for n, r in enumerate(assumed) if r not in assumed[:n]))


def none_of(drafts: list[Draft], name: str) -> dict[str, Certificate]:
    """Laws of functions with t^2 + 1 added to the left side of their claims."""
    laws = {}
    for number, draft in enumerate(drafts):
        op, low, high = draft.steps[-1]["claim"]
        draft.steps[-1]["claim"] = [op, ["+", low, ["^", ["x", "t"], 2], ["q", "1"]], high]
        laws[f"{name} {number}"] = draft.done()
    return laws


def both(certificate: Certificate, claim: Relation) -> None:
    """Another claim, in the last step and in the statement."""
    certificate["steps"][-1]["claim"] = certificate["statement"]["claim"] = claim


Tamper = Callable[[Certificate], None]


def changed(make: Callable[[], Certificate], tamper: Tamper) -> Certificate:
    certificate = make()
    tamper(certificate)
    assert certificate != make()
    return certificate


def claiming(text: str) -> Tamper:
    """Another claim in the last step and in the statement; LEFT and RIGHT are the sides of the one there is."""

    def tamper(c: Certificate) -> None:
        _, low, high = c["statement"]["claim"]
        both(c, _exchanged(read(text, c["context"]), {"LEFT": low, "RIGHT": high}))

    return tamper


def put(*path: Any, to: Any) -> Tamper:
    """Something else in one place; a text that begins with ! is a term or relation, in which LEFT and RIGHT are the sides there."""

    def tamper(c: Certificate) -> None:
        place: Any = c
        for key in path[:-1]:
            place = place[key]
        new, old = to, place[path[-1]]
        if type(to) is str and to.startswith("!"):
            sides = {"LEFT": old[1], "RIGHT": old[2]} if type(old) is list and len(old) == 3 else {}
            new = _exchanged(read(to[1:], c["context"]), sides)
        place[path[-1]] = new

    return tamper


def _exchanged(raw: Any, values: Mapping[str, Term]) -> Any:
    """Terms for symbols."""
    if type(raw) is list and raw[0] == "x":
        return values.get(raw[1], raw)
    return [_exchanged(part, values) for part in raw] if type(raw) is list else raw


def replaced(old: str, new: str) -> Tamper:
    """Another term for one, everywhere in the claims that are not assumed."""

    def tamper(c: Certificate) -> None:
        before, after = (read(text, c["context"]) for text in (old, new))

        def exchanged(value: Any) -> Any:
            if value == before:
                return after
            return [exchanged(v) for v in value] if isinstance(value, list) else value

        steps = [s for s in c["steps"] if s["rule"] != "assume"]
        assert any(exchanged(s["claim"]) != s["claim"] for s in steps)
        for step in steps:
            step["claim"] = exchanged(step["claim"])
        c["statement"]["claim"] = c["steps"][-1]["claim"]

    return tamper


def without(number: int) -> Tamper:
    """One of the assumptions is not stated."""

    def tamper(c: Certificate) -> None:
        del c["statement"]["assumptions"][number]

    return tamper


def assuming(text: str) -> Tamper:
    """Another first step, and first assumption."""

    def tamper(c: Certificate) -> None:
        c["steps"][0]["claim"] = c["statement"]["assumptions"][0] = read(text, c["context"])

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

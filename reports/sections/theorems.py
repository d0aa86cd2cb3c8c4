"""The theorem catalogue: statements with their assumptions and proofs line by line, or the numbers that refute them."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any, final

from derive.printing.width import width
from derive.proof.kernel.certificate import dumps
from derive.proof.kernel.rules import AXIOMS
from derive.proof.language.text import TermWriter
from derive.theorems.catalogue import entries
from derive.theorems.entry.checking import Checked, check
from derive.theorems.entry.theorem import Refutation, Theorem
from derive.theorems.sharpen import CONSTANTS, Sharpened, least
from reports.document.tex import escape
from reports.sections.base import Inputs, Section

#: characters of a line of a proof that fit next to its justification
ROOM = 62
#: characters of an assumption that stands on a line with others
SHORT = 16
RULES = {
    "assume": "assumption",
    "certify": "arithmetic",
    "inverse": "division",
    "function": "a law of the function",
    "ball": "analysis of one variable",
    "declared": "shape of the distribution function",
    "monotone": "integration",
    "cases": "either case",
    "ito": "It\\^o's formula",
    "gronwall": "Gronwall's inequality",
    "primitive": "fundamental theorem of calculus",
    "evaluate": "exact numbers",
    "component": "a summand is at most the sum",
}
#: rules whose name explains them completely
NAMED = frozenset({"ito", "gronwall", "primitive"})


@final
class Theorems(Section):
    """Statements, assumptions, proofs and counterexamples of the catalogue, and a certificate for each proof."""

    name, title = "theorems", "Theorems"

    def compute(self, context: Inputs) -> dict[str, Any]:
        found = []
        for entry in entries().values():
            context.tick(f"theorem {entry.id}")
            found.append(_shown(check(entry)))
        sharp = []
        for constant in CONSTANTS:
            context.tick(f"constant of {constant.entry}")
            least_found = least(constant)
            if least_found is not None:
                sharp.append(_sharp(least_found))
        statuses = {e["id"]: "holds" if e["status"] == e["expected"] else "FAILS" for e in found}
        counts = {s: sum(e["status"] == s for e in found) for s in ("PROVED", "REFUTED", "DECIDED", "UNDECIDED")}
        axioms = [{"name": name, "text": words} for name, words in AXIOMS.items()]
        return {"entries": found, "axioms": axioms, "counts": counts, "sharp": sharp, "statuses": statuses}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        """Write the certificates next to the report."""
        self.write_certificates(result["entries"], folder)


def _sharp(found: Sharpened) -> dict[str, str]:
    return {
        "entry": found.constant.entry,
        "name": found.constant.name.partition(":")[0],
        "stated": str(found.constant.stated),
        "certified": str(found.certified),
        "refuted": "" if found.refuted is None else str(found.refuted),
        "witness": ", ".join(_equals(name, value) for name, value in found.witness.items()),
    }


def _equals(name: str, value: Any) -> str:
    return f"${name}={value}$" if isinstance(value, Fraction) else f"${name}=$ {escape(value)}"


def _shown(checked: Checked) -> dict[str, Any]:
    entry = checked.entry
    writer = TermWriter(entry.names, entry.short if isinstance(entry, Theorem) else {})
    given = dict(entry.assume) if isinstance(entry, Refutation) else {**entry.assumptions, **entry.definitions}
    used = {name for name, _ in (*checked.assumptions, *checked.definitions)}
    return {
        "id": entry.id,
        "title": entry.title,
        "source": entry.source,
        "statement": entry.statement,
        "status": checked.status,
        "expected": entry.expected,
        "reason": checked.reason,
        **_grouped([_formula(writer.relation(r), name) for name, r in given.items() if name in used]),
        "declared": [d["latex"] for d in checked.declared],
        "lines": _lines(checked),
        "axioms": list(checked.axioms),
        "assumed": [name for name, _ in checked.assumptions],
        "unused": [writer.relation(given[name]) for name in checked.unused],
        "words": entry.words if isinstance(entry, Refutation) else "",
        "repair": entry.repair if isinstance(entry, Refutation) else "",
        "mended": list(checked.repair.get("changes", ())),
        "witness": [f"{writer.symbol(k)}={v}" for k, v in checked.counterexample.items()],
        "certificate": None if checked.certificate is None else dumps(checked.certificate),
    }


def _lines(checked: Checked) -> list[dict[str, Any]]:
    """The steps, without those that repeat an earlier one."""
    lines, seen = [], set[str]()
    for step in checked.steps:
        said = step["latex"] + "".join(step["given"])
        if said in seen:
            continue
        seen.add(said)
        name = "" if step["rule"] in NAMED else step["text"]
        shown = _formula(step["latex"], name)
        lines.append({**shown, "given": step["given"], "rule": RULES.get(step["rule"], step["rule"])})
    return lines


def _grouped(assumed: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Short formulas without a name go on one line."""
    plain = [a for a in assumed if not a["name"] and width(a["tex"]) < SHORT]
    return {"signs": [a["tex"] for a in plain], "assumptions": [a for a in assumed if a not in plain]}


def _formula(tex: str, name: str) -> dict[str, Any]:
    # a name that repeats the formula in plain text, or is the letter that the formula defines, adds nothing to it
    again = set(name) & set("<>=^|_") or _letters(name) == _letters(tex.partition(" = ")[0])
    return {"tex": tex, "name": "" if again else name, "key": name, "long": width(tex) > ROOM}


def _letters(said: str) -> str:
    """The name of a symbol, in LaTeX or plain text, without formatting commands and index marks."""
    return re.sub(r"\\operatorname|[\\{}_,\s]", "", said)

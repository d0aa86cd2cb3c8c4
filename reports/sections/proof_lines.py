"""The assumptions and the steps of a proof, in LaTeX."""

import re
from typing import Any

from sdescent.derive.printing.width import width
from sdescent.derive.theorems.entry.checking import Checked
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.reports.document.tex import escape

#: largest number of characters of a formula in a line of text, or of a proof line next to its justification
ROOM = 62
#: an assumption of fewer characters shares a line with others
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
    "descent": "descent lemma",
    "telescope": "sum of the changes",
    "decay": "geometric decay",
    "summable": "Robbins and Siegmund's lemma",
    "summation": "telescoping sum",
    "primitive": "fundamental theorem of calculus",
    "evaluate": "exact numbers",
    "component": "a summand is at most the sum",
}
#: rules whose name explains them completely
NAMED = frozenset({"ito", "gronwall", "primitive", "descent", "telescope", "decay", "summable", "summation"})


def lines_of(checked: Checked) -> list[dict[str, Any]]:
    """The steps of a proof, without those that repeat an earlier one."""
    lines, printed = [], set[str]()
    for step in checked.steps:
        key = step["latex"] + "".join(step["given"])
        if key in printed:
            continue
        printed.add(key)
        name = "" if step["rule"] in NAMED else step["text"]
        line = formula_of(step["latex"], name)
        numbers = step.get("reads", "")
        relation = numbers.replace("<=", r"\le").replace("==", "=").replace("!=", r"\ne")
        reads = step["text"].removesuffix(numbers) + f"${relation}$" if numbers else step["text"]
        lines.append({**line, "given": step["given"], "rule": rule_of(checked, step["rule"]), "reads": reads})
    return lines


def rule_of(checked: Checked, rule: str) -> str:
    """The name of a rule for readers; in discrete time, the monotone rule is a summation."""
    steps = isinstance(checked.entry, Theorem) and checked.entry.context.steps
    return "summation" if steps and rule == "monotone" else RULES.get(rule, rule)


def in_prose(words: str) -> str:
    """The name of a line or an assumption in LaTeX; letters with an index, and a single f, g, G or L, are mathematics."""
    text = re.sub(r"(?<![A-Za-z])([A-Za-z])\\_([A-Za-z0-9]+)", r"$\1_{\2}$", str(escape(words)))
    return re.sub(r"(?<![A-Za-z$\\])([fgGL])(?![A-Za-z_$'])", r"$\1$", text)


def grouped(formulas: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The formulas in two groups: short ones without a name, which share a line, and the others."""
    plain = [a for a in formulas if not a["name"] and width(a["tex"]) < SHORT]
    return {"signs": [a["tex"] for a in plain], "assumptions": [a for a in formulas if a not in plain]}


def formula(tex: str) -> dict[str, Any]:
    """A formula, and whether it is too long for a line of text."""
    return {"tex": tex, "long": width(tex) > ROOM}


def formula_of(tex: str, name: str) -> dict[str, Any]:
    # a name is dropped if it repeats the formula in plain text, or is the letter that the formula defines
    again = set(name) & set("<>=^|_") or _letters(name) == _letters(tex.partition(" = ")[0])
    return {**formula(tex), "name": "" if again else name, "key": name}


def _letters(symbol: str) -> str:
    """The name of a symbol from LaTeX or plain text, without formatting commands and index marks."""
    return re.sub(r"\\operatorname|[\\{}_,\s]", "", symbol)

"""The theorem catalogue: statements with assumptions and the main lines of their proofs; the proofs step by step."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, final

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.derive.proof.language.text import TermWriter
from sdescent.derive.theorems.catalogue import entries, with_own
from sdescent.derive.theorems.discrete.sde_counterparts import BESIDE, factor
from sdescent.derive.theorems.entry.checking import Checked, check
from sdescent.derive.theorems.entry.statement import turned
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.sharpen import CONSTANTS, Sharpened, least
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.verdict_of_claim import Results
from sdescent.reports.document.tex import escape, number
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.sections.base import Certified, Inputs, Section
from sdescent.reports.sections.proof_lines import NAMED, formula_of, grouped, in_prose, lines_of, rule_of

#: ids of facts about a noise law
LAW = re.compile(r"8-(.+)-\d+")


@final
class Theorems(Certified):
    """Statements, assumptions, proofs and counterexamples of the catalogue, and a certificate for each proof."""

    name, title = "theorems", "Theorems"

    def compute(self, context: Inputs) -> dict[str, Any]:
        every = context.announced(with_own().values(), lambda entry: f"theorem {entry.id}")
        listed = [_entry_of(check(entry)) for entry in every]
        built_in = entries()
        names = [name for group in GROUPS if group.front for claim in group.claims for name in claim.entries]
        cited = Results(built_in).named(names)  # by the claims of the first page
        for e in listed:
            e["front"] = e["id"] in cited or e["id"] not in built_in
        in_full = stated()
        _first(sorted(listed, key=lambda e: (e["id"] not in in_full, not e["front"])))
        bounds = map(least, context.announced(CONSTANTS, lambda constant: f"constant of {constant.entry}"))
        sharp = [_sharp(bound) for bound in bounds if bound is not None]
        statuses = {e["id"]: "holds" if e["status"] == e["expected"] else "FAILS" for e in listed}
        words = (Verdict.PROVED, Verdict.REFUTED, Verdict.DECIDED, Verdict.UNDECIDED)
        counts = {s: sum(e["status"] == s for e in listed) for s in words}
        axioms = [{"name": name, "text": words} for name, words in AXIOMS.items()]
        return {
            "entries": listed, "axioms": axioms, "counts": counts, "sharp": sharp, "statuses": statuses, "laws": _laws(listed),
        }  # fmt: skip

    def beside(self, result: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        return {"stated": stated()}


def stated() -> list[str]:
    """The ids of the entries whose statements stand in the main text: what the paper's theorems on equations are read as."""
    names = [name for group in GROUPS for claim in group.claims if claim.stated for name in claim.entries]
    return Results(entries()).named(names)


@final
class Further(Section):
    """The main lines of all proofs, below the statements that are not in the main text; and the facts about noise laws."""

    name, title = "further", "Theorems and the lines of their proofs"

    def compute(self, context: Inputs) -> dict[str, Any]:
        theorems = context.results["theorems"]
        listed = sorted((e for e in theorems["entries"] if not e["law"]), key=lambda e: not e["front"])
        return {"entries": listed, "axioms": theorems["axioms"], "laws": theorems["laws"]}

    def beside(self, result: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        return {"pairs": _pairs(results.get("verification", {}).get("tightness", {})), "stated": stated()}


@final
class Proofs(Section):
    """Every step of every proof; a step that several proofs share is printed once."""

    name, title = "proofs", "Proofs, step by step"

    def compute(self, context: Inputs) -> dict[str, Any]:
        entries = [e for e in context.results["theorems"]["entries"] if e["status"] == Verdict.PROVED]
        lines = [line for e in entries for line in e["lines"]]
        first_of = {printed_as(line): line for line in reversed(lines)}
        uses = Counter(map(printed_as, lines))
        shared = {key: number for number, key in enumerate((key for key, n in uses.items() if n > 1), 1)}
        proofs = []
        for e in entries:
            again = [shared[printed_as(line)] for line in e["lines"] if printed_as(line) in shared]
            unshared = [line for line in e["lines"] if printed_as(line) not in shared]
            proofs.append({"id": e["id"], "steps": len(e["lines"]), "shared": sorted(again), "lines": unshared})
        brief = [p for p in proofs if p["steps"] == 1]
        first = [{"number": n, **first_of[key]} for key, n in shared.items()]
        proofs = [p for p in proofs if p["steps"] > 1]
        return {"proofs": proofs, "brief": brief, "shared": first, "sharp": context.results["theorems"]["sharp"]}


def _pairs(tightness: Mapping[str, Mapping[str, float]]) -> list[dict[str, str]]:
    """Each theorem about a method beside the theorem about its SDE, with the least bound/value of both."""
    catalogue = entries()

    def least(id: str, subject: str) -> str:
        return number(tightness.get(id, {}).get(subject, math.nan))

    return [
        {
            "equation": equation, "theirs": least(equation, "SDE"), "method": on_method, "ours": least(on_method, "method"),
            "factor": factor(entry),
        }
        for on_method, equation in BESIDE.items() if isinstance(entry := catalogue[on_method], Theorem)
    ]  # fmt: skip


def _first(shown_entries: list[dict[str, Any]]) -> None:
    """Mark the named assumptions that an earlier entry has already written out in the same way."""
    written = set[tuple[str, str]]()
    for a in (a for e in shown_entries for a in e["assumptions"]):
        a["again"] = bool(a["name"]) and (a["name"], a["tex"]) in written
        written.add((a["name"], a["tex"]))


def printed_as(line: dict[str, Any]) -> str:
    """The key of a step: two steps with the same key look the same to a reader."""
    return "|".join((line["tex"], line["name"], line["rule"], *line["given"]))


def _laws(shown_entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The facts about noise laws, each with the laws for which it is proved: all laws share the same few facts."""
    facts: dict[str, list[dict[str, Any]]] = {}
    for e in shown_entries:
        if match := LAW.fullmatch(e["id"]):
            e["law"] = match[1]
            formula = f"${e['claim']['tex']}$" if e["claim"] else ""
            where = ", ".join(f"${tex}$" for tex in (*e["signs"], *(a["tex"] for a in e["assumptions"])))
            fact = {"id": e["id"], "law": match[1].replace("-", " "), "status": e["status"], "where": e["where"]}
            facts.setdefault(f"{formula} for {where}", []).append(fact)
    return [{"says": formula, "laws": laws} for formula, laws in facts.items()]


def _sharp(bounds: Sharpened) -> dict[str, str]:
    return {
        "entry": bounds.constant.entry,
        "name": bounds.constant.name.partition(":")[0],
        "stated": str(bounds.constant.stated),
        "certified": str(bounds.certified),
        "refuted": "" if bounds.refuted is None else str(bounds.refuted),
        "witness": ", ".join(
            f"${name}={value}$" if isinstance(value, Fraction) else f"${name}=$ {escape(value)}"
            for name, value in bounds.witness.items()
        ),
    }


def _entry_of(checked: Checked) -> dict[str, Any]:
    entry = checked.entry
    if isinstance(entry, Theorem):
        writer = TermWriter(entry.names, entry.short, entry.context)
        relations = {**entry.assumptions, **entry.definitions}
    else:
        writer, relations = TermWriter(entry.names), dict(entry.assume)
    used = {name for name, _ in (*checked.assumptions, *checked.definitions)}
    return {
        **{name: getattr(entry, name) for name in ("id", "title", "source", "expected")},
        **{name: getattr(checked, name) for name in ("status", "reason", "about")},
        **{name: getattr(entry, name, "") for name in ("remark", "words", "repair")},
        "claim": None if (statement := checked.statement) is None else formula_of(statement.claim.latex, ""),
        "where": [] if statement is None else list(statement.where),
        "quotes": [{"words": q.words, "source": q.source} for q in entry.quotes],
        **grouped([formula_of(turned(writer, r), name) for name, r in relations.items() if name in used]),
        "declared": [d["latex"] for d in checked.declared],
        "lines": lines_of(checked),
        "sketch": _sketch(checked),
        "law": "",
        "axioms": list(checked.axioms),
        # an equation for a number defines nothing, so it is a hypothesis
        "assumed": [
            *(name for name, _ in checked.assumptions),
            *(name for name, r in checked.definitions if r.left[0] == "q"),
        ],
        "unused": [writer.relation(relations[name]) for name in checked.unused],
        "mended": list(checked.repair.get("changes", ())),
        "witness": [f"{writer.symbol(k)}={v}" for k, v in checked.counterexample.items()],
        "certificate": None if checked.certificate is None else dumps(checked.certificate),
    }


def _sketch(checked: Checked) -> list[dict[str, Any]]:
    """The main lines of a proof, each with the assumptions and lines from which it follows, except signs."""
    main = [s for s in checked.steps if s["main"]]
    names = [s["text"] for s in main]
    formulas = [formula_of(s["latex"], s["text"]) for s in main]
    called = {n: in_prose(f["name"]) or f"line {k}" for k, (n, f) in enumerate(zip(names, formulas, strict=True), 1)}
    rows = []
    for step, formula in zip(main, formulas, strict=True):
        premises = [n for n in dict.fromkeys(step["from"]) if (n in called or _is_name(n)) and n != step["text"]]
        rule = rule_of(checked, step["rule"]) if step["rule"] in NAMED else ""
        words = {"name": in_prose(formula["name"]), "from": [called.get(n) or in_prose(n) for n in premises]}
        rows.append({**formula, **words, "given": step["given"], "rule": rule})
    return rows


def _is_name(words: str) -> bool:
    """Whether the name of a line or an assumption consists of words, rather than a formula or a minor fact such as a sign."""
    return not set(words) & set("<>=^|") and not words.startswith(("a positive", "the signs"))

"""Verdicts as mathematics: the claim, its assumptions, and the steps of its proof, for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from derive.proof.certificate import ancestry
from derive.proof.text import Writer

if TYPE_CHECKING:
    from derive.proof.claims import Verdict
    from derive.proof.repair import Repair

MAX_STEPS = 30
_COLOURS = {"PROVED": "#137333", "DECIDED": "#1967d2", "REFUTED": "#b3261e", "UNDECIDED": "#5f6368"}
_RULES = {
    "assume": "assumption", "certify": "arithmetic", "inverse": "nonzero", "function": "law of a function",
    "ball": "analysis of one variable", "cases": "cases", "absurd": "contradiction", "instantiate": "instance", "cut": "lemma",
}  # fmt: skip


def latex(verdict: Verdict) -> str:
    """One displayed formula: assumptions, claim, verdict."""
    writer = Writer()
    head = r",\quad ".join(writer.relation(a) for a in verdict.assume)
    arrow = r" \;\Longrightarrow\; " if head else ""
    point = verdict.counterexample
    note = rf"\quad\textsf{{{verdict.status}}}" + (r"\ \textsf{(vacuous)}" if verdict.vacuous else "")
    if point:
        note += r"\quad " + r",\ ".join(counterexample_latex(verdict))
    lines = [f"{head}{arrow}{writer.relation(verdict.claim)} {note}", *(_repaired(r, writer) for r in verdict.repairs or ())]
    shown = lines[0] if len(lines) == 1 else r"\begin{gathered}" + r"\\ ".join(lines) + r"\end{gathered}"
    return f"$\\displaystyle {shown}$"


def counterexample_latex(verdict: Verdict) -> list[str]:
    """Each variable with its value at the counterexample; values of algebraic numbers are words. Empty without one."""
    writer = Writer()
    return [rf"{writer.symbol(n)} = {_value(v)}" for n, v in (verdict.counterexample or {}).items()]


def _repaired(repair: Repair, writer: Writer) -> str:
    """What holds in place of a refuted claim."""
    head = r",\quad ".join(writer.relation(a) for a in repair.assume)
    arrow = r" \;\Longrightarrow\; " if head else ""
    return rf"\textsf{{repaired:}}\quad {head}{arrow}{writer.relation(repair.claim)}"


def _value(value: str) -> str:
    top, _, bottom = value.partition("/")
    if top.lstrip("-").isdigit() and (not bottom or bottom.isdigit()):
        sign = "-" if top.startswith("-") else ""
        return rf"{sign}\tfrac{{{top.lstrip('-')}}}{{{bottom}}}" if bottom else top
    return r"\texttt{" + "".join(ch if ch.isalnum() or ch in " (),-+=*/" else rf"\char`\{ch}" for ch in value) + "}"


def steps(verdict: Verdict) -> list[tuple[str, str]]:
    """(rule, LaTeX of what it shows) of each step of the proof; none without one."""
    if verdict.fact is None:
        return []
    writer = Writer()
    return [(_RULES.get(f.rule, f.rule), writer.relation(f.claim)) for f in ancestry(verdict.fact)]


def html(verdict: Verdict) -> str:
    """The same with the reason and the steps, as a table that opens."""
    colour = _COLOURS[verdict.status]
    out = [
        f'<div><span style="color:white;background:{colour};border-radius:3px;padding:1px 6px">{verdict.status}</span> '
        f"{latex(verdict)}<br><small>{escape(verdict.reason)}; {verdict.seconds:.2f} s</small>"
    ]
    if verdict.repairs is not None:
        said = [f"<li>{escape(r.words)}: <code>{escape(r.text)}</code></li>" for r in verdict.repairs]
        out.append(f"<ul>{''.join(said)}</ul>" if said else "<br><small>no repair was found</small>")
    found = steps(verdict)
    if found:
        rows = "".join(
            f"<tr><td>{n}</td><td>{escape(rule)}</td><td>$\\displaystyle {escape(shown)}$</td></tr>"
            for n, (rule, shown) in enumerate(found[:MAX_STEPS], 1)
        )
        more = f"<tr><td colspan=3>and {len(found) - MAX_STEPS} more</td></tr>" if len(found) > MAX_STEPS else ""
        out.append(f"<details><summary>{len(found)} steps</summary><table>{rows}{more}</table></details>")
    return "".join(out) + "</div>"

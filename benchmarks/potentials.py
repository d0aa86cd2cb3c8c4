"""Exact worst cases and rates beside those of PEPit and AutoLyap: their documented examples within our classes, and a table.

Every row states one problem twice: as a theorem file of ours, and in the peer's own words (its example, called with the numbers of
its documentation). A row without a file says why the problem cannot be stated. Values are compared, and seconds of the clock beside
them; a peer's value is a floating-point optimum, ours a rational number with a certificate that the kernel made and replay checked.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.peers import Absent
from benchmarks.potential_problems import Example, of_autolyap, of_pepit, of_table
from sdescent.derive.proof.gram.forms import fraction
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.rates.potentials import best_potential
from sdescent.derive.theorems.bounds.stated import Stated, method_of
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.performance.statement import Performance
from sdescent.derive.vocabulary.verdicts import Verdict

#: the largest relative distance above the peer's value that counts as equal
EQUAL = 1e-6


@dataclass(frozen=True)
class Row:
    """An example computed: values, seconds of the clock, and whether ours is exact, proved and replayed."""

    name: str
    peer: str
    theirs: float | None
    ours: float | None
    exact: str
    ratio: float | None
    seconds: float | None
    their_seconds: float | None
    attained: bool
    proved: bool
    why: str

    @property
    def reached(self) -> bool:
        """Whether ours is equal or better, and proved."""
        return self.proved and self.ratio is not None and self.ratio <= 1 + EQUAL


def exact_worst_case(table: Mapping[str, Any], steps: int) -> tuple[Fraction, bool, bool] | None:
    """Our bound, whether a function of the class attains it, and whether a replayed certificate proves it."""
    solved = Performance(table, Letters(method_of(table)), steps).solve()
    if solved is None:
        return None
    worst, theorem = solved
    checked = check(theorem)
    if checked.certificate is not None:
        replay(dumps(checked.certificate))
    return fraction(worst.tau), worst.attained, checked.certificate is not None


def rate_per_step(table: Mapping[str, Any]) -> tuple[Fraction, bool, bool] | None:
    """The rate per step of the best potential at the numbers of a file, whether it is the optimum itself, and whether proved."""
    best = best_potential(table)
    if best is None:
        return None
    claim = f"change <= -{1 - best.rate}*V"
    answer = decide(Stated({**table, "V": best.value, "claim": claim}, interpolate=True), repair=False)
    return best.rate, False, answer.status == Verdict.PROVED


def row(example: Example) -> Row:
    """The row of an example."""
    began, why, theirs, ours = time.perf_counter(), example.why, None, None
    try:
        theirs = float(example.theirs())
    except Absent as error:
        why = why or str(error)
    their_seconds, began = time.perf_counter() - began, time.perf_counter()
    if example.assume is not None:
        ours = rate_per_step(example.table) if example.steps is None else exact_worst_case(example.table, example.steps)
        if ours is None:
            why = why or ("no rate with a free potential yet" if example.steps is None else "no bound was found")
    seconds = time.perf_counter() - began if example.assume is not None else None
    tau, attained, proved = ours or (None, False, False)
    ratio = None if not theirs or math.isnan(theirs) or tau is None else float(tau) / theirs
    exact = "" if tau is None else str(tau) if len(str(tau)) < 24 else f"{float(tau):.9g}"
    return Row(
        example.name, example.peer, theirs, None if tau is None else float(tau), exact, ratio, seconds,
        None if theirs is None else their_seconds, attained, proved, why,
    )  # fmt: skip


def line(r: Row) -> str:
    """A row of the table in Markdown."""
    cells = ["" if v is None or v != v else f"{v:.9g}" for v in (r.theirs, r.ratio)]
    times = ["" if v is None else f"{v:.2f}" for v in (r.seconds, r.their_seconds)]
    proof = ("exact worst case" if r.attained else "proved") if r.proved else ""
    return f"| {r.name} | {r.peer} | {cells[0]} | {r.exact} | {cells[1]} | {' | '.join(times)} | {proof} | {r.why} |"


def potentials(output: Path) -> int:
    """Compute all rows, write them with those first where ours is missing or worse, and return 1 if there are such rows."""
    parts = {"The table": of_table(), "PEPit's examples": of_pepit(), "AutoLyap's examples": of_autolyap()}
    head = (
        "| problem | peer | theirs | ours | ours/theirs | seconds | theirs | certificate | remark |\n"
        + "|---" * 9
        + "|"
    )
    text, everything = ["# Worst cases and rates"], dict[str, list[Row]]()
    for title, examples in parts.items():
        rows = []
        for example in examples:
            rows.append(row(example))
            print(line(rows[-1]), flush=True)
        rows.sort(key=lambda r: (r.reached, r.ratio is not None))
        everything[title] = rows
        reached = sum(r.reached for r in rows)
        text += [
            f"## {title}",
            f"{reached} of {len(rows)} equal to {EQUAL:g} or better.",
            "\n".join([head, *map(line, rows)]),
        ]
    output.mkdir(parents=True, exist_ok=True)
    (output / "potentials.md").write_text("\n\n".join(text) + "\n")
    rows = {title: [asdict(r) | {"reached": r.reached} for r in rows] for title, rows in everything.items()}
    (output / "potentials.json").write_text(json.dumps(rows, indent=1))
    return int(not all(r.reached for rows in everything.values() for r in rows))

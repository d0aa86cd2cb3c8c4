"""Vectors of numbers as TeX that fits into a line of text or breaks there."""

from __future__ import annotations

from collections.abc import Sequence

#: up to this many entries are all written; of more, the first two and the last
MOST = 6
#: characters in one formula, which cannot break over lines
UNBROKEN = 48


def vector(values: Sequence[str], prefix: str = "") -> str:
    r"""prefix(a, b, c) with dollar signs; of a long vector (a, b, \dots, z). The values and `prefix` are TeX for math mode."""
    entries = list(values)
    if len(entries) > MOST:
        first = entries[:1] if len(set(entries)) == 1 else entries[:2]
        entries = [*first, r"\dots", entries[-1]]
    if sum(map(len, entries)) <= UNBROKEN:
        return f"${prefix}({', '.join(entries)})$"
    return f"${prefix}(" + ",$ $".join(entries) + ")$"

"""The catalogue of theorems, by the ids of its entries."""

from __future__ import annotations

from derive.theorems.catalogue import entries
from derive.theorems.entry.checking import Checked
from derive.theorems.entry.checking import check as check_entry
from derive.theorems.entry.theorem import Refutation, Theorem
from derive.vocabulary.errors import BadInput


def check(entry: str | Theorem | Refutation, seconds: float = 5.0) -> Checked:
    """Checks a theorem step by step: its derivation is written by the kernel, its point or witness is evaluated exactly.

    A proof that fails raises nothing: the status is UNDECIDED then, with the reason.

    Args:
        entry: the id of an entry of the catalogue (`sdescent check` lists them), or an entry of one's own.
        seconds: about how long the search may take.

    Raises:
        BadInput: the catalogue has no entry of this id.

    Example:
        >>> import sdescent as sd
        >>> found = sd.check("6.2-pathwise")
        >>> found.status, found.axioms, found.as_expected
        ('PROVED', (), True)
        >>> print(found.steps[0]["plain"])
        0 < 1/N
    """
    if isinstance(entry, (Theorem, Refutation)):
        return check_entry(entry, seconds)
    known = entries()
    if entry not in known:
        close = [id for id in known if id.startswith(str(entry)[:3])] or list(known)
        raise BadInput("entry", entry, "an id of the catalogue, such as " + ", ".join(close[:6]))
    return check_entry(known[entry], seconds)

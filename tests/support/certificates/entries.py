"""The catalogue's entries as `check` judges them, each once a process: most tests of proofs start from a certificate of theirs."""

from __future__ import annotations

from functools import cache
from typing import Any

from derive.theorems.catalogue import entries
from derive.theorems.entry.checking import Checked, check


@cache
def checked_entry(name: str) -> Checked:
    return check(entries()[name])


def entry_certificate(name: str) -> dict[str, Any]:
    """That of an entry that is proved; a caller that changes it takes a copy."""
    found = checked_entry(name).certificate
    assert found is not None, checked_entry(name).reason
    return found

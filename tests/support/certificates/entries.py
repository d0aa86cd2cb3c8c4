"""The catalogue's entries as `check` judges them, each once a run: most tests of proofs start from a certificate of theirs."""

import os
import pickle
from functools import cache
from pathlib import Path
from typing import Any

from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import Checked, check

_shared: list[Path] = []


def share(folder: Path) -> None:
    """A folder in which the processes of one run of the tests leave what they have proved; without it each proves all."""
    _shared[:] = [folder]


@cache
def checked_entry(name: str) -> Checked:
    entry = entries()[name]
    files = [folder / f"{name}.pickle" for folder in _shared]
    for file in files:
        if file.exists():
            return Checked(entry, **pickle.loads(file.read_bytes()))
    found = check(entry)
    for file in files:  # whole or not at all, whoever else writes it
        own = file.with_suffix(f".{os.getpid()}")
        own.write_bytes(pickle.dumps({name: part for name, part in vars(found).items() if name != "entry"}))
        own.replace(file)
    return found


def entry_certificate(name: str) -> dict[str, Any]:
    """That of an entry that is proved; a caller that changes it takes a copy."""
    found = checked_entry(name).certificate
    assert found is not None, checked_entry(name).reason
    return found

"""All entries, in the order of theory 6 to 8. A new theorem is a file below this folder with ENTRIES, and its name in MODULES."""

from __future__ import annotations

import copyreg
from importlib import import_module
from typing import Any

from derive.theorems.entry.theorem import Refutation, Theorem

MODULES = (
    "unbiased.dcsgd",
    "unbiased.dcsgd_expectation",
    "unbiased.normalised",
    "unbiased.strength",
    "signs.classic",
    "signs.bounded_ratio",
    "signs.everywhere",
    "signs.clients",
    "signs.small_phi",
    "unbiased.polyak",
    "signs.far",
    "facts.schedules",
    "stationary.line",
    "stationary.pair",
    "stationary.affine",
    "stationary.sign",
    "unbiased.scaling",
    "facts.blow_up",
    "facts.blow_up_in_mean",
    "facts.laws",
    "facts.losses",
    "facts.losses_sums",
    "facts.compressors",
)


def entries() -> dict[str, Theorem | Refutation]:
    """Every entry by its id."""
    found: dict[str, Theorem | Refutation] = {}
    for module in MODULES:
        for entry in import_module(f"derive.theorems.{module}").ENTRIES:
            if entry.id in found:
                raise ValueError(f"two entries are called {entry.id}")
            found[entry.id] = entry
    return found


def _entry(id: str) -> Theorem | Refutation:
    return entries()[id]


def _pickled(entry: Theorem | Refutation) -> Any:
    """An entry of the catalogue by its id, since its derivation is a function that pickle cannot write; others by their fields."""
    return (_entry, (entry.id,)) if entries().get(entry.id) is entry else entry.__reduce_ex__(4)


copyreg.pickle(Theorem, _pickled)  # pyright: ignore[reportArgumentType]
copyreg.pickle(Refutation, _pickled)  # pyright: ignore[reportArgumentType]

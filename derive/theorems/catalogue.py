"""All entries, in the order of theory 6 to 8. A new theorem is a file below this folder with ENTRIES, and its name in MODULES."""

from __future__ import annotations

from importlib import import_module

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

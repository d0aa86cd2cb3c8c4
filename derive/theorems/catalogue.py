"""All entries, in the order of theory 6 to 8. A new theorem: a file beside this one with ENTRIES, and its name in MODULES."""

from __future__ import annotations

from importlib import import_module

from derive.theorems.entry import Refutation, Theorem

MODULES = (
    "dcsgd_first_order",
    "dcsgd_corrected",
    "dcsgd_expectation",
    "normalised",
    "strength",
    "sign_classic",
    "sign_global",
    "sign_clients",
    "sign_reading",
    "polyak",
    "sign_far",
    "schedules",
    "stationary",
    "stationary_pair",
    "stationary_sign",
    "scaling",
    "blow_up",
    "laws",
    "losses",
    "losses_sums",
    "compressors",
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

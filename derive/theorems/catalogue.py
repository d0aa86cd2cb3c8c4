"""All entries: those of the paper, in the order of theory 6 to 8, the theorems of the literature, and the user's.

A new theorem with a derivation by hand goes into the ENTRIES of a file in this folder that MODULES lists; one that a theorem file
states goes into the folder `literature`.
"""

import copyreg
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.theorems.literature import files, recorded
from sdescent.derive.vocabulary.errors import unknown_name
from sdescent.derive.vocabulary.plugin_loading import BrokenPlugin, modules

MODULES = (
    "unbiased.dcsgd", "unbiased.normalised", "discrete.descent", "discrete.polyak", "discrete.schedules",
    "unbiased.heavy_ball", "discrete.heavy_ball", "signs.bounded_ratio", "signs.every_state", "discrete.dsignsgd",
    "discrete.normalised", "discrete.clipped", "unbiased.polyak", "signs.far", "facts.schedules", "stationary.quadratic",
    "stationary.affine", "stationary.sign", "unbiased.scaling", "facts.blow_up", "facts.blow_up_in_mean",
    "facts.laws", "facts.losses", "facts.psi", "facts.compressors",
)  # fmt: skip
#: files with theorems of the literature whose derivations are written by hand
BY_HAND = ("literature.lower_bounds", "literature.weak_approximation")


def entries(listed: Sequence[str] = MODULES) -> dict[str, Theorem | Refutation]:
    """The entries of the files, by default all about the paper, by their ids."""
    by_id: dict[str, Theorem | Refutation] = {}
    for module in listed:
        for entry in import_module(f"sdescent.derive.theorems.{module}").ENTRIES:
            if entry.id in by_id:
                raise ValueError(f"two entries are called {entry.id}")
            by_id[entry.id] = entry
    return by_id


def of_plugins() -> list[tuple[str, Theorem | Refutation]]:
    """A pair (file name, entry) for each entry in the ENTRIES of the user's modules.

    Raises:
        BrokenPlugin: the ENTRIES of a module contain an object that is not an entry.
    """
    entries: list[tuple[str, Theorem | Refutation]] = []
    for module in modules():
        name = Path(module.__file__ or module.__name__).name
        listed = getattr(module, "ENTRIES", ())
        for entry in listed if isinstance(listed, tuple | list) else (listed,):
            if not isinstance(entry, Theorem | Refutation):
                cause = f"ENTRIES holds an object of class {type(entry).__name__}"
                raise BrokenPlugin(name, cause, "make it a tuple of sdescent.Theorem and sdescent.Refutation")
            entries.append((name, entry))
    return entries


def with_own() -> dict[str, Theorem | Refutation]:
    """Every entry by its id, first the catalogue's, then the user's.

    Raises:
        BrokenPlugin: as `of_plugins` raises it, or because another entry already has the id.
    """
    by_id = entries()
    for name, entry in of_plugins():
        if entry.id in files() or entry.id in entries(BY_HAND) or (entry.id in by_id and by_id[entry.id] is not entry):
            raise BrokenPlugin(name, f"the catalogue has {entry.id} already", "give your theorem another id")
        by_id[entry.id] = entry
    return by_id


def chosen(ids: Sequence[str] = (), field: str = "ID", also: str = "") -> list[Theorem | Refutation]:
    """The entries with these ids; all, if there are none. The message about a wrong id says what else the field accepts.

    Raises:
        BadInput: no entry has one of the ids.
        BrokenPlugin: as `with_own` raises it.
    """
    by_id, of_files = {**with_own(), **entries(BY_HAND)}, files()
    for id in ids:
        if id not in by_id and id not in of_files:
            some = ", ".join([*by_id][:6])
            raise unknown_name(field, id, [*by_id, *of_files], f"{also}ids of the catalogue, such as {some}")
    return [
        by_id[id] if id in by_id else recorded.entry(of_files[id]) for id in dict.fromkeys(ids or (*by_id, *of_files))
    ]


def _entry(id: str) -> Theorem | Refutation:
    file = files().get(id)
    return {**entries(), **entries(BY_HAND)}[id] if file is None else recorded.entry(file)


def _pickled(entry: Theorem | Refutation) -> Any:
    """Pickle a catalogue entry by its id, since pickle cannot write its derivation (a function), and any other by its fields."""
    named = entry.id in {**entries(), **entries(BY_HAND), **files()}
    return (_entry, (entry.id,)) if named and _entry(entry.id) is entry else entry.__reduce_ex__(4)


copyreg.pickle(Theorem, _pickled)  # pyright: ignore[reportArgumentType]
copyreg.pickle(Refutation, _pickled)  # pyright: ignore[reportArgumentType]

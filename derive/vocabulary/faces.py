"""The faces of packages: names that are imported when they are first used, and modules that are found under their former paths.

Importing a package costs nothing until a name of it is used (PEP 562), so that `sdescent --help` loads no SymPy. The imports
for editors and type checkers stand next to the call under `if TYPE_CHECKING`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, final


def face(
    package: str, homes: Mapping[str, Iterable[str]], former: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        homes: {module: names that are imported from it when they are used}.
        former: {last part of a former path: module}; `package.last` is the module in every form of import. A module that still
            stands there is loaded when it is asked for.

    Raises:
        AttributeError: (from `__getattr__`) the package has no such name.
    """
    where = {name: home for home, names in homes.items() for name in names}
    former = former or {}
    moved = {f"{package}.{last}": now for last, now in former.items() if now != f"{package}.{last}"}
    if moved:
        # before the file finder, which would make a second copy of a module in a package that has moved
        sys.meta_path.insert(0, _Moved(moved))

    def get(name: str) -> Any:
        if name in former:
            return import_module(f"{package}.{name}")
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(where[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(where)
    return get, lambda: names, names


@final
class _Moved:
    """Finds a module that has moved: the module under its new path, not a second copy of it.

    A finder and loader by its methods: the classes of `importlib.abc` would load a dozen modules with every import of a package.
    """

    def __init__(self, moved: Mapping[str, str]) -> None:
        self._moved = moved

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        loader: Any = self
        return None if self._now(fullname) is None else ModuleSpec(fullname, loader)

    def create_module(self, spec: ModuleSpec) -> None:
        """A module as the import system makes it."""

    def exec_module(self, module: ModuleType) -> None:
        # the import system hands on what stands in sys.modules when the loader is done
        sys.modules[module.__name__] = import_module(self._now(module.__name__) or "")

    def _now(self, name: str) -> str | None:
        """The path that a module has now: its own, or that of the package around it which has moved."""
        around, inside = name, ""
        while around not in self._moved:
            around, dot, last = around.rpartition(".")
            if not dot:
                return None
            inside = f".{last}{inside}"
        return self._moved[around] + inside

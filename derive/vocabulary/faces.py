"""The faces of packages: names that are imported when they are first used, and modules that are found under their former paths.

Importing a package costs nothing until a name of it is used (PEP 562), so that `sdescent --help` loads no SymPy. What an editor
should see stands beside the call under `if TYPE_CHECKING`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
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
        former: {last part of a former path: module}; `package.last` is the module in every form of import.

    Raises:
        AttributeError: (from `__getattr__`) the package has no such name.
    """
    where = {name: home for home, names in homes.items() for name in names}
    moved = {f"{package}.{last}": now for last, now in (former or {}).items()}
    if moved:
        sys.meta_path.append(_Moved(moved))

    def get(name: str) -> Any:
        if f"{package}.{name}" in moved:
            return import_module(f"{package}.{name}")
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(where[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(where)
    return get, lambda: names, names


@final
class _Moved(MetaPathFinder, Loader):
    """Finds a module that has moved: the one under its new path, not a second copy of it."""

    def __init__(self, moved: Mapping[str, str]) -> None:
        self._moved = moved

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self._moved else None

    def exec_module(self, module: ModuleType) -> None:
        # the import system hands on what stands in sys.modules when the loader is done
        sys.modules[module.__name__] = import_module(self._moved[module.__name__])

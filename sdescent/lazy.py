"""Lazy imports (PEP 562): a package's names are imported on first use, from the lines `from HOME import A as B` of its stub.

The stub is read line by line: parsing it, as the library lazy_loader does, would take longer than the rest of `import sdescent`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def attach(name: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for the module `name`, whose stub is next to `file`.

    `__getattr__` raises an AttributeError for a name that is not in the stub.
    """
    with open(f"{file}i", encoding="utf-8") as stub:  # pathlib would take longer than all the rest
        words = (line.split() for line in stub if line.startswith("from "))
        homes = {line[-1]: (line[1], line[3]) for line in words}

    def attribute(key: str) -> Any:
        if key not in homes:
            raise AttributeError(f"module {name!r} has no attribute {key!r}")
        home, original = homes[key]
        module = import_module(home)
        value = vars(module)[original] if original in vars(module) else import_module(f"{home}.{original}")
        return vars(sys.modules[name]).setdefault(key, value)

    return attribute, lambda: sorted(homes), sorted(homes)

"""The reference from the docstrings, by pdoc: `python -W error docs/reference.py [DIR]` (build/reference).

The packages load their names when these are first used (PEP 562), and pdoc looks only at what is loaded. So every module
is imported, and every name that a package offers is asked for, before pdoc begins.
"""

import sys
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import get_type_hints

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("sdescent", "benchmarks")


def modules() -> list[str]:
    """Names of all public modules of the packages; a program (`__main__`) is none."""
    found: list[str] = [*PACKAGES]
    for package in PACKAGES:
        inside = walk_packages([str(ROOT / package)], f"{package}.")
        found += [m.name for m in inside if not any(part.startswith("_") for part in m.name.split("."))]
    return found


def load(names: list[str]) -> None:
    """Import the modules, and put into each package what it loads lazily; its modules come after its names.

    Raises:
        AttributeError: a package offers a name that it does not have.
    """
    for name in names:
        import_module(name)
    for name in names:
        module = sys.modules[name]
        if not hasattr(module, "__getattr__"):
            continue
        offered = getattr(module, "__all__", None) or dir(module)
        for offer in offered:
            setattr(module, offer, getattr(module, offer))
        inner = [m.removeprefix(f"{name}.") for m in names if m.startswith(f"{name}.")]
        setattr(module, "__all__", list(dict.fromkeys([*offered, *(m for m in inner if "." not in m)])))  # noqa: B010


def resolve(names: list[str]) -> None:
    """Types in place of their names in generated constructors.

    That of a named tuple knows nothing of its module, that of a dataclass takes fields from a parent in another module.
    """
    for name in names:
        for member in list(vars(sys.modules[name]).values()):
            if not isinstance(member, type):
                continue
            if issubclass(member, tuple) and hasattr(member, "_fields"):
                member.__new__.__annotations__ = get_type_hints(member)
            elif is_dataclass(member) and "__init__" in vars(member):
                for parent in (p for p in member.__mro__[1:] if is_dataclass(p) and p.__module__ != member.__module__):
                    redefined = vars(member).get("__annotations__", {})
                    inherited = {key: kind for key, kind in get_type_hints(parent).items() if key not in redefined}
                    member.__init__.__annotations__ |= inherited


def build(folder: Path) -> list[str]:
    """Write one page a module; the names of the modules."""
    import pdoc
    import pdoc.render

    names = modules()
    load(names)
    resolve(names)
    pdoc.render.configure(docformat="google", math=True, show_source=True, footer_text="sdescent")
    pdoc.pdoc(*PACKAGES, output_directory=folder)
    return names


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(len(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/reference")), "modules")

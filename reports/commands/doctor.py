"""The command `doctor`: it reports what is installed on this machine, and which outputs need something that is missing."""

import platform
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import final

from sdescent.numerics.backend.processors import available
from sdescent.reports.store.files import one_line

_OK, _ABSENT, _MISSING = "ok", "absent", "MISSING"


@final
@dataclass(frozen=True)
class Diagnosis:
    """One line of the diagnosis: a thing, "ok", "absent" (optional) or "MISSING", and its version, or what to install."""

    name: str
    status: str
    detail: str


def run(as_json: bool) -> int:
    """`sdescent doctor`: print the findings and return 0 if nothing required is missing, else 1."""
    diagnoses = findings()
    sound = all(f.status != _MISSING for f in diagnoses)
    if as_json:
        from sdescent.reports.commands.report_derive_list import print_json

        print_json({"ok": sound, "findings": [asdict(f) for f in diagnoses]})
    else:
        width = max(len(f.name) for f in diagnoses)
        for f in diagnoses:
            print(f"{f.name:<{width}}  {f.status:<7}  {one_line(f.detail)}")
    return 0 if sound else 1


def findings() -> list[Diagnosis]:
    """All diagnoses, in the order in which they are printed."""
    good = sys.version_info >= (3, 11)
    return [
        Diagnosis("Python", _OK if good else _MISSING, platform.python_version() + ("" if good else "; needs 3.11 or newer")),
        *_packages(), *_extras(), _guarded("TeX", _tex), _guarded("pandoc", _pandoc),
        _guarded("Rocq", _rocq),
        Diagnosis("CPUs", _OK, f"{available()} usable"),
        _guarded("JAX devices", _devices), _guarded("JAX 64-bit", _x64), _guarded("JAX arithmetic", _arithmetic),
    ]  # fmt: skip


def _installed(name: str, label: str, status: str, remedy: str) -> Diagnosis:
    """The diagnosis of a distribution: its version, or `status` and `remedy` if it is not installed."""
    try:
        return Diagnosis(label, _OK, version(name))
    except PackageNotFoundError:
        return Diagnosis(label, status, remedy)


def _packages() -> list[Diagnosis]:
    project = _installed("sdescent", "sdescent", _MISSING, "not installed; run pip install in the clone")
    lines = requires("sdescent") or [] if project.status == _OK else []
    needed = [re.split(r"[\[<>=!~ ;]", line)[0] for line in lines if "extra ==" not in line]
    return [project, *(_installed(name, name, _MISSING, f"pip install {name}") for name in needed)]


def _extras() -> list[Diagnosis]:
    purposes = {
        "scikit-learn": ("data", "the experiments and the real data of the report"),
        "pypandoc_binary": ("html", "report.html"),
    }
    return [
        _installed(name, f"{name} (extra {extra})", _ABSENT, f"needed for {purpose}: pip install 'sdescent[{extra}]'")
        for name, (extra, purpose) in purposes.items()
    ]


def _tex() -> Diagnosis:
    from sdescent.reports.document.pdf import INSTALL_HINT, Absent, tex_packages_missing

    missing = tex_packages_missing()
    if isinstance(missing, Absent):
        return Diagnosis("TeX", _ABSENT, f"needed for report.pdf; {missing.message}")
    if missing:
        return Diagnosis("TeX", _ABSENT, f"needed for report.pdf: the packages {', '.join(missing)}. {INSTALL_HINT}")
    return Diagnosis("TeX", _OK, "pdflatex and all packages that the report uses")


def _pandoc() -> Diagnosis:
    import pypandoc

    return Diagnosis("pandoc", _OK, pypandoc.get_pandoc_version())


def _rocq() -> Diagnosis:
    from sdescent.derive.proof.rocq.installed import lacking

    missing = lacking()
    return Diagnosis("Rocq", _ABSENT if missing else _OK, missing or "coqc with mathcomp-analysis")


def _devices() -> Diagnosis:
    import jax

    devices = jax.devices()
    kinds = sorted({device.device_kind for device in devices})
    return Diagnosis("JAX devices", _OK, f"{len(devices)}: {', '.join(kinds)}")


def _x64() -> Diagnosis:
    import jax
    import jax.numpy as jnp

    import sdescent.numerics.backend.double  # noqa: F401 - switches on 64-bit numbers, as every computation here does first

    good = jnp.zeros(1).dtype == jnp.float64
    return Diagnosis("JAX 64-bit", _OK if good else _MISSING, "on" if good else f"off (jax {jax.__version__})")


def _arithmetic() -> Diagnosis:
    from sdescent.numerics.backend.compiler import check_plain, functions, narrowed

    check_plain()
    unused = "; not with wide vector registers, which are left unused" if narrowed() else ""
    return Diagnosis("JAX arithmetic", _OK, f"{len(functions())} elementary functions agree with NumPy{unused}")


def _guarded(name: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    # This command exists to report a broken installation, whatever exception it raises.
    try:
        return look()
    except Exception as error:
        detail = f"{error}" if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        return Diagnosis(name, _MISSING if name.startswith("JAX") else _ABSENT, detail)

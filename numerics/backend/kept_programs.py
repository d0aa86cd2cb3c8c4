"""Compiled programs that are kept on disk from one process to the next: JAX's own cache, in a folder of the user's.

To compile is half of what a short `solve` does. JAX's key of a program holds its text, its options and the versions; the name of
the folder holds the processor, for which the machine code is made: a home may be shared by machines of several kinds.

JAX writes a file where others read it, and never writes it again, so that one of a process that was killed meanwhile would stay
there cut off. Here each process has a folder of its own, with links to all programs that exist, and moves those that it made over
when it ends.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import tempfile
import time
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numerics.backend.processors import instruction_sets

#: "1" in the environment: this process and its workers keep programs; anything else: they do not
VARIABLE = "SDESCENT_KEEP_PROGRAMS"
#: seconds that a program takes to compile at least, bytes that all of them have at most
LEAST, MOST = 0.2, 2**27
#: seconds after which the folder of a process is taken for that of one that was killed
ABANDONED = 86_400.0
_OWN = "process-"
#: the least level at which XLA logs, and what JAX makes of it where it is not set, so that processes inherit it
_LOGGED, _OF_JAX = "TF_CPP_MIN_LOG_LEVEL", "1"
#: the folder of this process, and the names of the links that it began with
_begun: list[tuple[Path, frozenset[str]]] = []


def ask() -> None:
    """This process and its workers keep programs, unless the environment says otherwise; called before JAX is imported."""
    os.environ.setdefault(VARIABLE, "1")


def wanted() -> bool:
    """Whether the environment asks for kept programs."""
    return os.environ.get(VARIABLE) == "1"


def quiet() -> None:
    """Before JAX is imported: XLA logs no errors, where programs are kept; those that matter are raised, too.

    Of each program that it loads, XLA 0.10 logs that the processor lacks `prefer-no-gather`, which is advice to its compiler and
    not an instruction (jax-ml/jax issue 38445).
    """
    if wanted() and os.environ.get(_LOGGED, _OF_JAX) == _OF_JAX:
        os.environ[_LOGGED] = "3"


def begin(config: Any) -> None:
    """Programs are looked for in the user's folder from now on, and kept there at the end of the process.

    Nothing happens where the environment does not ask for it, where JAX has a folder already or no cache, or where the folder
    cannot be made or is not the user's alone: what is loaded from it is run.

    Args:
        config: `jax.config`.
    """
    if not wanted() or config.jax_compilation_cache_dir or not config.jax_enable_compilation_cache:
        return
    try:
        shared = folder()
        shared.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _private(shared):
            return
        _sweep(shared)
        own = Path(tempfile.mkdtemp(prefix=_OWN, dir=shared))
        there = [path.name for path in _programs(shared)]
        for name in there:
            with suppress(FileNotFoundError):  # another process has removed it meanwhile
                os.link(shared / name, own / name)
    except OSError:
        return
    _begun.append((own, frozenset(there)))
    atexit.register(store)
    warnings.filterwarnings("ignore", "Error writing persistent compilation cache entry")  # a full disk: it is compiled again
    config.update("jax_compilation_cache_dir", str(own))
    config.update("jax_persistent_cache_min_compile_time_secs", LEAST)
    config.update("jax_persistent_cache_enable_xla_caches", "none")  # they are of GPUs, and put the folder into the key


def folder() -> Path:
    """Where programs for this processor are kept."""
    from platformdirs import user_cache_path

    made_for = [platform.machine(), *instruction_sets(), version("jaxlib")]
    return user_cache_path("sdescent") / "programs" / hashlib.sha256("\n".join(made_for).encode()).hexdigest()[:16]


def store() -> None:
    """Move the programs that this process made to the others, and remove its folder; at its end, when nothing is compiled."""
    while _begun:
        own, there = _begun.pop()
        with suppress(OSError):
            for path in _programs(own):
                if path.name not in there:
                    os.replace(path, own.parent / path.name)
            _prune(own.parent)
        shutil.rmtree(own, ignore_errors=True)


def _programs(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_file() and not path.is_symlink()]


def _private(shared: Path) -> bool:
    found = shared.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _prune(shared: Path) -> None:
    """Remove the oldest programs, until there are at most `MOST` bytes."""
    room = MOST
    for found, path in sorted(((path.stat(), path) for path in _programs(shared)), key=lambda pair: -pair[0].st_mtime):
        room -= found.st_size
        if room < 0:
            path.unlink(missing_ok=True)


def _sweep(shared: Path) -> None:
    """Remove the folders of processes that were killed."""
    for path in shared.glob(f"{_OWN}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)

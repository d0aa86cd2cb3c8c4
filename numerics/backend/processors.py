"""The number of processors that a process may use, as its environment or the system allows, and the memory of the machine."""

import os
import platform
import sys
from pathlib import Path

from sdescent.derive.vocabulary.errors import BadInput

#: the environment variable for the number of processors, set for instance for a worker beside others
VARIABLE = "SDESCENT_PROCESSORS"


def processors() -> int:
    """The number of processors to use: the integer >= 1 of `VARIABLE` (else BadInput), or the number that the system allows."""
    text = os.environ.get(VARIABLE)
    if text is not None:
        if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) >= 1):
            raise BadInput(VARIABLE, text, "a whole number >= 1 in the environment, or nothing")
        return int(text)
    return available()


def available() -> int:
    """The number of processors that the system lets this process use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1  # macOS has no affinities


def memory() -> int:
    """The memory of the machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_memory(paths: int, numbers: int, width: int) -> None:
    """Raise BadInput unless `numbers` numbers of `width` bytes for each path (points, saved statistics) fit into memory."""
    needed, there, unit = paths * numbers * width, memory(), 2**30
    if needed > there:
        most = f"at most {int(there / (numbers * width))} here: a run keeps {numbers} numbers of each path"
        most += f", together {needed / unit:.4g} GiB"
        raise BadInput("paths", paths, f"{most}, and there are {there / unit:.3g} GiB of memory")


def instruction_sets() -> list[str]:
    """The name and instruction sets of the first processor (Linux), its name (macOS), or else the name that Python knows."""
    import subprocess

    try:
        if sys.platform == "darwin":
            words = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return [subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout]
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except (OSError, subprocess.SubprocessError):
        return [platform.processor()]
    return [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]

"""The function `load`, which reads any file that a command accepts."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sdescent.derive.reading.claims import Claim, read_claim
from sdescent.derive.reading.experiments import AuditFile, Experiment, read_audit, read_experiment
from sdescent.derive.reading.measurements import Measurement, read_measurement
from sdescent.derive.reading.problems import SOLVING, Problem, read_problem
from sdescent.derive.reading.sweeps.files import Sweep, read_sweep
from sdescent.derive.reading.toml_file import read_keys, read_table
from sdescent.derive.theorems.bounds.stated import KEYS, Stated, read_stated
from sdescent.derive.theorems.performance import statement as performance


def load(path: str | Path) -> Claim | Stated | AuditFile | Experiment | Measurement | Problem | Sweep | dict[str, Any]:
    """Read a TOML file; its keys determine which command it is for.

    | keys | result | for |
    |---|---|---|
    | claim, no method | `Claim` | `sd.claim` |
    | method, assume, claim | `Stated`, a theorem about a method | `sd.prove` |
    | performance or per_step | its fields, a dictionary | the command `suggest --steps` |
    | method, assume | its fields, a dictionary | `sd.suggest` |
    | [claimed] | `AuditFile` | the command `audit` |
    | [sweep] | `Sweep` | the command `sweep` |
    | sampling, batch | `Measurement` | the command `measure` |
    | save, discrete, dt, substeps, dtype or chunk | `Experiment` | the command `solve` |
    | others | `Problem` | the commands `report` and `solve` |

    Raises:
        BadInput: the file is not TOML, has an unknown key, or has a field with a wrong value.
        OSError: the file cannot be read.

    Example:
        >>> import sdescent as sd
        >>> from pathlib import Path
        >>> _ = Path("young.toml").write_text('variables = ["a", "b"]\\nassume = []\\nclaim = "2*a*b <= a^2 + b^2"\\n')
        >>> sd.claim(sd.load("young.toml")).status
        'PROVED'
    """
    return reader(read_table(path))(path)


def reader(keys: Iterable[str]) -> Callable[[str | Path], Any]:
    """The function that reads a file with the given keys, as listed in `load`."""
    keys = set(keys)
    if "claim" in keys and "method" not in keys:
        return read_claim
    if {"performance", "per_step"} & keys:
        return lambda path: read_keys(path, performance.KEYS)
    if {"method", "assume"} <= keys and "claims" not in keys:
        return read_stated if "claim" in keys else lambda path: read_keys(path, KEYS)
    if "sweep" in keys:
        return read_sweep
    if "claimed" in keys:
        return read_audit
    if {"sampling", "batch"} & keys:
        return read_measurement
    return read_experiment if keys & set(SOLVING) else read_problem

"""Files of sweeps, for tests."""

from pathlib import Path

from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.sweeps.plans import Sweep

BASE = """
method = "dsgd"
noise = "student-t:nu=5,sigma=1"
loss = "quadratic:h=1|2"
clients = 4
x0 = [1, -1]
T = 2
eta = 0.1
paths = 100
models = ["first-order"]
save = 5
"""


def swept(folder: Path, text: str, *overrides: str, base: str = BASE) -> Sweep:
    """The sweep of a file with this text after the fields of `base`."""
    path = folder / "sweep.toml"
    path.write_text(f"{base}\n{text}", encoding="utf-8")
    return read_sweep(path, overrides)

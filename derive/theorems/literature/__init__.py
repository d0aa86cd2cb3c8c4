"""Theorems of the literature, each a theorem file (docs/howto/own-theorem.md) with the certificate of its proof beside it.

`python tests/derive/theorems/test_literature.py` proves the files that have no certificate and writes one.
"""

from pathlib import Path


def files() -> dict[str, Path]:
    """The theorem files, by the ids of the theorems."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}

"""What is missing on this machine to check exported files with Rocq."""

import shutil
import subprocess
from pathlib import Path

NO_COQC = "coqc is not on the PATH: install Rocq (on Debian: apt-get install coq libcoq-interval)"
NO_ANALYSIS = (
    "coqc lacks mathcomp-analysis, which files about a probability space need (on Debian: apt-get install"
    " libcoq-mathcomp-analysis)"
)


def lacking() -> str:
    """What is missing to check exported files, in one line, and the command that installs it; empty if nothing is."""
    coqc = shutil.which("coqc")
    if coqc is None:
        return NO_COQC
    where = subprocess.run([coqc, "-where"], capture_output=True, text=True, check=True).stdout.strip()
    return "" if Path(where, "user-contrib/mathcomp/analysis/probability.vo").exists() else NO_ANALYSIS

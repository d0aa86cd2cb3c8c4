"""Mutants of all steps of the catalogue, all or a share of them: `python -m tests.support.mutation [SHARE]`."""

import sys

from tests.support.mutation.mutants import steps
from tests.support.mutation.trials import run

if __name__ == "__main__":
    report = run(range(len(steps())), 0.15, 150, float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    print(report.summary())
    sys.exit("\n".join(map(str, report.wrong)) or None)

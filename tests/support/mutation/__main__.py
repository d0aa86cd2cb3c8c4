"""All mutants of all steps of the catalogue: `python -m tests.support.mutation`, some twenty minutes on two cores."""

from __future__ import annotations

import sys

from tests.support.mutation.trials import run_all

if __name__ == "__main__":
    report = run_all(0.15, 150)
    print(report.summary())
    sys.exit("\n".join(map(str, report.wrong)) or None)

"""`python -m tests.support.fuzz --count N --seed S [--first K] [--only KIND]`: see the package."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial

from tests.support.fuzz.certificates import certificate
from tests.support.fuzz.claims import claim, claim_apart
from tests.support.fuzz.specs import command, spec
from tests.support.fuzz.watch import cases

#: kind -> its cases, and the share of all cases that it has unless it is asked for alone
KINDS = {
    "certificates": (certificate, 0.20),
    "specs": (spec, 0.74),
    "claims": (claim, 0.052),
    "claims-apart": (claim_apart, 0.003),
    "commands": (command, 0.005),
}


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.support.fuzz", description=__doc__)
    options.add_argument("--count", type=int, default=1000, help="cases of all kinds together")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--first", type=int, default=0, help="the number of the first case of each kind")
    options.add_argument("--only", choices=KINDS, action="append", help="a kind (repeatable)")
    asked = options.parse_args()
    chosen = {kind: KINDS[kind] for kind in asked.only or KINDS}
    whole, failed = sum(share for _, share in chosen.values()), False
    for kind, (case, share) in chosen.items():
        begun, worked = time.monotonic(), time.process_time()
        found = cases(
            kind, case, asked.seed, asked.first, max(1, round(asked.count * share / whole)), partial(print, flush=True)
        )
        print(
            f"{kind}: {found.line()}; {time.process_time() - worked:.0f} s of {time.monotonic() - begun:.0f} s",
            flush=True,
        )
        failed |= bool(found.faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Entries of the catalogue compared with numbers by the checks that they declare, and claims that say too much."""

from typing import Any

from sdescent.derive.proof.language.terms import Relation, fn, num
from sdescent.derive.theorems.catalogue import entries
from sdescent.numerics.evidence.checks.formulas import Verified
from sdescent.numerics.evidence.verify import CHECKS


def compared(id: str, kind: str | None = None, **more: Any) -> list[Verified]:
    """The first check of an entry's evidence, or of that of this kind, with other options where these are given."""
    evidence = next(e for e in entries()[id].evidence if kind in (None, e.kind))
    return CHECKS[evidence.kind][0](id, **(dict(evidence.options) | more))


def stricter(claim: Relation, share: str = "1/10") -> Relation:
    """A share of |right side| taken off the right side."""
    return Relation((claim.op, claim.left, claim.right - fn("abs", claim.right) * num(share)))

"""Theory 6.1, [S] v1: D(C)SGD in the first-order model."""

from __future__ import annotations

from derive.theorems.unbiased.dcsgd import pair

ENTRIES = pair("first-order", "6.1", "first-order", "theory 6.1; arXiv 2506.00181v1; the parameter κ is ours")

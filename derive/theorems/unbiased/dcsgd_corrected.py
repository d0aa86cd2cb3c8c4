"""Theory 6.2, [S] v2 Theorem 4.2: D(C)SGD in the corrected model. Its expectation form is refuted in dcsgd_expectation.py."""

from __future__ import annotations

from derive.theorems.unbiased.dcsgd import pair

ENTRIES = pair(
    "corrected", "6.2", "corrected", "theory 6.2; arXiv 2506.00181v2, Theorem 4.2; the parameter κ is ours"
)

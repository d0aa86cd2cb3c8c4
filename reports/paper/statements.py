"""All claims of the report on the paper. A new claim is an entry of `paper_claims` or `other_claims`; its status is computed."""

from __future__ import annotations

from reports.paper.other_claims import OTHERS
from reports.paper.paper_claims import PAPER

GROUPS = (*PAPER, *OTHERS)

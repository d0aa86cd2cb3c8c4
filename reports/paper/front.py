"""The first page of the report, with the verdicts on the paper's claims, and its last section, with the works that it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

from sdescent.reports.claims.verdicts import Group
from sdescent.reports.paper.bibliography import bibtex, references
from sdescent.reports.paper.ledger_claims import FOLLOWED, GROUPS
from sdescent.reports.sections.appendix import Appendix
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.first_page import Ledger
from sdescent.reports.store.files import write_atomic


@final
class Front(Ledger):
    """The claims of the paper and others, with how closely the equations of the last table follow their methods."""

    followed = FOLLOWED

    def groups(self, problem: Any) -> tuple[Group, ...]:
        return GROUPS


@final
class BackMatter(Appendix):
    """The appendix with references."""

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {**super().compute(context), "references": references()}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        """Write references.bib next to the report."""
        write_atomic(folder.parent / "references.bib", bibtex())

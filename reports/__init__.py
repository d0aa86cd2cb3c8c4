"""The command line, the LaTeX printer, figures and the report. Loads nothing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

_FORMER = {
    "figures": "reports.document.figures",
}
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(__name__, {}, _FORMER)

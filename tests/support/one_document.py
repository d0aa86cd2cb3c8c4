"""The compilation of a single document."""

from pathlib import Path
from typing import Any

from sdescent.reports.document.pdf import Absent, CompileResult, compile_together


def compile_tex(main: Path, **options: Any) -> CompileResult | Absent:
    """`compile_together` for one document."""
    compiled = compile_together([main], **options)
    return compiled if isinstance(compiled, Absent) else compiled[0]

"""Figures of an unchanged result are not drawn again; what is missing, changed, or of another result is."""

from pathlib import Path
from typing import Any

import pytest

from sdescent.reports.assembly.section_processes import draw
from sdescent.reports.sections.base import Inputs, Section


class Drawn(Section):
    """Writes one figure and one certificate, and counts how often."""

    name, title = "drawn", "Drawn"

    def __init__(self) -> None:
        self.times = 0

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        self.times += 1
        for path in (folder / "a.pdf", folder.parent / "certificates" / "a.json"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{result['value']}")


def test_an_unchanged_result_is_drawn_once(tmp_path: Path) -> None:
    section = Drawn()
    assert draw(section, {"value": 1}, tmp_path, "key")
    assert not draw(section, {"value": 1}, tmp_path, "key")
    assert section.times == 1
    assert draw(section, {"value": 2}, tmp_path, "other")
    assert (tmp_path / "figures" / "a.pdf").read_text() == "2" and section.times == 2


@pytest.mark.parametrize(
    ("name", "remove"), [("figures/a.pdf", True), ("certificates/a.json", False), ("results/drawn-drawn.json", False)]
)
def test_what_is_missing_or_changed_is_drawn_again(tmp_path: Path, name: str, remove: bool) -> None:
    section = Drawn()
    draw(section, {"value": 1}, tmp_path, "key")
    if remove:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text("[]")
    assert draw(section, {"value": 1}, tmp_path, "key")
    assert (tmp_path / "figures" / "a.pdf").read_text() == (tmp_path / "certificates" / "a.json").read_text() == "1"

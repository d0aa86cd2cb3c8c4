"""Figures: the font, ticks that would overlap, pixels; planted faults of a figure, each of which the check of all figures finds."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.agl import UV2AGL
from matplotlib import font_manager
from matplotlib.mathtext import MathTextParser
from PIL import Image

from sdescent.reports.document import figures
from sdescent.reports.document.figures import as_text, figure, filled, legend, logarithmic
from sdescent.reports.document.tex import _MATHS_TEX
from sdescent.reports.paper.page_one import draw_gradient, draw_stable_steps, relative
from tests.support.figure_faults import faults


def sound() -> Any:
    picture, axes = plt.subplots(1, 2, figsize=(6, 2), layout="constrained")
    axes[0].plot([0, 1], [0, 1], label="method")
    axes[1].imshow([[0, 1], [1, 0]], aspect="auto")
    axes[0].set_ylabel("loss")
    for axis in axes:
        axis.set_xlabel("step")
        axis.set_title("in words")
    return picture


def _empty(picture: Any) -> None:
    picture.axes[0].lines[0].set_data([5, 6], [5, 6])


MUTANTS: dict[str, Callable[[Any], object]] = {
    "overlap: '0.10' and '0.11'": lambda p: p.axes[0].set_xticks([0.1, 0.11]),
    "overlap: 'over it' and 'in words'": lambda p: p.text(*p.axes[0].title.get_window_extent().p0 / p.bbox.size, "over it"),
    "no data: panel 'in words'": _empty,
    "no data: panel 'in wordS'": lambda p: (p.axes[1].set_title("in wordS"), p.axes[1].images[0].set_data(np.ones((2, 2)))),
    "no label: x": lambda p: p.axes[1].set_xlabel(""),
    "no label: y": lambda p: p.delaxes(p.axes[0]),
    "small: 'step'": lambda p: p.axes[0].xaxis.label.set_fontsize(5.9),
    "an id: '6.3-low-scheduled'": lambda p: p.axes[0].set_title("6.3-low-scheduled"),
    "cut off: 'a legend": lambda p: p.text(0.9, 0.5, "a legend that is too wide for it"),
    "6.60 inches wide": lambda p: p.set_figwidth(6.6),
}  # fmt: skip


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_check_of_all_figures_finds_a_planted_fault(fault: str) -> None:
    picture = sound()
    assert faults(picture) == []
    MUTANTS[fault](picture)
    complaints = faults(picture)
    plt.close(picture)
    assert len(complaints) == 1 and complaints[0].startswith(fault)


def test_characters_that_the_font_has_in_other_places_are_set_as_mathematics() -> None:
    font = font_manager.get_font(font_manager.findfont("cmr10"))
    places, quotes = font.get_charmap(), "'\"`^~"  # typographic quotes and accents, which read as the plain ones
    other = {chr(n) for n in range(33, 127) if font.get_glyph_name(places[n]) != UV2AGL[n]}
    assert other == set("<>|_{}\\") | set(quotes) and all("$" in as_text(c) for c in other - set(quotes))
    assert as_text("a_b $") == r"a$\_$b \$" and filled("A smaller κ keeps", 10) == "A smaller\n$\\kappa$ keeps"
    for words in ("".join(map(chr, range(32, 127))), "L₀ and x⁴", *_MATHS_TEX):
        MathTextParser("path").parse(as_text(words))  # raises where it has a name that it does not know


def test_a_figure_has_the_documents_font_and_labels_that_do_not_overlap(tmp_path: Path) -> None:
    with figure(tmp_path, "f", size=(2.0, 1.5), suffixes=("pdf", "svg", "png")) as (axis,):
        axis.plot([0.1, 0.9], [1e-9, 1e5], label="corrected")
        axis.set_xticks([0.1, 0.101, 0.102, 0.5, 0.88, 0.9])
        logarithmic(axis)
        axis.set_xlabel("-1 < x")
        axis.set_ylabel("loss")
        legend([axis])
    labels = [label.get_text() for label in axis.get_xticklabels() if label.get_visible()]
    assert len(labels) == 3 and [text.get_text() for text in axis.figure.legends[0].get_texts()] == ["corrected model"]
    content = (tmp_path / "f.pdf").read_bytes()
    assert b"Cmr10" in content and b"DejaVu" not in content and b"/Type3" not in content
    with Image.open(tmp_path / "f.png") as image:
        assert image.size == (2.0 * 300, 1.5 * 300)


STEPS = {
    "quadratic": {"method": 1.6, "first-order": 2.4, "second-order": None, "corrected": 1.6},
    "quartic": {"method": 2.0, "first-order": None, "second-order": None, "corrected": 0.7},
}
WIDE = {"quadratic": {"method": 1e-3, "first-order": 1e-6, "corrected": 40.0}}


@pytest.mark.parametrize("steps", [STEPS, WIDE, {"cosh": {"method": 1.0, "a model": 1.0}}])
def test_stable_steps_are_drawn_relative_to_the_methods(
    tmp_path: Path, steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, write = [], figures.write
    monkeypatch.setattr(figures, "write", lambda picture, *rest: (drawn.append(picture), write(picture, *rest)))
    draw_stable_steps(tmp_path, steps)
    (picture,) = drawn
    (axis,) = picture.axes
    every, end = [], axis.get_xlim()[1]
    for of in steps.values():
        every += [end if step is None else step / of["method"] for name, step in of.items() if name != "method"]
    assert [line.get_xdata()[0] for line in axis.lines if len(line.get_xdata()) == 1] == pytest.approx(every)
    assert [text.get_text() for text in axis.texts] == ["no limit"] * (end in every)
    names = dict.fromkeys(name for of in steps.values() for name in of if name != "method")
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "the paper's" if name == "corrected" else name for name in names
    ]


def test_a_step_is_relative_to_the_methods_which_is_finite() -> None:
    ratios = relative("quadratic", STEPS["quadratic"])
    assert ratios == {"first-order": pytest.approx(1.5), "second-order": None, "corrected": 1.0}
    with pytest.raises(ValueError, match=r"on cosh .* leave this loss out"):
        draw_stable_steps(Path("unused"), {"cosh": {"method": None}})


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_the_gradient_is_drawn_with_its_interval_and_the_claim(tmp_path: Path, scale: float) -> None:
    times = [k / 2 for k in range(9)]
    draw_gradient(tmp_path, times, [scale * (2 + math.exp(-t)) for t in times], 0.3 * scale, 0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["front-gradient.pdf", "front-gradient.svg"]

"""Faults of a figure: texts over each other or cut off, panels without data, axes without a label, identifiers."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from sdescent.reports.document.figures import WIDTH

#: points; smaller letters are hard to read on paper
SMALLEST = 6.0
#: the id of an entry of the catalogue, such as 6.3-low-scheduled
_ID = re.compile(r"\d(\.\d+)?-[a-z]\w*(-\w+)*")
_TOUCH = 1.0  # pixels by which two boxes may overlap: a box has some room around its letters


def faults(picture: Any, widest: float = WIDTH) -> list[str]:
    """The faults of a figure as it is drawn; [] if there are none.

    Args:
        picture: a figure of matplotlib.
        widest: the width in inches that it may have.
    """
    picture.draw_without_rendering()
    seen = list(_texts(picture))
    boxes = [(text.get_text(), text.get_window_extent()) for text in seen]
    frame = picture.bbox.padded(_TOUCH)
    every = [
        [f"{picture.get_figwidth():.2f} inches wide"] if picture.get_figwidth() > widest + 0.01 else [],
        [f"small: {text.get_text()!r}" for text in seen if text.get_fontsize() < SMALLEST],
        [f"an id: {text.get_text()!r}" for text in seen if _ID.fullmatch(text.get_text())],
        [f"cut off: {words!r}" for words, box in boxes if not (frame.contains(*box.min) and frame.contains(*box.max))],
        [f"overlap: {a!r} and {b!r}" for (a, one), (b, two) in itertools.combinations(boxes, 2) if _overlap(one, two)],
    ]
    panels = [axis for axis in picture.axes if axis.get_visible()]
    for axis in panels:
        every.append([f"no data: panel {axis.get_title()!r}"] if _is_empty(axis) else [])
        every.append([f"no label: {letter} of {axis.get_title()!r}" for letter in _unlabelled(axis, panels)])
    return list(itertools.chain.from_iterable(every))


def _ticks(axis: Any) -> list[Any]:
    low, high = sorted(axis.get_view_interval())
    return [
        tick.label1 if tick.label1.get_visible() else tick.label2
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if low - 1e-9 * abs(low) <= tick.get_loc() <= high + 1e-9 * abs(high)
        and (tick.label1.get_visible() or tick.label2.get_visible())
    ]


def _texts(picture: Any) -> Iterator[Any]:
    """The texts that are drawn."""
    legends = [*picture.legends]
    texts = [*picture.texts]
    for axis in (axis for axis in picture.axes if axis.get_visible()):
        legends += [axis.get_legend()] if axis.get_legend() else []
        texts += [axis.title, axis._left_title, axis._right_title, *axis.texts]
        for one in (axis.xaxis, axis.yaxis):
            texts += [one.label, one.get_offset_text(), *_ticks(one)]
    for legend in legends:
        texts += [legend.get_title(), *legend.get_texts()]
    yield from (text for text in texts if text.get_visible() and text.get_text().strip())


def _overlap(one: Any, two: Any) -> bool:
    across = min(one.x1, two.x1) - max(one.x0, two.x0)
    up = min(one.y1, two.y1) - max(one.y0, two.y0)
    return across > _TOUCH and up > _TOUCH


def _is_bar(axis: Any) -> bool:
    return axis.get_label() == "<colorbar>"


def _is_empty(axis: Any) -> bool:
    """Whether no number of the panel is within its frame."""
    if _is_bar(axis):
        return False
    points = [
        np.column_stack([line.get_xdata(), line.get_ydata()])
        for line in axis.lines
        if line.get_transform() == axis.transData
    ]
    for collection in axis.collections:
        if (values := collection.get_array()) is not None and np.ma.count(np.ma.masked_invalid(values)):
            return False  # a map with coloured cells
        points += [path.vertices for path in collection.get_paths()]
        points.append(np.asarray(collection.get_offsets(), float))
    points += [patch.get_patch_transform().transform(patch.get_path().vertices) for patch in axis.patches]
    if axis.images:  # a map of a single colour shows nothing
        return not any(len(set(np.ma.masked_invalid(image.get_array()).compressed())) > 1 for image in axis.images)
    if not points:
        return True
    places = np.concatenate([np.asarray(p, float).reshape(-1, 2) for p in points])
    (left, right), (low, high) = sorted(axis.get_xlim()), sorted(axis.get_ylim())
    x, y = places.T
    return not np.any((left <= x) & (x <= right) & (low <= y) & (y <= high))


def _unlabelled(axis: Any, panels: list[Any]) -> list[str]:
    """The letters of axes with numbers but without a label, here or at the left end of the row or below in the column."""
    if _is_bar(axis):
        return [] if axis.get_xlabel() or axis.get_ylabel() else ["bar"]
    place = axis.get_position()
    row = [p for p in panels if abs(p.get_position().y0 - place.y0) < 0.01 and p.get_position().x0 <= place.x0]
    column = [p for p in panels if abs(p.get_position().x0 - place.x0) < 0.01 and p.get_position().y0 <= place.y0]
    labelled = {"x": any(p.get_xlabel() for p in column), "y": any(p.get_ylabel() for p in row)}
    return [letter for letter, has in labelled.items() if not has]

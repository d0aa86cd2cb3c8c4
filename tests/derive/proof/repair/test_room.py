"""Whether the assumptions of a repair leave room: points inside them, and not on their edges alone."""

from __future__ import annotations

import pytest

from sdescent.derive.proof.language.terms import Relation, num, x
from sdescent.derive.proof.refute.exact import Values
from sdescent.derive.proof.repair.smallest import _model

t = x("t")


@pytest.mark.parametrize(
    ("assume", "room"),
    [([t.ge(0)], True), ([t.ge(0), t.le(1)], True), ([t.ge(0), t.le(0)], False), ([((t - 1) ** 2).le(0)], False)],
    ids=["half a line", "an interval", "a point", "a square"],
)
def test_a_point_inside_is_told_from_one_on_the_edge(assume: list[Relation], room: bool) -> None:
    point, wide = _model(("t",), assume)
    assert point is not None and wide is room
    assert all(Values(point).holds(a) for a in assume)


def test_where_nothing_satisfies_the_assumptions_there_is_no_point() -> None:
    assert _model(("t",), [t.ge(1), t.le(num(0))], 0.2) == (None, False)

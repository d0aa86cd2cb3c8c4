"""Points that are read by their numbers alone are those that are read as a whole."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.reading.experiments import experiment
from sdescent.derive.reading.toml_file import Decimal, as_written
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import entries
from sdescent.numerics.studies import members as reading
from sdescent.numerics.studies.members import Member, member, members
from tests.numerics.studies.test_together import BASE

#: a value of each key, and two others, which every domain among the built-in pieces contains
VALUES = {"k": (1, 2, 1), "s": (1, 2, 3), "alpha": ("3/2", "5/4", 1), "nu": ("5/2", 3, 7)}
OTHERS = ("1/2", "3/4", 1)


def same(a: Member, b: Member) -> bool:
    """Whether two points are solved alike, and written alike."""
    mine, others = ((m.family, m.numbers, m.shared, m.written, m.width, m.like.kinds) for m in (a, b))
    return mine == others and a.experiment().to_dict() == b.experiment().to_dict()


def points(kind: str) -> list[list[dict[str, Any]]]:
    """Three points each of every built-in piece of this kind with numbers, which differ in these numbers."""
    found = []
    for entry in entries(kind).values():
        keys = [p.name for p in entry.parameters]
        if not keys or entry.owner is not None:
            continue
        specs = [entry.name + ":" + ",".join(f"{key}={VALUES.get(key, OTHERS)[n]}" for key in keys) for n in range(3)]
        method = "dcsgd" if kind == "compressor" else "dsgd"
        base = {name: value for name, value in BASE.items() if method == "dcsgd" or name != "compressor"}
        found.append([{**base, "method": method, "models": [], kind: spec} for spec in specs])
    return found


@pytest.mark.parametrize("kind", ["noise", "compressor"])
def test_a_point_by_its_numbers_is_the_point_read_as_a_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[dict[str, Any]] = []
    monkeypatch.setattr(reading, "experiment", lambda fields: read.append(fields) or experiment(fields))
    counted = []
    for listed in points(kind):
        whole = [member(experiment(fields)) for fields in listed]
        read.clear()
        found = members(listed)
        counted.append(len(read))
        assert all(map(same, found, whole)), listed
    assert counted and set(counted) == {1}


@pytest.mark.parametrize(
    "other",
    [
        {"noise": "student-t:nu=0,sigma=1/2"}, {"noise": "student-t:nu=x,sigma=1/2"}, {"noise": "student-t:nu=noiseNu,sigma=1/2"},
        {"compressor": "bernoulli:p=compressorP"}, {"T": 1.0}, {"T": Decimal("1.0")}, {"noise": "student-t:nu=5,sigma=0"},
        {"noise": "student-t:nu=5"}, {"noise": "gaussian:sigma=1"}, {"noise": "student-t:nu=5,sigma=1|2"}, {"noise": 3},
        {"compressor": "bernoulli:p=2"}, {"compressor": "rand-k:k=1"}, {"compressor": "bernoulli"}, {"compressor": None},
        {"seed": 1}, {"seed": True}, {"paths": 41}, {"x0": [1, -2]}, {"eta": "1/20"}, {"clients": 3}, {"loss": "quadratic:h=1|3"},
        {"models": []}, {"save": 4}, {"dtype": "float32"}, {"method": "dsgd"},
    ],
    ids=str,
)  # fmt: skip
def test_what_else_differs_is_seen(other: dict[str, Any]) -> None:
    """Each point, between two others, is the one read as a whole, or is refused with the same words."""
    near = {"noise": "student-t:nu=7/2,sigma=3"}
    listed = [BASE, {**BASE, **near}, {**BASE, **near, **other}, {**BASE, "noise": "student-t:nu=4,sigma=1"}]
    try:
        with as_written():
            whole = [member(experiment(fields)) for fields in listed]
    except BadInput as error:
        with pytest.raises(BadInput) as raised:
            members(listed)
        assert str(raised.value) == str(error)
    else:
        assert all(map(same, members(listed), whole))


def test_a_float_is_not_a_decimal_though_it_is_written_alike() -> None:
    with pytest.raises(BadInput, match="T"):
        members([{**BASE, "T": Decimal("1.0")}, {**BASE, "T": 1.0, "noise": "student-t:nu=4,sigma=1"}])


def test_a_compressor_that_does_not_exist_in_the_dimension_is_refused() -> None:
    listed = [{**BASE, "compressor": f"rand-k:k={k}"} for k in (1, 2, 3)]
    assert [m.numbers["compressorK"] for m in members(listed[:2])] == [1.0, 2.0]
    with pytest.raises(BadInput, match="k"):
        members(listed)


def test_the_numbers_are_those_of_the_point() -> None:
    listed = [{**BASE, "noise": f"student-t:nu={nu},sigma={sigma}"} for nu in (3, 4) for sigma in ("1/3", 2)]
    found = [(m.numbers["noiseNu"], m.numbers["noiseSigma"]) for m in members(listed)]
    assert found == [(nu, float(Fraction(sigma))) for nu in (3, 4) for sigma in ("1/3", 2)]
    assert [m.written["noise"] for m in members(listed)][1] == "student-t:nu=3,sigma=2"

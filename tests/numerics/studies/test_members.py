"""Points that are read by their numbers alone are those that are read as a whole."""

from typing import Any

import pytest

from sdescent.derive.reading.experiments import experiment
from sdescent.derive.reading.toml_file import Decimal, as_written
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.studies import together as reading
from sdescent.numerics.studies.together import Member, member, members
from tests.numerics.studies.test_together import BASE


def same(a: Member, b: Member) -> bool:
    """Whether two points are solved alike, and written alike."""
    mine, others = ((m.family, m.numbers, m.shared, m.written, m.width, m.like.kinds) for m in (a, b))
    return mine == others and a.experiment().to_dict() == b.experiment().to_dict()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("noise", ("student-t:nu=5/2,sigma=1/2", "student-t:nu=3,sigma=3/4", "student-t:nu=7,sigma=1")),
        ("noise", ("affine:sigma0=1/2,sigma1=1/2", "affine:sigma0=1,sigma1=3/4")),
        ("noise", ("stable:alpha=3/2,sigma=1", "stable:alpha=1,sigma=2")),
        ("compressor", ("rand-k:k=1", "rand-k:k=2")),
        ("compressor", ("bernoulli:p=1/2", "bernoulli:p=3/4")),
    ],
)  # fmt: skip
def test_a_point_by_its_numbers_is_the_point_read_as_a_whole(
    name: str, values: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first point alone is read as a whole."""
    listed = [{**BASE, "models": [], name: value} for value in values]
    whole = [member(experiment(fields)) for fields in listed]
    read: list[dict[str, Any]] = []
    monkeypatch.setattr(reading, "experiment", lambda fields: read.append(fields) or experiment(fields))
    by_numbers = members(listed)
    assert len(read) == 1 and all(map(same, by_numbers, whole))


@pytest.mark.parametrize(
    "other",
    [
        {"noise": "student-t:nu=0,sigma=1/2"}, {"noise": "student-t:nu=noiseNu,sigma=1/2"}, {"T": 1.0}, {"T": Decimal("1.0")},
        {"noise": "student-t:nu=5,sigma=0"}, {"noise": "gaussian:sigma=1"}, {"noise": "student-t:nu=5,sigma=1|2"}, {"noise": 3},
        {"compressor": "bernoulli:p=2"}, {"compressor": "rand-k:k=1"}, {"compressor": None}, {"seed": True}, {"paths": 41},
        {"eta": "1/20"}, {"clients": 3}, {"loss": "quadratic:h=1|3"}, {"models": []}, {"method": "dsgd"},
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


def test_a_compressor_that_does_not_exist_in_the_dimension_is_refused() -> None:
    listed = [{**BASE, "compressor": f"rand-k:k={k}"} for k in (1, 2, 3)]
    assert [m.numbers["compressorK"] for m in members(listed[:2])] == [1.0, 2.0]
    with pytest.raises(BadInput, match="k"):
        members(listed)

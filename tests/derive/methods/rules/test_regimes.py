"""What a regime may say, and what it may not without an answer."""

from typing import Any

import pytest

from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import BadInput

UPDATE = ("m = b*m + (1-b)*N*G", "x = x - eta*m")


def ruled(regime: dict[str, str], memory: Any = (("m", 0),)) -> Method:
    return Method(memory=memory, update=UPDATE, clients=1, regime=regime)


@pytest.mark.parametrize(
    "regime, value",
    [
        ({"eta": "eta^2"}, "eta"), ({"c": "1 - r*eta"}, "c"), ({"b": "1 - r*eta", "r": "2*eta"}, "r"),
        ({"b": "1 - m*eta"}, "m"), ({"b": "1 - k*eta"}, "k"), ({"m": "m*G"}, "G"), ({"x": "x*eta"}, "x"),
    ],
)  # fmt: skip
def test_a_regime_substitutes_constants_by_constants(regime: dict[str, str], value: str) -> None:
    """Anything else would be dropped, or read as a constant of the same name."""
    with pytest.raises(BadInput) as refused:
        ruled(regime)
    assert refused.value.value == value


def test_a_memory_letter_has_one_start() -> None:
    with pytest.raises(BadInput, match="each letter once"):
        ruled({"b": "1 - r*eta"}, (("m", 0), ("m", 1)))


def test_what_a_regime_may_say() -> None:
    method = ruled({"b": "1 - r*eta", "m": "m/sqrt(eta)"})
    assert [name for name, _ in method.constants] == ["r"]


@pytest.mark.parametrize("time", ["eta^3", "1/eta", "1 + eta"])
def test_the_root_of_a_step_s_time_is_one_of_eta(time: str) -> None:
    with pytest.raises(BadInput) as refused:
        Method(memory=(("m", 0),), update=UPDATE, clients=1, regime={"b": "1 - r*eta"}, time=time)
    assert refused.value.field == "time"

"""The order in which the assignments of an update rule are evaluated, and what is evaluated once for all clients."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.methods.rules.update import Operators, Rule, evaluate
from sdescent.derive.vocabulary.errors import BadInput


class Numbers(Operators):
    """Numbers of one coordinate and two clients; a draw adds its number and ten times its client's to its argument."""

    def __init__(self) -> None:
        self.seen = Counter[Any]()

    def number(self, value: Fraction) -> float:
        return float(value)

    def letter(self, name: str) -> float:
        return {"x": 1.0, "m": 2.0, "eta": 0.5}[name]

    def function(self, name: str, arguments: Any) -> float:
        self.seen[name] += 1
        return max(arguments)

    def drawn(self, draw: Any, argument: float | None, client: int | None) -> float:
        self.seen[draw.kind, draw.number, client] += 1
        return (1.0 if argument is None else argument) + draw.number + 10 * (client or 0)

    def mean(self, of: Callable[[int], float]) -> float:
        return (of(0) + of(1)) / 2


def evaluated(*update: str, memory: tuple[str, ...] = ()) -> tuple[dict[str, float], Counter[Any]]:
    algebra = Numbers()
    return evaluate(Rule(tuple((m, Fraction(0)) for m in memory), update), algebra), algebra.seen


def test_names_mean_what_was_assigned_to_them_last():
    values, _ = evaluated("m = m + 1", "y = m", "m = 10*m", "x = x + m + y", memory=("m",))
    assert values == {"x": 1 + 30 + 3, "m": 30}


def test_local_values_are_evaluated_for_each_client_and_common_ones_once():
    values, seen = evaluated("s = max(x, 2)", "y = x - s*local", "y = y - s*local(y)", "x = mean(y) + max(s, 3)")
    one = [1 - 2 * (1 + 1 + 10 * i) for i in (0, 1)]
    two = [y - 2 * (y + 2 + 10 * i) for i, y in enumerate(one)]
    assert values["x"] == sum(two) / 2 + 3
    assert seen == {"max": 2, ("local", 1, 0): 1, ("local", 1, 1): 1, ("local", 2, 0): 1, ("local", 2, 1): 1}


def test_a_compressor_is_drawn_by_each_client_for_its_own_values_only():
    _, seen = evaluated("c = C(G)", "x = mean(C(local) + c + normal)")
    assert seen == {
        ("G", 0, None): 1, ("C", 1, None): 1, ("normal", 4, None): 1,
        ("local", 3, 0): 1, ("local", 3, 1): 1, ("C", 2, 0): 1, ("C", 2, 1): 1,
    }  # fmt: skip


def test_what_is_not_used_is_not_evaluated():
    _, seen = evaluated("y = fresh", "y = max(x, 1)", "x = y")
    assert seen == {"max": 1}


def test_the_depth_of_recursion_is_that_of_one_assignment():
    """60 local steps in a row: from the last to the first the recursion would be deeper than Python's limit."""
    values, _ = evaluated("y = x", *["y = (((y + y)*1 + y)*1 - y)/4 + 0*local(y)"] * 60, "x = mean(y)")
    assert values["x"] == 0.5**60


@pytest.mark.parametrize("update", ["x = x - local", "x = mean(x*local) - local"])
def test_a_client_s_own_value_does_not_reach_the_state(update):
    with pytest.raises(BadInput, match="local outside of mean"):
        evaluated(update)

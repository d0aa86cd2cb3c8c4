"""Ranges and random values of sweeps: exact, compared with mpmath and with formulas that are written out here.

Random values are functions of fixed seeds. Their means are accepted up to five standard errors, in three comparisons; the
frequencies of choices likewise, in seven.
"""

import hashlib
import random
from fractions import Fraction
from itertools import product
from math import log10, sqrt

import mpmath
import pytest

from sdescent.derive.reading.sweeps.ranges import DIGITS, MAX_POINTS, Draw, Room, read_draw, read_range, stepped
from sdescent.derive.reading.sweeps.values import of_number, spelled
from sdescent.derive.reading.toml_file import Decimal
from sdescent.derive.vocabulary.errors import BadInput

Z = 5


def numbers(table: dict[str, object]) -> list[Fraction]:
    """The numbers of a range."""
    values = [value.exact for value in read_range("T", table, "place")]
    assert all(isinstance(value, Fraction) for value in values)
    return values


def is_correctly_rounded(value: Fraction, exact: mpmath.mpf) -> bool:
    """To `DIGITS` significant digits."""
    last = mpmath.mpf(10) ** (mpmath.floor(mpmath.log10(exact)) - DIGITS + 1)
    gap = abs(mpmath.mpf(value.numerator) / value.denominator - exact)
    return bool(gap <= last / 2 * (1 + mpmath.mpf(10) ** -30))


@pytest.mark.parametrize("seed", range(5))
def test_a_linear_range_is_exact_and_has_both_ends(seed):
    draw = random.Random(seed)
    low, high = sorted(Fraction(draw.randint(-1000, 1000), draw.randint(1, 1000)) for _ in range(2))
    count = draw.randint(2, 40)
    values = numbers({"linear": [str(low), str(high)], "count": count})
    assert values == [low + k * (high - low) / (count - 1) for k in range(count)]
    assert numbers({"linear": [str(high), str(low)], "count": count}) == values[::-1]


@pytest.mark.parametrize("seed", range(5))
def test_a_geometric_range_is_correctly_rounded(seed):
    draw = random.Random(seed)
    low, high = (Fraction(draw.randint(1, 10**6), 10 ** draw.randint(0, 9)) for _ in range(2))
    count = draw.randint(3, 30)
    values = numbers({"log": [str(low), str(high)], "count": count})
    assert (values[0], values[-1], len(values)) == (low, high, count)
    with mpmath.workdps(80):
        a, b = mpmath.mpf(low.numerator) / low.denominator, mpmath.mpf(high.numerator) / high.denominator
        for k, value in list(enumerate(values))[1:-1]:
            assert is_correctly_rounded(value, a * (b / a) ** (mpmath.mpf(k) / (count - 1)))


def test_the_values_of_ranges():
    tenth = Decimal("0.1")
    for table, values in (
        ({"from": 1, "to": 10, "step": 2}, [1, 3, 5, 7, 9]), ({"from": 3, "to": 1, "step": -1}, [3, 2, 1]),
        ({"from": 1, "to": 3}, [1, 2, 3]), ({"from": 2, "to": 2, "step": 5}, [2]), ({"linear": [2, 2], "count": 1}, [2]),
        ({"from": tenth, "to": Decimal("0.3"), "step": tenth}, [Fraction(k, 10) for k in (1, 2, 3)]),
        ({"log": [Decimal("0.0001"), 1000], "count": 8}, [Fraction(10) ** k for k in range(-4, 4)]),
    ):  # fmt: skip
        assert numbers(table) == values


@pytest.mark.parametrize(
    ("start", "stop", "step", "values"),
    [(0, 3, 1, [0, 1, 2]), (0, 10, Fraction(33, 10), [Fraction(33 * k, 10) for k in range(4)]), (5, 1, -2, [5, 3])],
)
def test_a_range_of_the_command_line_stops_before_its_end(start, stop, step, values):
    assert stepped(Fraction(start), Fraction(stop), Fraction(step), "", False, Room()) == values


NO_RANGES = [
    {"linear": [0, 1]}, {"linear": [0, 1], "count": 1}, {"linear": [0, 1], "count": 0}, {"linear": [0], "count": 3},
    {"linear": [0, "a"], "count": 3}, {"linear": 3, "count": 3}, {"linear": [0, 1], "count": 10**6 + 1},
    {"log": [0, 1], "count": 3}, {"log": [-2, -1], "count": 3}, {"from": 1, "to": 2, "step": 0},
    {"from": 1, "to": 2, "step": -1}, {"from": 1, "to": 10**7}, {"from": 1}, {"linear": [0, 1], "log": [1, 2], "count": 3},
    {"uniform": [0, 1]}, {}, {"linear": [True, 1], "count": 2}, {"linear": [0, 1], "count": True},
    {"linear": [0, Decimal("inf")], "count": 2}, {"linear": [0, Decimal("1e400")], "count": 2},
    {"linear": ["1/99999999999999999999", 1], "count": 4},
]  # fmt: skip
NO_DRAWS = [
    {"uniform": [1, 0]}, {"uniform": [1, 1]}, {"uniform": [1]}, {"uniform": "0, 1"}, {"log-uniform": [0, 1]}, {"choice": []},
    {"choice": 3}, {"integers": [1, 2.5]}, {"integers": [1, "5/2"]}, {"normal": [0, 1]}, {}, [1, 2], 3,
    {"uniform": [0, 1], "choice": [1]}, {"uniform": [10**38, 10**38 + 1]}, {"log-uniform": ["1/1" + "0" * 30, 1]},
    {"uniform": [0, "1/1" + "0" * 35]},
]  # fmt: skip


@pytest.mark.parametrize(("read", "table"), [*product([read_range], NO_RANGES), *product([read_draw], NO_DRAWS)])
def test_what_is_no_range_and_no_draw_is_refused_with_its_place(read, table):
    with pytest.raises(BadInput) as error:
        read("T", table, "sweep.of.T")
    assert error.value.field.startswith("sweep.of.T") and "\n" not in error.value.message


def test_ranges_have_room_for_two_million_values_in_all():
    room = Room()
    for _ in range(2):
        room.take(MAX_POINTS, "")
    with pytest.raises(BadInput, match="in all"):
        read_range("T", {"from": 1, "to": 1}, "sweep.grid.T", room)


@pytest.mark.parametrize("seed", range(12))
def test_a_number_is_spelled_so_that_it_is_read_again(seed):
    draw = random.Random(seed)
    value = Fraction(draw.randint(-(10**12), 10**12), draw.choice([1, 2, 3, 7, 10, 125, 10**9, 2**20]))
    text = spelled(value)
    assert Fraction(text) == value and (isinstance(text, int) == (value.denominator == 1))
    assert of_number("T", value).exact == value
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    assert ("/" in str(text)) == (rest != 1)  # a decimal where it is one


def test_a_decimal_that_is_too_long_is_written_as_a_fraction():
    value = 1000 + Fraction(1, 2**38)
    assert spelled(value) == str(value) and Fraction(value) == Fraction(str(spelled(value)))
    with pytest.raises(ValueError, match="40 digits"):
        spelled(Fraction(10**25 + 1, 3 * 10**25))


def _u(seed: int, block: int, key: str, n: int) -> Fraction:
    """The uniform number of a draw, as its docstring defines it."""
    digest = hashlib.sha256(f"sdescent sweep\n{seed}\n{block}\n{key}\n{n}".encode()).digest()
    return Fraction(int.from_bytes(digest, "big"), 2**256)


@pytest.mark.parametrize("ends", [("0.1", "1"), ("-3", "1000"), ("1/3", "1/2")])
def test_uniform_values_are_the_digest_to_twelve_digits_of_the_width(ends):
    low, high = map(Fraction, ends)
    draw = read_draw("eta", {"uniform": list(ends)}, "")
    for n in range(200):
        value = draw.value(3, 1, n).exact
        exact = low + (high - low) * _u(3, 1, "eta", n)
        assert low <= value <= high and abs(value - exact) <= (high - low) / 10**12 / 2


def test_log_uniform_values_are_correctly_rounded():
    draw = read_draw("eta", {"log-uniform": ["0.001", "10"]}, "")
    with mpmath.workdps(80):
        for n in range(50):
            u = _u(0, 0, "eta", n)
            exact = mpmath.mpf(10) ** (-3 + 4 * mpmath.mpf(u.numerator) / u.denominator)
            value = draw.value(0, 0, n).exact
            assert is_correctly_rounded(value, exact)


@pytest.mark.parametrize(
    ("kind", "ends", "mean", "variance"),
    [
        ("uniform", ["2", "5"], 3.5, 9 / 12),
        ("log-uniform", ["1", "100"], 1, 4 / 12),
        ("integers", [3, 8], 5.5, 35 / 12),
    ],
)
def test_the_mean_of_what_is_drawn(kind, ends, mean, variance):
    draw, count = read_draw("T", {kind: ends}, ""), 2000
    values = [float(draw.value(1, 0, n).exact) for n in range(count)]
    if kind == "log-uniform":  # the logarithm is uniform
        values = [log10(value) for value in values]
    assert abs(sum(values) / count - mean) <= Z * sqrt(variance / count)


@pytest.mark.parametrize(("exponent", "readable"), [(0, True), (24, True), (30, False)])
def test_every_number_that_is_drawn_can_be_written_or_the_ends_are_refused(exponent, readable):
    for kind, ends in (("log-uniform", [f"1/{10**exponent}", 10**exponent + 1]), ("uniform", [0, f"1/{10**exponent}"])):
        if readable:
            draw = read_draw("T", {kind: ends}, "")
            assert all(draw.value(0, 0, n).written for n in range(30))
        else:
            with pytest.raises(BadInput):
                read_draw("T", {kind: ends}, "")


def test_the_frequencies_of_whole_numbers_and_of_choices():
    integers = read_draw("clients", {"integers": [1, 4]}, "")
    choice = read_draw("noise", {"choice": ["gaussian:sigma=1", "laplace:sigma=1", "none"]}, "")
    for draw, several in ((integers, 4), (choice, 3)):
        texts = [draw.value(0, 0, n).text for n in range(3000)]
        spread = sqrt(3000 * (1 / several) * (1 - 1 / several))
        assert len(set(texts)) == several
        assert all(abs(texts.count(text) - 3000 / several) <= Z * spread for text in set(texts))


def test_the_values_of_keys_seeds_and_blocks_are_unlike():
    def values(name: str, seed: int, block: int) -> list[str]:
        draw = Draw(name, "uniform", ends=(Fraction(0), Fraction(1)))
        return [draw.value(seed, block, n).text for n in range(20)]

    listed = [values(name, seed, block) for name in ("eta", "T") for seed in (0, 1) for block in (0, 1)]
    assert len({text for texts in listed for text in texts}) == 8 * 20

"""Problems in TOML files: what is read, and what is refused with which field and column."""

import time
from fractions import Fraction

import pytest

from sdescent.derive.reading.problems import read_problem
from sdescent.derive.reading.toml_file import MAX_FILE, MAX_LINE
from sdescent.derive.vocabulary.errors import BadInput

FILE = """
method = "dcsgd"
compressor = "rand-k:k=1"
noise = "gaussian:sigma=1/2"   # times a standard normal
clients = 4
loss = "quadratic:h=1|2"
eta = 0.1
T = "3/2"
paths = 1_000
x0 = [1, 0.5]
seed = 7
models = ["first-order", "corrected"]
"""


def toml(folder, text: str | bytes):
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_problem(path)


def test_a_file_says_the_same_as_the_options(tmp_path):
    asked = toml(tmp_path, FILE)
    assert (asked.eta, asked.T, asked.x0) == (Fraction(1, 10), Fraction(3, 2), (Fraction(1), Fraction(1, 2)))
    assert (asked.paths, asked.seed, asked.dim, asked.method.clients) == (1000, 7, 2, 4)
    assert asked.models == ("first-order", "corrected")
    assert asked.to_dict()["eta"] == "1/10" and asked.to_dict()["x0"] == ["1", "1/2"]


@pytest.mark.parametrize(
    ("text", "field", "accepted", "column"),
    [
        ('method = "dsgd"\nfoo = 1', "mine.toml", "the keys method", None),
        ("method = dsgd", "mine.toml", "TOML", 10),
        ('method = "dsgd"\neta = 1e-3', "eta", "in quotes", 2),
        ('method = "dsgd"\nseed = ' + "9" * 4000, "seed", "whole number", None),
        ('method = "dsgd"\nx0 = ' + "[" * 4000, "mine.toml", "without tables in tables", None),
        ("#" * (MAX_LINE + 1), "mine.toml", "lines of at most", None),
        ("\ufeffmethod = 1", "mine.toml", "without one", 1),
        (b'method = "dsgd\xff"', "mine.toml", "UTF-8", None),
        ('method = "ds\\u0000gd"', "method", "ASCII", 3),
        ("#\n" * MAX_FILE, "mine.toml", "at most", None),
    ],
)
def test_bad_files(tmp_path, text, field, accepted, column):
    with pytest.raises(BadInput) as caught:
        toml(tmp_path, text)
    assert caught.value.field == field and accepted in caught.value.accepted
    assert column is None or caught.value.column == column
    assert caught.value.message.isprintable() and len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x0 = [[0.10], 1]", "[0.10]"),
        ("x0 = [[[[[1, 2]]]]]", "[[[[...]]]]"),
        ('models = ["corrected", "corrected"]', '["corrected", "corrected"]'),
        ('noise = "gaussian:sigma=-0.50"', "-0.50"),
        ('noise = "gaussian"\neta = 1\n noise = "none"', "noise again in line 4"),
        ("eta = 1\nx0 = [\n 1,\n]\neta = 2\n", "eta again in line 6"),
    ],
)
def test_a_value_is_shown_as_it_was_written(tmp_path, text, value):
    with pytest.raises(BadInput) as caught:
        toml(tmp_path, 'method = "dsgd"\n' + text)
    assert caught.value.message.split(": ", 1)[1].startswith(f"found {value!r}")
    assert "Decimal" not in caught.value.message


def test_absurd_files_are_refused_in_no_time(tmp_path):
    """The time that a dotted key takes grows with the square of its length."""
    key = "a." * (MAX_LINE // 2 - 3)
    for text in ("a." * 20_000 + "b = 1", f"{key}b = 1\n" * 3, f"[{key}b]\n" + "c = 1\n" * 2000, "#" * 10**7):
        begin = time.process_time()
        with pytest.raises(BadInput):
            toml(tmp_path, text)
        assert time.process_time() - begin < 2

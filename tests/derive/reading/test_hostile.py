"""Hostile input: one line that names the field, exit status 2, nothing evaluated and nothing written.

"Nothing evaluated" is measured (tests/support/hostile_text.py).
"""

import json
import random
from pathlib import Path

import pytest

from sdescent.derive.reading.problems import problem
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import parse_value
from sdescent.reports.cli import main
from tests.support.hostile_text import TOKENS, noise_text, nothing_is_evaluated_or_written


@pytest.fixture(autouse=True, scope="module")
def _everything_is_imported():
    """A module that is imported on first use would be compiled and executed inside the watch."""
    problem({"method": "dcsgd", "compressor": "rand-k:k=2", "noise": "stable:alpha=1/2", "loss": "quartic", "dim": 2})
    main(["derive", "x", "--json"])
    main(["derive", "dsgd", "--no-such-option"])


def test_the_watch_sees_what_it_is_there_for(tmp_path):
    import sympy as sp

    for evaluate in (
        lambda: eval("1 + 1"), lambda: exec("x = 1"), lambda: sp.sympify("x + 1"), lambda: sp.parse_expr("2*y"),
        lambda: (tmp_path / "x").write_text(""), lambda: (tmp_path / "y").mkdir(),
    ):  # fmt: skip
        with pytest.raises(AssertionError), nothing_is_evaluated_or_written():
            evaluate()
    with nothing_is_evaluated_or_written():
        sp.Symbol("x") + 1


NOISE, RAND, LOSS = "--noise", "--compressor", "--loss"

#: (arguments after `derive`, the field that the line names)
HOSTILE = [
    # unknown names, values outside their domains, contradictions
    (["sgd"], "METHOD"),
    ([""], "METHOD"),
    # absurd sizes
    (["dsgd", "--dim", "9" * 100_000], "--dim"),
    (["dsgd", NOISE, "gaussian:sigma=1/" + "9" * 5000], NOISE),
    # code and TeX
    (["dsgd", NOISE, "gaussian:sigma=__import__('os').system('touch pwned')"], "gaussian:sigma"),
    (["dsgd", "--clients", "int('3')"], "--clients"),
    (["dsgd", NOISE, r"gaussian:sigma=\write18{touch pwned}"], "gaussian:sigma"),
    # characters
    (["dsgd", NOISE, "gaussian:sigma=\u0661"], NOISE),  # ARABIC-INDIC DIGIT ONE
    (["dsgd", NOISE, "gaussian\u202e:sigma=1"], NOISE),  # RIGHT-TO-LEFT OVERRIDE
    (["dsgd", NOISE, "gaussian:sigma=\x1b[31m1"], NOISE),
    # the command line itself
    (["dsgd", "--noize", "gaussian"], "--noize"),
    (["dsgd", "dcsgd"], "arguments"),
    (["dsgd", "--dim"], "--dim"),
    ([], "METHOD"),
    (["dsgd", "--\x1b[31m"], "--\\x1b[31m"),
    (["dsgd", "--json=1"], "--json"),
]


@pytest.mark.parametrize(("arguments", "field"), HOSTILE, ids=range(len(HOSTILE)))
def test_one_line_that_names_the_field(arguments, field, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with nothing_is_evaluated_or_written():
        status = main(["derive", *arguments])
    out, err = capsys.readouterr()
    assert (status, out) == (2, ""), err
    assert err.endswith("\n") and err[:-1].isprintable() and len(err) < 600
    assert field in err or field == "arguments"
    with nothing_is_evaluated_or_written():
        status = main(["derive", *arguments, "--json"])
    out, err = capsys.readouterr()
    answer = json.loads(out)
    if arguments != ["dsgd", "--dim"]:  # there "--json" is the value of --dim
        assert answer["field"] == field
    assert (status, err, answer.keys()) == (2, "", {"error", "field", "column"})
    assert answer["error"].isprintable() and (answer["column"] is None or answer["column"] >= 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["derive", "dsgd", "--noise", "gaussian:sigma=1e3"], "found '1e3' (column 17); accepted: a number > 0"),
        (["derive", "dsgd", "--noize", "x"], "No such option: --noize; accepted: --compressor, --noise,"),
        (["derive"], "METHOD: found nothing; accepted: dsgd, adamw, ... (see list), or FILE.toml with an update rule"),
        (["derive", "dsgd", "--dim"], "--dim: found nothing; accepted: Write out D coordinates, 1 to 64"),
        (["report", "a", "b"], "unexpected extra argument(s) (b); accepted: SPEC.toml, options"),
    ],
)
def test_the_line_says_value_and_what_is_accepted(arguments, text, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert text in err and err.count("\n") == 1


# Files

FILES = [
    ("method = 1", "method"),
    ('method = "dsgd"\nnoise = "gaussian:sigma=__import__(1)"', "gaussian:sigma"),
    ('method = "dsgd"\neta = 0.1\nT = 0.05\nx0 = 1\ndim = 2\nloss = "cosh"\nclients = 1', "T"),
    ('method = "dsgd"\nmodels = ["corrected", "\\\\write18"]', "models"),
]


@pytest.mark.parametrize(("text", "field"), FILES, ids=range(len(FILES)))
def test_hostile_files(text, field, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.toml").write_text(text, encoding="utf-8")
    with nothing_is_evaluated_or_written():
        status = main(["report", "hostile.toml", "-o", "out", "--json"])
    out, err = capsys.readouterr()
    assert (status, err, json.loads(out)["field"]) == (2, "", field)
    assert main(["report", "hostile.toml", "-o", "out"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("\n") and err[:-1].isprintable() and field in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["hostile.toml"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_a_file_that_fails_while_it_is_read_is_named(capsys):
    assert main(["report", "/proc/self/mem"]) == 2
    assert capsys.readouterr().err == "cannot use /proc/self/mem: the device reported an input/output error\n"


@pytest.mark.parametrize("arguments", [["a\0b"], [""], ["-o", "a\0b"], ["-o", ""]])
def test_what_is_no_path(arguments, tmp_path, monkeypatch, capsys):
    """No shell can pass a null character, but a program can."""
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    err = capsys.readouterr().err
    assert err[:-1].isprintable() and "accepted: a path" in err and list(tmp_path.iterdir()) == []


# Random text

GOOD = [
    "identity", "bernoulli:p=1/2", "rand-k:k=2", "qsgd:s=4", "top-k:k=3", "fixed-grid:step=0.5", "gaussian:sigma=1|2",
    "student-t:nu=3,sigma=1/2", "affine:sigma0=1,sigma1=1/2,nu=5", "stable:alpha=3/2,sigma=s", "quadratic:h=1|2",
    "cosh", "power:p=1/2", "free", "one", "dsgd", "dcsgd", "dsignsgd", "3", "N", "1/3", "0.25", "corrected", "sigma_1",
]  # fmt: skip


def mutated(chance: random.Random) -> str:
    text = chance.choice(GOOD)
    for _ in range(chance.randrange(1, 5)):
        start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        piece = chance.choice([chance.choice(TOKENS), text[start:end], chance.choice(GOOD), ""])
        text = text[:start] + piece + text[start if chance.random() < 0.5 else end :]
    return text


def test_random_text_is_read_or_refused_and_never_evaluated():
    chance, fields = (
        random.Random(20250101),
        ["compressor", "noise", "loss", "schedule", "clients", "dim", "x0", "model"],
    )
    read, refused = dict.fromkeys(("compressor", "noise", "loss", "schedule", "value", "problem"), 0), 0
    with nothing_is_evaluated_or_written():
        for n in range(500):
            text = mutated(chance) if n % 4 else noise_text(chance)
            for kind in read:
                try:
                    if kind == "value":
                        parse_value(text, "v")
                    elif kind == "problem":
                        problem({"method": "dcsgd", "compressor": "sign", chance.choice(fields): text})
                    else:
                        parse_spec(kind, text, "f").build()
                    read[kind] += 1
                except BadInput as error:
                    refused += 1
                    assert error.message.isprintable() and len(error.message) < 600
    # the strings are not all refused at the first character: many are specs, and of every kind
    assert refused > 1000 and all(read.values()), read

"""Claim files: their fields, what is taken where one is left out, and what is refused."""

import pytest

from sdescent.derive.reading.claims import Claim, claim_from, read_claim
from sdescent.derive.vocabulary.errors import BadInput
from tests.derive.vocabulary.formulas.test_grammar import ONE, TWO, minus

GOOD = 'variables = ["g", "eta"]\nassume = ["g >= 0", "eta > 0"]\nclaim = "g^2 - 2*g + 1 >= 0"\nhints = ["1 - g/2"]\n'


def written_claim(tmp_path, text: str) -> Claim:
    (tmp_path / "c.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    return read_claim(tmp_path / "c.toml")


def test_a_file(tmp_path):
    claim = written_claim(tmp_path, GOOD)
    g, zero = ("x", "g"), ("q", "0")
    assert claim.variables == ("g", "eta")
    assert claim.assume == (("<=", zero, g), ("<", zero, ("x", "eta")))
    assert claim.claim == ("<=", zero, ("+", ("^", g, 2), ("*", ("q", "-2"), g), ONE))
    assert claim.hints == (("+", ONE, minus(("/", g, TWO))),)
    assert hash(claim) == hash(claim_from({"variables": ["g", "eta"], "assume": ["0 <= g", "0 < eta"],
                                           "claim": "0 <= g^2-2*g+1", "hints": ["1-g/2"]}))  # fmt: skip


def test_defaults(tmp_path):
    claim = written_claim(tmp_path, 'variables = []\nclaim = "1 < exp(1)"')
    assert claim == Claim((), (), ("<", ONE, ("f", "exp", ONE)), ())


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('claim = "1 < 2"', "variables", "nothing"),
        ('variables = ["x"]', "claim", "nothing"),
        ('variables = [1]\nclaim = "1 < 2"', "variables[1]", "1"),
        ('variables = ["x", [["y"]]]\nclaim = "1 < 2"', "variables[2]", '[["y"]]'),
        ('variables = ["x", "x"]\nclaim = "1 < 2"', "variables[2]", "x"),
        ('variables = ["pi"]\nclaim = "1 < 2"', "variables[1]", "pi"),
        ('variables = ["x_"]\nclaim = "1 < 2"', "variables[1]", "x_"),
        ('variables = ["\u0445"]\nclaim = "1 < 2"', "variables[1]", "\u0445"),
        ('variables = ["' + "a" * 31 + '"]\nclaim = "1 < 2"', "variables[1]", "a" * 31),
        (f'variables = {[f"x{n}" for n in range(65)]}\nclaim = "1 < 2"', "variables", "65 names"),
        ('variables = ["x"]\nclaim = 1', "claim", "1"),
        ('variables = ["x"]\nassume = "x >= 0"\nclaim = "x <= x"', "assume", "x >= 0"),
        ('variables = ["x"]\nassume = ["x >= 0", "x"]\nclaim = "x <= x"', "assume[2]", "x"),
        (f'variables = ["x"]\nassume = {["x > 0"] * 65}\nclaim = "x <= x"', "assume", "65 relations"),
        ('variables = ["x"]\nclaim = "x <= x"\nhints = ["x", "x < 1"]', "hints[2]", "<"),
        ('variables = ["x"]\nclaim = "x <= x"\nhint = ["x"]', "c.toml", "hint"),
        ('variables = ["x"]\nclaim = """x\n<= x"""', "claim", "x\n<= x"),
        ("\x00", "c.toml", None),
        ('variables = ["x"]\nvariables = ["y"]', "c.toml", None),
    ],
)  # fmt: skip
def test_refused_files(text, field, value, tmp_path):
    with pytest.raises(BadInput) as caught:
        written_claim(tmp_path, text)
    error = caught.value
    assert error.field == field and value in (None, error.value)
    assert error.message.isprintable() and len(error.message) < 600

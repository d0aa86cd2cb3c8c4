"""A piece of a method is written as the specification that makes it, not as Python shows its class."""

import re
from dataclasses import dataclass

import pytest

from sdescent.derive.derivation import sde
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, Scaled, StudentT
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.vocabulary.registry import entries, spec_of


@pytest.mark.parametrize("kind", ["noise", "compressor", "loss", "schedule"])
def test_a_specification_is_read_back(kind: str):
    for name in entries(kind):
        piece = parse_spec(kind, name, kind).build()
        written = spec_of(kind, piece)
        assert written.partition(":")[0] == name and parse_spec(kind, written, kind).build() == piece


def test_values():
    assert spec_of("noise", Scaled(StudentT(3), ["1/2", 2])) == "student-t:nu=3,sigma=1/2|2"
    affine = "affine:sigma0=1,sigma1=2,nu=5"
    assert spec_of("noise", parse_spec("noise", affine, "noise").build()) == affine
    assert spec_of("loss", Quadratic([1, "1/3"])) == "quadratic:h=1|1/3"


def test_a_piece_without_a_name():
    @dataclass(frozen=True)
    class Mine(Gaussian):
        width: int = 2

    assert spec_of("noise", Scaled(Mine(), 1)) == "Mine:width=2,sigma=1"
    assert spec_of("compressor", object()) == "object"


def test_the_text_of_an_equation_has_no_python_in_it():
    text = str(sde(DCSGD(RandK(2), Scaled(StudentT(5), "1/2"), 3), loss=Quadratic([1, 2, 3]), dim=3))
    assert "compressor rand-k:k=2, noise student-t:nu=5,sigma=1/2, loss" in text and "quadratic:h=1|2|3" in text
    assert "noise gaussian:sigma=sigma" in str(sde(DSGD(Scaled(Gaussian()))))
    assert re.search(r"\w\(\w*=|\(\)", text) is None

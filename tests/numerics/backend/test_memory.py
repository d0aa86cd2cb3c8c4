"""What does not fit is refused before anything is computed, in one line."""

import pytest

import sdescent as sd
from sdescent.derive.methods.noise import Gaussian, NoNoise, Scaled
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend import processors
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from tests.support.samples import mostly_slow

LOSS = sd.losses.Quadratic(1)


@pytest.mark.parametrize("noise", mostly_slow([Scaled(Gaussian(), 1), NoNoise()], 2), ids=["noise", "no noise"])
def test_more_paths_than_memory_holds_are_refused(noise, monkeypatch):
    """As many gibibytes as the message says: a point of 1000 numbers, and two statistics at eleven times."""
    monkeypatch.setattr(processors, "memory", lambda: 8 * 2**30)
    method = sd.DSGD(noise, clients=1)
    equation = sd.sde(method, loss=LOSS)
    for solved in (
        lambda paths: run(method, [1.0] * 1000, 1.0, paths, 0, {"eta": 0.1}, loss=LOSS, save=11),
        lambda paths: solve(equation, [1.0] * 1000, 1.0, paths, 0, {"eta": 0.1}, save=11),
    ):
        message = rf"{2**30 // 1022} here.*{10**8 * 1022 * 8 / 2**30:.4g} GiB.*there are 8 GiB"
        with pytest.raises(BadInput, match=message):
            solved(10**8)


def test_what_fits_is_not_refused():
    processors.require_memory(1000, 1022, 8)
    assert processors.memory() > 1e8

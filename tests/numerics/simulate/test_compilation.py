"""Nothing is compiled twice: for other numbers, a few saved times more or less, or what was compiled ahead; and no bit changes."""

import time
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.simulate import equation, method
from sdescent.numerics.simulate.programs import ahead, roomy
from tests.support.compilations import compilations


def test_lengths_are_few_and_at_most_a_quarter_more_than_asked_for() -> None:
    lengths = set[int]()
    for count in range(1, 1500):
        found = roomy(np.arange(count, dtype=np.int32))
        assert found.dtype == np.int32 and found[:count].tolist() == list(range(count))
        assert set(found[count:]) <= {count - 1}
        assert len(found) <= max(8, 1.25 * count)
        lengths.add(len(found))
    assert len(lengths) < 40


@pytest.mark.slow
def test_a_few_saved_times_more_compile_nothing_and_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of paths that blow up, which a second program of the same lengths finds; an odd number of steps between the times."""
    of = sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), 1), clients=1)
    more: dict[str, Any] = {"params": {"eta": 0.25}, "loss": sd.losses.Quartic(), "key": 3}

    def found(save: int) -> list[np.ndarray]:
        ensemble = equation.solve(sd.sde(of), [0.5], 3.5, 200, save=save, bound=0.9, **more)
        assert np.isfinite(ensemble.blow_up).sum() > 0 and ensemble.values["loss"].shape == (save, 200)
        return [ensemble.final, ensemble.blow_up, ensemble.times, *ensemble.values.values()]

    equation._program.forget()
    found(7)
    with compilations() as compiled:
        several = {save: found(save) for save in (6, 8)}
        assert compiled == []
        monkeypatch.setattr(equation, "roomy", lambda array: array)
        for save, own in several.items():
            for one, other in zip(own, found(save), strict=True):
                np.testing.assert_array_equal(one, other)
        assert compiled
    equation._program.forget()


@pytest.mark.slow
def test_short_runs_share_a_program_which_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """By halves, halved once more, and with odd numbers of steps; the programs of long runs give the same bits."""
    of = sd.sde(sd.DSGD(sd.noise.Affine(1, 1), clients=1), loss=sd.losses.Cosh())
    more: dict[str, Any] = {"params": {"eta": 0.25}, "key": 3, "save": 4, "bound": 1.5}
    ways = ({"by_halves": True}, {"halvings": 1}, {"dt": 0.25 / 3})

    def final(**way: Any) -> np.ndarray:
        ensemble = equation.solve(of, [0.5], 1.5, 200, **{"dt": 0.125, **way}, **more)
        assert np.isfinite(ensemble.blow_up).sum() > 0
        return ensemble.final

    equation._program.forget()
    first = final()
    with compilations() as compiled:
        short = [final(**way) for way in ways]
    assert compiled == []
    monkeypatch.setattr(equation, "LONG", 0)
    for one, other in zip([first, *short], map(lambda way: final(**way), ({}, *ways)), strict=True):
        np.testing.assert_array_equal(one, other)
    equation._program.forget()


@pytest.mark.slow
def test_what_was_compiled_ahead_is_not_compiled_again() -> None:
    """In another thread, while nothing is run or while the run waits, which has the bits of one that was not prepared."""
    of, x0 = sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), 1), clients=1), np.linspace(-1, 1, 3)
    settings: dict[str, Any] = {"params": {"eta": 0.1}, "loss": sd.losses.Cosh(), "save": 3, "key": 4, "chunk": 128}

    def made(dim: int, paths: int) -> Any:
        return method.run(of, x0[:dim], 1.0, paths, **settings)

    expected = made(3, 300)  # with what is compiled once in a process
    method._program.forget()
    with compilations() as alone:
        made(3, 300)
    for at_once in (True, False):
        method._program.forget()
        with compilations() as compiled:
            with ahead() as begun:
                made(3, 300)
                pytest.fail("it was run")
            end = time.monotonic() + 60
            while not at_once and len(compiled) < len(alone) and time.monotonic() < end:
                time.sleep(0.01)
            before = len(compiled)
            found = made(3, 300)
            assert begun and len(compiled) == len(alone) > 0 and (at_once or before == len(alone))
        np.testing.assert_array_equal(found.final, expected.final)
        np.testing.assert_array_equal(found.values["loss"], expected.values["loss"])
    with compilations() as compiled:
        made(2, 300)  # another program
    assert compiled
    with pytest.raises(BadInput, match="eta"), ahead():
        method.run(of, x0, 1.0, 10, loss=sd.losses.Cosh())

"""A few saved times more or less: the same compiled program, and no bit of what a program of exactly that length computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive
from numerics.backend.double import jax
from numerics.simulate import equation, equation_program, method
from numerics.simulate.programs import roomy


def test_lengths_are_few_and_at_most_a_quarter_more_than_asked_for() -> None:
    lengths = set[int]()
    for count in range(1, 1500):
        found = roomy(np.arange(count, dtype=np.int32))
        assert found.dtype == np.int32 and found[:count].tolist() == list(range(count)) and set(found[count:]) <= {count - 1}
        assert len(found) <= max(8, 1.25 * count)
        lengths.add(len(found))
    assert len(lengths) < 40


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["method", "equation"])
def test_a_few_saved_times_more_compile_nothing_and_change_no_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of paths that blow up, which a second program of the same lengths finds; an odd number of steps between the times."""
    of = derive.DSGD(derive.Scaled(derive.Gaussian(), 1), clients=1)
    more: dict[str, Any] = {"params": {"eta": 0.25}, "loss": derive.Quartic(), "key": 3}
    module: Any = method if kind == "method" else equation

    def found(save: int) -> list[np.ndarray]:
        if kind == "method":
            made = method.run(of, [3.2], 3.5, 200, save=save, **more)
        else:
            made = equation.solve(derive.sde(of), [0.5], 3.5, 200, save=save, bound=0.9, **more)
        assert np.isfinite(made.blow_up).sum() > 0 and made.values["loss"].shape == (save, 200)
        return [made.final, made.blow_up, made.times, *made.values.values()]

    module._program.forget()
    found(7)
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, duration_secs, **_: compiled.append(event) if "backend_compile" in event else None
    )
    several = {save: found(save) for save in (6, 8)}
    assert compiled == []
    for each in (method, equation_program):
        monkeypatch.setattr(each, "roomy", lambda array: array)
    for save, own in several.items():
        for one, other in zip(own, found(save), strict=True):
            np.testing.assert_array_equal(one, other)
    assert compiled
    module._program.forget()

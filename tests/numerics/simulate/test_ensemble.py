"""The result of a run as an object: its settings, what it says, files of it, xarray; nothing that does not fit passes silently."""

import dataclasses
import io
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.simulate.ensemble import Ensemble, settings_of
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.starting_points import Paths
from sdescent.numerics.statistics.estimates import mean
from sdescent.numerics.without_sampling.backward import model_mean
from sdescent.numerics.without_sampling.closed_moments import model_moment

METHOD, LOSS = sd.DSGD(sd.noise.Gaussian(), 2), Quadratic(1)
EQUATION = sde(METHOD, "corrected", LOSS, 2)
NUMBERS: dict[str, Any] = {"eta": 0.1, "sigma": 0.5}


#: as a run makes it: the third path left at t = 0.5, the fifth at t = 1
BY_HAND = Ensemble(
    np.array([0.0, 0.5, 1.0]),
    {
        "loss": np.array([[1.0, 2, 3, 4, 5], [1, 2, np.nan, 4, 5], [1, 0.1, np.nan, 4, np.nan]]),
        "a/b ": np.ones((3, 5), np.float32),
    },
    np.array([np.inf, np.inf, 0.5, np.inf, 1.0]),
    np.arange(10.0).reshape(2, 5),
    {"kind": "method", "method": "DSGD", "eta": 0.5, "params": NUMBERS, "T": 1.2, "end": 1.0, "first": 2, "seed": None},
    {"m": np.arange(10.0, 20).reshape(2, 5)},
)


def made(T: float = 1.0, **more: Any) -> Ensemble:
    return run(METHOD, [1.0, -2.0], T, 5, 3, NUMBERS, LOSS, save=3, **more)


# --- settings, and what does not fit


def with_horizon(T: float) -> Ensemble:
    """As a run with this horizon says it."""
    own = settings_of(METHOD, LOSS, None, Paths(np.ones((2, 1)), 5, key=3), NUMBERS, {}, T, NUMBERS["eta"])
    return dataclasses.replace(BY_HAND, settings={"kind": "method", **own}, blow_up=np.full(5, np.inf))


def test_a_horizon_that_is_a_multiple_up_to_rounding_is_reached_and_another_is_said() -> None:
    """T = 1.05 ended at t = 1, and nothing said so."""
    for T in (0.3, 0.7, 1.0 + 1e-12, 1e5):
        reached = with_horizon(T)
        assert reached.settings["T"] == reached.settings["end"] == T and reached.notes == ()
    other = with_horizon(1.05)
    assert other.settings["T"] == 1.05 and other.settings["end"] == other.times[-1] == 1.0
    note = "T = 1.05 is not a multiple of eta = 0.1: the last step ends at t = 1"
    assert other.notes == (note,) and note in str(other) and note in other._repr_html_()


def test_what_an_ensemble_says() -> None:
    first, second, *notes = str(BY_HAND).splitlines()
    assert first == "5 paths of DSGD, the method itself, d = 2, 3 times from 0 to 1"
    assert second == "statistics: loss, a/b "
    assert notes == ["T = 1.2 is not a multiple of eta = 0.5: the last step ends at t = 1", "2 of 5 paths blew up"]
    assert BY_HAND.blow_ups.tolist() == [0, 1, 2]
    assert "<td>loss</td><td>1</td>" in BY_HAND._repr_html_()  # of 1, 0.1 and 4, which are left


@pytest.mark.slow
def test_settings_are_complete_and_json() -> None:
    x0 = np.array([[1.0, 2.0], [0.5, 1.5]])
    one = made(bound=50, dtype="float32", first=7, varied=None)
    many = solve(EQUATION, x0, 1.0, key=3, params=NUMBERS, save=3, halvings=1, dt=0.02)
    for found in (one, many):
        assert json.loads(json.dumps(found.settings)) == found.settings
        stated = {"loss": "quadratic:h=1", "noise": "gaussian:sigma=sigma", "params": NUMBERS, "seed": 3}
        assert {**stated, "compressor": "identity"}.items() <= found.settings.items()
    assert (one.settings["x0"], one.settings["first"], one.settings["bound"]) == ([1.0, -2.0], 7, 50)
    assert (many.settings["x0"], many.settings["halvings"], many.settings["dt"]) == ("one for each path", 1, 0.01)

    other = run(METHOD, [1.0], 1.0, 2, 3, NUMBERS, lambda x: x[0] ** 2, u=None)
    assert "<lambda>" in other.settings["loss"] and "0x" not in json.dumps(other.settings)


def test_values_of_several_times_are_no_sample() -> None:
    """The mean of a whole (S, paths) had an interval as if all its entries were independent."""
    values = BY_HAND.values["a/b "]
    with pytest.raises(BadInput, match=r"^values: .*over_time"):
        mean(values)
    assert mean(values[-1]).count == 5 and mean(2.0).count == 1


@pytest.mark.parametrize(("loss", "h"), [(Quadratic(1), 2.0), (Quadratic((1, 2)), [2.0, 2.0])])
def test_a_parameter_cannot_override_what_the_loss_has(loss: Quadratic, h: Any) -> None:
    """h = 2 among the parameters silently took the place of the loss's own 1."""
    params = NUMBERS | {"h": h}
    for simulate in (
        lambda: run(METHOD, [1.0, 1.0], 1.0, 2, 0, params, loss),
        lambda: solve(sde(METHOD, loss=loss, dim=2), [1.0, 1.0], 1.0, 2, 0, params),
    ):
        with pytest.raises(BadInput, match=r"^parameter h: .*no value: the loss has one, quadratic:h="):
            simulate()


def test_a_start_of_another_length_is_refused() -> None:
    """The closed moments and the backward equation derived the equation anew, in the other dimension."""
    for asked in (
        lambda: model_moment(EQUATION, [1.0, 2.0, 3.0], 1.0, "x1^2", NUMBERS),
        lambda: model_mean(EQUATION, 1.0, 1.0, "x1^2", NUMBERS),
        lambda: solve(EQUATION, [1.0], 1.0, 2, 0, NUMBERS),
        lambda: solve(EQUATION, [[1.0, 2.0]], 1.0, None, 0, NUMBERS),
    ):
        message = r"^x0: found '[13] coordinates'; accepted: 2, the dimension of the equation"
        with pytest.raises(BadInput, match=message):
            asked()


# --- statistics as formulas


@pytest.mark.slow
def test_a_statistic_may_be_a_formula() -> None:
    given = {
        "text": "x1^2 + abs(x2)",
        "own": sp.Symbol("x1") ** 2 + sp.Abs(sp.Symbol("x2")),
        "f": lambda x: x[0] ** 2 + abs(x[1]),
    }
    found = made(statistics=given).values
    assert found["text"].shape == (3, 5) and np.ptp(found["text"]) > 0.1
    np.testing.assert_allclose(found["text"], found["f"], rtol=1e-14)
    assert np.array_equal(found["text"], found["own"])
    assert np.array_equal(made(statistics={"one": "3"}).values["one"], np.full((3, 5), 3.0))


def test_a_statistic_in_other_symbols_is_refused() -> None:
    for wrong in ("x3", "y", "x1 +", sp.Symbol("eta"), sp.Symbol("x1", positive=True), 3, "2*eta"):
        with pytest.raises(BadInput, match=r"^statistic s: "):
            made(statistics={"s": wrong})


# --- files


def test_a_saved_ensemble_is_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    found = BY_HAND
    found.save(tmp_path / "one.ensemble")
    assert [p.name for p in tmp_path.iterdir()] == ["one.ensemble"]
    again = Ensemble.load(tmp_path / "one.ensemble")
    assert again.settings == found.settings and list(again.values) == list(found.values) and again.notes == found.notes
    for name, value in found.values.items():
        assert np.array_equal(again.values[name], value, equal_nan=True) and again.values[name].dtype == value.dtype
    for name in ("times", "blow_up", "final"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert list(again.final_memory) == ["m"] and np.array_equal(again.final_memory["m"], found.final_memory["m"])
    assert not again.blow_up.flags.writeable and np.array_equal(again.blow_ups, found.blow_ups)


def broken(content: bytes) -> dict[str, bytes]:
    """Files that are not what was saved."""

    def changed(name: str, array: Any) -> bytes:
        with np.load(io.BytesIO(content)) as archive:
            arrays = {n: archive[n] for n in archive.files} | {name: array}
        into = io.BytesIO()
        np.savez(into, **{n: a for n, a in arrays.items() if a is not None})
        return into.getvalue()

    pickled, other = io.BytesIO(), io.BytesIO()
    np.save(pickled, np.array([{}], object), allow_pickle=True)
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("head.npy", pickled.getvalue())
    one = io.BytesIO()
    np.save(one, np.ones(3))
    return {
        "nothing": b"", "cut": content[: len(content) // 2], "cut at the end": content[:-1],
        "a flipped byte": content[:150] + bytes([content[150] ^ 255]) + content[151:], "one array": one.getvalue(),
        "a pickle inside": other.getvalue(), "no head": changed("head", None), "another head": changed("head", np.array("{}")),
        "a list": changed("head", np.array("[1]")), "another length": changed("times", np.ones(7)),
        "another shape": changed("final", np.ones((2, 3))), "whole numbers": changed("blow_up", np.ones(5, int)),
        "no value": changed("value0", None), "memory": changed("memory0", np.ones((2, 4))),
    }  # fmt: skip


def test_a_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    BY_HAND.save(tmp_path / "good.npz")
    content = (tmp_path / "good.npz").read_bytes()
    for what, wrong in broken(content).items():
        (tmp_path / "bad.npz").write_bytes(wrong)
        with pytest.raises(BadInput, match=r"^bad\.npz: .*an intact file that Ensemble\.save wrote$") as caught:
            Ensemble.load(tmp_path / "bad.npz")
        assert "\n" not in str(caught.value), what
    with zipfile.ZipFile(tmp_path / "good.npz") as archive:
        ends = [info.header_offset + 30 + len(info.filename) + info.file_size for info in archive.infolist()]
    for end in ends:  # a bit of the last number of each array, which is a number still
        flipped = bytearray(content)
        flipped[end - 1 + 20] ^= 1  # after the extra field of 20 bytes that a large file may need
        (tmp_path / "bad.npz").write_bytes(flipped)
        with pytest.raises(BadInput, match=r"^bad\.npz: found .Bad CRC-32 for file"):
            Ensemble.load(tmp_path / "bad.npz")
    with pytest.raises(FileNotFoundError):
        Ensemble.load(tmp_path / "none.npz")
    with pytest.raises(OSError):
        BY_HAND.save(tmp_path / "no folder" / "a.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.npz", "good.npz"]


def test_to_xarray_gives_labelled_arrays_and_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("xarray")
    fake.Dataset = lambda variables, places, settings: (variables, places, settings)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xarray", fake)
    found = BY_HAND
    variables, places, settings = found.to_xarray()
    assert {n: v[0] for n, v in variables.items()} == {
        "loss": ("time", "path"), "a/b ": ("time", "path"), "blow_up": ("path",), "final": ("coordinate", "path"),
        "final_m": ("coordinate", "path"),
    }  # fmt: skip
    for dims, array in variables.values():
        assert array.shape == tuple(len(places[d]) for d in dims)
    assert places["path"].tolist() == [2, 3, 4, 5, 6] and places["coordinate"].tolist() == [1, 2]
    assert settings.keys() == found.settings.keys() and settings["T"] == 1.2
    assert json.loads(settings["params"]) == NUMBERS
    with pytest.raises(BadInput, match=r"^statistics: found 'final'"):
        dataclasses.replace(found, values={"final": found.values["loss"]}).to_xarray()
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="pip install xarray"):
        found.to_xarray()

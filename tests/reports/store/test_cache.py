import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from sdescent.reports.store.cache import ResultsCache, canonical_json, provenance, source_digest

SPEC = {"method": "dsgd", "noise": "gaussian:sigma=1/2", "paths": 100}
VALUE = {
    "mean": np.linspace(0.0, 1.0, 5),
    "rows": [{"band": np.arange(6).reshape(2, 3), "t": 0.1}],
    "blow_ups": np.int64(3),
    "worst": math.inf,
    "pair": (1, "σ"),
    "nothing": None,
}


def cache(folder):
    return ResultsCache(folder, context={"source": "s"})


def never():
    raise AssertionError("computed although stored")


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_second_run_reads_what_the_first_returned(tmp_path):
    first, second = cache(tmp_path / "results"), cache(tmp_path / "results")
    one = first.load_or_compute("dsgd", SPEC, lambda: VALUE)
    two = second.load_or_compute("dsgd", SPEC, never)
    assert same(one, two)
    assert same(one["mean"], VALUE["mean"]) and same(one["rows"][0]["band"], VALUE["rows"][0]["band"])
    assert one["blow_ups"] == 3 and one["worst"] == math.inf and one["pair"] == [1, "σ"] and one["nothing"] is None
    assert (first.computed, first.reused, second.computed, second.reused) == (["dsgd"], [], [], ["dsgd"])
    stored = json.loads(first.path("dsgd", SPEC).read_text(encoding="utf-8"))
    assert stored["spec"] == SPEC and stored["context"] == {"source": "s"}


def test_an_archive_with_other_arrays_is_damaged(tmp_path):
    first = cache(tmp_path).load_or_compute("x", 1, lambda: {"a": np.arange(3.0)})
    (archive,) = tmp_path.glob("*.npz")
    np.savez(archive, a0=np.arange(1.0, 4.0))
    again = cache(tmp_path)
    assert same(again.load_or_compute("x", 1, lambda: {"a": np.arange(3.0)}), first) and again.damaged == ["x"]


def test_jax_arrays_are_arrays(tmp_path):
    jnp = pytest.importorskip("jax.numpy")
    value = cache(tmp_path).load_or_compute("x", 1, lambda: {"v": jnp.arange(3.0)})
    assert same(value, {"v": np.arange(3.0)})


def test_every_part_of_the_key_counts(tmp_path):
    base = cache(tmp_path).path("x", SPEC)
    assert cache(tmp_path).path("x", dict(reversed(SPEC.items()))) == base
    assert cache(tmp_path).path("y", SPEC) != base
    assert cache(tmp_path).path("x", {**SPEC, "paths": 101}) != base
    assert ResultsCache(tmp_path, context={"source": "t"}).path("x", SPEC) != base


def flipped(content: bytes) -> bytes:
    return content[:200] + bytes([content[200] ^ 1]) + content[201:]


DAMAGE = {
    "an edited result": ("*.json", lambda content: content.replace(b"0.1", b"0.2")),
    "a cut result": ("*.json", lambda content: content[:-20]),
    "other JSON": ("*.json", lambda content: b"[" * 100_000),
    "a flipped bit of an array": ("*.npz", flipped),
    "no arrays": ("*.npz", None),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_noticed_and_computed_again(tmp_path, damage):
    first = cache(tmp_path).load_or_compute("x", SPEC, lambda: VALUE)
    pattern, change = DAMAGE[damage]
    (path,) = tmp_path.glob(pattern)
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    again = cache(tmp_path)
    assert same(again.load_or_compute("x", SPEC, lambda: VALUE), first)
    assert (again.damaged, again.computed, again.reused) == (["x"], ["x"], [])
    assert same(cache(tmp_path).load_or_compute("x", SPEC, never), first)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1, 2}}, np.array(["a"])])
def test_what_cannot_be_stored_is_refused(tmp_path, value):
    with pytest.raises(TypeError):
        cache(tmp_path).load_or_compute("x", SPEC, lambda: value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", ["", "../x", "X"])
def test_labels_cannot_leave_the_folder(tmp_path, label):
    with pytest.raises(ValueError, match="label"):
        cache(tmp_path).path(label, SPEC)


def test_canonical_json_is_injective_where_json_is_not():
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    for bad in ({1: 2}, [{None: 2}], {"a": {True: 1}}):
        with pytest.raises(TypeError):
            canonical_json(bad)
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_source_digest_sees_every_file(tmp_path, monkeypatch):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "pack" / "a.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    first = source_digest(["pack"])
    (tmp_path / "pack" / "a.py").write_text("x = 2")
    second = source_digest(["pack"])
    (tmp_path / "pack" / "a.py").rename(tmp_path / "pack" / "b.py")
    third = source_digest(["pack"])
    (tmp_path / "pack" / "claims.toml").write_text("")
    assert len({first, second, third, source_digest(["pack"])}) == 4
    with pytest.raises(ValueError, match="nowhere"):
        source_digest(["nowhere"])


def test_provenance_names_the_versions():
    dependencies = provenance()
    assert dependencies["versions"]["sympy"].startswith("1.14") and len(dependencies["source"]) == 64
    canonical_json(dependencies)


def test_killed_run_is_continued(tmp_path):
    """A run killed in its second result leaves the first one whole; the next run computes only what is missing."""
    code = """
import sys, time
import numpy as np
from sdescent.reports.store.cache import ResultsCache
results = ResultsCache(sys.argv[1], context={"source": "s"})
results.load_or_compute("first", 1, lambda: np.arange(4))
def slow():
    print("second", flush=True)
    time.sleep(600)
results.load_or_compute("second", 2, slow)
"""
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "second\n"
        os.kill(child.pid, signal.SIGKILL)
    again = cache(tmp_path)
    assert same(again.load_or_compute("first", 1, never), np.arange(4))
    assert again.load_or_compute("second", 2, lambda: 5) == 5
    assert (again.reused, again.computed, again.damaged) == (["first"], ["second"], [])


def test_files_are_strict_json_whatever_the_numbers(tmp_path):
    """`Infinity` and `NaN` are words of Python's own, which no other reader of JSON knows."""
    cache = ResultsCache(tmp_path, {})
    result = {"nu": math.inf, "rows": [math.nan, -math.inf, np.float64("inf")], "array": np.array([math.inf])}
    read = cache.load_or_compute("x", {}, lambda: result)
    text = cache.path("x", {}).read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert read["nu"] == math.inf and read["rows"][1:] == [-math.inf, math.inf] and math.isnan(read["rows"][0])

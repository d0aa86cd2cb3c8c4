"""Two processes compute one ensemble: each has the bits that one process alone has, blow-ups and errors too."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdescent.numerics.backend import hosts

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import hashlib, json, sys
from sdescent.numerics.backend.double import jax
number, count, port = map(int, sys.argv[1:])
if count > 1:
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=count, process_id=number)
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.methods.losses import Quartic
import sdescent as sd
from sdescent.numerics.simulate.blow_up import NotANumber

def digest(found):
    arrays = [found.final, found.blow_up, *found.values.values()]
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()

method = sd.DSGD(Scaled(Gaussian(), 1), clients=1)
said = {"processes": jax.process_count(), "devices": len(jax.local_devices())}
starts = [[1.0] * 701 + [400.0] * 300, [0.0] * 1001]
found = sd.run(method, starts, 1.0, key=2, params={"eta": 0.05}, loss=Quartic(), save=3)
said |= {"run": digest(found), "blown": int((found.blow_up < 9).sum())}
try:
    sd.run(method, [0.5], 2.0, 500, 1, {"eta": 0.1}, lambda x: jax.numpy.sum(jax.numpy.sqrt(x)), save=2)
except NotANumber as error:
    said["error"] = str(error)
print(json.dumps(said))
"""


def together(count: int, devices: int = 1) -> list[dict[str, Any]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    programs = [[sys.executable, "-c", PROGRAM, str(n), str(count), str(port)] for n in range(count)]
    started = [subprocess.Popen(p, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for p in programs]
    try:
        said = [process.communicate(timeout=240)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * count
    return [json.loads(text.splitlines()[-1]) for text in said]


@pytest.mark.slow
def test_two_processes_have_the_bits_of_one() -> None:
    (alone,) = together(1)
    assert (alone["processes"], alone["blown"]) == (1, 300) and "not a number" in alone["error"]
    both = together(2, 2)  # with one device each: docs/howto/large-ensembles.md
    assert [(found["processes"], found["devices"]) for found in both] == [(2, 2)] * 2
    same = alone.keys() - {"processes", "devices"}
    assert all({name: found[name] for name in same} == {name: alone[name] for name in same} for found in both)


@pytest.mark.parametrize(("processes", "count"), [(1, 5), (2, 5), (2, 1), (3, 4), (4, 4), (7, 3)])
def test_shares_are_all_places_once(processes: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gathered` from the shares is the whole; where a process has no place of its own, what it computed is dropped."""
    whole = np.arange(2.0 * count).reshape(2, count)
    parts = []
    for index in range(processes):
        monkeypatch.setattr(hosts.jax, "process_count", lambda: processes)
        monkeypatch.setattr(hosts.jax, "process_index", lambda index=index: index)
        parts.append(whole[:, hosts.share(count)])
        assert parts[-1].shape[1] >= 1
    size = -(-count // processes)
    every = [np.pad(part, [(0, 0), (0, size - part.shape[1])]) for part in parts]
    monkeypatch.setattr(hosts.multihost_utils, "process_allgather", lambda padded: np.stack(every))
    assert np.array_equal(hosts.gathered(parts[0], count), whole)

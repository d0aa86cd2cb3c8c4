"""The numbers of plain solves, as they were when they were stored: what rearranges the code must not change them.

Two paths of two coordinates to T = 1, by steps eta = 1/4. They are compared to 1e-13 of the largest coordinate, not bit for bit:
on another machine the exp and log of XLA may differ in the last bit. `python -m tests.numerics.test_stored_bits` prints
the table of this machine, in the format of `STORED`; on one machine, that is to stay the same text.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.schedules import Adaptive, Free, Normalised, Power
from sdescent.numerics.simulate.equation import solve
from tests.support.samples import mostly_slow

CLOSE = 1e-13
ONE, WIDE = sd.noise.Scaled(sd.noise.Gaussian(), 1), sd.noise.Scaled(sd.noise.StudentT(5), 1)
METHODS: dict[str, Callable[[], Any]] = {
    "power": lambda: sd.DSGD(ONE, clients=4, schedule=Power("1/2")),
    "free": lambda: sd.DSGD(ONE, clients=4, schedule=Free()),
    "adaptive": lambda: sd.DSGD(ONE, clients=4, schedule=Adaptive(1)),
    "normalised": lambda: sd.DSGD(ONE, clients=4, schedule=Normalised(1, 1)),
    "affine": lambda: sd.DSGD(sd.noise.Affine("1/2", "1/3"), clients=2),
    "correlated": lambda: sd.DSGD(sd.noise.Correlated(sd.noise.Gaussian()), clients=2),
    "randk": lambda: sd.DCSGD(sd.compressors.RandK(1), WIDE, clients=4),
    "sign gaussian": lambda: sd.DSignSGD(ONE, clients=4),
    "sign cauchy": lambda: sd.DSignSGD(sd.noise.Scaled(sd.noise.StudentT(1), 1), clients=4),
    "sign t5": lambda: sd.DSignSGD(WIDE, clients=4),
    "qsgd": lambda: sd.DCSGD(sd.compressors.QSGD(2), ONE, clients=4),
    "natural": lambda: sd.DCSGD(sd.compressors.Natural(), ONE, clients=4),
    "topk": lambda: sd.DCSGD(sd.compressors.TopK(1), ONE, clients=4),
    "normclip": lambda: sd.DCSGD(sd.compressors.NormClip(1), ONE, clients=4),
}
NUMBERS = {"correlated": {"Sigma": [[1.0, 0.5], [0.5, 2.0]]}}
#: without a compressor the parts of a solve differ by model and scheme; with one by the covariance
CASES = [
    ("power", "second-order", "predictor-corrector", "cosh"),
    *((name, "corrected", "predictor-corrector", "cosh") for name in ("affine", "sign t5")),
    ("sign t5", "second-order", "predictor-corrector", "cosh"),
    *((name, "second-order", "euler", "quadratic") for name in ("free", "correlated", "randk", "sign cauchy")),
    ("adaptive", "second-order", "predictor-corrector", "cosh"),
    ("normalised", "first-order", "predictor-corrector", "cosh"),
    ("qsgd", "second-order", "predictor-corrector", "cosh"),
    *((name, "first-order", "predictor-corrector", "cosh") for name in ("topk", "natural", "normclip")),
    ("sign gaussian", "first-order", "heun", "cosh"),
    ("sign gaussian", "corrected", "milstein", "quadratic"),
]  # fmt: skip
STORED: dict[str, str] = {
    "power second-order predictor-corrector cosh":
        "0x1.d86dc701d4117p-2 -0x1.03a010794e9eap-2 0x1.cd681213f9551p-2 -0x1.e121402e0df75p-4",
    "affine corrected predictor-corrector cosh":
        "0x1.106904433f78ep-1 -0x1.16905120d28fep-2 0x1.185c9cf4cfab1p-1 -0x1.11c87fe1349a4p-3",
    "sign t5 second-order predictor-corrector cosh":
        "0x1.6e8bd14115ca8p-1 -0x1.293582c9367ddp-2 0x1.6a423cb99a825p-1 -0x1.28efff0e1110ap-3",
    "sign t5 corrected predictor-corrector cosh":
        "0x1.a04855b419827p-1 -0x1.5b79336c70e69p-2 0x1.9d56d96a2e180p-1 -0x1.56321d826d798p-3",
    "free second-order euler quadratic":
        "0x1.2a6c758d0ea6ep-1 -0x1.ccbd0a6089644p-4 0x1.36e7d0d9b19dfp-1 -0x1.52de0e6fd0becp-5",
    "correlated second-order euler quadratic":
        "0x1.be59cf2b3eb28p-2 0x1.c16d89c294ab9p-6 0x1.dc6826bc7c262p-2 -0x1.0d50c6a73b4fcp-4",
    "randk second-order euler quadratic":
        "0x1.9a43375058524p-2 0x1.6198873739678p-7 0x1.baffb378800efp-2 -0x1.33733a8d9efdap-4",
    "sign cauchy second-order euler quadratic":
        "0x1.b4a3fba608c69p-1 -0x1.83608d9a10b83p-3 0x1.c212e6d079030p-1 -0x1.9b28d2a25c964p-4",
    "adaptive second-order predictor-corrector cosh":
        "0x1.9abbfbc9c149bp-2 -0x1.96da33ab3ef27p-3 0x1.888cd100aa93ep-2 -0x1.ac51c685ba9b3p-4",
    "normalised first-order predictor-corrector cosh":
        "0x1.cc1691f8f6d82p-1 -0x1.7874ac59499aep-2 0x1.cb745bdb2ea14p-1 -0x1.2c6d487642297p-2",
    "qsgd second-order predictor-corrector cosh":
        "0x1.98b7ddc678405p-2 -0x1.9d08d82398f45p-3 0x1.872162ff4e4a1p-2 -0x1.9f66e10388de7p-4",
    "natural first-order predictor-corrector cosh":
        "0x1.d77d9af48b079p-2 -0x1.e0d3a3b426cfep-3 0x1.cf1a5b8576441p-2 -0x1.d388c87954a12p-4",
    "topk first-order predictor-corrector cosh":
        "0x1.12757fa032700p-1 -0x1.4c4cff7c86c0cp-2 0x1.090ade03b4cddp-1 -0x1.a7573ecad52dfp-3",
    "normclip first-order predictor-corrector cosh":
        "0x1.aae06430feab7p-1 -0x1.723ab2f6dd11ap-2 0x1.a4c7fc2e1689bp-1 -0x1.0ee176d93f0bap-2",
    "sign gaussian first-order heun cosh":
        "0x1.7539b3c1bcd42p-1 -0x1.31107daa3a84fp-2 0x1.6c2f0975d1effp-1 -0x1.32539d6b2dc4cp-3",
    "sign gaussian corrected milstein quadratic":
        "0x1.981baa50dd6eap-1 -0x1.735da329fce55p-3 0x1.99856cd5066ecp-1 -0x1.c144dbcf62154p-4",
}  # fmt: skip


def solved(name: str, model: Any, scheme: Any, loss: str) -> np.ndarray:
    """The last points (4,) of two paths."""
    own = sd.losses.Cosh() if loss == "cosh" else sd.losses.Quadratic((1, 2))
    equation = sd.sde(METHODS[name](), model, own, 2)
    free = {"u": lambda t: 1 / (1 + t)} if name == "free" else {}
    params = {"eta": 0.25, **NUMBERS.get(name, {})}
    return solve(equation, [1.5, -0.5], 1.0, 2, 7, params, save=2, scheme=scheme, **free).final.T.ravel()


@pytest.mark.parametrize("case", mostly_slow(CASES, 4), ids=" ".join)
def test_a_solve_has_the_numbers_that_it_had(case):
    stored = np.array([float.fromhex(a) for a in STORED[" ".join(case)].split()])
    gap = np.abs(solved(*case) - stored).max() / np.abs(stored).max()
    assert gap <= CLOSE, gap


if __name__ == "__main__":
    for each in CASES:
        print(f'    "{" ".join(each)}":\n        "{" ".join(a.hex() for a in solved(*each).tolist())}",', flush=True)

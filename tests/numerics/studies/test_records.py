"""Estimates of many runs at once are those of each alone."""

import numpy as np
import pytest

from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.method import run
from sdescent.numerics.statistics.estimates import over_time
from sdescent.numerics.studies import records as module
from sdescent.numerics.studies.records import records


def made(seed: int, paths: int, save: int) -> Ensemble:
    return run(DSGD(Scaled(Gaussian(), 1), clients=1), [1.0], 1.0, paths, seed, {"eta": 0.1}, Quadratic((1,)), save)


@pytest.mark.slow
def test_runs_of_any_shapes_have_the_estimates_of_each_alone(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER", 100)  # so that there are several calls
    outcomes = [made(1, 20, 3), made(2, 20, 3), Refusal("no-drift", "planted"), made(3, 7, 2), made(5, 1, 2)]
    lost = outcomes[1].values["loss"].copy()
    lost[-1, 3] = np.nan
    outcomes[1].values["loss"] = lost
    asked = [("loss", "gradient_norm") if n % 2 else ("loss",) for n in range(len(outcomes))]
    found = records("method", outcomes, asked)
    assert [f.get("refused") for f in found] == [None, None, "no-drift", None, None]
    for outcome, names, one in zip(outcomes, asked, found, strict=True):
        if not isinstance(outcome, Ensemble):
            continue
        assert tuple(one["quantities"]) == names and one["times"] == outcome.times.tolist()
        for name in names:
            alone = over_time(outcome.values[name], *module.BAND, module.LEVEL)
            for field, values in one["quantities"][name].items():
                own = getattr(alone, field)
                assert values == [v if np.isfinite(v) else None for v in own.tolist()]
    assert found[1]["quantities"]["loss"]["count"][-1] == 19

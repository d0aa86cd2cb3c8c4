"""What a regime may say, and what it may not without an answer."""

from typing import Any

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import BadInput

UPDATE = ("m = b*m + (1-b)*N*G", "x = x - eta*m")


def ruled(regime: dict[str, str], memory: Any = (("m", 0),)) -> Method:
    return Method(memory=memory, update=UPDATE, clients=1, regime=regime)


@pytest.mark.parametrize(
    "regime, value",
    [
        ({"eta": "eta^2"}, "eta"), ({"c": "1 - r*eta"}, "c"), ({"b": "1 - r*eta", "r": "2*eta"}, "r"),
        ({"b": "1 - m*eta"}, "m"), ({"b": "1 - k*eta"}, "k"), ({"m": "m*G"}, "G"), ({"x": "x*eta"}, "x"),
    ],
)  # fmt: skip
def test_a_regime_substitutes_constants_by_constants(regime: dict[str, str], value: str) -> None:
    """Anything else would be dropped, or read as a constant of the same name."""
    with pytest.raises(BadInput) as refused:
        ruled(regime)
    assert refused.value.value == value


def test_a_memory_letter_has_one_start() -> None:
    with pytest.raises(BadInput, match="each letter once"):
        ruled({"b": "1 - r*eta"}, (("m", 0), ("m", 1)))


def test_what_a_regime_may_say() -> None:
    method = ruled({"b": "1 - r*eta", "m": "m/sqrt(eta)"})
    assert [name for name, _ in method.constants] == ["r"]


@pytest.mark.parametrize("time", ["eta^3", "1/eta", "1 + eta"])
def test_the_root_of_a_step_s_time_is_one_of_eta(time: str) -> None:
    with pytest.raises(BadInput) as refused:
        Method(memory=(("m", 0),), update=UPDATE, clients=1, regime={"b": "1 - r*eta"}, time=time)
    assert refused.value.field == "time"


def test_added_noise_and_weight_decay_keep_their_size_in_the_batch_equivalent_regime() -> None:
    """DP adds the variance kappa0^2 (noise of order eta^(-1/2)); AdamW decays by w x in time (wd of order eta)."""
    parts = {"noise": sd.noise.Scaled(sd.noise.Gaussian(), "sigma"), "clients": 1, "regime": "batch-equivalent"}
    private, decayed = (sd.sde(of(**parts)).rule for of in (sd.methods.DP, sd.methods.AdamW))
    kappa0, sigma0, w = sp.symbols("kappa0 sigma0 w", positive=True)
    assert private.drift == {"x": -g} and private.covariance == {("x", "x"): kappa0**2 + sigma0**2}
    assert sp.diff(decayed.drift["x"], next(s for s in decayed.drift["x"].free_symbols if str(s) == "x_j")) == -w


def test_correlated_noise_has_the_variance_of_its_matrix() -> None:
    noise = sd.noise.Correlated(sd.noise.StudentT(9))
    assert noise.scales[0] ** 2 * noise.law.variance == noise.covariance.variance

"""What the package makes can be pickled. Tests of executors and workers send pickles to other processes."""

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.process.density import density
from sdescent.derive.expressions.coordinates import coord_sum, g, hvp
from sdescent.derive.methods.compressors import RandK, TopK
from sdescent.derive.methods.losses import Quadratic, Quartic, SeparableSum
from sdescent.derive.methods.noise import Gaussian, StudentT
from sdescent.derive.proof.kernel.rules import genuine
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.theorems.catalogue import entries
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.statistics.estimates import over_time

ENSEMBLE = Ensemble(
    np.array([0.0, 1.0]), {"loss": np.ones((2, 3))}, np.array([np.inf, 1.0, np.inf]), np.ones((2, 3)), {"T": 1.0}
)
RAND_K = sd.DCSGD(RandK(2), StudentT("nu"), schedule=sd.schedules.Normalised())


def used(equation: sd.SDE) -> sd.SDE:
    """An equation of which everything was asked for, and is remembered."""
    named = equation.expanded
    _ = named.root, named.smooth_root, named.noise_type
    _ = equation.symbols, equation.rate, equation.parameters, equation.expressions
    return equation


MADE: dict[str, Callable[[], Any]] = {
    "method": lambda: RAND_K,
    "loss": lambda: SeparableSum("a*x^4/4 + log(1 + x^2)"),
    "expression": lambda: coord_sum(g**2 * hvp(sp.Abs(g))),
    "equation": lambda: sd.sde(RAND_K, "second-order"),
    "equation, used": lambda: used(sd.sde(sd.DCSGD(RandK(1), Gaussian()), "corrected", Quadratic(), 2)),
    "equation, given a message": lambda: sd.sde(sd.DCSGD(TopK(1), Gaussian()), "first-order", Quartic(), 2),
    "signs": lambda: used(sd.sde(sd.DSignSGD(StudentT("nu")), "corrected", Quadratic("h"), 1)),
    "density": lambda: density(sd.sde(sd.DSGD(Gaussian()), loss=Quartic(), dim=1).expanded),
    "theorem": lambda: entries()["6.2-pathwise"],
    "refutation": lambda: entries()["6.2-expectation"],
    "checked": lambda: sd.check("8-cauchy-3"),
    "proved": lambda: sd.claim("2*a*b <= a^2 + b^2"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_pickled_object_is_equal(name: str) -> None:
    made = MADE[name]()
    again = pickle.loads(pickle.dumps(made))
    assert again == made and type(again) is type(made)
    if isinstance(again, sd.SDE):  # what was computed meanwhile, which may be large, stays behind
        assert set(vars(again)) == {f.name for f in dataclasses.fields(again)}


def test_coordinates_keep_their_root() -> None:
    named = sd.sde(sd.DCSGD(RandK(1), Gaussian()), "corrected", Quadratic(), 2).coordinates()
    again = pickle.loads(pickle.dumps(named))
    assert again.root == named.root and again.smooth_root == named.smooth_root and again.drift == named.drift
    assert again.stratonovich_drift() == named.stratonovich_drift()


def test_arrays_keep_their_values() -> None:
    again = pickle.loads(pickle.dumps(ENSEMBLE))
    assert again.settings == ENSEMBLE.settings and np.array_equal(again.values["loss"], ENSEMBLE.values["loss"])
    assert np.array_equal(again.blow_up, ENSEMBLE.blow_up) and not again.blow_up.flags.writeable
    series = over_time(np.arange(60.0).reshape(3, 20))
    assert np.array_equal(pickle.loads(pickle.dumps(series)).median, series.median)


def test_a_proof_from_a_pickle_is_made_again() -> None:
    made = sd.claim("exp(-a) >= 1 - a", ["a >= 0"])
    again = pickle.loads(pickle.dumps(made))
    assert genuine(again.fact) is not made.fact and again.certificate == made.certificate and again == made
    # a pickle that says that something else was proved
    other = dataclasses.replace(made, claim=sd.claim("exp(-a) >= 2 - a").claim)
    with pytest.raises(ProofError, match="the certificate proves another claim"):
        pickle.loads(pickle.dumps(other))
    assert made.certificate is not None
    steps = [{**step, "rule": "assume"} for step in made.certificate["steps"]]
    forged = dataclasses.replace(made, certificate={**made.certificate, "steps": steps})
    with pytest.raises(ProofError):
        pickle.loads(pickle.dumps(forged))


def test_a_theorem_of_the_catalogue_is_itself_and_one_of_ones_own_is_not_it() -> None:
    entry = entries()["6.2-pathwise"]
    assert pickle.loads(pickle.dumps(entry)) is entry
    with pytest.raises((AttributeError, pickle.PicklingError)):  # its derivation is a function inside another one
        pickle.dumps(dataclasses.replace(entry, id="mine"))

"""Squares of vectors: the fact is the square of the length, and no mutant of a certificate with such steps states what fails.

All seeds are fixed. `python -m tests.support.certificates.instances 100000` makes more mutants.
"""

import copy
import json
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import num, plus, x
from tests.support.certificates.instances import FAMILIES, THEOREMS, astray, in_instances, mutants, one_step, two_steps
from tests.support.finite_models import FULL, near, random_model

COEFFICIENTS = [
    num(0),
    num("-3/2"),
    x("c"),
    x("g"),
    x("a"),
    x("t"),
    x("g") / x("c"),
    1 / (x("g") - x("q")),
    x("h") ** 2 - x("c"),
]


@pytest.mark.parametrize("seed", range(3))
def test_the_fact_is_the_square_of_the_length(seed: int) -> None:
    """In models with rational values: up to four vectors, repeated ones too, with coefficients that depend on outcome and time."""
    rng, kernel = np.random.default_rng([seed, 7]), Kernel(FULL)
    for _ in range(10):
        parts = [
            (plus(*(COEFFICIENTS[n] for n in rng.integers(0, len(COEFFICIENTS), 2))), "uv"[rng.integers(2)])
            for _ in range(rng.integers(1, 5))
        ]
        fact = kernel.squared_norm(parts)
        assert fact.claim.left == num(0) and not fact.hypotheses and not fact.axioms
        for _ in range(3):
            model = random_model(FULL, rng)
            total = np.sum(
                [np.squeeze(model.value(c), (2, 3, 4))[..., None] * model.vectors[v] for c, v in parts], axis=0
            )
            assert near(np.squeeze(model.value(fact.claim.right), (2, 3, 4)), (total**2).sum(-1))


@pytest.mark.parametrize("ahead", ["r", "p", "z", "m", "n"])
def test_coefficients_are_numbers_at_each_outcome_and_time(ahead: str) -> None:
    for c in (x(ahead), x("c") + 1 / x(ahead), num(0) * x(ahead)):
        with pytest.raises(ProofError, match="a process times a declared vector"):
            Kernel(FULL).squared_norm([(num(1), "u"), (c, "v")])


def put(value: Any, old: Any, new: Any) -> Any:
    text = json.dumps(value)
    assert json.dumps(old) in text
    return json.loads(text.replace(json.dumps(old), json.dumps(new)))


@pytest.mark.slow
def test_instances_find_what_is_false() -> None:
    """A bound that is lower by a tenth, noise that counts half, and the theorems without a hypothesis that they need."""
    for certificate in (one_step(), two_steps()):
        met, true = in_instances(certificate, 960, 0)
        assert met > 300 and true
    for certificate, old, new in (
        (two_steps(), ["q", "1/10"], ["q", "9/100"]),
        (one_step(), ["*", ["q", "2"], ["x", "N"]], ["*", ["q", "4"], ["x", "N"]]),
    ):
        lower = copy.deepcopy(certificate)
        lower["statement"]["claim"] = put(lower["statement"]["claim"], old, new)
        assert not in_instances(lower, 960, 0)[1]
    needed = dict.fromkeys(THEOREMS.values(), 0)
    for make in needed:
        for n in range(len(make()["statement"]["assumptions"])):
            less = copy.deepcopy(make())
            del less["statement"]["assumptions"][n]
            needed[make] += not in_instances(less, 960, 0)[1]
    assert needed[one_step] >= 4 and needed[two_steps] >= 1
    assert all(len(astray(family)) > 20 for family in FAMILIES)


@pytest.mark.parametrize(("count", "theorems"), [(200, False), pytest.param(8_000, True, marks=pytest.mark.slow)])
def test_no_mutant_states_what_fails(count: int, theorems: bool) -> None:
    """Of hand-written squares and of two theorems by interpolation, in both checkers; it raises where one is accepted.

    About a tenth of the mutants by hand are accepted and true, and a twentieth of the others; it asks for half as many.
    """
    said, by_hand = mutants(count, seed=1, theorems=theorems), count // 2 if theorems else count
    assert said["by hand: true"] > by_hand // 20 and said["by hand: invalid"] > by_hand // 10, said
    assert not theorems or min(said[f"{name}: true"] for name in THEOREMS) > count // 4 // 40, said

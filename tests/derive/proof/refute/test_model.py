"""Models of contexts whose time is steps, looked at without the replay, by `tests.support.certificates.witnesses`."""

import copy
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.certificate import context_json
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, norm, num, to_json, under, vec, x
from sdescent.derive.proof.refute.model import find_model
from tests.support.certificates.witnesses import unsatisfied

eta, L, f, G = x("eta"), x("L"), x("f"), norm(vec("g"))
STEPPING = {
    "change": "Af", "end": "fT", "start": "f0", "gradient": "g", "smoothness": (L, num(1)), "mean": ((-eta, vec("g")),),
    "square": eta**2 * (G**2 + x("s")), "radius": eta * G,
}  # fmt: skip
SYMBOLS = {
    **dict.fromkeys(["eta", "L", "s", "K", "f0"], "const"), "f": "random", "Af": "random", "fT": "rv", "n": "clock",
}  # fmt: skip
METHOD = Context(SYMBOLS, ("g",), horizon="K", potentials={"f": STEPPING}, steps=True)
GIVEN = [
    num(0).lt(eta), num(1).le(f), x("Af").le(-(eta * G**2) + L * eta**2 / 2), num(2).le(x("K")), (x("n") * eta).le(x("K")),
]  # fmt: skip


def failures(context: Context, assume: list[Relation], witness: Any) -> list[str]:
    statement = {"assumptions": [to_json(r) for r in assume], "definitions": []}
    return unsatisfied({"context": context_json(context), "statement": statement, "witness": witness})


def test_a_method_that_stays_where_it_is_is_a_model() -> None:
    model = find_model(METHOD, GIVEN, 3.0, {x("K"): 3, eta: Fraction(1, 2), L: 1, f: 2, G: 1})
    assert model is not None and model["symbols"]["K"] == ["q", "3"] and model["symbols"]["Af"] == ["q", "0"]
    assert failures(METHOD, GIVEN, model) == []
    for table, name, value, wrong in (
        ("symbols", "Af", ["q", "-1"], "change of f"),
        ("symbols", "f0", ["q", "7"], "f moves"),
        ("vectors", "g", [["q", "1"]], "mean of f"),
        ("symbols", "s", ["q", "-9"], "bound of f"),
        ("symbols", "K", ["q", "65"], "steps"),
    ):
        changed = copy.deepcopy(model)
        changed[table][name] = value
        assert wrong in failures(METHOD, GIVEN, changed), name


def test_sums_over_steps_and_a_generator_that_is_named() -> None:
    """The sum of n over n < K is 10 for K = 5; the change of a potential is 0 in a model, and so never below -1."""
    counted = Context({"K": "const", "n": "clock"}, horizon="K", steps=True)
    model = find_model(counted, [under("I", x("n")).eq(10)], 3.0)
    assert model == {"symbols": {"K": ["q", "5"]}, "vectors": {}, "matrices": {}, "functions": {}}
    assert failures(counted, [under("I", x("n")).eq(10)], model) == []
    assert failures(counted, [under("I", x("n")).eq(9)], model) != []
    moving = {"V": {"change": "LV", "end": "VT", "start": "V0"}}
    symbols = {"V": "random", "LV": "random", "VT": "rv", "V0": "const", "T": "const"}
    named, assume = Context(symbols, horizon="T", potentials=moving), [x("LV").le(1 - x("V")), num(0).lt(x("T"))]
    model = find_model(named, assume, 3.0)
    assert model is not None and failures(named, assume, model) == []
    assert find_model(named, [x("LV").le(-1)], 1.0) is None

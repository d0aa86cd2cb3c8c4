"""Certificates that are to be replayed and exported within limits: terms and chains of steps that grow."""

import copy
import json
import random
from typing import Any

from tests.support.certificates.mutants import at, is_term, places
from tests.support.certificates.rules import assume, certificate

#: processor seconds that a replay may take, and an export
MOST_SECONDS = 20.0
ONE: dict[str, Any] = {"mult": [["1", [], []]], "sum": [["1", [], []]], "equalities": []}
Step = dict[str, Any]


def proof(steps: list[Step]) -> dict[str, Any]:
    """A certificate of the last step, over the names of `rules.certificate`, without assumptions."""
    statement = {"assumptions": [], "definitions": [], "axioms": [], "claim": steps[-1]["claim"]}
    return {**certificate(assume("a <= 1")), "steps": steps, "statement": statement}


def doubled_terms(count: int) -> dict[str, Any]:
    """a/2 + a/2 for a, again and again: a short certificate of 0 <= a^2, and as a tree a term of 2^count leaves."""
    claim, half = ["<=", ["q", "0"], ["^", ["x", "a"], 2]], ["*", ["q", "1/2"], ["x", "a"]]
    square = {"mult": [["1", [], []]], "sum": [["1", [], [["x", "a"]]]], "equalities": []}
    steps: list[Step] = [{"rule": "certify", "premises": [], "data": square, "claim": claim}]
    for k in range(count):
        data = {"symbol": "a", "term": ["+", half, half]}
        steps.append({"rule": "instantiate", "premises": [k], "data": data, "claim": claim})
    return proof(steps)


def doubled_steps(count: int) -> dict[str, Any]:
    """Steps that each stand on the one before and on its instance, which is proved again: 2^count copies of the first."""
    claim = ["<=", ["x", "a"], ["+", ["x", "a"], ["q", "1"]]]
    steps: list[Step] = [{"rule": "certify", "premises": [], "data": ONE, "claim": claim}]
    for k in range(count):
        last, moved = len(steps) - 1, ["+", ["x", "a"], ["q", str(2**k)]]
        instance = ["<=", moved, ["+", moved, ["q", "1"]]]
        both = {"mult": [["1", [], []]], "sum": [["1/2", [0], []], ["1/2", [1], []]], "equalities": []}
        steps.append(
            {"rule": "instantiate", "premises": [last], "data": {"symbol": "a", "term": moved}, "claim": instance}
        )
        steps.append({"rule": "certify", "premises": [last, last + 1], "data": both, "claim": claim})
    return proof(steps)


def grown(chance: random.Random, value: dict[str, Any]) -> None:
    """Puts in the place of a term a larger one that holds it, of the same value or not; in the claim above it too, mostly."""
    terms = [p for p in places(value["steps"]) if is_term(at(value["steps"], p))]
    if not terms:
        return
    *path, last = chance.choice(terms)
    old = at(value["steps"], path)[last]
    kind = chance.randrange(6)
    if kind == 0:
        new = ["^", old, chance.choice((2, 20, 64))]
    elif kind == 1:
        new = ["+", *[["*", ["q", "1/3"], old]] * chance.choice((3, 30))]
    elif kind == 2:
        new = ["f", chance.choice(("exp", "log", "atan", "abs", "sqrt", "psi", "erf", "tanh")), old]
    elif kind == 3:
        factor = chance.choice((["xi", "sj"], ["x", "xj"], ["xi", "xj"]))
        new = [chance.choice(("S", "Si", "E", "C", "I", "EI")), ["*", old, factor]]
    elif kind == 4:
        new = ["*", old, ["q", chance.choice(("9" * 900, "1/" + "7" * 900, "0"))]]
    else:
        new = old
        for _ in range(chance.choice((3, 60, 150))):
            new = chance.choice((["+", new, ["q", "1"]], ["/", ["q", "1"], new]))
    if chance.random() < 0.7:
        text, by = json.dumps(old), json.dumps(new)
        whole = json.dumps(value)
        if whole.count(text) * len(by) < 2_000_000:
            value.update(json.loads(whole.replace(text, by)))
    else:
        at(value["steps"], path)[last] = copy.deepcopy(new)

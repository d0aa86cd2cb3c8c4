"""Witnesses: the replay takes a model of the context and hypotheses and nothing else, and says where a certificate has none."""

import copy
import json
import random
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.kernel.certificate import certificate, context_json, dumps, plain
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, declared, fn, mat, norm, num, opnorm, tr, under, vec, x, xi
from sdescent.derive.proof.refute.model import find_model, with_witness
from sdescent.derive.proof.replay.algebra import Budget
from sdescent.derive.proof.replay.check import Invalid, Unreadable, describe, replay, replay_object
from sdescent.derive.proof.replay.context import read_context
from sdescent.derive.proof.replay.terms import Terms
from sdescent.derive.proof.replay.witness import check_witness
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from tests.support.certificates.entries import entry_certificate
from tests.support.certificates.witnesses import unsatisfied
from tests.support.corpus.cases import claim_of
from tests.support.corpus.textbook import TRUE
from tests.support.samples import mostly_slow

ZERO, ONE, UNIT = num(0), num(1), Fraction(1)
PROVED = [entry.id for entry in entries().values() if isinstance(entry, Theorem)]
CONSISTENT = [case for case in TRUE if not case.vacuous]
NOT_SHOWN = (
    "satisfiability not shown: nothing was checked that satisfies the hypotheses and the declarations,"
    " so that the claim may say nothing"
)


def out_of_nothing(**properties: Any) -> dict[str, Any]:
    """1 <= 0 from the declared bound -1 of a function, without any hypothesis."""
    kernel = Kernel(Context({}, functions={"F": {"bounded": num(-1), **properties}}))
    above, below = kernel.declared("F", "bounded", [ZERO]), kernel.declared("F", "bounded_below", [ZERO])
    both = [(UNIT, (0,), ()), (UNIT, (1,), ())]
    return certificate(kernel.certify(num(2).le(0), [above, below], sum=both), "a theorem")


def shape(level: str, height: str, width: str) -> dict[str, Any]:
    return {"level": level, "height": height, "width": width}


def test_declarations_that_no_function_satisfies_are_not_shown_to_be_satisfiable() -> None:
    """|F(t)| <= -1 proves 2 <= 0 without an assumption: the replay has no witness, says so, and takes none."""
    found = out_of_nothing()
    replayed = replay_object(found)
    assert replayed.assumptions == [] and replayed.satisfiability == "not shown" and replayed.witness is None
    assert replayed.context["functions"] == {"F": {"bounded": ["q", "-1"]}}
    assert NOT_SHOWN in describe(replayed) and "function F: bounded -1" in describe(replayed)
    context = Context({}, functions={"F": {"bounded": num(-1)}})
    assert find_model(context, [], 1.0) is None
    for f in (
        shape("0", "0", "1"),
        shape("0", "-1", "1"),
        shape("1", "-1", "1"),
        shape("-1", "0", "1"),
        shape("-1", "1", "3"),
    ):
        made = {**found, "witness": {"symbols": {}, "vectors": {}, "matrices": {}, "functions": {"F": f}}}
        with pytest.raises(Invalid, match="bounded of F"):
            replay_object(made)


@pytest.mark.parametrize(
    ("properties", "good", "bad"),
    [
        ({"odd": True}, ("0", "-2", "1"), ("1", "0", "1")),
        ({"nondecreasing": True}, ("5", "2", "1"), ("5", "-2", "1")),
        ({"concave_right": True}, ("5", "2", "1"), ("5", "-1/100", "1")),
        ({"bounded": num(3)}, ("1", "-2", "9"), ("1", "-201/100", "9")),
        ({"bounded": num(0)}, ("0", "0", "9"), ("0", "1/1000", "9")),
        ({"slope": num(2)}, ("0", "6", "3"), ("0", "601/100", "3")),
        ({"slope": num(2)}, ("-1", "7", "3"), ("1/100", "1", "3")),
        ({"slope": ZERO}, ("0", "-1", "3"), ("0", "1", "3")),
        ({"slope": num(-1)}, None, ("-100", "0", "3")),  # far out -t is below every bounded function
        ({"bounded": x("c"), "slope": x("c") * 2}, ("0", "2", "1"), ("0", "21/10", "10")),
    ],
)
def test_functions_have_the_declared_properties(properties: Any, good: Any, bad: Any) -> None:
    context = Context({"c": "const"}, functions={"F": properties})
    found = certificate(Kernel(context).certify(ZERO.le(1), [], sum=[(UNIT, (), ())]), "a theorem")
    for f, valid in ((good, True), (bad, False)):
        if f is None:
            continue
        made = {
            **found,
            "witness": {"symbols": {"c": ["q", "2"]}, "vectors": {}, "matrices": {}, "functions": {"F": shape(*f)}},
        }
        assert (unsatisfied(made) == []) == valid
        if valid:
            assert find_model(context, [x("c").eq(2)], 1.0) is not None
            assert replay_object(made).satisfiability == "shown"
        else:
            with pytest.raises(Invalid, match="of F"):
                replay_object(made)


@pytest.mark.parametrize("name", PROVED[::8])
def test_every_entry_of_the_catalogue_has_a_model(name: str) -> None:
    """Of the assumptions that it uses and of those that it does not; in the certificate, checked by the replay, and here anew."""
    found = entry_certificate(name)
    assert replay(dumps(found)).satisfiability == "shown"
    assert unsatisfied(found) == []
    theorem = entries()[name]
    assert isinstance(theorem, Theorem)
    assert rebuild(json.loads(dumps(found))).claim  # the kernel takes it too


@pytest.mark.parametrize("case", mostly_slow(CONSISTENT[::3], 3), ids=lambda case: case.name)
def test_claims_have_a_point_of_their_assumptions(case: Any) -> None:
    verdict = prove(claim_of(case), seconds=2.0)
    assert verdict.status == "PROVED" and verdict.certificate is not None
    assert verdict.satisfiability == "shown" and not verdict.vacuous
    assert replay(dumps(verdict.certificate)).satisfiability == "shown"
    assert unsatisfied(verdict.certificate) == []


@cache
def _example() -> dict[str, Any]:
    """Everything that a context may have, and hypotheses about all of it."""
    context = Context(
        {"T": "const", "d": "const", "n": "const", "c": "const", "t": "clock", "y": "coord", "p": "client", "V": "random",
         "V0": "const", "V1": "rv", "u": "time"},
        ("g",), {"H": ("symmetric",), "P": ("psd",), "Q": ("psd",), "A": ()},
        {"R": {"odd": True, "bounded": x("c")}}, "T", "d", "n",
        {"V": {"gradient": "g", "hessian": "H", "start": "V0", "end": "V1", "smooth": True,
               "drift": [(-x("u"), vec("g"))], "diffusion": [(x("u"), mat("P"))]}},
    )  # fmt: skip
    g = norm(vec("g"))
    hypotheses = [
        (x("u") ** 2).eq(2), x("c").eq(fn("exp", 1)), fn("log", x("c")).le(x("t") + 1), (x("t") - x("T")).le(0),
        under("S", x("y")).eq(3), (x("y") + xi("y")).lt(100), under("C", x("p")).lt(0), g.le(0), under("EI", x("V")).eq(x("T")),
        opnorm(mat("A")).eq(2), tr(mat("A")).eq(-1), declared("R", x("u")).eq(x("u") / 2), declared("R", 7).eq(1),
        Relation(("!=", x("t") + 1, ZERO)), x("n").eq(2), x("d").eq(2), fn("sqrt", 8).eq(2 * x("u")),
    ]  # fmt: skip
    statement = {"assumptions": plain(hypotheses), "definitions": []}
    return json.loads(json.dumps({"context": context_json(context), "statement": statement}))


WITNESS = {
    "symbols": {
        "T": ["q", "3"], "d": ["q", "2"], "n": ["q", "2"], "c": ["f", "exp", ["q", "1"]], "y": [["q", "1"], ["q", "2"]],
        "p": [["q", "1"], ["q", "-2"]], "V": ["q", "1"], "V0": ["q", "1"], "V1": ["q", "1"], "u": ["f", "sqrt", ["q", "2"]],
    },
    "vectors": {"g": [["q", "0"], ["q", "0"]]},
    "matrices": {
        "H": [["q", "5"], ["q", "-5"]],
        "P": [["q", "0"], ["q", "0"]], "Q": [["q", "0"], ["q", "3"]], "A": [["q", "1"], ["q", "-2"]],
    },
    "functions": {"R": {"level": "0", "height": "1", "width": "2"}},
}  # fmt: skip


def _checked(witness: Any, found: dict[str, Any] | None = None) -> None:
    """The witness alone: the example has no steps."""
    found, work = found or _example(), Budget()
    terms = Terms(read_context(found["context"], work, False), work, False)
    check_witness(terms, found["statement"]["assumptions"] + found["statement"]["definitions"], witness)


def test_a_model_of_everything() -> None:
    _checked(copy.deepcopy(WITNESS))
    assert unsatisfied({**_example(), "witness": WITNESS}) == []


EDITS: tuple[tuple[Any, ...], ...] = (
    ("symbols", "u", ["q", "1"]), ("symbols", "u", ["*", ["q", "-1"], ["f", "sqrt", ["q", "2"]]]),
    ("symbols", "u", ["q", "14142135623730950488/10000000000000000000"]), ("symbols", "c", ["q", "3"]),
    ("symbols", "T", ["q", "-1"]), ("symbols", "d", ["q", "3"]), ("symbols", "d", ["q", "3/2"]),
    ("symbols", "n", ["q", "1"]), ("symbols", "n", ["q", "0"]), ("symbols", "n", ["q", "1000000"]),
    ("symbols", "y", [["q", "1"], ["q", "3"]]), ("symbols", "y", [["q", "1"]]), ("symbols", "y", ["q", "1"]),
    ("symbols", "y", [["q", "-50"], ["q", "53"]]), ("symbols", "p", ["q", "1"]), ("symbols", "V", ["q", "2"]),
    ("symbols", "V0", ["q", "2"]), ("symbols", "V1", ["q", "2"]), ("symbols", "t", ["q", "0"]), ("symbols", "z", ["q", "0"]),
    ("symbols", "V", ["x", "c"]), ("symbols", "V", ["q", "2/2"]), ("symbols", "V", 1), ("symbols", "V", ["E", ["q", "1"]]),
    ("symbols", "V", ["/", ["q", "1"], ["q", "0"]]), ("symbols", "V", ["f", "sqrt", ["q", "-1"]]),
    ("symbols", "V", ["f", "log", ["q", "0"]]), ("vectors", "g", [["q", "1"], ["q", "0"]]), ("vectors", "g", [["q", "0"]]),
    ("vectors", "g", ["q", "0"]), ("matrices", "P", [["q", "0"], ["q", "-1"]]), ("matrices", "P", [["q", "0"], ["q", "1"]]),
    ("matrices", "Q", [["q", "1"], ["q", "-1/100"]]), ("matrices", "A", [["q", "1"], ["q", "-3"]]),
    ("matrices", "A", [["q", "1"], ["q", "-1"]]),
    ("functions", "R", shape("0", "1", "3")), ("functions", "R", shape("0", "1", "0")), ("functions", "R", shape("0", "3", "2")),
    ("functions", "R", shape("1", "1", "2")), ("functions", "R", {"level": "0", "height": "1"}),
    ("functions", "R", {"level": 0, "height": "1", "width": "2"}),
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: f"{e[1]} {json.dumps(e[2])[:40]}")
def test_what_is_no_model_is_refused(edit: tuple[Any, ...]) -> None:
    table, name, value = edit
    witness = copy.deepcopy(WITNESS)
    witness[table][name] = value
    with pytest.raises((Invalid, Unreadable)):
        _checked(witness)


CHANGED = ("6.4-corrected", "6.1-scheduled", "6.6-limit", "8-separable", "6.5-sign", "4-ternary")


@pytest.mark.parametrize("name", mostly_slow(CHANGED, 6))
def test_changed_witnesses_are_models_where_they_are_taken(name: str) -> None:
    """Forty with one other number each: what the replay takes satisfies the hypotheses in the finite model too."""
    found, chance = json.loads(dumps(entry_certificate(name))), random.Random(name)
    taken = 0
    for _ in range(40):
        witness = copy.deepcopy(found["witness"])
        table = chance.choice([key for key in ("symbols", "vectors", "matrices") if witness[key]])
        name = chance.choice(list(witness[table]))
        value = ["q", str(Fraction(chance.randrange(-4, 5), chance.choice([1, 1, 2])))]
        witness[table][name] = value if table == "symbols" else [value]
        try:
            _checked(witness, found)
        except (Invalid, Unreadable):  # another dimension, or not a model
            continue
        taken += 1
        assert unsatisfied({**found, "witness": witness}) == []
    assert 0 < taken < 40


JUNK: tuple[Any, ...] = (
    None, True, 0, -1, "", "1", "x", [], {}, ["q"], ["q", "1", "1"], ["q", "1/0"], ["x", "c"], ["f", "exp"],
    ["f", "sin", ["q", "1"]],
    ["^", ["q", "2"], 10**9], ["^", ["q", "2"], -1], ["/", ["q", "1"]], ["F", "R", ["q", "1"]], [["q", "1"]], [[]], ["+"], ["pi"],
    ["f", "exp", ["f", "exp", ["f", "exp", ["q", "1000"]]]], ["q", "9" * 3000], {"level": "0"}, ["norm", ["v", "g"]],
)  # fmt: skip


def test_junk_in_a_witness_is_refused_in_order() -> None:
    """Anything in any place: nothing but Invalid and Unreadable comes out, none of it as an accident."""
    chance = random.Random(5)
    found = prove("1/x <= 1", ["x >= 1"]).certificate
    assert found is not None
    context = {**_example()["context"], "symbols": {**_example()["context"]["symbols"], "x": "const"}}
    witness = {**WITNESS, "symbols": {**WITNESS["symbols"], "x": ["q", "2"]}}
    good = {**found, "context": context, "witness": witness}
    assert replay_object(good).satisfiability == "shown"
    for _ in range(200):
        value = copy.deepcopy(good)
        place, depth = value["witness"], chance.randrange(5)
        for _ in range(depth):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            inner = [key for key in keys if isinstance(place[key], (dict, list)) and place[key]]
            if not inner:
                break
            place = place[chance.choice(inner)]
        place[chance.choice(list(place) if isinstance(place, dict) else range(len(place)))] = copy.deepcopy(
            chance.choice(JUNK)
        )
        try:
            assert replay_object(value).satisfiability == "shown"
        except (Invalid, Unreadable) as error:
            assert "internal" not in str(error), json.dumps(value["witness"])


@pytest.mark.parametrize("name", list(WITNESS))
def test_every_name_has_a_value(name: str) -> None:
    for change in (lambda table: table.pop(next(iter(table))), lambda table: table.clear()):
        witness = copy.deepcopy(WITNESS)
        change(witness[name])
        with pytest.raises(Unreadable):
            _checked(witness)
    with pytest.raises(Unreadable):
        _checked({key: value for key, value in WITNESS.items() if key != name})


def test_a_wrong_witness_makes_a_certificate_invalid_and_none_is_no_error() -> None:
    found = prove("1/x <= 1", ["x >= 1"]).certificate
    assert found is not None and replay_object(found).satisfiability == "shown"
    plain = {key: value for key, value in found.items() if key != "witness"}
    assert replay_object(plain).satisfiability == "not shown"
    wrong = {"symbols": {"x": ["q", "1/2"]}, "vectors": {}, "matrices": {}, "functions": {}}
    with pytest.raises(Invalid, match="not shown to satisfy hypothesis 0"):
        replay_object({**plain, "witness": wrong})
    assert with_witness(plain, wrong) == plain
    for shape_of_it in (None, [], {}, "x", {**wrong, "more": {}}, {**wrong, "symbols": []}):
        with pytest.raises(Unreadable):
            replay_object({**plain, "witness": shape_of_it})


def test_a_proof_from_contradictory_hypotheses_says_so() -> None:
    found = prove("1 <= 0", ["x^2 < 0"]).certificate
    assert found is not None
    replayed = replay_object(found)
    assert replayed.contradictory and replayed.satisfiability == "impossible"
    assert any(line.startswith("satisfiability impossible: the hypotheses") for line in describe(replayed))


# Conventions

DIVIDED = "1/0 = 0: something in the statement is divided"
ROOT = "sqrt(t) = 0 for t < 0: something in the statement has the square root"
LOGARITHM = "log(t) = 0 for t <= 0: something in the statement has the logarithm"


def _said(certificate_of: dict[str, Any]) -> list[str]:
    replayed = replay_object(certificate_of)
    lines = [line.removeprefix("convention: ") for line in describe(replayed) if line.startswith("convention: ")]
    assert lines == list(replayed.conventions)
    return lines


def _identity(t: Any, context: Context | None = None) -> dict[str, Any]:
    """t <= t + 1 for all x and y, where N is the number of clients."""
    kernel = Kernel(context or Context({"x": "const", "y": "const", "N": "const"}, clients="N"))
    return certificate(kernel.certify(t.le(t + 1), [], sum=[(UNIT, (), ())]), "a theorem")


@pytest.mark.parametrize(
    ("t", "said"),
    [
        (ONE / ZERO, [f"{DIVIDED} by 0"]),
        (ONE / x("x"), [f"{DIVIDED} by x, and no step shows that this is not 0"]),
        (x("x") / x("x"), [f"{DIVIDED} by x, and no step shows that this is not 0"]),
        (ONE / (x("x") - x("y")), [f"{DIVIDED} by x + (-1) * y, and no step shows that this is not 0"]),
        (fn("sqrt", x("x")), [f"{ROOT} of x, and no step shows that this is >= 0"]),
        (fn("log", x("x") ** 2), [f"{LOGARITHM} of x^2, and no step shows that this is > 0"]),
        (ONE / (1 + x("x") ** 2), []), (ONE / (fn("exp", x("x")) + x("y") ** 2), []), (ONE / num("-1/3"), []), (ONE / x("N"), []),
        (ONE / (x("N") * fn("sqrt", 2 + x("x") ** 2)), []), (fn("sqrt", x("x") ** 2), []), (fn("log", 1 + fn("abs", x("x"))), []),
        (ONE / (1 - fn("exp", 1)), []), (fn("sqrt", fn("erf", 1)), []),
    ],
)  # fmt: skip
def test_conventions_are_named_where_the_statement_may_rest_on_them(t: Any, said: list[str]) -> None:
    assert _said(_identity(t)) == said


def test_a_proof_that_uses_one_over_zero_says_so() -> None:
    """1/0 <= 0 is true by 1/0 = 0 alone."""
    kernel = Kernel(Context({"x": "const"}))
    fact = kernel.certify((ONE / ZERO).le(0), [])
    assert _said(certificate(fact, "one over zero")) == [f"{DIVIDED} by 0"]
    found = prove("1/x <= 1", ["x >= 1"]).certificate
    assert found is not None and _said(found) == []
    positive = prove(
        "1/x + 1 > 1/x", ["x > 0"]
    ).certificate  # the proof does not use x > 0, and the statement does not have it
    assert positive is not None and positive["statement"]["assumptions"] == []
    assert _said(positive) == [f"{DIVIDED} by x, and no step shows that this is not 0"]


@pytest.mark.parametrize(
    ("t", "op", "safe"),
    [
        (ONE / x("x"), "<=", False), (ONE / x("x"), "<", True), (fn("sqrt", x("x")), "<=", True), (fn("log", x("x")), "<=", False),
        (fn("log", 2 * x("x")), "<", True), (ONE / (x("x") + 1), "<=", True), (ONE / (x("x") - 1), "<", False),
        (fn("sqrt", -x("x")), "<", False), (ONE / (x("x") * fn("exp", x("y"))), "<", True), (ONE / x("y"), "<", False),
    ],
)  # fmt: skip
def test_what_the_steps_show_is_no_convention(t: Any, op: str, safe: bool) -> None:
    """t <= t + x where 0 <= x, or 0 < x."""
    kernel = Kernel(Context({"x": "const", "y": "const"}))
    given = kernel.assume(Relation((op, ZERO, x("x"))))
    fact = kernel.certify(t.le(t + x("x")), [given], sum=[(UNIT, (0,), ())])
    assert (_said(certificate(fact, "a theorem")) == []) == safe


def test_what_is_not_0_has_no_sign() -> None:
    """sqrt(x) x (1/x) == sqrt(x) where x is not 0: x may be negative."""
    kernel, t = Kernel(Context({"x": "const"})), fn("sqrt", x("x"))
    unit = kernel.inverse(x("x"), kernel.assume(Relation(("!=", x("x"), ZERO))))
    fact = kernel.certify((t * x("x") * (1 / x("x"))).eq(t), [unit], equalities=[(0, t)])
    assert _said(certificate(fact, "a root")) == [f"{ROOT} of x, and no step shows that this is >= 0"]


def test_conventions_of_declarations_and_of_the_proof_are_named() -> None:
    context = Context({"x": "const"}, functions={"F": {"bounded": ONE / x("x")}})
    assert len(_said(_identity(ZERO, context))) == 1
    kernel = Kernel(Context({"x": "const"}))
    hidden = kernel.certify((ONE / x("x")).le(ONE / x("x") + 1), [], sum=[(UNIT, (), ())])
    fact = kernel.certify(ZERO.le(1), [hidden], sum=[(UNIT, (0,), ())])
    assert _said(certificate(fact, "hidden")) == [
        "1/0 = 0: something in the proof is divided by x, and no step shows that this is not 0"
    ]

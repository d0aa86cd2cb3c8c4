"""`prove` on the corpus of claims, and what it says about domains, strictness, hints and inconsistent assumptions."""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.claims import branch as claim_branch
from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.claims.verdict import Judged, require_proof_of
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Kernel, genuine
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, fn, from_json, num, x
from sdescent.derive.proof.refute.exact import counterexample
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.proof.search.certify import CertifyStep
from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.corpus.cases import Case, claim_of
from tests.support.corpus.failing import FALSE
from tests.support.corpus.holding import TRUE

SECONDS = 2.0
#: few enough for every run, from all parts of the corpus
NAMES = (
    "young", "descent", "root_subadditive", "fraction_constant", "inverse_signs", "abs_above", "exp_slope", "tanh_bound",
)  # fmt: skip


def check(verdict: Judged, asked: Claim) -> None:
    """What no verdict may get wrong, looked at anew from what was asked."""
    relation, assume = from_json(asked.claim, True), [from_json(a, True) for a in asked.assume]
    if verdict.status == "REFUTED":
        assert verdict.certificate is None and verdict.counterexample is not None
        assert set(verdict.counterexample) == set(asked.variables)
    if verdict.status != "PROVED":
        assert verdict.certificate is None and verdict.fact is None
        return
    kernel = Kernel(Context({name: "const" for name in asked.variables}))
    fact, stated = genuine(verdict.fact), verdict.certificate
    assert stated is not None
    said = stated["statement"]
    assert fact.claim == relation and from_json(said["claim"], True) == relation
    allowed = {kernel.normal.key(a) for a in assume}
    assert {kernel.normal.key(from_json(a, True)) for a in said["assumptions"]} <= allowed
    assert said["axioms"] == [] and said["definitions"] == []
    # by the kernel from the JSON alone, and without it
    again = rebuild(json.loads(dumps(stated)))
    assert again.claim == relation and {kernel.normal.key(h) for h in again.hypotheses.values()} <= allowed
    replayed = replay(dumps(stated))
    assert replayed.trusted == 0 and list(replayed.axioms) == []


def right(case: Case, verdict: Judged) -> bool:
    """Whether the verdict is the best there is; a wrong one fails the test."""
    if case.truth:
        assert verdict.status != "REFUTED", case.name
        assert not verdict.vacuous or case.vacuous, case.name
        return verdict.status == "PROVED" and verdict.vacuous == case.vacuous
    assert verdict.status in ("REFUTED", "UNDECIDED"), case.name
    return verdict.status == "REFUTED"


@pytest.mark.parametrize("case", [case for case in TRUE + FALSE if case.name in NAMES], ids=lambda case: case.name)
def test_a_sample_of_the_corpus(case: Case) -> None:
    """With more time than any of them takes, on a slow machine too, the verdict is the best there is."""
    asked = claim_of(case)
    verdict = prove(asked, seconds=10 * SECONDS)
    check(verdict, asked)
    assert right(case, verdict), verdict.status
    assert not right(case, replace(verdict, status="UNDECIDED"))


@pytest.mark.slow
@pytest.mark.parametrize("cases", [TRUE, FALSE], ids=["true", "false"])
def test_the_others_of_the_corpus(cases: tuple[Case, ...]) -> None:
    """Each has more processor time than it takes, on a slow machine too."""
    missed, seconds = list[str](), list[float]()
    others = [case for case in cases if case.name not in NAMES]
    for case in others:
        asked, began = claim_of(case), now()
        verdict = prove(asked, seconds=3 * SECONDS)
        seconds.append(now() - began)
        check(verdict, asked)
        if not right(case, verdict):
            missed.append(f"{case.name}: {verdict.status}")
    assert len(missed) <= len(others) / 20, missed
    assert statistics.median(seconds) < 1


# domains


@pytest.mark.parametrize(
    ("claim", "assume", "field", "found", "column"),
    [
        ("1/x >= 0", [], "claim", "x", 3),
        ("x >= 0", ["1/x >= 1"], "assume[1]", "x", 3),
        ("x >= 0", ["y >= 0", "x <= 1/(y - 1)"], "assume[2]", "y - 1", 9),
        ("sqrt(x) >= 0", [], "claim", "x", 6),
        ("log(x) <= x", ["x >= 0"], "claim", "x", 5),
        ("1 / (x^2 - 1) >= 0", ["x >= 0"], "claim", "x^2 - 1", 6),
        ("1/(x*y) >= 0", ["x > 0", "y >= 0"], "claim", "x*y", None),
    ],
)
def test_what_is_not_shown_to_be_inside_its_domain_is_bad_input(claim, assume, field, found, column):
    with pytest.raises(BadInput) as caught:
        prove(claim, assume, seconds=1)
    assert (caught.value.field, caught.value.value) == (field, found)
    assert column is None or caught.value.column == column
    assert "assumptions show" in caught.value.accepted


#: proved, where the domain has to be shown; then what strictness and equality say
STATUSES = [
    ("1/(x^2 + 1) <= 1", [], "PROVED"),
    pytest.param("1/(exp(x) + 1) < 1", [], "PROVED", marks=pytest.mark.slow),
    ("1/sqrt(1 + x^2) <= 1", [], "PROVED"),
    ("1/(1 + abs(x)) <= 1", [], "PROVED"),
    ("x <= sqrt(x^2)", [], "PROVED"),
    ("1/x <= 1/L", ["x >= L", "L > 0"], "PROVED"),
    ("eta <= 1", ["eta <= 1/L", "L >= 1"], "PROVED"),
    ("y <= 1", ["y <= 1/x", "x >= 1"], "PROVED"),  # the assumption about x comes after the one that needs it
    ("1/x < 0", ["x < 0"], "PROVED"),
    ("1/x^2 > 0", ["x^2 >= 1"], "PROVED"),
    ("log(1 + x^2) >= 0", [], "PROVED"),
    ("2*a*b <= a^2 + b^2", [], "PROVED"),
    ("2*a*b < a^2 + b^2", [], "REFUTED"),
    ("2*a*b < a^2 + b^2", ["a < b"], "PROVED"),
    ("abs(a*b) == abs(a)*abs(b)", [], "PROVED"),
    ("x == 0", ["x >= 0", "x <= 0"], "PROVED"),
    ("abs(a + b) == abs(a) + abs(b)", [], "REFUTED"),
]


@pytest.mark.parametrize(("claim", "assume", "status"), STATUSES)
def test_the_status(claim: str, assume: list[str], status: str) -> None:
    verdict = prove(claim, assume, seconds=5)
    assert verdict.status == status, verdict.reason


def test_an_assumption_does_not_show_its_own_denominator():
    with pytest.raises(BadInput) as caught:
        prove("x >= 0", ["1/x > 0"])
    assert caught.value.field == "assume[1]"
    # nor do two of them show each other's
    with pytest.raises(BadInput):
        prove("x >= 0", ["x + 1/y > 0", "y + 1/x > 0"], seconds=1)
    # nor is a number that is 0 one, in a term that is built by hand
    with pytest.raises(BadInput, match="denominator"):
        prove("x >= 0", [num(1).lt(x("x") / num(0))], ["x"])


# verdicts


def test_counterexamples_are_exact():
    verdict = prove("x <= 1.414", ["x^2 == 2", "x > 0"])
    assert verdict.status == "REFUTED" and verdict.counterexample is not None
    assert verdict.counterexample["x"] == "sqrt(2)"
    relation = (x("a") * x("b")).le(num(1))
    verdict = prove(relation)
    assert verdict.counterexample is not None
    assert counterexample({n: Fraction(v) for n, v in verdict.counterexample.items()}, [], relation)


def test_a_counterexample_with_a_square_root_is_written_with_it():
    """In JSON, in a file of a claim, and in LaTeX; the claim language reads the value back."""
    verdict = prove("x^2 - x < 121", ["x^2 - x == 121", "x > 0"])
    assert verdict.counterexample == {"x": "(1 + sqrt(485))/2"}
    assert "at x = (1 + sqrt(485))/2" in verdict.reason
    assert r"x = \frac{1 + \sqrt{485}}{2}" in verdict._repr_latex_() and "root" not in verdict._repr_latex_()
    assert prove("x^2 - x == 121", [f"x == {verdict.counterexample['x']}"]).status == "PROVED"
    assert prove("x^2 < 11", ["x^2 == 11", "x > 0"]).counterexample == {"x": "sqrt(11)"}
    assert prove("x^3 < 2", ["x^3 == 2"]).counterexample == {"x": "root(x^3 - 2, 1)"}


def test_an_equality_in_both_directions():
    """No premises with == give atan(-x) == -atan(x): two inequalities do, joined through abs."""
    verdict = prove("atan(-x) == -atan(x)")
    assert verdict.status == "PROVED" and verdict.fact is not None and verdict.fact.claim.op == "=="


@pytest.mark.parametrize(
    "assume",
    [["x > 0", "x < 0"], ["x^2 <= -1"], pytest.param(["exp(x) <= 0"], marks=pytest.mark.slow), ["x == 1", "x == 2"]],
)
def test_inconsistent_assumptions_prove_everything_and_say_so(assume):
    verdict = prove("1 <= 0", assume, ["x"])
    assert verdict.status == "PROVED" and verdict.vacuous
    assert verdict.fact is not None and verdict.fact.rule == "absurd"
    assert not prove("x <= x", ["x > 0"]).vacuous


@pytest.mark.parametrize(
    ("assume", "claim"),
    [
        (["x > 0", "atan(x) > x"], "1 <= 0"),
        (["exp(x) < 1 + x"], "x^2 <= 0"),
        (["x > 0", "x == erf(x)/2"], "x <= 2"),
    ],
)
@pytest.mark.slow
def test_assumptions_that_functions_make_contradictory_are_vacuous(assume, claim):
    verdict = prove(claim, assume, seconds=10.0)
    assert verdict.status == "PROVED" and verdict.vacuous and verdict.satisfiability == "impossible"
    assert verdict.certificate is not None and replay(dumps(verdict.certificate)).contradictory


@pytest.mark.parametrize(
    ("assume", "claim", "value"),
    [
        (["x^2 == 2"], "x^2 <= 2", None),
        (["y == exp(x)", "x == 1"], "y >= 2", ["f", "exp", ["q", "1"]]),
        pytest.param(["x > 10", "y == exp(-x)"], "y < 1", None, marks=pytest.mark.slow),
        pytest.param(["exp(y) <= 1/1000000"], "y <= 0", None, marks=pytest.mark.slow),
        (["exp(y) == 2"], "y <= 1", ["f", "log", ["q", "2"]]),
        (["x >= 0", "sqrt(x) == y", "y == 2"], "x <= 4", ["q", "2"]),
        ([], "y <= y^2 + 1/4", ["q", "0"]),
    ],
)
def test_proofs_carry_a_point_of_their_assumptions(assume, claim, value):
    verdict = prove(claim, assume)
    assert verdict.status == "PROVED" and verdict.satisfiability == "shown" and verdict.certificate is not None
    assert replay(dumps(verdict.certificate)).satisfiability == "shown"
    assert value is None or verdict.certificate["witness"]["symbols"]["y"] == value


def test_a_proof_without_a_point_of_its_assumptions_says_so():
    """The cube root of 2 has no term in the format of witnesses; the formula shows the doubt."""
    verdict = prove("x <= 2", ["x^3 == 2"])
    assert verdict.status == "PROVED" and verdict.satisfiability == "not shown" and not verdict.vacuous
    assert "witness" not in (verdict.certificate or {}) and "satisfiability not shown" in verdict._repr_latex_()
    assert "satisfiability" not in prove("x <= 1", ["x <= 0"])._repr_latex_()


def test_hints_may_be_squares():
    hints = ["a*y - b*x", "a*z - c*x", "b*z - c*y"]
    verdict = prove("(a*x + b*y + c*z)^2 <= (a^2 + b^2 + c^2)*(x^2 + y^2 + z^2)", hints=hints)
    assert verdict.status == "PROVED"
    with pytest.raises(BadInput) as caught:
        prove("x <= x", hints=["1/x"], seconds=0.5)
    assert caught.value.field == "hints[1]"


def test_terms_and_relations_are_taken_as_they_are():
    a, b = x("a"), x("b")
    verdict = prove((2 * a * b).le(a**2 + b**2), hints=[a - b])
    assert verdict.status == "PROVED" and verdict.variables == ("a", "b")
    assert prove(fn("exp", a).ge(1 + a), variables=["a", "b"]).variables == ("a", "b")
    assert prove("a*(1/a) == 1", [Relation(("!=", a, num(0)))]).status == "PROVED"


X, TWO = ("x", "x"), ("q", "2")


@pytest.mark.parametrize(
    ("claim", "options", "field"),
    [
        ("x <", {}, "claim"),
        ("x < 1 < 2", {}, "claim"),
        ("x <= y", {"variables": ["x"]}, "claim"),
        ("x <= 1", {"assume": ["x <= 1", "x =< 1"]}, "assume[2]"),
        ("x <= 1", {"assume": "x <= 1"}, "assume"),
        ("__import__('os') <= 1", {}, "claim"),
        (x("a") + 1, {}, "claim"),
        (3, {}, "claim"),
        (x("a").le(x("b")), {"variables": ["a"]}, "claim"),
        (Relation(("<=", ("norm", ("v", "g")), num(1))), {}, "claim"),
        # claims that are built by hand are checked like those that are read
        # 1/x <= 1 for 0 < x is false; z3 was asked about something else
        (Claim(("x",), (("<", ("q", "0"), X),), ("<=", ("^", X, -1), ("q", "1")), ()), {}, "claim"),
        (Claim(("a", "b"), (("<", ("x", "a"), ("x", "b")),), ("!=", ("x", "a"), ("x", "b")), ()), {}, "claim"),
        (Claim(("x",), (), ("!=", X, ("q", "0")), ()), {}, "claim"),
        (Claim(("x",), (("<=", X, TWO), ("!=", X, TWO)), ("<", X, TWO), ()), {}, "assume[2]"),
        (Claim(("x",), (("<=", ("^", X, -2), TWO),), ("<=", X, TWO), ()), {}, "assume[1]"),
        (Claim(("x",), (), ("<=", X, ("x", "y")), ()), {}, "claim"),
        (Claim(("x",), (), ("<=", X, ("q", "2/4")), ()), {}, "claim"),
        (Claim(("x",), (), ("<=", X, ("f", "sin", X)), ()), {}, "claim"),
        (Claim(("x",), (), ("<=", X, 2), ()), {}, "claim"),  # pyright: ignore[reportArgumentType]
        (Claim(("x",), (), ("<=", X, TWO), (("norm", ("v", "g")),)), {}, "hints[1]"),
        (Claim(("pi",), (), ("<=", ("x", "pi"), TWO), ()), {}, "variables[1]"),
    ],
)
def test_bad_input_names_its_field(claim: Any, options: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        prove(claim, **options)
    assert caught.value.field == field


def test_a_fact_that_says_something_else_is_no_proof():
    kernel = Kernel(Context({"x": "const"}))
    claim, other = x("x").le(num(1)), x("x").le(num(2))
    assumed = kernel.assume(claim)
    assert require_proof_of(assumed, claim, [claim], kernel) is assumed
    for fact, asked, assume in ((assumed, other, [claim]), (assumed, claim, []), (assumed, claim, [other])):
        with pytest.raises(ProofError):
            require_proof_of(fact, asked, assume, kernel)
    with pytest.raises(ProofError):
        require_proof_of(object(), claim, [claim], kernel)  # pyright: ignore[reportArgumentType]


def test_a_pickle_proves_nothing():
    verdict = prove("x <= x^2 + 1/4")
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    with pytest.raises(ProofError, match="another claim"):
        pickle.loads(pickle.dumps(replace(verdict, claim=x("x").le(num(1)))))


def test_a_search_that_lies_proves_nothing(monkeypatch):
    """With the search replaced by one that claims success, the kernel still refuses."""
    one = Fraction(1)

    def lie(*_args: Any, **_options: Any) -> CertifyStep:
        return CertifyStep(((one, (), ()),), ((one, (), ()),), ())

    monkeypatch.setattr(claim_branch, "find", lie)
    monkeypatch.setattr(claim_branch, "inconsistent", lie)
    for claim in ("x^2 >= 1 + x^2", "x <= 7", "x == 2"):
        assert prove(claim, ["x <= 10"], seconds=0.5).status in ("REFUTED", "UNDECIDED")


# in a notebook


def test_a_verdict_shows_itself_as_mathematics():
    verdict = prove("eta*lam <= 1", ["eta >= 0", "eta <= 1/L", "L > 0", "lam <= L", "lam >= 0"])
    assert verdict.status == "PROVED" and verdict and verdict.text == "eta*lam <= 1"
    shown = verdict._repr_latex_()
    assert r"\eta" in shown and r"\Longrightarrow" in shown and "PROVED" in shown and shown.startswith("$")
    page = verdict._repr_html_()
    assert "<details>" in page and "assumption" in page and "arithmetic" in page
    refuted = prove("a <= 1/2")
    assert not refuted and r"\textsf{REFUTED}" in refuted._repr_latex_() and "<details>" not in refuted._repr_html_()
    assert prove("x <= 1.414", ["x^2 == 2", "x > 0"])._repr_html_()
    assert "it fails at" in refuted.reason and "certificate" not in repr(refuted)


@pytest.mark.slow
def test_it_is_found_in_the_package_and_loads_lazily():
    script = (
        "import sys, sdescent.derive.proof\n"
        "assert not {'sympy', 'flint', 'scipy', 'z3', 'jax'} & set(sys.modules), sorted(sys.modules)\n"
        "from sdescent.derive.proof.claims.prove import prove\n"
        "assert prove('x^2 >= 0').status == 'PROVED'\n"
        "assert 'sympy' not in sys.modules and 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

    from sdescent.derive import proof

    with pytest.raises(AttributeError):
        proof.disprove_everything  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]

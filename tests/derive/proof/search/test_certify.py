"""The search for certify steps: what it finds is checked here by FORMAT.md's rule, and false claims find nothing."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from derive.proof.language.context import Context
from derive.proof.language.normal import Normal
from derive.proof.language.terms import fn, norm, num, opnorm, quad, under, vec, x, xs
from derive.proof.search.certify import find, inconsistent
from derive.proof.search.clock import now
from tests.support.claims import FALSE, HARD, TRUE, Claim, problem, relation, valid

#: generous: the machine runs other work beside the tests
SECONDS = 10.0


@pytest.mark.parametrize("entry", TRUE + HARD, ids=lambda e: e.name)
def test_true_claims_are_found(entry: Claim) -> None:
    normal, claim, premises, hints = problem(entry)
    found = find(normal, claim, premises, hints, SECONDS)
    assert found is not None
    assert valid(normal, claim, premises, found)


@pytest.mark.parametrize("entry", FALSE, ids=lambda e: e.name)
def test_false_claims_find_nothing(entry: Claim) -> None:
    normal, claim, premises, hints = problem(entry)
    assert find(normal, claim, premises, hints, 1.0) is None


def test_the_same_certificate_each_time() -> None:
    entry = next(e for e in TRUE if e.name == "schur")
    first, second = (find(n, c, p, h, SECONDS) for n, c, p, h in (problem(entry), problem(entry)))
    assert first == second is not None


def test_the_time_is_kept() -> None:
    entry = next(e for e in FALSE if e.name == "6.2 no N")
    normal, claim, premises, hints = problem(entry)
    start = now()
    assert find(normal, claim, premises, hints, 0.5) is None
    assert now() - start < 2.5


def test_inconsistent_premises() -> None:
    normal, _, premises, _ = problem(Claim("", "x + y <= 1, x >= 1, y > 0", "x <= y"))
    found = inconsistent(normal, premises)
    assert found is not None
    assert valid(normal, num(1).le(num(0)), premises, found)


def test_consistent_premises_are_not_inconsistent() -> None:
    normal, _, premises, _ = problem(Claim("", "x + y <= 1, x >= 1, y >= 0", "x <= y"))
    assert inconsistent(normal, premises) is None


def test_other_premises_are_passed_over() -> None:
    """!= stands in no certificate; numbers count all premises all the same."""
    t = x("t")
    normal = Normal(Context({"t": "const"}))
    premises = [relation("0 <= t"), t.eq(0), relation("1 <= t")]
    premises[1] = type(premises[1])(("!=", t, num(0)))
    found = find(normal, relation("1 <= t"), premises)
    assert found is not None
    assert valid(normal, relation("1 <= t"), premises, found)


def test_a_claim_with_not_equal_is_refused() -> None:
    t = x("t")
    normal = Normal(Context({"t": "const"}))
    claim = type(t.eq(0))(("!=", t, num(0)))
    assert find(normal, claim, [num(1).le(t)]) is None


def test_atoms_are_opaque() -> None:
    """Norms, expectations, functions: 6.2 in the words of the kernel."""
    context = Context({"L0": "const", "L1": "const", "h": "const", "Ld": "random"}, ("g",), {"H": ("symmetric",)})
    normal = Normal(context)
    g, matrix = vec("g"), ("m", "H")
    l0, l1, h, drift = xs("L0 L1 h Ld")
    size = norm(g)
    premises = [
        num(0).le(size), num(0).le(h), quad(matrix, g).le(opnorm(matrix) * size**2), opnorm(matrix).le(l0 + l1 * size),
        drift.eq(h**2 / 2 * quad(matrix, g) - h * size**2), (h * (l0 + l1 * size)).le(2 * fn("exp", x("L0"))),
    ]  # fmt: skip
    claim = drift.le(-(1 - fn("exp", x("L0"))) * h * size**2)
    found = find(normal, claim, premises)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_expectations() -> None:
    normal = Normal(Context({"X": "rv", "c": "const"}))
    first, second = under("E", x("X")), under("E", x("X") ** 2)
    premises = [num(0).le(under("E", (x("X") - first) ** 2))]
    claim = (first**2).le(second)
    found = find(normal, claim, premises)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_many_premises() -> None:
    names = [f"a{i}" for i in range(12)]
    normal = Normal(Context(dict.fromkeys([*names, "s"], "const")))
    premises = [x(n).ge(0) for n in names] + [x(n).le(x(m)) for n, m in itertools.pairwise(names)]
    claim = (x("a0") * x("a1")).le(x("a10") * x("a11") + x("s") ** 2)
    found = find(normal, claim, premises, seconds=SECONDS)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_coefficients_are_exact() -> None:
    normal, claim, premises, hints = problem(Claim("", "", "x <= 123456789/1000000007*x^2 + 1000000007/493827156"))
    found = find(normal, claim, premises, hints)
    assert found is not None
    assert valid(normal, claim, premises, found)
    assert all(isinstance(c, Fraction) for c, _, _ in found.sum)

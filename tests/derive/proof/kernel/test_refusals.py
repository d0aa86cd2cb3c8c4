"""What the rules of algebra, functions, vectors and operators refuse, side condition by side condition."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import (
    Relation,
    Term,
    dot,
    fn,
    mat,
    norm,
    num,
    opnorm,
    quad,
    tr,
    trprod,
    under,
    vec,
    x,
    xi,
)  # fmt: skip
from tests.support.kernel_facts import CONTEXT, ONE, ZERO, K, c, g, given, p, q, r, t

# --- what leaves an operator ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim, message", [
    (under("I", g).eq(0), "use EI"), (under("I", r).eq(0), "use EI"), (under("I", norm(vec("u"))).eq(0), "use EI"),
    (under("E", under("I", g)).eq(0), "use EI"), (under("Si", xi("p") / (1 + p + xi("p"))).eq(0), "mixes both"),
    (under("Si", fn("exp", p * xi("p"))).eq(0), "mixes both"), (under("Si", under("S", 1 / (p + xi("s")))).eq(0), "mixes both"),
    (dot(vec("u"), ("Mv", mat("A"), vec("v"))).eq(dot(vec("v"), ("Mv", mat("A"), vec("u")))), "identity"),
    (trprod(mat("H"), mat("P")).eq(tr(mat("H")) * tr(mat("P"))), "identity"),
])  # fmt: skip
def test_no_identity(claim: Relation, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        K.certify(claim)


def test_constants_that_the_context_does_not_name() -> None:
    bare = Kernel(Context({"c": "const"}))
    for operator in ("I", "EI", "S", "Si", "C"):
        with pytest.raises(ProofError, match="does not name"):
            bare.certify(under(operator, 1).eq(x("c")))
    with pytest.raises(ProofError, match=r"names a horizon|names no horizon"):
        Kernel(Context({"t": "clock"})).primitive("t", x("t"), num(1), [])


# --- certify ----------------------------------------------------------------------------------------------------------

TINY = Fraction(1, 10**30)
LESS, STRICT, EQUAL, NOT = given(c.le(q), c.lt(q), c.eq(q), Relation(("!=", c, ZERO)))


@pytest.mark.parametrize("coefficient", [Fraction(-1), Fraction(0), 1.0, 1, True, "1", None, -TINY])
@pytest.mark.parametrize("where", ["sum", "mult"])
def test_coefficients_are_positive_fractions(coefficient: Any, where: str) -> None:
    with pytest.raises(ProofError, match=r"positive Fractions|not exact data"):
        K.certify(c.le(q), [LESS], **{"sum": [(ONE, (0,), ())], where: [(coefficient, (), ())]})


@pytest.mark.parametrize("claim, premises, kept, message", [
    ((c + num(TINY)).le(q), [LESS], {"sum": [(ONE, (0,), ())]}, "identity"),
    (c.le(q + num(TINY)), [LESS], {"sum": [(ONE, (0,), ())]}, "identity"),
    (c.le(q), [LESS], {"sum": [(1 - TINY, (0,), ())]}, "identity"),
    (c.le(q), [LESS], {"sum": []}, "identity"), (c.le(q), [], {"sum": [(ONE, (), ())]}, "identity"),
    (c.lt(q), [LESS], {"sum": [(ONE, (0,), ())]}, "not of the kind"), (c.lt(c), [], {"sum": []}, "not of the kind"),
    (num(0).lt(c**2), [], {"sum": [(ONE, (), (c,))]}, "not of the kind"),
    (c.lt(q), [STRICT, LESS], {"sum": [(ONE, (1,), ())]}, "not of the kind"),
    (ZERO.lt((q - c) * c**2), [STRICT], {"sum": [(ONE, (0,), (c,))]}, "not of the kind"),
    (c.eq(q), [LESS], {"sum": [(ONE, (0,), ())]}, "not of the kind"), (c.eq(c), [], {"sum": [(ONE, (), ())]}, "not of the kind"),
    (Relation(("!=", c, ZERO)), [], {}, "not of the kind"),
    (c.le(q), [LESS], {"sum": [(ONE, (0,), ())], "mult": []}, "not positive"),
    (c.le(q), [LESS], {"sum": [(ONE, (0, 0), ())], "mult": [(ONE, (0,), ())]}, "not positive"),
    (c.le(q), [], {"mult": [(ONE, (), (c,))], "sum": []}, "not positive"),
    (c.eq(0), [], {"mult": [], "sum": []}, "not positive"),
    (c.le(q), [EQUAL], {"sum": [(ONE, (0,), ())]}, "only inequalities"), (c.le(q), [NOT], {"sum": [(ONE, (0,),
    ())]}, "only inequalities"),
    (c.eq(q), [LESS], {"equalities": [(0, num(1))]}, "only equalities"), (c.eq(0),
    [NOT], {"equalities": [(0, num(-1))]}, "only equalities"),
    (c.le(q), [LESS], {"equalities": [(0, num(1))]}, "only equalities"),
    (c.le(q), [EQUAL], {"equalities": [(0, num(2))]}, "identity"),
])  # fmt: skip
def test_certificates_that_do_not_fit(
    claim: Relation, premises: list[Fact], kept: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProofError, match=message):
        K.certify(claim, premises, **kept)


@pytest.mark.parametrize("number", [-1, True, 1, 7, 0.0, "0", None, Fraction(0)])
def test_numbers_of_premises(number: Any) -> None:
    with pytest.raises(ProofError, match=r"premise that is not there|not exact data"):
        K.certify(c.le(q), [LESS], sum=[(ONE, (number,), ())])
    with pytest.raises(ProofError, match=r"premise that is not there|not exact data"):
        K.certify(c.eq(q), [EQUAL], equalities=[(number, num(1))])


def test_premises_of_another_context_or_kernel() -> None:
    """Found by attack: keys of hypotheses count the atoms of a kernel, so that two kernels mixed up c <= 0 and q <= 0."""
    other = Kernel(Context({"c": "const", "q": "const"}))
    twin = Kernel(CONTEXT)
    twin.assume(q.le(0))
    for kernel in (other, twin):
        foreign = kernel.assume(c.le(q))
        for make in (
            lambda f: K.certify(c.le(q), [f], sum=[(ONE, (0,), ())]), lambda f: K.monotone("E", f), lambda f: K.cut(f, f),
            lambda f: K.cut(LESS, f), lambda f: K.instantiate(f, "c", g), lambda f: K.absurd(c.le(0), f), lambda f: K.inverse(c, f),
            lambda f: K.cases(c.le(q), f, LESS), lambda f: K.component("C", f), lambda f: K.function("abs_of_positive", [c], [f]),
        ):  # fmt: skip
            with pytest.raises(ProofError, match="from another"):
                make(foreign)


# --- one premise ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("premise", [
    ZERO.le(c), c.le(0), c.eq(0), c.eq(1), ZERO.lt(q), ZERO.lt(c**2), Relation(("!=", q, ZERO)), ZERO.lt(2 * c), (-c).lt(TINY),
])  # fmt: skip
def test_no_division_without_a_denominator_that_is_not_0(premise: Relation) -> None:
    with pytest.raises(ProofError, match="denominator is not 0"):
        K.inverse(c, K.assume(premise))


@pytest.mark.parametrize(
    "premise",
    [c.le(0), num(1).le(1), num(1).le(2), num(0).lt(1), num(0).eq(1), Relation(("!=", ZERO, ZERO)), (c + 1).le(c + q)],
)
def test_what_is_not_absurd(premise: Relation) -> None:
    with pytest.raises(ProofError, match="not absurd"):
        K.absurd(c.eq(q), K.assume(premise))


MATRIX_BOUNDS: list[tuple[Callable[[], Fact], str]] = [
    (lambda: K.trace_bound("H", "K"), "psd a declared psd"), (lambda: K.trace_bound("A", "P"), "matrix a declared symmetric"),
    (lambda: K.trace_bound("H", "A"), "psd a declared psd"), (lambda: K.trace_bound("H", "P", 2), "trace_bound is 1 or -1"),
    (lambda: K.trace_bound("H", "P", True), "trace_bound is 1 or -1"),
    (lambda: K.trace_bound("H", "P", 0), "trace_bound is 1 or -1"),
    (lambda: K.trace_bound("nope", "P"), "a declared symmetric"), (lambda: K.quad_bound("A", "u"), "a declared symmetric"),
    (lambda: K.quad_bound("H", "u", 3), "quad_bound is 1 or -1"),
    (lambda: K.quad_bound("H", "u", 1.0), "quad_bound is 1 or -1"),  # pyright: ignore
    (lambda: K.quad_bound("H", "nope"), "vector a declared vector"), (lambda: K.cauchy_schwarz("u", "H"), "v a declared vector"),
    (lambda: K.cauchy_schwarz("H", "u"), "u a declared vector"),
    (lambda: K.nonnegative(tr(mat("H"))), "sign of tr is not known"),
    (lambda: K.nonnegative(quad(mat("H"), vec("u"))), "sign of quad is not known"),
    (lambda: K.nonnegative(quad(mat("A"), vec("u"))), "sign of quad is not known"),
    (lambda: K.nonnegative(trprod(mat("H"), mat("P"))), "sign of trprod is not known"),
    (lambda: K.nonnegative(trprod(mat("P"), mat("H"))), "sign of trprod is not known"),
    (lambda: K.nonnegative(dot(vec("u"), vec("v"))), "sign of dot is not known"),
    (lambda: K.nonnegative(g), "sign of x is not known"), (lambda: K.nonnegative(opnorm(mat("u"))), "declared names"),
]  # fmt: skip


@pytest.mark.parametrize("make, message", MATRIX_BOUNDS)
def test_matrices_without_their_flags(make: Callable[[], Fact], message: str) -> None:
    with pytest.raises(ProofError, match=message):
        make()


@pytest.mark.parametrize("law, args, premises", [
    ("log_mul", [c, q], [ZERO.lt(c)]), ("log_mul", [c, q], [ZERO.lt(c), ZERO.le(q)]), ("log_mul", [c, q], [ZERO.lt(q), ZERO.lt(c)]),
    ("log_mul", [c, q], []), ("exp_log", [c], []), ("exp_log", [c], [ZERO.le(c)]), ("exp_log", [c], [c.lt(0)]),
    ("sqrt_square", [c], []), ("sqrt_square", [c], [c.le(0)]), ("sqrt_square", [c], [ZERO.le(q)]), ("sqrt_of_square", [c], []),
    ("sqrt_of_square", [c], [c.le(0)]), ("abs_of_positive", [c], []), ("abs_of_positive", [c], [c.le(0)]),
    ("abs_of_negative", [c], [ZERO.le(c)]), ("monotone:exp", [c, q], [q.le(c)]), ("monotone:exp", [c, q], []),
    ("monotone:log", [c, q], [ZERO.le(c), c.le(q)]), ("monotone:log", [c, q], [c.le(q)]), ("monotone:sqrt", [c, q], [c.le(q)]),
    ("monotone:abs", [c, q], [c.le(q)]), ("monotone:exp", [c], [c.le(q)]), ("exp_add", [c], []), ("nope", [c], []),
    ("abs_square", [], []),
])  # fmt: skip
def test_laws_without_their_signs(law: str, args: list[Term], premises: list[Relation]) -> None:
    with pytest.raises(ProofError, match=r"premise|no law"):
        K.function(law, args, given(*premises))


def test_a_law_is_strict_only_where_its_premise_is() -> None:
    assert K.function("monotone:exp", [c, q], [LESS]).claim.op == "<="
    assert K.function("monotone:exp", [c, q], [STRICT]).claim.op == "<"
    assert K.function("monotone:sqrt", [c, q], [*given(ZERO.lt(c)), LESS]).claim.op == "<="


@pytest.mark.parametrize("prop, args, premises, message", [
    ("odd", [c], [], "not declared"), ("concave_right", [c, q, c], [], "not declared"),
    ("slope", [c], [ZERO.le(c)], "not declared"),
    ("nondecreasing", [c, q], [], "premises where"), ("nondecreasing", [c, q], [q.le(c)], "rule needs"),
    ("bounded", [c, q], [], "arguments"),
    ("nope", [c], [], "not declared"),
])  # fmt: skip
def test_properties_that_are_not_declared(prop: str, args: list[Term], premises: list[Relation], message: str) -> None:
    with pytest.raises(ProofError, match=message):
        K.declared("F", prop, args, given(*premises))
    with pytest.raises(ProofError, match="not declared"):
        K.declared("G", prop, args, given(*premises))


@pytest.mark.parametrize(
    "operator, relation", [("E", Relation(("!=", g, ZERO))), ("X", c.le(q)), ("norm", c.le(q)), ("", c.le(q))]
)
def test_what_is_not_monotone(operator: str, relation: Relation) -> None:
    with pytest.raises(ProofError, match="monotone is for"):
        K.monotone(operator, K.assume(relation))


@pytest.mark.parametrize(
    "operator, relation",
    [("E", c.le(q)), ("I", c.le(q)), ("Si", c.le(q)), ("S", c.eq(q)), ("C", Relation(("!=", c, ZERO)))],
)
def test_components_are_of_sums_of_what_is_nonnegative(operator: str, relation: Relation) -> None:
    with pytest.raises(ProofError, match="summand is at most"):
        K.component(operator, K.assume(relation))


def test_integrals_are_assumed_to_exist() -> None:
    """1/t >= c^2 t/(1 + ct)^2 gives int_0^T dt/t >= log(1 + cT) - 1 for every c > 0, from 0 <= t alone: no number is that large."""
    for operator in ("E", "I", "EI"):
        assert K.monotone(operator, K.assume(ZERO.le(1 / t))).axioms == {"integrability"}
    assert not K.monotone("S", K.assume(ZERO.le(p))).axioms


# --- what is not a relation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relation", [
    c, (c, q), ("<=", c, q), Relation(("<=", c)), Relation((">=", c, q)), Relation(("!=", c, q)), Relation(("!=", ZERO, c)),
        None, "c <= q",
    Relation(("<=", c, 1)), Relation(("<=", c, "q")), Relation(("<=", c, ("x", "q"))), Relation((b"<=", c, q)),
])  # fmt: skip
def test_what_is_no_relation(relation: Any) -> None:
    for make in (K.assume, K.certify, lambda e: K.absurd(e, K.assume(num(1).le(0)))):
        with pytest.raises(ProofError, match=r"not a (relation|term)|against 0"):
            make(relation)

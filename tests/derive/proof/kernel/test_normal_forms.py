"""Terms with the same normal form have the same value in random finite models. Seeds are fixed."""

from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import (
    Term,
    declared,
    dot,
    fn,
    mat,
    matvec,
    norm,
    num,
    quad,
    tr,
    trprod,
    under,
    vec,
    x,
    xi,
    xs,
)  # fmt: skip
from tests.support.finite_models import FULL, OPERATORS, SCALARS, STANDINS, near, random_model


def random_term(rng: np.random.Generator, depth: int, atoms: list[Term]) -> Term:
    """A term with operators, quotients and functions; every second one is a small sum of few atoms, so that many agree."""

    def below() -> Term:
        return random_term(rng, depth - 1, atoms)

    kind = rng.integers(0, 11) if depth else 0
    if kind <= 1:
        return atoms[rng.integers(len(atoms))] if rng.random() < 0.85 else num(int(rng.integers(-2, 3)))
    if kind <= 4:
        return below() + int(rng.integers(-2, 3)) * below()
    if kind <= 6:
        return below() * below()
    if kind == 7:
        return below() ** int(rng.integers(0, 4))
    if kind == 8:
        return below() / below()
    if kind == 9:
        name = sorted(STANDINS)[rng.integers(len(STANDINS))]
        return declared("F", below()) if rng.random() < 0.3 else fn(name, below())
    return under(OPERATORS[rng.integers(len(OPERATORS))], below())


def shuffled(rng: np.random.Generator, t: Any) -> Any:
    """The same value, written otherwise: sums and products turned round, 0 added, products over sums spread out."""
    if not isinstance(t, Term):
        return t
    t = Term(shuffled(rng, a) for a in t)
    if t[0] in ("+", "*"):
        t = Term((t[0], *[t[1:][k] for k in rng.permutation(len(t) - 1)]))
        if t[0] == "*" and t[1][0] == "+" and len(t) == 3:
            return Term(("+", *[a * t[2] for a in t[1][1:]]))
    if t[0] == "/" and t[1][0] == "+":
        return Term(("+", *[a / t[2] for a in t[1][1:]]))
    if t[0] in OPERATORS and t[1][0] == "+":
        return Term(("+", *[under(t[0], a) for a in t[1][1:]]))
    return t + 1 - 1 if rng.random() < 0.1 else t


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_terms_of_one_normal_form_have_one_value(seed: int) -> None:
    """N(t) is worth t, and what has the same N has the same value, exactly, with stand-ins for the functions."""
    rng = np.random.default_rng([seed, 1])
    names = [x(n) for n in SCALARS]
    atoms = [*names, *[xi(n) for n in "psz"], *[xi(n) for n in "ps"], *xs("p s p s g z n")]
    models = [
        random_model(FULL, rng, functions={"F": lambda v: 2 * v**3 + 5 * v}, standard=STANDINS, parts=parts)
        for parts in (1, 1, 2, 3)
    ]
    normal = Normal(FULL)
    for k in rng.permutation(len(atoms)):  # which atom is counted first differs from seed to seed
        normal.polynomial(atoms[k])
    worth: dict[Any, list[Any]] = {}
    kept = agreed = 0
    for _ in range(500):
        t = random_term(rng, int(rng.integers(1, 5)), atoms)
        try:
            poly = normal.polynomial(t)
        except ProofError:  # I of something random, a sum over i of what holds j, or too large
            continue
        if len(poly) > 60:
            continue
        kept += 1
        FULL.check(normal.term(poly))
        values = [model.value(t) for model in models]
        for model, value in zip(models, values, strict=True):
            assert near(value, model.value(normal.term(poly))), t
        assert normal.depends(poly) <= FULL.depends(t)
        other = shuffled(rng, t)
        if normal.frozen(other) == normal.frozen(t):
            agreed += 1
            assert all(near(v, m.value(other)) for v, m in zip(values, models, strict=True)), (t, other)
        if (known := worth.setdefault(normal.frozen(t), values)) is not values:
            agreed += 1
            assert all(near(v, w) for v, w in zip(known, values, strict=True)), t
    assert kept > 250
    assert agreed > 150


@pytest.mark.parametrize("first", ["p", "s"])
def test_renaming_under_a_sum_keeps_the_coefficient(first: str) -> None:
    """Found by attack: 1/(p_i + 2 s_i) is (1/1) inv(..) but 1/(p + 2 s) is (1/2) inv(..) where s counts as the first atom."""
    normal = Normal(FULL)
    normal.polynomial(x(first))
    for p, s in ((x("p"), x("s")), (xi("p"), xi("s"))):
        normal.polynomial(p + s)
    for n in (1, 2, 3):
        left, right = under("Si", (xi("p") + 2 * xi("s")) ** n), under("S", (x("p") + 2 * x("s")) ** n)
        assert normal.frozen(1 / left) == normal.frozen(1 / right)
        left, right = under("Si", 1 / (xi("p") + 2 * xi("s")) ** n), under("S", 1 / (x("p") + 2 * x("s")) ** n)
        assert normal.frozen(left) == normal.frozen(right)
        assert normal.frozen(left) != normal.frozen(right / 2**n)


def test_a_sum_does_not_capture_the_other_index() -> None:
    """Found by attack: sum_i sum_j |n (p_j - p_i) + s_j| was the same for every n."""
    normal = Normal(FULL)
    for inner in (fn("abs", x("p") - xi("p") + x("s")), 1 / (x("p") + xi("s")), declared("F", x("z") + xi("z"))):
        normal.polynomial(under("S", inner))
        for t in (under("Si", under("S", inner)), under("Si", 1 / (1 + under("E", under("S", inner))))):
            with pytest.raises(ProofError, match="sum that mixes both"):
                normal.polynomial(t)
    twice = under("Si", xi("p") * under("S", x("s")) / (1 + under("S", x("p") ** 2)))
    assert normal.frozen(twice) == normal.frozen(
        under("S", x("p")) * under("S", x("s")) / (1 + under("S", x("p") ** 2))
    )


def test_vectors_and_matrices_in_normal_form() -> None:
    """Terms in vectors with the same normal form have the same value, up to rounding."""
    rng = np.random.default_rng(20)
    vectors = [vec("u"), vec("v"), *[matvec(mat(m), vec(w)) for m in "AHP" for w in "uv"]]
    terms = [dot(v, w) for v in vectors for w in vectors] + [norm(v) ** 2 for v in vectors]
    terms += [quad(mat(m), v) for m in "AHP" for v in vectors[:2]]
    terms += [trprod(mat(m), mat(k)) for m in "AHKPQ" for k in "AHKPQ"] + [tr(mat(m)) for m in "AHP"]
    normal, models = Normal(FULL), [random_model(FULL, rng) for _ in range(3)]
    worth: dict[Any, list[Any]] = {}
    for t in terms:
        values = [m.value(t) for m in models]
        known = worth.setdefault(normal.frozen(t), values)
        assert all(near(v, w) for v, w in zip(values, known, strict=True)), t
        assert all(near(v, m.value(normal.term(normal.polynomial(t)))) for v, m in zip(values, models, strict=True))
    assert len(worth) < 0.75 * len(terms)
    asymmetric = [
        dot(vec("u"), matvec(mat("A"), vec("v"))),
        dot(vec("v"), matvec(mat("A"), vec("u"))),
        quad(mat("A"), vec("u")),
    ]
    assert len({normal.frozen(t) for t in asymmetric}) == 3
    assert normal.frozen(dot(vec("u"), matvec(mat("A"), vec("u")))) != normal.frozen(
        asymmetric[2]
    )  # not needed: M symmetric only

"""The classes of losses by their names: on h e^2/2 each holds with the constant h, and with no better one."""

from fractions import Fraction as Q

import pytest

from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses, consequences, keyword, take
from sdescent.derive.theorems.bounds.language.names import NOISE
from sdescent.derive.theorems.entry.instances import holds
from sdescent.derive.vocabulary.errors import BadInput

H, E = Q(3, 2), Q(-2)
SLIGHTLY = Q(101, 100)


def relations(*texts: str) -> dict[str, Relation]:
    assumed = Hypotheses()
    for text in texts:
        read = keyword(text)
        assert read is not None
        take(assumed, read[0], [x(part.strip()) for part in read[1]], "assume[1]")
    return {**assumed.relations, **consequences(assumed)}


def on_a_quadratic(relation: Relation, **constants: Q) -> bool:
    g = H * E
    values: dict[Term, Q | int] = {
        nm.f: 1 + H * E**2 / 2, nm.fstar: 1, nm.G: abs(g), nm.norm(nm.e): abs(E), NOISE: Q(2),
        nm.inner(nm.GRADIENT, nm.DISTANCE): g * E,
    }  # fmt: skip
    return holds(relation, {**values, **{x(name): value for name, value in constants.items()}})


@pytest.mark.parametrize(
    ("texts", "name", "best", "worse"),
    [
        (["pl: c"], "PL", H, H * SLIGHTLY),
        (["strongly convex: c"], "strongly convex", H, H * SLIGHTLY),
        (["strongly convex: c"], "PL (of strongly convex f)", H, H * SLIGHTLY),
        (["strongly convex: c"], "growth (of strongly convex f)", H, H * SLIGHTLY),
        (["smooth: c"], "G^2 <= 2 L (f - f*) (of L-smooth f >= f*)", H, H / SLIGHTLY),
        (["smooth: c", "convex"], "cocoercive (of convex L-smooth f)", H, H / SLIGHTLY),
        (["variance: c"], "variance", Q(2), Q(2) / SLIGHTLY),
        (["bounded gradient: c"], "bounded gradient", abs(H * E), abs(H * E) / SLIGHTLY),
    ],
)
def test_the_best_constant(texts: list[str], name: str, best: Q, worse: Q) -> None:
    relation = relations(*texts)[name]
    assert on_a_quadratic(relation, c=best) and not on_a_quadratic(relation, c=worse)


def test_the_rest() -> None:
    assert on_a_quadratic(relations("convex")["convex"])
    assert relations("coercive") == {} and keyword("eta <= 1") is None
    assumed = Hypotheses()
    take(assumed, "smooth", [x("L0"), x("L1")], "assume[1]")
    take(assumed, "bounded step", [x("r")], "assume[2]")
    assert assumed.smoothness == (x("L0"), x("L1")) and assumed.radius == x("r") and consequences(assumed) == {}


def test_nothing_is_no_assumption_and_a_keyword_has_its_arguments() -> None:
    for text, words in (
        ("", "an inequality, or one of the keywords"),
        ("strongly_convex: mu", "did you mean strongly convex"),
    ):
        with pytest.raises(BadInput, match=words):
            keyword(text)
    with pytest.raises(BadInput, match="pl with 0 arguments"):
        take(Hypotheses(), "pl", [], "assume[1]")

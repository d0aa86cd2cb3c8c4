"""Means and products over boxes, in any number of variables; and not what is false by a little."""

from fractions import Fraction

import pytest

from sdescent.derive.proof.search.certify import find
from tests.derive.proof.search.test_certify import valid
from tests.support.corpus.cases import Case, problem, yes


def names(count: int) -> list[str]:
    return [f"a{k}" for k in range(1, count + 1)]


def means(weights: list[int], factor: Fraction = Fraction(1), scales: list[int] | None = None) -> Case:
    """prod (s a)^w <= factor * sum of w (s a)^n / n, n the sum of the weights, for a >= 0."""
    variables, n = names(len(weights)), sum(weights)
    scaled = [f"({s}*{v})" for s, v in zip(scales or [1] * len(weights), variables, strict=True)]
    left = "*".join(f"{v}^{w}" for v, w in zip(scaled, weights, strict=True))
    right = " + ".join(f"{w}*{v}^{n}" for v, w in zip(scaled, weights, strict=True))
    bounds = "; ".join(f"{v} >= 0" for v in variables)
    return yes(f"{weights}", " ".join(variables), f"{left} <= {factor}*({right})/{n}", bounds)


def corners(count: int, high: int = 1, offset: Fraction = Fraction(0)) -> Case:
    """prod (1 - a/h) >= 1 - sum of a/h + offset on [0, h]^n."""
    variables = names(count)
    left = "*".join(f"(1 - {v}/{high})" for v in variables)
    bounds = "; ".join(f"{v} >= 0; {v} <= {high}" for v in variables)
    claim = f"{left} >= 1 + {offset} - ({' + '.join(variables)})/{high}"
    return yes(f"{count}", " ".join(variables), claim, bounds)


def proved(case: Case, seconds: float = 10.0) -> bool:
    normal, claim, premises, hints = problem(case)
    step = find(normal, claim, premises, hints, seconds)
    assert step is None or valid(normal, claim, premises, step)
    return step is not None


@pytest.mark.parametrize("weights", [[1] * 2, [1] * 5, [1] * 9, [5, 3], [4, 1, 1, 2], [7, 0, 2]], ids=str)
def test_means(weights: list[int]) -> None:
    assert proved(means(weights))


@pytest.mark.parametrize("weights", [[1, 1, 1], [2, 1, 1]], ids=str)
def test_means_of_multiples(weights: list[int]) -> None:
    assert proved(means(weights, scales=[2, 3, 1]))
    assert not proved(means(weights, Fraction(10, 11)), 0.3)


@pytest.mark.parametrize(("count", "high"), [(2, 3), (4, 1), (6, 3)])
def test_products_over_a_box(count: int, high: int) -> None:
    assert proved(corners(count, high))
    assert count > 2 or not proved(corners(count, offset=Fraction(1, 100)), 0.3)


@pytest.mark.parametrize(
    ("claim", "count"),
    [
        ("{one_plus} <= 64", 6),
        ("{prod} - {sum} >= -6", 6),
        ("({sum})^2 <= 16", 4),
        ("{squares} <= {sum}", 5),
    ],
)
def test_other_claims_over_a_box(claim: str, count: int) -> None:
    variables = names(count)
    parts = {
        "prod": "*".join(variables), "sum": f"({' + '.join(variables)})", "one_plus": "*".join(f"(1 + {v})" for v in variables),
        "squares": " + ".join(f"{v}^2" for v in variables),
    }  # fmt: skip
    bounds = "; ".join(f"{v} >= 0; {v} <= 1" for v in variables)
    assert proved(yes(claim, " ".join(variables), claim.format(**parts), bounds))

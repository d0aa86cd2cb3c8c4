"""A step size for each rule: tuned on the rule's grid, or chosen so that two rules move equally far. Dimensionless."""

from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.tasks.step_rules import THEORY


def grid(low: int, high: int) -> tuple[float, ...]:
    """The powers 2^low, .., 2^high as values of x, which set the length of a step in `multiplier`."""
    return tuple(2.0**k for k in range(low, high + 1))


def multiplier(rule: str, x: float, growth: float) -> float:
    """The multiplier m of a rule with steps of root mean square x G (constant), x (normalised) or x G/(L0 + L1 G) (theory).

    E||mean message||^2 = A G^2 (theory 4). So m = x/sqrt(A) for the constant and the normalised rule, and m = x sqrt(A) for the
    rule of theory 6.3, whose h contains 1/A.
    """
    return x * np.sqrt(growth) if rule == THEORY else x / np.sqrt(growth)


def best(losses: Any) -> tuple[int, bool]:
    """The index of the grid point with the smallest median of last losses (the first if several), and whether it is at an edge.

    At an edge the grid is too narrow, and the choice is not an optimum.

    Args:
        losses: (grid points, seeds); a blow-up is infinity or a cap.

    Raises:
        BadInput: there are fewer than three grid points, or a loss is not a number.
    """
    array = np.asarray(losses, float)
    if array.ndim != 2 or len(array) < 3 or np.any(np.isnan(array)):
        raise BadInput("losses", array.shape, "numbers (at least 3 grid points, seeds); a blow-up is infinity")
    index = int(np.argmin(np.median(array, axis=1)))
    return index, index in (0, len(array) - 1)


def matched(multipliers: Any, lengths: Any, target: float) -> float:
    """The multiplier of the normalised rule at which its path is as long as `target`.

    Its steps are m/G times a message. The length is proportional to m as far as the law of message/G is the same everywhere, so the
    nearest measured multiplier is scaled. The match must be measured on other seeds.

    Args:
        multipliers, lengths: those of measured runs, > 0.
        target: a length > 0.

    Raises:
        BadInput: lengths are not finite numbers > 0.
    """
    m, measured = np.asarray(multipliers, float), np.asarray(lengths, float)
    if not (np.isfinite(target) and target > 0 and np.all(np.isfinite(measured) & (measured > 0))):
        raise BadInput("length", target, "finite lengths > 0")
    nearest = int(np.argmin(np.abs(np.log(measured / target))))
    return float(m[nearest] * target / measured[nearest])

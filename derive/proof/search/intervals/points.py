"""Points of an interval at which the searches look at a function: dense near finite ends, far out towards infinite ones."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache


def middle_of(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A point inside an interval."""
    if low is None and high is None:
        return Fraction(0)
    if low is None or high is None:
        end = (high or Fraction(0)) if low is None else low
        return end + (1 if low is not None else -1) * max(Fraction(1), abs(end))
    return (low + high) / 2


@lru_cache(maxsize=1000)
def points_of(low: Fraction | None, high: Fraction | None) -> tuple[Fraction, ...]:
    """Points of [low, high] in order, the ends among them, denser towards finite ends, far out towards infinite ones."""
    # a whole number is the same key as its fraction, so what is kept for one must serve for the other
    low, high = (None if end is None else Fraction(end) for end in (low, high))
    powers = [Fraction(2) ** k for k in range(-8, 9)]
    whole = [Fraction(k) for k in range(-3, 4)]
    if low is None and high is None:
        points = [*whole, *powers, *[-p for p in powers]]
    elif high is None and low is not None:
        points = [low, *whole, *[low + p for p in powers]]
    elif low is None and high is not None:
        points = [high, *whole, *[high - p for p in powers]]
    else:
        assert low is not None and high is not None
        width = high - low
        points = [low + width * Fraction(k, 12) for k in range(13)]
        points += [low + width * p for p in powers[:5]] + [high - width * p for p in powers[:5]]
        points += whole
    return tuple(sorted({p for p in points if (low is None or low <= p) and (high is None or p <= high)}))


def extreme_points(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of [low, high] very far out, and very close to 0 and to the ends."""
    far = [Fraction(2) ** k for k in (10, 12, 16, 24, 40, 100, 300)]
    near = [1 / p for p in far]
    points = [*far, *near, *[-p for p in far], *[-p for p in near]]
    points += [] if low is None else [low + p for p in (*near, *far)]
    points += [] if high is None else [high - p for p in (*near, *far)]
    return [p for p in points if (low is None or low <= p) and (high is None or p <= high)]

"""Sample points of an interval: dense near finite ends, far out towards infinite ones."""

from fractions import Fraction
from functools import lru_cache


def middle_of(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A point inside the interval."""
    if low is not None and high is not None:
        return (low + high) / 2
    end = high if low is None else low
    return Fraction(0) if end is None else end + (-1 if low is None else 1) * max(Fraction(1), abs(end))


@lru_cache(maxsize=1000)
def points_of(low: Fraction | None, high: Fraction | None) -> tuple[Fraction, ...]:
    """Points of [low, high] in ascending order, including its ends."""
    # 1 and Fraction(1) would share one key of the cache
    low, high = (None if end is None else Fraction(end) for end in (low, high))
    powers = [Fraction(2) ** k for k in range(-8, 9)]
    whole = [Fraction(k) for k in range(-3, 4)]
    if low is not None and high is not None:
        width = high - low
        points = [low + width * Fraction(k, 12) for k in range(13)]
        points += [low + width * p for p in powers[:5]] + [high - width * p for p in powers[:5]]
    elif low is not None:
        points = [low, *(low + p for p in powers)]
    else:
        end = Fraction(0) if high is None else high
        points = [end, *(end - p for p in powers), *(powers if high is None else ())]
    points += whole
    return tuple(sorted({p for p in points if (low is None or low <= p) and (high is None or p <= high)}))


def extreme_points(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of [low, high] that are very far out, or very close to 0 or to an end."""
    far = [Fraction(2) ** k for k in (10, 12, 16, 24, 40, 100, 300)]
    near = [1 / p for p in far]
    points = [*far, *near, *[-p for p in far], *[-p for p in near]]
    points += [] if low is None else [low + p for p in (*near, *far)]
    points += [] if high is None else [high - p for p in (*near, *far)]
    return [p for p in points if (low is None or low <= p) and (high is None or p <= high)]

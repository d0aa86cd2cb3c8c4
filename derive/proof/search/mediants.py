"""The least rational with a small denominator at which a statement that stays true for larger values holds, by mediants.

No rational between neighbours p/q < p'/q' (p' q - p q' = 1) has a denominator below q + q', that of their mediant
(Stern 1858, Brocot 1861). The walk ends at an undecided value. Runs in one direction are galloped through.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DENOMINATOR = 64
#: integers are tried up to 2^(REACH - 1) above a guess and about REACH below it
REACH = 4


@dataclass(frozen=True)
class Tried:
    """The verdict at one value: the statement holds, with a proof, or fails, with a witness."""

    holds: bool
    by: Any


#: gives the verdict at a value, or None if neither a proof nor a witness was found
Judge = Callable[[Fraction], Tried | None]


@dataclass(frozen=True)
class Walked:
    """The result of a walk: the statement holds at `certified` by `proof` and fails at `refuted` (or None) by `witness`.

    If `neighbours`, no rational with a denominator of at most 64 lies between the two values.
    """

    certified: Fraction
    proof: Any
    refuted: Fraction | None
    witness: Any
    neighbours: bool


def between(judge: Judge, low: Walked, denominator: int = DENOMINATOR) -> Walked:
    """The walk from the neighbours `low.refuted` and `low.certified`."""
    assert low.refuted is not None
    ends = {False: (low.refuted, low.witness), True: (low.certified, low.proof)}

    def walked(neighbours: bool) -> Walked:
        return Walked(*ends[True], *ends[False], neighbours)

    while ends[False][0].denominator + ends[True][0].denominator <= denominator:
        first = judge(mediant(ends[False][0], ends[True][0]))
        if first is None:
            return walked(False)
        side = first.holds
        moving, fixed = ends[side][0], ends[not side][0]
        most = (denominator - moving.denominator) // fixed.denominator
        # gallop from k = 1, where the verdict is that of `moving`, to the first k with a different verdict
        k, best, beyond, other = 1, first, most + 1, first
        while k + 1 < beyond:
            at = min(2 * k, most) if beyond > most else (k + beyond) // 2
            judgement = judge(mediant(moving, fixed, at))
            if judgement is not None and judgement.holds is side:
                k, best = at, judgement
            else:
                beyond, other = at, judgement
        ends[side] = mediant(moving, fixed, k), best.by
        if beyond <= most:
            if other is None:
                return walked(False)
            ends[not side] = mediant(moving, fixed, beyond), other.by
    return walked(True)


def mediant(moving: Fraction, fixed: Fraction, k: int = 1) -> Fraction:
    """The mediant (p + k p')/(q + k q')."""
    return Fraction(moving.numerator + k * fixed.numerator, moving.denominator + k * fixed.denominator)


def at_least(value: Fraction, denominator: int = DENOMINATOR) -> Fraction:
    """The least rational with a small denominator that is not below the value."""
    return min(Fraction(math.ceil(value * q), q) for q in range(1, denominator + 1))


def next_above(value: Fraction, denominator: int = DENOMINATOR) -> Fraction:
    """The least rational with a small denominator above the value."""
    return min(Fraction(math.floor(value * q) + 1, q) for q in range(1, denominator + 1))


def next_below(value: Fraction, denominator: int = DENOMINATOR) -> Fraction:
    """The largest rational with a small denominator below the value."""
    return -next_above(-value, denominator)


def least_near(judge: Judge, guess: Fraction, start: Fraction, witness: Any) -> Walked | None:
    """The walk from a guess of the least value, refuted at `start` below it by `witness`; None if nothing nearby is certified.

    A good guess takes two judgements: the statement holds there and fails at the neighbour below.
    """
    judgements: dict[Fraction, Tried | None] = {}

    def judged(value: Fraction) -> Tried | None:
        if value <= start:
            return Tried(False, witness)
        if value not in judgements:
            judgements[value] = judge(value)
        return judgements[value]

    value = max(at_least(guess), next_above(start))
    first = judged(value)
    if first is not None:
        other = (next_below if first.holds else next_above)(value)
        second = judged(other)
        if second is not None and second.holds is not first.holds:
            pair = (value, first), (other, second)
            (high, held), (low, failed) = pair if first.holds else pair[::-1]
            return Walked(high, held.by, max(low, start), failed.by, True)
        if second is None and first.holds:
            return _best(judgements, start, witness)
    return _whole(judged, guess, start, witness, judgements)


def _whole(
    judged: Judge, guess: Fraction, start: Fraction, witness: Any, judgements: dict[Fraction, Tried | None]
) -> Walked | None:
    """The walk between consecutive integers near the guess, or the best of the judgements so far if no such pair is decided."""
    first = math.floor(guess)
    for n in (first, *(first + 2**k for k in range(REACH))):
        holding = judged(Fraction(n))
        if holding is not None and holding.holds:
            break
    else:
        return _best(judgements, start, witness)
    while (below := judged(Fraction(n - 1))) is not None and below.holds and n > first - REACH:
        n, holding = n - 1, below
    if below is None or below.holds:
        return _best(judgements, start, witness)
    walked = between(judged, Walked(Fraction(n), holding.by, Fraction(n - 1), below.by, True))
    assert walked.refuted is not None
    low = max(walked.refuted, start)
    return Walked(walked.certified, walked.proof, low, witness if low == start else walked.witness, walked.neighbours)


def _best(judgements: dict[Fraction, Tried | None], start: Fraction, witness: Any) -> Walked | None:
    """The least certified value, with the largest refuted one below it; None if no value is certified."""
    decided = {v: t for v, t in judgements.items() if t is not None}
    held, failed = ({v: t.by for v, t in decided.items() if t.holds is holds} for holds in (True, False))
    if not held:
        return None
    certified = min(held)
    low = max((value for value in failed if start < value < certified), default=start)
    return Walked(certified, held[certified], low, failed.get(low, witness), False)

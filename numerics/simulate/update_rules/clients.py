"""The clients inside `mean`, and the draws of each client."""

from dataclasses import dataclass, replace
from typing import Any, final

from sdescent.derive.methods.distributed import Method
from sdescent.numerics.laws.counter import Draws


@final
@dataclass(frozen=True, eq=False)
class Client:
    """A client inside `mean`; its number may be traced.

    Two clients share the bits of one encryption, as the two steps of a pair do. In a loop over clients the steps cannot share bits,
    and without pairs of clients each client would need an encryption of its own. A last client without a partner shares the bits of
    the two steps.

    Args:
        number: the number of the client, from 0.
        pair: the number of the client's pair; None without a partner.
        half: 0 or 1, the client's place in its pair.
    """

    number: Any
    pair: Any = None
    half: int = 0

    def draws(self, of_step: Draws) -> Draws:
        """The client's own draws."""
        return (
            of_step.fold(self.number) if self.pair is None else replace(of_step.fold(self.pair).alone(), half=self.half)
        )


def clients_of(number: int) -> list[Client]:
    """All clients, in order."""
    return [*(Client(2 * n + half, n, half) for n in range(number // 2) for half in (0, 1)), *without_partner(number)]


def without_partner(number: int) -> list[Client]:
    """The last client, if the number of clients is odd."""
    return [Client(number - 1)] if number % 2 else []


def by_number(method: Method) -> dict[int, set[str]]:
    """The kinds of the draws of a rule, by the number of the draw."""
    kinds: dict[int, set[str]] = {}
    for draw in method.rule.draws:
        kinds.setdefault(draw.number, set()).add(draw.kind)
    return kinds

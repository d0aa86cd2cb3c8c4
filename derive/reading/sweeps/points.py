"""The points of a sweep in order, each with the fields of its experiment and a unique key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, final

from sdescent.derive.reading.experiments import Experiment
from sdescent.derive.reading.sweeps.blocks import Block
from sdescent.derive.reading.sweeps.figures_and_bounds import Displays
from sdescent.derive.reading.sweeps.plans import Chosen, Plan, Rows, digest
from sdescent.derive.reading.sweeps.ranges import MAX_POINTS
from sdescent.derive.reading.sweeps.values import Exact, as_json, read_value
from sdescent.derive.vocabulary.errors import BadInput

_NO_DISPLAYS = Displays()


@final
class Point:
    """A point of a sweep.

    Args:
        number: its index in the sweep, from 0.
        plan: the plan of its block.
        rows: the row of each factor of the plan.
        key: canonical JSON of its fields, without `chunk` and with `sdescent.derive.reading.experiments.DEFAULTS`, so that all
            spellings of a point have the same key. A value of a piece that is left out and the same default written out, however,
            make different keys.
    """

    __slots__ = ("_sweep", "key", "number", "plan", "rows")

    def __init__(self, sweep: Sweep, number: int, plan: Plan, rows: Chosen, key: str) -> None:
        self.number, self._sweep, self.plan, self.rows, self.key = number, sweep, plan, rows, key

    @property
    def values(self) -> dict[str, Exact]:
        """{axis: exact value}, without axes that have no value at the point.

        Numbers are Fractions, specifications their shortest text, and lists tuples; `as_json` converts them to JSON.
        """
        return self.plan.values(self.rows, self._sweep.axes)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields for `sdescent.derive.reading.experiments.experiment`."""
        return self.plan.fields(self.rows)

    def experiment(self) -> Experiment:
        """The experiment of the point.

        Raises:
            BadInput: a value is not accepted, or fields contradict each other; the message has the values of the point.
        """
        return self.plan.experiment(self.rows, self._sweep.axes)


@final
class Sweep:
    """A sweep: the points of its blocks, each once.

    Args:
        base: the fields outside [sweep], after overrides.
        blocks: the tables [sweep], after overrides.
        displays: thresholds, bounds and figures, on which no point depends.

    Raises:
        BadInput: there are too many points, random values have no count, or a value or a key is not accepted.
    """

    def __init__(self, base: Mapping[str, Any], blocks: Sequence[Block], displays: Displays = _NO_DISPLAYS) -> None:
        self.base: dict[str, Any] = dict(base)
        self.blocks, self.displays = tuple(blocks), displays
        if any(block.draws and block.count is None for block in self.blocks):
            accepted = "how many points are drawn, such as sweep.count=20, or count = 20 in [sweep.random]"
            raise BadInput("sweep.count", "nothing", accepted)
        total = sum(_combinations(block) for block in self.blocks)
        if total > MAX_POINTS:
            raise BadInput("sweep", f"{total} points", f"at most {MAX_POINTS} points")
        #: the values of the base, by field
        self.settings = {field: read_value(field, value, field) for field, value in self.base.items()}
        self.plans = [Plan(self.settings, block, n) for n, block in enumerate(self.blocks)]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes: random keys, those of the grid and of zips, and "seed" for repeats.

        The axes of several blocks are in the order of first occurrence. A key that blocks fix to different values is also an axis.
        """
        names = dict.fromkeys(name for block in self.blocks for name in block.names())
        for name in dict.fromkeys(name for block in self.blocks for name in block.fixed):
            if len({block.fixed[name].text if name in block.fixed else None for block in self.blocks}) > 1:
                names[name] = None
        return tuple(names)

    @cached_property
    def _distinct(self) -> bool:
        return len(self.plans) == 1 and self.plans[0].distinct

    @cached_property
    def _count(self) -> int:
        return len(self.plans[0]) if self._distinct else sum(1 for _ in self._points())

    def __len__(self) -> int:
        """The number of different points."""
        return self._count

    def points(self) -> Iterator[Point]:
        """Yield the points one by one.

        Blocks are in the order of the file. Within a block the axes are ordered as in `axes`, and the last one changes fastest. A
        point that equals an earlier one is left out.
        """
        for n, (plan, rows, key) in enumerate(self._points()):
            yield Point(self, n, plan, rows, key)

    def _points(self) -> Iterator[tuple[Plan, Chosen, str]]:
        earlier: set[bytes] | None = None if self._distinct else set()
        for plan in self.plans:
            for rows in _product([factor.rows for factor in plan.factors]):
                key = plan.key(rows)
                if earlier is not None:
                    code = digest(key)
                    if code in earlier:
                        continue
                    earlier.add(code)
                yield plan, rows, key

    def to_dict(self) -> dict[str, Any]:
        """Everything that defines the sweep as JSON, exact numbers as text."""
        return {
            "base": {field: as_json(value.exact) for field, value in self.settings.items()},
            "blocks": [block.to_dict() for block in self.blocks],
            **self.displays.to_dict(),
        }


def _combinations(block: Block) -> int:
    """An upper bound for the number of points of a block, found without drawing any."""
    listed = (*block.grid.values(), *(next(iter(group.values())) for group in block.zips))
    seeds = 1 if block.seeds is None else len(block.seeds) if isinstance(block.seeds, tuple) else block.seeds
    return prod(map(len, listed)) * seeds * ((block.count or 1) if block.draws else 1)


def _product(factors: Sequence[Rows]) -> Iterator[Chosen]:
    """Yield the product of the factors, of which the last changes fastest.

    The first factor is iterated only once, so that its rows need not stay in memory.
    """
    first, *rest = factors
    for row in first:
        for others in product(*rest):
            yield (row, *others)

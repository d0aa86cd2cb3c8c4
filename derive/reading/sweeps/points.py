"""The points of a sweep, in order, each with the fields of its experiment and a key that tells it from all others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, final

from derive.reading.experiments import Experiment, experiment
from derive.reading.keyed import as_written
from derive.reading.numbers import whole
from derive.reading.sweeps.blocks import OWN_SEED, Block
from derive.reading.sweeps.ranges import MAX_POINTS
from derive.reading.sweeps.shown import Shown
from derive.reading.sweeps.values import Exact, Value, as_json, compose, exactly, of_number, read_value, spelled
from derive.vocabulary.errors import BadInput

#: fields on which no result depends
_WITHOUT_EFFECT = ("chunk",)
REMEDY = "values that do not all go together stand in several blocks [[sweep]], whose points are united"
_COMPOSED = 4096  # values with replaced parts that are kept
_NOTHING = Shown()

Rows = Sequence[tuple[Value, ...]]
Chosen = tuple[tuple[Value, ...], ...]


@final
@dataclass(frozen=True)
class Factor:
    """Keys whose values change together, and the values: each row has one of each key."""

    names: tuple[str, ...]
    rows: Rows


class _Draws(Sequence[tuple[Value, ...]]):
    """The rows of what is drawn at random, made when they are asked for."""

    def __init__(self, block: Block, number: int) -> None:
        self.draws, self.drawn = tuple(block.draws.values()), block.count or 0
        self.seed, self.number = block.seed or 0, number

    def _row(self, n: int) -> tuple[Value, ...]:
        return tuple(draw.value(self.seed, self.number, n) for draw in self.draws)

    @cached_property
    def _doubles(self) -> frozenset[int]:
        """The numbers of draws that were there before."""
        seen: set[bytes] = set()
        found = []
        for n in range(self.drawn):
            key = _digest("\n".join(value.text for value in self._row(n)))
            if key in seen:
                found.append(n)
            seen.add(key)
        return frozenset(found)

    @cached_property
    def _numbers(self) -> Sequence[int]:
        return [n for n in range(self.drawn) if n not in self._doubles] if self._doubles else range(self.drawn)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, n: Any) -> Any:
        return [self._row(k) for k in self._numbers[n]] if isinstance(n, slice) else self._row(self._numbers[n])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


@final
class Plan:
    """A block with the fields of the base: which key sets which field.

    Args:
        base: values of the fields that the file gives outside [sweep].
        block: the block.
        number: of the block, from 0.

    Raises:
        BadInput: a piece takes no such value, or random values without a count.
    """

    def __init__(self, base: Mapping[str, Value], block: Block, number: int) -> None:
        self.base = base
        if block.draws and block.count is None:
            told = "how many points are drawn, such as sweep.count=20, or count = 20 in [sweep.random]"
            raise BadInput("sweep.count", "nothing", told)
        factors = [Factor(tuple(block.draws), _Draws(block, number))] if block.draws else []
        factors += [Factor((name,), [(value,) for value in values]) for name, values in block.grid.items()]
        factors += [_zipped(group) for group in block.zips]
        if block.seeds is not None:
            factors.append(Factor((OWN_SEED,), _seeds(block, base)))
        #: the factors of the product, the last of which changes fastest, and one row with what is fixed
        self.factors = (*factors, Factor(tuple(block.fixed), [tuple(block.fixed.values())]))
        self.where = {name: (f, c) for f, factor in enumerate(self.factors) for c, name in enumerate(factor.names)}
        fields = dict.fromkeys((*base, *(name.partition(".")[0] for name in self.where)))
        self.parts = {field: self._parts(field) for field in fields}
        self._fill: list[tuple[int, str, Callable[[Chosen], Value]]] = []
        self._pieces: list[str] = []
        for field in sorted(fields, key=_in_key):
            if field in _WITHOUT_EFFECT:
                continue
            start = f'"{_in_key(field)}":'
            if self._constant(field):
                self._pieces.append(start + base[field].text)
            else:
                self._fill.append((len(self._pieces), start, self._value_of(field)))
                self._pieces.append("")
        self._check_parts()
        for name in _WITHOUT_EFFECT:
            if name in self.where and len(self.factors[self.where[name][0]].rows) > 1:
                raise BadInput(name, "an axis", f"one value of {name}, on which no result depends")

    def _parts(self, field: str) -> list[str]:
        """The dotted keys of parts of a field, the shallow ones first."""
        return sorted((name for name in self.where if name.startswith(f"{field}.")), key=lambda name: name.count("."))

    def _constant(self, field: str) -> bool:
        return field not in self.where and not self.parts[field]

    def _value_of(self, field: str) -> Callable[[Chosen], Value]:
        """The value of a field in a point, from the point's rows."""
        names, where = self.parts[field], [self.where[name] for name in self.parts[field]]
        own, base = self.where.get(field), self.base.get(field)
        if not names and own is not None:
            f, c = own
            return lambda rows: rows[f][c]
        composed = lru_cache(_COMPOSED)(lambda whole, *values: compose(field, whole, list(zip(names, values, strict=True))))
        return lambda rows: composed(rows[own[0]][own[1]] if own else base, *(rows[f][c] for f, c in where))

    def _check_parts(self) -> None:
        """Raises BadInput for a piece that has no such value; other values are for the experiment to judge."""
        for field, names in self.parts.items():
            if not names:
                continue
            f, c = self.where.get(field, (None, 0))
            base = self.base.get(field)
            wholes = [base] if f is None else list({row[c].text: row[c] for row in self.factors[f].rows}.values())
            firsts = [self.factors[self.where[name][0]].rows[0][self.where[name][1]] for name in names]
            for one in wholes:
                try:
                    compose(field, one, list(zip(names, firsts, strict=True)))
                except BadInput as error:
                    remedy = f"; {REMEDY}" if len(wholes) > 1 else f"; ~{error.field} on the command line leaves it out"
                    raise BadInput(error.field, error.found, error.accepted + remedy) from None

    @property
    def distinct(self) -> bool:
        """Whether no two combinations of rows are one point, for sure."""
        moving = {name for factor in self.factors if len(factor.rows) > 1 for name in factor.names}
        return not any(b.startswith(f"{a}.") for a in moving for b in self.where)

    def __len__(self) -> int:
        """The number of combinations."""
        found = 1
        for factor in self.factors:
            found *= len(factor.rows)
        return found

    def key(self, rows: Chosen) -> str:
        """The canonical text of a combination."""
        pieces = self._pieces.copy()
        for n, start, value in self._fill:
            pieces[n] = start + value(rows).text
        return "{" + ",".join(pieces) + "}"

    def fields(self, rows: Chosen) -> dict[str, Any]:
        """The fields of the experiment."""
        return {field: (self.base[field] if self._constant(field) else self._values[field](rows)).given for field in self.parts}

    @cached_property
    def _values(self) -> dict[str, Callable[[Chosen], Value]]:
        return {field: self._value_of(field) for field in self.parts if not self._constant(field)}

    def value(self, name: str, rows: Chosen) -> Exact | None:
        """The value of a key in a point, also of one that another block sets; None where there is none."""
        if name in self.where:
            f, c = self.where[name]
            return rows[f][c].exact
        field, *path = name.split(".")
        if field not in self.parts:
            return None
        there = self.base[field] if self._constant(field) else self._values[field](rows)
        return _inside(there.exact, field, path)


    def values(self, rows: Chosen, axes: Sequence[str]) -> dict[str, Exact]:
        """The values of those axes of which a point has one."""
        found = {name: self.value(name, rows) for name in axes}
        return {name: value for name, value in found.items() if value is not None}

    def experiment(self, rows: Chosen, axes: Sequence[str]) -> Experiment:
        """The experiment of a combination.

        Raises:
            BadInput: it does not exist; the message has the values of these axes.
        """
        fields = self.fields(rows)
        try:
            with as_written():
                return experiment(fields)
        except BadInput as error:
            values = self.values(rows, axes)
            told = ", ".join(f"{name} = {_short(value)}" for name, value in values.items())
            accepted = f"{error.accepted} (at {told})" if told else error.accepted
            raise BadInput(_axis_of(error.field, fields, axes), error.found, accepted, error.column) from None


def _axis_of(field: str, fields: Mapping[str, Any], axes: Sequence[str]) -> str:
    """The axis that sets what an error names: noise.nu, where it is about student-t:nu."""
    piece, colon, key = field.partition(":")
    for name in axes if colon else ():
        of, _, part = name.partition(".")
        if part == key and isinstance(given := fields.get(of), str) and given.partition(":")[0].strip(" ") == piece:
            return name
    return field


def _inside(exact: Any, field: str, path: Sequence[str]) -> Exact | None:
    """The value of a part of an exact value."""
    if path and isinstance(exact, str):
        pairs = dict(pair.split("=") for pair in exact.partition(":")[2].split(",") if pair)
        return exactly(f"{field}.{path[0]}", pairs[path[0]], field) if path[0] in pairs else None
    for part in path:
        if not isinstance(exact, Mapping) or part not in exact:
            return None
        exact = exact[part]
    return exact


def _in_key(field: str) -> str:
    return "models" if field == "model" else field


def _zipped(group: Mapping[str, Sequence[Value]]) -> Factor:
    rows = {tuple(value.text for value in row): row for row in zip(*group.values(), strict=True)}
    return Factor(tuple(group), list(rows.values()))


def _seeds(block: Block, base: Mapping[str, Value]) -> Rows:
    """A row for each repeat, from the seed of the block or of the base."""
    if isinstance(block.seeds, tuple):
        return [(of_number(Fraction(seed)),) for seed in block.seeds]
    there = base.get(OWN_SEED)
    first = 0 if there is None else whole(there.given, OWN_SEED, 0, 2**62) or 0
    return [(of_number(Fraction(first + n)),) for n in range(block.seeds or 1)]


@final
class Point:
    """A point of a sweep.

    Args:
        number: its place in the sweep, from 0.
        plan, rows: its block, and the row of each factor of it.
        key: canonical JSON of its fields without `chunk`: equal for equal points, however their values are spelled. A default
            that is left out and the same value given make different keys.
    """

    __slots__ = ("_sweep", "key", "number", "plan", "rows")

    def __init__(self, sweep: Sweep, number: int, plan: Plan, rows: Chosen, key: str) -> None:
        self.number, self._sweep, self.plan, self.rows, self.key = number, sweep, plan, rows, key

    @property
    def values(self) -> dict[str, Exact]:
        """{name of an axis: exact value}: those axes of the sweep of which the point has a value.

        A number is a Fraction, a specification its shortest text, a list a tuple; `as_json` makes JSON of them.
        """
        return self.plan.values(self.rows, self._sweep.axes)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields for `derive.reading.experiments.experiment`."""
        return self.plan.fields(self.rows)

    def experiment(self) -> Experiment:
        """The experiment.

        Raises:
            BadInput: a field does not fit, or fields contradict each other; the message has the point's values.
        """
        return self.plan.experiment(self.rows, self._sweep.axes)


def _short(value: Exact) -> str:
    text = _spelled(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _spelled(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_spelled, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {_spelled(item)}' for key, item in value.items())}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(spelled(value) if isinstance(value, Fraction) else value)


@final
class Sweep:
    """A sweep: the points of its blocks, each of them once.

    Args:
        base: the fields of an experiment that its file gives outside [sweep], after overrides.
        blocks: the tables [sweep], after overrides.
        shown: thresholds, bounds and figures, on which no point depends.

    Raises:
        BadInput: too many points, random values without a number of them, or a piece that takes no such value.
    """

    def __init__(self, base: Mapping[str, Any], blocks: Sequence[Block], shown: Shown = _NOTHING) -> None:
        self.base: dict[str, Any] = dict(base)
        self.blocks, self.shown = tuple(blocks), shown
        total = sum(_combinations(block) for block in self.blocks)
        if total > MAX_POINTS:
            raise BadInput("sweep", f"{total} points", f"at most {MAX_POINTS} points")
        #: the values of the base, by field
        self.settings = {field: read_value(field, value, field) for field, value in self.base.items()}
        self.plans = [Plan(self.settings, block, n) for n, block in enumerate(self.blocks)]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes, as they are written: random ones, those of the grid, of zips, and "seed" of repeats.

        Of several blocks, in the order in which they come first; a key that blocks fix to different values is an axis too.
        """
        found = dict.fromkeys(name for block in self.blocks for name in block.names())
        fixed = dict.fromkeys(name for block in self.blocks for name in block.fixed)
        for name in fixed:
            texts = {block.fixed[name].text if name in block.fixed else None for block in self.blocks}
            if len(texts) > 1:
                found[name] = None
        return tuple(found)

    @cached_property
    def _distinct(self) -> bool:
        return len(self.plans) == 1 and self.plans[0].distinct

    @cached_property
    def _count(self) -> int:
        return len(self.plans[0]) if self._distinct else sum(1 for _ in self._points())

    def __len__(self) -> int:
        """The number of points; each of several points that are equal counts once."""
        return self._count

    def points(self) -> Iterator[Point]:
        """The points, made one by one.

        The blocks follow one another as in the file. In a block the axes are ordered as in `axes`, and the last changes fastest.
        A point that was there before is left out.
        """
        for n, (plan, rows, key) in enumerate(self._points()):
            yield Point(self, n, plan, rows, key)

    def _points(self) -> Iterator[tuple[Plan, Chosen, str]]:
        seen: set[bytes] | None = None if self._distinct else set()
        for plan in self.plans:
            for rows in _product([factor.rows for factor in plan.factors]):
                key = plan.key(rows)
                if seen is not None:
                    digest = _digest(key)
                    if digest in seen:
                        continue
                    seen.add(digest)
                yield plan, rows, key

    def to_dict(self) -> dict[str, Any]:
        """Everything that defines the sweep as JSON, exact numbers as text."""
        return {
            "base": {field: as_json(value.exact) for field, value in self.settings.items()},
            "blocks": [block.to_dict() for block in self.blocks],
            **self.shown.to_dict(),
        }


def _combinations(block: Block) -> int:
    """An upper bound for the number of points of a block, known without drawing any."""
    found = (block.count or 1) if block.draws else 1
    for values in (*block.grid.values(), *(next(iter(group.values())) for group in block.zips)):
        found *= len(values)
    seeds = 1 if block.seeds is None else len(block.seeds) if isinstance(block.seeds, tuple) else block.seeds
    return found * seeds


def _product(factors: Sequence[Rows]) -> Iterator[Chosen]:
    """The product, the last changing fastest; the first is gone through once, so that its rows need not be kept."""
    first, *rest = factors
    for row in first:
        for others in product(*rest):
            yield (row, *others)


def covering(plan: Plan, most: int) -> Iterator[Chosen]:
    """Combinations of a block in which every value of every axis occurs, where no axis has more than `most`."""
    lengths = [len(factor.rows) for factor in plan.factors]
    built = min(max(lengths), most)
    for n in range(built):
        # what is longer than that is gone through once with long strides, and what is shorter again and again
        at = (n % length if length <= built else n * (length - 1) // max(built - 1, 1) for length in lengths)
        yield tuple(factor.rows[k] for factor, k in zip(plan.factors, at, strict=True))

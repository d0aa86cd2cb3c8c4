"""Plans of a sweep, which combine a block with the base, and its points in order, each with a unique key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple, final

from sdescent.derive.reading.experiments import DEFAULTS, Experiment, experiment
from sdescent.derive.reading.sweeps.blocks import OWN_SEED, Block
from sdescent.derive.reading.sweeps.figures_and_bounds import Displays
from sdescent.derive.reading.sweeps.ranges import MAX_POINTS
from sdescent.derive.reading.sweeps.values import Exact, Value, as_json, compose, exactly, inside, read_value, spoken
from sdescent.derive.reading.toml_file import as_written, whole
from sdescent.derive.vocabulary.errors import BadInput

#: the fields on which no result depends
_WITHOUT_EFFECT = ("chunk",)
REMEDY = "values that do not all go together belong in several blocks [[sweep]], whose points are united"
_COMPOSED = 4096  # the number of cached values with replaced parts

Rows = Sequence[tuple[Value, ...]]
Chosen = tuple[tuple[Value, ...], ...]


class Factor(NamedTuple):
    """A factor of the product: keys whose values change together. A row has one value for each key."""

    names: tuple[str, ...]
    rows: Rows


class _Draws(Sequence[tuple[Value, ...]]):
    """The rows of random draws, computed on demand, without draws that repeat earlier ones."""

    def __init__(self, block: Block, number: int) -> None:
        self.draws, self.drawn = tuple(block.draws.values()), block.count or 0
        self.seed, self.number = block.seed or 0, number

    def row(self, n: int) -> tuple[Value, ...]:
        return tuple(draw.value(self.seed, self.number, n) for draw in self.draws)

    @cached_property
    def _numbers(self) -> Sequence[int]:
        """The indices of the draws that repeat no earlier one."""
        earlier: set[bytes] = set()
        doubles: set[int] = set()
        for n in range(self.drawn):
            key = digest("\n".join(value.text for value in self.row(n)))
            if key in earlier:
                doubles.add(n)
            earlier.add(key)
        return [n for n in range(self.drawn) if n not in doubles] if doubles else range(self.drawn)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, n: Any) -> Any:
        return [self.row(k) for k in self._numbers[n]] if isinstance(n, slice) else self.row(self._numbers[n])


def digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


@final
class Plan:
    """A block with the values of the fields outside [sweep] as its base; `number` is the index of the block, from 0.

    Raises BadInput if a piece has no parameter that a key names, or a field on which no result depends is an axis.
    """

    def __init__(self, base: Mapping[str, Value], block: Block, number: int) -> None:
        self.base = base
        factors = [Factor(tuple(block.draws), _Draws(block, number))] if block.draws else []
        factors += [Factor((name,), [(value,) for value in values]) for name, values in block.grid.items()]
        for group in block.zips:
            rows = {tuple(value.text for value in row): row for row in zip(*group.values(), strict=True)}
            factors.append(Factor(tuple(group), list(rows.values())))
        if block.seeds is not None:
            factors.append(Factor((OWN_SEED,), _seeds(block, base)))
        #: the factors of the product, of which the last changes fastest, followed by a single row with the fixed values
        self.factors = (*factors, Factor(tuple(block.fixed), [tuple(block.fixed.values())]))
        self.where = {name: (f, c) for f, factor in enumerate(self.factors) for c, name in enumerate(factor.names)}
        fields = dict.fromkeys((*base, *(name.partition(".")[0] for name in self.where)))
        dotted = sorted(self.where, key=lambda name: name.count("."))
        #: the dotted keys of parts of each field, those with fewer dots first
        self.parts = {field: [name for name in dotted if name.startswith(f"{field}.")] for field in fields}
        self._values = {field: self._value_of(field) for field in fields}
        absent = {name: Value(exactly(name, value, name)) for name, value in DEFAULTS.items() if name not in fields}
        in_key = self._values | {field: (lambda _, value=value: value) for field, value in absent.items()}
        listed = [field for field in sorted(in_key, key=_in_key) if field not in _WITHOUT_EFFECT]
        self._keyed = [(f'"{_in_key(field)}":', in_key[field]) for field in listed]
        self._check_parts()
        for name in _WITHOUT_EFFECT:
            if name in block.draws or (name in self.where and len(self._listed(name)) > 1):
                raise BadInput(name, "an axis", f"one value of {name}, on which no result depends")

    def _value_of(self, field: str) -> Callable[[Chosen], Value]:
        """A function from the rows of a combination to the value of a field."""
        names, where = self.parts[field], [self.where[name] for name in self.parts[field]]
        axis, base = self.where.get(field), self.base.get(field)
        if not names and axis is not None:
            f, c = axis
            return lambda rows: rows[f][c]
        if not names:
            constant = self.base[field]
            return lambda rows: constant
        composed = lru_cache(_COMPOSED)(
            lambda whole, *values: compose(field, whole, list(zip(names, values, strict=True)))
        )
        return lambda rows: composed(rows[axis[0]][axis[1]] if axis else base, *(rows[f][c] for f, c in where))

    def _check_parts(self) -> None:
        """Raise BadInput for a key that its piece does not have; whether the numbers are accepted is left to the experiment."""
        for field, names in self.parts.items():
            if not names:
                continue
            base = self.base.get(field)
            wholes = self._listed(field) if field in self.where else [] if base is None else [base]
            listed = {name: self._listed(name) for name in names}
            for one in wholes or [None]:
                try:
                    compose(field, one, [(name, values[0]) for name, values in listed.items()])
                except BadInput as error:
                    remedy = f"; {REMEDY}" if len(wholes) > 1 else f"; ~{error.field} on the command line leaves it out"
                    raise BadInput(error.field, error.value, error.accepted + remedy) from None
            if any(isinstance(one.written, str) for one in wholes):
                for name, values in listed.items():
                    for value in values:
                        inside(name, value)

    def _listed(self, name: str) -> list[Value]:
        """The different values of a key; only one of them if it is a random number."""
        f, c = self.where[name]
        rows = self.factors[f].rows
        if isinstance(rows, _Draws):
            return list(rows.draws[c].choices) or [rows.row(0)[c]]
        return list({row[c].text: row[c] for row in rows}.values())

    @property
    def distinct(self) -> bool:
        """Whether different combinations of rows are certain to be different points."""
        moving = {name for factor in self.factors if len(factor.rows) > 1 for name in factor.names}
        return not any(b.startswith(f"{a}.") for a in moving for b in self.where)

    def __len__(self) -> int:
        """The number of combinations of rows."""
        return prod(len(factor.rows) for factor in self.factors)

    def key(self, rows: Chosen) -> str:
        """The key of a combination: canonical JSON of its fields."""
        return "{" + ",".join([start + value(rows).text for start, value in self._keyed]) + "}"

    def fields(self, rows: Chosen) -> dict[str, Any]:
        """The fields of the experiment of a combination."""
        return {field: value(rows).written for field, value in self._values.items()}

    def value(self, name: str, rows: Chosen) -> Exact | None:
        """The value of a key in a combination, even if only another block has the key as an axis; None if the key has none."""
        if name in self.where:
            f, c = self.where[name]
            return rows[f][c].exact
        field, *path = name.split(".")
        if field not in self.parts:
            return None
        return _inside(self._values[field](rows).exact, field, path)

    def values(self, rows: Chosen, axes: Sequence[str]) -> dict[str, Exact]:
        """The values of axes in a combination; axes without a value are left out."""
        values = {name: self.value(name, rows) for name in axes}
        return {name: value for name, value in values.items() if value is not None}

    def experiment(self, rows: Chosen, axes: Sequence[str]) -> Experiment:
        """The experiment of a combination. Raises BadInput, with the values of the axes, if its fields are not accepted."""
        fields = self.fields(rows)
        try:
            with as_written():
                return experiment(fields)
        except BadInput as error:
            texts = {name: spoken(value) for name, value in self.values(rows, axes).items()}
            point = ", ".join(f"{name} = {t if len(t) <= 40 else t[:37] + '...'}" for name, t in texts.items())
            accepted = f"{error.accepted} (at {point})" if point else error.accepted
            raise BadInput(_axis_of(error.field, fields, axes), error.value, accepted, error.column) from None


def _axis_of(field: str, fields: Mapping[str, Any], axes: Sequence[str]) -> str:
    """The axis to which the field of an error belongs, such as noise.nu for student-t:nu; the field itself if there is none."""
    piece, colon, key = field.partition(":")
    for name in axes if colon else ():
        of, _, part = name.partition(".")
        if part == key and isinstance(spec := fields.get(of), str) and spec.partition(":")[0].strip(" ") == piece:
            return name
    return field


def _inside(exact: Any, field: str, path: Sequence[str]) -> Exact | None:
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


def _seeds(block: Block, base: Mapping[str, Value]) -> Rows:
    """The rows of the repeats, with seeds from the block or counted up from the seed of the base."""
    if isinstance(block.seeds, tuple):
        return [(Value(Fraction(seed)),) for seed in block.seeds]
    seed = base.get(OWN_SEED)
    first = 0 if seed is None else whole(seed.written, OWN_SEED, 0, 2**62) or 0
    return [(Value(Fraction(first + n)),) for n in range(block.seeds or 1)]


def covering(plan: Plan, most: int) -> Iterator[Chosen]:
    """Yield combinations of a block that together contain every value of each axis with at most `most` values."""
    lengths = [len(factor.rows) for factor in plan.factors]
    built = min(max(lengths), most)
    for n in range(built):
        # factors longer than `built` are traversed once, with long strides, and all others cyclically
        at = (n % length if length <= built else n * (length - 1) // max(built - 1, 1) for length in lengths)
        yield tuple(factor.rows[k] for factor, k in zip(plan.factors, at, strict=True))


_NO_DISPLAYS = Displays()


@final
class Point:
    """A point of a sweep.

    Args:
        number: its index in the sweep, from 0.
        plan: the plan of its block.
        rows: the row of each factor of the plan.
        key: canonical JSON of its fields, without `chunk` and with `sdescent.derive.reading.experiments.DEFAULTS`, so that all
            spellings of a point have the same key. A value of a piece that is omitted and the same default written out, however,
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
    """A sweep: the points of its blocks, each once. The base has the fields outside [sweep]; no point depends on the displays.

    Raises BadInput if there are too many points, random values have no count, or a value or a key is not accepted.
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
        """Yield the points one by one, in the order of blocks in the file and of `axes`, the last fastest; equal ones once."""
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
    """An upper bound on the number of points of a block, found without drawing any."""
    listed = (*block.grid.values(), *(next(iter(group.values())) for group in block.zips))
    seeds = 1 if block.seeds is None else len(block.seeds) if isinstance(block.seeds, tuple) else block.seeds
    return prod(map(len, listed)) * seeds * ((block.count or 1) if block.draws else 1)


def _product(factors: Sequence[Rows]) -> Iterator[Chosen]:
    """Yield the product of the factors, the last fastest; the first is iterated only once, so that its rows need no memory."""
    first, *rest = factors
    for row in first:
        for others in product(*rest):
            yield (row, *others)

"""The blocks of a sweep, which are its tables [sweep]."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from sdescent.derive.reading.sweeps import ranges
from sdescent.derive.reading.sweeps.values import DOTTED, FIELDS, Value, as_json, check_name, read_value
from sdescent.derive.reading.toml_file import whole
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import written

SWEEP = "sweep"
PARTS = ("grid", "zip", "random", "count", "seed", "seeds")
OWN_SEED = "seed"
MAX_BLOCKS = 64
MAX_SEED = 2**62


@final
@dataclass
class Block:
    """A table [sweep]. Each combination of its values is a point."""

    fixed: dict[str, Value] = field(default_factory=dict)  # {key: value} for keys with one value
    #: {key: values}; all values of a key are combined with all values of the other keys
    grid: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    #: groups of keys whose values change together
    zips: list[dict[str, tuple[Value, ...]]] = field(default_factory=list)
    draws: dict[str, ranges.Draw] = field(default_factory=dict)  # the random keys, which are drawn together
    count: int | None = None  # the number of draws
    seed: int | None = None  # the seed of the draws
    seeds: int | tuple[int, ...] | None = None  # the number of repeats, or their seeds; None for one run
    #: dotted keys that an override has fixed and no later override of the whole key has replaced
    late: set[str] = field(default_factory=set)
    room: ranges.Room = field(default_factory=ranges.Room)  # the room for values of ranges, which all blocks share

    def names(self) -> Iterator[str]:
        """Yield the keys of the axes in order: random keys, those of the grid and of zips, and the seed of repeats."""
        yield from self.draws
        yield from self.grid
        for group in self.zips:
            yield from group
        if self.seeds is not None:
            yield OWN_SEED

    def drop(self, name: str) -> bool:
        """Remove a key from all tables, and return whether any had it."""
        holders = [table for table in (self.fixed, self.grid, self.draws, *self.zips) if name in table]
        for table in holders:
            del table[name]
        self.zips = [group for group in self.zips if group]
        for part in [late for late in self.late if late.startswith(f"{name}.")]:
            del self.fixed[part]
            self.late.remove(part)
        self.late.discard(name)
        return bool(holders)

    def put(self, table: dict[str, Any], name: str, value: Any) -> None:
        """Set a key in `table` (`grid` or `draws`), in its old place or after the others, and remove it from all other tables."""
        place = dict.fromkeys((*table, name))
        self.drop(name)
        values = {**table, name: value}
        table.clear()
        table.update((key, values[key]) for key in place)

    def to_dict(self) -> dict[str, Any]:
        """Everything that defines the block as JSON, numbers as text."""
        listed = [{a: [as_json(v.exact) for v in values] for a, values in t.items()} for t in (self.grid, *self.zips)]
        return {
            "fixed": {name: as_json(v.exact) for name, v in self.fixed.items()},
            "grid": listed[0],
            "zip": listed[1:],
            "random": {name: draw.to_dict() for name, draw in self.draws.items()},
            "count": self.count if self.draws else None,
            "seed": (self.seed or 0) if self.draws else None,
            "seeds": list(self.seeds) if isinstance(self.seeds, tuple) else self.seeds,
        }


def read_blocks(value: object) -> list[Block]:
    """The blocks of a sweep, from the value of its key: a table [sweep] or a list of such tables, else BadInput."""
    tables: list[Any] = value if isinstance(value, list) else [value]
    if not tables or not all(isinstance(table, dict) for table in tables):
        raise BadInput(SWEEP, written(value), "a table [sweep], or several [[sweep]]")
    if len(tables) > MAX_BLOCKS:
        raise BadInput(SWEEP, f"{len(tables)} tables", f"at most {MAX_BLOCKS}")
    several, room = len(tables) > 1, ranges.Room()
    return [_block(table, f"{SWEEP}[{n}]" if several else SWEEP, room) for n, table in enumerate(tables, 1)]


def _block(table: Mapping[str, Any], place: str, room: ranges.Room) -> Block:
    for key in table:
        if key not in PARTS:
            accepted = f"the keys {', '.join(PARTS)}"
            if key.partition(".")[0] in FIELDS:
                accepted += f"; axes stand in [{SWEEP}.grid], and fields shared by all points above [{SWEEP}]"
            raise unknown_name(place, key, PARTS, accepted)
    block = Block(room=room)
    for name, value, at in named(table.get("grid", {}), f"{place}.grid", ranges.RANGES):
        if isinstance(value, list):
            block.grid[name] = _values(name, value, at)
        elif isinstance(value, dict) and name not in DOTTED:
            block.grid[name] = ranges.read_range(name, value, at, room)
        else:
            block.fixed[name] = read_value(name, value, at)
    groups = table.get("zip", [])
    listed = groups if isinstance(groups, list) else [groups]
    for n, group in enumerate(listed, 1):
        at = f"{place}.zip" + (f"[{n}]" if len(listed) > 1 else "")
        if values := _zip(group, at, room):
            block.zips.append(values)
    _read_random(block, table, place)
    if "seeds" in table:
        block.seeds = read_seeds(table["seeds"], f"{place}.seeds")
    names = [*block.fixed, *block.names()]
    for name in names:
        if names.count(name) > 1:
            where = " and seeds" if name == OWN_SEED and block.seeds is not None else ""
            raise BadInput(place, f"{name} twice", f"each key once: in grid, in one zip, or in random{where}")
    if "model" in names and "models" in names:
        raise BadInput(place, "model and models", "models alone")
    return block


def named(table: object, place: str, forms: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield (dotted key, value, place) for a table with dotted or nested keys: "noise.nu" = [..] or noise = {nu = [..]}.

    A table with a key of `forms` counts as a value. Raises BadInput for no table, unknown keys, and keys that occur
    twice.
    """
    if not isinstance(table, dict):
        raise BadInput(place, written(table), "a table of keys and their values")
    names: set[str] = set()
    for name, value in _flat(table, "", forms):
        check_name(name, place)
        if name in names:
            raise BadInput(place, name, "each key once")
        names.add(name)
        yield name, value, f"{place}.{name}"


def _flat(table: Mapping[str, Any], before: str, forms: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = before + key
        nested = isinstance(value, dict) and name.partition(".")[0] in DOTTED and name.count(".") < 3
        # a range or a draw is one value; a whole specification cannot be a range
        if nested and not (any(form in value for form in forms) and (forms is ranges.DRAWS or "." in name)):
            yield from _flat(value, f"{name}.", forms)
        else:
            yield name, value


def _values(name: str, listed: list[Any], place: str) -> tuple[Value, ...]:
    if not listed:
        raise BadInput(place, "[]", "at least one value")
    return once(read_value(name, item, f"{place}[{n}]") for n, item in enumerate(listed, 1))


def once(values: Iterable[Value]) -> tuple[Value, ...]:
    distinct: dict[str, Value] = {}
    for value in values:
        distinct.setdefault(value.text, value)
    return tuple(distinct.values())


def _zip(table: object, place: str, room: ranges.Room) -> dict[str, tuple[Value, ...]]:
    columns: dict[str, tuple[Value, ...]] = {}
    for name, value, at in named(table, place, ranges.RANGES):
        if isinstance(value, list):
            columns[name] = tuple(read_value(name, item, f"{at}[{n}]") for n, item in enumerate(value, 1))
        elif isinstance(value, dict):
            columns[name] = ranges.read_range(name, value, at, room)
        else:
            raise BadInput(at, written(value), f"a list as long as the others; one value stands in [{SWEEP}.grid]")
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1 or 0 in lengths:
        each = ", ".join(f"{name} has {len(values)}" for name, values in columns.items())
        raise BadInput(place, each, "lists of equal length, at least 1")
    return columns


def _read_random(block: Block, sweep: Mapping[str, Any], place: str) -> None:
    at = f"{place}.random"
    table = sweep.get("random", {})
    if not isinstance(table, dict):
        raise BadInput(at, written(table), f"a table of count, seed, and for each key {ranges.DRAW_FORM}")
    counts = {key: table[key] for key in ("count", OWN_SEED) if key in table}
    for key in counts:
        if key in sweep:
            raise BadInput(f"{place}.{key}", written(sweep[key]), f"{key} once, here or in [{at}]")
    counts |= {key: sweep[key] for key in ("count", OWN_SEED) if key in sweep}
    block.count = whole(counts.get("count"), f"{at}.count", 1, ranges.MAX_POINTS)
    block.seed = whole(counts.get(OWN_SEED), f"{at}.seed", 0, MAX_SEED)
    rest = {key: value for key, value in table.items() if key not in counts}
    block.draws = {name: ranges.read_draw(name, value, where) for name, value, where in named(rest, at, ranges.DRAWS)}


def read_seeds(value: object, place: str) -> int | tuple[int, ...]:
    """The number of repeats, or their seeds, each once. Raises BadInput for anything else."""
    accepted = f"the number of repeats (1 to {ranges.MAX_POINTS}), or a list of seeds"
    if not isinstance(value, list):
        return whole(value, place, 1, ranges.MAX_POINTS, accepted) or 1
    if not value:
        raise BadInput(place, "[]", accepted)
    return tuple(dict.fromkeys(whole(item, place, 0, MAX_SEED, accepted) or 0 for item in value))

"""Reading of the file of a sweep, with overrides from the command line."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdescent.derive.reading.method_tables import by_name
from sdescent.derive.reading.sweeps.blocks import MAX_SEED, OWN_SEED, SWEEP, Block, once, read_blocks, read_seeds
from sdescent.derive.reading.sweeps.figures_and_bounds import BOUNDS, FIGURES, THRESHOLDS, read_displays
from sdescent.derive.reading.sweeps.overrides import Interval, Override, Several, Steps, read_overrides
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.derive.reading.sweeps.ranges import MAX_POINTS, Room, numbered, read_draw, stepped
from sdescent.derive.reading.sweeps.values import FIELDS, check_name, compose, read_value, spelled
from sdescent.derive.reading.toml_file import PLUGINS, as_written, read_keys, whole
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean

ETA = "eta"
#: two names for the same field
_SAME = {"model": "models", "models": "model"}


def read_sweep(path: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Read the sweep of a TOML file, which is the file of an experiment with a table [sweep] or several tables [[sweep]].

    The file may also have [thresholds], [bounds] and [[figures]] (`sdescent.derive.reading.sweeps.figures_and_bounds`).
    Overrides from the command line (`sdescent.derive.reading.sweeps.overrides`) are applied in order. Raises BadInput
    if the file is not TOML, has an unknown key or a value that is not accepted, or an override is malformed; OSError if
    the file cannot be read.
    """
    changes = read_overrides(overrides)
    tables = (THRESHOLDS, BOUNDS, FIGURES)
    table = read_keys(path, (*FIELDS, SWEEP, *tables))
    with as_written():
        displays = read_displays({key: table.pop(key) for key in tables if key in table})
        blocks = read_blocks(table.pop(SWEEP, {}))
        base = by_name(table)
        _steps(base, blocks)
        had_draws = any(block.draws for block in blocks)
        for override in changes:
            _apply(override, base, blocks)
            _steps(base, blocks)
        if not had_draws:
            _check_draws(blocks)
        return Sweep(base, blocks, displays)


def _check_draws(blocks: Sequence[Block]) -> None:
    """Raise BadInput for a count or a seed of draws in a sweep that has no random keys after the overrides."""
    for block in () if any(block.draws for block in blocks) else blocks:
        for name, value in (("count", block.count), ("seed", block.seed)):
            if value is not None:
                remedy = "; the seed of the experiment is seed" if name == "seed" else "; repeats are sweep.seeds"
                raise BadInput(f"{SWEEP}.{name}", value, f"no {name} of draws, since no key is drawn at random{remedy}")


def _steps(base: dict[str, Any], blocks: Sequence[Block]) -> None:
    """Turn a list of step sizes in the base into an axis of each block that has no step sizes of its own."""
    if isinstance(listed := base.get(ETA), list):
        if not listed:
            raise BadInput(ETA, "[]", "at least one step size")
        del base[ETA]
        for block in blocks:
            if ETA not in block.names() and ETA not in block.fixed:
                before = dict(block.grid)
                block.grid.clear()
                _set_axis(block, ETA, Several(tuple(listed)))
                block.grid.update(before)


def _apply(override: Override, base: dict[str, Any], blocks: Sequence[Block]) -> None:
    name, value = override.key, override.value
    top, _, rest = name.partition(".")
    if top == SWEEP:
        _apply_own(override, rest, blocks)
        return
    if name == PLUGINS:
        raise BadInput(name, override.text, "plugins only in the file, since they are programs")
    check_name(name, "override")
    present = name in base or any(name in block.names() or name in block.fixed for block in blocks)
    if override.sign == "+" and rest:
        with suppress(BadInput):  # raised if the base has no such part
            present = _without_part(base, name) is not None
    if override.sign == "+" and present:
        accepted = f"a key that the file does not have; {name}=.. replaces it, ++{name}=.. does either"
        raise BadInput(name, override.text, accepted)
    if override.sign == "~":
        _remove(name, base, blocks)
        return
    if name in _SAME:
        base.pop(_SAME[name], None)
        for block in blocks:
            block.drop(_SAME[name])
    if isinstance(value, Several | Steps | Interval):
        for block in blocks:
            _set_axis(block, name, value)
        if not rest:
            base.pop(name, None)
    else:
        _fix(name, value, base, blocks)


def _fix(name: str, value: Any, base: dict[str, Any], blocks: Sequence[Block]) -> None:
    """Set a key to one value, in the base if possible, and remove its axes from the blocks."""
    field, _, part = name.partition(".")
    for block in blocks:
        block.drop(name)
        if name == OWN_SEED and isinstance(block.seeds, tuple):
            block.seeds = None
    if not part:
        if isinstance(value, dict) and isinstance(before := base.get(name), dict):
            value = {**before, **value}
        if not (name == ETA and isinstance(value, list)):
            read_value(name, value, name)
        base[name] = value
        return
    read = read_value(name, value, name)
    inside = [block for block in blocks if field in block.names() or field in block.fixed]
    for block in inside:
        block.fixed[name] = read
        block.late.add(name)
    if len(inside) < len(blocks):
        before = read_value(field, base[field], field) if base.get(field) is not None else None
        base[field] = compose(field, before, [(name, read)]).written


def _remove(name: str, base: dict[str, Any], blocks: Sequence[Block]) -> None:
    """Remove a key from the blocks, or from the base if no block has it."""
    of, _, part = name.partition(".")
    removed = [block.drop(name) for block in blocks]
    for block in blocks:
        if name == OWN_SEED and block.seeds is not None:
            block.seeds = None
            removed.append(True)
    if any(removed):
        return
    if part:
        base[of] = _without_part(base, name)
    elif base.pop(name, None) is None:
        raise BadInput(name, f"~{name}", "a key that the file has: " + ", ".join(base) + did_you_mean(name, base))


def _apply_own(override: Override, key: str, blocks: Sequence[Block]) -> None:
    """Apply an override of a setting of the sweep itself: count, seed or seeds."""
    value, name = override.value, override.key
    if key not in ("count", "seed", "seeds"):
        accepted = "sweep.count, sweep.seed or sweep.seeds; an axis is overridden by its own name: eta=0.1,0.2"
        raise BadInput(name, override.text, accepted)
    if isinstance(value, Several) and key == "seeds":
        value = list(value.values)
    if isinstance(value, Steps) and key == "seeds":
        value = [spelled(seed) for seed in stepped(value.start, value.stop, value.step, name, False, Room())]
    if isinstance(value, Several | Steps | Interval):
        raise BadInput(name, override.text, "one whole number" + (", or a list of seeds" if key == "seeds" else ""))
    for block in blocks:
        if key == "seeds":
            block.drop(OWN_SEED)
            block.seeds = None if value is None else read_seeds(value, name)
        elif key == "count":
            block.count = whole(value, name, 1, MAX_POINTS)
        else:
            block.seed = whole(value, name, 0, MAX_SEED)


def _set_axis(block: Block, name: str, value: Several | Steps | Interval) -> None:
    """Apply an override that makes an axis, such as `name=V1,V2` or `name=interval(a,b)`.

    The axis keeps its old place, or comes after the others. Raises BadInput if the key cannot have these values.
    """
    if name == OWN_SEED:
        block.seeds = None
    if isinstance(value, Interval):
        kind = "log-uniform" if value.log else "uniform"
        block.put(block.draws, name, read_draw(name, {kind: list(value.ends)}, name))
    elif isinstance(value, Steps):
        values = numbered(name, stepped(value.start, value.stop, value.step, name, False, block.room), name)
        block.put(block.grid, name, values)
    else:
        block.put(block.grid, name, once(read_value(name, item, name) for item in value.values))


def _without_part(base: Mapping[str, Any], name: str) -> object:
    """The value of a field of the base without the part that the dotted key `name` denotes. Raises BadInput without such a part."""
    of, *path = name.split(".")
    value = base.get(of)
    if len(path) == 1 and isinstance(value, str):
        piece, _, pairs = value.partition(":")
        listed = [pair for pair in pairs.split(",") if pair]
        remaining = [pair for pair in listed if pair.partition("=")[0].strip(" ") != path[0]]
        if len(remaining) < len(listed):
            return f"{piece}:{','.join(remaining)}" if remaining else piece
    elif isinstance(value, dict):
        return _without(value, path, name)
    raise BadInput(name, "~" + name, f"a value that {of} has")


def _without(table: Mapping[str, Any], path: Sequence[str], name: str) -> dict[str, Any]:
    first, *rest = path
    if first not in table or (rest and not isinstance(table[first], dict)):
        raise BadInput(name, "~" + name, "a value that the file has")
    if not rest:
        return {key: value for key, value in table.items() if key != first}
    return {**table, first: _without(table[first], rest, name)}

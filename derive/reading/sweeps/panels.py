"""The figures of a sweep, their panels (one for each combination of values of the other axes), and the check of a sweep."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, final

from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.sweeps.blocks import OWN_SEED
from sdescent.derive.reading.sweeps.figures_and_bounds import Figure
from sdescent.derive.reading.sweeps.formula_letters import letters, numbers_of, of_bounds, require_value
from sdescent.derive.reading.sweeps.plans import REMEDY, Chosen, Plan, Sweep, covering
from sdescent.derive.reading.sweeps.values import Exact, Value, as_json, canonical
from sdescent.derive.vocabulary.errors import BadInput, unknown_name

MOST_PANELS: Final = 24
#: the limit on the experiments that a check builds: for the whole sweep if it has no more points, otherwise for each block
MOST_BUILT = 20_000
_TRIED = 64  # values tried on each axis to find out which values do not go together
#: the largest number of experiments of a block that are searched for names of runs, quantities and letters
MOST_SEEN = 256
_ALL = 10**7

Values = tuple[Exact | None, ...]


@final
@dataclass(frozen=True)
class Survey:
    """The names in the experiments of a sweep."""

    runs: tuple[str, ...]  # the method and the models, in the order of occurrence, the method first
    quantities: tuple[str, ...]  # the stored quantities
    #: the letters of formulas, as returned by `sdescent.derive.reading.sweeps.formula_letters.letters`
    letters: Mapping[str, tuple[str, ...]]


def survey(sweep: Sweep) -> Survey:
    """The names in the experiments of a sweep; on long axes, only evenly spread values are searched. Raises BadInput as
    `experiment`.
    """
    runs: dict[str, None] = {}
    quantities: dict[str, None] = {}
    names: dict[str, None] = {}
    for plan in sweep.plans:
        for rows in covering(plan, MOST_SEEN):
            experiment: Experiment = plan.experiment(rows, sweep.axes)
            runs |= dict.fromkeys(experiment.kinds)
            quantities |= dict.fromkeys(experiment.quantities)
            names |= dict.fromkeys(numbers_of(experiment.to_dict(), plan.values(rows, sweep.axes)).values)
    return Survey(tuple(sorted(runs, key=lambda run: run != METHOD)), tuple(quantities), letters(names))


@final
@dataclass(frozen=True)
class Layout:
    """The panels of a figure."""

    axes: tuple[str, ...]  # the axes whose values differ between panels
    panels: tuple[Values, ...]  # the values of `axes` in each panel
    tied: tuple[str, ...]  # axes with several values that x and y determine
    random_axis: bool  # whether x or y is drawn at random, so that there is no grid


def layout(sweep: Sweep, figure: Figure) -> Layout:
    """The panels of a figure, cut off at `MOST_PANELS` + 1 panels."""
    at = figure.at or {}
    random_axis = any(name in block.draws for block in sweep.blocks for name in figure.axes)
    others = [a for a in sweep.axes if a not in figure.axes and a not in at and a != OWN_SEED]
    tied = [a for a in others if _tied(sweep, a, figure.axes)]
    free = [a for a in others if a not in tied]
    panels = combinations(sweep, free, at, MOST_PANELS)
    several = [n for n in range(len(free)) if len({canonical(panel[n]) for panel in panels}) > 1]
    chosen = tuple(tuple(panel[n] for n in several) for panel in panels)
    varied = tuple(a for a in tied if len(values(sweep, a, at, 1)) > 1)
    return Layout(tuple(free[n] for n in several), chosen, varied, random_axis)


def count(layout: Layout, figure: Figure, runs: Sequence[str]) -> int:
    """The number of panels of a figure. Heat maps have one for each run, and one for each comparison of a model with the method."""
    chosen = [run for run in runs if figure.runs is None or run in figure.runs]
    each = 1 if figure.y is None else len(chosen) + (len(chosen) - 1 if METHOD in chosen else 0)
    return len(layout.panels) * each


def automatic(sweep: Sweep, contents: Survey) -> tuple[list[Figure], str]:
    """The figures of a sweep whose file asks for none, and, if there are none, the reason ("" without axes).

    Each quantity has a heat map over the first two numeric axes with several values, or curves if there is only one such axis.
    Without numeric axes, the curves are over the first axis with several values. Repeats do not count as an axis.
    """
    several = {a: listed for a in sweep.axes if a != OWN_SEED and len(listed := values(sweep, a)) > 1}
    numeric = [a for a, listed in several.items() if all(isinstance(v, Fraction) for v in listed)]
    random_axes = {name for block in sweep.blocks for name in block.draws}
    # an axis that the first one determines cannot be the second one
    second = [a for a in numeric[1:] if a in random_axes or not _tied(sweep, a, numeric[:1])][:1]
    axes = numeric[:1] + second or list(several)[:1]
    if not axes:
        return [], "no figures: no axis has several values" if sweep.axes else ""
    figures = [Figure(axes[0], axes[1] if len(axes) > 1 else None, quantity) for quantity in contents.quantities]
    panels_of_first = layout(sweep, figures[0])
    if (panels := count(panels_of_first, figures[0], contents.runs)) > MOST_PANELS:
        return [], "no figures: {}: {}".format(*_too_many(sweep, panels_of_first, figures[0], panels))
    return figures, ""


def check_displays(sweep: Sweep) -> None:
    """Check thresholds, bounds and figures against the experiments of a sweep.

    Raises BadInput for a letter without one value, unknown axes, values, quantities or runs, and too many panels.
    """
    displays = sweep.displays
    if not (displays.thresholds or displays.bounds or displays.figures):
        return
    contents = survey(sweep)
    for threshold in displays.thresholds:
        for side in threshold.sides:
            require_value(side, threshold.field, contents.letters)
    for bound in displays.bounds:
        formulas = [(side, a.field) for a in bound.assumptions for side in (a.left, a.right)]
        if bound.theorem is not None:
            formulas += [(text, f"{bound.field}.letters.{letter}") for letter, text in bound.theorem.letters.items()]
            if bound.theorem.about:
                _among(bound.theorem.about, contents.runs, f"{bound.field}.theorem")
        if bound.formula or bound.theorem is None:  # the formula of a theorem is empty until it is proved
            formulas.append((bound.formula, bound.field))
        for text, field in formulas:
            require_value(text, field, of_bounds(contents.letters))
        _among(bound.of, contents.quantities, f"{bound.field}.of")
    for n, figure in enumerate(displays.figures, 1):
        _check_figure(sweep, figure, f"figures[{n}]", contents)


def _check_figure(sweep: Sweep, figure: Figure, place: str, contents: Survey) -> None:
    for key, name in zip("xy", figure.axes, strict=False):
        _among(name, sweep.axes, f"{place}.{key}")
    _among(figure.quantity, contents.quantities, f"{place}.quantity")
    for run in figure.runs or ():
        _among(run, contents.runs, f"{place}.runs")
    at = figure.at or {}
    for name, value in at.items():
        _among(name, sweep.axes, f"{place}.at")
        exact = values(sweep, name)
        if value.text not in set(map(canonical, exact)):
            listed = ", ".join(str(as_json(v)) for v in exact[:8])
            raise BadInput(f"{place}.at.{name}", value.as_toml, f"a value of this axis: {listed}")
    arrangement = layout(sweep, figure)
    if not arrangement.panels:
        fixed = ", ".join(f"{name} = {value.as_toml}" for name, value in at.items())
        raise BadInput(f"{place}.at", fixed, "values that occur together at a point")
    if (panels := count(arrangement, figure, contents.runs)) > MOST_PANELS:
        raise BadInput(place, *_too_many(sweep, arrangement, figure, panels))


def _among(name: str, names: Sequence[str], place: str) -> None:
    if name not in names:
        raise unknown_name(place, name, names, None if names else "a sweep with axes")


def _too_many(sweep: Sweep, panels_of: Layout, figure: Figure, panels: int) -> tuple[str, str]:
    axes = [f"{name} ({len(values(sweep, name, figure.at))} values)" for name in panels_of.axes]
    more = "more than " if len(panels_of.panels) > MOST_PANELS else ""
    fix = f"fix some axes with at = {{..}} in [[figures]]: {', '.join(axes)}" if axes else ""
    fewer = "choose fewer runs with runs = [..] in [[figures]]" if figure.y is not None else ""
    remedy = ", or ".join(part for part in (fix, fewer) if part)
    return f"{more}{MOST_PANELS if more else panels} panels", f"at most {MOST_PANELS}: {remedy}"


def values(sweep: Sweep, axis: str, at: Mapping[str, Value] | None = None, most: int = _ALL) -> list[Exact | None]:
    """The different values of an axis at the points where other axes have the values `at`; at most `most` + 1."""
    return [value for (value,) in combinations(sweep, [axis], at or {}, most)]


def combinations(sweep: Sweep, axes: Sequence[str], at: Mapping[str, Value], most: int) -> list[Values]:
    """The different joint values of `axes` at the points where other axes have the values `at`; at most `most` + 1."""
    distinct: dict[tuple[str, ...], Values] = {}
    for plan in sweep.plans:
        for rows in _varied(plan, [*axes, *at]):
            if any((v := plan.value(name, rows)) is None or canonical(v) != value.text for name, value in at.items()):
                continue
            values = tuple(plan.value(name, rows) for name in axes)
            distinct.setdefault(tuple(map(canonical, values)), values)
            if len(distinct) > most:
                return list(distinct.values())
    return list(distinct.values())


def _varied(plan: Plan, axes: Sequence[str]) -> Iterator[Chosen]:
    """The combinations of a block with all values of these axes and a single value of every other axis."""
    needed = {n for name in axes for n in _factors(plan, name)}
    listed: list[Any] = [factor.rows if n in needed else factor.rows[:1] for n, factor in enumerate(plan.factors)]
    return product(*listed)


def _factors(plan: Plan, axis: str) -> set[int]:
    """The factors of a block on which the value of an axis depends."""
    field = axis.partition(".")[0]
    return {f for name, (f, _) in plan.where.items() if name in (axis, field) or name.startswith(f"{axis}.")}


def _tied(sweep: Sweep, axis: str, by: Sequence[str]) -> bool:
    """Whether the axes `by` determine an axis, as in a zip, or the axis is drawn at random together with one of them."""
    value_at: dict[tuple[str, ...], str] = {}
    for plan, block in zip(sweep.plans, sweep.blocks, strict=True):
        if axis in block.draws and any(name in block.draws for name in by):
            continue
        own_factors, theirs = _factors(plan, axis), {n for name in by for n in _factors(plan, name)}
        if any(len(plan.factors[n].rows) > 1 for n in own_factors - theirs):
            return False
        for rows in _varied(plan, [axis, *by]):
            key = tuple(canonical(plan.value(name, rows)) for name in by)
            value = canonical(plan.value(axis, rows))
            if value_at.setdefault(key, value) != value:
                return False
    return True


# the check of a sweep before it runs, which builds all its experiments or enough of them


def check(sweep: Sweep, most: int = MOST_BUILT) -> None:
    """Check a sweep by building its experiments, and then its thresholds, bounds and figures.

    If the sweep has at most `most` points, all experiments are built. Otherwise enough are built that each value occurs
    in one; on an axis with more than `most` values, `most` evenly spread values are tried, including the first and the
    last. Raises BadInput if an experiment is not accepted. The message has the values of its point and, if only their
    combination is at fault, advice for a sweep without it. Otherwise as for `check_displays`.
    """
    every = ((point.plan, point.rows) for point in sweep.points())
    enough = ((plan, rows) for plan in sweep.plans for rows in covering(plan, most))
    for plan, rows in every if len(sweep) <= most else enough:
        try:
            plan.experiment(rows, sweep.axes)
        except BadInput as error:
            if _healers(plan, rows) < 2:
                raise
            raise BadInput(error.field, error.value, f"{error.accepted}; {REMEDY}", error.column) from None
    check_displays(sweep)


def _healers(plan: Plan, rows: Chosen) -> int:
    """The number of factors in which another row makes a rejected combination an accepted one.

    If it is 1, the values of that factor alone may be at fault. If it is larger, the values do not go together.
    """
    count = 0
    for n, factor in enumerate(plan.factors):
        others = (factor.rows[k] for k in range(min(len(factor.rows), _TRIED)))
        count += any(_exists(plan, (*rows[:n], other, *rows[n + 1 :])) for other in others)
    return count


def _exists(plan: Plan, rows: Chosen) -> bool:
    try:
        plan.experiment(rows, ())
    except BadInput:
        return False
    return True

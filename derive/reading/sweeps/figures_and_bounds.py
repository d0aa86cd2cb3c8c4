"""The tables [thresholds], [bounds] and [[figures]] of a sweep, which say what it displays.

Neither points nor their keys depend on these tables. Formulas are parsed by the grammar of `sdescent.derive.vocabulary.formulas`;
the names in them are checked later, with the experiments (`sdescent.derive.reading.sweeps.panels.check_displays`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from sdescent.derive.reading.sweeps.blocks import named
from sdescent.derive.reading.sweeps.values import DOTTED, Value, as_json, read_value
from sdescent.derive.reading.toml_file import check_keys
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.text import check_text, written

THRESHOLDS, BOUNDS, FIGURES = "thresholds", "bounds", "figures"
#: the columns of each quantity in the table of a sweep, in order
ESTIMATES: Final = ("mean", "mean_lower", "mean_upper", "median", "median_lower", "median_upper", "low", "high")
#: the estimates that a figure may show; low and high are the 10 % and 90 % quantiles
DRAWN: Final = ("mean", "median", "low", "high")
#: the ending of a column name that marks the verdicts on a bound
VERDICT: Final = "verdict"
MAX_NAMED, MAX_FIGURES = 16, 32
_LONGEST_NAME = 60
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
_ENDINGS = tuple(f"_{ending}" for ending in (*ESTIMATES, VERDICT))
#: an equals sign that is not part of another relation sign
_EQUALS = re.compile(r"(?<![<>=!])==?(?![=])")
#: the sign of an inequality
_INEQUALITY = re.compile(r"<=|>=|<|>")
#: a dot as in compressor.p, which the grammar of formulas does not accept in names
_DOT = re.compile(rf"\b({'|'.join(DOTTED)})\.(?=[A-Za-z])")


@final
@dataclass(frozen=True)
class Threshold:
    """A curve in figures, on which two formulas are equal."""

    name: str  # the name in the legend
    relation: str  # the equation as text

    @property
    def field(self) -> str:
        """The threshold's name in messages."""
        return f"{THRESHOLDS}.{self.name}"

    @property
    def sides(self) -> tuple[str, str]:
        """Both formulas, padded to their places in the relation, for columns in messages. Raises BadInput unless it has
        one = sign.
        """
        first, _, second = _sides(self.relation, _EQUALS, self.field, "one equation such as eta*(1 + omega/N) = 1")
        return first, second


class Inequality(NamedTuple):
    """An inequality that a bound assumes."""

    field: str  # the user's name for it, for messages
    #: left, right: the sides, padded to their places in the text, so that columns in messages count from its beginning
    left: str
    sign: str  # <=, >=, < or >
    right: str


@final
@dataclass(frozen=True)
class FromTheorem:
    """A user's theorem (`sdescent.derive.theorems.bounds.stated`) that supplies a bound.

    `title`, `about` and `granted` are empty until the theorem is proved (`sdescent.numerics.studies.theorems`).
    """

    file: str  # the name of the TOML file that states the theorem
    letters: Mapping[str, str]  # {constant of the theorem: its formula in the letters of a sweep}
    title: str = ""  # the title of the theorem
    about: str = ""  # the run that the theorem is about: the method or a model
    granted: tuple[str, ...] = ()  # the assumptions that the numbers of a point do not decide, in words

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON."""
        return {**vars(self), "letters": dict(self.letters), "granted": list(self.granted)}


@final
@dataclass(frozen=True)
class Bound:
    """A bound: a formula that is compared with the mean of a quantity at every point."""

    name: str  # its name, which the columns bound_NAME and bound_NAME_verdict contain
    of: str  # the quantity
    formula: str  # the text of the formula; empty for a theorem that is not proved yet
    where: tuple[str, ...] = ()  # the assumptions; the bound claims nothing at a point where one of them is false
    theorem: FromTheorem | None = None  # the theorem that supplies the bound; None for a formula of the user

    @property
    def assumptions(self) -> tuple[Inequality, ...]:
        """The assumptions, split at their signs. Raises BadInput unless each has exactly one sign of an inequality."""
        field, accepted = f"{self.field}.where", "one inequality such as eta*(1 + omega/N) <= 1"
        return tuple(Inequality(field, *_sides(text, _INEQUALITY, field, accepted)) for text in self.where)

    def to_dict(self) -> dict[str, Any]:
        """All fields except the name as JSON; "where" and "theorem" are left out if empty."""
        fields = {"of": self.of, "formula": self.formula, **({"where": list(self.where)} if self.where else {})}
        return fields if self.theorem is None else {**fields, "theorem": self.theorem.to_dict()}

    @property
    def field(self) -> str:
        """The bound's name in messages."""
        return f"{BOUNDS}.{self.name}"

    @property
    def column(self) -> str:
        """The name of the column with its values."""
        return f"bound_{self.name}"

    @property
    def verdicts(self) -> str:
        """The name of the column with its verdicts."""
        return f"{self.column}_{VERDICT}"


@final
@dataclass(frozen=True)
class Figure:
    """A figure that the file asks for."""

    x: str  # the horizontal axis
    y: str | None  # the vertical axis of a heat map, or None for curves
    quantity: str  # quantity, estimate: the quantity and the estimate of it that are drawn
    estimate: str = "mean"
    runs: tuple[str, ...] | None = None  # the runs that are drawn (the method, models), or None for all
    at: Mapping[str, Value] | None = None  # {axis: value} for fixed axes

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the figure: x, and y if it is not None."""
        return (self.x,) if self.y is None else (self.x, self.y)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON."""
        at = {name: as_json(value.exact) for name, value in (self.at or {}).items()}
        return {**vars(self), "runs": None if self.runs is None else list(self.runs), "at": at}


@final
@dataclass(frozen=True)
class Displays:
    """All thresholds, bounds and figures of a file."""

    thresholds: tuple[Threshold, ...] = ()
    bounds: tuple[Bound, ...] = ()
    figures: tuple[Figure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The tables that are not empty, as JSON."""
        tables = {
            THRESHOLDS: {t.name: t.relation for t in self.thresholds},
            BOUNDS: {b.name: b.to_dict() for b in self.bounds},
            FIGURES: [figure.to_dict() for figure in self.figures],
        }
        return {name: value for name, value in tables.items() if value}


def read_displays(tables: Mapping[str, object]) -> Displays:
    """Read the optional tables [thresholds], [bounds] and [[figures]]. Raises BadInput for a wrong shape or formula."""
    curves = _entries(tables.get(THRESHOLDS, {}), THRESHOLDS, 'a table of "name" = "relation"')
    formulas = _entries(tables.get(BOUNDS, {}), BOUNDS, 'a table of name = "formula"')
    thresholds = tuple(_threshold(name, text) for name, text in curves.items())
    bounds = tuple(_bound(name, value) for name, value in formulas.items())
    listed: Any = tables.get(FIGURES, [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadInput(FIGURES, written(listed), "one or more [[figures]] tables")
    if len(listed) > MAX_FIGURES:
        raise BadInput(FIGURES, f"{len(listed)} tables", f"at most {MAX_FIGURES}")
    return Displays(thresholds, bounds, tuple(_figure(item, f"{FIGURES}[{n}]") for n, item in enumerate(listed, 1)))


def spelled_out(text: str) -> str:
    """A formula with compressor_p for compressor.p, so that columns stay the same."""
    return _DOT.sub(r"\1_", text)


def _sides(relation: str, sign: re.Pattern[str], field: str, accepted: str) -> tuple[str, str, str]:
    """The left side, the sign and the right side of a relation, which must have exactly one sign; sides are padded."""
    text = spelled_out(relation)
    places = list(sign.finditer(text))
    if len(places) != 1:
        raise BadInput(field, relation, accepted, places[1].start() + 1 if places else None)
    (place,) = places
    return text[: place.start()], place[0], " " * place.end() + text[place.end() :]


def _entries(table: Any, place: str, accepted: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise BadInput(place, written(table), accepted)
    if len(table) > MAX_NAMED:
        raise BadInput(place, f"{len(table)} entries", f"at most {MAX_NAMED}")
    return table


def _threshold(name: str, value: object) -> Threshold:
    accepted = f"a name of 1 to {_LONGEST_NAME} printable characters"
    if not 1 <= len(check_text(name, THRESHOLDS, accepted).strip(" ")) <= _LONGEST_NAME:
        raise BadInput(THRESHOLDS, name, accepted)
    form = "an equation in quotes, such as eta*(1 + omega/N) = 1"
    threshold = Threshold(name, _text(value, f"{THRESHOLDS}.{name}", form))
    for side in threshold.sides:
        _check(side, threshold.field)
    return threshold


def _bound(name: str, value: object) -> Bound:
    if not _COLUMN.fullmatch(name) or f"_{name}".endswith(_ENDINGS):
        endings = f"begins with a letter and ends with none of {', '.join(_ENDINGS)}"
        accepted = f"a name of letters, digits, - and _ that {endings} (a column is named after it)"
        raise BadInput(BOUNDS, name, accepted)
    place = f"{BOUNDS}.{name}"
    table: Any = value if isinstance(value, dict) else {"of": "loss", "formula": value}
    for key in table:
        if key not in ("of", "formula", "where", "theorem", "letters"):
            raise BadInput(place, key, "the keys of, formula and where, or theorem, letters and where")
    form = '{of = "loss", formula = "eta*sigma^2*(1 + omega)/(2*N)", where = "eta*(1 + omega/N) <= 1"}'
    if ("formula" in table) == ("theorem" in table):
        theorem = '{theorem = "mine.toml", letters = {L = "h", s = "d*sigma^2"}}'
        raise BadInput(place, written(value), f"{form}, or {theorem}")
    of = _text(table.get("of", "loss"), f"{place}.of", "the name of a quantity")
    where = _where(table.get("where", []), f"{place}.where")
    if "theorem" in table:
        if "of" in table:
            raise BadInput(f"{place}.of", of, "nothing beside theorem, which says what it bounds")
        bound = Bound(name, of, "", where, _theorem(table, place))
    else:
        if "letters" in table:
            accepted = "nothing beside formula: letters are those of a theorem"
            raise BadInput(f"{place}.letters", written(table["letters"]), accepted)
        bound = Bound(name, of, _text(table["formula"], place, f"a formula in quotes, or {form}"), where)
        _check(spelled_out(bound.formula), place)
    for assumption in bound.assumptions:
        _check(assumption.left, assumption.field)
        _check(assumption.right, assumption.field)
    return bound


def _theorem(table: Mapping[str, Any], place: str) -> FromTheorem:
    file = _text(table["theorem"], f"{place}.theorem", 'a TOML file that states a theorem, such as "mine.toml"')
    letters = _entries(table.get("letters", {}), f"{place}.letters", 'a table such as {L = "h", s = "d*sigma^2"}')
    for letter, formula in letters.items():
        field = f"{place}.letters.{letter}"
        _check(spelled_out(_text(formula, field, "a formula in quotes")), field)
    return FromTheorem(file, dict(letters))


def _where(value: object, place: str) -> tuple[str, ...]:
    listed: list[Any] = value if isinstance(value, list) else [value]
    if len(listed) > MAX_NAMED:
        raise BadInput(place, f"{len(listed)} inequalities", f"at most {MAX_NAMED}")
    accepted = "an inequality in quotes such as eta*(1 + omega/N) <= 1, or a list of them"
    return tuple(_text(one, place, accepted) for one in listed)


def _text(value: object, place: str, accepted: str) -> str:
    if not isinstance(value, str):
        raise BadInput(place, written(value), accepted)
    return check_text(value, place, accepted, 2000)


def _check(text: str, field: str) -> None:
    """Raise BadInput for a text outside the grammar; its names are not checked."""
    # imported late: this loads SymPy, which sweeps without formulas do not need
    from sdescent.derive.vocabulary.formulas.expressions import FORMULAS, names_in
    from sdescent.derive.vocabulary.formulas.grammar import parse_term

    parse_term(text, names_in(text), field, FORMULAS)


def _figure(table: Mapping[str, Any], place: str) -> Figure:
    keys = ("x", "y", "quantity", "estimate", "runs", "at")
    check_keys(table, keys, place)
    if "x" not in table:
        raise BadInput(place, "no x", 'an axis of the sweep from left to right, such as x = "eta"')
    words = {key: _text(table[key], f"{place}.{key}", "text in quotes") for key in keys[:4] if key in table}
    x, y, estimate = words["x"], words.get("y"), words.get("estimate", "mean")
    if x == y:
        raise BadInput(f"{place}.y", x, "an axis other than x")
    if estimate not in DRAWN:
        raise unknown_name(f"{place}.estimate", estimate, DRAWN)
    at = {name: read_value(name, value, where) for name, value, where in named(table.get("at", {}), f"{place}.at", ())}
    for name in at:
        if name in (x, y):
            raise BadInput(f"{place}.at", name, "axes other than x and y")
    return Figure(x, y, words.get("quantity", "loss"), estimate, _runs(table.get("runs"), f"{place}.runs"), at)


def _runs(value: object, place: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    listed: list[Any] = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(item, str) for item in listed) or len(set(listed)) < len(listed):
        raise BadInput(place, written(value), 'a list of runs, each once, such as ["method", "first-order"]')
    return tuple(listed)

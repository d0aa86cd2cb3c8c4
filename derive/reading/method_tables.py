"""The table [method] of a TOML file, which states an update rule with memory as formulas."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

from sdescent.derive.reading.toml_file import check_keys, number
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean
from sdescent.derive.vocabulary.formulas.text import check_text, written

KEYS = ("name", "memory", "update", "regime", "time", "fractions", "client_memory", "scalar_memory")
MAX_PARAMS = 64  # also the largest number of substitutions of a regime
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .()+-]{0,59}", re.ASCII)
_LETTER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}", re.ASCII)
_FIELD = re.compile(r"(client_memory|scalar_memory|memory|update|regime|time|fractions|constant)( ?)(.*)")


@final
@dataclass(frozen=True)
class MethodTable:
    """An update rule as text, with numbers for symbols."""

    name: str
    memory: tuple[tuple[str, Fraction], ...]  # pairs (letter, initial value)
    update: tuple[str, ...]
    regime: tuple[tuple[str, str], ...] | None  # pairs (name, formula), or None if the table has no such key
    time: str
    fractions: tuple[str, ...]
    params: tuple[tuple[str, Fraction], ...]  # pairs (name of a symbol, number)
    client_memory: tuple[tuple[str, Fraction], ...] = ()
    scalar_memory: tuple[str, ...] = ()

    def build(self, field: str, fixed: bool = False, **parts: Any) -> Any:
        """The `Method` of the table, called `field` in messages, with compressor, noise, clients and schedule in `parts`.

        If `fixed`, all constants stay fixed. Raises BadInput if `Method` does not accept a formula or a part.
        """
        from sdescent.derive.methods.distributed import Method  # SymPy is loaded only if there is a method to build

        rule: dict[str, Any] = {
            key: getattr(self, key)
            for key in ("name", "memory", "update", "fractions", "client_memory", "scalar_memory")
        }
        regime = None if self.regime is None or fixed else dict(self.regime)
        with _fields_of(field):
            return Method(**parts, **rule, regime=regime, time="eta" if fixed else self.time)

    def to_dict(self) -> dict[str, Any]:
        """The table without `params` as JSON, exact numbers as text."""
        return {
            "name": self.name,
            "memory": {letter: str(value) for letter, value in self.memory},
            "update": list(self.update),
            "regime": None if self.regime is None else dict(self.regime),
            "time": self.time,
            "fractions": list(self.fractions),
            **({"client_memory": {letter: str(v) for letter, v in self.client_memory}} if self.client_memory else {}),
            **({"scalar_memory": list(self.scalar_memory)} if self.scalar_memory else {}),
        }


def time_of_step(method: Any, eta: Fraction) -> Fraction:
    """The time of one step of a method in its regime. Raises BadInput if a symbol in it has no number, or it is not positive."""
    if method.plain:
        return eta
    from sdescent.derive.methods.specialise import exactly

    value = method.tau.xreplace({s: exactly(eta) for s in method.tau.free_symbols if s.name == "eta"})
    if value.free_symbols or not value.is_positive:
        accepted = "a formula in eta and constants that have numbers among params, above 0"
        raise BadInput("method.time", method.time, accepted)
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else Fraction(float(value))


def method_table(table: Mapping[str, object], params: object, field: str, of_params: str) -> MethodTable:
    """Read a table [method] and a table `params` of numbers by name, or None. Formulas are parsed later, by `MethodTable.build`.

    Raises BadInput if a key is unknown, or a value is not accepted; the tables are called `field` and `of_params`.
    """
    check_keys(table, KEYS, field, f"; keys of the experiment stand above the line [{field}]")
    name = check_text(table.get("name", "method"), f"{field}.name", "a name")
    if not _NAME.fullmatch(name):
        raise BadInput(f"{field}.name", name, "a name of at most 60 letters, digits, spaces and .()+-")
    update = '["m = beta*m + G", "x = x - eta*m"]'
    if table.get("update", []) == []:
        raise BadInput(f"{field}.update", "nothing", f"a list of assignments such as {update}")
    return MethodTable(
        name=name,
        memory=numbers_of(table.get("memory", {}), f"{field}.memory", "{m = 0}"),
        update=_texts(table["update"], f"{field}.update", update),
        regime=_regime(table.get("regime"), f"{field}.regime"),
        time=check_text(table.get("time", "eta"), f"{field}.time", 'a formula in eta, such as "eta^2"'),
        fractions=_texts(table.get("fractions", []), f"{field}.fractions", '["beta"]'),
        client_memory=numbers_of(table.get("client_memory", {}), f"{field}.client_memory", "{h = 0}"),
        scalar_memory=_texts(table.get("scalar_memory", []), f"{field}.scalar_memory", '["B"]'),
        params=numbers_of({} if params is None else params, of_params, '{rho = 2, c = "1/3"}'),
    )


def numbers_of(table: object, field: str, form: str) -> tuple[tuple[str, Fraction], ...]:
    """The pairs (name, number) of a table of at most 64 numbers, such as `form`. Raises BadInput for anything else."""
    pairs = _pairs(table, field, f"a table of numbers such as {form}")
    return tuple((name, number(value, f"{field}.{name}", "an exact number")) for name, value in pairs)


def _regime(table: object, field: str) -> tuple[tuple[str, str], ...] | None:
    if table is None:
        return None
    pairs = _pairs(table, field, 'a table of formulas such as {beta = "1 - rho*eta"}')
    one = 'a formula in quotes, such as "1 - rho*eta"'
    return tuple((name, check_text(value, f"{field}.{name}", one)) for name, value in pairs)


def _pairs(table: object, field: str, accepted: str) -> list[tuple[str, object]]:
    if not isinstance(table, Mapping) or len(table) > MAX_PARAMS:
        raise BadInput(field, table if not isinstance(table, Mapping) else f"{len(table)} values", accepted)
    for name in table:
        if not isinstance(name, str) or not _LETTER.fullmatch(name):
            raise BadInput(field, name, f"{accepted}; names have at most 30 letters, digits and _")
    return list(table.items())


def _texts(value: object, field: str, form: str) -> tuple[str, ...]:
    listed, accepted = [value] if isinstance(value, str) else value, f"texts such as {form}"
    if not isinstance(listed, list):
        raise BadInput(field, value, f"a list of {accepted}")
    for n, item in enumerate(listed, 1):
        if isinstance(item, str) and "\n" in item.strip():
            raise BadInput(f"{field}[{n}]", "several lines", f"a text for each line: {accepted}")
        check_text(item if isinstance(item, str) else written(item), f"{field}[{n}]", accepted)
        if not isinstance(item, str):
            raise BadInput(f"{field}[{n}]", item, accepted)
    return tuple(listed)


def by_name(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields; a table [method] with only a name, or a name and a regime, is replaced by the fields `method` and `regime`."""
    method = fields.get("method")
    if not isinstance(method, dict) or "name" not in method or not method.keys() <= {"name", "regime"}:
        return dict(fields)
    regime = {"regime": method["regime"]} if "regime" in method else {}
    return {**fields, **regime, "method": method["name"]}


def with_numbers(method: Any, loss: Any, params: object, field: str) -> tuple[Any, Any]:
    """The method and the loss with the numbers of the table `params` for their symbols, or unchanged if `params` is None.

    Raises BadInput if a name is not a symbol of method or loss, or a value lies outside the domain of its symbol.
    """
    if params is None:
        return method, loss
    from sdescent.derive.methods.specialise import kept_scales, specialise, symbol_names, vector_names, with_scales

    values = with_scales(method, dict(numbers_of(params, field, "{rho = 2}")), f"{field}.{{}}")
    symbols = symbol_names(method) | (set() if loss is None else symbol_names(loss)) | set(kept_scales(method))
    vectors, substitutions = vector_names(method), dict(method.regime.substitutions)
    for name, value in values.items():
        accepted = None
        if name in vectors:
            accepted = f"numbers in the specification of the piece, NAME:{name}=1/2|1/4|1"
        elif name in substitutions:
            accepted = f"no number for what the regime makes: {name} = {substitutions[name]}"
        elif name not in symbols:
            listed = ", ".join(sorted(symbols)) or "there is none"
            accepted = f"a symbol of the rule, its regime, the noise or the loss: {listed}{did_you_mean(name, symbols)}"
        if accepted is not None:
            raise BadInput(f"{field}.{name}", value, accepted)
    return specialise(method, values), None if loss is None else specialise(loss, values)


@contextmanager
def _fields_of(table: str) -> Iterator[None]:
    """A context in which errors raised by `Method` name the field as it appears in the file: update[2] becomes method.update[2]."""
    try:
        yield
    except BadInput as error:
        match = _FIELD.fullmatch(error.field)
        if match is None:
            raise
        key, space, rest = match.groups()
        name = f"params.{rest}" if key == "constant" else f"{table}.{key}" + (f".{rest}" if space else rest)
        raise BadInput(name, error.value, error.accepted, error.column) from None

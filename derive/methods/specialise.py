"""Substitution of numbers for the symbols of a method or a loss. The result is checked as if the user had written the numbers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.distributed import Method, symbols_of_noise
from sdescent.derive.methods.noise import NoNoise
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.vocabulary.errors import BadInput

T = TypeVar("T")


def specialise(obj: T, values: Mapping[str, Any]) -> T:
    """A copy of `obj` (a method, compressor, noise, loss or schedule) with numbers for the symbols that `values` names.

    A float stands for the shortest decimal that it prints as (0.1 is 1/10). If all scales of a method's noise become 0,
    the noise becomes `NoNoise`. A list of numbers replaces the vector or the field of the same name: h = [1, 2] makes a
    quadratic loss with these h_j. All values are dimensionless. Raises BadInput if a number is outside the domain of
    its parameter, according to the class's own check.
    """
    exact = {name: exactly(value) for name, value in values.items() if not hasattr(value, "__len__")}
    vectors = {name: value for name, value in values.items() if hasattr(value, "__len__")}
    letters = {s for s in symbols_in(obj) if isinstance(s, Coordinate) and not s.entries and s.base in vectors}
    with_numbers = {s: s.with_entries(map(exactly, vectors[s.base])) for s in letters}
    new = _specialised(obj, exact | {s.name: e for s, e in with_numbers.items()})
    bases = {s.base for s in letters}
    entries = {
        name: tuple(map(exactly, value)) for name, value in vectors.items() if name not in bases and hasattr(new, name)
    }
    return replace(new, **entries) if entries else new


def kept_scales(method: Method) -> dict[str, str]:
    """{a scale's name in the equation: its name in the noise}, such as {sigma0: sigma}, if the regime makes the noise large.

    A number under either name stays fixed as eta changes; the scale in one step is this number times the regime's
    factor.
    """
    if NOISE not in method.regime.rules:
        return {}
    names, scales = symbol_names(method), [s for s in method.noise.scales if isinstance(s, sp.Symbol)]
    return {f"{s.name}0": s.name for s in scales if f"{s.name}0" not in names}


def with_scales(method: Method, numbers: Mapping[str, Any], field: str = "parameter {}") -> dict[str, Any]:
    """A copy of `numbers` in which each scale of `kept_scales` has the name that the noise uses; BadInput if it has both names."""
    named = dict(numbers)
    for fixed, name in kept_scales(method).items():
        if fixed in named:
            value = named.pop(fixed)
            if name in named:
                both = f"{name} = {named[name]}: both name the scale that stays fixed in this regime"
                raise BadInput(field.format(fixed), value, f"no such number beside {both}")
            named[name] = value
    return named


def symbol_names(obj: Any) -> set[str]:
    """The names of scalar symbols and the base names of vectors in the fields of a method, a loss or a part of either."""
    symbols = set(symbols_in(obj))
    return {s.name for s in symbols if not isinstance(s, Coordinate)}.union(_vectors(symbols))


def vector_names(obj: Any) -> list[str]:
    """The base names of the vectors in the fields of a method or a part of one, sorted."""
    return sorted(_vectors(symbols_in(obj)))


def _vectors(symbols: Iterable[sp.Symbol]) -> set[str]:
    return {s.base for s in symbols if isinstance(s, Coordinate) and not s.entries}


def _specialised(obj: Any, exact: Mapping[str, sp.Rational]) -> Any:
    if isinstance(obj, sp.Basic):
        return obj.xreplace({s: exact[s.name] for s in symbols_in(obj) if s.name in exact})
    if isinstance(obj, (tuple, list)):
        return type(obj)(_specialised(v, exact) for v in obj)
    if not is_dataclass(obj) or isinstance(obj, type):
        return obj
    changed = {}
    for field in fields(obj):
        old = getattr(obj, field.name)
        new = _silenced(old, exact) if isinstance(obj, Method) and field.name == "noise" else _specialised(old, exact)
        if field.init and new is not old and new != old:
            changed[field.name] = new
    if isinstance(obj, Method) and "noise" in changed:
        changed |= _with_less_regime(obj, symbols_of_noise(obj.noise) - symbols_of_noise(changed["noise"]), changed)
    return replace(obj, **changed) if changed else obj


def _with_less_regime(method: Method, gone_symbols: Iterable[sp.Symbol], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The fields `regime`, without substitutions for symbols that are gone, and `constants`, those that still occur; else {}."""
    gone = {s.name for s in gone_symbols} - set(method.rule.parameters)  # the update rule still uses these parameters
    if gone.isdisjoint(method.regime.rules):
        return {}
    remaining = tuple(pair for pair in method.regime.substitutions if pair[0] not in gone)
    regime = replace(method.regime, substitutions=remaining)
    names = {*method.rule.parameters, *regime.names}
    constants = dict(changed.get("constants", method.constants))
    return {"regime": regime, "constants": tuple((name, value) for name, value in constants.items() if name in names)}


def _silenced(noise: Any, exact: Mapping[str, sp.Rational]) -> Any:
    # only zeros count: a factor such as nu - 2 is not a scale
    zeros = {name: value for name, value in exact.items() if value == 0}
    if all(_specialised(s, zeros) == 0 for s in noise.scales):
        return NoNoise()
    return _specialised(noise, exact)


def symbols_in(obj: Any) -> Iterator[sp.Symbol]:
    """Yield the symbols in the fields of a method, a loss or a part of either; a symbol may occur more than once."""
    if isinstance(obj, sp.Basic):
        if obj.args or obj.is_Symbol:  # numbers have no symbols, and most fields of an experiment are numbers
            yield from obj.free_symbols  # pyright: ignore[reportReturnType]
    elif isinstance(obj, (tuple, list)):
        for value in obj:
            yield from symbols_in(value)
    elif is_dataclass(obj) and not isinstance(obj, type):
        for field in fields(obj):
            yield from symbols_in(getattr(obj, field.name))


def exactly(value: Any) -> sp.Rational:
    """`value` as a rational number; a float stands for the shortest decimal that it prints as (0.1 is 1/10)."""
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    return sp.Rational(value if isinstance(value, (int, sp.Rational)) else repr(float(value)))

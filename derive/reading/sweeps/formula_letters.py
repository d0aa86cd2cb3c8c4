"""The letters in the formulas of a sweep, and their numbers at a point.

The letters are eta, T, N (clients), d (dim), omega (the compression ratio), and the last part of the name of every value of the
noise, the compressor, the loss, the schedule and params, and of every axis, such as nu for noise.nu. Several values of one name h
are called h1, h2, .. . If a letter could stand for two values, it is written with its field: compressor.p or compressor_p. Bounds,
which are compared only at points, may also contain f0, the loss at the start, and K, the number of steps up to the last saved time.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

from sdescent.derive.reading.problems import FIXED, SPECIFIED
from sdescent.derive.reading.specs import Spec, parse_spec
from sdescent.derive.reading.sweeps.figures_and_bounds import spelled_out
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import parse_value

#: the letter of the compression ratio, a function of the compressor and d
OMEGA = "omega"
#: the loss at the start and the number of steps; only bounds have letters for them, since only points have these numbers
START, STEPS = "run.f0", "run.K"
#: {field of an experiment: its letter}
_FIELDS = {"eta": "eta", "T": "T", "clients": "N", "dim": "d"}
_LETTER = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


@final
@dataclass(frozen=True)
class Numbers:
    """The numbers of a point."""

    values: Mapping[str, Any]  # the numbers by dotted name, such as eta, clients, noise.nu, loss.h1
    #: the compressor, which has the ratio omega, even if the method fixes it; None if there is none
    compressor: Spec | None


def numbers_of(experiment: Mapping[str, Any], axes: Mapping[str, Any]) -> Numbers:
    """The numbers of an experiment with one step size, as JSON (`Experiment.to_dict`), and of those axes whose values
    are numbers.
    """
    exact: dict[str, Any] = {name: value for name, value in axes.items() if isinstance(value, int | float | Fraction)}
    (eta,) = experiment["eta"]
    exact |= {"T": experiment["T"], "clients": experiment["clients"], "dim": experiment["dim"], "eta": eta}
    exact |= {f"params.{name}": value for name, value in (experiment.get("params") or {}).items()}
    numbers = {name: float(Fraction(value)) for name, value in exact.items() if not isinstance(value, bool)}
    method = experiment["method"]
    fixed = {"compressor": FIXED[method]} if isinstance(method, str) and method in FIXED else {}
    texts = fixed | {kind: experiment[kind] for kind in SPECIFIED if isinstance(experiment.get(kind), str)}
    specs = {kind: parse_spec(kind, text, kind) for kind, text in texts.items()}
    for kind, spec in specs.items():
        numbers |= _of_spec(kind, spec)
    return Numbers(numbers, specs.get("compressor"))


def _of_spec(kind: str, spec: Spec) -> dict[str, float]:
    numbers: dict[str, float] = {}
    values = dict(spec.values)
    for parameter in spec.entry.parameters:
        value: Any = values.get(parameter.name)
        if value is None and parameter.default is not None:
            value = parse_value(parameter.default, parameter.name)
        listed = value if isinstance(value, tuple) else (value,)
        floats = [float(v) for v in listed if isinstance(v, Fraction)]
        if len(floats) == len(listed):
            endings = range(1, len(listed) + 1) if len(listed) > 1 else [""]
            numbers |= {f"{kind}.{parameter.name}{n}": v for n, v in zip(endings, floats, strict=True)}
    return numbers


def letters(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{letter: the dotted names that it may stand for}; spellings with a field are also letters, and omega stands for itself."""
    stands_for: dict[str, dict[str, None]] = {OMEGA: {OMEGA: None}}
    for name in names:
        field, _, part = name.partition(".")
        for letter in (_FIELDS.get(name), part.rpartition(".")[2] or field, name.replace(".", "_")):
            if letter is not None and _LETTER.fullmatch(letter):
                stands_for.setdefault(letter, {})[name] = None
    return {letter: tuple(stands) for letter, stands in stands_for.items()}


def of_bounds(letters: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The letters of bounds: `letters` with f0 and K, also spelled run_f0 and run_K in case a value has the short name."""
    return {"f0": (START,), "run_f0": (START,), "K": (STEPS,), "run_K": (STEPS,), **letters}


def require_value(text: str, field: str, letters: Mapping[str, tuple[str, ...]]) -> None:
    """Check that a formula is an expression in which each letter stands for exactly one value; errors as for the
    functions below.
    """
    expression_of(text, field, names_of_letters(text, field, letters))


def expression_of(text: str, field: str, letters: Iterable[str]) -> Any:
    """A formula as a SymPy expression in real symbols with the names of its letters. Raises BadInput as `read_formula`."""
    import sympy as sp  # imported late: sweeps without formulas do not need it

    from sdescent.derive.vocabulary.formulas.expressions import read_formula

    return read_formula(spelled_out(text), lambda name, _: sp.Symbol(name, real=True), field, [*letters, "pi"])


def names_of_letters(text: str, field: str, letters: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """{letter: dotted name} for the letters of a formula, from the result of `letters`.

    Raises BadInput if the formula is outside the grammar, or a letter stands for no value or for several.
    """
    # imported late: this loads SymPy, which sweeps without formulas do not need
    from sdescent.derive.vocabulary.formulas.expressions import FORMULAS, names_in
    from sdescent.derive.vocabulary.formulas.grammar import parse_term

    text = spelled_out(text)
    short = sorted((letter for letter in letters if "_" not in letter), key=lambda letter: (len(letter), letter))
    parse_term(text, [*short, *(letter for letter in letters if "_" in letter), "pi"], field, FORMULAS)
    used = {letter: letters[letter] for letter in names_in(text) if letter != "pi"}
    for letter, stands in used.items():
        if len(stands) > 1:
            accepted = f"one of {' and '.join(stands)}, written like this with the field, since {letter} may be either"
            raise BadInput(field, letter, accepted)
    return {letter: stands[0] for letter, stands in used.items()}

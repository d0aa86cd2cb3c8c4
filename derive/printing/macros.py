"""The user's own commands for symbols and letters, and the names that they may replace."""

from collections.abc import Mapping

from sdescent.derive.equations.in_coordinates import gradient_symbols, hessian_symbols, state_symbols
from sdescent.derive.equations.sde import Equation
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.expressions.latex_printer import LETTERS
from sdescent.derive.methods.specialise import symbol_names
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.registry import KINDS, entries
from sdescent.derive.vocabulary.symbols import SHARED


def accepted(equation: Equation, macros: Mapping[str, str] | None) -> dict[str, str]:
    """The commands, each under every name by which a printer looks it up.

    The accepted names are those of the equation's symbols and vectors, of the parameters of other methods (so that one table
    serves a whole paper), and of `LETTERS`. A vector or matrix v may also be called "v_j".

    Raises:
        BadInput: any other name, which would have no effect; a command that is not text.
    """
    dim = equation.dim or 0
    letters_of_equation = symbols_of(equation.expressions) | {
        s for c in equation.conditions for s in symbols_of([c.left, c.right])
    }
    names = {s.base if isinstance(s, Coordinate) else s.name for s in letters_of_equation}
    names |= symbol_names(equation.method) | (set() if equation.loss is None else symbol_names(equation.loss))
    if equation.loss is not None and dim:
        names |= set(equation.loss.parameters(dim))
    named = [*state_symbols(dim), *gradient_symbols(dim), *(hessian_symbols(dim) if dim <= 16 else ())]
    if (dense := equation.method.noise.dense) is not None:
        names.add(dense.name)
    letters = () if equation.method.plain else equation.method.rule.letters
    return checked(macros, {n.removesuffix("_diag") for n in names} | {s.name for s in named} | set(letters))


def checked(macros: Mapping[str, str] | None, names: set[str]) -> dict[str, str]:
    """The commands as in `accepted`, for an equation whose symbols and vectors have these names."""
    commands = dict(macros or {})
    accepted_names = names | {*SHARED, *LETTERS, *LETTERS.values()}
    accepted_names |= {p.name for kind in KINDS for e in entries(kind).values() for p in e.parameters}
    for name, command in commands.items():
        if name not in accepted_names and name.removesuffix("_j") not in accepted_names:
            listed = ", ".join([*sorted(names)[:8], *LETTERS])
            raise unknown_name(
                "macros",
                name,
                sorted(accepted_names),
                f"a symbol or letter that equations are written in, such as {listed}",
            )
        if not isinstance(command, str) or not command.strip():
            raise BadInput(f"macros {name}", command, "a command of LaTeX, as text")
    aliases = {inside: commands[name] for name, inside in LETTERS.items() if name in commands and name not in names}
    return aliases | commands

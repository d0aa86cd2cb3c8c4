"""Construction of named update rules from their regimes, the first of which is the default, and from parts such as the noise."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter as Argument
from inspect import signature
from typing import Any, ParamSpec, TypedDict, get_type_hints

import sympy as sp

from sdescent.derive.methods.compressors import Compressor
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Law, Noise
from sdescent.derive.methods.rules.regime import FIXED, Regime, chosen
from sdescent.derive.methods.schedules import Schedule
from sdescent.derive.vocabulary.registry import Parameter, register

P = ParamSpec("P")


class Parts(TypedDict, total=False):
    """The arguments that every named update rule takes after its own constants.

    Attributes:
        regime: the name of one of the rule's regimes, a `Regime` or {name: formula}; by default the rule's first regime.
        noise, clients, schedule, compressor: as for `Method`; by default no noise and no compression.
    """

    regime: Any
    noise: Noise | Law | None
    clients: int | str | sp.Expr | None
    schedule: Schedule | None
    compressor: Compressor | None


_PARTS = [
    Argument(n, Argument.POSITIONAL_OR_KEYWORD, default=None, annotation=a) for n, a in get_type_hints(Parts).items()
]


def optimiser(name: str, summary: str, *parameters: Parameter) -> Callable[[Callable[P, Method]], Callable[P, Method]]:
    """A decorator that registers a function that builds a method, and adds the arguments of `Parts` to its signature."""

    def decorate(build: Callable[P, Method]) -> Callable[P, Method]:
        declared = signature(build)
        whole = declared.replace(parameters=[*list(declared.parameters.values())[:-1], *_PARTS])

        @wraps(build)
        def construct(*positional: P.args, **by_name: P.kwargs) -> Method:
            try:
                arguments = whole.bind(*positional, **by_name).arguments
            except TypeError as error:
                raise TypeError(f"{build.__name__}() {error}") from None
            return build(**arguments)  # pyright: ignore[reportCallIssue]

        construct.__signature__ = whole  # pyright: ignore[reportAttributeAccessIssue]
        return register("method", name, summary, *parameters)(construct)

    return decorate


def fraction(name: str) -> Parameter:
    """A parameter strictly between 0 and 1; if it has no value, the symbol of the same name."""
    return Parameter(name, "a number in (0, 1)", lambda x: 0 < x < 1, None)


def size(name: str) -> Parameter:
    """A positive parameter; if it has no value, the symbol of the same name."""
    return Parameter(name, "a number > 0", lambda x: x > 0, None)


def regime(name: str, time: str = "eta", **substitutions: str) -> Regime:
    """A regime; `time` is the time that one step stands for."""
    return Regime(name, time, tuple(substitutions.items()))


def fixed(**substitutions: str) -> Regime:
    """The regime in which the memory forgets within O(1) steps and is averaged out."""
    return regime(FIXED, **substitutions)


def named(
    name: str,
    update: Sequence[str],
    regimes: Sequence[Regime],
    parts: Parts,
    *,
    memory: Sequence[str] = (),
    fractions: Sequence[str] = (),
    **constants: Any,
) -> Method:
    """The method of a named update rule, whose memory begins at 0; the first regime is the default.

    `parts` are the arguments of `Parts`, `fractions` the parameters strictly between 0 and 1, `constants` values by
    name (None for a symbol). Raises BadInput if the method has no such regime, or `Method` rejects a part or a
    constant.
    """
    selected = chosen(name, regimes, parts.get("regime"))
    fields: dict[str, Any] = {part: value for part, value in parts.items() if value is not None and part != "regime"}
    return Method(
        **fields, name=name, memory=dict.fromkeys(memory, 0), update=tuple(update), regime=selected,
        constants={n: v for n, v in constants.items() if v is not None}, fractions=tuple(fractions),
    )  # fmt: skip

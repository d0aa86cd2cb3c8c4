"""Distributed methods: x_{n+1} = x_n - eta h (1/N) sum_i C(grad f(x_n) + Z_i).

One definition serves both sides: `moments` reads it to derive the SDE, and `numerics` runs it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import sympy as sp

from derive.methods.compressors import Compressor, Identity, Sign
from derive.methods.noise import Noise, NoNoise
from derive.methods.noise.law import Law
from derive.methods.noise.scales import Scaled
from derive.methods.schedules import Constant, Schedule
from derive.vocabulary.errors import BadInput
from derive.vocabulary.registry import register
from derive.vocabulary.symbols import SHARED, N, coerce, require_ours

#: what shows a method in a notebook, as "module:function"; printing is a layer above this one, which only knows the name
LATEX = "derive.printing.method_latex:method_latex"
#: (field of a method, its accepted classes, their description)
_ACCEPTED: tuple[tuple[str, Any, str], ...] = (
    ("compressor", Compressor, "a compressor such as derive.RandK(2)"),
    ("noise", (Noise, Law), "a noise or a law such as derive.Gaussian()"),
    ("schedule", Schedule, "a schedule such as derive.Power('1/2')"),
)


@dataclass(frozen=True)
class Method:
    """A distributed first-order method (theory 1).

    Args:
        compressor: the map C that each client applies to its noisy gradient.
        noise: the gradient noise; a bare law means that law times the symbol sigma.
        clients: their number N (a whole number or the symbol N); with one scale per client it is the number of scales.
        schedule: h(x, t).
        name: the name of the method in tables.

    Raises:
        BadInput: an argument of another kind; a number of clients that contradicts the scales, or is not a whole number >= 1.
    """

    compressor: Compressor
    noise: Any = field(default_factory=NoNoise)
    clients: Any = None
    schedule: Schedule = field(default_factory=Constant)
    name: str = "method"

    def __post_init__(self) -> None:
        for field_name, kinds, accepted in _ACCEPTED:
            if not isinstance(value := getattr(self, field_name), kinds):
                raise BadInput(field_name, value, accepted)
        noise: Noise = Scaled(self.noise) if isinstance(self.noise, Law) else self.noise
        object.__setattr__(self, "noise", noise)
        scales = noise.scales
        for part, formulas in (("schedule", (self.schedule.factor,)), ("noise", scales)):
            for e in formulas:
                require_ours(sp.sympify(e), SHARED.values(), part, "those of derive.vocabulary.symbols, such as t")
        given = None if self.clients is None or self.clients is N else coerce(self.clients, "clients")
        if given is not None and given.is_number and not (given.is_integer and given.is_positive):
            raise BadInput("clients", given, "a whole number >= 1, or the symbol N")
        if len(scales) > 1 and given is not None and given != len(scales):
            raise BadInput("clients", given, f"{len(scales)}, the number of scales given")
        clients = sp.Integer(len(scales)) if len(scales) > 1 else (N if given is None else given)
        object.__setattr__(self, "clients", clients)


    def _repr_latex_(self) -> str:
        module, _, function = LATEX.partition(":")
        return f"$\\displaystyle {getattr(import_module(module), function)(self)}$"


@register("method", "dsgd", "Distributed SGD: clients send their gradients")
def DSGD(noise: Noise | Law = NoNoise(), clients: int | str | sp.Expr | None = None, schedule: Schedule = Constant()) -> Method:  # noqa: B008
    """Distributed SGD: C is the identity ([S] section 3)."""
    return Method(Identity(), noise, clients, schedule, "DSGD")


@register("method", "dcsgd", "Distributed Compressed SGD: clients send C(gradient)")
def DCSGD(
    compressor: Compressor,
    noise: Noise | Law = NoNoise(),  # noqa: B008
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule = Constant(),  # noqa: B008
) -> Method:
    """Distributed Compressed SGD; biased compressors are accepted ([S] section 3)."""
    return Method(compressor, noise, clients, schedule, "DCSGD")


@register("method", "dsignsgd", "Distributed SignSGD: clients send the signs of their gradients")
def DSignSGD(noise: Noise | Law = NoNoise(), clients: int | str | sp.Expr | None = None, schedule: Schedule = Constant()) -> Method:  # noqa: B008
    """Distributed SignSGD: C is the sign, elementwise ([S] section 3)."""
    return Method(Sign(), noise, clients, schedule, "DSignSGD")

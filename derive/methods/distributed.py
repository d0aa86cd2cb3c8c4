"""Distributed methods: x_{n+1} = x_n - eta h (1/N) sum_i C(grad f(x_n) + Z_i), or any other update rule that uses these messages.

Derivation and simulation share one definition: `sdescent.derive.equations.step` derives the SDE from it, and `numerics` runs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from importlib import import_module
from typing import Any

import sympy as sp

from sdescent.derive.methods.compressors import Compressor, Identity, Sign
from sdescent.derive.methods.noise import Noise, NoNoise
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.methods.noise.scales import Scaled
from sdescent.derive.methods.rules.regime import BALLISTIC, BATCH, LETTERS, NOISE, Regime, chosen, regime_of
from sdescent.derive.methods.rules.update import Rule
from sdescent.derive.methods.schedules import Constant, Schedule
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean, unknown_name
from sdescent.derive.vocabulary.registry import register
from sdescent.derive.vocabulary.symbols import SHARED, N, coerce, parameter, require_ours

#: the function that typesets a method in a notebook, as "module:function"; printing belongs to a layer above this one
LATEX = "sdescent.derive.printing.method_latex:method_latex"
#: (field of a method, accepted classes, description of them)
_ACCEPTED: tuple[tuple[str, Any, str], ...] = (
    ("compressor", Compressor, "a compressor such as sd.compressors.RandK(2)"),
    ("noise", (Noise, Law), "a noise or a law such as sd.noise.Gaussian()"),
    ("schedule", Schedule, "a schedule such as sd.schedules.Power('1/2')"),
)
#: the update rule without memory
PLAIN = Rule((), ("x = x - eta*G",))


@dataclass(frozen=True)
class Method:
    """A distributed first-order method (theory 1): an update rule with its compressor, noise, number of clients and schedule.

    Args:
        compressor: the map C that each client applies to its noisy gradient; by default the identity.
        noise: the gradient noise, by default none; a bare law stands for the law times the symbol sigma.
        clients: the number of clients N, a whole number or the symbol N (default); if each client has its own scale, the number
            of scales.
        schedule: the factor h(x, t) of the step size; by default 1.
        name: the name of the method in tables.
        memory: {letter: initial value of each of its coordinates}; by default the method has no memory.
        client_memory: the same for letters of which each client has its own; only theorems of one's own support them so far.
        scalar_memory: letters of the memory that are positive numbers with any start; likewise for theorems of one's own.
        update: the assignments of one step (`sdescent.derive.methods.rules.update`); by default x = x - eta*G.
        regime: how constants depend on eta (`sdescent.derive.methods.rules.regime`): a `Regime` or {name: formula}. Without a
            regime, no constant depends on eta, and the memory is averaged out.
        time: the time that one step stands for, as a formula in eta; used unless `regime` is a `Regime`.
        constants: {name: value} for parameters of the update or the regime; a parameter without a value stays a symbol.
        fractions: names of the parameters of the update that lie strictly between 0 and 1; all other parameters are positive.

    Raises:
        BadInput: an argument has the wrong type, or is a number outside its range; the number of clients contradicts the number
            of scales; the update or the regime is outside the grammar; a name in `constants` is not a symbol that the regime's
            substitutions leave; a name in `fractions` is not a parameter of the update.

    Example:
        >>> import sdescent as sd
        >>> heavy = sd.Method(memory={"m": 0}, update=["m = beta*m + G", "x = x - eta*m"], regime={"beta": "1 - rho*sqrt(eta)"})
        >>> heavy.rule.letters, heavy.constants
        (('x', 'm'), (('rho', rho),))
    """

    compressor: Compressor = field(default_factory=Identity)
    noise: Any = field(default_factory=NoNoise)
    clients: Any = None
    schedule: Schedule = field(default_factory=Constant)
    name: str = "method"
    memory: Any = ()
    update: Any = ()
    regime: Any = None
    time: str = "eta"
    constants: Any = ()
    fractions: Any = ()
    client_memory: Any = ()
    scalar_memory: Any = ()

    def __post_init__(self) -> None:
        for field_name, kinds, accepted in _ACCEPTED:
            if not isinstance(value := getattr(self, field_name), kinds):
                raise BadInput(field_name, value, accepted)
        noise: Noise = Scaled(self.noise) if isinstance(self.noise, Law) else self.noise
        object.__setattr__(self, "noise", noise)
        scales = noise.scales
        for part, e in (("schedule", self.schedule.factor), *(("noise", scale) for scale in scales)):
            require_ours(sp.sympify(e), SHARED.values(), part, "those of sdescent.derive.vocabulary.symbols, such as t")
        number = None if self.clients is None or self.clients is N else coerce(self.clients, "clients")
        if number is not None and number.is_number and not (number.is_integer and number.is_positive):
            raise BadInput("clients", number, "a whole number >= 1, or the symbol N")
        if len(scales) > 1 and number is not None and number != len(scales):
            raise BadInput("clients", number, f"{len(scales)}, the number of scales given")
        clients = sp.Integer(len(scales)) if len(scales) > 1 else (N if number is None else number)
        object.__setattr__(self, "clients", clients)
        object.__setattr__(self, "memory", _starts(self.memory))
        object.__setattr__(self, "client_memory", _starts(self.client_memory))
        if not isinstance(self.scalar_memory, (list, tuple)):
            raise BadInput("scalar_memory", self.scalar_memory, 'a list of letters such as ["B"]')
        object.__setattr__(self, "scalar_memory", tuple(self.scalar_memory))
        if not isinstance(self.update, (str, list, tuple)):
            raise BadInput("update", self.update, 'a list of assignments such as "x = x - eta*G"')
        object.__setattr__(self, "update", (self.update,) if isinstance(self.update, str) else tuple(self.update))
        plain = self.regime is None and not (self.memory or self.client_memory or self.scalar_memory)
        regime = Regime(BALLISTIC, self.time) if plain else regime_of(self.regime, self.time)
        object.__setattr__(self, "regime", regime)
        object.__setattr__(self, "time", regime.time)
        object.__setattr__(self, "constants", _constants(self))
        object.__setattr__(self, "fractions", _fractions(self))

    @cached_property
    def rule(self) -> Rule:
        """The update rule, with the letters of the memory."""
        if not self.update:
            return PLAIN
        of_clients = tuple(name for name, _ in self.client_memory)
        memory = (*self.memory, *self.client_memory)
        return Rule(memory, self.update, tuple(self.fractions), of_clients, self.scalar_memory)

    @property
    def substituted(self) -> dict[str, sp.Expr]:
        """{name: expression} for the update's parameters and the regime's rescaled names, in eta and the symbols of `constants`."""
        rules = self.regime.rules
        names = (name for name in self.rule.parameters if name not in ("eta", "N") and name not in rules)
        return {name: parameter(name) for name in names} | rules

    @property
    def values(self) -> dict[str, sp.Expr]:
        """The expressions of `substituted`, with the values of `constants` inserted."""
        table = {parameter(name): value for name, value in self.constants}
        return {name: e.xreplace(table) for name, e in self.substituted.items()}

    @property
    def tau(self) -> sp.Expr:
        """The time that one step stands for, in eta, with the values of `constants` inserted."""
        return self.regime.tau.xreplace({parameter(name): value for name, value in self.constants})

    @property
    def plain(self) -> bool:
        """Whether the update is x = x - eta*G in the classical regime, in which one step stands for the time eta."""
        classical = not self.regime.substitutions and self.regime.power == (1, 1)
        return classical and self.rule.assignments == PLAIN.assignments

    def _repr_latex_(self) -> str:
        module, _, function = LATEX.partition(":")
        return f"$\\displaystyle {getattr(import_module(module), function)(self)}$"


def _starts(memory: Any) -> tuple[tuple[str, Fraction], ...]:
    starts = []
    for name, value in memory.items() if isinstance(memory, Mapping) else memory:
        number = coerce(value, f"memory {name}")
        if not number.is_Rational:
            raise BadInput(f"memory {name}", value, "a rational number, the initial value of every coordinate")
        starts.append((name, Fraction(int(number.p), int(number.q))))
    return tuple(starts)


def _constants(method: Method) -> tuple[tuple[str, sp.Expr], ...]:
    """(name, value) for each symbol left after the regime's substitutions; the value is a number or the symbol itself."""
    symbols = {s.name for s in symbols_of_noise(method.noise)}
    rescalable = {*method.rule.parameters, *method.rule.letters[1:], *symbols, NOISE} - {"eta", "N"}
    for name, formula in method.regime.rules.items():
        if name not in rescalable:
            names = sorted(rescalable - {NOISE})
            kinds = "a parameter of the update, a symbol of the noise, a memory letter, or noise"
            raise unknown_name("regime", name, [*names, NOISE], f"{kinds}: {', '.join(names)}")
        for other in sorted(s.name for s in formula.free_symbols):
            if other != name and other in (*LETTERS, *method.rule.letters):
                raise BadInput(f"regime {name}", other, "eta and constants, whose names are not letters of the update")
    formulas = [*method.substituted.values(), method.regime.tau]
    free = dict.fromkeys(s.name for e in formulas for s in sorted(e.free_symbols, key=str))
    constants = {name: parameter(name) for name in free if name not in ("eta", "N", *method.rule.letters)}
    for name, value in dict(method.constants).items():
        if name not in constants:
            accepted = "a parameter of the update or the regime: " + (", ".join(constants) or "none")
            raise BadInput(f"constant {name}", value, accepted + did_you_mean(name, constants))
        constants[name] = coerce(value, f"constant {name}") if value != parameter(name) else value
    return tuple(constants.items())


def _fractions(method: Method) -> tuple[str, ...]:
    if not isinstance(method.fractions, (list, tuple)):
        raise BadInput("fractions", method.fractions, 'a list of names of parameters, such as ["beta"]')
    names = tuple(name for name in method.rule.parameters if name not in ("eta", "N"))
    for name in method.fractions:
        if name not in names:
            accepted = "a parameter of the update: " + (", ".join(names) or "it has none")
            raise unknown_name("fractions", name, names, accepted)
        value = dict(method.constants).get(name, sp.Symbol(name))
        if value.is_number and not (value.is_positive and (1 - value).is_positive):
            raise BadInput(f"constant {name}", value, "a number strictly between 0 and 1")
    return tuple(method.fractions)


def symbols_of_noise(noise: Noise) -> set[sp.Symbol]:
    """The symbols in the scales of the noise."""
    return {s for scale in noise.scales for s in sp.sympify(scale).free_symbols}  # pyright: ignore[reportReturnType]


_REGIMES = (Regime(BALLISTIC), Regime(BATCH, "eta", ((NOISE, "1/sqrt(eta)"),)))
_SIGN_REGIMES = (Regime(BALLISTIC), Regime(BATCH, "eta^2", ((NOISE, "1/eta"),)))


@register("method", "dsgd", "Distributed SGD: clients send their gradients")
def DSGD(
    noise: Noise | Law = NoNoise(),  # noqa: B008
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule = Constant(),  # noqa: B008
    regime: Any = None,
) -> Method:
    """Distributed SGD: C is the identity ([S] section 3). Regimes: ballistic, batch-equivalent (noise of order eta^(-1/2))."""
    return Method(Identity(), noise, clients, schedule, "DSGD", regime=chosen("dsgd", _REGIMES, regime))


@register("method", "dcsgd", "Distributed Compressed SGD: clients send C(gradient)")
def DCSGD(
    compressor: Compressor,
    noise: Noise | Law = NoNoise(),  # noqa: B008
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule = Constant(),  # noqa: B008
    regime: Any = None,
) -> Method:
    """Distributed Compressed SGD with any compressor C, unbiased or biased ([S] section 3). Regimes as for `DSGD`."""
    return Method(compressor, noise, clients, schedule, "DCSGD", regime=chosen("dcsgd", _REGIMES, regime))


@register("method", "dsignsgd", "Distributed SignSGD: clients send the signs of their gradients")
def DSignSGD(
    noise: Noise | Law = NoNoise(),  # noqa: B008
    clients: int | str | sp.Expr | None = None,
    schedule: Schedule = Constant(),  # noqa: B008
    regime: Any = None,
) -> Method:
    """Distributed SignSGD: C is the coordinatewise sign ([S] section 3).

    Regimes: ballistic, batch-equivalent (one step stands for the time eta^2, noise of order 1/eta).
    """
    return Method(Sign(), noise, clients, schedule, "DSignSGD", regime=chosen("dsignsgd", _SIGN_REGIMES, regime))

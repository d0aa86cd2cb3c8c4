"""The letters and functions of update rules and of equations stated for them; and regimes (Malladi et al. 2022, arXiv 2205.10287).

A regime says how the constants of an update rule depend on eta, and which time one step stands for.
"""

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import FORMULAS, read_formula
from sdescent.derive.vocabulary.formulas.text import GREEK_FUNCTIONS, Language, check_text, written
from sdescent.derive.vocabulary.names import belongs_to_the_engine
from sdescent.derive.vocabulary.symbols import SHARED, eta, parameter

#: functions that give a gradient at another point: with the draw of the step, with a new draw, and one client's with a new draw, as
#: a message or before compression
GRADIENTS = ("G", "raw", "fresh", "local", "local_raw")
#: functions that a step draws: a compressor, neighbours, a client, and 1 or 0, anew at each occurrence, and one matrix; and a vote,
#: which draws nothing of its own
DRAWN = ("C", "gossip", "sample", "majority", "coin", "precondition")
#: the further functions of update rules, with the least and the greatest number of arguments
_MORE = {name: (1, 1) for name in (*GRADIENTS, "mean", *DRAWN, "norm", "hess")}
UPDATES = Language({**FORMULAS.functions, **_MORE}, powers=True)
#: random letters of a step: the clients' mean of C(g + Z), the same before compression, the same with new draws, one client's own
#: C(g + Z) and g + Z with new draws, and a standard normal vector
RANDOM = ("G", "raw", "fresh", "local", "local_raw", "normal")
#: letters with a fixed meaning in update rules
LETTERS = ("x", *RANDOM, "k", "t", "pi")

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]*[A-Za-z])?", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_FUNCTIONS = [name for name in UPDATES.functions if name not in GREEK_FUNCTIONS]
_TAKEN = (*LETTERS, *_FUNCTIONS, "g", "eta", "N", "d", "u", "du")


def check_letter(name: object, field: str) -> str:
    """The name of a memory letter or of an intermediate value: at most 20 letters and digits, with a letter at both ends.

    A number at the end would denote a coordinate. Raises BadInput for others, keywords and names that have a meaning.
    """
    text = check_text(name if isinstance(name, str) else written(name), field, "a name")
    if not _NAME.fullmatch(text) or len(text) > 20 or keyword.iskeyword(text):
        accepted = "a name of at most 20 letters and digits that begins and ends with a letter, such as m"
        raise BadInput(field, text, accepted)
    if text in _TAKEN:
        raise BadInput(field, text, "a name other than " + " ".join(dict.fromkeys(_TAKEN)))
    return text


def check_parameter(name: str, field: str) -> str:
    """The name of a parameter of a rule or a regime. Raises BadInput for a keyword of Python or a name that the toolkit uses."""
    if not _PARAMETER.fullmatch(name) or keyword.iskeyword(name) or belongs_to_the_engine(name):
        raise BadInput(field, name, "the name of a parameter that neither Python nor the engine uses itself")
    return name


#: the name of the noise's factor in a regime's substitutions
NOISE = "noise"
#: the name of the regime in which the memory forgets within O(1) steps and is averaged out
FIXED = "fixed"
#: the regimes of the literature (the second from Malladi et al. 2022) in which sqrt(eta) times the noise vanishes, or persists
BALLISTIC, BATCH = "ballistic", "batch-equivalent"


@final
@dataclass(frozen=True)
class Regime:
    """A regime: substitutions for constants of an update rule, and the time of a step, c eta^p; any other time raises BadInput."""

    name: str  # the name under which users see and select the regime; "" for a user's own
    time: str = "eta"  # the time of one step, c eta^p with 2/p an integer (dimensionless)
    #: pairs (name, formula in eta and new constants). The name is a parameter of the rule or a symbol of the noise;
    #: "noise", whose formula is a factor of the noise's scale, while the scale itself stays fixed as eta changes; or a
    #: memory letter, whose formula is a factor times the letter, which then denotes the rescaled value
    substitutions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _ = self.power, self.rules

    @property
    def rules(self) -> dict[str, sp.Expr]:
        """{name: expression in eta and constants} of the substitutions."""
        return {name: _formula(text, f"regime {name}", name) for name, text in self.substitutions}

    @property
    def tau(self) -> sp.Expr:
        """The time that one step stands for."""
        return _formula(self.time, "time", "")

    @property
    def names(self) -> set[str]:
        """The names of the symbols in the substitutions and in the time."""
        return {s.name for e in (*self.rules.values(), self.tau) for s in e.free_symbols}  # pyright: ignore[reportAttributeAccessIssue]

    @cached_property
    def power(self) -> tuple[sp.Expr, sp.Rational]:
        """The pair (c, p) with tau = c eta^p, c > 0, p > 0 and 2/p an integer; any other time raises BadInput."""
        c, power = self.tau.as_independent(eta, as_Add=False)
        base, p = power.as_base_exp()
        if base != eta or not (p.is_Rational and p.is_positive) or not c.is_positive:
            raise BadInput("time", self.time, "a multiple of a power of eta, such as eta, eta^2 or sqrt(eta)")
        if not (2 / p).is_Integer:
            raise BadInput("time", self.time, "a power p with 2/p a whole number: sqrt(eta), eta, eta^2")
        return c, sp.Rational(p)

    @property
    def text(self) -> str:
        """The substitutions as the user wrote them, for reports: "beta = 1 - rho*eta; noise = 1/eta"."""
        return "; ".join(f"{name} = {formula}" for name, formula in self.substitutions)

    def as_given(self) -> str:
        """The name of the regime; for a user's own, the text of its substitutions, or a phrase if it has none."""
        return self.name or self.text or "beta and all else constant"


def chosen(method: str, regimes: Sequence[Regime], regime: Any) -> Regime:
    """The regime that a user selects by its name, as a `Regime`, or as a table of the user's own; None for the first of `regimes`.

    Raises BadInput if the method has no regime of this name, or `regime` is neither a name, a `Regime` nor a table.
    """
    if not isinstance(regime, str):
        return regimes[0] if regime is None else regime_of(regime)
    by_name = {r.name: r for r in regimes}
    if regime not in by_name:
        raise unknown_name("regime", regime, by_name, f"a regime of {method}: " + ", ".join(by_name))
    return by_name[regime]


def regime_of(substitutions: Mapping[str, Any] | Regime | None, time: str = "eta") -> Regime:
    """A regime from a table of substitutions; None means that all constants stay fixed and the memory is averaged out."""
    if isinstance(substitutions, Regime):
        return substitutions
    if substitutions is None:
        return Regime(FIXED, time)
    if not isinstance(substitutions, Mapping) or not all(isinstance(v, str) for v in substitutions.values()):
        raise BadInput("regime", substitutions, 'a table of substitutions such as {beta = "1 - rho*eta"}')
    return Regime("", time, tuple(substitutions.items()))


def _formula(text: object, field: str, rescaled: str) -> sp.Expr:
    if not isinstance(text, str):
        raise BadInput("regime", text, 'a formula in quotes, such as "1 - rho*eta"')
    return _read(text, field, rescaled)


@lru_cache(512)  # all experiments of a sweep read the same few formulas
def _read(text: str, field: str, rescaled: str) -> sp.Expr:
    def letter(name: str, field: str) -> sp.Expr:
        if name not in ("eta", "N", rescaled):
            check_parameter(name, field)
        return SHARED.get(name, parameter(name))

    return sp.powsimp(read_formula(text, letter, field))

"""The letters of a theorem file: each has one role, and a clash of two roles is an error.

A letter is a word of the language, a letter of the method's memory, a letter that the method's step assigns, a constant of the
method, or else a constant of the author. Variables of the proof end in `_q` or are in `PROOF`, so no file can use them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import NoNoise
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.rules.update import OF_ONE_CLIENT
from sdescent.derive.methods.specialise import kept_scales, symbols_in
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import parameter

#: scalars and functions of the state -> their meaning
WORDS: Mapping[str, str] = {
    "eta": "the step size", "u": "the schedule", "N": "the number of clients", "d": "the dimension",
    "f": "the loss at the state", "fstar": "the greatest lower bound of the loss", "G": "the norm of the gradient",
    "Q": "the trace of the covariance of a client's message", "Zsq": "the mean square of a client's noise",
    "clip": "the factor min(1, c/G) of a clipped gradient",
    "V": "the function that the theorem bounds", "V0": "V at the start", "EVT": "the mean of V at the horizon",
    "change": "the mean change of V in a step", "LV": "the generator applied to V", "K": "the number of steps",
    "T": "the end of the time interval", "f0": "the loss at the start", "D0": "||x - xstar||^2 at the start", "pi": "the number pi",
}  # fmt: skip
#: further scalars for sign messages -> their meaning
SIGN_WORDS: Mapping[str, str] = {
    "Phi": "<g, b>", "G1": "the 1-norm of the gradient", "B": "the norm of the mean message", "a": "R(1) = 2F(1) - 1",
    "sbar": "the mean scale of the noise", "M": "the density of the noise at 0",
}  # fmt: skip
#: words that occur only in norms and inner products -> their meaning
VECTORS: Mapping[str, str] = {"x": "the state", "xstar": "a minimiser", "g": "the gradient", "b": "the mean message"}
#: names of the proof: vectors, matrices and f at both ends; for signs also functions and numbers
PROOF, SIGN_PROOF = frozenset({"bv", "cv", "H", "S", "R", "f_0", "f_K", "f_T"}), frozenset({"sigma", "y", "z", "r"})
#: words for values of the loss that a rule may use too, as the step size of Polyak does
OF_LOSS = ("f", "fstar")
#: the letter for the number of steps made so far, 0 at the start, unless the method uses it; the rule's `k` is CLOCK + 1
CLOCK = "n"
#: words for quantities that are constant in time and space
CONSTANT = ("eta", "N", "d", "a", "sbar", "M")


def at_the_start(number: str) -> str:
    """The name of a number of the memory at the start."""
    return f"{number}_0"


def at_the_end(number: str) -> str:
    """The name of a number of the memory at the horizon."""
    return f"{number}_K"


def is_sign(method: Method) -> bool:
    """Whether the messages are signs."""
    return isinstance(method.compressor, Sign)


@final
@dataclass(frozen=True)
class Letters:
    """The roles of the letters of a file about a method, or about an SDE of it if time is not steps.

    Raises:
        BadInput: a letter of the method has a second role.
    """

    method: Method
    steps: bool = True

    def __post_init__(self) -> None:
        for name, _ in self.method.rule.memory:
            self._single(name, f"method.memory.{name}", "letter of the memory")
        for name in self._at_all_times:
            if name in {**WORDS, **VECTORS, **self._of_signs} or self._of_the_proof(name):
                raise BadInput("method.scalar_memory", name, f"another name for this number: {name} is taken")
        for name in self.assigned:
            self._single(name, "method.update", "letter of the step")
        for name in self.constants:
            self._single(name, "method", "constant")
        for name in self.of_loss:
            regime = any(parameter(name) in e.free_symbols for e in self.method.regime.rules.values())
            valued = dict(self.method.constants).get(name) != parameter(name)
            if regime or valued or name in self.method.fractions:
                raise BadInput("method", name, f"no other role for it: {name} in a rule is {WORDS[name]}")

    @cached_property
    def words(self) -> Mapping[str, str]:
        """The scalars of the language for this method -> their meaning."""
        steps = {CLOCK: "the number of steps made so far"} if self.counts else {}
        numbers = dict.fromkeys(self._at_all_times, "a number of the memory, or its value at another time")
        return {**WORDS, **steps, **self._of_signs, **numbers}

    @property
    def _at_all_times(self) -> list[str]:
        return [name for b in self.numbers for name in (b, after(b), at_the_start(b), at_the_end(b))]

    @property
    def _of_signs(self) -> Mapping[str, str]:
        of_majority = {"G1": SIGN_WORDS["G1"]} if self.method.rule.uses("majority") else {}
        return SIGN_WORDS if is_sign(self.method) else of_majority

    @cached_property
    def constant(self) -> frozenset[str]:
        """The words for quantities that are constant in time and space."""
        return frozenset({*CONSTANT, *map(at_the_start, self.numbers)})

    @property
    def numbers(self) -> tuple[str, ...]:
        """The letters of the scalar memory."""
        return self.method.rule.scalars

    @cached_property
    def counts(self) -> bool:
        """Whether `CLOCK` stands for the number of steps."""
        return self.steps and CLOCK not in {*self.memory, *self.numbers, *self.assigned, *self.constants}

    @cached_property
    def memory(self) -> tuple[str, ...]:
        """The letters of the memory."""
        return tuple(name for name, _ in self.method.rule.memory)

    @cached_property
    def vectors(self) -> Mapping[str, str]:
        """The words that occur only in norms and inner products for this method -> their meaning."""
        clients = self.method.rule.of_clients or self.method.rule.uses(*OF_ONE_CLIENT)
        return {**VECTORS, **({"gi": "the gradient of one client"} if clients else {})}

    @cached_property
    def assigned(self) -> tuple[str, ...]:
        """The letters that a step assigns but that are not part of the memory."""
        targets = dict.fromkeys(target for target, _ in self.method.rule.assignments)
        return tuple(name for name in targets if name not in ("x", *self.memory, *self.numbers))

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """The symbolic constants of the method, in the order of its rule, and for signs without those of the noise."""
        names = [n for n, value in self.method.constants if not value.is_number and n not in self.of_loss]
        noise = NoNoise() if is_sign(self.method) else self.method.noise
        symbols = (s for part in (self.method.compressor, noise) for s in symbols_in(part))
        others = [s.base if isinstance(s, Coordinate) else s.name for s in symbols]
        used = dict.fromkeys([*names, *self.tied, *others])
        return tuple(name for name in used if name not in ("eta", "N", "d", "u"))

    @cached_property
    def of_loss(self) -> tuple[str, ...]:
        """The values of the loss that the rule uses."""
        return tuple(name for name in OF_LOSS if name in self.method.rule.parameters)

    @cached_property
    def tied(self) -> Mapping[str, sp.Expr]:
        """The constants of the rule that depend on eta in the method's regime -> their values."""
        values = [(n, e) for n, e in self.method.values.items() if n != NOISE and n not in self.memory]
        return {n: e for n, e in values if e != parameter(n) and not e.is_number}

    def of_the_author(self, name: str, place: str) -> None:
        """Raise BadInput for a name in a formula that cannot be a constant of the author."""
        if name in VECTORS:
            spelt = f"<{name}, ..> or ||{name}||" + (", which is G" if name == "g" else "")
            raise BadInput(place, name, spelt if name in "gb" else "||x - xstar|| or <x - xstar, ..>")
        if name in self.assigned:
            accepted = f"another letter: {name} is a letter of the step, which has no value between two steps"
            raise BadInput(place, name, accepted)
        if name == "k" and self.steps and name not in self.constants:
            counted = (
                f"{CLOCK}, the number of steps made so far: in a rule k is {CLOCK} + 1; or " if self.counts else ""
            )
            raise BadInput(place, name, f"{counted}another letter for a constant: k is the number of a step")
        if (scale := kept_scales(self.method).get(name)) is not None:
            raise BadInput(place, name, f"{scale}, the scale of the noise of a step: a bound on steps has no {name}")
        if (taken := self._of_the_proof(name)) is not None:
            raise BadInput(place, name, f"another name for this constant: {taken}")

    def _single(self, name: str, place: str, role: str) -> None:
        taken = self._of_the_proof(name)
        if taken is None and (meaning := {**self.words, **self.vectors}.get(name)) is not None:
            taken = f"{name} is {meaning} in a theorem file"
        if taken is not None:
            raise BadInput(place, name, f"another name for this {role}: {taken}")

    def _of_the_proof(self, name: str) -> str | None:
        of_signs = is_sign(self.method) and name in SIGN_PROOF
        return f"{name} is a variable of the proof" if name.endswith("_q") or name in PROOF or of_signs else None

"""What attacks on the proof kernel are made with. Each check raises `Forged` where an attack succeeds.

None uses `assert`, so `python -O` runs them too: `from tests.support import forging; from
tests.support.forging import facts, steps, terms; forging.main()` runs all checks, and prints how many there were.
"""

import contextlib
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.certificate import certificate
from sdescent.derive.proof.kernel.rules import Kernel, genuine
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import num, x

ONE = Fraction(1)
ZERO = num(0)
SYMBOLS = {**dict.fromkeys("cqTs", "const"), "g": "random", "V": "random", "r": "rv", "p": "coord", "t": "clock"}
POTENTIAL = {
    "V": {"gradient": "u", "hessian": "H", "end": "r", "start": "s", "smooth": True, "drift": (), "diffusion": ()}
}
CHECKS: list[Callable[[], None]] = []


class Forged(Exception):
    """Something got through."""


def check(f: Callable[[], None]) -> Callable[[], None]:
    CHECKS.append(f)
    return f


def context(**changed: Any) -> Context:
    fields: dict[str, Any] = {
        "symbols": SYMBOLS, "vectors": ("u",), "matrices": {"H": ("symmetric",), "P": ("psd",)}, "functions": {"F": {"odd": True}},
        "horizon": "T", "potentials": POTENTIAL,
    }  # fmt: skip
    return Context(**{**fields, **changed})


def refused(make: Callable[[], Any], *kinds: type[Exception], what: str = "") -> None:
    """The call raises ProofError, or one of these kinds."""
    try:
        made = make()
    except (ProofError, *kinds):
        return
    except Exception as error:
        raise Forged(f"{what}: {type(error).__name__} got out: {str(error)[:80]}") from error
    raise Forged(f"{what}: it was taken: {type(made).__name__}")


def posing(name: str) -> str:
    """A string that is equal to everything, and hashed as this name."""

    class Poser(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash(name)

    return Poser(name)


def demand(condition: Any, what: str) -> None:
    if not condition:
        raise Forged(what)


def use(kernel: Kernel, fact: Any, foreign: bool = False) -> None:
    """Every way to use a fact refuses this one; one of another kernel is a fact all the same."""
    if not foreign:
        refused(lambda: genuine(fact), what="genuine")
        refused(lambda: certificate(fact, "no"), what="certificate")
    for name, make in {
        "monotone": lambda: kernel.monotone("E", fact),
        "certify": lambda: kernel.certify(ZERO.le(1), [fact], sum=[(ONE, (), ())]), "cut": lambda: kernel.cut(fact, fact),
        "instantiate": lambda: kernel.instantiate(fact, "c", x("g")), "absurd": lambda: kernel.absurd(x("c").le(0), fact),
        "inverse": lambda: kernel.inverse(x("c"), fact), "cases": lambda: kernel.cases(x("c").le(0), fact, fact),
        "component": lambda: kernel.component("C", fact), "function": lambda: kernel.function("exp_log", [x("c")], [fact]),
    }.items():  # fmt: skip
        refused(make, what=name)


def main() -> None:
    for f in CHECKS:
        with contextlib.suppress(AttributeError):
            sys.set_int_max_str_digits(4300)
        f()
    print(len(CHECKS))

"""Attacks on the proof kernel where time is steps: contexts and data that say one thing when checked and another when used."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sdescent.derive.proof.kernel.certificate import certificate
from sdescent.derive.proof.kernel.gronwall import Gronwall
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.proof.replay.check import replay_object
from tests.support.forging import ZERO, check, demand, refused

SYMBOLS = {**dict.fromkeys(("L0", "L1", "T", "V0", "eta", "c"), "const"), **dict.fromkeys(("V", "dV", "X"), "random")}
SYMBOLS["VT"] = "rv"
ENTRY: dict[str, Any] = {
    "change": "dV", "end": "VT", "start": "V0", "gradient": "g", "smoothness": (x("L0"), ZERO), "mean": ((-x("eta"), ("v", "g")),),
    "square": x("X"), "radius": None,
}  # fmt: skip
WHOLE = [(num(1), "V")]


def context(**changed: Any) -> Context:
    """One stepping potential, with other things said of it."""
    return Context(SYMBOLS, ("g",), horizon="T", potentials={"V": ENTRY | changed}, steps=True)


class Turns:
    """Something to go through that shows another thing each time, the last one for ever."""

    def __init__(self, *shown: Any) -> None:
        self.shown, self.times = shown, 0

    def __iter__(self) -> Iterator[Any]:
        self.times += 1
        return iter(self.shown[min(self.times, len(self.shown)) - 1])

    def __len__(self) -> int:
        return len(self.shown[0])


class Listed(list[Any]):
    """A list by its class, which shows what `Turns` shows."""

    __iter__ = Turns.__iter__  # pyright: ignore

    def __init__(self, *shown: Any) -> None:
        super().__init__(shown[0])
        self.shown, self.times = shown, 0


@check
def steps_that_say_two_things() -> None:
    """Found by attack: a generator for the mean was used up by the check, and the mean was then 0; a lying one had any mean."""
    honest, other = [(-x("eta"), ("v", "g"))], [(x("VT"), ("v", "g"))]
    fair = Kernel(context(mean=honest)).descent("V", ZERO).claim
    for turns in (2, 3, 4):
        refused(lambda turns=turns: Kernel(context(mean=Turns(*[honest] * turns, other))), what="a mean that changes")
        two = [(x("L0"), ZERO)] * turns
        turning = Turns(*two, (x("X"), ZERO))
        refused(lambda turning=turning: Kernel(context(smoothness=turning)), what="a smoothness that changes")
        lists = Listed(*[honest] * turns, other)
        refused(lambda lists=lists: Kernel(context(mean=lists)), what="a list of another class")
    for mean in ((pair for pair in honest), {honest[0]: 1}, {honest[0]}, map(tuple, honest), "v", 3, honest[0]):
        refused(lambda mean=mean: context(mean=mean), TypeError, ValueError, what=type(mean).__name__)
    smooth = {"gradient": "g", "hessian": "H", "end": "VT", "start": "V0", "smooth": True, "drift": (), "diffusion": ()}
    for part in ("drift", "diffusion"):
        entry = smooth | {part: Turns([], honest)}
        refused(lambda entry=entry: Context(SYMBOLS, ("g",), {"H": ("psd",)}, potentials={"V": entry}), what=part)
    listed = Kernel(context(mean=[list(honest[0])])).descent("V", ZERO)
    demand(listed.claim == fair, "a list of lists is taken as it is")


@check
def keys_that_pose() -> None:
    class Key(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash("radius")

    entry: dict[Any, Any] = {k: v for k, v in ENTRY.items() if k != "radius"}
    entry[Key("radius")] = None
    whole = {"horizon": "T", "potentials": {"V": entry}, "steps": True}
    refused(lambda: Context(SYMBOLS, ("g",), **whole), KeyError, what="a key that poses")
    for steps in (1, 0, None, "true", [True]):
        refused(lambda steps=steps: Context(SYMBOLS, ("g",), horizon="T", steps=steps), what=repr(steps))  # pyright: ignore


@check
def weights_that_say_two_things() -> None:
    """Found by attack: while the weights were read the context said that X is constant, and afterwards that it is not."""
    kernel = Kernel(context())
    below = kernel.assume(ZERO.le(x("X") * x("V")))
    said = kernel.context.symbols

    class Meanwhile:
        def __iter__(self) -> Iterator[Any]:
            object.__setattr__(kernel.context, "symbols", {**said, "X": "const"})
            yield (x("X"), "V")
            object.__setattr__(kernel.context, "symbols", said)

    fine = kernel.assume(ZERO.le(x("V")))
    for wrong in (
        Meanwhile(), (p for p in WHOLE), Turns(WHOLE, [(x("X"), "V")]), Listed(WHOLE, [(x("X"), "V")]), [Listed(WHOLE[0])],
        WHOLE[0],
        [Listed((x("X"), "V"))], iter(WHOLE), dict(WHOLE), [], (), None, "V", [("V", num(1))], [(num(1), "V", 1)], [(num(1),)],
    ):  # fmt: skip
        what = type(wrong).__name__
        refused(lambda wrong=wrong: kernel.telescope(wrong, [below]), what=what)  # pyright: ignore
        refused(lambda wrong=wrong: kernel.telescope(wrong, [fine]), what=what)  # pyright: ignore
        refused(lambda wrong=wrong: kernel.decay(wrong, x("c"), ZERO, [below] * 4), what=what)  # pyright: ignore
        refused(lambda wrong=wrong: kernel.summable(wrong, ZERO, ZERO, ZERO, [below] * 5), what=what)  # pyright: ignore
    demand(kernel.context.symbols is said, "the context is not the one that it was; the check says nothing")
    whole = [list(pair) for pair in WHOLE]
    fact = kernel.telescope(whole, [fine])  # pyright: ignore
    whole[0][0] = num(5)
    whole.clear()
    demand(fact.data["potentials"] == tuple(WHOLE), "the data of a fact changed with the caller's lists")
    made = certificate(fact, "lists")
    replay_object(made)
    demand(rebuild(made).claim == fact.claim, "its certificate says another thing")


@check
def names_that_pose_in_steps() -> None:
    class Name(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash("V")

    class Sly(Term):
        __slots__ = ()

    kernel = Kernel(context())
    below = kernel.assume(ZERO.le(x("V")))
    for make in (
        lambda: kernel.descent(Name("V"), ZERO), lambda: kernel.descent("V", Sly(ZERO)), lambda: kernel.telescope([(num(1),
            Name("V"))], [below]),
        lambda: kernel.telescope([(Sly(num(1)), "V")], [below]), lambda: kernel.summation(Name("t"), num(1)),
        lambda: kernel.summation("T", Sly(num(1))), lambda: context(mean=[(Sly(num(1)), ("v", "g"))]),
        lambda: context(square=Sly(num(1))), lambda: context(change=Name("dV")), lambda: context(end=Name("VT")),
        lambda: context(gradient=Name("g")), lambda: context(square=Term(("+", "xX"))), lambda: context(radius=Term(("*", "xV",
            x("X")))),
        lambda: context(smoothness=(Term(("+", "xX")), ZERO)), lambda: context(radius=0), lambda: context(square=None),
    ):  # fmt: skip
        refused(make, what="a name or a term that poses")


@check
def steps_of_a_changed_context() -> None:
    """What the context says of time and steps cannot change under a kernel."""
    for field, value in {"steps": False, "potentials": {}, "horizon": "c"}.items():
        kernel = Kernel(context())
        object.__setattr__(kernel.context, field, value)
        refused(lambda kernel=kernel: kernel.assume(x("c").le(0)), AttributeError, what=field)
        refused(lambda kernel=kernel: kernel.descent("V", ZERO), AttributeError, what=field)
    for key, value in {"mean": (), "square": ZERO, "radius": ZERO, "smoothness": (ZERO, ZERO), "change": "V"}.items():
        kernel = Kernel(context())
        behind = gc.get_referents(kernel.context.potentials["V"])[0]
        demand(type(behind) is dict, "the dict behind the view was not found; the check says nothing")
        behind[key] = value
        refused(lambda kernel=kernel: kernel.descent("V", ZERO), what=key)
    mine = context()
    kernel = Kernel(mine)
    old = kernel.descent("V", ZERO)
    newer = Kernel(replace(mine, steps=True))
    refused(lambda: newer.certify(old.claim, [old], sum=[(1, (0,), ())]), what="a fact of another kernel")  # pyright: ignore
    refused(lambda: newer.telescope(WHOLE, [kernel.assume(ZERO.le(x("V")))]), what="a premise of another kernel")
    refused(lambda: Gronwall(mine), what="the group of rules by itself")
    refused(lambda: type("Mine", (Gronwall,), {}), what="a subclass of the group")
    refused(lambda: kernel.telescope(WHOLE, [Relation(("<=", ZERO, x("V")))]), what="a relation for a fact")  # pyright: ignore

"""Attacks on the proof kernel where time is steps: contexts and data that say one thing when checked and another when used."""

from collections.abc import Iterator
from typing import Any

from sdescent.derive.proof.kernel.certificate import certificate
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Term, num, x
from sdescent.derive.proof.replay.check import replay_object
from tests.support.forging import ZERO, check, demand, posing, refused

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
    entry: dict[Any, Any] = {k: v for k, v in ENTRY.items() if k != "radius"}
    entry[posing("radius")] = None
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
    class Sly(Term):
        __slots__ = ()

    kernel = Kernel(context())
    below = kernel.assume(ZERO.le(x("V")))
    sly, name = Sly(num(1)), posing("V")
    for make in (
        lambda: kernel.descent(name, ZERO), lambda: kernel.descent("V", Sly(ZERO)),
        lambda: kernel.telescope([(num(1), name)], [below]),
        lambda: kernel.telescope([(sly, "V")], [below]), lambda: kernel.summation(posing("t"), num(1)),
        lambda: kernel.summation("T", sly), lambda: context(mean=[(sly, ("v", "g"))]), lambda: context(square=sly),
        lambda: context(change=posing("dV")), lambda: context(gradient=posing("g")), lambda: context(square=Term(("+", "xX"))),
        lambda: context(smoothness=(Term(("+", "xX")), ZERO)), lambda: context(radius=0), lambda: context(square=None),
    ):  # fmt: skip
        refused(make, what="a name or a term that poses")


@check
def parts_that_say_two_things() -> None:
    """The vectors and coefficients of a square of a length: listed twice, each time as something else, or posing as others."""

    class Sly(Term):
        __slots__ = ()

    class Named(str):
        __slots__ = ()

    kernel = Kernel(context())
    honest, other = [(x("c"), "g")], [(x("VT"), "g")]
    fair = kernel.squared_norm(honest)
    for wrong in (
        Turns(honest, other), Turns(*[honest] * 2, other), Listed(honest, other), [Listed(honest[0], other[0])],
        (pair for pair in honest), iter(honest), {honest[0]}, dict(honest), "g", None, 3, (), [], honest[0],
        [(x("c"),)], [(x("c"), "g", "g")], [("g", x("c"))], [(x("c"), "h")], [(x("c"), ("v", "g"))], [(x("c"), "X")],
        [(x("c"), None)], [(1, "g")], [(Sly(x("c")), "g")], [(x("c"), Named("g"))], [(x("c"), posing("g"))], [(None, "g")],
        [(x("unknown"), "g")], [(x("VT"), "g")], [(1 / x("VT"), "g")], [(Term(("norm", ("v", "h"))), "g")], [(ZERO.le(1), "g")],
    ):  # fmt: skip
        refused(lambda wrong=wrong: kernel.squared_norm(wrong), what=f"parts {wrong!r}"[:60])  # pyright: ignore
    pairs = [list(pair) for pair in honest]
    fact = kernel.squared_norm(pairs)  # pyright: ignore
    demand(fact.claim == fair.claim, "a list of lists is taken as it is")
    pairs[0][0] = x("VT")
    pairs.clear()
    demand(fact.data["parts"] == tuple(honest), "the data of a fact changed with the caller's lists")
    made = certificate(fact, "parts")
    replay_object(made)
    demand(rebuild(made).claim == fact.claim, "its certificate says another thing")

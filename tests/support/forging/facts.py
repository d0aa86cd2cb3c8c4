"""Attacks on the proof kernel by facts, contexts and kernels that no rule made."""

import copy
import gc
import pickle
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.facts import RuleGroup, the_kernel
from sdescent.derive.proof.kernel.functions import Functions
from sdescent.derive.proof.kernel.ito_gronwall_descent import Descent, Gronwall, Primitives
from sdescent.derive.proof.kernel.linear_algebra import LinearAlgebra
from sdescent.derive.proof.kernel.logic_and_algebra import Arithmetic, Logic, Operators
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, num, x
from tests.support.forging import ONE, SYMBOLS, ZERO, check, context, demand, refused, use


@check
def made_by_hand() -> None:
    kernel = Kernel(context())
    real, false = kernel.assume(x("c").le(0)), num(1).le(0)
    refused(Fact, what="Fact()")
    fake = object.__new__(Fact)
    use(kernel, fake)
    for name in ("context", "claim", "hypotheses", "sealed", "axioms", "rule", "premises", "data"):
        object.__setattr__(fake, name, getattr(real, name))
    use(kernel, fake)
    object.__setattr__(fake, "claim", false)
    use(kernel, fake)

    class Other(Fact):
        __slots__ = ()

        def __init__(self) -> None:
            for name in ("context", "hypotheses", "sealed", "axioms", "rule", "premises", "data"):
                object.__setattr__(self, name, getattr(real, name))
            object.__setattr__(self, "claim", false)

        def __hash__(self) -> int:
            return hash(real)

        def __eq__(self, other: object) -> bool:
            return True

    use(kernel, Other())

    class Poser:
        claim, hypotheses, context, rule, data = false, {}, real.context, "certify", {}
        sealed, axioms, premises = frozenset[Any](), frozenset[str](), ()
        __class__ = Fact  # pyright: ignore
        __hash__, __eq__ = Other.__hash__, Other.__eq__

    use(kernel, Poser())
    for nothing in (None, 0, "fact", false, (false,), [real], Fact):
        use(kernel, nothing)


@check
def copied_and_pickled() -> None:
    fact = Kernel(context()).assume(x("c").le(0))
    copies = (copy.copy, copy.deepcopy, pickle.dumps, lambda f: pickle.dumps([f]))
    for make in (*copies, lambda f: f.__reduce__(), lambda f: f.__reduce_ex__(4)):
        refused(lambda make=make: make(fact), TypeError, what=str(make))
    false = num(1).le(0)
    replaced = (lambda: copy.replace(fact, claim=false)) if hasattr(copy, "replace") else fact.__init__
    refused(replaced, TypeError, what="replace")


@check
def changed_afterwards() -> None:
    kernel = Kernel(context())
    for name, value in {
        "claim": num(1).le(0), "hypotheses": {}, "sealed": frozenset(), "axioms": frozenset(), "premises": (), "context": context(),
        "rule": "certify", "data": {},
    }.items():  # fmt: skip
        fact = kernel.monotone("E", kernel.assume(x("g").le(0)))
        refused(lambda fact=fact, name=name, value=value: setattr(fact, name, value), what=name)
        refused(lambda fact=fact, name=name: delattr(fact, name), what=name)
        object.__setattr__(fact, name, value)
        use(kernel, fact)
        fact = kernel.assume(x("g").le(0))
        object.__delattr__(fact, name)
        use(kernel, fact)


@check
def what_is_behind_a_view() -> None:
    """A read-only view hands its dict to the `__eq__` and `__ror__` of what it is compared and joined with."""

    class Thief:
        caught: Any = None

        def __eq__(self, other: object) -> bool:
            self.caught = other
            return True

        __hash__ = None  # pyright: ignore

    kernel = Kernel(context())
    for steal in (lambda view, thief: (view == thief, thief.caught)[1], lambda view, _: gc.get_referents(view)[0]):
        fact = kernel.assume(x("g").le(0))
        behind = steal(fact.hypotheses, Thief())
        demand(type(behind) is dict, "the dict behind the view was not found; the check says nothing")
        (key,) = behind
        behind[key] = num(0).le(1)
        use(kernel, fact)
        behind.clear()
        demand(not fact.hypotheses, "the view did not change; the check says nothing")
        use(kernel, fact)


@check
def data_that_changes_later() -> None:
    kernel = Kernel(context())
    member: list[Any] = [ONE, [], []]
    total = [member]
    fact = kernel.certify(ZERO.le(1), sum=total)
    member[0] = Fraction(2)
    total.clear()
    demand(fact.data["sum"] == ((ONE, (), ()),), "the data of a fact changed with the caller's lists")
    once = kernel.certify(ZERO.le(1), sum=(m for m in [(ONE, (), ())]))  # pyright: ignore
    demand(once.data["sum"] == ((ONE, (), ()),), "a generator was used up")


@check
def another_context_afterwards() -> None:
    """A kernel keeps its own copy; where that is changed it makes no more facts, and what it made stays of that kernel."""
    mine = context()
    kernel = Kernel(mine)
    old = kernel.assume(x("g").le(0))
    object.__setattr__(mine, "symbols", {**SYMBOLS, "g": "const"})
    demand(kernel.monotone("E", old).sealed, "the kernel saw the change of the context it was given")
    newer = Kernel(mine)
    use(newer, old, foreign=True)
    for field, value in {
        "symbols": {**SYMBOLS, "g": "const"}, "matrices": {"H": ("psd",)}, "functions": {"F": {"bounded": ZERO}}, "horizon": "c",
        "potentials": {}, "vectors": (), "dimension": "c", "clients": "q",
    }.items():  # fmt: skip
        kernel = Kernel(context())
        object.__setattr__(kernel.context, field, value)
        refused(lambda kernel=kernel: kernel.assume(x("c").le(0)), AttributeError, what=field)
    for table in ("symbols", "matrices", "functions", "potentials"):
        kernel = Kernel(context())
        behind = gc.get_referents(getattr(kernel.context, table))[0]
        behind.pop(next(iter(behind)))
        refused(lambda kernel=kernel: kernel.assume(x("q").le(0)), what=table)
    kernel = Kernel(context())
    gc.get_referents(kernel.context.potentials["V"])[0]["smooth"] = "yes"
    refused(lambda: kernel.assume(x("q").le(0)), what="smooth")


@check
def contexts_by_hand() -> None:
    refused(lambda: Kernel(object.__new__(Context)), what="an empty context")
    refused(lambda: Kernel({"symbols": {}}), what="a dict")  # pyright: ignore

    class Loose(Context):
        def check(self, t: Any) -> None:
            pass

    refused(lambda: Kernel(Loose({"c": "const"})), what="a subclass")
    wrong = {"horizon": "g", "symbols": {"c": "anything"}, "matrices": {"H": ("nice",)}, "vectors": ("c",)}
    for field, value in wrong.items():
        odd = context()
        object.__setattr__(odd, field, value)
        refused(lambda odd=odd: Kernel(odd), what=field)


@check
def kernels_by_hand() -> None:
    def lying() -> Any:
        class Lying(Kernel):
            def _says(self, fact: Fact, relation: Relation) -> None:
                pass

        return Lying(context())

    refused(lying, what="a subclass of Kernel")
    kernel = Kernel(context())
    for name in ("context", "normal", "_description", "_says"):
        refused(lambda name=name: setattr(kernel, name, None), what=name)
    object.__setattr__(kernel.normal, "context", Context({"c": "const", "g": "const"}))
    refused(lambda: kernel.assume(x("g").le(0)), what="another context in the normal forms")


@check
def groups_of_rules() -> None:
    """Only the class that joins all groups makes facts, and no other can take its place."""
    whole = (RuleGroup, Logic, Arithmetic, Functions, LinearAlgebra, Operators, Gronwall, Descent, Primitives)
    for group in whole:
        refused(lambda group=group: group(context()), what=f"{group.__name__} by itself")
        refused(lambda group=group: type("Mine", (group,), {}), what=f"a subclass of {group.__name__}")
        refused(lambda group=group: the_kernel(group), what=f"{group.__name__} as the kernel")
        bare, real = object.__new__(group), Kernel(context())
        for name in ("context", "normal", "_description"):
            object.__setattr__(bare, name, getattr(real, name))
        refused(lambda bare=bare: bare._fact("certify", num(1).le(0)), what="a group without its constructor")
        if group is Arithmetic:
            refused(lambda bare=bare: bare.certify(ZERO.eq(0)), what="a rule of a group without its constructor")
    refused(lambda: the_kernel(int), what="another class as the kernel")


@check
def normal_forms_that_are_changed() -> None:
    kernel = Kernel(context())
    poly = kernel.normal.polynomial(x("c") - x("q"))
    poly.clear()
    refused(lambda: kernel.certify(x("c").eq(x("q"))), what="a polynomial that was emptied")

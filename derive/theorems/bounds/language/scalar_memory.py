"""Memory that is a positive number b, in a theorem of one's own: b_next, its start b_0, its end b_K, and functions of it in V."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.theorems.bounds.kernel_context import Potential, Setting
from sdescent.derive.theorems.bounds.language.letters import at_the_end, at_the_start
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.vocabulary.verdicts import Source


def with_scalar_memory(
    setting: Setting, step: Mapping[str, sp.Expr], functions: Sequence[Term], scalar: Callable[[sp.Expr], Term]
) -> Setting:
    """The setting with the numbers of the memory and a potential for each function of them.

    Args:
        step: number of the memory -> its next value, which is positive.
        functions: terms in the numbers and in constants.
        scalar: turns an expression into a term.
    """
    if not step:
        return setting
    potentials = {t: _potential(t, n) for n, t in enumerate(functions)}
    definitions = {f"{after(b)} of the step": _next(x(after(b)), value, scalar) for b, value in step.items()}
    words: dict[Term, Term] = {}
    for t, p in potentials.items():
        word, moved = text(t), moved_to(t, step, after)
        start, end = (moved_to(t, step, at) for at in (at_the_start, at_the_end))
        words |= {p.change: x(f"change of {word}"), p.value: t, p.start: start, p.end: end}
        definitions |= {f"change of {word}": p.change.eq(moved - t)}
        if p.value != t:  # else the symbols are those of the number itself
            definitions |= {word: p.value.eq(t), f"{word} at the start": p.start.eq(start), f"{word} at the end": p.end.eq(end)}
    relations = {
        Source.LETTER: {f"{at_the_start(b)} > 0": x(at_the_start(b)).gt(0) for b in step},
        Source.METHOD: {
            **{f"{name} > 0": x(name).gt(0) for b in step for name in (b, after(b))},
            **{f"{b} > 0 at the end": x(at_the_end(b)).gt(0) for b in step}, **definitions,
        },
    }  # fmt: skip
    assumptions = {name: r for each in relations.values() for name, r in each.items() if name not in definitions}
    kinds = {**{at_the_start(b): "const" for b in step}, **{at_the_end(b): "rv" for b in step}}
    for p in potentials.values():
        kinds |= {p.value[1]: "random", p.change[1]: "random", p.start[1]: "const", p.end[1]: "rv"}
    entries = {p.name: {"change": p.change[1], "end": p.end[1], "start": p.start[1]} for p in potentials.values()}
    context = replace(
        setting.context, symbols={**setting.context.symbols, **kinds},
        potentials={**setting.context.potentials, **entries},
    )  # fmt: skip
    return replace(
        setting, context=context, assumptions={**setting.assumptions, **assumptions},
        definitions={**setting.definitions, **definitions}, words={**setting.words, **words}, numbers=tuple(step),
        functions=potentials, sources={**setting.sources, **{n: s for s, each in relations.items() for n in each}},
    )  # fmt: skip


def moved_to(t: Term, numbers: Sequence[str] | Mapping[str, sp.Expr], name: Callable[[str], str]) -> Term:
    """A function of the numbers of the memory at another time."""
    return replaced(t, {x(b): x(name(b)) for b in numbers})


def _potential(t: Term, n: int) -> Potential:
    if t[0] == "x":
        return Potential(t, x(f"AF{n}_q"), x(at_the_start(t[1])), x(at_the_end(t[1])))
    return Potential(x(f"F{n}_q"), x(f"AF{n}_q"), x(f"F{n}0_q"), x(f"F{n}T_q"))


def _next(symbol: Term, value: sp.Expr, scalar: Callable[[sp.Expr], Term]) -> Relation:
    """The next value of a number, by its square if it is a root."""
    root = value.is_Pow and value.exp == sp.S.Half
    return (symbol**2).eq(scalar(value.base)) if root else symbol.eq(scalar(value))

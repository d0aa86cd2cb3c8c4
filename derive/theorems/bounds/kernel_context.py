"""The setting of a theorem of one's own: the kernel's context and the engine's results, and its formulas in the file's letters."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sympy as sp

from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, dot, norm, num, plus, vec, x
from sdescent.derive.proof.language.text import TermWriter
from sdescent.derive.proof.language.text import text as written
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses
from sdescent.derive.theorems.bounds.language.letters import CLOCK, at_the_end, at_the_start
from sdescent.derive.theorems.bounds.language.vocabulary import OPERATORS, parts_of, replaced, symbols_of
from sdescent.derive.theorems.bounds.points import Point, spelt_vector
from sdescent.derive.theorems.entry.client_vectors import deviation_of
from sdescent.derive.theorems.entry.scalar_memory import after
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.verdicts import Source

About = Literal["method", "first-order", "corrected"]
#: the name of the definition of a product with a sum of vectors
BY_PARTS = "by its parts"
#: a product of two vectors, by their names in the kernel
Product = tuple[str, str]
#: operators over time, in contrast to terms at one state
_OVER_TIME = ("E", "EI", "I")


@dataclass(frozen=True)
class Potential:
    """A function of the state with its value, change, start and end."""

    value: Term
    change: Term
    start: Term
    end: Term

    @property
    def name(self) -> str:
        return self.value[1]

    @property
    def ends(self) -> tuple[tuple[str, Term], ...]:
        """The start and the end, each with its name."""
        return ("start", self.start), ("end", self.end)


@dataclass(frozen=True)
class Setting:
    """The starting point of a proof.

    Args:
        context: the names and their kinds.
        potentials: "f" for f(x), the key of another point for f there, or a product of two vectors -> its potential.
        assumptions, definitions: name -> relation.
        mean: the name of the mean message among the vectors.
        draws: for the method, the coefficients of the centred draws of the messages in a step.
        any_noise: whether the noise may be any centred noise.
        sums: the vectors that are sums of other vectors, by name.
        sources: the source of each assumption and definition, by its name.
        formulas: the names of the assumptions that the author states as formulas; all others hold in every instance.
        points: the points at which the loss has a value and a gradient, x first.
        interpolates: whether the proof may use values and gradients at the next state.
        directed: y/||y|| -> the parts of y, for each vector y that the rule divides by its length.
        preconditioned: P v -> v, where P is the matrix of the step.
        draws_of_step: the vectors of the step's centred draws, if the points of the next state have names.
        words: further symbols of the kernel -> their words in a file.
        numbers: the letters of the scalar memory.
        functions: a function of the scalar memory in V -> its potential.
    """

    context: Context
    about: About
    potentials: Mapping[Any, Potential]
    assumptions: Mapping[str, Relation]
    definitions: Mapping[str, Relation]
    names: Mapping[str, str]
    hypotheses: Hypotheses
    mean: str
    vectors: tuple[str, ...]
    method: Method
    draws: tuple[Term, ...]
    any_noise: bool
    sums: Mapping[str, nm.VectorSum]
    sources: Mapping[str, Source]
    formulas: frozenset[str] = frozenset()
    points: tuple[Point, ...] = ()
    draws_of_step: tuple[str, ...] = ()
    interpolates: bool = False
    directed: Mapping[str, Mapping[str, Term]] = field(default_factory=dict)
    preconditioned: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[Term, Term] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    functions: Mapping[Term, Potential] = field(default_factory=dict)

    @property
    def clients(self) -> Term:
        """The number of clients, or the symbol N."""
        return num(int(self.method.clients)) if self.method.clients.is_number else nm.N

    @property
    def steps(self) -> bool:
        """Whether time is discrete."""
        return self.about == "method"

    @property
    def horizon(self) -> Term:
        return x(str(self.context.horizon))

    @property
    def timed(self) -> bool:
        """Whether the theorem contains the number of steps made so far."""
        return self.context.symbols.get(CLOCK) == "clock"

    @property
    def free_constants(self) -> list[str]:
        """The author's own constants, without arguments of classes and constants of the method."""
        meant = {"eta", "N", "d", "fstar", self.horizon[1], *(name for name, _ in self.method.constants)}
        meant |= {n for terms in self.hypotheses.classes.values() for t in terms for n in symbols_of(t)}
        return [n for n, kind in self.context.symbols.items() if kind == "const" and n not in meant | self.starts]

    @property
    def starts(self) -> set[str]:
        """The symbols of parts of V at the start; the start of a number of the memory is a constant."""
        parts = {p.start[1] for p in (*self.potentials.values(), *self.functions.values())}
        return parts.difference(map(at_the_start, self.numbers))

    def at_the_end(self, relation: Relation) -> bool:
        """Whether a relation is about the start, the end, a mean or an integral over time, and not about a single state."""
        ends = {t for p in (*self.potentials.values(), *self.functions.values()) for t in (p.start, p.end)}
        ends = ends.union(x(at_the_end(b)) for b in self.numbers).difference(x(at_the_start(b)) for b in self.numbers)
        return any(p[0] in _OVER_TIME or p in ends for p in parts_of(relation))


def relation_text(setting: Setting, relation: Relation) -> str:
    """A relation of the setting in the letters of a file."""
    return _brackets(written(Relation((relation[0], *(_lettered(setting, side) for side in relation[1:])))))


def term_text(setting: Setting, t: Term) -> str:
    """A term of the setting in the letters of a file."""
    return _brackets(written(_lettered(setting, t)))


def says_nothing(setting: Setting, relation: Relation) -> bool:
    """Whether a relation is an equality whose sides print alike, such as the definition of a square in V."""
    return relation.op == "==" and _lettered(setting, relation.left) == _lettered(setting, relation.right)


def _lettered(setting: Setting, t: Term) -> Term:
    return tidy(_operators(replaced(tidy(t), letters_of(setting)), setting.steps))


def _brackets(words: str) -> str:
    """A text with products <v, w> in place of the letters {v, w}."""
    return words.replace("{", "<").replace("}", ">")


def letters_of(setting: Setting) -> dict[Term, Term]:
    """Terms of the kernel -> their letters in a file."""
    words = vector_words(setting)
    letters: dict[Term, Term] = {nm.Q: x("Q"), nm.CURVATURE: x("||Hess f||"), sg.ONE_NORM: x("G1")}
    for v, word in words.items():
        letters[norm(vec(v))] = x("G" if v == nm.GRADIENT else f"||{word}||")
        for w, other in words.items():
            letters[dot(vec(v), vec(w))] = letters[norm(vec(v))] ** 2 if v == w else x(f"{{{word}, {other}}}")
    after, letters = "K" if setting.steps else "T", {**letters, **setting.words}
    letters |= {point.value: x(f"f({point.text})") for point in setting.points[1:]}
    starts = {nm.f0: x("f_0"), nm.D0: x("||x - xstar||^2_0")}
    for key, p in setting.potentials.items():
        if isinstance(key, str):
            word = "f" if key == "f" else letters[p.value][1]
            letters |= {
                p.start: starts.get(p.start, x(f"{word}_0")),
                p.end: x(f"{word}_{after}"),
                p.change: x(f"change of {word}"),
            }
            continue
        letters[p.value] = letters[dot(vec(key[0]), vec(key[1]))]
        word = written(letters[p.value])
        start = starts.get(p.start, x(f"{word}_0"))
        letters |= {p.start: start, p.end: x(f"{word}_{after}"), p.change: x(f"change of {word}")}
    return letters


def worded(setting: Setting, words: str) -> str:
    """A sentence with its vectors and traces spelt as in a file."""
    symbols = {t[1]: written(word) for t, word in letters_of(setting).items() if t[0] == "x"}
    for name, word in {**vector_words(setting), **symbols}.items():
        words = re.sub(rf"\b{name}\b", _brackets(word), words)
    return words.replace("||g||", "G").replace("tr(S)", "Q")


def vector_words(setting: Setting) -> dict[str, str]:
    """The vectors of the setting, spelt as in a file."""
    words = {**nm.VECTOR_WORDS, **{name: s.text for name, s in setting.sums.items()}}
    for point in setting.points[1:]:
        gradient = "gi" if setting.hypotheses.differing else "g"
        words[point.gradient] = f"mean({gradient}({point.text}))" if point.of_a_client else f"g({point.text})"
        words[deviation_of(point.gradient)] = f"{gradient}({point.text}) - {words[point.gradient]}"
    words |= {p: f"P {words.get(v, spelt_vector(v))}" for p, v in setting.preconditioned.items()}
    return {v: words.get(v, spelt_vector(v)) for v in setting.vectors}


def latex_of(sums: Mapping[str, nm.VectorSum], potentials: Mapping[Any, Potential], horizon: str) -> dict[str, str]:
    """The LaTeX of the names of a setting; the horizon is K for steps and T for an equation."""
    latex, steps = dict(nm.LATEX), horizon == "K"
    write = TermWriter(latex)
    latex |= {name: write.term(plus(*[c * x(v) for v, c in s.parts.items()])) for name, s in sums.items()}
    if not steps:
        latex |= {nm.fT[1]: "f(X_T)", nm.Af[1]: r"\mathcal{L}f"}
    for key, p in potentials.items():
        if isinstance(key, str):
            continue
        left, right = (latex.get(v, v) for v in key)
        text = rf"\|{left}\|^2" if left == right else rf"\langle {left},{right}\rangle"
        change = rf"\Delta {text}" if steps else rf"\mathcal{{L}}{text}"
        latex |= {p.value[1]: text, p.change[1]: change, p.start[1]: f"{text}_0", p.end[1]: f"{text}_{horizon}"}
    return latex


def _operators(t: Term, steps: bool) -> Term:
    """A term with sum, Esum, int and Eint in place of I and EI, and (1 - k)^K in place of exp(K log(1 - k))."""
    if t[0] in ("I", "EI"):
        name = next(name for name, meant in OPERATORS.items() if meant == (t[0], steps))
        return Term(("f", name, _operators(t[1], steps)))
    if t[:2] == ("f", "exp") and t[2][0] == "*" and len(t[2]) == 3 and t[2][2][:2] == ("f", "log"):
        # the decay over K steps; log needs 1 - k > 0, which is proved
        return x(f"({written(tidy(t[2][2][2]))})^{written(t[2][1])}")
    return Term(_operators(a, steps) if isinstance(a, Term) else a for a in t)


# --- memory that is a positive number


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
        word, moved = written(t), moved_to(t, step, after)
        start, end = (moved_to(t, step, at) for at in (at_the_start, at_the_end))
        words |= {p.change: x(f"change of {word}"), p.value: t, p.start: start, p.end: end}
        definitions |= {f"change of {word}": p.change.eq(moved - t)}
        if p.value != t:  # else the symbols are those of the number itself
            definitions |= {word: p.value.eq(t), f"{word} at the start": p.start.eq(start)}
            definitions |= {f"{word} at the end": p.end.eq(end)}
    first = {f"{at_the_start(b)} > 0": x(at_the_start(b)).gt(0) for b in step}
    later = {f"{name} > 0": x(name).gt(0) for b in step for name in (b, after(b))}
    later |= {f"{b} > 0 at the end": x(at_the_end(b)).gt(0) for b in step}
    sources = {**dict.fromkeys(first, Source.LETTER), **dict.fromkeys([*later, *definitions], Source.METHOD)}
    kinds = {**{at_the_start(b): "const" for b in step}, **{at_the_end(b): "rv" for b in step}}
    for p in potentials.values():
        kinds |= {p.value[1]: "random", p.change[1]: "random", p.start[1]: "const", p.end[1]: "rv"}
    entries = {p.name: {"change": p.change[1], "end": p.end[1], "start": p.start[1]} for p in potentials.values()}
    context = replace(
        setting.context, symbols={**setting.context.symbols, **kinds},
        potentials={**setting.context.potentials, **entries},
    )  # fmt: skip
    return replace(
        setting, context=context, assumptions={**setting.assumptions, **first, **later},
        definitions={**setting.definitions, **definitions}, words={**setting.words, **words}, numbers=tuple(step),
        functions=potentials, sources={**setting.sources, **sources},
    )  # fmt: skip


def moved_to(t: Term, numbers: Iterable[str], name: Callable[[str], str]) -> Term:
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

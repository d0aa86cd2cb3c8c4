"""A statement in LaTeX and in plain text: the declarations of its context, its assumptions and its claim."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, norm, num, vec, x
from sdescent.derive.proof.language.text import PRODUCT, SUM, Printer, TermWriter, text
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.vocabulary.verdicts import Source

_TURNED = {"<=": r"\ge", "<": ">"}


@dataclass(frozen=True)
class Said:
    """A formula or declaration in both notations."""

    latex: str
    plain: str


@dataclass(frozen=True)
class Statement:
    """A statement as it is printed.

    Args:
        premises: assumptions and definitions.
        declared: declarations of functions, matrices and processes; their LaTeX is words with formulas in dollars.
        claim: the formula that is claimed.
        where: the meanings of the letters that abbreviate terms in the LaTeX of the other fields.
    """

    premises: tuple[Said, ...]
    declared: tuple[Said, ...]
    claim: Said
    where: tuple[str, ...]

    @property
    def latex(self) -> str:
        """The statement in LaTeX for running text, as "Let .. Then .., where .."."""
        premises = [f"${g.latex}$" for g in self.premises] + [d.latex for d in self.declared]
        where = f", where {', '.join(f'${w}$' for w in self.where)}" if self.where else ""
        return (f"Let {'; '.join(premises)}. Then " if premises else "") + f"${self.claim.latex}${where}."

    @property
    def text(self) -> str:
        """The statement in plain text, with every term written out."""
        premises = [said.plain for said in (*self.premises, *self.declared)]
        return (f"let {'; '.join(premises)}; then " if premises else "") + self.claim.plain

    def to_dict(self) -> dict[str, str]:
        """The claim as plain text and LaTeX, and the whole statement as text."""
        return {"plain": self.claim.plain, "latex": self.claim.latex, "text": self.text}


def statement(
    premises: Iterable[tuple[str, Relation]],
    claim: Relation,
    writer: TermWriter,
    plain: Printer,
    declared: Sequence[dict[str, str]] = (),
) -> Statement:
    """The statement that the claim holds under the assumptions and definitions, given as pairs (name, relation).

    Args:
        writer: a new writer, used before at most for `declared`.
        declared: declarations, as `declarations` returns them.
    """
    formulas = tuple(Said(turned(writer, relation), plain.relation(relation)) for _, relation in premises)
    claimed = Said(writer.relation(claim), plain.relation(claim))
    return Statement(formulas, tuple(Said(d["latex"], d["text"]) for d in declared), claimed, tuple(_where(writer)))


def turned(writer: TermWriter, relation: Relation) -> str:
    """A relation in LaTeX, with x >= 0 in place of 0 <= x."""
    op, left, right = relation
    if left[0] == "q" and right[0] != "q" and op in _TURNED:
        return f"{writer.term(right)} {_TURNED[op]} {writer.term(left)}"
    return writer.relation(relation)


def _same(latex: str) -> str:
    """LaTeX without spaces and sizes of brackets, for comparison."""
    return re.sub(r"\\left|\\right|\\[!,]|\s", "", latex).replace(r"\tfrac", r"\frac")


def _where(writer: TermWriter) -> list[str]:
    """The meanings of the letters that were written, and of the letters in these meanings."""
    said, done = [], set[Term]()
    waiting = list(writer.used)
    while waiting:
        t = waiting.pop(0)
        if t in done:
            continue
        done.add(t)
        letter = writer.short[t]
        bare = TermWriter(writer.names, {u: name for u, name in writer.short.items() if name != letter}, writer.context)
        if _same(letter) != _same(meaning := bare.term(t)):
            said.append(f"{letter} = {meaning}")
        waiting += bare.used
    return said


#: (kind of a declaration, its text, its LaTeX)
Line = tuple[str, str, str]
_SHAPES = {"odd": "odd", "nondecreasing": "nondecreasing", "concave_right": "concave on [0, oo)"}


#: kind of declaration -> its source, unless the theorem names another one
USUAL: Mapping[str, Source] = {
    **dict.fromkeys(("odd", "nondecreasing", "concave_right", "bounded", "slope"), Source.AUTHOR), "matrix": Source.METHOD, "process": Source.METHOD, "smoothness": Source.AUTHOR,
    "step": Source.METHOD, "reach": Source.METHOD, "change": Source.LETTER,
}  # fmt: skip


def declarations(
    last: Fact, writer: TermWriter, plain: Printer, sources: Mapping[str, Source] | None = None
) -> list[dict[str, str]]:
    """The declarations that the proof of a fact uses, as {"text", "latex", "source"}; the LaTeX is words with formulas in dollars.

    Args:
        sources: kind of declaration -> its source, if that differs from `USUAL`.
    """
    context, rules = last.context, ancestry(last)
    used = {(f.data["function"], f.data["property"].removesuffix("_below")) for f in rules if f.rule == "declared"}
    psd = any(f.rule in ("trace_bound", "nonnegative", "ito", "gronwall") for f in rules)
    moving = {f.data["potential"] for f in rules if f.rule in ("ito", "gronwall")}
    smooth = {f.data["potential"] for f in rules if f.rule == "descent"}
    changing = {
        name
        for f in rules
        if f.rule in ("telescope", "decay", "summable")
        for _, name in f.data["potentials"]
        if name in context.potentials
    }
    lines = [*_functions(context, used, writer), *_matrices(context, psd, writer), *_processes(context, moving, writer)]
    lines += [*_steps(context, smooth, writer, plain), *_changes(context, smooth | changing, writer)]
    backing = {**USUAL, **(sources or {})}
    return [{"text": said, "latex": latex, "source": str(backing[kind])} for kind, said, latex in lines]


def _functions(context: Context, used: set[tuple[str, str]], writer: TermWriter) -> Iterator[Line]:
    for name, entry in context.functions.items():
        letter = writer.symbol(name)
        for prop, bound in entry.items():
            if (name, prop) not in used:
                continue
            if prop in _SHAPES:
                in_tex = _SHAPES[prop].replace("[0, oo)", r"$[0,\infty)$")
                yield prop, f"{name} is {_SHAPES[prop]}", f"${letter}$ is {in_tex}"
            elif prop == "bounded":
                yield prop, f"|{name}| <= {text(bound)}", rf"$|{letter}|\le {writer.term(bound)}$"
            else:
                slope = rf"${letter}(t)\le {writer.term(bound * x('t'))}$ for $t\ge0$"
                yield prop, f"{name}(t) <= {text(bound)} t for t >= 0", slope


def _matrices(context: Context, psd: bool, writer: TermWriter) -> Iterator[Line]:
    for name in context.matrices:
        if context.psd(name) and psd:
            yield "matrix", f"{name} is positive semidefinite", f"${writer.symbol(name)}$ is positive semidefinite"


def _processes(context: Context, moving: set[str], writer: TermWriter) -> Iterator[Line]:
    for name in sorted(moving):
        entry = context.potentials[name]
        drift = [(c, Term(("norm", v))) for c, v in entry["drift"]]
        plain = " + ".join(f"{text(c)} {text(v)[5:-1]}" for c, v in drift)
        latex = writer.combination([(c, writer.named(v[1])) for c, v in drift])
        if len(drift) > 1:
            latex = rf"\left({latex}\right)"
        said, moved = f"dX = ({plain}) dt", rf"\mathrm{{d}}X={latex}\,\mathrm{{d}}t"
        if entry["diffusion"]:
            said += " + L dW with L L' = " + " + ".join(f"{text(c)} {m[1]}" for c, m in entry["diffusion"])
            spread = writer.combination([(c, writer.symbol(m[1])) for c, m in entry["diffusion"]])
            moved += rf"+B\,\mathrm{{d}}W$ with $BB^{{\top}}={spread}"
        yield "process", f"{name} is C^2, and {said}", rf"${writer.symbol(name)}$ is $C^2$; ${moved}$"


def _steps(context: Context, smooth: set[str], writer: TermWriter, plain: Printer) -> Iterator[Line]:
    """The declarations that the descent lemma uses: those of a function and of a step D of the method."""
    for name in sorted(smooth):
        entry = context.potentials[name]
        f, slope = writer.symbol(name), vec(entry["gradient"])
        (first, second), mean, radius = entry["smoothness"], entry["mean"], entry["radius"]
        bound = first if second == num(0) else first + second * norm(slope)
        said = f"{name} is C^2 with the gradient {entry['gradient']}, and ||Hess {name}|| <= {_plainly(bound, plain)} everywhere"
        latex = rf"${f}$ is $C^2$ with the gradient ${writer.named(slope)}$, and $\|\nabla^2 {f}\|\le {writer.term(bound)}$ everywhere"
        yield "smoothness", said, latex
        tidied = [(tidy(c), v) for c, v in mean]
        means = " + ".join(f"{plain.inside(c, PRODUCT if c[0] == '+' else SUM)} {plain.named(v)}" for c, v in tidied)
        said = f"a step D of the method has the mean {_barred(means or '0')} and E||D||^2 <= {_plainly(entry['square'], plain)}, given the past"
        tex = writer.combination([(c, writer.named(v)) for c, v in mean]) or "0"
        latex = rf"a step $D$ of the method has the mean ${tex}$ and $\mathbb{{E}}\|D\|^2\le {writer.term(entry['square'])}$, given the past"
        yield "step", said, latex
        if radius is not None:
            said = f"||D|| <= {_plainly(radius, plain)} almost surely"
            yield "reach", said, rf"$\|D\|\le {writer.term(radius)}$ almost surely"


def _plainly(t: Term, plain: Printer) -> str:
    return _barred(plain.term(tidy(t)))


def _barred(said: str) -> str:
    """Plain text with ||v|| in place of norm(v), as in the words around it."""
    return re.sub(r"\bnorm\(([^()]*)\)", r"||\1||", said)


def _changes(context: Context, changing: set[str], writer: TermWriter) -> Iterator[Line]:
    """The meaning of the change of a potential: its mean change in a step given the past, or its generator along an equation."""
    for name in sorted(changing):
        change, v = context.potentials[name]["change"], writer.symbol(name)
        if context.steps:
            said = f"{change} is E {name}(X_(n+1)) - {name}(X_n) given the past, X_n the state at step n"
            latex = rf"${writer.symbol(change)}=\mathbb{{E}}[{v}(X_{{n+1}})\mid\mathcal{{F}}_n]-{v}(X_n)$, $X_n$ the state at step $n$"
        else:
            said = f"{name} is C^2, and {change} is L {name}, the generator of the Ito equation that the state solves"
            latex = rf"${v}$ is $C^2$, and ${writer.symbol(change)}$ is $\mathcal{{L}}{v}$, the generator of the It\^o equation that the state solves"
        yield "change", said, latex

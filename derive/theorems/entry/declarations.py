"""The declarations of a context other than relations, in words and LaTeX: functions, flags of matrices, the SDE or the step of the state."""

from __future__ import annotations

from collections.abc import Iterator

from derive.proof.kernel.certificate import ancestry
from derive.proof.kernel.rules import Fact
from derive.proof.language.context import Context
from derive.proof.language.terms import Term, norm, num, vec, x
from derive.proof.language.text import TermWriter, text

_SHAPES = {"odd": "odd", "nondecreasing": "nondecreasing", "concave_right": "concave on [0, oo)"}


def declarations(last: Fact, writer: TermWriter) -> list[dict[str, str]]:
    """Each declaration that the proof of a fact uses, as {"text", "latex"}; the LaTeX is words with formulas in dollars."""
    context, rules = last.context, ancestry(last)
    used = {(f.data["function"], f.data["property"].removesuffix("_below")) for f in rules if f.rule == "declared"}
    psd = any(f.rule in ("trace_bound", "nonnegative", "ito", "gronwall") for f in rules)
    moving = {f.data["potential"] for f in rules if f.rule in ("ito", "gronwall")}
    stepping = {f.data["potential"] for f in rules if f.rule == "descent"}
    processes = [*_processes(context, moving, writer), *_steps(context, stepping, writer)]
    return [*_functions(context, used, writer), *_matrices(context, psd, writer), *processes]


def _functions(context: Context, used: set[tuple[str, str]], writer: TermWriter) -> Iterator[dict[str, str]]:
    for name, entry in context.functions.items():
        shown = writer.symbol(name)
        for prop, bound in entry.items():
            if (name, prop) not in used:
                continue
            if prop in _SHAPES:
                in_tex = _SHAPES[prop].replace("[0, oo)", r"$[0,\infty)$")
                yield {"text": f"{name} is {_SHAPES[prop]}", "latex": f"${shown}$ is {in_tex}"}
            elif prop == "bounded":
                yield {"text": f"|{name}| <= {text(bound)}", "latex": rf"$|{shown}|\le {writer.term(bound)}$"}
            else:
                slope = rf"${shown}(t)\le {writer.term(bound * x('t'))}$ for $t\ge0$"
                yield {"text": f"{name}(t) <= {text(bound)} t for t >= 0", "latex": slope}


def _matrices(context: Context, psd: bool, writer: TermWriter) -> Iterator[dict[str, str]]:
    for name in context.matrices:
        if context.psd(name) and psd:
            yield {"text": f"{name} is positive semidefinite", "latex": f"${writer.symbol(name)}$ is positive semidefinite"}


def _processes(context: Context, moving: set[str], writer: TermWriter) -> Iterator[dict[str, str]]:
    for name in sorted(moving):
        entry = context.potentials[name]
        drift = [(c, Term(("norm", v))) for c, v in entry["drift"]]
        plain = " + ".join(f"{text(c)} {text(v)[5:-1]}" for c, v in drift)
        shown = writer.combination([(c, writer.named(v[1])) for c, v in drift])
        if len(drift) > 1:
            shown = rf"\left({shown}\right)"
        said, moved = f"dX = ({plain}) dt", rf"\mathrm{{d}}X={shown}\,\mathrm{{d}}t"
        if entry["diffusion"]:
            said += " + L dW with L L' = " + " + ".join(f"{text(c)} {m[1]}" for c, m in entry["diffusion"])
            spread = writer.combination([(c, writer.symbol(m[1])) for c, m in entry["diffusion"]])
            moved += rf"+B\,\mathrm{{d}}W$ with $BB^{{\top}}={spread}"
        yield {"text": f"{name} is C^2, and {said}", "latex": rf"${writer.symbol(name)}$ is $C^2$; ${moved}$"}


def _steps(context: Context, stepping: set[str], writer: TermWriter) -> Iterator[dict[str, str]]:
    for name in sorted(stepping):
        entry = context.potentials[name]
        (first, second), radius = entry["smoothness"], entry["radius"]
        bend = first if second == num(0) else first + second * norm(vec(entry["gradient"]))
        mean = [(c, Term(("norm", v))) for c, v in entry["mean"]]
        plain = " + ".join(f"{text(c)} {text(v)[5:-1]}" for c, v in mean)
        said = f"||Hess {name}|| <= {text(bend)}; a step D has the mean {plain} and E||D||^2 <= {text(entry['square'])}"
        shown = rf"$\|\nabla^2 {writer.symbol(name)}\|_{{\mathrm{{op}}}}\le {writer.term(bend)}$; a step $D$ has the mean "
        shown += rf"${writer.combination([(c, writer.named(v[1])) for c, v in mean])}$ and $\mathbb{{E}}\|D\|^2\le {writer.term(entry['square'])}$"
        if radius is not None:
            said, shown = f"{said}, and ||D|| <= {text(radius)}", rf"{shown}, and $\|D\|\le {writer.term(radius)}$"
        yield {"text": said, "latex": shown}

"""The notation of proofs in words: states with their index, means given the past, and the letters of a theorem file."""

import re
from collections.abc import Mapping
from typing import Any

from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.proof.language.text import ATOM, PRODUCT, SUM, Leveled, TermWriter, latex_name
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.theorems.bounds.kernel_context import Setting, moved_to
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.brackets import closing
from sdescent.derive.theorems.bounds.language.letters import at_the_end, at_the_start
from sdescent.derive.theorems.bounds.points import Point, length_of
from sdescent.derive.theorems.entry.client_vectors import deviation_of, is_deviation, mean_of, of_each_client
from sdescent.derive.theorems.entry.linear_step import quiet
from sdescent.derive.theorems.entry.scalar_memory import after as after_step
from sdescent.derive.theorems.prose.document import Display

_TURNED = {"<=": r"\ge", "<": ">"}
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*|[^A-Za-z]")


class ProseWriter(TermWriter):
    """The printer of the kernel's terms and of a file's letters for one theorem.

    The state at step n is x_n with the memories v_n, .. for a method, and X_t for an equation. E_n is the mean given the past.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(dict(setting.names), {}, setting.context)
        self.setting, self.steps_ = setting, setting.steps
        self.now, self.after, self.end = ("_n", "_{n+1}", "_K") if setting.steps else ("_t", "", "_T")
        self.later = {v for p in setting.points if p.next for v in (p.gradient, deviation_of(p.gradient))}
        #: the lengths ||y - g|| of vectors y by whose length the rule divides
        self.lengths = set(map(length_of, setting.directed))
        late = "drawn preconditioner" in setting.hypotheses.classes
        of_draws = {p for p, v in setting.preconditioned.items() if late or v in setting.draws_of_step}
        self.draws = {*setting.draws_of_step, *self.lengths, *of_draws}
        self.quiet = not self.draws and quiet(setting.method, setting.any_noise)
        self.mean = "" if self.quiet else r"\mathbb{E}_n"
        self.over_all = "" if self.quiet and setting.steps else r"\mathbb{E}\,"
        names = {v: self.vector(v) for v in setting.vectors}
        names |= {
            nm.fstar[1]: "f^{*}",
            nm.NOISE[1]: r"\mathbb{E}_n\|Z\|^{2}" if setting.steps else r"\mathbb{E}\|Z\|^{2}",
        }
        names |= {
            "y": rf"\partial_j f({self.place(self.now)})",
            "b": "b_j",
            **({"sigma": r"\sigma_k"} if setting.context.symbols.get("sigma") == "detclient" else {}),
        }
        letter = self.letter
        for key, p in setting.potentials.items():
            now, after, start, end = (self.value(key, index) for index in (self.now, self.after, "_0", self.end))
            names |= {p.value[1]: now, p.start[1]: start, p.end[1]: end}
            lead = f"{self.mean} " if self.mean else ""
            names[p.change[1]] = f"{lead}{after}-{now}" if setting.steps else rf"\mathcal{{L}}{now}"
        names[nm.D0[1]] = self.value(
            (nm.DISTANCE, nm.DISTANCE), "_0"
        )  # also the start of a sum with the memory, which is 0
        for p in setting.points[1:]:
            lead = f"{self.mean} " if p.next and self.mean else ""
            names[p.value[1]] = f"{lead}f({self.point(p)})"
        names["f"] = f"f({letter}{self.now})"
        for b in setting.numbers:
            letters = (b, self.now), (after_step(b), self.after), (at_the_start(b), "_0"), (at_the_end(b), self.end)
            names |= {name: latex_name(b) + index for name, index in letters}
        self.names |= names
        for t, p in setting.functions.items():
            now, after = (self.term(moved_to(t, setting.numbers, name)) for name in (str, after_step))
            names |= {p.value[1]: now, p.change[1]: f"{after}-{now}"}
            names |= {p.start[1]: self.term(moved_to(t, setting.numbers, at_the_start))}
            names |= {p.end[1]: self.term(moved_to(t, setting.numbers, at_the_end))}
        change = (
            f"{self.mean + ' ' if self.mean else ''}V_{{n+1}}-V_n" if setting.steps else rf"\mathcal{{L}}V({letter}_t)"
        )
        names |= {
            "change": change,
            "LV": change,
            "V": "V" + self.now,
            "V0": "V_0",
            "EVT": f"{self.over_all}V{self.end}",
            "clip": "s_n",
            **({nm.G1[1]: rf"\|\nabla f({letter}{self.now})\|_1"} if setting.method.rule.uses("majority") else {}),
        }
        self.names |= names
        self.short |= {nm.Q: "Q" + self.now, nm.CURVATURE: rf"\|\nabla^2 f({letter}{self.now})\|"}
        self.names["H"] = rf"\nabla^2 f({letter}{self.now})"

    @property
    def letter(self) -> str:
        return "x" if self.setting.steps else "X"

    def place(self, index: str) -> str:
        return self.letter + index

    def vector(self, v: str, index: str | None = None) -> str:
        """A vector at the step with this index."""
        index = self.now if index is None else index
        if v in self.setting.sums:
            return self.combined(self.setting.sums[v].parts, index)
        return self._one(v, index)

    def combined(self, parts: Mapping[str, Any], index: str) -> str:
        """A sum of vectors; a mean over the clients and a deviation with the same coefficient are one client's vector."""
        vectors = [
            (c, self.of_client(v, index) if each else self._one(v, index)) for v, c, each in of_each_client(parts)
        ]
        return self.combination(vectors).replace(" + ", "+")

    def of_client(self, v: str, index: str) -> str:
        """The vector of client i: its gradient, its draw, or its letter of the memory."""
        for p in self.setting.points:
            if v == p.gradient:
                return rf"\nabla f{'_i' if self.setting.hypotheses.differing else ''}({self.point(p, index)})"
        if (number := re.fullmatch("[zc]([0-9]+)_q", v)) is not None:
            return self._drawn(v[0], number[1], "_{i,n}")
        return latex_name(v) + index.replace("_", "_{i,").replace("{i,{", "{i,").rstrip("}") + "}"

    def _drawn(self, kind: str, number: str, index: str) -> str:
        several = len({w[:-2] for w in self.setting.draws_of_step if w[0] == kind and not is_deviation(w)}) > 1
        letter = {"z": r"\xi", "c": r"\zeta", "m": r"\mu", "s": r"\sigma", "u": r"\nu", "v": r"\omega", "r": "R"}[
            kind
        ] + index
        return rf"{letter}^{{({number})}}" if several else letter

    def _one(self, v: str, index: str) -> str:
        if v == nm.DISTANCE:
            return f"{self.letter}{index}-x^{{*}}"
        if v == nm.GRADIENT:
            return rf"\nabla f({self.letter}{index})"
        if v in self.setting.preconditioned:
            return rf"P{index}\,{self._one(self.setting.preconditioned[v], index)}"
        if v in (nm.STAR, nm.ONE):
            return "1" if v == nm.ONE else r"\nabla f_i(x^{*})"
        for p in self.setting.points[1:]:
            if p.gradient == v:
                gradient = self.of_client(v, index) if p.of_a_client else rf"\nabla f({self.point(p, index)})"
                return rf"\overline{{{gradient}}}" if p.of_a_client else gradient
        if is_deviation(v) and not re.fullmatch("m[0-9]+_q_dev_q", v):
            whole = v.removesuffix(deviation_of(""))
            mean = self._one(whole if whole in self._gradients else mean_of(whole), index)
            return f"{self.of_client(whole, index)}-{mean}"
        if v.endswith(mean_of("")):
            return rf"\overline{{{self.of_client(v.removesuffix(mean_of('')), index)}}}"
        if v in self.setting.draws_of_step or v in self.lengths:
            number = re.findall("[0-9]+", v)[0]
            return self._drawn(v[0], number, "_{i,n}" if is_deviation(v) else "_n")
        if v in ("bv", "cv"):
            return {"bv": "b" + index, "cv": rf"\Lambda\nabla^2 f\Lambda\nabla f({self.letter}{index})"}[v]
        return latex_name(v) + index

    @property
    def _gradients(self) -> set[str]:
        return {p.gradient for p in self.setting.points}

    def point(self, p: Point, index: str | None = None) -> str:
        """A point at which the loss is taken."""
        index = self.now if index is None else index
        if p.next and p.text == "x_next":
            return "x_{n+1}"
        if p.next and (of := next((q for q in self.setting.points if f"({q.text})_next" == p.text), None)) is not None:
            return self.point(of, "_{n+1}")
        if p is self.setting.points[0]:
            return f"{self.letter}{index}"
        return self.combined(p.parts, index).replace("-x^{*}", "", 1)

    def value(self, key: Any, index: str) -> str:
        """A followed function of the state: f, f at another point, or a product of two vectors."""
        if key == "f":
            return f"f({self.letter}{index})"
        if isinstance(key, str):
            point = next(p for p in self.setting.points if p.value == x(f"f{key}"))
            return f"f({self.point(point, index)})"
        left, right = (self.vector(v, index) for v in key)
        return rf"\|{left}\|^{{2}}" if left == right else rf"\langle {left},{right}\rangle"

    def letter_of_square(self, n: int) -> str:
        """A letter for a vector, which the file does not use."""
        free = [name for name in "wzpqabhk" if name not in (*self.setting.context.symbols, *self.setting.vectors)]
        return free[n] + self.now if n < len(free) else rf"w^{{({n})}}{self.now}"

    # --- terms

    def bracketed(self, text: str) -> str:
        return super().bracketed(text) if re.search(r"\\(frac|sum|int|left)", text) else f"({text})"

    def leveled(self, t: Any) -> Leveled:
        if t[:2] == ("f", "psi"):
            return rf"\psi({self.leveled(t[2])[0]})", ATOM
        if (length := self._length(t)) is not None:
            return f"{self.mean}{length}", PRODUCT
        text, level = super().leveled(t)
        if (t[0] == "^" and t[1][0] == "norm") or t[0] == "dot":
            vectors = {v[1] for v in (t[1][1:] if t[0] == "^" else t[1:]) if v[0] == "v"}
            if self.mean and vectors & (self.later | self.draws):
                return f"{self.mean}{text}", PRODUCT
        return text, level

    def _length(self, t: Any) -> str | None:
        """The product of a length and 1, or the square of a length; None for another term."""
        if t[0] == "dot" and ("v", nm.ONE) in t[1:]:
            return self._one(next(v[1] for v in t[1:] if v[1] != nm.ONE), self.now)
        if t[0] == "^" and t[1][0] == "norm" and t[1][1][1] in self.lengths:
            return f"{self._one(t[1][1][1], self.now)}^{{2}}"
        return None

    def other(self, t: Any) -> Leveled:
        match t:
            case ("dot", u, v) if u[0] == v[0] == "v":
                order = self.setting.context.vectors
                u, v = sorted((u, v), key=lambda w: order.index(w[1]))
                if u != v:
                    return rf"\langle {self.named(u)},{self.named(v)}\rangle", ATOM
            case ("trprod", m, k) if m[1] > k[1]:
                return self.other(Term(("trprod", k, m)))
            case ("E", inner):
                text, level = self.leveled(inner)
                if not self.over_all:
                    return text, level
                return (rf"\mathbb{{E}}\,{text}" if level > SUM else rf"\mathbb{{E}}\left[{text}\right]"), PRODUCT
            case ("I" | "EI" as head, inner):
                text, level = self.leveled(inner)
                mean = r"\mathbb{E}" if head == "EI" and self.over_all else ""
                inside = (
                    text
                    if level > PRODUCT or inner[0] == "^"
                    else rf"\left[{text}\right]"
                    if mean
                    else rf"\left({text}\right)"
                )
                if self.setting.steps:
                    return rf"\sum_{{n=0}}^{{K-1}}{mean}{inside}", PRODUCT
                return rf"{mean}\int_0^T {inside}\,\mathrm{{d}}t", PRODUCT
        return super().other(t)

    def pieces(self, t: Term) -> tuple[str, ...]:
        """The summands of a term with their signs, in their order."""
        t = tidy(t, self.short)
        parts = t[1:] if t[0] == "+" and t not in self.short else (t,)
        out: list[str] = []
        for part in parts:
            text = self.inside(part, SUM)
            out.append(text if text.startswith("-") or not out else f"+{text}")
        return tuple(out)

    def turned(self, relation: Relation) -> str:
        """A relation in a line of text, with x >= 0 in place of 0 <= x."""
        op, left, right = relation[0], tidy(relation[1]), relation[2]
        if ((left[0] == "q" and right[0] != "q") or left == nm.fstar) and op in _TURNED:
            return f"{self.term(right)} {_TURNED[op]} {self.term(left)}"
        return self.relation(relation)

    def display(self, relation: Relation, number: int | None, stop: str = ".", turn: bool = True) -> Display:
        sides = relation.left, relation.right
        sign = self.relations[relation.op]
        if relation.op in _TURNED and sides[0] == num(0) and turn:
            sides, sign = (sides[1], sides[0]), _TURNED[relation.op]
        return Display(tuple(map(self.pieces, sides)), sign, number, stop)

    # --- the update rule

    def update(self) -> list[str]:
        """The steps of the update rule."""
        memory = [*self.setting.method.rule.letters[1:]]
        fresh: set[str] = set()
        lines = []
        for step in self.setting.method.rule.update:
            left, _, right = step.partition("=")
            lines.append(f"{self._formula(left, {left.strip()}, memory)}={self._formula(right, fresh, memory)}")
            fresh.add(left.strip())
        return lines

    def _formula(self, text: str, fresh: set[str], memory: list[str]) -> str:
        def letter(token: str) -> str:
            if token == "x" or token in memory or token in fresh:
                return latex_name(token) + ("_{n+1}" if token in fresh else "_n")
            if token == "|":
                return r"\|"
            if token == "√":
                return r"\sqrt"
            return "G_n" if token == "G" else self.symbol(token) if token[0].isalpha() else token

        if not self.setting.method.rule.uses("local"):
            text = text.replace("local_raw", "local")
        text = re.sub(r"norm\((\w+)\)", r"|\1|", text)
        while (match := re.search(r"\bsqrt *\(", text)) is not None:
            end = closing(text, match.end(), "update")
            text = f"{text[: match.start()]}√{{{text[match.end() : end - 1]}}}{text[end:]}"
        words = _TOKEN.findall(text.replace(" ", ""))
        return "".join(r"\," if token == "*" else letter(token) for token in words)

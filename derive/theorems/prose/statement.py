"""The statement of a theorem in words: the method, the letters, the assumptions by their names in the file, and V."""

from collections.abc import Set

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import num, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import keyword, relations_of
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, symbols_of
from sdescent.derive.theorems.bounds.message_moments import equation_of
from sdescent.derive.theorems.bounds.proving import BELOW_ONE
from sdescent.derive.theorems.bounds.sign_messages import LETTERS
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry import from_method
from sdescent.derive.theorems.prose.document import (
    Block,
    Display,
    Items,
    Math,
    Paragraph,
    Part,
    Parts,
    Quoted,
    Ref,
    listed,
)
from sdescent.derive.theorems.prose.letters import ProseWriter
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.verdicts import Source

TAYLOR = "Taylor, Hendrickx and Glineur 2017, Theorem 4"
#: beginning of the name of a fact of the literature -> its source
LITERATURE = {
    "G^2 <= 2 L": "Nesterov 2004, Section 1.2.3",
    "cocoercive": "Nesterov 2004, Theorem 2.1.5",
    "mu <= L": "Nesterov 2004, Section 2.1.3",
}


class Statement:
    """The statement of a theorem.

    Args:
        used: the names of the assumptions and definitions that the proof uses.
        last: the last fact of the proof.
    """

    def __init__(self, stated: Stated, writer: ProseWriter, used: Set[str], last: Fact) -> None:
        self.stated, self.writer, self.used, self.last = stated, writer, used, last
        self.setting = stated.setting
        self.interpolated = False
        #: name of an assumption -> its number; the author's come first, in the order of the file
        self.numbers: dict[str, int] = {}
        self.rows: list[Parts] = []
        self.classes: dict[str, int] = {}
        #: names of the author's assumptions that are formulas
        self.formulas = set(self.setting.formulas)
        listed_inequalities = iter(self.stated.inequalities.items())
        for text in stated.table["assume"]:
            named = keyword(text)
            if named is None:
                name, relation = next(listed_inequalities)
                self._add([name], (Quoted(text), ": ", Math(writer.turned(relation))))
                continue
            word, terms = named[0], stated.hypotheses.classes[named[0]]
            self.classes[word] = len(self.rows) + 1
            names = list(relations_of(word, terms))
            also = {"smooth": ["smooth"], "bounded step": ["reach"]}.get(word, [])
            self._add(
                [*also, *(n for n in names if " >= 0" not in n and " > 0" not in n)],
                (Quoted(text), ": ", *self._class(word)),
            )
        self.author = len(self.rows)
        if BELOW_ONE in used:
            relation = self.setting.assumptions[BELOW_ONE]
            self._add([BELOW_ONE], (Math(writer.turned(relation)), ", which the conclusion needs in addition"))
            self.formulas.add(BELOW_ONE)

    def _add(self, names: list[str], row: Parts) -> None:
        self.rows.append(row)
        self.numbers |= dict.fromkeys(names, len(self.rows))

    def reference(self, name: str) -> Ref | None:
        """The number of an assumption of the author."""
        number = self.numbers.get(name)
        return None if number is None else Ref(number, True)

    def reference_of_class(self, word: str) -> Ref | None:
        number = self.classes.get(word)
        return None if number is None else Ref(number, True)

    def unused(self) -> list[Ref]:
        """The author's assumptions that the proof does not use."""
        used = {self.numbers[name] for name in self.used if name in self.numbers}
        rules = {f.rule for f in ancestry(self.last)}
        smooth, convex = self.classes.get("smooth"), {self.classes.get(n) for n in ("convex", "strongly convex")}
        literature = any(self.setting.sources.get(name) == Source.LITERATURE for name in self.used)
        used |= {smooth} if "descent" in rules or literature else set()
        used |= convex if any(n.startswith(("interpolation", "cocoercive")) for n in self.used) else set()
        used |= {self.classes.get("bounded step")} if "descent" in rules else set()
        return [Ref(n, True) for n in range(1, self.author + 1) if n not in used]

    # --- words

    def _class(self, word: str) -> Parts:
        """What an assumption by a keyword means."""
        write, (low, *more) = self.writer, (*self.stated.hypotheses.classes[word], num(0))
        here, place = write.names["f"], write.place(write.now)
        gap, square = f"{here}-f^{{*}}", rf"\|\nabla f({place})\|^{{2}}"
        term = write.inside(low, 1)
        slope, distance = rf"\langle\nabla f({place}),{place}-x^{{*}}\rangle", rf"\|{place}-x^{{*}}\|^{{2}}"
        match word:
            case "smooth":
                level = low + more[0] * nm.G if len(more) > 1 else low
                bound = write.term(level).replace(f"({place})", "(x)")
                sign = Math(f"{write.term(low)}\\ge 0")
                signs = listed([(sign,), *([(Math(f"{write.term(more[0])}\\ge 0"),)] if len(more) > 1 else [])])
                return (
                    Math("f"),
                    " is twice continuously differentiable and ",
                    Math(rf"\|\nabla^2 f(x)\|\le {bound}"),
                    " for all ",
                    Math("x"),
                    ", where ",
                    *signs,
                )
            case "convex":
                return (
                    Math("f"),
                    " is convex with a minimiser ",
                    Math("x^{*}"),
                    " and ",
                    Math("f(x^{*})=f^{*}"),
                    "; in particular ",
                    Math(rf"{gap}\le {slope}"),
                )
            case "strongly convex":
                return (Math("f"), " is ", Math(term), "-strongly convex with the minimiser ", Math("x^{*}"), ", ", Math(f"{term}>0"), "; in particular ",
                        Math(rf"{gap}+\tfrac{{1}}{{2}}{term}{distance}\le {slope}"))  # fmt: skip
            case "pl":
                return (
                    Math(rf"2\,{term}\,({gap})\le {square}"),
                    " with ",
                    Math(f"{write.term(low)}>0"),
                    " (the Polyak-Łojasiewicz inequality)",
                )
            case "variance":
                return (
                    "the noise ",
                    Math("Z"),
                    " of one client satisfies ",
                    Math(rf"{write.names[nm.NOISE[1]]}\le {write.term(low)}"),
                )
            case "bounded gradient":
                return (Math(rf"\|\nabla f({place})\|\le {write.term(low)}"),)
            case "bounded step":
                return ("every step satisfies ", Math(rf"\|x_{{n+1}}-x_n\|\le {write.term(low)}"))
        return (Math("f"), " tends to infinity with ", Math(r"\|x\|"))

    def literature(self, name: str) -> Parts:
        """The words before the display of a fact of the literature."""
        words = ("smooth", "convex", "strongly convex", "pl")
        refs = [(r,) for word in words if (r := self.reference_of_class(word))]
        if not name.startswith("interpolation"):
            source = next((text for start, text in LITERATURE.items() if name.startswith(start)), "")
            return ("By ", *listed(refs), ", ", Math("f"), f" satisfies ({source})" if source else " satisfies")
        start, end = name.removeprefix("interpolation from ").split(" to ")
        write = self.writer
        points = {p.text: write.point(p) if p.text != "x" else write.place(write.now) for p in self.setting.points} | {
            "x*": "x^{*}"
        }
        later = any(p.next and p.text in (start, end) for p in self.setting.points) and write.mean
        mean = ", in the mean given the past," if later else ""
        where: Parts = ("with ", Math(f"a={points[end]}"), " and ", Math(f"b={points[start]}"), f"{mean} it reads")
        again: Parts = ("The same inequality ", *where[:-1], mean, " reads")
        if self.interpolated:
            return again
        self.interpolated = True
        return ("By ", *listed(refs), ", any two points ", Math("a"), " and ", Math("b"), " satisfy the interpolation inequality ",
                Math(self._interpolation()), f" ({TAYLOR}); ", *where)  # fmt: skip

    def _interpolation(self) -> str:
        """The interpolation inequality of the class between points a and b."""
        classes, write = self.stated.hypotheses.classes, self.writer
        gap = r"f(a)-f(b)-\langle\nabla f(b),a-b\rangle"
        slopes, places = r"\|\nabla f(a)-\nabla f(b)\|^{2}", r"\|a-b\|^{2}"
        convex = "convex" in classes or "strongly convex" in classes
        smooth = self.stated.hypotheses.smoothness
        m = write.inside(classes["strongly convex"][0], 1) if "strongly convex" in classes else ""
        if smooth is None:
            return rf"{gap}\ge \tfrac12\,{m}\,{places}" if m else rf"{gap}\ge 0"
        level = write.inside(smooth[0], 1)
        if convex and not m:
            return rf"2\,{level}\,({gap})\ge {slopes}"
        m = m or f"(-{level})"
        mixed = r"\langle\nabla f(a)-\nabla f(b),a-b\rangle"
        return rf"2\,({level}-{m})\,({gap})\ge {slopes}+{m}\,{level}\,{places}-2\,{m}\,{mixed}"

    def moments(self, name: str) -> Parts:
        """The words before the equation for the change of a function of the state."""
        if not self.setting.steps:
            return ("By Itô's formula, the generator of the equation gives",)
        if name.startswith("change of f"):
            return ("By definition,",)
        if self.writer.quiet:
            return ("Expanding the square after the update rule gives",)
        if "g" in name and self.writer.later and "||g" in name:
            return ("By definition,",)
        return (
            "By the update rule and the moments of a message, expanding the square and taking the mean given the past gives",
        )

    def blocks(self) -> list[Block]:
        """The statement up to its conclusion."""
        title = f"Theorem ({self.stated.title})" if "title" in self.stated.table else "Theorem"
        blocks: list[Block] = [Paragraph(self._method(), title)]
        if self.setting.steps:
            rule = self.writer.update()
            pieces = tuple((line,) for line in rule)
            blocks.append(Display(((*[rule[0]], *[rf",\quad {line}" for line in rule[1:]]),), (), None, "."))
        else:
            blocks.append(Display((self._equation(),), (), None, "."))
        blocks.append(Paragraph(tuple(self._letters())))
        blocks += [
            Paragraph(("Assume for every ", Math("n" if self.setting.steps else "t"), ":")),
            Items(tuple((*row, ";" if n < len(self.rows) - 1 else ".") for n, row in enumerate(self.rows)), True),
        ]
        blocks.append(Paragraph(("Let",)))
        value = self.stated.formulas.value
        blocks.append(self.writer.display(x("V").eq(value), None))
        return blocks

    def _method(self) -> Parts:
        """The process that the theorem is about; the display of the update rule follows."""
        name = self.setting.method.name
        if not self.setting.steps:
            words = f" solve the {self.stated.about} stochastic differential equation of {name} from a fixed start, with the generator "
            return ("Let ", Math("X"), words, Math(r"\mathcal{L}"), ":")
        zero = [(Math(f"{self.writer._one(v, '_0')}=0"),) for v, _ in self.setting.method.rule.memory]
        start = (" with ", *listed(zero)) if zero else ()
        return (f"Consider the method {name}, started at a fixed point ", Math("x_0"), *start, ":")

    def _equation(self) -> tuple[str, ...]:
        """The stochastic differential equation."""
        method, write = self.setting.method, self.writer
        model: Model = "corrected" if self.stated.about == "corrected" else "first-order"
        equation = sg.equation(model) if is_sign(method) else equation_of(method, model)
        schedule = num(1) if method.schedule.factor == 1 else nm.u
        drift = from_method.drift_terms(equation, schedule, {"mean": self.setting.mean, "curvature": nm.BENT})
        spread = from_method.diffusion_terms(equation, schedule)
        terms = write.combination([(c, write.named(v)) for c, v in drift]).replace(" + ", "+")
        noise = "+".join(rf"\sqrt{{{write.term(c)}}}\,S^{{1/2}}\,\mathrm{{d}}W_t" for c, _ in spread)
        return rf"\mathrm{{d}}X_t={f'({terms})' if len(drift) > 1 else terms}\,\mathrm{{d}}t", f"+{noise}"

    def _letters(self) -> list[Part]:
        """The letters of the method and of the loss, before they are used."""
        steps, write = self.setting.steps, self.writer
        relations = [self.setting.assumptions.get(n) or self.setting.definitions.get(n) for n in self.used]
        everything = (*[r for r in relations if r is not None], self.last.claim, self.stated.read_claim)
        symbols = symbols_of(everything)
        parts: list[Part] = []
        noisy = not write.quiet
        if steps:
            parts += ["Here ", Math("G_n")]
            if self.setting.mean == nm.GRADIENT and noisy:
                parts += [" is the average of the messages of ", Math(r"N\ge 1" if self._symbol_of_clients() else str(self.setting.method.clients)),
                          " clients; given the past, the messages are independent with the mean ", Math(r"\nabla f(x_n)")]  # fmt: skip
                trace = write.short[nm.Q]
                if trace.startswith("Q"):
                    parts += [", and the covariance of one message has the trace ", Math(trace)]
                else:
                    parts += [
                        ", and a message is the gradient plus noise ",
                        Math("Z"),
                        ", so that its covariance has the trace ",
                        Math(trace),
                    ]
            elif is_sign(self.setting.method):
                parts += [" is the average of the messages of ", Math(r"N\ge 1"), " clients; the message of client ", Math("k"),
                          " consists of the signs of the coordinates of ", Math(r"\nabla f(x_n)+\sigma_k Z"), ", where the coordinates of ", Math("Z"),
                          " have a symmetric unimodal law with distribution function ", Math("F"), ", independently. With ", Math("R=2F-1"),
                          ", the mean of ", Math("G_n"), " given the past has the coordinates ", Math(r"b_j=\frac{1}{N}\sum_k R(\partial_j f(x_n)/\sigma_k)"),
                          "; it is called ", Math("b_n"), ". The covariance of one message, averaged over the clients, has the trace ", Math("Q_n"), "; the coordinates of a message are 1 or -1, so that ",
                          Math(r"Q_n=\sum_j\big(1-\frac1N\sum_k R(\partial_j f(x_n)/\sigma_k)^{2}\big)")]  # fmt: skip
            elif noisy:
                parts += [" is the average of the messages of ", Math(r"N\ge 1"), " clients, ", Math("b_n"), " is its mean given the past, and ",
                          Math("Q_n"), " is the trace of the covariance of one message"]  # fmt: skip
            else:
                parts += [" is the gradient ", Math(r"\nabla f(x_n)")]
            parts.append(". ")
        elif "tr" in {p[0] for r in everything for p in parts_of(r)} or nm.NOISE[1] in symbols:
            parts += [
                "Here ",
                Math(r"N\ge 1"),
                " is the number of clients and ",
                Math("S"),
                " is the covariance of the message of one client at ",
                Math("X_t"),
                ", whose trace is ",
                Math(write.short[nm.Q]),
                ", where ",
                Math("Z"),
                " is the noise of the client. ",
            ]
        parts += ["The step size is ", Math(r"\eta>0")]
        for name in self._constants():
            fraction = f"{name} < 1" in self.setting.assumptions
            parts += [
                ", the constant of the method is ",
                Math(rf"0<{write.symbol(name)}<1" if fraction else rf"{write.symbol(name)}>0"),
            ]
        parts += [", and ", Math("f^{*}"), " is a lower bound of the loss ", Math("f"), ". "]
        if steps and noisy:
            parts += [
                "We write ",
                Math(r"\mathbb{E}_n"),
                " for the mean given the first ",
                Math("n"),
                " steps, and ",
                Math(r"\mathbb{E}"),
                " for the mean over all draws",
            ]
            if "K" in symbols or "EI" in {p[0] for r in everything for p in parts_of(r)}:
                parts += ["; ", Math("K"), " is the number of steps"]
            parts.append(". ")
        if write.draws:
            xi = write._one(next(iter(write.draws)), "_n")
            parts += [
                "The noise ",
                Math(rf"{xi}=G_n-\nabla f(x_n)"),
                " of a step has the mean 0 given the past, and the mean square ",
                Math(
                    rf"\mathbb{{E}}_n\|{xi}\|^{{2}}={write.short[nm.Q]}/N"
                    if self._symbol_of_clients()
                    else rf"\mathbb{{E}}_n\|{xi}\|^{{2}}"
                ),
                ". ",
            ]
        if any(p[:2] == ("f", "psi") for r in everything for p in parts_of(r)):
            parts += [
                "The function ",
                Math(r"\psi(s)=(e^{s}-1-s)/s^{2}"),
                ", ",
                Math(r"\psi(0)=\tfrac12"),
                ", is positive and increasing. ",
            ]
        for name, t in LETTERS.items() if is_sign(self.setting.method) else ():
            if name in symbols_of((self.stated.read_claim, self.stated.read_step)):
                parts += ["In the theorem, ", Math(rf"{write.symbol(name)}={write.term(t)}"), ". "]
        if "d" in symbols:
            parts += ["The dimension is ", Math("d"), ". "]
        for key, words in (("noise", "The noise is "), ("compressor", "Messages are compressed by ")):
            if self.stated.table.get(key, "any") != "any":
                parts += [words, Quoted(str(self.stated.table[key])), ". "]
        if self.last.axioms:
            parts.append("All means that are written are assumed to exist and to be finite." if steps else
                         "A weak solution is assumed to exist up to explosion, and all means that are written to exist and to be finite.")  # fmt: skip
        return parts

    def _symbol_of_clients(self) -> bool:
        return not self.setting.method.clients.is_number

    def _constants(self) -> list[str]:
        """The constants of the method that the theorem is about."""
        return [name.removesuffix(" > 0") for name in self.setting.assumptions
                if name.endswith(" > 0") and self.setting.sources.get(name) == Source.LETTER and name not in ("eta > 0", "sigma_k > 0")
                and (" " not in name.removesuffix(" > 0")) and name.removesuffix(" > 0") in {n for n, _ in self.setting.method.constants}]  # fmt: skip

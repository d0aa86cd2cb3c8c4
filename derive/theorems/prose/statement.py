"""The statement of a theorem in words: the method, the letters, the assumptions by their names in the file, and V."""

import re
from collections.abc import Iterator, Sequence, Set

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import num, x
from sdescent.derive.theorems.bounds.draws import DIRECTION, MAJORITY, MATRIX
from sdescent.derive.theorems.bounds.horizon.in_probability import EXPONENTIAL_DESCENT
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import OF_CLIENTS, PRECONDITIONERS, keyword, relations_of
from sdescent.derive.theorems.bounds.language.letters import at_the_start, is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, symbols_of
from sdescent.derive.theorems.bounds.message_moments import equation_of
from sdescent.derive.theorems.bounds.points import length_of, spelt_vector
from sdescent.derive.theorems.bounds.proving import BELOW_ONE
from sdescent.derive.theorems.bounds.sign_messages import LETTERS
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry import from_method
from sdescent.derive.theorems.entry.client_vectors import is_deviation, mean_of
from sdescent.derive.theorems.prose.document import (
    Block,
    Display,
    Items,
    Paragraph,
    Parts,
    Quoted,
    Ref,
    listed,
    sentence,
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
#: beginning of the name of a fact about two points -> its name in words, and its general form
BETWEEN = {
    "interpolation": ("The interpolation inequality", ""),
    "descent lemma": ("The descent lemma", r"f(a)\le f(b)+\langle\nabla f(b),a-b\rangle+\tfrac12\,{L}\,\|a-b\|^{{2}}"),
    "curvature": (
        "The bound on the curvature",
        r"f(a)\ge f(b)+\langle\nabla f(b),a-b\rangle+\tfrac12\,{m}\,\|a-b\|^{{2}}",
    ),
    "convexity": ("The inequality of convexity", r"f(a)\ge f(b)+\langle\nabla f(b),a-b\rangle"),
    "Lipschitz gradient": ("The Lipschitz condition", r"\|\nabla f(a)-\nabla f(b)\|\le {L}\,\|a-b\|"),
}
#: what an assumption on the clients' losses says first
OF_EACH = r"$f=\frac1N\sum_i f_i$, where $f_i$ is the loss of client $i$"
#: the classes of losses that facts of the literature are about
OF_THE_LOSS = ("smooth", "convex", "strongly convex", "pl")


class Statement:
    """The statement of a theorem.

    Args:
        used: the names of the assumptions and definitions that the proof uses.
        last: the last fact of the proof.
    """

    def __init__(self, stated: Stated, writer: ProseWriter, used: Set[str], last: Fact) -> None:
        self.stated, self.writer, self.used, self.last = stated, writer, used, last
        self.setting = stated.setting
        #: name of a relation, or a keyword -> the number of the author's assumption, in the order of the file
        self.numbers: dict[str, int] = {}
        self.rows: list[Parts] = []
        self._general: set[str] = set()
        inequalities = iter(stated.inequalities.items())
        for text in stated.table["assume"]:
            if (named := keyword(text)) is None:
                name, relation = next(inequalities)
                self._add([name], sentence("@: $" + writer.turned(relation) + "$", Quoted(text)))
                continue
            names = relations_of(named[0], stated.hypotheses.classes[named[0]])
            also = {"smooth": ["smooth"], "bounded step": ["reach"]}.get(named[0], [])
            if named[0] in (*OF_CLIENTS, "gossip", "mean smooth"):
                also = [n for n in self.setting.assumptions if n.startswith(named[0])]
            if named[0] == "variance":
                also = [n for n in self.setting.assumptions if n.startswith("mean square of")]
            if named[0] in ("unbiased", "contraction"):
                also = [n for n in self.setting.assumptions if n.startswith("loss of C") or n == "compression"]
            names = [named[0], *also, *(n for n in names if not n.endswith((" >= 0", " > 0")))]
            self._add(names, sentence("@: " + self._class(named[0]), Quoted(text)))
        self._author = len(self.rows)
        if BELOW_ONE in used:
            formula = writer.turned(self.setting.assumptions[BELOW_ONE])
            self._add([BELOW_ONE], sentence(f"${formula}$, which the conclusion needs in addition"))

    def _add(self, names: Sequence[str], row: Parts) -> None:
        self.rows.append(row)
        self.numbers |= dict.fromkeys(names, len(self.rows))

    def reference(self, name: str) -> Parts:
        """The number of an assumption of the author, by the name of a relation or its keyword; empty if it is none."""
        return (Ref(self.numbers[name], True),) if name in self.numbers else ()

    def unused(self) -> list[Parts]:
        """The author's assumptions that the proof does not use."""
        of_facts = {MATRIX: PRECONDITIONERS, MAJORITY: (MAJORITY,)}
        used = {
            *self.used,
            *(w for start, ws in of_facts.items() for w in ws if any(n.startswith(start) for n in self.used)),
        }
        if any(self.setting.sources.get(name) == Source.LITERATURE for name in used):
            used |= set(OF_THE_LOSS)
        if EXPONENTIAL_DESCENT in used:
            used |= {"smooth", "bounded noise"}
        if any(f.rule == "descent" for f in ancestry(self.last)):
            used |= {"smooth", "bounded step"}
        numbers = {self.numbers.get(name) for name in used}
        return [(Ref(n, True),) for n in range(1, self._author + 1) if n not in numbers]

    # --- words

    def _class(self, word: str) -> str:
        """What an assumption by a keyword means."""
        write, (low, *more) = self.writer, self.stated.hypotheses.classes[word] or (num(0),)
        place = write.place(write.now)
        gap, square, constant = f"f({place})-f^{{*}}", rf"\|\nabla f({place})\|^{{2}}", write.inside(low, 1)
        slope = rf"\langle\nabla f({place}),{place}-x^{{*}}\rangle"
        match word:
            case "smooth":
                bound = write.term(low + more[0] * nm.G if more else low).replace(f"({place})", "(x)")
                signs = " and ".join(rf"${write.term(t)}\ge 0$" for t in (low, *more))
                return rf"$f$ is twice continuously differentiable and $\|\nabla^2 f(x)\|\le {bound}$ for all $x$, where {signs}"
            case "convex":
                return rf"$f$ is convex with a minimiser $x^{{*}}$ and $f(x^{{*}})=f^{{*}}$; in particular ${gap}\le {slope}$"
            case "strongly convex":
                bound = rf"{gap}+\tfrac{{1}}{{2}}{constant}\|{place}-x^{{*}}\|^{{2}}\le {slope}"
                return rf"$f$ is ${constant}$-strongly convex with the minimiser $x^{{*}}$ and ${constant}>0$; in particular ${bound}$"
            case "pl":
                return rf"$2\,{constant}\,({gap})\le {square}$ with ${constant}>0$ (the Polyak-Łojasiewicz inequality)"
            case "variance":
                return rf"the noise $Z$ of one client satisfies ${write.names[nm.NOISE[1]]}\le {write.term(low)}$"
            case "bounded noise":
                return rf"every draw of the noise $Z$ of one client satisfies $\|Z\|\le {write.term(low)}$"
            case "bounded gradient":
                return rf"$\|\nabla f({place})\|\le {write.term(low)}$"
            case "bounded step":
                return rf"every step satisfies $\|x_{{n+1}}-x_n\|\le {write.term(low)}$"
            case "weakly convex":
                return rf"$f+\tfrac{{1}}{{2}}{constant}\|\cdot\|^{{2}}$ is convex, where ${constant}\ge 0$"
            case "unbiased":
                loss = rf"\mathbb{{E}}\|C(y)-y\|^{{2}}\le {constant}\|y\|^{{2}}"
                return rf"the compressor satisfies $\mathbb{{E}}\,C(y)=y$ and ${loss}$ for every vector $y$"
            case "contraction":
                kept = write.inside(1 - low, 1)
                return rf"the compressor satisfies $\mathbb{{E}}\|C(y)-y\|^{{2}}\le {kept}\|y\|^{{2}}$ for every vector $y$"
            case "mean smooth":
                spread = r"\mathbb{E}\|G(x,\xi)-G(y,\xi)\|^{2}"
                return rf"${spread}\le {constant}^{{2}}\|x-y\|^{{2}}$ for the noisy gradients $G(x,\xi)$ and $G(y,\xi)$ of one client under one draw $\xi$"
            case "different clients":
                return OF_EACH
            case "dissimilarity":
                spread = rf"\frac1N\sum_i\|\nabla f_i({place})-\nabla f({place})\|^{{2}}"
                return rf"{OF_EACH}, and ${spread}\le {write.term(low)}$"
            case "smooth clients":
                spread = r"\frac1N\sum_i\|\nabla f_i(x)-\nabla f_i(y)\|^{2}"
                return rf"{OF_EACH}, and ${spread}\le {constant}^{{2}}\|x-y\|^{{2}}$ for all $x$ and $y$, which may differ from client to client"
            case "convex clients":
                return rf"{OF_EACH}, each $f_i$ is convex, its gradient has the Lipschitz constant ${constant}$, and $x^{{*}}$ is a minimiser of $f$"
            case "gossip":
                shrinks = rf"\sum_i\|y_i'-\bar y\|^{{2}}\le {constant}^{{2}}\sum_i\|y_i-\bar y\|^{{2}}"
                return rf"gossip replaces $y_i$ by $y_i'$ with the same mean $\bar y$ over the clients, and ${shrinks}$"
            case "majority":
                spread = rf"the sum over the coordinates of its standard deviations is at most ${write.term(low)}$"
                shape = "given the past, each coordinate of the noise of one client is symmetric about 0 and unimodal"
                return f"{shape}, and {spread}; the noises of different clients are independent"
            case "preconditioner" | "drawn preconditioner":
                time = (
                    "which may depend on the draws of the step"
                    if word.startswith("drawn")
                    else "known before the draws of the step"
                )
                within = rf"{write.inside(low, 1)}\,\|y\|^{{2}}\le\langle y,P_n\,y\rangle\le {write.inside(more[0], 1)}\,\|y\|^{{2}}"
                zero = rf"where ${write.term(low)}\ge 0$ and ${write.term(more[0])}>0$"
                return rf"$P_n$ is a symmetric matrix, {time}, with ${within}$ for every vector $y$, {zero}"
            case "coercive":
                return r"$f$ tends to infinity with $\|x\|$"
        raise ProofError(f"no words for the assumption {word}")

    def literature(self, name: str) -> Parts:
        """The words before the display of a fact of the literature."""
        by = listed([ref for word in OF_THE_LOSS if (ref := self.reference(word))])
        pair = re.fullmatch("(.*) (?:from|between) (.*) (?:to|and) (.*)", name)
        if name.startswith(DIRECTION):
            length = r"A direction $y/\|y\|$ has at most the length 1:"
            against = (
                r"$\|\nabla f\|\le\langle\nabla f,y/\|y\|\rangle+2\,\|y-\nabla f\|$ (Cutkosky and Mehta 2020, Lemma 2)"
            )
            return sentence(f"By the triangle inequality, {against}, so that" if name.endswith("g") else length)
        if name == EXPONENTIAL_DESCENT:
            lemma = r"By @, the descent lemma and Hoeffding's lemma (1963) for $\langle\nabla f(x_n),Z\rangle$, which has the mean 0,"
            return sentence(lemma, listed([*filter(None, (self.reference("smooth"), self.reference("bounded noise")))]))
        if name.startswith(MAJORITY) and name.endswith("g"):
            sign = rf"\sigma_j/(|\partial_j f({self.writer.place(self.writer.now)})|\,\sqrt{{{self.writer.term(self.setting.clients)}}})"
            half = "at least half of the clients send another sign than that of a partial derivative $\\partial_j f$ that is not 0"
            lemma = rf"with a probability of at most ${sign}$, where $\sigma_j$ is the standard deviation of the noise"
            said = f"By @ and the inequalities of Gauss and Cantelli, {half} {lemma} (Bernstein et al. 2018), so that"
            return sentence(said, self.reference("majority"))
        if name.startswith(MATRIX):
            by = listed([ref for word in PRECONDITIONERS if (ref := self.reference(word))])
            return sentence("Since $P_n$ is symmetric, @ gives", by)
        if pair is None or pair[1] not in BETWEEN:
            source = next((f" ({text})" for start, text in LITERATURE.items() if name.startswith(start)), "")
            return sentence(f"By @, $f$ satisfies{source}", by)
        kind, start, end = pair.groups()
        points = {p.text: self.writer.point(p) for p in self.setting.points} | {"x*": "x^{*}"}
        later = any(p.next and p.text in (start, end) for p in self.setting.points) and self.writer.mean
        where = f"with $a={points[end]}$ and $b={points[start]}${', in the mean given the past,' if later else ''}"
        if kind in self._general:
            return sentence(f"{BETWEEN[kind][0]} {where} reads")
        self._general.add(kind)
        formula = (
            self._interpolation()
            if kind == "interpolation"
            else BETWEEN[kind][1].format(L=self._level(), m=self._curvature())
        )
        source = f" ({TAYLOR})" if kind == "interpolation" else ""
        satisfy = f"{BETWEEN[kind][0][0].lower()}{BETWEEN[kind][0][1:]} ${formula}${source}"
        return sentence(f"By @, any two points $a$ and $b$ satisfy {satisfy}; {where} it reads", by)

    def _curvature(self) -> str:
        classes = self.stated.hypotheses.classes
        if "strongly convex" in classes:
            return self.writer.inside(classes["strongly convex"][0], 1)
        return f"(-{self.writer.inside(classes['weakly convex'][0], 1)})" if "weakly convex" in classes else ""

    def _level(self) -> str:
        smooth = self.stated.hypotheses.smoothness
        return "" if smooth is None else self.writer.inside(smooth[0], 1)

    def _interpolation(self) -> str:
        """The interpolation inequality of the class between points a and b."""
        classes, smooth, write = self.stated.hypotheses.classes, self.stated.hypotheses.smoothness, self.writer
        gap = r"f(a)-f(b)-\langle\nabla f(b),a-b\rangle"
        slopes, places = r"\|\nabla f(a)-\nabla f(b)\|^{2}", r"\|a-b\|^{2}"
        m = write.inside(classes["strongly convex"][0], 1) if "strongly convex" in classes else ""
        if smooth is None:
            return rf"{gap}\ge \tfrac12\,{m}\,{places}" if m else rf"{gap}\ge 0"
        level = self._level()
        if "convex" in classes and not m:
            return rf"2\,{level}\,({gap})\ge {slopes}"
        m, mixed = m or f"(-{level})", r"\langle\nabla f(a)-\nabla f(b),a-b\rangle"
        return rf"2\,({level}-{m})\,({gap})\ge {slopes}+{m}\,{level}\,{places}-2\,{m}\,{mixed}"

    def moments(self, name: str) -> Parts:
        """The words before the equation for the change of a function of the state."""
        if not self.setting.steps:
            return ("By Itô's formula, the generator of the equation gives",)
        if name.startswith("change of f"):
            return ("By the update rule,",)
        if self.writer.quiet:
            return ("Expanding after the update rule gives",)
        return ("By the update rule and the moments of a message, expanding and taking the mean given the past gives",)

    def blocks(self) -> Iterator[Block]:
        """The statement up to its conclusion."""
        title = f"Theorem ({self.stated.title})" if "title" in self.stated.table else "Theorem"
        yield Paragraph(self._method(), title)
        first, *more = self.writer.update() if self.setting.steps else self._equation()
        yield Display(((first, *(rf",\quad {line}" if self.setting.steps else line for line in more)),))
        yield Paragraph(sentence(" ".join(filter(None, self._letters())), *self._quoted()))
        yield Paragraph(sentence(f"Assume for every ${self.writer.now[1]}$:"))
        yield Items(tuple((*row, "." if row is self.rows[-1] else ";") for row in self.rows), True)
        yield Paragraph(("Let",))
        yield self.writer.display(x("V").eq(self.stated.formulas.value), None)

    def _method(self) -> Parts:
        """The process that the theorem is about."""
        name = self.setting.method.name
        if not self.setting.steps:
            about = f"the {self.stated.about} stochastic differential equation of {name} from a fixed start"
            return sentence(rf"Let $X$ solve {about}, with the generator $\mathcal{{L}}$:")
        zero = " and ".join(f"${self.writer.vector(v, '_0')}=0$" for v, _ in self.setting.method.rule.memory)
        positive = "".join(f" and ${self.writer.symbol(at_the_start(b))}>0$" for b in self.setting.numbers)
        method = "the method" if name == "method" else f"the method {name}"
        return sentence(
            f"Consider {method}, started at a fixed point $x_0${positive}{' with ' + zero if zero else ''}:"
        )

    def _equation(self) -> list[str]:
        """The stochastic differential equation."""
        method, write = self.setting.method, self.writer
        model: Model = "corrected" if self.stated.about == "corrected" else "first-order"
        equation = sg.equation(model) if is_sign(method) else equation_of(method, model)
        schedule = num(1) if method.schedule.factor == 1 else nm.u
        drift = from_method.drift_terms(equation, schedule, {"mean": self.setting.mean, "curvature": nm.BENT})
        spread = from_method.diffusion_terms(equation, schedule)
        terms = write.combination([(c, write.named(v)) for c, v in drift]).replace(" + ", "+")
        terms = rf"\Big({terms}\Big)" if len(drift) > 1 else terms
        noise = [rf"+\sqrt{{{write.term(c)}}}\,S^{{1/2}}\,\mathrm{{d}}W_t" for c, _ in spread]
        return [rf"\mathrm{{d}}X_t={terms}\,\mathrm{{d}}t", *noise]

    def _quoted(self) -> list[Quoted]:
        """The noise and the compressor as the file names them."""
        return [
            Quoted(str(v))
            for key in ("noise", "compressor")
            if (v := self.stated.table.get(key, "any")) not in ("any", "none")
        ]

    def _letters(self) -> Iterator[str]:
        """Sentences on the letters of the method and of the loss; @ stands for the parts of `_quoted`."""
        write, method, steps = self.writer, self.setting.method, self.setting.steps
        relations = [self.setting.assumptions.get(n) or self.setting.definitions.get(n) for n in self.used]
        everything = (*[r for r in relations if r is not None], self.last.claim, self.stated.read_claim)
        symbols, heads = symbols_of(everything), {p[0] for r in everything for p in parts_of(r)}
        trace = write.short[nm.Q]
        count = method.clients
        clients = r"$N\ge 1$ clients" if self._symbolic else "one client" if count == 1 else f"{count} clients"
        if steps:
            if method.rule.uses("G", "fresh"):
                yield f"Here $G_n$ is {self._message(clients, trace)}."
            if method.rule.uses("raw"):
                noisy = "" if method.noise.law.degenerate and not self.setting.any_noise else " plus noise"
                yield rf"Here $\mathit{{raw}}(y)$ is the gradient of $f$ at $y${noisy}."
        elif "tr" in heads or nm.NOISE[1] in symbols:
            yield f"There are {clients}, and $S$ is the covariance of the message of one client at $X_t$, with the trace ${trace}$."
            yield "" if trace.startswith("Q") else "Here $Z$ is the noise of the client."
        words = {"noise": "The noise is @.", "compressor": "Messages are compressed by @."}
        yield from (said for key, said in words.items() if self.stated.table.get(key, "any") not in ("any", "none"))
        positive = [n.removesuffix(" > 0") for n in self.setting.assumptions if n.endswith(" > 0")]
        letters = self.setting.sources
        constants = [n for n in positive if letters.get(f"{n} > 0") == Source.LETTER and n in symbols and n != "eta"]
        constants = [n for n in constants if n not in map(at_the_start, self.setting.numbers)]
        fractions = {name for name in constants if f"{name} < 1" in self.setting.assumptions}
        signs = [rf"$0<{write.symbol(n)}<1$" if n in fractions else rf"${write.symbol(n)}>0$" for n in constants]
        yield rf"The step size is $\eta>0$, {''.join(f'the method has the constant {s}, ' for s in signs)}and $f^{{*}}$ is a lower bound of the loss $f$."
        if numbers := [f"${write.symbol(b)}$" for b in self.setting.numbers]:
            yield f"The rule keeps {' and '.join(numbers)} positive."
        if steps and not write.quiet:
            yield r"We write $\mathbb{E}_n$ for the mean given the first $n$ steps, and $\mathbb{E}$ for the mean over all draws."
        if steps and method.schedule.factor != 1:
            yield r"In the update rule, $\eta$ is multiplied by the schedule $u\ge 0$, which depends on $n$ alone."
        if steps and ("K" in symbols or "EI" in heads):
            yield "The number of steps is $K$."
        if steps and method.rule.uses("k"):
            yield "In the update rule, $k=n+1$ is the number of the step."
        for z in self.setting.draws_of_step:
            if z in self.setting.directed:
                y, length = write.combined(self.setting.directed[z], write.now), length_of(z)
                unit = rf"${write.vector(z)}$ for $y/\|y\|$ with $y={y}$, which is 0 if $y=0$"
                error = rf", and ${write.vector(length)}$ for $\|y-\nabla f(x_n)\|$"
                yield f"We write {unit}{error if length in self.setting.vectors else ''}."
            if z[0] == "v":
                sent = r"each client sends the signs of the coordinates of $\nabla f(x_n)$ plus its own noise"
                yield rf"In step $n$ {sent}, and $\mathit{{majority}}(\mathit{{local}})={write.vector(z)}$ has in each coordinate the sign of the sum of these signs, or 0 if the sum is 0."
            if z[0] == "s":
                yield rf"We write ${write.vector(z)}$ for $y_i-\bar y$ of the client that is drawn in step $n$; its mean given the past is 0."
            if z[0] == "m":
                yield rf"We write ${write.vector(z)}$ for $y_i-\bar y$ after gossip."
            if z[0] == "c" and not is_deviation(z):
                centred = "; its mean given the past is 0" if "unbiased" in self.stated.hypotheses.classes else ""
                loss = (
                    write.of_client(z.removesuffix(mean_of("")), write.now)
                    if z.endswith(mean_of(""))
                    else write.vector(z)
                )
                yield rf"We write ${loss}$ for $C(y)-y$, where $y$ is the vector that is compressed in step $n${centred}."
        if any(map(is_deviation, self.setting.vectors)) or any(v.endswith(mean_of("")) for v in self.setting.vectors):
            yield "The index $i$ marks what client $i$ has of its own, and a bar the mean over the clients."
            yield "Squares and products of such vectors, and values of $f$ at such points, stand for their means over $i$."
            if method.rule.uses("local", "local_raw"):
                noisy = "" if write.quiet or not any(v[0] == "z" for v in write.draws) else " plus its noise"
                yield rf"In the update rule, $\mathit{{local}}(y)$ is the gradient of client $i$ at $y${noisy}, and $\mathit{{mean}}$ is the mean over the clients."
        meanings = {
            "coin": r"$\mathit{coin}(p)$ is 1 with probability $p$, and else 0",
            "sample": r"$\mathit{sample}(y)$ is $y_i$ of a client $i$ that is drawn uniformly",
        }
        if words := [meaning for name, meaning in meanings.items() if method.rule.uses(name)]:
            yield f"{'; '.join(words)}. Such draws are independent of each other and of the past."
        if method.rule.uses("precondition"):
            yield r"We write $\mathit{precondition}(y)$ for $P_n\,y$, where $P_n$ is one matrix in all of step $n$."
        for z in sorted(v for v in write.draws if v[0] == "z" and not is_deviation(v)):
            xi = write.vector(z)
            if z.endswith(mean_of("")):
                xi = write.of_client(z.removesuffix(mean_of("")), write.now)
                yield rf"The noise ${xi}$ has the mean 0 given the past and the earlier draws, independently for different clients."
                continue
            if f"mean square of {spelt_vector(z)}" not in self.setting.definitions:  # its gradient is taken elsewhere
                yield rf"The noise ${xi}$ of a gradient that the step takes at another point than $x_n$ has the mean 0 given the past."
                continue
            size = rf"=\frac{{1}}{{N}}{trace}" if self._symbolic else ""
            yield rf"The noise ${xi}=G_n-\nabla f(x_n)$ of a step has the mean 0 given the past, and the mean square $\mathbb{{E}}_n\|{xi}\|^{{2}}{size}$."
        if any(p[:2] == ("f", "psi") for r in everything for p in parts_of(r)):
            yield r"The function $\psi(s)=(e^{s}-1-s)/s^{2}$ with $\psi(0)=\tfrac12$ is positive and increasing."
        for name, t in LETTERS.items() if is_sign(method) else ():
            if name in symbols_of((self.stated.read_claim, self.stated.read_step)):
                yield f"In the theorem, ${write.symbol(name)}={write.term(t)}$."
        if any(name.startswith("L > 0") for name in self.used):
            yield f"The loss is not constant, so that ${self._level()}>0$."
        if nm.G1[1] in symbols and method.rule.uses("majority"):
            norm = r"the sum of the absolute values of the coordinates of $\nabla f(x_n)$"
            there = "There is" if clients == "one client" else "There are"
            yield f"We write ${write.names[nm.G1[1]]}$ for {norm}. {there} {clients}."
        if "clip" in symbols:
            level = next(r for n, r in self.setting.assumptions.items() if n == "clip <= c/G").right
            yield rf"The factor of a clipped gradient is ${write.term(nm.clip)}=\min\{{1,{write.term(level)}/\|\nabla f(x_n)\|\}}$."
        if "d" in symbols:
            yield "The dimension is $d$."
        if self.last.axioms:
            exist = "All means that are written are assumed to exist and to be finite."
            yield exist if steps else f"A weak solution is assumed to exist up to explosion. {exist}"

    @property
    def _symbolic(self) -> bool:
        """Whether the number of clients is the letter N."""
        return not self.setting.method.clients.is_number

    def _message(self, clients: str, trace: str) -> str:
        """What the rule's G is."""
        if is_sign(self.setting.method):
            return (
                rf"the average of the messages of {clients}; the message of client $k$ consists of the signs of the coordinates of "
                r"$\nabla f(x_n)+\sigma_k Z$, where the coordinates of $Z$ are independent and have a symmetric unimodal law with "
                r"distribution function $F$. With $R=2F-1$, the mean of $G_n$ given the past is the vector $b_n$ with the coordinates "
                r"$b_j=\frac{1}{N}\sum_k R(\partial_j f(x_n)/\sigma_k)$. The covariance of a message, averaged over the clients, has the "
                r"trace $Q_n=\sum_j\big(1-\frac1N\sum_k R(\partial_j f(x_n)/\sigma_k)^{2}\big)$, since the coordinates of messages are 1 or -1"
            )
        if self.writer.quiet:
            return r"the gradient $\nabla f(x_n)$"
        if self.setting.mean != nm.GRADIENT:
            return rf"the average of the messages of {clients}, $b_n$ is its mean given the past, and ${trace}$ is the trace of the covariance of one message"
        noise = (
            "the covariance of one message has"
            if trace.startswith("Q")
            else "each is the gradient plus noise $Z$, whose covariance has"
        )
        return rf"the average of the messages of {clients}. Given the past, the messages are independent with the mean $\nabla f(x_n)$; {noise} the trace ${trace}$"

"""The proof of a theorem of one's own in words, from the facts of its certificate alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import AXIOMS, Fact
from sdescent.derive.proof.language.terms import Relation, Term, dot, norm, num, plus, times, under, vec, x
from sdescent.derive.theorems.bounds.kernel_context import says_nothing
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, replaced
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.prose.document import Block, Display, Items, Math, Paragraph, Part, Parts, Quoted, Ref, listed
from sdescent.derive.theorems.prose.letters import ProseWriter
from sdescent.derive.theorems.prose.statement import Statement
from sdescent.derive.theorems.prose.sums import ZERO, Adding, Field, Sum, aliases
from sdescent.derive.vocabulary.verdicts import Source

#: the longest formula of a multiplied inequality in a row, in characters of LaTeX
LONGEST = 240


class Proof:
    """The proof of a theorem in words.

    Args:
        stated: the theorem.
        certificate: the certificate of its proof.

    Raises:
        ProofError: the certificate does not hold, or a sentence would not be what it holds.
    """

    def __init__(self, stated: Stated, certificate: Mapping[str, Any]) -> None:
        self.stated, self.setting, self.last = stated, stated.setting, rebuild(certificate)
        self.writer = ProseWriter(self.setting)
        definitions = self.setting.definitions
        same = aliases(definitions, lambda r: says_nothing(self.setting, r) or r == nm.Q.eq(nm.NOISE))
        if (nm.Q, nm.NOISE) in same:
            self.writer.short[nm.Q] = self.writer.names[nm.NOISE[1]]
        values = {p.value for key, p in self.setting.potentials.items() if isinstance(key, str)} | {nm.f}
        starts = {t for key, p in self.setting.potentials.items() if isinstance(key, str) for t in (p.start, p.end)}
        values |= {p.value for p in self.setting.points} | starts
        declared = [t for t in values if t[1] in self.setting.context.symbols]
        self.field = Field(self.last.context, same, {t: nm.fstar for t in declared})
        self.facts = ancestry(self.last)
        self.adding = Adding(self.field, lambda fact: id(fact) in self.shown)
        self.shown = self._shown()
        key = self.field.normal.key
        relations = {**self.setting.assumptions, **definitions}
        self.names = {key(r): name for name, r in relations.items()}
        used = {self.names[k] for k in (key(h) for h in self.last.hypotheses.values()) if k in self.names}
        self.statement = Statement(stated, self.writer, used, self.last)
        self.refs: dict[int, Parts] = {}
        self.blocks: list[Block] = []
        self.count = 0
        self.weighted = stated.weighted

    def document(self) -> list[Block]:
        """The statement and the proof."""
        head = self.statement.blocks()
        bounds: list[tuple[Relation, Relation]] = []
        step, read = self.stated.step, self.stated.read_step
        if step is not None and read is not None and step != self.last.claim:
            bounds.append((step, read))
        final = self.stated.read_claim if self.stated.integrated else read
        printed = final if self.last.claim in (self.stated.claim, step) and final is not None else self.spelt(self.last.claim)
        bounds.append((self.last.claim, printed))
        self.printed = dict(bounds)
        where = "for every step" if self.setting.steps else "at every state"
        for n, (claim, read) in enumerate(bounds):
            last = n == len(bounds) - 1
            whole = last and (self.stated.integrated or len(bounds) > 1)
            words = "Then" if n == 0 else "Consequently"
            words += ", over all steps," if whole and self.setting.steps else ", over the whole time," if whole else f", {where},"
            head.append(Paragraph((words,)))
            head.append(self.writer.display(read, number := self.next()))
            self.refs |= {id(f): (Ref(number),) for f in self.facts if f.claim == claim and not self.alias(f)}
        self.targets = {id(f) for f in self.facts if id(f) in self.refs}
        start: Parts = ("The constants are those of the theorem.",) if False else ()
        self.blocks = []
        self.prove(self.last)
        first = self.blocks[0]
        if isinstance(first, Paragraph):
            self.blocks[0] = Paragraph((*start, *first.parts), "Proof")
        unused = self.statement.unused()
        if unused:
            self.say("The proof does not use ", *listed([(r,) for r in unused]), ".")
        return [*head, *self.blocks]

    def next(self) -> int:
        self.count += 1
        return self.count

    def say(self, *parts: Part) -> None:
        self.blocks.append(Paragraph(parts))

    # --- which certified facts the text states

    @staticmethod
    def alias(fact: Fact) -> bool:
        """Whether a certified fact says what its only premise says."""
        data = fact.data
        if fact.rule != "certify" or len(fact.premises) != 1 or data["equalities"] or len(data["sum"]) != 1:
            return False
        ((c, numbers, squares),) = data["sum"]
        return c == 1 and numbers == (0,) and not squares and tuple(data["mult"]) == ((1, (), ()),)

    def root(self, fact: Fact) -> Fact:
        while self.alias(fact):
            fact = fact.premises[0]
        return fact

    def _shown(self) -> set[int]:
        """The certified facts that the text states: those under an operator, and those that use more than arithmetic."""
        shown = {id(self.root(self.last))}
        for f in self.facts:
            if f.rule == "monotone":
                shown.add(id(self.root(f.premises[0])))
            elif f.rule in ("decay", "summable"):
                shown.add(id(self.root(f.premises[1])))
            elif f.rule == "certify" and not self.alias(f):
                rules = {(p.rule, p.data.get("operator")) for p in f.premises}
                own = {rule for rule, operator in rules if rule != "monotone" or operator != "E"}
                if own & {"monotone", "telescope", "decay", "summable", "quad_bound", "trace_bound", "ito", "gronwall"}:
                    shown.add(id(f))
        return {id(f) for f in self.facts if id(f) in shown and f.rule == "certify"}

    # --- sentences

    def prove(self, fact: Fact) -> Parts:
        """Write the proof of a fact, unless it is written, and return the reference to it."""
        fact = self.root(fact)
        if id(fact) in self.refs and id(fact) not in self.targets:
            return self.refs[id(fact)]
        self.targets.discard(id(fact))
        if fact.rule == "assume":
            self.refs[id(fact)] = self._assumed(fact)
        elif fact.rule == "monotone":
            self.refs[id(fact)] = self._under(fact)
        elif fact.rule == "certify":
            self._step(fact, self.adding.sum_of(fact))
        elif fact.rule == "descent":
            self._descent(fact)
        elif fact.rule in ("decay", "summable"):
            self._whole(fact)
        else:
            self.refs[id(fact)] = self._rule(fact)
        return self.refs[id(fact)]

    def state(self, fact: Fact, read: Relation | None = None) -> None:
        """Display what a fact says and number it; a claim of the theorem has its number already."""
        if id(fact) in self.refs:
            return
        number = self.next()
        self.refs[id(fact)] = (Ref(number),)
        self.blocks.append(self.writer.display(read or fact.claim, number))

    def _assumed(self, fact: Fact) -> Parts:
        name = self.names[self.field.normal.key(fact.claim)]
        source = self.setting.sources.get(name, Source.LETTER)
        if (ref := self.statement.reference(name)) is not None:
            return (ref,)
        if source == Source.LITERATURE:
            self.say(*self.statement.literature(name))
            self.state(fact)
            return self.refs[id(fact)]
        if name.startswith("change of ") or name == "generator of f":
            self.say(*self.statement.moments(name))
            self.state(fact)
            return self.refs[id(fact)]
        return (Math(self.writer.turned(fact.claim)),)

    def _under(self, fact: Fact) -> Parts:
        (premise,), operator = fact.premises, fact.data["operator"]
        if self.root(premise).rule == "certify" and id(self.root(premise)) in self.shown:
            self.prove(premise)
        words = {
            "E": "", "S": ", summed over the coordinates", "Si": ", summed over the coordinates",
            "C": ", summed over the clients", "EI": ", summed over the steps in the mean" if self.setting.steps else
            ", integrated in the mean", "I": ", summed over the steps" if self.setting.steps else ", integrated",
        }[operator]  # fmt: skip
        inner = self.prove(premise) if premise.rule != "certify" or id(self.root(premise)) in self.shown else (
            Math(self.writer.turned(premise.claim)),
        )
        return (*inner, words) if words else inner

    def _rule(self, fact: Fact) -> Parts:
        words = RULES.get(fact.rule)
        if words is not None:
            self.say(words)
            self.state(fact)
            return self.refs[id(fact)]
        return (Math(self.writer.turned(fact.claim)),)

    def _descent(self, fact: Fact) -> None:
        smooth = self.statement.reference_of_class("smooth")
        entry = self.last.context.potentials["f"]
        bend = entry["smoothness"][1] != ZERO
        lemma = "the descent lemma for $(L_0,L_1)$-smooth functions" if bend else "the descent lemma"
        write = self.writer
        mean = write.combination([(c, write.named(v)) for c, v in entry["mean"]]) or "0"
        cited = " (Zhang, Jin, Fang and Wang 2020; here with the constant that the integral gives)" if bend else ""
        step = Math(r"D_n=x_{n+1}-x_n")
        self.say(
            "Let ", step, " be a step of the method. By the update rule and the moments of a message, its mean given the past is ",
            Math(rf"\mathbb{{E}}_n D_n={mean}"), ", and its mean square is at most",
        )  # fmt: skip
        square = Display((("\\mathbb{E}_n\\|D_n\\|^{2}",), write.pieces(entry["square"])), (r"\le",), None)
        self.blocks.append(square)
        gradient = rf"\nabla f(x_n)"
        low = write.inside(entry["smoothness"][0], 1)
        formula = rf"f(x_n+D_n)\le f(x_n)+\langle {gradient},D_n\rangle+\tfrac{{1}}{{2}}{low}\|D_n\|^{{2}}"
        reach: Parts = ()
        if bend:
            level = write.term(entry["smoothness"][0] + entry["smoothness"][1] * norm(vec("g")))
            at = write.term(fact.data["reach"])
            formula = rf"f(x_n+D_n)\le f(x_n)+\langle {gradient},D_n\rangle+\psi({at})({level})\|D_n\|^{{2}}"
            bound = write.term(entry["smoothness"][1] * entry["radius"])
            reach = (
                ", because ", Math(rf"L_1\|D_n\|\le {bound}\le {at}".replace("L_1", write.term(entry["smoothness"][1]))),
                " by ", *self.prove(fact.premises[1]),
            )  # fmt: skip
        of = ("By ", smooth, " and ") if smooth else ("By ",)
        self.say(*of, lemma.replace("$(L_0,L_1)$", "(L0, L1)"), cited, ", every draw satisfies ", Math(formula), *reach,
                 ". Taking the mean given the past, we obtain")  # fmt: skip
        self.state(fact)

    # --- sums

    def _step(self, fact: Fact, total: Sum) -> None:
        rules = {f.rule for f in total.facts()}
        if "telescope" in rules:
            self._telescoped(fact, total)
            return
        if len(total.facts()) == 1 and rules & {"decay", "summable"}:
            self._whole(total.facts()[0], fact)
            return
        rows: list[Parts] = []
        factors: list[sp.Expr] = []
        for f, c in total.inequalities.values():
            rows.append(self._row(self.prove(f), f, c))
            factors.append(c)
        identities: list[Parts] = []
        for f, t in total.equalities.values():
            ref = self.prove(f)
            if isinstance(ref[-1], Ref) and t != 1:
                rows.append(self._row(("the identity ", *ref), f, t, False))
            elif isinstance(ref[-1], Ref):
                rows.append(("the identity ", *ref))
            else:
                identities.append(ref)
        remainder = self._remainder(total)
        factors += [c for _, c in total.vectors.values()] + [c for c, _ in total.squares]
        signs = self._signs(total, factors)
        target = self.refs.get(id(fact))
        aim: Parts = (" To prove ", *target, ", we") if target else ("We",)
        lead = aim[1:] if False else aim
        first = "".join(p for p in lead[:1] if isinstance(p, str)).strip()
        lead = (first + (" " if target else ""), *lead[1:]) if target else ("We",)
        insert: Parts = (" We insert ", *listed(identities), ".") if identities else ()
        if len(rows) == 1 and not remainder:
            words = ("take ",) if not rows[0] else ("use ",)
            self.say(*lead, " ", *words, *rows[0], ".", *signs, *insert)
        elif rows:
            self.say(*lead, " add the following:")
            self.blocks.append(Items(tuple((*row, ";" if n < len(rows) - 1 else ".") for n, row in enumerate(rows))))
            if signs or insert:
                self.say(*(p if n else p.lstrip() if isinstance(p, str) else p for n, p in enumerate((*signs, *insert))))
        elif signs or insert:
            self.say(*(p if n else p.lstrip() if isinstance(p, str) else p for n, p in enumerate((*signs, *insert))))
        if remainder:
            claim = self.printed.get(fact.claim, fact.claim) if hasattr(self, "printed") else fact.claim
            left = replace(self.writer.display(claim, None), stop=",")
            more = tuple(f"+{p}" if not p.startswith("-") else p for p in remainder)
            sides = ((*left.pieces[0], *more), *left.pieces[1:])
            if claim.right == ZERO and claim.left != ZERO or not rows:
                sides = ((*left.pieces[0], *more), *left.pieces[1:])
            self.say("After cancellation the sum reads" if rows else "Indeed,")
            self.blocks.append(replace(left, pieces=sides))
            what = "terms that are added on the left-hand side are" if len(remainder) > 1 else "term that is added on the left-hand side is"
            if target:
                self.say(f"and the {what} nonnegative. This proves ", *target, ".")
            else:
                self.say(f"and the {what} nonnegative. Hence")
                self.state(fact)
        elif target:
            self.say("The sum is ", *target, "." if len(rows) > 1 else ".") if len(rows) != 1 else self.say("This is ", *target, ".")
        else:
            self.say("After cancellation this gives")
            self.state(fact)

    def _row(self, ref: Parts, fact: Fact, c: sp.Expr, spelt: bool = True) -> Parts:
        if c == 1:
            return ref
        factor = self.writer.term(self.field.term(c))
        parts: Parts = (*ref, " multiplied by ", Math(factor))
        if not spelt or not isinstance(ref[-1], Ref):
            return parts
        sides = [self.field.term(c * self.field.of(side), False) for side in fact.claim[1:]]
        product = self.writer.turned(Relation((fact.claim.op, *sides)))
        return (*parts, ", that is, ", Math(product)) if len(product) < LONGEST else parts

    def _remainder(self, total: Sum) -> list[str]:
        """The squares, and products of nonnegative facts, that a sum leaves on the left-hand side."""
        out: list[str] = []
        for fact, c in total.vectors.values():
            vector = self.writer.combination([(t, self.writer.named(v)) for t, v in fact.data["parts"]])
            drawn = {v[1] for _, v in fact.data["parts"]} & (self.writer.later | self.writer.draws)
            mean = self.writer.mean if drawn else ""
            factor = "" if c == 1 else self.writer.inside(self.field.term(c), 1) + r"\,"
            text = rf"{factor}{mean}\big\|{vector.replace(' + ', '+')}\big\|^{{2}}"
            out.append(text)
        for c, base in total.squares:
            factor = self.field.term(c)
            t = factor if base is None else base**2 if c == 1 else times(factor, base**2)
            out.append(self.writer.term(t))
        return out

    def _signs(self, total: Sum, factors: Sequence[sp.Expr]) -> Parts:
        """Why the factors are nonnegative."""
        letters = set[sp.Symbol]().union(*[sp.sympify(c).free_symbols for c in factors if not sp.sympify(c).is_number])
        reasons: list[Parts] = []
        for fact in total.signs.values():
            e = self.field.slack(fact.claim)
            if fact.rule in ("nonnegative", "squared_norm") or not e.free_symbols & letters:
                continue
            if e.free_symbols - letters and fact.rule == "assume" and ZERO in (fact.claim.left, fact.claim.right):
                continue
            name = self.names.get(self.field.normal.key(fact.claim)) if fact.rule == "assume" else None
            author = name in self.statement.formulas
            reasons.append(self.prove(fact) if author else (Math(self.writer.turned(fact.claim)),))
        unique = list(dict.fromkeys(reasons))
        if not letters or not unique:
            return ()
        return (" The factors are nonnegative, since ", *listed(unique), ".")

    # --- over all steps

    def _telescoped(self, fact: Fact, total: Sum) -> None:
        steps = self.setting.steps
        drift = next(f for f, _ in total.inequalities.values() if f.rule == "monotone" and f.data["operator"] == "EI")
        step = self.prove(drift.premises[0])
        ends = [f for f, _ in total.inequalities.values() if f.rule == "monotone" and f.data["operator"] == "E"]
        parts = self.weighted.parts
        low = self.field.of(plus(*[w * nm.fstar for w, p in parts if p.value[1].startswith("f")]) + self.weighted.constant)
        least = self.writer.term(self.field.term(low))
        end, start = self.writer.names["EVT"], "V_0"
        if steps:
            self.say(
                "We take the mean of ", *step, " over all draws and add the results for ", Math(r"n=0,\dots,K-1"),
                ". By the tower property the left-hand sides add up to ", Math(rf"{end}-{start}"), ".",
            )  # fmt: skip
        else:
            self.say(
                "We integrate ", *step, " over ", Math("[0,T]"), " and take the mean. By Dynkin's formula, which is Ito's formula in the mean, ",
                Math(rf"{end}-{start}\le\mathbb{{E}}\int_0^T\mathcal{{L}}V(X_t)\,\mathrm{{d}}t"),
                "; stopped processes and Fatou's lemma justify it, since ", Math("V"), " is bounded below.",
            )  # fmt: skip
        reasons = listed([self.prove(f.premises[0]) for f in ends])
        self.say("Moreover ", Math(rf"{end}\ge {least}"), " because ", *reasons, ". Together this ", *self._gives(fact))
        self.state(fact, self.printed.get(fact.claim) or self.spelt(fact.claim))

    def _gives(self, fact: Fact) -> Parts:
        return ("is ", *self.refs[id(fact)], ".") if id(fact) in self.refs else ("gives",)

    def _whole(self, rule: Fact, fact: Fact | None = None) -> None:
        """Geometric decay, or Robbins and Siegmund's lemma; `fact` says the same about V, of which the rule's V is a part."""
        fact = fact or rule
        data, field, write = rule.data, self.field, self.writer
        drift = self.prove(rule.premises[1])
        steps = self.setting.steps
        if rule.rule == "summable":
            self.say("The bound ", *drift, " is of the form that Robbins and Siegmund (1971) treat; the product of the growth factors "
                     "is at most the exponential of their sum, so that induction over the steps ", *self._gives(fact))  # fmt: skip
            self.state(fact)
            return
        rate = write.term(field.term(field.of(data["rate"])))
        offset = field.of(data["offset"]) + field.of(data["rate"]) * field.of(self.weighted.constant)
        floor = write.term(field.term(offset))
        reasons = listed(list(dict.fromkeys(r for p in rule.premises[2:] for r in self._positive(p))))
        end = write.names["EVT"]
        if steps:
            bound = rf"\mathbb{{E}}\,V_{{n+1}}\le(1-k)\,\mathbb{{E}}\,V_n+c"
            self.say("Let ", Math(rf"k={rate}"), " and ", Math(rf"c={floor}"), ". The mean of ", *drift, " over all draws reads ", Math(bound),
                     ", and ", Math("0<k<1"), " because ", *reasons, ". By induction over ", Math("n"), ",")  # fmt: skip
            first = rf"{end}\le(1-k)^{{K}}\,V_0+c\sum_{{m=0}}^{{K-1}}(1-k)^{{m}}"
            self.blocks.append(Display(((end,), (r"(1-k)^{K}\,V_0", r"+c\sum_{m=0}^{K-1}(1-k)^{m}")), (r"\le",), None, ","))
            self.say("and the geometric sum is ", Math(r"(1-(1-k)^{K})/k"), ". This ", *self._gives(fact))
        else:
            self.say("Let ", Math(rf"k={rate}"), " and ", Math(rf"c={floor}"), ", where ", Math("k>0"), " because ", *reasons,
                     ". By ", *drift, ", the drift of ", Math(r"e^{kt}V(X_t)"), " is at most ", Math(r"c\,e^{kt}"),
                     ". Ito's formula in the mean, multiplied by ", Math("e^{-kT}"), ", ", *self._gives(fact))  # fmt: skip
        self.state(fact, self.printed.get(fact.claim) or self.spelt(fact.claim))

    def _positive(self, fact: Fact) -> Iterator[Parts]:
        from sdescent.derive.theorems.prose.sums import leaves

        for leaf in leaves(fact):
            yield self.prove(leaf)

    def spelt(self, claim: Relation) -> Relation:
        """A bound at the horizon with V_0 and E V_K in place of their terms."""
        v, field = self.weighted, self.field
        letters = {v.start + v.constant: x("V0"), under("E", v.end) + v.constant: x("EVT")}
        if not field.normal.polynomial(v.constant):
            letters |= {v.start: x("V0"), under("E", v.end): x("EVT")}
        left, right = (replaced(side, letters) for side in claim[1:])
        names = {p.start for p in self.setting.potentials.values()}
        if any(p in names for p in parts_of(right)):
            rest = field.of(claim.right) - field.of(v.start + v.constant)
            right = plus(x("V0"), *([] if field.zero(rest) else [field.term(rest, False)]))
        if left[0] == "EI":
            left = field.term(field.of(left), False) if field.of(left).is_Mul else left
        return Relation((claim.op, left, right))


#: rule -> the words before its display
RULES = {
    "quad_bound": "Since the eigenvalues of the Hessian are at most its norm in absolute value,",
    "trace_bound": "Since a covariance has nonnegative eigenvalues and those of the Hessian are at most its norm in absolute value,",
    "cauchy_schwarz": "By the Cauchy-Schwarz inequality,",
    "ball": "The following inequality in one variable was checked by interval arithmetic:",
    "function": "The following is a property of the function:",
    "declared": "The following is a property of the law of the noise:",
}

"""The proof of a theorem of one's own in words, from the facts of its certificate alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, fn, norm, plus, times, under, vec, x
from sdescent.derive.theorems.bounds.kernel_context import says_nothing
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.prose.document import (
    Block,
    Display,
    Items,
    Math,
    Paragraph,
    Part,
    Parts,
    Ref,
    listed,
)
from sdescent.derive.theorems.prose.letters import ProseWriter
from sdescent.derive.theorems.prose.statement import Statement
from sdescent.derive.theorems.prose.sums import ZERO, Adding, Field, Sum, aliases, leaves
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
        write = self.writer
        same = aliases(
            definitions,
            lambda r: (
                says_nothing(self.setting, r) or r == nm.Q.eq(nm.NOISE) or write.term(r.left) == write.term(r.right)
            ),
        )
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
        self.printed: dict[Relation, Relation] = {}
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
        decay = next((f for f in self.facts if f.rule == "decay"), None)
        if self.last.claim in (self.stated.claim, step) and final is not None:
            printed = final
        else:
            printed = self.spelt(self.last.claim) if decay is None else self.decayed(self.last, decay)
        bounds.append((self.last.claim, printed))
        self.printed = dict(bounds)
        where = "for every step" if self.setting.steps else "at every state"
        for n, (claim, read) in enumerate(bounds):
            last = n == len(bounds) - 1
            whole = last and (self.stated.integrated or len(bounds) > 1)
            words = "Then" if n == 0 else "Consequently"
            words += (
                ", over all steps,"
                if whole and self.setting.steps
                else ", over the whole time,"
                if whole
                else f", {where},"
            )
            head.append(Paragraph((words,)))
            head.append(self.writer.display(read, number := self.next()))
            self.refs |= {id(f): (Ref(number),) for f in self.facts if f.claim == claim and not self.alias(f)}
        self.targets = {id(f) for f in self.facts if id(f) in self.refs}
        self.blocks = []
        self.prove(self.last)
        first = self.blocks[0]
        if isinstance(first, Paragraph):
            self.blocks[0] = Paragraph(first.parts, "Proof")
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
        return {id(f) for f in self.facts if id(f) in shown and f.rule == "certify" and f.premises}

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
        self.blocks.append(self.writer.display(read or self.short(fact.claim), number))

    def short(self, claim: Relation) -> Relation:
        """A claim with its equal terms collected, unless a side has terms that are shorter in factors."""
        sides = [
            self.field.term(e, False) if len((e := self.field.of(t)).as_ordered_terms()) > 1 else t for t in claim[1:]
        ]
        return Relation(
            (claim.op, *(a if len(str(a)) <= len(str(b)) else b for a, b in zip(sides, claim[1:], strict=True)))
        )

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
        """A fact under a mean or a sum."""
        premise, operator = self.root(fact.premises[0]), fact.data["operator"]
        if premise.rule == "certify" and id(premise) not in self.shown:
            return (Math(self.writer.turned(fact.claim)),)
        inner = self.prove(premise)
        over = {"S": "coordinates", "Si": "coordinates", "C": "clients", "I": "steps", "EI": "steps"}.get(operator)
        return inner if over is None else ("the sum of ", *inner, f" over the {over}")

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
        write = self.writer
        mean = write.combination([(c, write.named(v)) for c, v in entry["mean"]]) or "0"
        self.say("Let ", Math("D_n=x_{n+1}-x_n"), " be the step. By the update rule and the moments of the messages, ",
                 Math(rf"\mathbb{{E}}_n D_n={mean}"), " and")  # fmt: skip
        square = self.field.term(self.field.of(entry["square"]), False)
        self.blocks.append(Display(((r"\mathbb{E}_n\|D_n\|^{2}",), write.pieces(square)), (r"\le",), None))
        low, more = entry["smoothness"]
        level, at = write.inside(low, 1), fact.data["reach"]
        factor, why = rf"\tfrac{{1}}{{2}}\,{level}", ()
        if bend:
            factor = rf"{write.term(fn('psi', at))}\,({write.term(low + more * norm(vec(nm.GRADIENT)))})"
            bound = rf"{write.term(more)}\,\|D_n\|\le {write.term(more * entry['radius'])}\le {write.term(at)}"
            reach = self.prove(fact.premises[1])
            why = (
                "since ",
                Math(r"\psi"),
                " increases and ",
                Math(bound),
                *((" by ", *reach) if isinstance(reach[-1], Ref) else ()),
            )
        of: Parts = ("By ", smooth, " and the descent lemma") if smooth else ("By the descent lemma",)
        cited = (
            " for (L0, L1)-smooth functions (Zhang, Jin, Fang and Wang 2020, with the constant that the integral gives)"
            if bend
            else ""
        )
        self.say(*of, cited, ", every value of the step satisfies")
        left, right = ("f(x_n+D_n)",), ("f(x_n)", r"+\langle\nabla f(x_n),D_n\rangle", rf"+{factor}\,\|D_n\|^{{2}}")
        self.blocks.append(Display((left, right), (r"\le",), None, "," if why else "."))
        self.say(*((*why, ". ") if why else ()), "Taking the mean given the past gives")
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
        rows = [(self.prove(f), f, c) for f, c in total.inequalities.values()]
        identities: list[Parts] = []
        for f, t in total.equalities.values():
            ref = self.prove(f)
            if isinstance(ref[-1], Ref):
                rows.append((("the identity ", *ref), f, t))
            else:
                identities.append(ref)
        rows.sort(key=lambda row: row[2] != 1 or not isinstance(row[0][-1], Ref) or row[0][-1].assumption)
        remainder, named = self._remainder(total)
        factors = [c for table in (total.inequalities, total.vectors) for _, c in table.values()]
        signs = self._signs(total, factors + [c for c, _ in total.squares])
        target = self.refs.get(id(fact))
        insert: Parts = ("Insert ", *listed(identities), ". ") if identities else ()
        aim: Parts = ("To prove ", *target, ", we add") if target else ("We add",)
        if len(rows) > 1:
            lead: Parts = ()
            if rows[0][2] == 1 and isinstance(rows[0][0][-1], Ref):
                lead, rows = (" to ", *rows[0][0]), rows[1:]
            what = " the following inequality" if len(rows) == 1 else " the following inequalities"
            since: Parts = (
                (
                    ", whose factors are nonnegative since "
                    if len(rows) > 1
                    else ", whose factor is nonnegative since ",
                    *signs,
                )
                if signs
                else ()
            )
            self.say(*aim, *lead, what, *since, ":")
            self.blocks.append(
                Items(tuple((*self._row(*row), ";" if n < len(rows) - 1 else ".") for n, row in enumerate(rows)))
            )
            signs = ()
        elif rows:
            ((ref, _, c),) = rows
            since = (", where " if not isinstance(signs[0], str) else ", which is positive ", *signs) if signs else ()
            by: Parts = (
                ("Multiply ", *ref, " by ", Math(self.writer.term(self.field.term(c)))) if c != 1 else ("Take ", *ref)
            )
            insert, signs = (*by, *since, *((", and insert ", *listed(identities)) if identities else ()), ". "), ()
        several = fact.claim == self.stated.step and len(self.weighted.parts) > 1
        both: Parts = (
            (
                "The changes of the parts of ",
                Math("V"),
                " on the left-hand sides add up to ",
                Math(self.writer.names["change"]),
                ". ",
            )
            if several
            else ()
        )
        if remainder:
            shape = replace(self.writer.display(self.printed.get(fact.claim, fact.claim), None, turn=False), stop=",")
            more = tuple(p if p.startswith("-") else f"+{p}" for p in remainder)
            left = (remainder[0], *more[1:]) if shape.pieces[0] == ("0",) else (*shape.pieces[0], *more)
            self.say(*insert, *both, *named, "After cancellation, the sum reads" if rows else "We have")
            self.blocks.append(replace(shape, pieces=(left, *shape.pieces[1:])))
            what = (
                "the last terms on the left-hand side are"
                if len(remainder) > 1
                else "the last term on the left-hand side is"
            )
            since = (" since ", *signs) if signs else ()
            self.say(
                f"and {what} nonnegative", *since, ". This ", *(("proves ", *target, ".") if target else ("gives",))
            )
        elif target:
            self.say(
                *insert,
                *both,
                "After cancellation, " if len(rows) > 1 or not insert else "This is ",
                *(("the sum is ",) if len(rows) > 1 or not insert else ()),
                *target,
                ".",
            )
        else:
            self.say(*insert, *both, "After cancellation, we obtain")
        self.state(fact)

    def _row(self, ref: Parts, fact: Fact, c: sp.Expr) -> Parts:
        """An inequality with its factor, and their product if that is short."""
        if c == 1:
            return ref
        parts: Parts = (*ref, " multiplied by ", Math(self.writer.term(self.field.term(c))))
        sides = [c * self.field.of(side) for side in fact.claim[1:]]
        if (
            ref[0] == "the identity "
            or not isinstance(ref[-1], Ref)
            or any(len(sp.expand(e).as_ordered_terms()) > 2 for e in sides)
        ):
            return parts
        shapes = [[self.field.term(e), self.field.term(e, False)] for e in sides]
        product = Relation((fact.claim.op, *(min(each, key=lambda t: len(self.writer.term(t))) for each in shapes)))
        return (*parts, ", that is, ", Math(self.writer.turned(product)))

    def _remainder(self, total: Sum) -> tuple[list[str], Parts]:
        """The squares and products of signs that a sum leaves on the left-hand side, and the vectors that get a letter there."""
        out: list[str] = []
        named: list[Parts] = []
        for fact, c in total.vectors.values():
            parts = [(self.field.term(self.field.of(t)), v) for t, v in fact.data["parts"]]
            vector = self.writer.combination([(t, self.writer.vector(v)) for t, v in parts]).replace(" + ", "+")
            if len(parts) > 2:
                letter = self.writer.letter_of_square(len(named))
                named.append((Math(f"{letter}={vector}"),))
                vector = letter
            mean = self.writer.mean if {v for _, v in parts} & (self.writer.later | self.writer.draws) else ""
            factor = "" if c == 1 else self.writer.inside(self.field.term(c), 1) + r"\,"
            out.append(rf"{factor}{mean}\|{vector}\|^{{2}}")
        for c, base in total.squares:
            out.append(self.writer.term(self.field.term(c * (1 if base is None else self.field.of(base) ** 2))))
        return out, ("Let ", *listed(named), ". ") if named else ()

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
        return because(reasons) if letters else ()

    # --- over all steps

    def _telescoped(self, fact: Fact, total: Sum) -> None:
        steps = self.setting.steps
        drift = next(f for f, _ in total.inequalities.values() if f.rule == "monotone" and f.data["operator"] == "EI")
        step = self.prove(drift.premises[0])
        ends = [f for f, _ in total.inequalities.values() if f.rule == "monotone" and f.data["operator"] == "E"]
        parts = self.weighted.parts
        low = self.field.of(
            plus(*[w * nm.fstar for w, p in parts if p.value[1].startswith("f")]) + self.weighted.constant
        )
        least = self.writer.term(self.field.term(low))
        end, start = self.writer.names["EVT"], "V_0"
        if steps:
            self.say(
                "We take the mean of ", *step, " over all draws and add the results for ", Math(r"n=0,\dots,K-1"),
                ". By the tower property the left-hand sides add up to ", Math(rf"{end}-{start}"), ".",
            )  # fmt: skip
        else:
            self.say(
                "We integrate ", *step, " over ", Math("[0,T]"), " and take the mean. By Dynkin's formula, which is Itô's formula in the mean, ",
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
        k = data["rate"]
        rate = write.term(field.term(field.of(k)))
        offset = field.of(data["offset"]) + field.of(data["rate"]) * field.of(self.weighted.constant)
        floor = write.term(field.term(offset))
        reasons = because(r for p in rule.premises[2:] for r in self._positive(p))
        end = write.names["EVT"]
        self.printed.setdefault(fact.claim, self.decayed(fact, rule))
        if steps:
            bound = r"\mathbb{E}\,V_{n+1}\le(1-k)\,\mathbb{E}\,V_n+c"
            self.say("Let ", Math(rf"k={rate}"), " and ", Math(rf"c={floor}"), ". The mean of ", *drift, " over all draws reads ", Math(bound),
                     ", and ", Math("0<k<1"), " since ", *reasons, ". By induction over ", Math("n"), ",")  # fmt: skip
            first = rf"{end}\le(1-k)^{{K}}\,V_0+c\sum_{{m=0}}^{{K-1}}(1-k)^{{m}}"
            self.blocks.append(
                Display(((end,), (r"(1-k)^{K}\,V_0", r"+c\sum_{m=0}^{K-1}(1-k)^{m}")), (r"\le",), None, ",")
            )
            self.say("and the geometric sum is ", Math(r"(1-(1-k)^{K})/k"), ". This ", *self._gives(fact))
        else:
            self.say("Let ", Math(rf"k={rate}"), " and ", Math(rf"c={floor}"), ", where ", Math("k>0"), " since ", *reasons,
                     ". By ", *drift, ", the drift of ", Math(r"e^{kt}V(X_t)"), " is at most ", Math(r"c\,e^{kt}"),
                     ". Itô's formula in the mean, multiplied by ", Math("e^{-kT}"), ", ", *self._gives(fact))  # fmt: skip
        self.state(fact, self.printed.get(fact.claim) or self.spelt(fact.claim))

    def decayed(self, fact: Fact, rule: Fact) -> Relation:
        """The bound of geometric decay with V_0 and c/k in lowest terms."""
        v, field, rate = self.weighted, self.field, rule.data["rate"]
        offset = rule.data["offset"] + rate * v.constant
        horizon = self.setting.horizon
        left = fn("exp", horizon * fn("log", 1 - rate)) if self.setting.steps else fn("exp", -rate * horizon)
        quotient = field.term(field.of(offset) / field.of(rate))
        if not field.zero(
            field.of((v.start + v.constant) * left + offset / rate * (1 - left)) - field.of(fact.claim.right)
        ):
            return self.spelt(fact.claim)
        return x("EVT").le(plus(times(x("V0"), left), *([] if quotient == ZERO else [times(quotient, 1 - left)])))

    def _positive(self, fact: Fact) -> Iterator[Parts]:
        for leaf in leaves(fact):
            yield self.prove(leaf)

    def spelt(self, claim: Relation) -> Relation:
        """A bound at the horizon with V_0 and E V_K in place of their terms, and constants in front of sums."""
        v, field = self.weighted, self.field
        letters = {under("E", v.end) + v.constant: x("EVT")}
        if not field.normal.polynomial(v.constant):
            letters |= {under("E", v.end): x("EVT")}
        left = replaced(claim.left, letters)
        if left[0] == "EI":
            factors = sp.Mul.make_args(sp.factor(field.of(left[1])))
            outside = sp.Mul(*[f for f in factors if not field.random(f)])
            inside = under("EI", field.term(sp.Mul(*[f for f in factors if field.random(f)])))
            left = inside if outside == 1 else times(field.term(outside), inside)
        rest = field.of(claim.right) - field.of(v.start + v.constant)
        return Relation((claim.op, left, x("V0") if field.zero(rest) else plus(x("V0"), field.term(rest))))


def because(reasons: Iterable[Parts]) -> Parts:
    """Formulas and references to assumptions as reasons, to stand after "since"."""
    unique = list(dict.fromkeys(reasons))
    formulas = [parts for parts in unique if not isinstance(parts[0], Ref)]
    refs = [parts for parts in unique if isinstance(parts[0], Ref)]
    by: Parts = ((" and by " if formulas else "by "), *listed(refs)) if refs else ()
    return (*listed(formulas), *by)


#: rule -> the words before its display
RULES = {
    "quad_bound": "Since the eigenvalues of the Hessian are at most its norm in absolute value,",
    "trace_bound": "Since a covariance has nonnegative eigenvalues and those of the Hessian are at most its norm in absolute value,",
    "cauchy_schwarz": "By the Cauchy-Schwarz inequality,",
    "ball": "The following inequality in one variable was checked by interval arithmetic:",
    "function": "The following is a property of the function:",
    "declared": "The following is a property of the law of the noise:",
}

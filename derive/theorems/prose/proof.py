"""The proof of a theorem of one's own in words, from the facts of its certificate alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, fn, norm, num, vec
from sdescent.derive.theorems.bounds.draws import LENGTH, MATRIX, ONE_AT_MOST
from sdescent.derive.theorems.bounds.kernel_context import says_nothing
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.logarithms import is_tangent
from sdescent.derive.theorems.prose.document import (
    Block,
    Display,
    Items,
    Math,
    Paragraph,
    Part,
    Parts,
    Ref,
    because,
    listed,
    sentence,
)  # fmt: skip
from sdescent.derive.theorems.prose.horizon import decayed, spelt
from sdescent.derive.theorems.prose.letters import ProseWriter
from sdescent.derive.theorems.prose.statement import Statement
from sdescent.derive.theorems.prose.sums import ZERO, Adding, Field, Sum, leaves, root
from sdescent.derive.vocabulary.verdicts import Source

#: rules over time, and others that use more than arithmetic
OVER_TIME = frozenset({"telescope", "decay", "summable"})
BEYOND = OVER_TIME | {"quad_bound", "trace_bound"}
#: rule -> the words before its display
RULES = {
    "quad_bound": "The eigenvalues of the Hessian are at most its norm in absolute value, so that",
    "trace_bound": "The eigenvalues of a covariance are nonnegative and those of the Hessian are at most its norm in absolute value, so that",
    "cauchy_schwarz": "By the Cauchy-Schwarz inequality,",
    "ball": "Interval arithmetic with exact numbers shows that",
    "function": "By a known property of the function,",
    "declared": "By the shape of the law of the noise,",
}
SUMMED = {"S": "coordinates", "Si": "coordinates", "C": "clients", "I": "steps", "EI": "steps"}


class Proof:
    """The proof of a theorem in words.

    Args:
        stated: the theorem.
        certificate: the certificate of its proof.

    Raises:
        ProofError: the certificate does not hold, or a sum that the text states is not that of the certificate.
    """

    def __init__(self, stated: Stated, certificate: Mapping[str, Any]) -> None:
        self.stated, self.setting, self.last = stated, stated.setting, rebuild(certificate)
        self.write = write = ProseWriter(self.setting)
        definitions, potentials = self.setting.definitions, self.setting.potentials
        same = [
            (r.left, r.right)
            for r in definitions.values()
            if r.op == "==" and r.left[0] in ("x", "tr")
            if r == nm.Q.eq(nm.NOISE) or says_nothing(self.setting, r) or write.term(r.left) == write.term(r.right)
        ]
        if (nm.Q, nm.NOISE) in same:
            write.short[nm.Q] = write.names[nm.NOISE[1]]
        values = {nm.f, *(p.value for p in self.setting.points)}
        values |= {t for key, p in potentials.items() if isinstance(key, str) for t in (p.value, p.start, p.end)}
        declared = dict.fromkeys(sorted(t for t in values if t[1] in self.last.context.symbols), nm.fstar)
        self.field = Field(self.last.context, same, declared)
        self.facts = ancestry(self.last)
        self.displayed = self._displayed()
        self.adding = Adding(self.field, lambda fact: id(fact) in self.displayed)
        key = self.field.normal.key
        self.names = {key(r): name for name, r in (*self.setting.assumptions.items(), *definitions.items())}
        used = {self.names[k] for k in map(key, self.last.hypotheses.values()) if k in self.names}
        self.statement = Statement(stated, write, used, self.last)
        self.refs: dict[int, Parts] = {}
        self.printed: dict[Relation, Relation] = {}
        self.blocks: list[Block] = []
        self.count = 0

    @cached_property
    def document(self) -> list[Block]:
        """The statement and the proof."""
        head = list(self.statement.blocks())
        for words, claim, shape in self.claims():
            if claim not in [f.claim for f in self.facts]:
                raise ProofError("the certificate does not prove a claim that the text would state")
            head.append(Paragraph(sentence(words)))
            self.count += 1
            head.append(self.write.display(shape, self.count))
            self.printed[claim] = shape
            for f in (f for f in self.facts if f.claim == claim and root(f) is f):
                self.refs[id(f)] = (Ref(self.count),)
        self.unproved = set(self.refs)
        self.argue()
        self.blocks[0] = replace(self.blocks[0], head="Proof")
        if unused := self.statement.unused():
            self.say("The proof does not use @.", listed(unused))
        return [*head, *self.blocks]

    def claims(self) -> Iterator[tuple[str, Relation, Relation]]:
        """The words before each claim of the theorem, the claim in the certificate, and as it is printed."""
        step, read, claim = self.stated.step, self.stated.read_step, self.last.claim
        if step is not None and read is not None:
            yield f"Then, {'for every step' if self.setting.steps else 'at every state'},", step, read
        over = f"Consequently, {'over all steps' if self.setting.steps else 'over the whole time'},"
        if self.stated.integrated:
            yield over, self.stated.claim, self.stated.read_claim
        elif claim != step:
            decay = next((f for f in self.facts if f.rule == "decay"), None)
            spoken = spelt(self.stated, self.field, claim)
            yield over, claim, spoken if decay is None else decayed(self.stated, self.field, claim, decay)

    def argue(self) -> None:
        """Write the proof of the last claim."""
        self.prove(self.last)

    def say(self, words: str, *inserted: Part | Parts) -> None:
        self.blocks.append(Paragraph(sentence(words, *inserted)))

    # --- which certified facts the text states

    def _displayed(self) -> set[int]:
        """The certified facts that the text states: those under an operator, and those that use more than arithmetic."""
        displayed = [root(self.last)]
        for f in self.facts:
            if f.rule in ("monotone", "decay", "summable"):
                displayed.append(root(f.premises[f.rule != "monotone"]))
            elif f.rule in RULES:
                displayed += map(root, f.premises)
            elif any(p.rule in BEYOND or (p.rule == "monotone" and p.data["operator"] != "E") for p in f.premises):
                displayed.append(root(f))
        displayed += [f for f in self.facts if is_tangent(f.claim)]
        return {id(f) for f in displayed if f.rule == "certify" and f.premises}

    # --- sentences

    def prove(self, fact: Fact) -> Parts:
        """Write the proof of a fact, unless it is written, and return the reference to it."""
        fact = root(fact)
        if id(fact) in self.refs and id(fact) not in self.unproved:
            return self.refs[id(fact)]
        self.unproved.discard(id(fact))
        match fact.rule:
            case "assume":
                self._assumed(fact)
            case "certify" if is_tangent(fact.claim):
                self.say(r"Since $\log t\le t-1$ for $t>0$,")
                self.state(fact)
            case "certify" if id(fact) in self.displayed:
                self._step(fact, self.adding.sum_of(fact))
            case "descent":
                self._descent(fact)
            case "decay" | "summable":
                self._over_time(fact, fact)
            case "monotone" if id(root(fact.premises[0])) in self.displayed or fact.data["operator"] == "E":
                inner, over = self.prove(fact.premises[0]), SUMMED.get(fact.data["operator"])
                self.refs[id(fact)] = inner if over is None else ("the sum of ", *inner, f" over the {over}")
            case rule if rule in RULES and (rule != "function" or fact.premises):
                since = because([ref for p in fact.premises for ref in [self.prove(p)] if isinstance(ref[-1], Ref)])
                words = RULES[rule]
                if rule == "function" and fact.data["law"].startswith("monotone:"):
                    words = f"Since ${self.write.symbol(fact.data['law'].partition(':')[2])}$ increases,"
                self.say(f"{words}{' @,' if since else ''}", *filter(None, [since]))
                self.state(fact)
            case _:
                self.refs[id(fact)] = (Math(self.write.turned(fact.claim)),)
        return self.refs[id(fact)]

    def state(self, fact: Fact) -> None:
        """Display what a fact says and number it; a claim of the theorem has its number already."""
        if id(fact) in self.refs:
            return
        claim = self.printed.get(fact.claim)
        if claim is None:  # equal terms are collected unless a product is shorter
            sides = ((t, self.field.term(self.field.of(t), False)) for t in fact.claim[1:])
            claim = Relation((fact.claim.op, *(min(both, key=lambda t: len(str(t))) for both in sides)))
        self.count += 1
        self.blocks.append(self.write.display(claim, self.count))
        self.refs[id(fact)] = (Ref(self.count),)

    def _assumed(self, fact: Fact) -> None:
        name = self.names[self.field.normal.key(fact.claim)]
        changes = name.startswith(("change of ", LENGTH)) or name == "generator of f"
        if ref := self.statement.reference(name):
            self.refs[id(fact)] = ref
        elif name == "compression":
            self.say(
                "The compressor is unbiased and its relative variance is bounded, so that the covariance of a message satisfies"
            )
            self.state(fact)
        elif changes or name.startswith(MATRIX) or self.setting.sources.get(name) == Source.LITERATURE:
            self.blocks.append(Paragraph(self.statement.moments(name) if changes else self.statement.literature(name)))
            self.state(fact)
        else:
            self.refs[id(fact)] = (Math(self.write.turned(fact.claim)),)

    def _descent(self, fact: Fact) -> None:
        """The descent lemma for a step, from its mean and its mean square."""
        write, entry, at = self.write, self.last.context.potentials["f"], fact.data["reach"]
        low, more = entry["smoothness"]
        means = [(c, write.mean * (v[1] in write.draws) + write.named(v)) for c, v in entry["mean"]]
        self.say(
            f"Let $D_n=x_{{n+1}}-x_n$ be the step. By the update rule{'' if write.quiet else ' and the moments of the messages'}, "
            f"${write.mean}{{}}D_n={write.combination(means) or '0'}$ and"
        )
        square = self.field.term(self.field.of(entry["square"]), False)
        self.blocks.append(Display(((rf"{write.mean}\|D_n\|^{{2}}",), write.pieces(square)), r"\le"))
        factor, cited, why = rf"\tfrac{{1}}{{2}}\,{write.inside(low, 1)}", "", ()
        if more != ZERO:
            factor = rf"{write.term(fn('psi', at))}\,({write.term(low + more * norm(vec(nm.GRADIENT)))})"
            cited = " for (L0, L1)-smooth functions (Zhang, Jin, Fang and Wang 2020, with the constant that the integral gives)"
            reach = self.prove(fact.premises[1])
            reached = dict.fromkeys(map(write.term, (more * entry["radius"], at)))
            bound = rf"{write.term(more)}\,\|D_n\|\le " + r"\le ".join(reached)
            by = " by @" if isinstance(reach[0], Ref) and len(reached) > 1 else ""
            why = sentence(rf"since $\psi$ increases and ${bound}${by}. ", *([reach] if by else []))
        smooth = self.statement.reference("smooth")
        by = f"By {'@ and ' if smooth else ''}the descent lemma"
        self.say(f"{by}{cited}, every value of the step satisfies", *filter(None, [smooth]))
        bound = ("f(x_n)", r"+\langle\nabla f(x_n),D_n\rangle", rf"+{factor}\,\|D_n\|^{{2}}")
        self.blocks.append(Display((("f(x_n+D_n)",), bound), r"\le", None, "," if why else "."))
        self.say(f"@{'Hence' if write.quiet else 'Taking the mean given the past gives'}", why)
        self.state(fact)

    # --- sums

    def _step(self, fact: Fact, total: Sum) -> None:
        """A fact that is a sum of multiples of others."""
        facts = [f for f, _ in (*total.inequalities.values(), *total.equalities.values())]
        if any(f.rule == "telescope" for f in facts):
            self._telescoped(fact, [f for f in facts if f.rule == "monotone"])
            return
        if len(facts) == 1 and facts[0].rule in OVER_TIME:
            self._over_time(facts[0], fact)
            return
        used = [(f, c) for f, c in total.inequalities.values() if f.claim != ONE_AT_MOST]  # printed as 1 <= 1
        rows = [(self.prove(f), f, c) for f, c in used]
        identities: list[Parts] = []
        for f, t in total.equalities.values():
            if isinstance((ref := self.prove(f))[-1], Ref) or not self._names(f.claim):
                rows.append((("the identity ", *ref), f, t))
            else:
                identities.append(ref)
        rows.sort(key=lambda row: row[2] != 1 or not isinstance(row[0][-1], Ref) or row[0][-1].assumption)
        remainder, named = self._remainder(total)
        factors = [c for table in (total.inequalities, total.vectors) for _, c in table.values()]
        signs = self._signs(total, factors + [c for c, _ in total.squares])
        target = self.refs.get(id(fact), ())
        insert = sentence("insert @", listed(identities)) if identities else ()
        start: Parts = ()
        again, several = False, len(rows) > 1
        if len(rows) > 1:
            lead = rows.pop(0)[0] if rows[0][2] == 1 and isinstance(rows[0][0][-1], Ref) else ()
            mixed = any(ref[0] == "the identity " for ref, _, _ in rows)
            what = (
                ("relation" if mixed else "inequality") if len(rows) == 1 else "relations" if mixed else "inequalities"
            )
            words = f"{'To prove @, we' if target else 'We'} add {'to @ ' if lead else ''}the following {what}"
            signs_here = signs if any(c != 1 and ref[0] != "the identity " for ref, _, c in rows) else ()
            factors_are = (
                "where the factors of inequalities are"
                if mixed
                else f"whose {'factor is' if len(rows) == 1 else 'factors are'}"
            )
            words += f", {factors_are} nonnegative since @:" if signs_here else ":"
            self.say(words, *filter(None, (target, lead, signs_here)))
            self.blocks.append(Items(tuple((*self._row(*row), "." if row is rows[-1] else ";") for row in rows)))
            start = sentence("We @. ", insert) if insert else ()
            signs, again = (() if signs_here else signs), bool(signs_here)
        elif rows:
            ((ref, _, c),) = rows
            by = f" by ${self.write.term(self.field.term(c))}$"
            words = f"{'Take @' if c == 1 else f'Multiply @{by}'}{', which is nonnegative since @' if signs else ''}{', and @' if insert else ''}. "
            start, signs = sentence(words, *filter(None, (ref, signs, insert))), ()
        if fact.claim == self.stated.step and len(self.stated.weighted.parts) > 1:
            change = self.write.names["change"]
            start = (
                *start,
                *sentence(f"The changes of the parts of $V$ on the left-hand sides add up to ${change}$. "),
            )
        if remainder:
            self.say(f"@{'After cancellation, the sum reads' if rows else 'We have'}", (*start, *named))
            shape = self.write.display(self.printed.get(fact.claim, fact.claim), None, ",", turn=False)
            left = [*([] if shape.sides[0] == ("0",) else shape.sides[0])]
            left += [p if p.startswith("-") or (n == 0 and not left) else f"+{p}" for n, p in enumerate(remainder)]
            self.blocks.append(replace(shape, sides=(tuple(left), *shape.sides[1:])))
            terms = "terms on the left-hand side are" if len(remainder) > 1 else "term on the left-hand side is"
            last = f"the last {terms}"
            ending = "proves @." if target else "gives"
            last = f"for the same reasons {last}" if again else last
            self.say(
                f"and {last} nonnegative{', since @' if signs else ''}. This {ending}", *filter(None, (signs, target))
            )
        else:
            ending = ("the sum is @." if several else "this is @.") if target else "we obtain"
            self.say(f"@After cancellation, {ending}", start, *([target] if target else []))
        self.state(fact)

    @staticmethod
    def _names(claim: Relation) -> bool:
        """Whether an equation gives the value of one letter or inner product, which can be put in its place."""
        left = claim.left[1] if claim.left[0] == "^" else claim.left
        return left[0] in ("x", "tr", "norm", "dot")

    def _row(self, ref: Parts, fact: Fact, c: sp.Expr) -> Parts:
        """An inequality with its factor, and their product if that is short."""
        if c == 1:
            return ref
        field, write = self.field, self.write
        parts = sentence(f"@ multiplied by ${write.term(field.term(c))}$", ref)
        sides = [c * field.of(side) for side in fact.claim[1:]]
        if (
            ref[0] == "the identity "
            or isinstance(ref[-1], Math)
            or any(len(sp.Add.make_args(sp.expand(e))) > 2 for e in sides)
        ):
            return parts
        shapes = ((field.term(e), field.term(e, False)) for e in sides)
        product = Relation((fact.claim.op, *(min(both, key=lambda t: len(write.term(t))) for both in shapes)))
        return sentence(f"@, that is, ${write.turned(product)}$", parts)

    def _remainder(self, total: Sum) -> tuple[list[str], Parts]:
        """The squares and products of signs that a sum leaves on the left-hand side, and the vectors that get a letter there."""
        out: list[str] = []
        named: list[Parts] = []
        write, field = self.write, self.field
        for fact, c in total.vectors.values():
            parts = [(field.term(field.of(t)), v) for t, v in fact.data["parts"]]
            vector = write.combination([(t, write.vector(v)) for t, v in parts]).replace(" + ", "+")
            if len(parts) > 2:
                letter = write.letter_of_square(len(named))
                named.append((Math(f"{letter}={vector}"),))
                vector = letter
            mean = write.mean if {v for _, v in parts} & (write.later | write.draws) else ""
            factor = "" if c == 1 else write.inside(field.term(c), 1) + r"\,"
            numbers = {v for _, v in parts} <= {nm.ONE, *write.lengths}
            out.append(rf"{factor}{mean}({vector})^{{2}}" if numbers else rf"{factor}{mean}\|{vector}\|^{{2}}")
        for c, base in total.squares:
            out.append(write.term(field.term(c * (1 if base is None else field.of(base) ** 2))))
        return out, sentence("Let @. ", listed(named)) if named else ()

    def _signs(self, total: Sum, factors: Iterable[sp.Expr]) -> Parts:
        """Why the factors are nonnegative."""
        letters = set[sp.Basic]().union(*[sp.sympify(c).free_symbols for c in factors])
        reasons: list[Parts] = []
        for fact in total.signs.values():
            about = self.field.slack(fact.claim).free_symbols
            one_sided = ZERO in (fact.claim.left, fact.claim.right)
            if fact.rule in ("assume", "function") and about & letters and not (one_sided and about - letters):
                name = self.names.get(self.field.normal.key(fact.claim))
                stated = fact.premises or (name and self.statement.reference(name))
                reasons.append(self.prove(fact) if stated else (Math(self.write.turned(fact.claim)),))
        return because(reasons)

    # --- over all steps

    def _telescoped(self, fact: Fact, monotone: list[Fact]) -> None:
        """The sum of a bound over all steps, with the bound of V from below at the end."""
        weighted, write = self.stated.weighted, self.write
        step = self.prove(next(f for f in monotone if f.data["operator"] == "EI").premises[0])
        reasons = listed([self.prove(f.premises[0]) for f in monotone if f.data["operator"] == "E"])
        losses = {p.value: nm.fstar for key, p in self.setting.potentials.items() if isinstance(key, str)}
        low = weighted.at_the_end({num(1): num(1), **losses}) + weighted.constant
        least, end = write.term(self.field.term(self.field.of(low))), write.names["EVT"]
        ending, target = self._ending(fact)
        # a claim at the horizon may need the value at the end itself
        below, *why = (f"Moreover ${end}\\ge {least}$, since @. Together this", reasons) if reasons else ("This",)
        if self.setting.steps:
            self.say(
                rf"We {'add' if write.quiet else 'take the mean of'} @ {'' if write.quiet else 'over all draws and add the results '}for "
                rf"$n=0,\dots,K-1$. {'The' if write.quiet else 'By the tower property the'} changes on the "
                f"left-hand sides add up to ${end}-V_0$. {below} {ending}",
                step, *why, *target,
            )  # fmt: skip
        else:
            self.say(
                "We integrate @ over $[0,T]$ and take the mean. By Dynkin's formula, which is Itô's formula in the mean, "
                rf"${end}-V_0\le\mathbb{{E}}\int_0^T\mathcal{{L}}V(X_t)\,\mathrm{{d}}t$; it is justified by stopping and Fatou's lemma, since "
                rf"$V$ is bounded below. {below} {ending}",
                step, *why, *target,
            )  # fmt: skip
        self._state_spelt(fact)

    def _ending(self, fact: Fact) -> tuple[str, list[Parts]]:
        """The end of a sentence that leads to a fact, with what it inserts."""
        return ("is @.", [self.refs[id(fact)]]) if id(fact) in self.refs else ("gives", [])

    def _state_spelt(self, fact: Fact, decay: Fact | None = None) -> None:
        self.printed.setdefault(
            fact.claim,
            spelt(self.stated, self.field, fact.claim)
            if decay is None
            else decayed(self.stated, self.field, fact.claim, decay),
        )
        self.state(fact)

    def _over_time(self, rule: Fact, fact: Fact) -> None:
        """Geometric decay, or Robbins and Siegmund's lemma; `fact` says the same about V, of which the rule's V is a part."""
        field, write = self.field, self.write
        drift, (ending, target) = self.prove(rule.premises[1]), self._ending(fact)
        if rule.rule == "summable":
            self.say(
                "The bound @ is of the form that Robbins and Siegmund (1971) treat. The product of the growth factors is at most the "
                f"exponential of their sum, so that induction over the steps {ending.replace('is ', 'proves ')}", drift, *target,
            )  # fmt: skip
            self.state(fact)
            return
        k = rule.data["rate"]
        offset = rule.data["offset"] + k * self.stated.weighted.constant
        rate, floor = (write.term(field.term(field.of(t))) for t in (k, offset))
        end = write.names["EVT"]
        since = because(self.prove(leaf) for premise in rule.premises[2:] for leaf in leaves(premise))
        if self.setting.steps:
            self.say(
                rf"Let $k={rate}$ and $c={floor}$. {'Then' if write.quiet else 'The mean of'} @ {'' if write.quiet else 'over all draws '}reads "
                rf"${write.over_all}V_{{n+1}}\le(1-k)\,{write.over_all}V_n+c$, "
                "and $0<k<1$ since @. By induction over $n$,", drift, since,
            )  # fmt: skip
            sides = (end,), (r"(1-k)^{K}\,V_0", r"+c\sum_{m=0}^{K-1}(1-k)^{m}")
            self.blocks.append(Display(sides, r"\le", None, ","))
            self.say(f"and the geometric sum is $(1-(1-k)^{{K}})/k$. This {ending}", *target)
        else:
            self.say(
                rf"Let $k={rate}$ and $c={floor}$, where $k>0$ since @. By @, the drift of $e^{{kt}}\,V(X_t)$ is at most $c\,e^{{kt}}$. Itô's "
                f"formula in the mean, multiplied by $e^{{-kT}}$, {ending.replace('is ', 'proves ')}", since, drift, *target,
            )  # fmt: skip
        self._state_spelt(fact, rule)

"""A certificate as a Rocq file, which coqc accepts iff the certificate proves its statement from the premises named in the file.

Symbols are functions of the variables they depend on (an outcome w, a time t, a coordinate j or i, a client k). E, EI and Int are
unspecified functionals and Sum is a finite sum. Each step is a lemma for all the w, t, j, i, k that occur in it. An ordinary
hypothesis of a step holds at these values, a sealed one at all values.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.certificate import FORMAT
from sdescent.derive.proof.kernel.rebuild import context_from
from sdescent.derive.proof.language.clock import OutOfTime, rationed, spend
from sdescent.derive.proof.language.context import KINDS, stepping_terms
from sdescent.derive.proof.language.normal import added, as_number, scaled
from sdescent.derive.proof.language.terms import OPERATORS, RELATIONS, Relation, Term, contains, substitute, x
from sdescent.derive.proof.replay.algebra import UNITS
from sdescent.derive.proof.rocq import notation, script
from sdescent.derive.proof.rocq.as_written import as_written
from sdescent.derive.proof.rocq.ito_gronwall_descent import WEIGHTED
from sdescent.derive.proof.rocq.notation import GEOMETRIC, VARIABLES, WORD, ZERO, ExportError, applied, with_names
from sdescent.derive.proof.rocq.outcomes import ANY, Outcomes
from sdescent.derive.proof.rocq.script import DECLARED, Evidence, Key, Premise, Proved, RocqStep, abstracted, quantified
from sdescent.derive.proof.rocq.step_proofs import Rules

#: short names, in the section, for definitions of the library
NOTATIONS = {
    "EI": "(path__ E Int)",
    "integrable_wt": "(both__ integrable integrable_t Int)",
    **{name: f"({name}__ axes)" for name in ("mv", "norm", "opnorm", "tr", "quad", "trprod", "dot")},
}
#: the entries that change if time consists of steps
IN_STEPS = {"integrable_wt": "(each__ integrable)"}
SOME = {"coords": "j__", "clients": "k__"}
#: heads of terms; no other list in a certificate begins with one of these words
HEADS = frozenset({"q", "x", "xi", "pi", "+", "*", "^", "/", "f", "F", *OPERATORS, *GEOMETRIC})
#: rules that use their premises along whole paths
PATHS = ("ito", "gronwall", "primitive", *WEIGHTED)
SEALING = ("monotone", "component", *PATHS)
# The model that FORMAT.md intends, for whatever the file leaves open.
MODEL = """   general: a fact of analysis; declared: what the certificate's context says; integrable: that what stands under E, Int
   or EI has a value; assumed: a step that is not proved here. All general premises hold together where E is the expectation of
   integrable random variables, Int the integral of Lebesgue, and the process a weak solution up to T of its equation; where time
   is steps, cond__ the expectation under a regular conditional probability given what is known at the step."""
# Such a vector u is its mean m in R^d and a centred rest r: E <u, v> = <m, m'> + E <r, r'>, and the second Gram matrix is positive
# semidefinite. So finitely many rests have the inner products of vectors in further coordinates.
EUCLIDEAN = """
   A vector that depends on the draw of the step, such as the next gradient, stands here for a vector of R^n: the product of
   two vectors is the mean of their product, given what is known at the step. This is no restriction, since any finitely many
   random vectors of R^d have such products in some R^n, together with any vectors that are known at the step. It presumes that
   no matrix is applied to such a vector. The coordinates of vectors are axes, and other sums are over coords."""


@dataclass(frozen=True)
class Exported:
    """The text of the file, its premises, and the number of its steps that are proved, whether or not they use premises."""

    text: str
    premises: tuple[Premise, ...]
    proved: int


def translated(certificate: dict[str, Any], outcomes: Outcomes = ANY) -> Exported:
    """The certificate as the Rocq theorem `certified`: assumptions -> definitions -> claim, for these `OUTCOMES`.

    It is not replayed: an invalid one may also yield a file, which coqc then rejects. Raises ExportError if Rocq cannot state it.
    """
    try:
        with rationed(UNITS):
            return _File(certificate, outcomes).exported()
    except OutOfTime:
        raise ExportError("the certificate needs more work than an export may take") from None
    except RecursionError:
        raise ExportError("a term is too deep") from None
    except ValueError as error:  # raised by this package or by a conversion of numbers
        raise ExportError(str(error)[:200]) from error
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ExportError(f"the certificate is malformed: {type(error).__name__}: {error}"[:200]) from error


class _File:
    def __init__(self, certificate: dict[str, Any], outcomes: Outcomes) -> None:
        if certificate["format"] != FORMAT:
            raise ExportError(f"the format is not {FORMAT}")
        self.certificate = certificate
        self.context = context_from(certificate["context"])
        self.terms = notation.RocqTerms(self.context)
        self.script = script.Script(self.terms, outcomes)
        if outcomes.in_steps and not self.context.steps:
            raise ExportError("there is a draw in each step, and time is not steps here")
        self.steps: list[RocqStep] = []
        self.index: list[int] = []  # from a step's number in the certificate to its index in `steps`
        self.copies: dict[tuple[int, str, Term], int] = {}
        self.hypotheses: dict[Key, str] = {}  # from a hypothesis's key to the number of its Definition
        self.registered: dict[Key, Relation] = {}  # from the same key to the relation itself
        self.rules = Rules(self.script, self._use, self.steps)

    # Steps

    def exported(self) -> Exported:
        statement = self.certificate["statement"]
        assumptions = [self._relation(r) for r in [*statement["assumptions"], *statement["definitions"]]]
        for r in assumptions:
            self._register(r)
        proved = 0
        for number, raw in enumerate(self.certificate["steps"]):
            self.script.leaned = False
            if any(type(n) is not int or not 0 <= n < number for n in raw["premises"]):
                raise ExportError(f"step {number}: a premise is not an earlier step")
            self.index.append(self._step(number, raw))
            # An instance has no assumptions beyond its premise's: its steps repeat those of the premise.
            proved += raw["rule"] != "assume" and (raw["rule"] == "instantiate" or not self.script.leaned)
        claim = self._relation(statement["claim"])
        variables, claim_text = self._stated(claim)
        evidence = Evidence({}, {})
        arrows = ""
        for n, r in enumerate(assumptions):
            letters, text = self._stated(r)
            arrows += f"  {text} ->\n"
            # The Definition of the hypothesis has fewer variables if some cancel in its normal form.
            inner = self.script.deps(r)
            at = " ".join(v if v in inner else _some(v) for v in letters)
            proof = abstracted(letters, as_written(self.script, r, applied(f"A{n}__", letters), back=True))
            proof = abstracted(inner, f"({proof} {at})") if letters else proof
            evidence.everywhere.setdefault(self.terms.key(r), proof)
        relation, proof = self._use(self.index[-1], evidence, {v: v if v in variables else _some(v) for v in VARIABLES})
        proof = as_written(self.script, claim, self.script.bridge(relation, proof, claim))
        for sort, v in SOME.items():
            if f" {v}" in proof:
                proof = self._some(sort, proof, assumptions, self.script.relation(claim, as_written=True))
        for one, words in (("w__", "an outcome"), ("t__", "a time")):
            if f" {one}" in proof:
                self.script.premises.append(Premise(DECLARED, f"there is {words}, {one}"))
        bound = " ".join([*(f"A{n}__" for n in range(len(assumptions))), *variables])
        text = f"Theorem certified :\n{arrows}  {claim_text}."
        theorem = f"{text}\nProof. exact ({f'fun {bound} => ' if bound else ''}{proof}). Qed."
        body = "\n".join([*self.script.lines, theorem])
        if " law__ " in body:
            self.script.premises.insert(0, Premise(DECLARED, self.script.outcomes.law))
        section = "\n".join([*self._declarations(body), body])
        final = notation.final_names(self.terms.identifiers, section)
        premises = tuple(Premise(p.kind, with_names(p.words, final)) for p in self.script.premises)
        return Exported(with_names(self._text(section), final), premises, proved)

    def _some(self, sort: str, proof: str, assumptions: list[Relation], claim: str) -> str:
        """The proof for an existing coordinate or client: an assumption about their number gives one, or else a new premise."""
        one = SOME[sort]
        size = self.context.dimension if sort == "coords" else self.context.clients
        if size is not None:
            goal = ZERO.lt(x(size))
            for n, r in enumerate(assumptions):
                count = scaled(self.terms.polynomial(x(size)), Fraction(-1))
                rest = as_number(added([self.terms.difference(r), count]))
                if r.op in ("<", "<=") and rest is not None and (rest < 0 or (r.op == "<" and rest == 0)):
                    premise = as_written(self.script, r, f"A{n}__", back=True)
                    slack = [("1", (0,), ()), *([(str(-rest), (), ())] if rest else [])]
                    positive = self.script.certify([r], goal, slack)([premise])
                    number = self.script.size_of(sort, self.terms.identifiers[size])
                    return f"(some__ {sort} {self.terms.identifiers[size]} ({claim}) {number} {positive} (fun {one} => {proof}))"
        self.script.premises.append(Premise(DECLARED, f"there is one of the {sort} at least, {one}"))
        return proof

    def _stated(self, r: Relation) -> tuple[str, str]:
        """The variables of a relation of the statement, and the relation as written, quantified over them."""
        variables = self.script.deps(r, as_written=True)
        return variables, quantified(variables, self.script.relation(r, as_written=True))

    def _relation(self, raw: Any) -> Relation:
        relation = _frozen(raw)
        self.context.check_relation(relation)
        return relation

    def _check_terms(self, value: Any) -> None:
        """Raise ProofError if the value is or contains a term or relation that uses an undeclared name."""
        if isinstance(value, Term):
            self.context.check(value)
        elif isinstance(value, Relation):
            self.context.check_relation(value)
        elif isinstance(value, tuple):
            for part in value:
                self._check_terms(part)

    def _step(self, number: int, raw: dict[str, Any]) -> int:
        premises, claim = [self.index[n] for n in raw["premises"]], self._relation(raw["claim"])
        data = {key: _frozen(value) for key, value in raw["data"].items()}
        # `Forms` checks the term of a ball, which has its own variable; the context knows only the term where it is used.
        self._check_terms(data["at"] if raw["rule"] == "ball" else tuple(data.values()))
        if raw["rule"] == "instantiate":
            name, term = data["symbol"], data["term"]
            if self.context.symbols.get(name) != "const" or name in self._fixed():
                raise ExportError(f"step {number}: {name} cannot be instantiated"[:80])
            premises = [self._copy(premises[0], name, term)]
        return self._add(RocqStep(number, raw["rule"], premises, data, claim))

    def _fixed(self) -> set[str | None]:
        """The constants that occur in the context's declarations."""
        context, starts = self.context, [p["start"] for p in self.context.potentials.values()]
        fixed = {context.horizon, context.dimension, context.clients, *starts}
        declared = tuple(value for f in context.functions.values() for value in f.values())
        declared += tuple(t for p in context.potentials.values() for t in stepping_terms(p))
        return fixed | {n for n in context.symbols if contains(declared, n)}

    def _copy(self, index: int, name: str, term: Term) -> int:
        """Prove the step again with the term in place of the constant; steps without the constant are reused."""
        key = (index, name, term)
        if key not in self.copies:
            step = self.steps[index]
            premises = [self._copy(n, name, term) for n in step.premises]
            here = (step.claim, step.data["at"] if step.rule == "ball" else tuple(step.data.values()))
            if premises == step.premises and not contains(here, name):
                self.copies[key] = index
            else:
                if step.rule in (*PATHS, "summation") or step.data.get("operator") in ("E", "I", "EI"):
                    raise ExportError(f"step {step.number}: under an operator a constant cannot be instantiated")
                data = {k: _put(v, name, term) if step.rule != "ball" or k == "at" else v for k, v in step.data.items()}
                claim = substitute(step.claim, name, term)
                self.copies[key] = self._add(RocqStep(step.number, step.rule, premises, data, claim))
        return self.copies[key]

    def _add(self, step: RocqStep) -> int:
        self._inherit(step)
        index = len(self.steps)
        self.script.met.clear()
        if step.rule == "assume":
            key = self._register(step.claim)
            proof = self.script.bridge(step.hypotheses[key], f"h__{self.hypotheses[key]}", step.claim)
        else:
            here = {k: f"h__{self.hypotheses[k]}" for k in step.hypotheses if k not in step.sealed}
            everywhere = {k: f"h__{self.hypotheses[k]}" for k in step.hypotheses if k in step.sealed}
            proof = self.rules.prove(step, Evidence(here, everywhere))
        step.variables = self._variables(step)
        binders = [*step.variables, *(f"h__{self.hypotheses[k]}" for k in step.hypotheses)]
        arrows = "".join(f"{self._hypothesis(step, k)} -> " for k in step.hypotheses)
        statement = quantified(step.variables, f"{arrows}{self.script.relation(step.claim)}")
        function = f"fun {' '.join(binders)} => " if binders else ""
        spend((len(statement) + len(proof)) // 4)
        self.script.lines.append(f"(* Step {step.number}: {re.sub('[^a-z_]', '', step.rule)} *)")
        self.script.lines.append(f"Lemma step__{index} : {statement}.\nProof. exact ({function}{proof}). Qed.")
        self.steps.append(step)
        return index

    def _inherit(self, step: RocqStep) -> None:
        """Collect the step's hypotheses: those of its premises, except any that a split or a cut discharges."""
        if step.rule == "assume":
            key = self._register(step.claim)
            step.hypotheses[key] = self.registered[key]
            return
        for position, n in enumerate(step.premises):
            dropped: set[Key] = set()
            if step.rule == "cases":
                op, low, high = step.data["split"]
                if op != "<=" or len(step.premises) != 2:
                    raise ExportError(f"step {step.number}: cases needs a split by <= and two premises")
                cases = [low.le(high)] if position == 0 else [high.lt(low), high.le(low)]
                dropped = {self.terms.key(r) for r in cases}
            if step.rule == "cut" and position == 0:
                dropped = {self.terms.key(self.steps[step.premises[1]].claim)}
                if not dropped <= set(self.steps[n].hypotheses):
                    raise ExportError(f"step {step.number}: the fact that is cut is not a hypothesis")
            for key, r in self.steps[n].hypotheses.items():
                if key not in dropped:
                    step.hypotheses[key] = r
                    if key in self.steps[n].sealed or self._seals(step, position, r):
                        step.sealed.add(key)

    def _seals(self, step: RocqStep, position: int, hypothesis: Relation) -> bool:
        """Whether the rule uses the hypothesis of this premise at more than one point."""
        if step.rule in ("monotone", "component"):
            return bool(set(self.script.deps(hypothesis)) & set(OPERATORS.get(step.data["operator"], "")))
        if step.rule == "cut" and position == 1:
            return self.terms.key(self.steps[step.premises[1]].claim) in self.steps[step.premises[0]].sealed
        return step.rule in SEALING

    def _variables(self, step: RocqStep) -> str:
        """The variables that a step's lemma quantifies over: those in its text, and its premises' unless the rule binds them."""
        letters = set(self.script.deps(step.claim, *(r for k, r in step.hypotheses.items() if k not in step.sealed)))
        if step.rule == "component":  # the components may all be equal
            letters |= set(OPERATORS[step.data["operator"]])
        for position, n in enumerate(step.premises):
            bound = set(OPERATORS.get(step.data["operator"], "")) if step.rule == "monotone" else set()
            if step.rule in PATHS:
                bound = set(self.script.deps(self.steps[n].claim))
            if step.rule == "cut" and position == 1:
                key = self.terms.key(self.steps[n].claim)
                sealed = key in self.steps[step.premises[0]].sealed
                bound = set(self.script.deps(self.registered[key])) if sealed else set()
            letters |= set(self.steps[n].variables) - bound
        if step.rule not in (*SEALING, "summation"):
            letters |= set(self.script.variables(self.script.met))
        return "".join(v for v in VARIABLES if v in letters)

    def _register(self, r: Relation) -> Key:
        key = self.terms.key(r)
        if key not in self.hypotheses:
            self.hypotheses[key] = str(len(self.hypotheses))
            self.registered[key] = r
            binders = "".join(f" ({v} : {VARIABLES[v]})" for v in self.script.deps(r))
            definition = f"hyp__{self.hypotheses[key]}{binders} : Prop := {self.script.relation(r)}"
            self.script.lines.append(f"Definition {definition}.")
        return key

    def _hypothesis(self, step: RocqStep, key: Key) -> str:
        variables = self.script.deps(step.hypotheses[key])
        text = applied(f"hyp__{self.hypotheses[key]}", variables)
        return quantified(variables, text) if key in step.sealed else text

    def _use(self, index: int, evidence: Evidence, at: dict[str, str] | None = None) -> Proved:
        """The claim of a step and its proof at the bound variables, or at the values that `at` gives them."""
        step = self.steps[index]
        arguments = [at[v] if at else v for v in step.variables]
        for key in step.hypotheses:
            variables = [at[v] if at else v for v in self.script.deps(step.hypotheses[key])]
            if key in evidence.everywhere:
                name = evidence.everywhere[key]
                arguments.append(name if key in step.sealed or not variables else f"({name} {' '.join(variables)})")
            else:
                # The statement lacks this hypothesis: coqc reports the unknown name, so the reader need not trust this code.
                arguments.append(evidence.here.get(key, "not_an_assumption__"))
        return step.claim, f"(step__{index} {' '.join(arguments)})" if arguments else f"step__{index}"

    # The whole file

    def _text(self, body: str) -> str:
        premises = "\n".join(f"   - {p.kind}: {_comment(p.words)}" for p in self.script.premises) or "   none"
        head = (
            f"(* Premises, which are Hypotheses below and so assumptions of the theorem after End:\n{premises}\n"
            f"   {self.script.outcomes.words}\n{MODEL}{EUCLIDEAN if self.context.steps and self.context.vectors else ''}\n"
            f"   Title, free text that nothing checks: {_comment(str(self.certificate.get('title', '')))} *)\n"
        )
        lemmas = "\n".join(self.script.lemmas)
        section = f"Section Certificate.\n{body}\nEnd Certificate.\nPrint Assumptions certified.\n"
        module = self.script.outcomes.module
        rest = f"{lemmas}\n\n{script.library_text(module) if module else ''}{section}"
        return f"{head}{script.library(rest)}\n{rest}"

    def _declarations(self, body: str) -> list[str]:
        """The variables that the text uses; Rocq drops those that the theorem does not need."""
        context, names, horizon = self.context, self.terms.identifiers, self.script.horizon
        words = set(WORD.findall(body))
        timed = "clock" in context.symbols.values() or not words.isdisjoint(("ito__", "riemann__", "flow__"))
        timed = timed and not context.steps
        outcomes = self.script.outcomes
        lines = [outcomes.sort, "Variables (J : Type) (j__ : J) (coords : list J) (Axis : Type) (axes : list Axis)."]
        lines.append("Variables (Client : Type) (k__ : Client) (clients : list Client).")
        if context.horizon or horizon in words or timed:
            lines.append(f"Variable {horizon} : R.")
        if context.steps:
            lines.append("Variable count__ : nat.\nDefinition Time : Type := Step__ count__.\nVariable t__ : Time.")
        else:
            time = f"Definition Time : Type := Time__ {horizon}.\nVariable t__ : Time."
            lines.append(time if timed else "Variables (Time : Type) (t__ : Time).")
        if not words.isdisjoint(("E", "EI", "integrable", "integrable_wt")):
            lines.append(outcomes.mean)
        if not words.isdisjoint(("Int", "EI", "integrable_t", "integrable_wt")):
            integral = "Variables (integrable_t : (Time -> R) -> Prop) (Int : (Time -> R) -> R)."
            lines.append("Notation Int := (Sum (steps__ count__))." if context.steps else integral)
        notations = NOTATIONS | IN_STEPS if context.steps else NOTATIONS
        lines += [f"Notation {name} := {meaning}." for name, meaning in notations.items() if name in words]
        for name, kind in context.symbols.items():
            if kind == "clock":
                number = "INR (proj1_sig t)" if context.steps else "proj1_sig t"
                lines.append(f"Definition {names[name]} (t : Time) : R := {number}.")
            elif name != context.horizon:
                arrows = "".join(f"{VARIABLES[v]} -> " for v in notation.ordered(KINDS[kind]))
                lines.append(f"Variable {names[name]} : {arrows}R.")
        lines += [f"Variable {names[name]} : W -> Time -> Axis -> R." for name in context.vectors]
        lines += [f"Variable {names[name]} : W -> Time -> Axis -> Axis -> R." for name in context.matrices]
        return [*lines, *(f"Variable {names[name]} : R -> R." for name in context.functions)]


def _frozen(value: Any) -> Any:
    """The JSON of a certificate with lists turned into the kernel's terms and relations, or into tuples."""
    spend(2)
    if not isinstance(value, list):
        return value
    parts = (_frozen(v) for v in value)
    head = value[0] if value and isinstance(value[0], str) else None
    return Term(parts) if head in HEADS else Relation(parts) if head in RELATIONS else tuple(parts)


def _put(value: Any, name: str, term: Term) -> Any:
    """A step's data with the term in place of the constant."""
    if isinstance(value, (Term, Relation)):
        return substitute(value, name, term)
    return tuple(_put(v, name, term) for v in value) if isinstance(value, tuple) else value


def _comment(text: str) -> str:
    """The text made safe for a comment: it cannot end the comment or open another comment or a string."""
    text = re.sub(r"[^A-Za-z0-9 .,:;=<>+*/^_'|()-]", " ", text)[:2000]
    return re.sub(r"\*(?=\))", "* ", re.sub(r"\((?=\*)", "( ", text))


def _some(variable: str) -> str:
    """The section's own outcome, time, coordinate or client."""
    return f"{'j' if variable == 'i' else variable}__"

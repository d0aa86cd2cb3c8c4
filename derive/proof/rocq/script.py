"""The text of an exported file as it grows: algebraic lemmas, facts taken as premises, the steps' lemmas, what these
need of library/.

Every identity is proved with variables in place of atoms, which is all that `ring` sees; a step applies the lemma to
its atoms.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from sdescent.derive.proof.language.clock import spend
from sdescent.derive.proof.language.normal import Frozen, Polynomial, as_number
from sdescent.derive.proof.language.terms import Relation, Term, fn, num
from sdescent.derive.proof.rocq import notation
from sdescent.derive.proof.rocq.notation import FUNCTIONS, VARIABLES, RocqTerms, expanded, number, ordered, related
from sdescent.derive.proof.rocq.outcomes import ANY, Outcomes

#: the multiplier 1 of an identity
ONE = (("1", (), ()),)
Applied = Callable[[Sequence[str]], str]
Key = tuple[str, Frozen]
Proved = tuple[Relation, str]


def quantified(variables: str, text: str) -> str:
    return f"(forall {' '.join(f'({v} : {VARIABLES[v]})' for v in variables)}, {text})" if variables else f"({text})"


def abstracted(variables: str, proof: str) -> str:
    return f"(fun {' '.join(variables)} => {proof})" if variables else proof


#: kinds of premises: a general fact of analysis, a declaration of the context, the existence of a value that the statement needs
#: to be meaningful, and a step of the certificate that is not proved
PREMISES = GENERAL, DECLARED, INTEGRABLE, ASSUMED = "general", "declared", "integrable", "assumed"


@dataclass(frozen=True)
class Premise:
    """A Hypothesis of the file, described in words."""

    kind: str
    words: str


@dataclass
class RocqStep:
    number: int  # the step's number in the certificate
    rule: str
    premises: list[int]
    data: dict[str, Any]
    claim: Relation
    hypotheses: dict[Key, Relation] = field(default_factory=dict)
    sealed: set[Key] = field(default_factory=set)
    variables: str = ""  # the variables among w, t, j, i, k that its lemma quantifies over


@dataclass
class Evidence:
    """Proofs of hypotheses inside a step: `here` for the bound w, t, j, i, k, and `everywhere` for all of them."""

    here: dict[Key, str]
    everywhere: dict[Key, str]


class Local:
    """The names of atoms inside one lemma of algebra: a0, a1, .. in the order in which they occur."""

    def __init__(self, terms: RocqTerms) -> None:
        self._terms = terms
        self.atoms: dict[int, str] = {}

    def _name(self, atom: int) -> str:
        return self.atoms.setdefault(atom, f"a{len(self.atoms)}")

    def show(self, term: Term) -> str:
        return self._terms.show(term, self._name)

    def relation(self, relation: Relation) -> str:
        return related(relation, self.show)


class Script:
    def __init__(self, terms: RocqTerms, outcomes: Outcomes = ANY) -> None:
        self.terms = terms
        self.outcomes = outcomes
        #: lemmas of algebra; they stand before the section, outside the scope of the certificate's names
        self.lemmas: list[str] = []
        self.lines: list[str] = []
        self.premises: list[Premise] = []
        self.met: set[int] = set()  # atoms that the text has named since this was last cleared
        self.leaned = False  # whether an assumed step has been used since this was last set
        self._algebra: dict[str, str] = {}
        self._facts: dict[str, str] = {}

    # Text that shows the atoms themselves

    def show(self, term: Term, as_written: bool = False) -> str:
        return self.terms.show(term, self._atom, as_written)

    def _atom(self, atom: int) -> str:
        self.met.add(atom)
        return self.terms.atom_text(atom)

    def relation(self, relation: Relation, as_written: bool = False) -> str:
        return related(relation, lambda term: self.show(term, as_written))

    def deps(self, *relations: Relation, as_written: bool = False) -> str:
        """The variables that occur in the text of the relations, in the order w, t, j, i, k."""
        if as_written:
            return ordered(frozenset[str]().union(*(self.terms.context.depends(t) for r in relations for t in r[1:])))
        met: set[int] = set()
        for relation in relations:
            related(relation, lambda term: self.terms.show(term, lambda a: met.add(a) or ""))
        return self.variables(met)

    def variables(self, atoms: Iterable[int]) -> str:
        """The variables that the atoms depend on, in the order w, t, j, i, k."""
        return ordered(self.terms.depends({((a, 1),): Fraction(1) for a in atoms}))

    def fact(self, statement: str, words: str, kind: str = GENERAL) -> str:
        """The name of a premise of the theorem, or of a lemma if it is proved; a repeated statement yields only one."""
        self.leaned |= kind == ASSUMED
        if statement not in self._facts:
            name = self._facts[statement] = f"fact__{len(self._facts)}"
            proof = self.outcomes.integrable if kind == INTEGRABLE else self.outcomes.proofs.get(statement)
            if proof:
                self.lines.append(f"Lemma {name} : {statement}.\nProof. {proof} Qed.")
            else:
                self.lines.append(f"Hypothesis {name} : {statement}.")
                self.premises.append(Premise(kind, words))
        return self._facts[statement]

    def declared(self, statement: str, words: str) -> str:
        """The name of a premise that the context declares."""
        return self.fact(statement, words, DECLARED)

    def size_of(self, sort: str, number: str) -> str:
        """The premise that a constant is the number of coordinates or clients."""
        return self.declared(f"{number} = INR (length {sort})", f"{number} is the number of {sort}")

    def horizon_is_positive(self) -> str:
        """The premise 0 <= T."""
        return self.declared(f"0 <= {self.horizon}", f"0 <= {self.horizon}, the horizon")

    @property
    def horizon(self) -> str:
        """The name of the horizon, the length of time."""
        return self.terms.identifiers.get(self.terms.context.horizon or "", "T__")

    def variables_once(self, line: str) -> None:
        """Declare variables of the section that do not come from names of the certificate."""
        if line not in self.lines:
            self.lines.append(line)

    # Algebra

    def algebra(self, premises: Sequence[Relation], claim: Relation, proof: Callable[[Local], str]) -> Applied:
        """A lemma over variables that gives the claim from premises h0, h1, ..; the result applies it to proofs of its premises."""
        local = Local(self.terms)
        statement = "".join(f"({local.relation(p)}) -> " for p in premises) + local.relation(claim)
        intros = f"intros {' '.join(f'h{n}' for n in range(len(premises)))}. " if premises else ""
        lemma = self._lemma(local, f"{statement}.\nProof. {intros}{proof(local)} Qed.")
        return lambda proofs: f"({lemma}{''.join(' ' + p for p in proofs)})"

    def certify(
        self, premises: Sequence[Relation], claim: Relation, total: Any = (), equalities: Any = (), mult: Any = ONE
    ) -> Applied:
        """A proof of l <= r, l < r or l == r from mult * (r - l) = sum + equalities."""

        def proof(local: Local) -> str:
            lemma = {"<=": "by__le", "<": "by__lt", "==": "by__eq"}.get(claim.op)
            if lemma is None or (claim[0] == "==" and total):
                raise notation.ExportError("certify proves <=, < and, without a sum, ==")
            m, m_proof = self._cone(local, premises, mult, strict=True)
            s, s_proof = self._cone(local, premises, total, strict=claim[0] == "<")
            s_proof = "(same__ 0)" if claim[0] == "==" else s_proof
            e, e_proof = "0", "(same__ 0)"
            for index, (n, term) in enumerate(equalities):
                text = f"({local.show(term)}) * ({_slack(local, premises, n)})"
                piece = f"(eq__zero ({local.show(term)}) h{n})"
                e, e_proof = (text, piece) if index == 0 else (f"{e} + {text}", f"(eq__add {e_proof} {piece})")
            low, high = local.show(claim[1]), local.show(claim[2])
            identity = f"({m}) * ({high} - {low}) = ({s}) + ({e})"
            proofs = f"{m_proof} {s_proof} {e_proof}"
            return f"refine ({lemma} ({m}) ({s}) ({e}) {low} {high} {proofs} _). {_close(identity)}"

        return self.algebra(premises, claim, proof)

    def _cone(self, local: Local, premises: Sequence[Relation], cone: Any, *, strict: bool) -> tuple[str, str]:
        """The text of a cone and a proof that it is >= 0, or > 0 if `strict`, with strict members first as `add__lt` requires."""
        # a member is strict if it has no squares and all its premises are strict
        members = sorted(cone, key=lambda m: strict and (bool(m[2]) or any(premises[n][0] != "<" for n in m[1])))
        text, proof = "0", "(refl__ 0)"
        for index, member in enumerate(members):
            t, p = self._member(local, premises, member, strict=strict and index == 0)
            add = "add__lt" if strict else "add__le"
            text, proof = (t, p) if index == 0 else (f"{text} + {t}", f"({add} {proof} {p})")
        return text, proof

    @staticmethod
    def _member(local: Local, premises: Sequence[Relation], member: Any, *, strict: bool) -> tuple[str, str]:
        c, numbers, squares = member
        q = Fraction(num(c)[1])
        top = abs(q.numerator)
        positive = f"(z__pos {top})" if q.denominator == 1 else f"(q__pos {top} {q.denominator})"
        text, proof = number(q), positive if strict else f"(weak__ {positive})"
        mul, slack = ("mul__lt", "slack__lt") if strict else ("mul__le", "slack__le")
        for n in numbers:
            weak = premises[n][0] == "<" and not strict
            text = f"{text} * ({_slack(local, premises, n)})"
            proof = f"({mul} {proof} ({slack} {f'(weak__ h{n})' if weak else f'h{n}'}))"
        for t in squares:
            text, proof = f"{text} * ({local.show(t)}) ^ 2", f"({mul} {proof} (square__ ({local.show(t)})))"
        return text, proof

    def bridge(self, relation: Relation, proof: str, goal: Relation) -> str:
        """A proof of the goal from a proof of the relation, which has the goal's normal form or implies it (< or == implies <=)."""
        same = [self.show(t) for t in relation[1:]] == [self.show(t) for t in goal[1:]]
        if same and relation[0] == goal[0]:
            return proof
        if same and (relation[0], goal[0]) == ("<", "<="):
            return f"(weak__ {proof})"
        if goal[0] == "!=":
            if relation[0] == "<":
                relation, proof = Relation(("!=", *relation[1:])), f"(ne__lt {proof})"
            return self.algebra([relation], goal, lambda local: self._unequal(local, relation, goal))([proof])
        if relation[0] == "==":
            sign = -1 if self.terms.difference(relation) != self.terms.difference(goal) and goal[0] == "==" else 1
            return self.certify([relation], goal, equalities=[(0, num(sign))])([proof])
        return self.certify([relation], goal, (("1", (0,), ()),))([proof])

    @staticmethod
    def _unequal(local: Local, relation: Relation, goal: Relation) -> str:
        texts = " ".join(local.show(t) for t in (*relation[1:], *goal[1:]))
        close = _close("".join(texts))
        return f"refine (by__ne {texts} h0 _). first [left; {close.rstrip('.')} | right; {close.rstrip('.')}]."

    def identity(self, left: Term, right: Term) -> str:
        """A proof that two terms with the same normal form are equal."""
        if self.show(left) == self.show(right):
            return f"(same__ {self.show(left)})"
        claim = left.eq(right)
        return self.algebra([], claim, lambda local: _close(local.relation(claim)))([])

    def value(self, name: str, p: Polynomial) -> str:
        """A proof of N(f(p)) = f(p): a fact of the library if FORMAT.md gives f a numerical value there."""
        q = as_number(p)
        if q is None or as_number(self.terms.polynomial(fn(name, expanded(p)))) is None:
            return "(same__ _)"
        if name == "abs":
            side, other = ("right", "(same__ _)") if q >= 0 else ("left", "ltac:(lra)")
            return f"(abs__{side} {number(abs(q))} {number(q)} ltac:(lra) {other})"
        return f"{FUNCTIONS[name]}__{q}"

    def inverse_of_monomial(self, p: Polynomial) -> str:
        """A proof of / (c a^n b) = (1/c) (/ a)^n / b, from a lemma over a and b."""
        local = Local(self.terms)
        c, factors = self.terms.factors(p)
        powers = "".join(f" * {local.show(expanded(a))}{f' ^ {n}' if n > 1 else ''}" for a, n in factors)
        text = local.show(expanded(p))
        inverses: dict[int, str] = {}
        for a, _ in factors:
            [((inverse, _),)] = self.terms.inverse(a)
            inverses[inverse] = f"(/ {local.show(expanded(a))})"
        right = self.terms.poly(self.terms.inverse(p), inverses.__getitem__)
        body = (
            f"replace {text} with ({number(c)}{powers}) by ring. repeat rewrite Rinv_mult. repeat rewrite pow_inv."
            f" replace (/ {number(c)}) with {number(1 / c)} by field. ring."
        )
        lemma = self._lemma(local, f"/ {text} = {right}.\nProof. {body} Qed.")
        return f"({lemma})"

    def _lemma(self, local: Local, statement: str) -> str:
        """A lemma over the variables of `local`, applied to their atoms; identical lemmas are stated once."""
        spend(len(statement) // 4)
        binders = f" ({' '.join(local.atoms.values())} : R)" if local.atoms else ""
        text = f"{binders} : {statement}"
        if text not in self._algebra:
            self._algebra[text] = f"alg__{len(self._algebra)}"
            self.lemmas.append(f"Lemma {self._algebra[text]}{text}")
        return self._algebra[text] + "".join(f" {self._atom(a)}" for a in local.atoms)


def _slack(local: Local, premises: Sequence[Relation], n: int) -> str:
    return f"{local.show(premises[n].right)} - {local.show(premises[n].left)}"


def _close(identity: str) -> str:
    """The closing tactic: `ring`, or the slower `field` if there are fractions, since `ring` handles integer coefficients only."""
    return "field." if " / " in identity else "ring."


# The texts in their order: each uses only those before it, and its head names them.
_ORDER = """
    preamble tanh sums means means_of_sums means_over_time vectors time gronwall_of_sde calculus tanh_derivative limits
    erf erf_derivative erf_bounds erf_limit fundamental_theorem psi psi_bounds gronwall_of_generator
    steps means_over_steps gronwall_in_steps descent draws
"""
_LIBRARY = Path(__file__).with_name("library")
_COQUELICOT = 'Set Warnings "-ambiguous-paths".\nFrom Coquelicot Require Import Coquelicot.\n'
_INTERVAL = "From Interval Require Import Tactic.\n"
_DEFINED = re.compile(r"^(?:Lemma|Definition|Fixpoint|Notation|Ltac) ([A-Za-z0-9_]+)", re.MULTILINE)
_BEGINS = re.compile(
    r"^(?=(?:Lemma|Definition|Fixpoint|Notation|Ltac|Section|End|Context|Variables?|Hypothesis)\b)", re.MULTILINE
)
_COMMENT = re.compile(r"^\(\*(?:(?!\*\)).)*\*\)\n\Z", re.MULTILINE | re.DOTALL)
_LIBRARY_WORD = re.compile(r"[A-Za-z0-9_]+")


def library(text: str) -> str:
    """The head of a file whose lemmas and section are `text`."""
    words = set(_LIBRARY_WORD.findall(text))
    parts = [_needed(name, words) for name in reversed(_ORDER.split())]
    numerical = "interval with (" in text or "interval_intro" in words
    imports = _INTERVAL * numerical + _COQUELICOT * ("RInt" in words)
    return "".join([imports, *reversed(parts)])


def _needed(name: str, words: set[str]) -> str:
    """The items of a text that `words` names, directly or through other items, with their sections; `words` grows accordingly."""
    part = library_text(name)
    if name != "preamble" and words.isdisjoint(_DEFINED.findall(part)):
        return ""
    needed: list[str] = []
    for item in reversed(_items(part)):
        match = _DEFINED.search(item)
        if match is None or match[1] in words:
            needed.append(item)
            words.update(_LIBRARY_WORD.findall(item))
    return "".join(reversed(needed))


@cache
def library_text(name: str) -> str:
    """The text of that name, without the comment at its head."""
    return (_LIBRARY / f"{name}.v").read_text(encoding="utf-8").partition("*)\n")[2]


def _items(part: str) -> list[str]:
    """The part split where a definition, a lemma or a section begins; a comment stays with the item that follows it."""
    items = _BEGINS.split(part)
    for n in range(len(items) - 1):
        comment = _COMMENT.search(items[n])
        if comment is not None:
            items[n], items[n + 1] = items[n][: comment.start()], comment[0] + items[n + 1]
    return items

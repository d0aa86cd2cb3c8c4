"""The text of an exported file as it grows: lemmas of algebra over plain variables, facts taken as premises, lemmas of steps.

Every identity is proved over variables in place of atoms, so that `ring` sees nothing but variables; a step then applies that lemma
to its atoms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.proof.rocq.terms import (
    FUNCTIONS,
    VALUES,
    ExportError,
    Frozen,
    Poly,
    Relation,
    Term,
    Terms,
    number,
    rational,
)

VARIABLES = {"w": "W", "t": "Time", "j": "J", "i": "J", "k": "K"}
ONE = [["1", [], []]]
ZERO: Term = ["q", "0"]
ONE_TERM: Term = ["q", "1"]
Applied = Callable[[Sequence[str]], str]
Key = tuple[str, Frozen]
Given = tuple[Relation, str]


def of_poly(p: Poly) -> Term:
    """The polynomial as a term, printed in normal form."""
    return ["poly", p]


def const(q: Fraction | int) -> Term:
    return ["q", str(q)]


def quantified(variables: str, text: str) -> str:
    return f"(forall {' '.join(f'({v} : {VARIABLES[v]})' for v in variables)}, {text})" if variables else f"({text})"


def abstracted(variables: str, proof: str) -> str:
    return f"(fun {' '.join(variables)} => {proof})" if variables else proof


def applied(name: str, variables: str) -> str:
    return f"({name} {' '.join(variables)})" if variables else name


def relation(raw: Any) -> Relation:
    if not isinstance(raw, (list, tuple)) or len(raw) != 3 or raw[0] not in ("<=", "<", "==", "!="):
        raise ExportError(f"not a relation: {raw!r}"[:80])
    return (raw[0], raw[1], raw[2])


@dataclass
class RocqStep:
    number: int  # in the certificate
    rule: str
    premises: list[int]
    data: dict[str, Any]
    claim: Relation
    hypotheses: dict[Key, Relation] = field(default_factory=dict)
    sealed: set[Key] = field(default_factory=set)
    variables: str = ""  # of w, t, j, i, k: those that its lemma is for all of


@dataclass
class Evidence:
    """Proofs of hypotheses inside a step: `here` at the bound w, t, j, i, k, and `everywhere` for all of them."""

    here: dict[Key, str]
    everywhere: dict[Key, str]


class Local:
    """Names of atoms inside one lemma of algebra: a0, a1, .. as they are met."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.atoms: dict[int, str] = {}

    def _name(self, atom: int) -> str:
        return self.atoms.setdefault(atom, f"a{len(self.atoms)}")

    def show(self, term: Term) -> str:
        return self._terms.show(term, self._name)

    def relation(self, relation: Relation) -> str:
        return self._terms.relation(relation, self.show)


class Script:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.lemmas: list[str] = []  # of algebra; they stand before the section, where no name of the certificate is known
        self.lines: list[str] = []
        self.premises: list[str] = []
        self.met: set[int] = set()
        self.leaned = False  # whether a fact has been used since this was last set
        self._algebra: dict[str, str] = {}
        self._facts: dict[str, str] = {}

    # Text with the atoms themselves

    def show(self, term: Term) -> str:
        return self.terms.show(term, self._atom)

    def _atom(self, atom: int) -> str:
        self.met.add(atom)
        return self.terms.atom(atom)

    def relation(self, relation: Relation) -> str:
        return self.terms.relation(relation, self.show)

    def deps(self, *relations: Relation) -> str:
        """The variables that occur in the text of the relations, in the order w, t, j, i, k."""
        met: set[int] = set()
        for relation in relations:
            self.terms.relation(relation, lambda term: self.terms.show(term, lambda a: met.add(a) or ""))
        return self.variables(met)

    def variables(self, atoms: Iterable[int]) -> str:
        """The variables that the atoms depend on, in the order w, t, j, i, k."""
        found = frozenset().union(*(self.terms.deps[a] for a in atoms))
        return "".join(v for v in VARIABLES if v in found)

    def closed(self, relation: Relation) -> str:
        """The relation for all w, t, j, i and k that occur in it."""
        return quantified(self.deps(relation), self.relation(relation))

    def fact(self, statement: str, words: str) -> str:
        """The name of a premise of the theorem; what is stated twice is one premise."""
        self.leaned = True
        if statement not in self._facts:
            name = self._facts[statement] = f"fact__{len(self._facts)}"
            self.lines.append(f"Hypothesis {name} : {statement}.")
            self.premises.append(words)
        return self._facts[statement]

    def size_of(self, sort: str, number: str) -> str:
        """The premise that a constant is the number of coordinates or clients."""
        return self.fact(f"{number} = INR (length {sort})", f"{number} is the number of {sort}")

    # Algebra

    def algebra(self, premises: Sequence[Relation], claim: Relation, proof: Callable[[Local], str]) -> Applied:
        """A lemma over variables: the claim from the premises h0, h1, ..; what comes back applies it to proofs of its premises."""
        local = Local(self.terms)
        arrows = "".join(f"({local.relation(p)}) -> " for p in premises)
        statement = arrows + local.relation(claim)
        body = proof(local)
        binders = f" ({' '.join(local.atoms.values())} : R)" if local.atoms else ""
        intros = f"intros {' '.join(f'h{n}' for n in range(len(premises)))}. " if premises else ""
        text = f"{binders} : {statement}.\nProof. {intros}{body} Qed."
        if text not in self._algebra:
            self._algebra[text] = f"alg__{len(self._algebra)}"
            self.lemmas.append(f"Lemma {self._algebra[text]}{text}")
        atoms = "".join(" " + self._atom(a) for a in local.atoms)
        return lambda proofs: f"({self._algebra[text]}{atoms}{''.join(' ' + p for p in proofs)})"

    def certify(self, premises: Sequence[Relation], claim: Relation, mult: Any, total: Any, equalities: Any) -> Applied:
        """mult * (r - l) = sum + equalities for the claim l <= r, l < r or l == r."""

        def proof(local: Local) -> str:
            lemma = {"<=": "by__le", "<": "by__lt", "==": "by__eq"}.get(claim[0])
            if lemma is None or (claim[0] == "==" and total):
                raise ExportError("certify proves <=, < and, without a sum, ==")
            m, m_proof = self._cone(local, premises, mult, strict=True)
            s, s_proof = self._cone(local, premises, total, strict=claim[0] == "<")
            s_proof = "(same__ 0)" if claim[0] == "==" else s_proof
            e, e_proof = "0", "(same__ 0)"
            for index, (n, term) in enumerate(equalities):
                text = f"({local.show(term)}) * ({_slack(local, premises[n])})"
                piece = f"(eq__zero ({local.show(term)}) h{n})"
                e, e_proof = (text, piece) if index == 0 else (f"{e} + {text}", f"(eq__add {e_proof} {piece})")
            low, high = local.show(claim[1]), local.show(claim[2])
            identity = f"({m}) * ({high} - {low}) = ({s}) + ({e})"
            return f"refine ({lemma} ({m}) ({s}) ({e}) {low} {high} {m_proof} {s_proof} {e_proof} _). {_close(identity)}"

        return self.algebra(premises, claim, proof)

    def _cone(self, local: Local, premises: Sequence[Relation], cone: Any, *, strict: bool) -> tuple[str, str]:
        """The text of a cone and the proof that it is >= 0, or > 0. Strict members come first, as `add__lt` wants them."""
        members = [(self._is_strict(premises, m), m) for m in cone]
        if strict:
            members.sort(key=lambda m: not m[0])
        text, proof = "0", "(refl__ 0)"
        for index, (_, member) in enumerate(members):
            positive = strict and index == 0
            t, p = self._member(local, premises, member, strict=positive)
            add = "add__lt" if strict else "add__le"
            text, proof = (t, p) if index == 0 else (f"{text} + {t}", f"({add} {proof} {p})")
        return text, proof

    @staticmethod
    def _is_strict(premises: Sequence[Relation], member: Any) -> bool:
        return not member[2] and all(premises[n][0] == "<" for n in member[1])

    @staticmethod
    def _member(local: Local, premises: Sequence[Relation], member: Any, *, strict: bool) -> tuple[str, str]:
        c, numbers, squares = member
        q = rational(c)
        positive = f"(z__pos {abs(q.numerator)})" if q.denominator == 1 else f"(q__pos {abs(q.numerator)} {q.denominator})"
        text, proof = number(q), positive if strict else f"(weak__ {positive})"
        mul, slack = ("mul__lt", "slack__lt") if strict else ("mul__le", "slack__le")
        for n in numbers:
            weak = premises[n][0] == "<" and not strict
            text = f"{text} * ({_slack(local, premises[n])})"
            proof = f"({mul} {proof} ({slack} {f'(weak__ h{n})' if weak else f'h{n}'}))"
        for t in squares:
            text, proof = f"{text} * ({local.show(t)}) ^ 2", f"({mul} {proof} (square__ ({local.show(t)})))"
        return text, proof

    def bridge(self, given: Relation, proof: str, wanted: Relation) -> str:
        """A proof of `wanted`, which is `given` up to normal form or follows from it (<= from < and ==), from one of `given`."""
        same = [self.show(t) for t in given[1:]] == [self.show(t) for t in wanted[1:]]
        if same and given[0] == wanted[0]:
            return proof
        if same and (given[0], wanted[0]) == ("<", "<="):
            return f"(weak__ {proof})"
        if wanted[0] == "!=":
            if given[0] == "<":
                given, proof = ("!=", given[1], given[2]), f"(ne__lt {proof})"
            return self.algebra([given], wanted, lambda local: self._unequal(local, given, wanted))([proof])
        if given[0] == "==":
            sign = -1 if self.terms.difference(given) != self.terms.difference(wanted) and wanted[0] == "==" else 1
            return self.certify([given], wanted, ONE, [], [[0, const(sign)]])([proof])
        return self.certify([given], wanted, ONE, [["1", [0], []]], [])([proof])

    @staticmethod
    def _unequal(local: Local, given: Relation, wanted: Relation) -> str:
        texts = " ".join(local.show(t) for t in (*given[1:], *wanted[1:]))
        close = _close("".join(texts))
        return f"refine (by__ne {texts} h0 _). first [left; {close.rstrip('.')} | right; {close.rstrip('.')}]."

    def identity(self, left: Term, right: Term) -> str:
        """A proof that two terms with one normal form are equal."""
        if self.show(left) == self.show(right):
            return f"(same__ {self.show(left)})"
        claim = ("==", left, right)
        return self.algebra([], claim, lambda local: _close(local.relation(claim)))([])

    def value(self, name: str, p: Poly) -> str:
        """A proof of N(f(p)) = f(p), which is a fact of the library where FORMAT.md gives f a value."""
        q = p.constant()
        if q is not None and name == "abs":
            side, other = ("right", "(same__ _)") if q >= 0 else ("left", "ltac:(lra)")
            return f"(abs__{side} {number(abs(q))} {number(q)} ltac:(lra) {other})"
        if q is None or (name, q) not in VALUES:
            return "(same__ _)"
        if name == "erf":
            return self.fact("0 = erf 0", "erf(0) = 0")
        return f"{FUNCTIONS[name]}__{q}"


    def other(self, terms: Terms) -> Script:
        """A script over other terms whose lemmas of algebra stand beside these."""
        script = Script(terms)
        script.lemmas, script._algebra = self.lemmas, self._algebra
        return script

    def inverse_of_monomial(self, p: Poly) -> str:
        """A proof of / (c a^n b) = (1/c) (/ a)^n / b, by a lemma over a and b."""
        local = Local(self.terms)
        [(m, c)] = p.items()
        powers = "".join(f" * {local.show(of_poly(Poly({((a, 1),): Fraction(1)})))}{f' ^ {n}' if n > 1 else ''}" for a, n in m)
        text = local.show(of_poly(p))
        inverses: dict[int, str] = {}
        for a, _ in m:
            [((inverse, _),)] = self.terms.inverse(Poly({((a, 1),): Fraction(1)}))
            inverses[inverse] = f"(/ {local.atoms[a]})"
        right = self.terms.poly(self.terms.inverse(p), inverses.__getitem__)
        body = (
            f"replace {text} with ({number(c)}{powers}) by ring. repeat rewrite Rinv_mult. repeat rewrite pow_inv."
            f" replace (/ {number(c)}) with {number(1 / c)} by field. ring."
        )
        statement = f" ({' '.join(local.atoms.values())} : R) : / {text} = {right}.\nProof. {body} Qed."
        if statement not in self._algebra:
            self._algebra[statement] = f"alg__{len(self._algebra)}"
            self.lemmas.append(f"Lemma {self._algebra[statement]}{statement}")
        return f"({self._algebra[statement]}{''.join(' ' + self._atom(a) for a in local.atoms)})"


def _slack(local: Local, relation: Relation) -> str:
    return f"{local.show(relation[2])} - {local.show(relation[1])}"


def _close(identity: str) -> str:
    """`ring` knows integers alone; `field`, which is slower, knows fractions."""
    return "field." if " / " in identity else "ring."

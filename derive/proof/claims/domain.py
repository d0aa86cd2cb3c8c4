"""Domains of claims: facts that denominators are nonzero, arguments of sqrt nonnegative and arguments of log positive.

Terms are walked from the inside out, so that facts about inner terms (0 <= sqrt(x), 0 < exp(x), x * (1/x) == 1) serve the outer
ones. An assumption enters once earlier ones show the domains of its terms, in whatever order the user wrote them.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.branch import ZERO, Branch, Solver
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, fn, num
from sdescent.derive.proof.language.text import text
from sdescent.derive.vocabulary.errors import BadInput

#: function -> laws that hold for every argument
LAWS = {"exp": ("exp_positive",), "psi": ("psi_positive", "psi_square"), "abs": ("abs_square", "abs_nonneg")}


class Domain:
    """Shows that terms lie in their domains, and adds facts about their functions and inverses to the branch."""

    def __init__(self, branch: Branch, solve: Solver, seconds: float) -> None:
        self.branch, self.kernel, self.solve, self.seconds = branch, branch.kernel, solve, seconds
        #: denominators Q of unknown sign, each with the fact 0 < Q^2
        self.unsigned: list[tuple[Term, Fact]] = []
        self._done: set[Term] = set()

    def missing(self, t: Any) -> tuple[str, Term] | None:
        """The kind and term of the first subterm not shown to lie in its domain, or None if there is none."""
        for part in inside_out(t):
            if part in self._done:
                continue
            failed = self._enter(part)
            if failed is not None:
                return failed
            self._done.add(part)
        return None

    def _enter(self, part: Term) -> tuple[str, Term] | None:
        if part[0] == "/":
            return None if self._denominator(part[2]) else ("denominator", part[2])
        if part[0] != "f":
            return None
        name, of = part[1], part[2]
        if name == "sqrt" and not self._root(of):
            return "argument of sqrt", of
        if name == "log":
            positive = self.solve(self.branch, ZERO.lt(of), self.seconds)
            if positive is None:
                return "argument of log", of
            self.branch.add(positive)
        for law in LAWS.get(name, ()):
            self._law(law, [of])
        for fact in self.branch.at_most_abs(of) if name == "abs" else ():
            self.branch.add(fact)
        return None

    def _law(self, law: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        return self.branch.add(self.kernel.function(law, args, premises))

    def _root(self, of: Term) -> bool:
        branch, s = self.branch, fn("sqrt", of)
        if branch.fact_of((s**2).eq(of)) is not None:
            return True
        nonnegative = self.solve(branch, ZERO.le(of), self.seconds)
        if nonnegative is None:
            return False
        square, root = self._law("sqrt_square", [of], [nonnegative]), self._law("sqrt_nonneg", [of])
        positive = branch.show(ZERO.lt(of), 0.05)
        if positive is not None:
            # s <= 0 <= s gives 0 < Q = s^2 = -(-s) s <= 0
            other, one = self.kernel.assume(s.le(ZERO)), Fraction(1)
            members = [(one, (1,), ()), (one, (0, 2), ())]
            premises = [other, positive, root, square]
            absurd = self.kernel.certify(ZERO.lt(0), premises, sum=members, equalities=[(3, num(-1))])
            branch.add(branch.by_cases(ZERO.lt(s), absurd))
        return True

    def _denominator(self, q: Term) -> bool:
        branch = self.branch
        poly = branch.normal.polynomial(q)
        if (len(poly) == 1 and () in poly) or branch.fact_of((q * (1 / q)).eq(1)) is not None:
            return True
        for claim, sign in ((ZERO.lt(q), 1), (q.lt(ZERO), -1)):
            signed = self.solve(branch, claim, self.seconds / 2)
            if signed is not None:
                self.inverse(branch, q, signed, sign)
                return True
        unequal = branch.fact_of(Relation(("!=", q, ZERO)))
        if unequal is not None:
            branch.add(self.kernel.inverse(q, unequal))
            return True
        unequal = self.solve(branch, ZERO.lt(q**2), self.seconds / 2)
        if unequal is None:
            return False
        self.unsigned.append((q, unequal))
        return True

    def inverse(self, branch: Branch, q: Term, nonzero: Fact, sign: int) -> None:
        """Add the sign of q, q * (1/q) == 1 and the sign of 1/q."""
        branch.add(nonzero)
        unit = branch.add(self.kernel.inverse(q, nonzero))
        claim = ZERO.lt(1 / q) if sign > 0 else (1 / q).lt(ZERO)
        # mult * (1/q) = q * (1/q) = 1 with mult = q, or -q for a negative q
        plus = (Fraction(1), (), ())
        with suppress(ProofError):
            branch.add(self.kernel.certify(claim, [nonzero, unit], [(Fraction(1), (0,), ())], [plus], [(1, num(-1))]))

    def signed(self, branch: Branch, q: Term, nonzero: Fact, sign: int) -> None:
        """Add the inverse of a nonzero q in a branch with 0 <= q or q <= 0."""
        fact = branch.indirect(ZERO.lt(q) if sign > 0 else q.lt(ZERO), self.seconds, [nonzero])
        if fact is not None:
            self.inverse(branch, q, fact, sign)


def inside_out(t: Any) -> Iterator[Term]:
    """The subterms of a term or relation, inner ones first."""
    for a in t[1:]:
        if isinstance(a, tuple):
            yield from inside_out(a)
    if isinstance(t, Term):
        yield t


def obligations(t: Any) -> bool:
    """Whether a term or relation has a root, a logarithm, or a denominator other than a nonzero number."""
    return any(
        (p[0] == "/" and (p[2][0] != "q" or p[2] == ZERO)) or (p[0] == "f" and p[1] in ("sqrt", "log"))
        for p in inside_out(t)
    )


def enter_assumptions(domain: Domain, assumed: Sequence[Relation], texts: Sequence[str | None]) -> None:
    """Assume every relation once its terms are known to lie in their domains; BadInput about "assume[n]" if that is not shown."""
    # relations whose domains need no proof come first, because they may show the domains of the others
    kernel, waiting = domain.kernel, sorted(enumerate(assumed), key=lambda entry: obligations(entry[1]))
    while waiting:
        before = len(waiting)
        for n, r in list(waiting):
            if domain.missing(r) is None:
                waiting.remove((n, r))
                domain.branch.add(kernel.assume(r))
        if len(waiting) == before:
            n, missing = next((w[0], domain.missing(w[1])) for w in waiting)
            assert missing is not None
            raise refused(f"assume[{n + 1}]", missing, texts[n])


def refused(field: str, missing: tuple[str, Term], source: str | None) -> BadInput:
    """The error for a term that is not shown to lie in its domain."""
    what, t = missing
    need = {"denominator": "be nonzero", "argument of sqrt": "be >= 0", "argument of log": "be > 0"}[what]
    printed = text(t)
    accepted = f"a {what} that the assumptions show to {need}".replace("a arg", "an arg")
    return BadInput(field, printed, accepted, column(source, printed))


def column(source: str | None, printed: str) -> int | None:
    """The column, from 1, of a printed term in a source with different spacing; None if the term cannot be located."""
    if source is None or "**" in source:  # ** is printed as ^
        return None
    places = [n for n, ch in enumerate(source) if ch != " "]
    squeezed, squeezed_term = source.replace(" ", ""), printed.replace(" ", "")
    for before, after in (("/(", ")"), ("sqrt(", ")"), ("log(", ")"), ("/", ""), ("", "")):
        at = squeezed.find(before + squeezed_term + after)
        if at >= 0:
            return places[at + len(before)] + 1
    return None

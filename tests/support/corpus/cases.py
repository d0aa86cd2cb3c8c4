"""Claims that the tests try the prover on: what one is, and how it is written and read.

There is one notation: the strings of a claim file, read by the public parser.
"""

import operator
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, from_json, num
from sdescent.derive.reading.claims import Claim, claim_from


class Case(NamedTuple):
    """A claim and what is known of it.

    Args:
        name: unique.
        variables, assume, claim, hints: as in a claim file.
        truth: whether the claim holds wherever the assumptions do.
        why: the proof, of a true one.
        witness: a point of the assumptions where the claim fails, of a false one: a term without variables for each variable.
        given: for assumptions == the terms in the other variables that solve them, in order, so that they can be sampled.
        vacuous: no point satisfies the assumptions.
    """

    name: str
    variables: tuple[str, ...]
    assume: tuple[str, ...]
    claim: str
    hints: tuple[str, ...]
    truth: bool
    why: str
    witness: Mapping[str, str]
    given: tuple[tuple[str, str], ...]
    vacuous: bool


def _split(text: str, by: str | None = None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(by) if part.strip())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs of "x = 1, y = 2/3"."""
    pairs = (part.partition("=") for part in _split(text, ","))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def yes(
    name: str,
    variables: str,
    claim: str,
    assume: str = "",
    why: str = "",
    hints: str = "",
    given: str = "",
    vacuous: bool = False,
) -> Case:
    """A true claim; assumptions and hints stand between semicolons."""
    assumed, hinted = _split(assume, ";"), _split(hints, ";")
    return Case(name, _split(variables), assumed, claim, hinted, True, why, {}, _pairs(given), vacuous)


def no(name: str, variables: str, claim: str, assume: str = "", witness: str = "", hints: str = "") -> Case:
    """A false claim."""
    assumed, hinted = _split(assume, ";"), _split(hints, ";")
    return Case(name, _split(variables), assumed, claim, hinted, False, "", dict(_pairs(witness)), (), False)


def claim_of(case: Case) -> Claim:
    """What a claim file with this case says."""
    lists = {name: list(getattr(case, name)) for name in ("variables", "assume", "hints")}
    return claim_from({**lists, "claim": case.claim})


def relations_of(case: Case) -> tuple[list[str], list[Relation], Relation]:
    """Variables, assumptions and claim in the terms of the kernel."""
    asked = claim_of(case)
    return sorted(asked.variables), [from_json(a, True) for a in asked.assume], from_json(asked.claim, True)


def laws(terms: Sequence[Term | Relation]) -> list[Relation]:
    """p (1/p) == 1 of each denominator, sqrt(p)^2 == p and 0 <= sqrt(p), abs(p)^2 == p^2 and 0 <= abs(p)."""
    facts: list[Relation] = []
    stack: list[object] = list(terms)
    while stack:
        t = stack.pop()
        if isinstance(t, Term) and t[0] == "/" and t[2][0] != "q":
            facts.append((t[2] * (1 / t[2])).eq(1))
        if isinstance(t, Term) and t[0] == "f":
            square = t[2] if t[1] == "sqrt" else t[2] ** 2
            facts += [(t**2).eq(square), num(0).le(t)] if t[1] in ("sqrt", "abs") else []
        if isinstance(t, tuple):
            stack.extend(t)
    return list(dict.fromkeys(facts))


def problem(case: Case) -> tuple[Normal, Relation, list[Relation], list[Term]]:
    """What the search for a certify step takes: the assumptions and the kernel's laws of what occurs."""
    variables, premises, claim = relations_of(case)
    hints = [from_json(hint) for hint in claim_of(case).hints]
    return Normal(Context(dict.fromkeys(variables, "const"))), claim, premises + laws([claim, *premises, *hints]), hints


def value(t: Any, at: Mapping[str, Any], mp: Any) -> Any:
    """A term by a context of mpmath, which shares nothing with the provers."""
    head, *args = t
    if head == "q":
        return mp.mpf(Fraction(args[0]).numerator) / Fraction(args[0]).denominator
    if head in ("x", "pi"):
        return at[args[0]] if args else +mp.pi
    if head == "^":
        return value(args[0], at, mp) ** args[1]
    if head == "f":
        inner = value(args[1], at, mp)
        assert args[0] not in ("sqrt", "log") or inner >= 0, "outside the domain"
        return abs(inner) if args[0] == "abs" else getattr(mp, args[0])(inner)
    step = {"+": operator.add, "*": operator.mul, "/": operator.truediv}[head]
    return reduce(step, (value(a, at, mp) for a in args))

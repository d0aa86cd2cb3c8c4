"""Claims that the tests try the prover on: what one is, and how it is written and read.

There is one notation: the strings of a claim file, read by the public parser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
    found: list[Relation] = []
    stack: list[object] = list(terms)
    while stack:
        t = stack.pop()
        if isinstance(t, Term) and t[0] == "/" and t[2][0] != "q":
            found.append((t[2] * (1 / t[2])).eq(1))
        if isinstance(t, Term) and t[0] == "f":
            square = t[2] if t[1] == "sqrt" else t[2] ** 2
            found += [(t**2).eq(square), num(0).le(t)] if t[1] in ("sqrt", "abs") else []
        if isinstance(t, tuple):
            stack.extend(t)
    return list(dict.fromkeys(found))


def problem(case: Case) -> tuple[Normal, Relation, list[Relation], list[Term]]:
    """What the search for a certify step takes: the assumptions and the kernel's laws of what occurs."""
    variables, premises, claim = relations_of(case)
    hints = [from_json(hint) for hint in claim_of(case).hints]
    return Normal(Context(dict.fromkeys(variables, "const"))), claim, premises + laws([claim, *premises, *hints]), hints


# what several claims say

POSITIVE3, NONNEGATIVE3 = "x > 0; y > 0; z > 0", "x >= 0; y >= 0; z >= 0"
SCHUR = "x*(x - y)*(x - z) + y*(y - x)*(y - z) + z*(z - x)*(z - y)"
MOTZKIN = "x^4*y^2 + x^2*y^4 + 1 - 3*x^2*y^2"
MOTZKIN_HINTS = "x^2*y - y; x*y^2 - x; x^2*y^2 - 1; x*y^3 - x^3*y; x*y^3 + x^3*y - 2*x*y"
NESBITT = "x/(y + z) + y/(z + x) + z/(x + y)"
COSH = "(exp(x) + exp(-x))/2"
# one step of 6.2: generator and conditions of the corrected model
SIGNS = "L0 >= 0; L1 >= 0; A >= 0; D0 >= 0; N >= 1; G >= 0; h >= 0; eta >= 0; eps >= 0"
LF = "-h*G^2 + eta*h^2*(L0 + L1*G)*(A*G^2 + D0/N)/2"
STEP = "L0 L1 A D0 N G h eta eps"
FLOOR = "-(1 - eps)*h*G^2 + eta*h^2*(L0 + L1)*D0/(2*N)"

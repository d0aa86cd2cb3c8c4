"""A term as a function of one quantity, which is a polynomial in the term's variables."""

from collections.abc import Iterator
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from sdescent.derive.proof.claims.branch import Branch, symbols
from sdescent.derive.proof.language.normal import Polynomial
from sdescent.derive.proof.language.terms import Term, fn, num, plus, times, x
from sdescent.derive.proof.search.ring import fraction, rational


def bases(branch: Branch, phi: Term) -> Iterator[Term]:
    """The quantities of which phi may be a function: arguments of functions and denominators, up to constants."""
    keys: set[Any] = set()
    for a in sorted(branch.atoms(phi)):
        key = branch.normal.key_of(a)
        if key[0] not in ("f", "inv"):
            continue
        poly = {m: c for m, c in dict(key[-1]).items() if m}
        if any(branch.normal.key_of(b)[0] != "x" for m in poly for b, _ in m) or not poly:
            continue
        first = poly[min(poly)]
        base = {m: c / first for m, c in poly.items()}
        frozen = tuple(sorted(base.items()))
        if frozen not in keys:
            keys.add(frozen)
            yield branch.normal.term(base)


def in_terms_of(branch: Branch, phi: Term, t: Term, z: str) -> Term | None:
    """The term phi written in z = t alone, or None if that is impossible."""
    normal = branch.normal
    names = symbols(phi, t)
    ring = fmpq_mpoly_ctx.get((*names, z), Ordering.lex)
    gens = dict(zip((*names, z), ring.gens(), strict=True))

    def poly(form: Polynomial) -> Any:
        total = ring.constant(0)
        for m, c in form.items():
            piece = ring.constant(rational(c))
            for a, n in m:
                piece *= gens[normal.key_of(a)[1]] ** n
            total += piece
        return total

    relation = poly(normal.polynomial(t)) - gens[z]

    def symbol(a: int) -> bool:
        return normal.key_of(a)[0] == "x"

    def reduced(form: Polynomial) -> Term | None:
        groups: dict[Any, Polynomial] = {}
        for m, c in form.items():
            outer = tuple((a, n) for a, n in m if not symbol(a))
            groups.setdefault(outer, {})[tuple((a, n) for a, n in m if symbol(a))] = c
        members: list[Term] = []
        for outer, inner in groups.items():
            _, rest = divmod(poly(inner), relation)
            pieces: list[Term] = []
            for exponents, c in rest.to_dict().items():
                powers = [int(e) for e in exponents]
                if any(powers[:-1]):
                    return None
                pieces.append(num(fraction(c)) * x(z) ** powers[-1])
            factors: list[Term] = []
            for a, n in outer:
                key = normal.key_of(a)
                argument = reduced(dict(key[-1])) if key[0] in ("inv", "f") else None
                if argument is None:
                    return None
                factors.append((1 / argument if key[0] == "inv" else fn(key[1], argument)) ** n)
            members.append(times(plus(*pieces), *factors))
        return plus(*members)

    return reduced(normal.polynomial(phi))

"""The shapes of formulas in a theorem file: V as a sum of values and products of vectors, and the bound on a step."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, x
from sdescent.derive.theorems.bounds.language.letters import CLOCK
from sdescent.derive.theorems.bounds.language.vocabulary import ARITHMETIC, Formulas, parts_of, replaced, symbols_of
from sdescent.derive.vocabulary.errors import BadInput

#: the change of V in a step
CHANGE = x("change")


def monomials_of(formulas: Formulas, text: object) -> list[tuple[Any, Term]]:
    """The terms of V as pairs (key, coefficient), where the key is "f", a product of vectors, or None for a constant.

    A key is also a term in the numbers of the memory and constants, such as log(b).

    Args:
        formulas: the formulas of the file.
        text: V as the file writes it, for messages.

    Raises:
        BadInput: a coefficient is no constant, or a term is none of these.
    """
    words, value = formulas.words, formulas.value
    vectors = tuple(dict.fromkeys(v for pair in words.products for v in pair))
    numbers = frozenset(words.letters.numbers)
    values = {f"f{key}" for key in words.places} | {"f"} | numbers
    consts = {name: "const" for name in symbols_of(value) | values} | dict.fromkeys(values, "random")
    normal = Normal(Context(consts, vectors or ("g",)))
    coefficients: dict[Any, Any] = {}
    for m, c in normal.polynomial(value).items():
        random = [(a, n) for a, n in m if normal.depends({((a, n),): c})]
        rest = tuple(f for f in m if f not in random)
        if not words.constant(normal.term({rest: c}), ("fstar", "K", "T", CLOCK)):
            accepted = "coefficients of constants and n, the number of steps made so far, so without u, Zsq, clip, V0 and the like"
            raise BadInput("V", text, accepted)
        varying = normal.term({tuple(random): Fraction(1)})
        if random and all(p[0] in ARITHMETIC and (p[0] != "x" or p[1] in numbers) for p in parts_of(varying)):
            key = varying
        else:  # in the order of the file
            key = _kind([(normal.key_of(a), n) for a, n in random])
            key = key[::-1] if isinstance(key, tuple) and key not in words.products else key
        coefficients.setdefault(key, {})[rest] = c
    return [(key, normal.term(poly)) for key, poly in coefficients.items()]


def _kind(random: list[tuple[Any, int]]) -> Any:
    if not random:
        return None
    if len(random) == 1:
        ((key, n),) = random
        if key[0] == "x" and n == 1:
            return key[1] if key[1] == "f" else key[1][1:]
        if key[0] == "norm" and n == 2:
            return (key[1][1], key[1][1])
        if key[0] == "dot" and n == 1:
            return (key[1][1], key[2][1])
    parts = "f, fstar, squares ||v||^2, products <v, w> and functions of the scalar memory"
    accepted = f"a combination of {parts} with constant coefficients"
    raise BadInput("V", "another term", accepted)


def bounds_change(relation: Relation, kinds: Mapping[str, str], vectors: Sequence[str]) -> bool:
    """Whether a relation l <= r is of the form change <= t, where t does not contain the change."""
    rest = replaced(relation.left - relation.right, {x("LV"): CHANGE}) - CHANGE
    normal = Normal(Context(kinds, tuple(vectors), {"S": ("psd",)}, {"R": {}}, "T" if "T" in kinds else None))
    try:
        return "change" not in symbols_of(normal.term(normal.polynomial(rest)))
    except ProofError:  # something under an operator
        return False

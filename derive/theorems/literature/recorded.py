"""The theorems of this folder as entries: the claim is that of the file, the derivation that of the certificate beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import from_json
from sdescent.derive.reading.toml_file import read_keys
from sdescent.derive.theorems.bounds.stated import KEYS, Stated
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.errors import BadInput

#: rules that join changes of V over time, whose facts are lines of the proof
OVER_TIME = ("descent", "telescope", "decay", "summable")


@cache
def entry(path: Path) -> Theorem:
    """The theorem of a file, whose derivation is the certificate beside the file.

    Raises:
        BadInput, Refusal: as `recorded` raises them.
        OSError: the file cannot be read, or there is no certificate.
    """
    certificate = path.with_suffix(".cert.json").read_text(encoding="utf-8")
    return recorded(path.stem, read_keys(path, KEYS), json.loads(certificate))


def recorded(id: str, table: Mapping[str, Any], certificate: Mapping[str, Any]) -> Theorem:
    """A theorem file as an entry that is proved by a certificate.

    Raises:
        BadInput, Refusal: as `Stated` raises them, or the file does not state the conclusion itself.
    """
    stated, said = Stated(table), certificate["statement"]
    used = {from_json(relation, True) for relation in (*said["assumptions"], *said["definitions"])}
    if not used <= {*stated.setting.assumptions.values(), *stated.setting.definitions.values()}:
        stated = replace(stated, interpolate=True)  # the proof uses values and gradients at the next state
    theorem = stated.entry(id)
    if theorem.claim is None:
        raise BadInput("claim", table["claim"], "the bound at the horizon, with the bound of a step as step")
    return replace(theorem, prove=Recorded(stated, certificate))


def stated_of(entry: Any) -> Stated | None:
    """What the file of an entry of this folder states; None for another entry."""
    derivation = getattr(entry, "prove", None)
    return derivation.stated if isinstance(derivation, Recorded) else None


@dataclass(frozen=True)
class Recorded:
    """A derivation whose steps are those of a certificate; the kernel makes each of them again.

    Raises:
        ProofError: a step is not an instance of its rule, or the certificate is not about the theorem.
    """

    stated: Stated
    certificate: Mapping[str, Any]

    def __call__(self, w: Derivation) -> Fact:
        last = rebuild(self.certificate, w.kernel)
        facts = ancestry(last)
        if self.stated.step not in [fact.claim for fact in facts]:
            raise ProofError("the certificate does not contain the bound on a step that the file states")
        for fact in facts[:-1]:
            if fact.rule in OVER_TIME:
                w.step(fact.rule, fact)
            elif fact.claim == self.stated.step:
                w.step("the bound on a step", fact)
        return w.step("the claim", last)

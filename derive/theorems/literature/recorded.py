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
from sdescent.derive.theorems.bounds.horizon.in_probability import ALMOST_SURELY
from sdescent.derive.theorems.bounds.stated import KEYS, Stated
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.errors import BadInput

#: rules that join changes of V over time, whose facts are lines of the proof
OVER_TIME = ("descent", "telescope", "decay", "summable")


@cache
def entry(path: Path) -> Theorem:
    """The theorem of a file, whose derivation is the certificate beside the file.

    Raises:
        BadInput, Refusal: as `Stated` raises them, or the file does not state the conclusion itself.
        OSError: the file cannot be read, or there is no certificate.
    """
    certificate = json.loads(path.with_suffix(".cert.json").read_text(encoding="utf-8"))
    stated, said = Stated(read_keys(path, KEYS)), certificate["statement"]
    used = {from_json(relation, True) for relation in (*said["assumptions"], *said["definitions"])}
    if not used <= {*stated.setting.assumptions.values(), *stated.setting.definitions.values()}:
        stated = replace(stated, interpolate=True)  # the proof uses values and gradients at the next state
    theorem = stated.entry(path.stem)
    if stated.conclude == ALMOST_SURELY:
        theorem = replace(theorem, claim=from_json(said["claim"], True))
    if theorem.claim is None:
        raise BadInput("claim", stated.table["claim"], "the bound at the horizon, with the bound of a step as step")
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
        for fact in (f for f in facts[:-1] if f.rule in OVER_TIME or f.claim == self.stated.step):
            w.step("the bound on a step" if fact.claim == self.stated.step else fact.rule, fact)
        return w.step("the claim", last)

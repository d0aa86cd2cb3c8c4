"""Edits of certificates, and what both checkers say of them: the replay, and the kernel, which makes the steps again."""

import copy
import json
import re
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.replay.check import Invalid, Replayed, Unreadable, replay
from tests.support.certificates.rules import certificate, t

DROP = "drop"


def accepted(value: Any) -> Replayed:
    """What the replay says of a certificate that both checkers accept."""
    rebuild(value)
    return replay(json.dumps(value))


def refused(value: Any, kernel: str | None = "") -> str:
    """What the replay says of an invalid certificate. The kernel refuses it too and says this; with None it is not asked."""
    with pytest.raises((Invalid, Unreadable)) as caught:
        replay(json.dumps(value))
    assert "internal" not in str(caught.value)
    if kernel is not None:
        with pytest.raises(ProofError, match=re.escape(kernel) or None):
            rebuild(value)
    return str(caught.value)


def refused_steps(*steps: dict[str, Any], **rest: Any) -> str:
    return refused(certificate(*steps, **rest))


def follow(value: dict[str, Any]) -> None:
    """State what the steps prove: the last claim, under what they assume (where nothing of it is discharged or instantiated)."""
    statement, steps = value["statement"], value["steps"]
    statement["claim"] = copy.deepcopy(steps[-1]["claim"])
    if not {"cases", "instantiate"} & {s["rule"] for s in steps}:
        assumed = [s["claim"] for s in steps if s["rule"] == "assume" and s["claim"] not in statement["definitions"]]
        statement["assumptions"] = [raw for k, raw in enumerate(assumed) if raw not in assumed[:k]]


def edited_in(certificate: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """A certificate with one place changed; when that is in a step, the statement follows. A text that begins with ! is a term."""
    value = copy.deepcopy(certificate)
    node = value
    for key in path[:-1]:
        node = node[key]
    if to == DROP:
        del node[path[-1]]
    else:
        node[path[-1]] = terms_in(to)
    if path[0] == "steps":
        follow(value)
    return value


def terms_in(value: Any) -> Any:
    if type(value) is list:
        return [terms_in(part) for part in value]
    return t(value[1:]) if type(value) is str and value.startswith("!") else value

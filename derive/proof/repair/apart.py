"""Claims and their repairs in a process of their own, for a command that must end: what the search is cut off at is UNDECIDED.

`prove` itself ends its arithmetic in Python, in any thread. It estimates what it asks of C, which nothing interrupts and where
memory that is not there ends the process; where the estimate is wrong, the process that ends here is not the user's.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from typing import Any

from sdescent.derive.proof.language.text import said
from sdescent.derive.proof.language.worker import Worker, serve
from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict

#: seconds beyond its time after which a search is cut off: `prove` ends by itself before
GRACE = 0.9
CUT_OFF = "the search was cut off: it came to a calculation that took more time or memory than it has"

_worker = Worker("sdescent.derive.proof.repair.apart")


def prove_apart(claim: Claim, seconds: float) -> dict[str, Any]:
    """`prove` of a claim: status, reason, counterexample, certificate, vacuous, satisfiability and seconds, as a JSON object.

    Raises:
        BadInput: as `prove`.
        RuntimeError: an error of the search, with its traceback.
    """
    answer = _ask("prove", claim, seconds)
    if answer is None:
        return {
            "status": Verdict.UNDECIDED, "reason": CUT_OFF, "counterexample": None, "certificate": None, "vacuous": False,
            "satisfiability": "not shown", "seconds": seconds,
        }  # fmt: skip
    return answer


def repairs_apart(claim: Claim, seconds: float) -> list[dict[str, Any]]:
    """`repairs` of the claim that `prove_apart` has just refuted, as JSON objects; none where the search was cut off.

    Their `claim` and `assume` are in the grammar of claim files.
    """
    return _ask("repairs", claim, seconds) or []


def _ask(what: str, claim: Claim, seconds: float) -> Any:
    parts = [claim.variables, claim.assume, claim.claim, claim.hints]
    reply = _worker.ask({"what": what, "claim": parts, "seconds": seconds}, seconds + GRACE)
    if reply is None:
        return None
    if "refused" in reply:
        raise BadInput(*reply["refused"])
    if "broken" in reply:
        raise RuntimeError(reply["broken"])
    return reply["found"]


class _Answers:
    """In the worker: answers, and the last verdict, whose repairs may be asked for."""

    def __init__(self) -> None:
        self.verdict: Any = None

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"found": self._answer(**question)}
        except BadInput as error:
            return {"refused": [error.field, str(error.value), error.accepted, error.column]}
        except MemoryError:
            return {"found": None}
        except Exception:
            return {"broken": traceback.format_exc()}

    def _answer(self, what: str, claim: list[Any], seconds: float) -> Any:
        from sdescent.derive.proof.claims.prove import prove
        from sdescent.derive.proof.repair.smallest import repairs

        variables, assume, relation, hints = claim
        if what == "repairs":
            return [_repair(r) for r in repairs(self.verdict, seconds=seconds)]
        self.verdict = verdict = prove(Claim(tuple(variables), tuple(assume), relation, tuple(hints)), seconds=seconds)
        names = ("status", "reason", "counterexample", "certificate", "vacuous", "satisfiability", "seconds")
        return {name: getattr(verdict, name) for name in names}


def _repair(repair: Any) -> dict[str, Any]:
    return {
        "kind": repair.kind,
        "text": repair.words,
        "claim": repair.text,
        "assume": [said(relation) for relation in repair.assume],
        "needed": None if repair.needed is None else {name: str(value) for name, value in repair.needed.items()},
        "sharp": repair.sharp,
    }


if __name__ == "__main__":
    # not in the time of a question; the parent, which only asks, does not load it
    import_module("sdescent.derive.proof.repair.smallest")
    serve(_Answers())

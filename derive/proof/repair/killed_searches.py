"""Claims and their repairs in a separate process, for a command that must end: a search that is cut off is UNDECIDED.

`prove` itself can end its arithmetic in Python, in any thread. C code cannot be interrupted, and running out of memory there ends
the process, so `prove` estimates such calculations first. If an estimate is wrong, only the separate process ends.
"""

import traceback
from typing import Any

from sdescent.derive.proof.language.killable_process import Worker, serve
from sdescent.derive.proof.language.text import said
from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict

#: seconds beyond the time limit after which a search is cut off; `prove` ends by itself earlier
GRACE = 0.9
CUT_OFF = "the search was cut off: it came to a calculation that took more time or memory than it may use"

_worker = Worker("sdescent.derive.proof.repair.killed_searches")


def prove_apart(claim: Claim, seconds: float) -> dict[str, Any]:
    """The result of `prove` as a JSON object: status, reason, counterexample, certificate, vacuous, satisfiability and seconds.

    Raises BadInput: as for `prove`; RuntimeError: an error of the search, with its traceback.
    """
    answer = _ask("prove", claim, seconds)
    if answer is None:
        return {
            "status": Verdict.UNDECIDED, "reason": CUT_OFF, "counterexample": None, "certificate": None, "vacuous": False,
            "satisfiability": "not shown", "seconds": seconds,
        }  # fmt: skip
    return answer


def repairs_apart(claim: Claim, seconds: float) -> list[dict[str, Any]]:
    """The `repairs` of the claim that `prove_apart` last refuted, as JSON in the grammar of claim files; empty if cut off."""
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
    return reply["answer"]


def _repair(repair: Any) -> dict[str, Any]:
    return {
        "kind": repair.kind,
        "text": repair.words,
        "claim": repair.text,
        "assume": [said(relation) for relation in repair.assume],
        "needed": None if repair.needed is None else {name: str(value) for name, value in repair.needed.items()},
        "sharp": repair.sharp,
    }


def _serve() -> None:
    """Run the worker. The search is imported here: the parent does not need it, and no question should pay for the import."""
    from sdescent.derive.proof.claims.prove import prove
    from sdescent.derive.proof.repair.smallest import repairs

    fields = ("status", "reason", "counterexample", "certificate", "vacuous", "satisfiability", "seconds")
    #: the last verdict; the next question may ask for its repairs
    verdict: Any = None

    def answer(what: str, claim: list[Any], seconds: float) -> Any:
        nonlocal verdict
        if what == "repairs":
            return [_repair(r) for r in repairs(verdict, seconds=seconds)]
        variables, assume, relation, hints = claim
        verdict = prove(Claim(tuple(variables), tuple(assume), relation, tuple(hints)), seconds=seconds)
        return {name: getattr(verdict, name) for name in fields}

    def reply(question: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"answer": answer(**question)}
        except BadInput as error:
            return {"refused": [error.field, str(error.value), error.accepted, error.column]}
        except MemoryError:
            return {"answer": None}
        except Exception:
            return {"broken": traceback.format_exc()}

    serve(reply)


if __name__ == "__main__":
    _serve()

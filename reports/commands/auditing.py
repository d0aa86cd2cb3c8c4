"""The command audit: a stated SDE against the one that is derived."""

from __future__ import annotations

from typing import Any

from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.commands.answers import path_of, print_json
from sdescent.reports.store.files import one_line


def audit(file: str, latex: bool, as_json: bool) -> int:
    """`sdescent audit`: 0 AGREES, 1 DIFFERS or NO SDE, 3 UNDECIDED.

    Raises:
        BadInput: in the file.
        OSError: it cannot be read.
    """
    from sdescent.derive.reading.audits import read_audit
    from sdescent.derive.reading.problems import as_written

    asked = read_audit(path_of(file, "FILE.toml"))
    from sdescent.derive.audit.weak_order import audit as judge

    claim = {"drift": {}, **asked.claimed}
    with as_written():
        found = judge(
            asked.method,
            **claim,
            loss=asked.loss,
            dim=asked.dim,
            values=asked.values,
            clients_given=asked.clients_given,
        )
    known = found.to_dict()
    if as_json:
        print_json(known)
    elif latex:
        print(known["latex"])
    else:
        for line in lines(known):
            print(one_line(line, 10_000))
    return EXIT_STATUS[found.verdict]


def lines(known: dict[str, Any]) -> list[str]:
    """What an audit found, from its JSON."""
    claimed, held = known["order"], known["holds"]
    said = [f"{known['verdict']}{_to_order(known)}"]
    said.append(f"regime: {known['regime']}; one step stands for the time {known['time']}")
    if known["meant_for"]:
        said.append(f"meant for {known['meant_for']}")
    if known["conditions"] and known["verdict"] == Verdict.AGREES:
        said.append("provided that " + ", ".join(known["conditions"]))
    if known["reason"]:
        said.append(known["reason"])
    for term in known["terms"]:
        said += _term(term)
        if known["example"] is None and term["point"]:
            said.append("    they differ at " + ", ".join(f"{name} = {value}" for name, value in term["point"].items()))
    if known["terms"] and held is not None:
        said.append(_held(held, claimed))
    if known["example"]:
        said += _example(known["example"], claimed)
    if known["x_alone"]:
        said.append(f"on test functions of x alone, a weaker claim, it has weak order {known['x_alone']}")
    said += [f"not judged: {text}" for text in known["beyond"]]
    said += [f"not part of the first-order model: {text}" for text in known["left_out"]]
    if known["unknown"]:
        said.append("letters that neither the rule nor its regime has: " + ", ".join(known["unknown"]))
    return said


def _term(term: dict[str, Any]) -> list[str]:
    """The term as claimed and as derived, the difference, and the entry that it stands in where that has more terms."""
    whole = term["entry"]
    said = [f"{term['where']}: {_what(term)}"]
    said.append(f"    claimed {term['claimed']}")
    said.append(f"    derived {term['derived']}")
    said.append(f"    difference (claimed - derived) {term['difference']}")
    if (term["claimed"], term["derived"]) != (whole["claimed"], whole["derived"]):
        said.append(f"    in the entry {whole['claimed']} as stated, {whole['derived']} as derived")
    return [*said, f"    matters for weak order {term['matters']}" + (f": {term['remark']}" if term["remark"] else "")]


def _held(held: int, claimed: int) -> str:
    """What is true of the weak order of an equation with wrong terms."""
    if held == claimed:
        return (
            f"the equation as stated has weak order {held} all the same: what is wrong above matters for weak order 2"
        )
    if held:
        return f"the equation as stated has weak order {held}, not {claimed}"
    return "the equation as stated does not have weak order 1: over a fixed time its errors do not fall like the time of a step"


def _example(found: dict[str, Any], claimed: int) -> list[str]:
    at = [f"{name} = {value}" for name, value in found["constants"].items()]
    at += [f"{name} = {', '.join(values)}" for name, values in found["state"].items()]
    dim = "" if found["dim"] == 1 else f" in {found['dim']} coordinates"
    said = [f"example, {found['where']}: loss {found['loss']}{dim}, {', '.join(at)}"]
    said.append(f"    there the term is {found['claimed']} as claimed, {found['derived']} as derived")
    kinds = (
        ("measured", "slopes", "after one step", claimed + 1),
        ("over_time", "slopes_over_time", "after the time 1", claimed),
    )
    for rows, powers, when, needed in kinds:
        said += [
            f"    eta = {m['eta']}: {found['quantity']} {when} {m['exact']:.6g}; "
            f"errors {_number(m['error_claimed'])} (claimed), {_number(m['error_derived'])} (derived)"
            for m in found[rows]
        ]
        sides = zip(found[powers], ("claimed", "derived"), strict=True)
        shown = [f"{round(n, 2) + 0.0:.2f} ({who})" for n, who in sides if n is not None]
        needs = f"weak order {claimed} needs {needed} or more"
        said += [f"    errors fall like the time of a step to the power {', '.join(shown)}; {needs}"] if shown else []
    return said + ([f"    not measured: {found['reason']}"] if found["reason"] else [])


def _number(error: float) -> str:
    return f"{error:+.3g}" if error else "0"


def _to_order(known: dict[str, Any]) -> str:
    if known["verdict"] == Verdict.AGREES:
        return f" to weak order {known['order']} on test functions of {known['test_functions']}"
    if known["verdict"] == Verdict.NO_SDE:
        return f" of weak order {known['order']} for this rule in this regime ({known['refused']})"
    return f" (claimed: weak order {known['order']} on test functions of {known['test_functions']})"


def _what(term: dict[str, Any]) -> str:
    if term["kind"] == "factor":
        return f"off by the factor {term['factor']}"
    return {"missing": "a term is missing", "extra": "a term too many", "differs": "another formula"}[term["kind"]]

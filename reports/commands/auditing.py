"""The command audit: a stated SDE against the one that is derived."""

from __future__ import annotations

from typing import Any

from reports.commands.answers import path_of, print_json
from reports.store.files import one_line

#: exit status by verdict
STATUS = {"AGREES": 0, "DIFFERS": 1, "NO SDE": 1, "UNDECIDED": 3}


def audit(file: str, latex: bool, as_json: bool) -> int:
    """`sdescent audit`: 0 AGREES, 1 DIFFERS or NO SDE, 3 UNDECIDED.

    Raises:
        BadInput: in the file.
        OSError: it cannot be read.
    """
    from derive.reading.audits import read_audit
    from derive.reading.problems import as_written

    asked = read_audit(path_of(file, "FILE.toml"))
    from derive.stated.audit import audit as judge

    claim = {"drift": {}, **asked.claimed}
    with as_written():
        found = judge(
            asked.method, **claim, loss=asked.loss, dim=asked.dim, values=asked.values, clients_given=asked.clients_given
        )
    known = found.to_dict()
    if as_json:
        print_json(known)
    elif latex:
        print(known["latex"])
    else:
        for line in lines(known):
            print(one_line(line, 10_000))
    return STATUS[found.verdict]


def lines(known: dict[str, Any]) -> list[str]:
    """What an audit found, from its JSON."""
    claimed, held = known["order"], known["holds"]
    said = [f"{known['verdict']}{_to_order(known)}"]
    said.append(f"regime: {known['regime']}; one step stands for the time {known['time']}")
    if known["meant_for"]:
        said.append(f"meant for {known['meant_for']}")
    if known["reason"]:
        said.append(known["reason"])
    for term in known["terms"]:
        said.append(f"{term['where']}: {_what(term)}")
        said.append(f"    claimed {term['claimed']}")
        said.append(f"    derived {term['derived']}")
        said.append(f"    matters for weak order {term['matters']}" + (f"; {term['remark']}" if term["remark"] else ""))
    if known["terms"] and held is not None and held < claimed:
        said.append(f"the equation as stated has weak order {held}" if held else "the equation as stated has no weak order")
    if known["example"]:
        said += _example(known["example"])
    if known["x_alone"]:
        said.append(f"on test functions of x alone, a weaker claim, it has weak order {known['x_alone']}")
    said += [f"not judged: {text}" for text in known["beyond"]]
    said += [f"left out of the first-order model: {text}" for text in known["left_out"]]
    if known["unknown"]:
        said.append("letters that neither the rule nor its regime has: " + ", ".join(known["unknown"]))
    return said


def _example(found: dict[str, Any]) -> list[str]:
    at = [f"{name} = {value}" for name, value in found["constants"].items()]
    at += [f"{name} = {', '.join(values)}" for name, values in found["state"].items()]
    dim = "" if found["dim"] == 1 else f" in {found['dim']} coordinates"
    said = [f"example, {found['where']}: loss {found['loss']}{dim}, {', '.join(at)}"]
    said.append(f"    claimed {found['claimed']}, derived {found['derived']}")
    for rows, powers, when in (("measured", "slopes", "after one step"), ("over_time", "slopes_over_time", "after the time 1")):
        said += [
            f"    eta = {m['eta']}: {found['quantity']} {when} {m['exact']:.6g}; "
            f"errors {m['error_claimed']:+.3g} (claimed), {m['error_derived']:+.3g} (derived)"
            for m in found[rows]
        ]
        shown = [f"{n:.2f} ({who})" for n, who in zip(found[powers], ("claimed", "derived"), strict=True) if n is not None]
        said += [f"    they fall like the time of a step to the power {', '.join(shown)}"] if shown else []
    return said + ([f"    not measured: {found['reason']}"] if found["reason"] else [])


def _to_order(known: dict[str, Any]) -> str:
    if known["verdict"] == "AGREES":
        return f" to weak order {known['order']} on test functions of {known['test_functions']}"
    if known["verdict"] == "NO SDE":
        return f" of weak order {known['order']} for this rule in this regime ({known['refused']})"
    return f" (claimed: weak order {known['order']} on test functions of {known['test_functions']})"


def _what(term: dict[str, Any]) -> str:
    if term["kind"] == "factor":
        return f"off by the factor {term['factor']}"
    return {"missing": "a term is missing", "extra": "a term is extra", "differs": "differs"}[term["kind"]]

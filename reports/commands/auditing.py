"""The command `audit`: it compares a stated SDE with the derived one."""

from typing import Any

from sdescent.derive.audit.weak_order import audit as judge
from sdescent.derive.reading.experiments import read_audit
from sdescent.derive.reading.toml_file import as_written
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.commands.report_derive_list import path_of, print_json, print_lines


def audit(file: str, latex: bool, as_json: bool) -> int:
    """`sdescent audit`: return 0 for AGREES, 1 for DIFFERS or NO SDE, 3 for UNDECIDED. Raises BadInput and OSError for the file."""
    stated = read_audit(path_of(file, "FILE.toml"))
    fields = {name: getattr(stated, name) for name in ("loss", "dim", "values", "clients_given")}
    with as_written():
        outcome = judge(stated.method, **{"drift": {}, **stated.claimed}, **fields)
    result = outcome.to_dict()
    if as_json:
        print_json(result)
    elif latex:
        print(result["latex"])
    else:
        print_lines(lines(result))
    return EXIT_STATUS[outcome.verdict]


def lines(result: dict[str, Any]) -> list[str]:
    """The printed lines of an audit, from its JSON."""
    claimed, held = result["order"], result["holds"]
    text = [f"{result['verdict']}{_to_order(result)}"]
    text.append(f"regime: {result['regime']}; one step stands for the time {result['time']}")
    if result["meant_for"]:
        text.append(f"meant for {result['meant_for']}")
    if result["conditions"] and result["verdict"] == Verdict.AGREES:
        text.append("provided that " + ", ".join(result["conditions"]))
    if result["reason"]:
        text.append(result["reason"])
    for term in result["terms"]:
        text += _term(term)
        if result["example"] is None and term["point"]:
            text.append("    they differ at " + ", ".join(f"{name} = {value}" for name, value in term["point"].items()))
    if result["terms"] and held is not None:
        text.append(_held(held, claimed))
    if result["example"]:
        text += _example(result["example"], claimed)
    if result["x_alone"]:
        text.append(f"on test functions of x alone, a weaker claim, it has weak order {result['x_alone']}")
    text += [f"not judged: {part}" for part in result["beyond"]]
    text += [f"not part of the first-order model: {part}" for part in result["left_out"]]
    if result["unknown"]:
        text.append("letters that occur neither in the rule nor in its regime: " + ", ".join(result["unknown"]))
    return text


def _term(term: dict[str, Any]) -> list[str]:
    """The lines about a term: as claimed, as derived, the difference, and the whole entry if it has more terms."""
    whole = term["entry"]
    kinds = {"missing": "a term is missing", "extra": "a term too many", "differs": "another formula"}
    text = [f"{term['where']}: {kinds.get(term['kind']) or 'off by the factor ' + term['factor']}"]
    text.append(f"    claimed {term['claimed']}")
    text.append(f"    derived {term['derived']}")
    text.append(f"    difference (claimed - derived) {term['difference']}")
    if (term["claimed"], term["derived"]) != (whole["claimed"], whole["derived"]):
        text.append(f"    in the entry {whole['claimed']} as stated, {whole['derived']} as derived")
    return [*text, f"    matters for weak order {term['matters']}" + (f": {term['remark']}" if term["remark"] else "")]


def _held(held: int, claimed: int) -> str:
    """One line about the weak order that the stated equation has despite wrong terms."""
    if held == claimed:
        return f"the equation as stated has weak order {held} all the same: the errors above matter for weak order 2"
    if held:
        return f"the equation as stated has weak order {held}, not {claimed}"
    return "the equation as stated does not have weak order 1: over a fixed time its errors do not fall like the time of a step"


def _example(example: dict[str, Any], claimed: int) -> list[str]:
    at = [f"{name} = {value}" for name, value in example["constants"].items()]
    at += [f"{name} = {', '.join(values)}" for name, values in example["state"].items()]
    dim = "" if example["dim"] == 1 else f" in {example['dim']} coordinates"
    text = [f"example, {example['where']}: loss {example['loss']}{dim}, {', '.join(at)}"]
    text.append(f"    there the term is {example['claimed']} as claimed, {example['derived']} as derived")
    kinds = (
        ("measured", "slopes", "after one step", claimed + 1),
        ("over_time", "slopes_over_time", "after the time 1", claimed),
    )
    for rows, powers, when, needed in kinds:
        text += [
            f"    eta = {m['eta']}: {example['quantity']} {when} {m['exact']:.6g}; "
            f"errors {_number(m['error_claimed'])} (claimed), {_number(m['error_derived'])} (derived)"
            for m in example[rows]
        ]
        sides = zip(example[powers], ("claimed", "derived"), strict=True)
        fits = [f"{round(n, 2) + 0.0:.2f} ({who})" for n, who in sides if n is not None]
        needs = f"weak order {claimed} needs {needed} or more"
        text += [f"    errors fall like the time of a step to the power {', '.join(fits)}; {needs}"] if fits else []
    return text + ([f"    not measured: {example['reason']}"] if example["reason"] else [])


def _number(error: float) -> str:
    return f"{error:+.3g}" if error else "0"


def _to_order(result: dict[str, Any]) -> str:
    if result["verdict"] == Verdict.AGREES:
        return f" to weak order {result['order']} on test functions of {result['test_functions']}"
    if result["verdict"] == Verdict.NO_SDE:
        return f" of weak order {result['order']} for this rule in this regime ({result['refused']})"
    return f" (claimed: weak order {result['order']} on test functions of {result['test_functions']})"

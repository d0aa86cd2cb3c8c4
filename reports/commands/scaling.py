"""The command `scaling`: the rules by which constants change with the batch size."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from sdescent.derive.equations import scaling as rules
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.plugin_loading import named
from sdescent.derive.vocabulary.registry import known_as
from sdescent.reports.commands.report_derive_list import print_json, problem_of_options
from sdescent.reports.commands.terminal import table

#: the factor of the batch size at which numbers confirm a rule
FACTOR = 4


def scaling(as_json: bool, **fields: str | None) -> int:
    """`sdescent scaling`: return 0, or 1 if no rule keeps the SDE unchanged. Raises BadInput, OSError and Refusal as they come."""
    problem = problem_of_options(fields)
    # without noise the batch size changes nothing
    if fields.get("noise") is None and problem.method.noise.law.degenerate:
        problem = problem_of_options({**fields, "noise": "gaussian"})
    try:
        equation = derived_rule(rules.open_method(problem.method), "first-order", None, None).closed()
    except NoClosedForm as error:
        raise Refusal("no-closed-form", f"the SDE has no closed form: {error}") from None
    answer: dict[str, Any] = {
        "method": known_as("method", equation.method.name),
        "regime": equation.method.regime.as_given(),
        "time": equation.method.regime.time,
        "change": "batch size B -> k B",
    }
    if not as_json:
        print(f"{answer['method']}, {answer['regime']}: batch size B -> k B")
    for kind, title, solved in RULES:
        try:
            answer[kind] = solved(equation)
        except Refusal as refusal:
            answer[kind] = {"refused": refusal.kind, "message": refusal.message}
        except NoClosedForm as error:
            answer[kind] = {"refused": "no-closed-form", "message": str(error)}
        if not as_json:  # print each rule at once, since the second may take long
            _show(title, answer[kind])
    if as_json:
        print_json({**answer, **named()})
    return 1 if "refused" in answer["sde"] else 0


def _of_equation(equation: Any) -> dict[str, Any]:
    """The rule that keeps the SDE, as JSON values, with the numbers that confirm it."""
    rule = rules.scaling(equation)
    return _rule(rule) | {"k": FACTOR, "confirmed": [list(row) for row in rules.confirmed(equation, rule, FACTOR)]}


def _at_rest(equation: Any) -> dict[str, Any]:
    """The rule that keeps the stationary variance near a minimum, as JSON values, with that variance."""
    variance = rules.variance_at_rest(equation)
    return _rule(rules.stationary_scaling(equation, variance)) | {"variance": str(variance)}


#: (key, title, function that solves for the rule)
RULES = (("sde", "the same SDE", _of_equation), ("stationary", "the same stationary variance near a minimum", _at_rest))


def _rule(solution: Any) -> dict[str, Any]:
    return {
        "exponents": {name: str(e) for name, e in solution.rule_constants.items()},
        "constants": {name: str(e) for name, e in solution.exponents.items() if name != "time"},
        "letters": {name: str(e) for name, e in solution.letters.items()},
        "time": str(solution.exponents["time"]),
        "steps": str(solution.steps),
        "free": [str(s) for s in solution.free],
    }


def _show(title: str, rule: Mapping[str, Any]) -> None:
    console = Console()
    if "refused" in rule:
        console.print(f"{title}: no rule ({rule['message']})", highlight=False, markup=False)
        return
    rows = [(name, f"k^({e}) times" if e != "0" else "as it is") for name, e in rule["exponents"].items()]
    rows.append(("number of steps", f"k^({rule['steps']}) times" if rule["steps"] != "0" else "as it is"))
    table(console, title, ("constant", "change"), rows)
    if rule["free"]:
        console.print(f"free exponents: {', '.join(rule['free'])}", highlight=False)
    if "variance" in rule:
        console.print(f"E x^2 = {rule['variance']} on h x^2/2, to leading order", highlight=False)
    if rule.get("confirmed"):
        table(console, f"k = {rule['k']}", ("coefficient", "before", "after"), rule["confirmed"])

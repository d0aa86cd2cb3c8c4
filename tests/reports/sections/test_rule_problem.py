"""A problem with an update rule: the report says the rule itself, its regime, and what its equation is and leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from derive.reading.problems import problem
from reports.sections.problem import ProblemSection

RULE = {
    "name": "averaged squares",
    "memory": {"v": 0},
    "update": ["v = beta*v + (1-beta)*G^2", "x = x - eta*G/(sqrt(v)+eps)"],
    "regime": {"beta": "1 - c*eta"},
}


def section(**fields: Any) -> dict[str, Any]:
    asked = problem({"noise": "gaussian", **fields})
    context = type("Quiet", (), {"problem": asked, "tick": staticmethod(lambda label: None)})
    return ProblemSection().compute(context)  # pyright: ignore[reportArgumentType]


def test_the_rule_is_written_and_not_that_of_sgd() -> None:
    found = section(method=RULE, models=["first-order", "second-order"])
    assert found["rule"] == {"steps": RULE["update"], "regime": "beta = 1 - c*eta", "rules": "beta = 1 - c*eta", "time": "eta"}
    first, second = found["equations"]
    assert first["rule"] == {
        "order": 1, "near": False,
        "caveat": r"where the coefficients are smooth; they are singular, as the method starts, in $\sqrt{\sdV_{j}}$",
        "left": ["covariance x v (moment of order 3 of the noise)", "covariance v v (moment of order 4 of the noise)"],
    }  # fmt: skip
    assert second["rule"]["order"] == 2 and not second["rule"]["left"]
    assert not first["given"] and found["statuses"] == {"first-order": "derived", "second-order": "derived"}
    assert {"field": "method.update", "value": "v=beta*v+(1-beta)*G^2, x=x-eta*G/(sqrt(v)+eps)"} in found["specs"]


def test_without_closed_form_no_equation_is_shown() -> None:
    found = section(method="normalised")
    (equation,) = found["equations"]
    assert equation["given"] and equation["rows"] == "" and found["statuses"] == {"first-order": "conditional"}


@pytest.mark.parametrize("method", ["dsgd", "dsignsgd"])
def test_a_method_without_memory_is_said_as_before(method: str) -> None:
    assert section(method=method)["rule"] is None

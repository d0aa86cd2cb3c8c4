"""A problem with an update rule: the report says the rule itself, its regime, and what its equation is and leaves out."""

import re
from pathlib import Path
from typing import Any

from sdescent.derive.reading.problems import problem
from sdescent.reports.assembly.report import _parts
from sdescent.reports.document.notation import MEMORY, macro, memory_macro, own_macro
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.ensembles import _settings
from sdescent.reports.sections.problem import ProblemSection
from sdescent.reports.store.cache import ResultsCache

RULE = {
    "name": "averaged squares",
    "memory": {"v": 0},
    "update": ["v = beta*v + (1-beta)*G^2", "x = x - eta*G/(sqrt(v)+eps)"],
    "regime": {"beta": "1 - c*eta"},
}


def section(**fields: Any) -> dict[str, Any]:
    asked = problem({"noise": "gaussian", **fields})
    return ProblemSection().compute(Inputs(True, asked, ResultsCache("unused", {}), lambda label: None))


def test_the_rule_is_written_and_not_that_of_sgd() -> None:
    found = section(method=RULE, models=["first-order", "second-order"])
    assert found["rule"] == {
        "steps": RULE["update"], "regime": "", "sets": [rf"{own_macro('beta')}=1 - {own_macro('c')}\,{macro('eta')}"],
        "noise": None, "rescaled": [], "time": macro("eta"),
    }  # fmt: skip
    first, second = found["equations"]
    assert first["rule"] == {
        "order": 1, "near": False,
        "caveat": "they are singular, as the method starts, in "
        rf"$\sqrt{{{memory_macro('v')}_{{j}}}}$",
        "left": [
            f"the covariance of ${macro('x')}_{{j}}$ and ${memory_macro('v')}_{{j}}$ (moment of order 3 of the noise)",
            f"the covariance of ${memory_macro('v')}_{{j}}$ and ${memory_macro('v')}_{{j}}$ (moment of order 4 of the noise)",
        ],
    }  # fmt: skip
    assert second["rule"]["order"] == 2 and not second["rule"]["left"]
    assert not first["given"] and found["statuses"] == {"first-order": "derived", "second-order": "derived"}
    assert {"field": "method.update", "value": "v=beta*v+(1-beta)*G^2, x=x-eta*G/(sqrt(v)+eps)"} in found["specs"]


def explained(folder: Path, **fields: Any) -> tuple[str, dict[str, str], str]:
    """The part, the meaning of each symbol in the table of notation, and the definitions of the symbols."""
    _parts({"problem": ProblemSection()}, {"problem": section(**fields)}, folder)
    part, table, macros = ((folder / "parts" / f"{name}.tex").read_text() for name in ("problem", "notation", "macros"))
    return part, dict(re.findall(r"\$([^$]+)\$ & (.*) \\\\", table)), macros


BELIEF = {
    "name": "AdaBelief",
    "memory": {"v": 0, "s": 0},
    "update": ["v = a*v + (1-a)*G", "s = b*s + (1-b)*(G-v)^2", "x = x - eta*v/(sqrt(s)+eps)"],
    "regime": {"a": "1 - rho1*eta^2", "b": "1 - rho2*eta^2", "s": "s/eta^2", "noise": "1/eta", "eps": "eps0/eta"},
    "time": "eta^2",
}


def test_the_letters_of_a_rule_have_its_meanings_in_the_table(tmp_path: Path) -> None:
    part, table, macros = explained(tmp_path, method=BELIEF)
    v, s = memory_macro("v"), memory_macro("s")
    assert table[v] == table[s] == MEMORY and rf"{{{v}}}{{v}}" in macros and rf"{{{s}}}{{s}}" in macros
    assert (
        not {macro("v"), macro("s"), macro("sigma0"), macro("compressor")} & table.keys()
        and "The compressor" not in part
    )
    assert table[macro("t")] == f"time: the number of steps of the method times ${macro('eta')}^{{2}}$"
    assert "constant of the rule" in table[own_macro("a")] and table[own_macro("rho1")] == "constant of the regime"
    assert "scale of the noise that stays" in table[own_macro("sigma0")]
    assert r"covariance $\sdDiffusion\sdDiffusion^{\top}$ of the equation" in table[macro("diffusion")]
    assert rf"${own_macro('eps')}=\frac{{{own_macro('eps0')}}}{{{macro('eta')}}}$;" in part.split("Regime")[1]
    assert rf"one step stands for the time ${macro('eta')}^{{2}}$" in part
    assert rf"{{{own_macro('eps0')}}}{{\varepsilon_{{0}}}}" in macros
    assert rf"\left(- \frac{{{{{v}}}_{{j}}}}{{\sqrt{{{{{s}}}_{{j}}}} + {own_macro('eps0')}}}\right)\mathrm{{d}}" in part


def test_a_letter_of_the_memory_that_means_something_else_too_is_in_another_typeface(tmp_path: Path) -> None:
    rule = {"memory": {"v": 0}, "update": ["v = a*v + (1-a)*G", "x = x - eta*v"], "regime": {"a": "1 - rho*eta"}}
    part, table, macros = explained(tmp_path, method=rule, compressor="bernoulli:p=p")
    v = memory_macro("v")
    assert table[v] == MEMORY and "before compression" in table[macro("v")] and macro("compressor") in table
    assert rf"{{{v}}}{{\mathsf{{v}}}}" in macros and rf"{{{macro('v')}}}{{v}}" in macros
    compressor = next(line for line in part.splitlines() if "The compressor" in line)
    assert macro("v") in compressor and v not in compressor


def test_without_closed_form_no_equation_is_shown() -> None:
    found = section(method="normalised")
    (equation,) = found["equations"]
    assert section(method="dsgd")["rule"] is None
    refused = section(method="dsignsgd", models=["corrected"], noise="none")
    assert refused["statuses"] == {"corrected": "refused"} and "unbounded" in refused["equations"][0]["refused"]
    assert equation["given"] and equation["rows"] == "" and found["statuses"] == {"first-order": "conditional"}


def test_the_steps_of_a_run_are_those_of_the_time_that_one_takes() -> None:
    numbers: dict[str, Any] = {"clients": 1, "dim": 1, "x0": [1], "eta": "1/10", "T": 2}
    fields = {"noise": "gaussian:sigma=1", "loss": "quadratic:h=1", **numbers}
    momentum = {**fields, "method": "ema-momentum", "regime": "batch-equivalent"}
    assert _settings("own", problem({**fields, "method": BELIEF}))["steps"] == 200
    assert _settings("own", problem(momentum))["steps"] == 20

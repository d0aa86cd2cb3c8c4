"""The command audit: exit statuses, JSON, words, LaTeX, and files that are not read."""

import json
from pathlib import Path

import pytest

from sdescent.reports.commands import auditing
from tests.support.commands.command_line import Run
from tests.support.samples import slow_but

RULE = """noise = "gaussian"
[method]
memory = {m = 0}
update = ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
regime = {beta = "1 - rho*eta"}
[claimed]
order = 1
drift = {x = "-m", m = "rho*(g - m)"}
"""
RIGHT = RULE + 'covariance = {"m m" = "eta*rho^2*sigma^2/N"}\n'
FILES = {
    "right": (RIGHT, 0, "AGREES"),
    "one client": (RULE + 'covariance = {"m m" = "eta*rho^2*sigma^2"}\n', 0, "AGREES"),
    "N clients": ('clients = "N"\n' + RULE + 'covariance = {"m m" = "eta*rho^2*sigma^2"}\n', 1, "DIFFERS"),
    "small steps": (
        'noise = "gaussian"\n[method]\nmemory = {v = 0}\nupdate = ["v = muhat*v - eta*G", "x = x + v"]\ntime = "sqrt(eta)"\n'
        'regime = {muhat = "1 - mu*sqrt(eta)", v = "sqrt(eta)*v"}\n[claimed]\norder = 2\nwhere = {delta = "sqrt(eta)"}\n'
        'drift = {x = "(1-delta*mu/2)*v - delta/2*g", v = "-(mu + delta/2*mu^2)*v + delta/2*hess(v) - (1+delta*mu/2)*g"}\n'
        'diffusion = {v = "sqrt(delta)*sigma"}\n', 0, "AGREES",
    ),
    "root": (RULE + 'diffusion = {m = "sqrt(eta)*rho*sigma/sqrt(N)"}\n', 0, "AGREES"),
    "wrong": (RULE + 'covariance = {"m m" = "eta*rho*sigma^2/N"}\n', 1, "DIFFERS"),
    "no sde": (RIGHT.replace("gaussian", "cauchy"), 1, "NO SDE"),
    "open": ('method = "norm-clipped"\nnoise = "gaussian"\n[claimed]\ndrift = {x = "-g"}\n', 3, "UNDECIDED"),
    "a compressor": (
        'method = "dcsgd"\ncompressor = "rand-k:k=2"\nnoise = "gaussian:sigma=3"\nclients = 1\ndim = 3\n[claimed]\n'
        'drift = {x = "-g"}\ncovariance = {"x x" = "eta*((d/k-1)*g^2 + d/k*sigma^2)"}\n'
        'pair = {"x x" = "-eta*(d-k)/(k*(d-1))*g*other(g)"}\n', 0, "AGREES",
    ),
    **{
        f"a scale as {name}": (
            f'method = "ema-momentum"\nregime = "batch-equivalent"\nnoise = "gaussian{noise}"\nclients = 1\n{params}[claimed]\n'
            f'drift = {{x = "-m", m = "rho*(g-m)"}}\ncovariance = {{"m m" = "{stated}"}}\n', 0, "AGREES",
        )
        for name, noise, params, stated in (
            ("params.sigma", "", "params = {sigma = 3}\n", "rho^2*sigma0^2"),
            ("what a step has", ":sigma=3", "", "eta*rho^2*sigma^2"),
        )
    },
    "one loss": (
        'method = "dsgd"\nnoise = "gaussian:sigma=2"\nloss = "quartic"\ndim = 1\nclients = 1\n[claimed]\norder = 2\n'
        'drift = {x = "-x^3 - 3*eta/2*x^5"}\ncovariance = {"x x" = "4*eta"}\n', 0, "AGREES",
    ),
}  # fmt: skip


@pytest.fixture
def audit(run: Run, tmp_path: Path) -> Run:
    """The command on a file of this text."""
    path = tmp_path / "stated.toml"
    return lambda text, *options: (path.write_text(text), run("audit", str(path), *options))[1]


@pytest.mark.parametrize("name", slow_but(FILES, ("root", "no sde", "open", "a scale as params.sigma")))
def test_verdicts(name: str, audit: Run) -> None:
    text, expected, verdict = FILES[name]
    status, out, _ = audit(text, "--json")
    found = json.loads(out)
    assert (status, found["verdict"]) == (expected, verdict)
    assert bool(found["terms"]) == (verdict == "DIFFERS") == (found["example"] is not None)


def test_a_difference_as_json(audit: Run) -> None:
    _, out, _ = audit(FILES["wrong"][0], "--json")
    found = json.loads(out)
    (term,) = found["terms"]
    expected = "covariance m m", "eta*rho*sigma^2/N", "eta*rho^2*sigma^2/N"
    assert (term["where"], term["claimed"], term["derived"]) == expected
    assert (term["matters"], term["factor"]) == (2, "1/rho")
    assert term["difference"] == "-eta*rho^2*sigma^2/N + eta*rho*sigma^2/N"
    assert found["example"]["constants"]["rho"] == "2"  # at rho = 1 nothing shows
    assert len(found["example"]["measured"]) == 2


def test_words_and_latex(audit: Run) -> None:
    _, out, _ = audit(FILES["wrong"][0])
    assert out.startswith("DIFFERS (claimed: weak order 1 on test functions of x and the memory m)")
    assert "covariance m m: off by the factor 1/rho" in out and "variance of m1 after one step" in out
    _, out, _ = audit(FILES["no sde"][0])
    assert out.startswith("NO SDE of weak order 1") and "tail index 1" in out
    _, out, _ = audit(FILES["right"][0], "--latex")
    assert out.startswith("For the update rule \\texttt{m = beta*m")


def test_a_weak_order_needs_one_power_more_after_one_step() -> None:
    found = {
        **dict.fromkeys(("where", "loss", "claimed", "derived", "quantity", "reason"), ""), "constants": {}, "state": {}, "dim": 1,
        "measured": [], "over_time": [], "slopes": [2.0, 3.0], "slopes_over_time": [1.0, None],
    }  # fmt: skip
    assert [line.partition("power ")[2] for line in auditing._example(found, 1)[2:]] == [
        "2.00 (claimed), 3.00 (derived); weak order 1 needs 2 or more", "1.00 (claimed); weak order 1 needs 1 or more",
    ]  # fmt: skip


WORDS = {
    "missing": ('drift = {x = "-m", m = "-rho*m"}\n', (
        "drift m: a term is missing", "    claimed 0", "    derived g*rho", "    difference (claimed - derived) -g*rho",
        "    in the entry -m*rho as stated, g*rho - m*rho as derived", "    matters for weak order 1",
        "the equation as stated does not have weak order 1: ",
    )),
    "no noise": ('drift = {x = "-m", m = "rho*(g - m)"}\n', (
        "covariance m m: a term is missing", "    claimed 0", "    derived eta*rho^2*sigma^2",
        "    difference (claimed - derived) -eta*rho^2*sigma^2", "    matters for weak order 2: the limit is an ODE",
        "the equation as stated has weak order 1 all the same",
    )),
    "a root": ('drift = {x = "-m", m = "rho*(g - m)"}\ncovariance = {"m m" = "sqrt(eta)*rho*sigma"}\n', (
        "covariance m m: another formula", "    claimed sqrt(eta)*rho*sigma", "    derived eta*rho^2*sigma^2",
        "    difference (claimed - derived) sqrt(eta)*rho*sigma - eta*rho^2*sigma^2",
        "    matters for weak order 1: a root stands where the covariance",
    )),
    "a term too many": ('drift = {x = "-m + 3*g - eta*m/2", m = "rho*(g - m)"}\ncovariance = {"m m" = "eta*rho^2*sigma^2"}\n', (
        "drift x: a term too many", "    claimed 3*g", "    derived 0", "    difference (claimed - derived) 3*g",
        "    in the entry -eta*m/2 + 3*g - m as stated, -m as derived", "    matters for weak order 1",
        "not judged: drift x: -eta*m/2, which is so small that weak order 1 does not depend on it",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(WORDS, ("a root",)))
def test_each_term_is_said_as_claimed_and_as_derived(name: str, audit: Run) -> None:
    """In this order, each at the beginning of a line."""
    claim, expected = WORDS[name]
    _, out, _ = audit(RULE.partition("drift")[0] + claim)
    said = iter(out.splitlines())
    for line in expected:
        assert any(own.startswith(line) for own in said), (line, out)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "method"),
        (RIGHT.replace("[claimed]", "[claims]"), "stated.toml"),
        (RIGHT.replace("rho*(g - m)", "rho*(g - G)"), "drift m"),
        (RIGHT.replace("order = 1", "order = 1.5"), "order"),
        ("params = {kappa = 1}\n" + RIGHT, "params.kappa"),
        (RIGHT.replace('noise = "gaussian"', 'noise = "gaussian"\nloss = "quadratic"'), "dim"),
        ('method = "dsgd"\nregime = "fixed"\n[claimed]\ndrift = {x = "-g"}\n', "regime"),
    ],
)
def test_files_that_are_not_read(text: str, field: str, audit: Run) -> None:
    status, out, _ = audit(text, "--json")
    assert (status, json.loads(out)["field"]) == (2, field)


def test_what_the_first_order_model_leaves_out_is_said_once(audit: Run) -> None:
    rule = 'clients = 1\nnoise = "gaussian"\n[method]\nmemory = {m = 0}\nupdate = ["m = b*m + (1-b)*G^2", "x = x - eta*G"]\n'
    stated = 'regime = {b = "1 - rho*eta"}\n[claimed]\norder = 1\ndrift = {x = "-g", m = "rho*(g^2 + sigma^2 - m)"}\n'
    status, out, _ = audit(rule + stated + 'covariance = {"x x" = "eta*sigma^2"}\n')
    (line,) = [line for line in out.splitlines() if "covariance m m" in line]
    assert status == 0 and line.count("left out") == 1 and "first-order model" in line

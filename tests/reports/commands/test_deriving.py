"""`sdescent derive`: its JSON, its refusals, and what it prints."""

import json
import re
from typing import get_args

import pytest
import sympy as sp

from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.registry import entries
from sdescent.reports.cli import REFUSED

pytestmark = pytest.mark.usefixtures("narrow")


KEYS = {"method", "model", "dim", "clients", "state", "gradient", "noise_type", "conditions", "parameters"}


def derived(run, *arguments: str) -> dict:
    status, out, err = run("derive", *arguments, "--json")
    assert (status, err) == (0, ""), err
    answer = json.loads(out)
    assert answer.keys() >= KEYS
    return answer


def read_back(answer: dict, text: str) -> sp.Expr:
    """As the contract says that strings are read back."""
    names = [*answer["parameters"], *answer["state"], *answer["gradient"]]
    return sp.parse_expr(text, local_dict={name: sp.Symbol(name) for name in names})


def test_json_with_a_dimension(run):
    answer = derived(run, "dcsgd", "--compressor", "rand-k:k=2", "--noise", "student-t:nu=3,sigma=1/2", "--dim", "3")
    assert (answer["method"], answer["model"], answer["dim"], answer["clients"]) == ("dcsgd", "first-order", 3, "N")
    assert (answer["state"], answer["gradient"]) == (["x1", "x2", "x3"], ["g1", "g2", "g3"])
    assert (answer["noise_type"], answer["conditions"], answer["parameters"]) == (None, [], ["N", "eta"])
    eta, n, g1, g2 = sp.symbols("eta N g1 g2")
    drift = [read_back(answer, text) for text in answer["drift"]]
    assert drift[0] == -g1 and len(drift) == 3
    # theory 4, Rand-k with d = 3, k = 2: Cov_11 = (d/k)(g1^2 + s) - g1^2 with s = 3/4, Cov_12 = -g1 g2 (d-k)/(k(d-1))
    assert sp.expand(read_back(answer, answer["covariance"][0][0]) - eta / n * (g1**2 / 2 + sp.Rational(9, 8))) == 0
    assert sp.expand(read_back(answer, answer["covariance"][0][1]) + eta / n * g1 * g2 / 4) == 0


def test_json_without_a_dimension_is_the_gradient_form(run):
    answer = derived(run, "dcsgd", "--compressor", "rand-k", "--noise", "student-t", "--schedule", "free")
    assert answer["dim"] is None and "drift" not in answer and "covariance" not in answer
    assert all(isinstance(answer["form"][key], str) for key in ("drift", "mean", "diag", "rate"))
    assert answer["conditions"] == ["nu > 2"] and {"N", "eta", "k", "nu", "sigma", "u"} <= set(answer["parameters"])


def test_json_of_moments_given_the_message(run):
    answer = derived(run, "dcsgd", "--compressor", "qsgd:s=2", "--noise", "gaussian", "--dim", "2")
    assert answer["drift"] == ["-g1", "-g2"] and answer["covariance"] is None
    given = answer["conditional"]
    assert given["given"] == ["v1", "v2"] and given["mean"] == ["v1", "v2"] and given["omega"] is not None
    assert len(given["covariance"]) == 2 and all(isinstance(text, str) for row in given["covariance"] for text in row)


def test_json_has_the_mean_where_the_covariance_is_unknown(run):
    """The compressor is unbiased, and so the mean of a step is the gradient."""
    compressor = "qsgd:s=2"
    answer = derived(run, "dcsgd", "--compressor", compressor, "--noise", "gaussian", "--dim", "2", "--clients", "3")
    assert answer["mean"] == ["g1", "g2"] and answer["drift"] == ["-g1", "-g2"]
    assert read_back(answer, answer["rate"]) == sp.Symbol("eta") / 3
    assert [m["what"] for m in answer["missing"]] == ["covariance"]
    assert "no known elementary form" in answer["missing"][0]["reason"]
    # any dimension: the same for a generic coordinate; and a model with a loss put in
    generic = derived(run, "dcsgd", "--compressor", compressor, "--noise", "gaussian")
    assert (generic["form"], generic["mean"], generic["drift"], generic["rate"]) == (None, "g_j", "-g_j", "eta/N")
    more = ("--dim", "2", "--loss", "quadratic:h=1|2", "--model", "corrected")
    bent = derived(run, "dcsgd", "--compressor", compressor, "--noise", "gaussian", *more)
    x2, eta = sp.symbols("x2 eta")
    assert sp.expand(read_back(bent, bent["drift"][1]) - (-2 * x2 + eta / 2 * 4 * x2)) == 0
    assert read_back(bent, bent["mean"][1]) == 2 * x2
    assert bent["noise_type"] is None


def test_json_says_what_is_missing(run):
    biased = derived(run, "dcsgd", "--compressor", "top-k:k=1", "--noise", "gaussian", "--dim", "2")
    assert biased["drift"] is None and biased["mean"] is None and biased["covariance"] is None
    assert [m["what"] for m in biased["missing"]] == ["drift", "covariance"]
    stable = derived(run, "dsignsgd", "--noise", "stable:alpha=3/2", "--dim", "2")
    assert stable["drift"] is None and "distribution function" in stable["missing"][0]["reason"]
    assert derived(run, "dsgd", "--noise", "gaussian", "--dim", "2")["missing"] == []


def test_the_drift_is_typeset_where_the_covariance_is_unknown(run):
    options = ("--compressor", "ternary", "--noise", "gaussian", "--dim", "2", "--loss", "quadratic:h=1|2")
    out = shown(run, "dcsgd", *options)
    assert "-2⋅x₂" in out and "rate = ─" in out and "No elementary form exists after the noise" in out


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("dsgd", "--noise", "cauchy"), "no-drift"),
        (("dsgd", "--noise", "student-t:nu=2"), "infinite-variance"),
        (("dsignsgd", "--model", "corrected"), "unbounded-lambda"),
    ],
)
def test_refusals(run, arguments, kind):
    status, out, err = run("derive", *arguments, "--json")
    answer = json.loads(out)
    assert (status, err, answer["refused"], answer.keys()) == (REFUSED, "", kind, {"refused", "message", "term"})
    status, out, err = run("derive", *arguments)
    assert (status, out) == (REFUSED, "") and err == f"refused ({kind}): {answer['message']}\n"


def shown(run, *arguments: str) -> str:
    status, out, err = run("derive", *arguments)
    assert (status, err) == (0, "")
    assert all(len(line) <= 80 and line == line.rstrip() for line in out.splitlines()), out
    return out


def test_the_sde_is_typeset(run):
    out = shown(run, "dcsgd", "--compressor", "rand-k:k=2", "--noise", "student-t")
    for text in ("DCSGD, first-order model", "noise student-t", "driftⱼ = -gⱼ", "diag(D) + U C U'", "needed: ν > 2"):
        assert text in out
    assert "ω = ─ - 1" in out and "free symbols: N, d, η, ν, σ" in out


def test_coordinates_are_typeset(run):
    out = shown(run, "dsgd", "--noise", "gaussian", "--dim", "2", "--model", "second-order", "--clients", "3")
    assert "H₁₂⋅g₂" in out and "3 clients" in out and "noise type: unknown; give a loss and a dimension" in out
    answer = derived(run, "dsgd", "--noise", "gaussian", "--loss", "quadratic:h=1|2", "--clients", "4", "--dim", "2")
    assert (answer["clients"], answer["noise_type"], answer["parameters"]) == (4, "additive", ["eta", "sigma"])
    assert [read_back(answer, text) for text in answer["drift"]] == [-sp.Symbol("x1"), -2 * sp.Symbol("x2")]


def test_wide_formulas_are_wrapped(run):
    noise = "gaussian:sigma=1|2"
    out = shown(run, "dsignsgd", "--noise", noise, "--loss", "cosh", "--model", "second-order", "--dim", "2")
    assert "↪" in out and "drift₂ =" in out and "the other entries are 0" in out


def test_unmet_conditions_and_missing_closed_forms_are_said(run):
    out = shown(run, "dsgd", "--noise", "student-t:nu=3", "--model", "second-order")
    assert "NOT MET: 3 > 3 (weak order 2)" in out and "H[gₖ]ⱼ" in out
    out = shown(run, "dcsgd", "--compressor", "top-k:k=2", "--noise", "gaussian")
    assert "No elementary form exists after the noise" in out and "rank" in out and "omega: none" in out


def test_entries_too_long_for_a_terminal_are_counted(run):
    out = shown(run, "dcsgd", "--compressor", "scaled-sign", "--noise", "student-t:nu=3", "--dim", "5")
    assert re.search(r"15 entries of about \d+ to \d+ characters, which --json prints", out)
    assert len(out.splitlines()) < 200


OWN = """
noise = "gaussian"
[method]
name = "AdaBelief"
memory = {m = 0}
update = ["m = a*m + (1-a)*G", "x = x - eta*m"]
regime = {a = "1 - rho*eta", noise = "1/sqrt(eta)"}
time = "eta"
"""


def test_a_rule_keeps_its_name_and_its_regime_is_given_by_letter(run, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    answer = derived(run, str(path))
    assert answer["method"] == "AdaBelief" and answer["rules"] == {"a": "1 - rho*eta", "noise": "1/sqrt(eta)"}
    path.write_text('noise = "gaussian"\n[method]\nname = "MySGD"\nupdate = "x = x - eta*G"\n')
    assert derived(run, str(path))["method"] == "MySGD"
    other = derived(run, str(path), "--noise", "laplace:sigma=b", "--clients", "3")  # an option goes before a key
    assert other["clients"] == 3 and "b" in other["parameters"] and "sigma" not in other["parameters"]


# --- no closed form -----------------------------------------------------------------------------------------------------


def status_of(answer: dict) -> int:
    """The contract: 0 where drift and covariance are known, or their values given a client's message; 3 where neither are."""
    return 0 if answer.get("form") or answer.get("covariance") or answer["conditional"] else 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["adam", "--compressor", "top-k", "--noise", "gaussian"], 0),
        (["lion", "--compressor", "top-k", "--noise", "gaussian"], 3),
        (["rmsprop", "--noise", "stable"], 3),
        (["norm-clipped", "--noise", "gaussian"], 3),
        (["dcsgd", "--compressor", "top-k", "--noise", "gaussian", "--dim", "2"], 0),
        (["dsignsgd", "--noise", "stable"], 0),
        # whose coefficients have no value at g = 0, where a kink is looked for
        pytest.param(["heavy-ball", "--compressor", "natural"], 0, marks=pytest.mark.slow),
    ],
)
def test_the_status_says_whether_there_is_a_formula(run, arguments, expected):
    status, out, err = run("derive", *arguments, "--json")
    answer = json.loads(out)
    assert (status, status_of(answer), err) == (expected, expected, "")
    # with letters of a message there is a form, and what they stand for is missing
    assert (answer["missing"] == []) == (
        bool(answer.get("form") or answer.get("covariance")) and "message" not in answer
    )
    status, out, err = run("derive", *arguments)
    assert (status, err) == (expected, "") and ("No closed form" in out) == (expected == 3)


COMPRESSORS = ("identity", "natural", "top-k", "norm-clip", "rand-k")
#: what a method needs besides a noise and a loss
MORE = {"dcsgd": ["--compressor", "rand-k:k=1"], "error-feedback": ["--compressor", "top-k:k=1"]}


@pytest.mark.slow
def test_every_method_is_answered(run):
    """With every compressor, a noise, a loss and a model, by turns: an equation or a reason, and nothing else."""
    losses, noises, seen = [*entries("loss")], ("none", "laplace", "stable", "cauchy", "gaussian"), set()
    for n, method in enumerate(entries("method")):
        fixed = method in ("dsgd", "dsignsgd", "majority-vote")
        given = [[] if c is None else ["--compressor", c] for c in ([None] if fixed else COMPRESSORS)]
        words = [[method, *more, "--noise", noises[(n + k) % 5]] for k, more in enumerate(given)]
        model = get_args(Model)[n % 3]
        loss = ["--loss", losses[n % len(losses)], "--model", model, "--dim", "1"]
        words += [[method, *MORE.get(method, []), "--noise", noises[1 + n % 2 * 3], *loss]]
        words += [[method, "--compressor", "top-k:k=2"]] * fixed
        for arguments in words:
            status, out, err = run("derive", *arguments, "--json")
            answer = json.loads(out)
            assert isinstance(answer, dict) and err == "", arguments
            if status in (1, 2):  # refused, or a part that the method has fixed
                assert answer.keys() & {"refused", "error"}, arguments
            else:
                assert status == status_of(answer), arguments
            seen.add(status)
    assert seen == {0, 1, 2, 3}


# --- symbols ------------------------------------------------------------------------------------------------------------


def test_the_index_of_a_sum_is_not_a_letter_of_the_rule(run, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'noise = "gaussian"\nregime = "fixed"\n[method]\nmemory = {m = 0}\nfractions = ["n"]\n'
        'update = ["m = n*m + (1-n)*G", "x = x - eta*sign(m)"]\n'
    )
    answer = derived(run, str(path))
    assert ", (n1, 1, oo))" in answer["form"]["covariance"]["x x"]
    assert answer["parameters"] == ["N", "eta", "n", "sigma"]


def test_a_message_names_a_piece_by_its_specification(run):
    status, _, err = run("derive", "majority-vote", "--compressor", "top-k:k=2")
    assert status == 2 and err.startswith("compressor: found 'top-k:k=2'; accepted: sign,")

"""The command line: what each command prints, its JSON, its exit status, and that nothing heavy is loaded for help."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
import sympy as sp
from rich.console import Console

from derive.reading.problems import Problem, problem
from derive.vocabulary.errors import BadInput, Refusal
from derive.vocabulary.registry import KINDS, entries
from reports.assembly.plan import PROCESSES, Plan
from reports.cli import BAD_INPUT, BUG, HUNG_UP, INTERRUPTED, REFUSED, main
from reports.commands import doctor
from reports.commands.progress import Progress
from reports.commands.terminal_formulas import MAX_NODES, MAX_TEXT, count_nodes, formula, symbol_text

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
COMMAND = [sys.executable, "-m", "reports.cli"]


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    """`command` in bash with pipefail, `sdescent` being this source tree's."""
    function = f'sdescent() {{ "{sys.executable}" -m reports.cli "$@"; }}\nset -o pipefail\n'
    return subprocess.run(
        ["bash", "-c", function + command], capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False
    )


# Starting


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from reports.cli import main; status = main(['--help']); print(*sorted(sys.modules)); exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "typer" in loaded
    assert not loaded & {
        "sympy",
        "mpmath",
        "numpy",
        "scipy",
        "jax",
        "jaxlib",
        "diffrax",
        "matplotlib",
        "jinja2",
        "sklearn",
    }
    assert all(name in done.stdout for name in ("report", "derive", "list", "doctor")) and done.stderr == ""


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help(run, arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "") and "Usage: sdescent" in out


@pytest.mark.parametrize("command", ["report", "derive", "solve", "list", "doctor"])
def test_every_command_has_help_and_json(run, command):
    status, out, err = run(command, "--help")
    assert (status, err) == (0, "") and "--json" in out


def test_version(run):
    status, out, err = run("--version")
    assert (status, err) == (0, "") and re.fullmatch(r"\d+\.\d+\.\d+\S*\n|not installed: .*\n", out)


# derive

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


def test_json_with_a_loss(run):
    answer = derived(run, "dsgd", "--noise", "gaussian", "--loss", "quadratic:h=1|2", "--clients", "4", "--dim", "2")
    assert (answer["clients"], answer["noise_type"], answer["parameters"]) == (4, "additive", ["eta", "sigma"])
    assert [read_back(answer, text) for text in answer["drift"]] == [-sp.Symbol("x1"), -2 * sp.Symbol("x2")]


def test_json_without_a_dimension_is_the_gradient_form(run):
    answer = derived(run, "dcsgd", "--compressor", "rand-k", "--noise", "student-t", "--schedule", "free")
    assert answer["dim"] is None and "drift" not in answer and "covariance" not in answer
    assert all(isinstance(answer["form"][key], str) for key in ("drift", "mean", "diag", "rate"))
    assert answer["conditions"] == ["nu > 2"] and {"N", "eta", "k", "nu", "sigma", "u"} <= set(answer["parameters"])


def test_json_of_moments_given_the_message(run):
    answer = derived(run, "dcsgd", "--compressor", "qsgd:s=2", "--noise", "gaussian", "--dim", "2")
    assert answer["drift"] is None and answer["covariance"] is None
    given = answer["conditional"]
    assert given["given"] == ["v1", "v2"] and given["mean"] == ["v1", "v2"] and given["omega"] is not None
    assert len(given["covariance"]) == 2 and all(isinstance(text, str) for row in given["covariance"] for text in row)


def test_second_order_without_a_loss_names_the_hessian(run):
    answer = derived(run, "dsgd", "--model", "second-order", "--dim", "2")
    assert {"H1_1", "H1_2", "H2_2", "eta"} <= set(answer["parameters"])


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("dsgd", "--noise", "cauchy"), "no-drift"),
        (("dsgd", "--noise", "student-t:nu=2"), "infinite-variance"),
        (("dsgd", "--noise", "stable:alpha=3/2"), "infinite-variance"),
        (("dcsgd", "--compressor", "rand-k:k=1", "--noise", "student-t:nu=3/2"), "infinite-variance"),
        (("dsignsgd", "--model", "corrected"), "unbounded-lambda"),
    ],
)
def test_refusals(run, arguments, kind):
    status, out, err = run("derive", *arguments, "--json")
    answer = json.loads(out)
    assert (status, err, answer["refused"], answer.keys()) == (REFUSED, "", kind, {"refused", "message"})
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
    assert "H₁₂⋅g₂" in out and "3 clients" in out and "noise type: open" in out
    out = shown(run, "dsgd", "--noise", "gaussian", "--loss", "quartic", "--dim", "2")
    assert "noise type: additive" in out and "x₁" in out


def test_wide_formulas_are_wrapped(run):
    noise = "gaussian:sigma=1|2"
    out = shown(run, "dsignsgd", "--noise", noise, "--loss", "cosh", "--model", "second-order", "--dim", "2")
    assert "↪" in out and "drift₂ =" in out and "the other entries are 0" in out


def test_many_coordinates_are_shown_as_one(run):
    out = shown(run, "dcsgd", "--compressor", "rand-k:k=3", "--noise", "gaussian", "--dim", "50")
    assert "driftⱼ = -gⱼ" in out and "dimension 50" in out and len(out.splitlines()) < 40


def test_unmet_conditions_and_missing_closed_forms_are_said(run):
    out = shown(run, "dsgd", "--noise", "student-t:nu=3", "--model", "second-order")
    assert "NOT MET: 3 > 3 (weak order 2)" in out and "H[gₖ]ⱼ" in out
    out = shown(run, "dcsgd", "--compressor", "top-k:k=2", "--noise", "gaussian")
    assert "No elementary form exists after the noise" in out and "rank" in out and "omega: none" in out


def test_a_terminal_without_unicode_gets_ascii():
    done = subprocess.run(
        [*COMMAND, "derive", "dsgd", "--noise", "gaussian"],
        capture_output=True, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == b""
    out = done.stdout.decode("ascii")
    assert "drift_j = -g_j" in out and "\\u" not in out and "free symbols: N, eta, sigma" in out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sigma0", "σ₀"),
        ("H1_2", "H₁₂"),
        ("H10_2", "H₁₀,₂"),
        ("Sigma1_2", "Σ₁₂"),
        ("g2", "g₂"),
        ("tau_max", "τₘₐₓ"),
        ("a_b", "a_b"),
    ],
)
def test_names_of_symbols(name, text):
    assert symbol_text(name, True) == text and symbol_text(name, False) == name


def test_formulas_are_laid_out_written_in_a_line_or_only_measured():
    x = sp.Symbol("x")

    def wave(terms: int) -> sp.Expr:
        return sp.Add(*[sp.sin(n * x) for n in range(1, terms)])

    assert max(map(len, formula("f", wave(9), 40).splitlines())) <= 40
    assert formula("f", wave(60), 40) == f"f = {wave(60)}"
    assert count_nodes(wave(200)) > MAX_NODES and count_nodes(wave(60)) == 1 + 2 + 58 * 4
    assert formula("f", wave(200), 10**6) == f"f = {wave(200)}"
    assert formula("f", wave(500), 40) == f"f = {len(str(wave(500)))} characters, which --json prints"
    assert len(str(wave(500))) > MAX_TEXT


def test_coordinates_too_long_for_a_terminal_are_shown_as_one(run):
    """Also: nested cases (the ranks of Top-k) are not expanded, which would take exponential time."""
    out = shown(run, "dcsgd", "--compressor", "top-k:k=2", "--model", "corrected", "--dim", "5")
    assert "for rankⱼ(│gₖ│) < 2" in out and "for rankⱼ(│vₖ│) < 2" in out and "Cov = 0" in out


def test_entries_too_long_for_a_terminal_are_counted(run):
    out = shown(run, "dcsgd", "--compressor", "scaled-sign", "--noise", "student-t:nu=3", "--dim", "5")
    assert re.search(r"15 entries of about \d+ to \d+ characters, which --json prints", out) and len(out.splitlines()) < 200


# list and doctor


def test_list_json_has_every_registered_name(run):
    status, out, err = run("list", "--json")
    answer = json.loads(out)
    assert (status, err) == (0, "") and tuple(answer) == KINDS
    for kind in KINDS:
        assert [entry["name"] for entry in answer[kind]] == list(entries(kind))
        for entry in answer[kind]:
            assert entry["summary"] and all(p["name"] and p["accepted"] for p in entry["parameters"])
    (k,) = next(entry["parameters"] for entry in answer["compressor"] if entry["name"] == "rand-k")
    assert k == {"name": "k", "accepted": "a whole number from 1 to 999999", "default": "k", "several": None}
    (sigma,) = next(entry["parameters"] for entry in answer["noise"] if entry["name"] == "gaussian")
    assert sigma["several"] == "per client"


def test_list_has_a_line_for_every_registered_name(run):
    status, out, err = run("list")
    assert (status, err) == (0, "")
    words = out.split()
    assert all(name in words for kind in KINDS for name in entries(kind))
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())


def test_what_list_names_derive_accepts(run):
    """Every registered compressor and noise, with all values left to their symbols, gets an answer or a refusal."""
    for compressor in entries("compressor"):
        status, out, _ = run("derive", "dcsgd", "--compressor", compressor, "--noise", "gaussian:sigma=1", "--json")
        assert status == 0 and json.loads(out)["method"] == "dcsgd"
    for noise in entries("noise"):
        status, out, _ = run("derive", "dsignsgd", "--noise", noise, "--json")
        assert status == 0 and json.loads(out)["method"] == "dsignsgd"


def test_doctor(run):
    status, out, err = run("doctor", "--json")
    answer = json.loads(out)
    assert err == "" and answer.keys() == {"ok", "findings"} and status == (0 if answer["ok"] else 1)
    found = {finding["name"]: finding for finding in answer["findings"]}
    assert {"Python", "sdescent", "TeX", "pandoc", "CPUs", "JAX devices", "JAX 64-bit"} <= found.keys()
    assert found["Python"]["status"] == "ok" and found["JAX 64-bit"] == {
        "name": "JAX 64-bit", "status": "ok", "detail": "on",
    }  # fmt: skip
    again, out, err = run("doctor")
    assert (again, err, len(out.splitlines())) == (status, "", len(answer["findings"]))


@pytest.fixture
def distributions(monkeypatch):
    """Stands in for the installed distributions; a test removes what is to be missing."""
    there = dict.fromkeys(("sdescent", "sympy", "rich", "scikit-learn", "pypandoc_binary"), "1.2")

    def version(name):
        if name not in there:
            raise doctor.PackageNotFoundError(name)
        return there[name]

    lines = ["sympy==1.14.*", "rich>=13.8", 'scikit-learn>=1.5; extra == "data"', 'sdescent[data]; extra == "test"']
    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setattr(doctor, "requires", lambda name: lines)
    return there


def test_doctor_on_a_sound_machine(run, distributions):
    status, out, _ = run("doctor")
    assert status == 0 and re.search(r"^sympy +ok +1\.2$", out, re.M) and "MISSING" not in out


def test_doctor_names_what_is_missing(run, distributions, monkeypatch):
    del distributions["sympy"], distributions["scikit-learn"]
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("reports.document.pdf.MACTEX", "/none")
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    status, out, _ = run("doctor")
    lines = out.splitlines()
    assert status == 1 and any(re.fullmatch(r"sympy +MISSING +pip install sympy", line) for line in lines)
    for name, text in [("scikit-learn", "real data"), ("TeX", "pdflatex was not found"), ("pandoc", "")]:
        (line,) = [line for line in lines if line.startswith(name)]
        assert " absent " in line and text in line


def test_optional_things_alone_do_not_fail_doctor(run, distributions):
    del distributions["scikit-learn"]
    assert run("doctor")[0] == 0


# report


def answer(out: Path, status: str = "holds") -> dict:
    return {"files": {"report.tex": str(out / "report.tex")}, "statuses": {"dsgd": status}, "ledger": [], "notes": ["no TeX here"]}


@pytest.fixture
def build(monkeypatch):
    """A report builder that notes how it was called; a test may give it something else to do."""
    calls: list[tuple] = []
    module = types.ModuleType("reports.assembly.report")

    def build_report(spec, out, quick, only, progress):
        calls.append((spec, out, quick, only))
        progress("ensembles", 0.5)
        return module.then(out)  # pyright: ignore[reportAttributeAccessIssue]

    module.build_report = build_report  # pyright: ignore[reportAttributeAccessIssue]
    module.then = answer  # pyright: ignore[reportAttributeAccessIssue]
    module.calls = calls  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "reports.assembly.report", module)
    return module


def test_report(run, build, tmp_path):
    spec = tmp_path / "mine.toml"
    spec.write_text('method = "dsgd"\nnoise = "gaussian"\neta = 0.1\n')
    out = tmp_path / "a" / "b"
    status, printed, err = run("report", str(spec), "-o", str(out), "--quick", "--only", "problem", "--json")
    assert status == 0 and json.loads(printed) == answer(out)
    ((asked, folder, quick, only),) = build.calls
    assert isinstance(asked, Problem) and asked.method.name == "DSGD"
    assert (folder, quick, only) == (out, True, "problem") and list(out.iterdir()) == []
    assert re.fullmatch(r"\[ 50%\] 0 s, \d s left: ensembles\n", err)


def test_report_without_a_problem(run, build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, printed, err = run("report")
    assert status == 0 and printed == "report.tex: report/report.tex\n" and err.endswith("\nno TeX here\n")
    assert build.calls == [(None, Path("report"), False, None)]


def test_a_folder_that_cannot_be_written_is_found_before_the_work(run, build, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in (("-o", str(tmp_path / "file" / "x")), ("-o", str(tmp_path / "file"))):
        status, out, err = run("report", *arguments)
        assert (status, out) == (BAD_INPUT, "") and err.count("\n") == 1 and "is a file, not a folder" in err
    assert build.calls == [] and [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("report.tex", "folder", "this is a folder, not a file"),
        ("report.pdf", "folder", "this is a folder, not a file"),
        ("report.html", "folder", "this is a folder, not a file"),
        ("parts", "file", "a part of this path is a file, not a folder"),
        ("results", "file", "a part of this path is a file, not a folder"),
        ("figures", "link", "this is a symbolic link to nothing"),
    ],
)
def test_names_that_are_taken_are_found_before_the_work(run, build, tmp_path, name, kind, line):
    makes = {"folder": Path.mkdir, "file": Path.touch, "link": lambda path: path.symlink_to("nowhere")}
    makes[kind](tmp_path / name)
    status, out, err = run("report", "-o", str(tmp_path))
    assert (status, out, err) == (BAD_INPUT, "", f"cannot use {tmp_path}/{name}: {line}\n")
    assert build.calls == [] and [path.name for path in tmp_path.iterdir()] == [name]


def test_a_path_stays_on_its_line(run, build, tmp_path):
    status, out, _ = run("report", "-o", str(tmp_path / "a\nb\x1b[31m"))
    assert status == 0 and out == f"report.tex: {tmp_path}/a\\nb\\x1b[31m/report.tex\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_closed_disk_is_one_line_and_leaves_nothing(run, build, tmp_path, monkeypatch, number):
    def fsync(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("reports.commands.answers.os.fsync", fsync)
    status, out, err = run("report", "-o", str(tmp_path / "a" / "b"))
    assert (status, out) == (BAD_INPUT, "") and err.startswith(f"cannot use {tmp_path}/a/b: ") and err.count("\n") == 1
    assert build.calls == [] and list(tmp_path.iterdir()) == []
    status, out, err = run("report", "-o", str(tmp_path / "a"), "--json")
    assert (status, err) == (BAD_INPUT, "") and json.loads(out)["field"] == str(tmp_path / "a")


@pytest.mark.parametrize("room", [0, 1000])
def test_a_disk_that_is_really_full_leaves_no_empty_folder(tmp_path, room):
    """The kernel refuses the bytes, as a full disk does: an open file that is removed too late kept its folder alive."""
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
from reports.cli import main
sys.exit(main(["report", "-o", {str(tmp_path / "x" / "y")!r}]))
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False
    )
    line = f"cannot use {tmp_path}/x/y: the file is larger than this system allows\n"
    assert (done.returncode, done.stdout, done.stderr) == (BAD_INPUT, "", line)
    assert list(tmp_path.iterdir()) == []


def test_folders_that_stay_empty_go_again_and_what_was_there_stays(run, build, tmp_path):
    def then(out):
        for name in ("results", "parts"):
            (out / name).mkdir(exist_ok=True)
        (out / "parts" / "problem.tex").write_text("")
        raise OSError(errno.ENOSPC, "No space left on device", str(out / "results" / "x.json"))

    build.then = then
    old, new = tmp_path / "old", tmp_path / "a" / "b"
    (old / "results").mkdir(parents=True)
    for out in (old, new):
        status, _, err = run("report", "-o", str(out))
        assert status == BAD_INPUT and err.endswith(f"cannot use {out}/results/x.json: the disk is full\n")
    assert [path.name for path in new.iterdir()] == ["parts"]  # a file that was finished stays
    assert sorted(path.name for path in old.iterdir()) == ["parts", "results"]


def test_a_report_in_which_something_fails_has_its_own_exit_status(run, build, tmp_path):
    build.then = lambda out: answer(out, "FAILS")
    status, printed, _ = run("report", "-o", str(tmp_path), "--json")
    assert status == 1 and json.loads(printed)["statuses"] == {"dsgd": "FAILS"}
    assert run("report", "-o", str(tmp_path))[2].endswith("\nfailed: dsgd; the report says where\n")


def test_a_refused_model_has_an_exit_status_and_a_line_of_its_own(run, tmp_path):
    """As the equation of it alone has; the report is there, with the models that exist and the reason for the other."""
    spec = tmp_path / "mine.toml"
    spec.write_text('method = "dsignsgd"\nmodels = ["first-order", "second-order", "corrected"]\n')
    status, printed, err = run("report", str(spec), "-o", str(tmp_path / "out"))
    assert status == REFUSED and f"tex: {tmp_path}/out/report.tex" in printed
    assert err.endswith("refused: the second-order and the corrected model; the report says why\n")
    assert "unbounded at" in (tmp_path / "out" / "parts" / "problem.tex").read_text()
    status, printed, _ = run("report", str(spec), "-o", str(tmp_path / "out"), "--json")
    assert status == REFUSED and json.loads(printed)["statuses"] == {
        "first-order": "derived", "second-order": "refused", "corrected": "refused",
    }  # fmt: skip
    spec.write_text('method = "dsignsgd"\n')
    assert run("report", str(spec), "-o", str(tmp_path / "out"))[0] == 0


@pytest.mark.slow
def test_a_refused_model_is_one_in_the_simulated_part_alone_too(run, tmp_path):
    spec = tmp_path / "mine.toml"
    numbers = 'loss = "quartic"\nclients = 2\neta = 0.1\nT = 0.2\ndim = 1\nx0 = [1]\npaths = 3\n'
    for method, status in (('"dsignsgd"', REFUSED), ('"dsignsgd"\nnoise = "gaussian:sigma=1"', 0)):
        spec.write_text(f'method = {method}\nmodels = ["first-order", "corrected"]\n{numbers}')
        assert run("report", str(spec), "-o", str(tmp_path / "out"), "--only", "ensembles")[0] == status


def raises(error):
    def then(out):
        raise error

    return then


def test_what_goes_wrong_while_building(run, build, tmp_path):
    out = str(tmp_path)
    build.then = raises(KeyboardInterrupt())
    status, printed, err = run("report", "-o", out)
    assert (status, printed) == (INTERRUPTED, "") and err.splitlines()[-1].startswith("interrupted; what was finished")
    build.then = raises(BadInput("--only", "x", "a section"))
    assert run("report", "-o", out)[0] == BAD_INPUT
    build.then = raises(Refusal("no-drift", "why"))
    assert run("report", "-o", out)[0] == REFUSED
    assert run("report", "-o", out + "/new/folder")[0] == REFUSED and list(tmp_path.iterdir()) == []
    build.then = raises(ZeroDivisionError("a bug"))
    status, printed, err = run("report", "-o", out, "--json")
    assert status == BUG and json.loads(printed)["error"].startswith("internal error") and "Traceback" in err


def test_progress_in_a_terminal_and_elsewhere():
    plain = io.StringIO()
    with Progress(plain) as progress:
        for label, fraction in [("derive", 0.0), ("solve", 0.25), ("solve", 0.5), ("print", 1.0)]:
            progress(label, fraction)
    lines = plain.getvalue().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["derive", "solve", "print"]
    assert lines[0].startswith("[  0%] 0 s: ") and "left" in lines[1]
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # pyright: ignore[reportAttributeAccessIssue]
    assert Console(file=terminal).is_terminal
    with Progress(terminal) as progress:
        progress("solve", 0.25)
        time.sleep(0.2)
    assert "solve" in terminal.getvalue() and "25%" in terminal.getvalue()


@pytest.fixture
def clock(monkeypatch):
    """Seconds since the start, which a test sets."""
    now = [0.0]
    monkeypatch.setattr("reports.commands.progress.time.monotonic", lambda: now[0])
    return now


def test_an_interrupt_that_a_callback_swallows_ends_the_next_step():
    """Python drops exceptions of finalisers and of callbacks of the garbage collector, such as JAX has."""

    class Finalised:
        def __del__(self):
            raise KeyboardInterrupt

    hook, stream = sys.unraisablehook, io.StringIO()
    with Progress(stream) as progress:
        progress("one", 0.0)
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            progress("two", 0.5)
    assert sys.unraisablehook is hook and "two" not in stream.getvalue()


def test_time_left_is_what_is_expected_corrected_by_the_pace(clock):
    progress = Progress(io.StringIO(), expected=1000)
    progress("first", 0.0)
    assert progress.left() == 1000
    clock[0] = 400
    assert progress.left() == 600  # of a long step, while it lasts
    clock[0] = 2000
    assert progress.left() == 100  # it takes longer than expected, and never as if it ended at once
    progress("second", 0.5)
    left = progress.left()
    assert left is not None and 1900 < left < 2000  # four times as slow, so the other half is too
    progress("done", 1.0)
    assert progress.left() == 0


def test_without_expectation_the_pace_is_all_there_is(clock):
    progress = Progress(io.StringIO())
    assert progress.left() is None
    clock[0] = 10
    progress("x", 0.25)
    assert progress.left() == 30


FIELDS = {
    "method": "dcsgd", "loss": "quadratic:h=1|2|3", "clients": 4, "eta": "1/10", "T": "10", "x0": "1",
    "noise": "gaussian:sigma=1", "models": ["first-order", "corrected"],
}  # fmt: skip


def test_a_plan_knows_which_step_is_long():
    """1200 solver steps of 2000 paths, of two evaluations each; where mean and covariance are integrals (measured: 20 s)."""
    closed, integrals = (
        Plan(problem({**FIELDS, "compressor": name}), True, None) for name in ("rand-k:k=1", "top-k:k=2")
    )
    assert closed.seconds < 20 < integrals.seconds < 60
    assert integrals.fraction({"ensembles": 2}, {"problem"}) < 0.2 < 0.8 < integrals.fraction({"ensembles": 3}, {"problem"}) < 1
    for plan in (closed, integrals, Plan(None, True, None), Plan(None, False, "real-data")):
        done = [(name, n, plan.computed[:k]) for k, name in enumerate(plan.computed) for n in range(30)]
        shares = [plan.fraction({name: n}, ended) for name, n, ended in done] + [plan.fraction({}, plan.computed)]
        assert shares[0] == 0 and shares == sorted(shares) and shares[-1] < 1
    assert closed.duration == closed.seconds and Plan(None, True, "real-data").duration == Plan(None, True, "real-data").seconds
    assert Plan(None, True, None).duration == Plan(None, True, None).seconds / PROCESSES
    refused = Plan(problem({**FIELDS, "compressor": "identity", "noise": "cauchy:sigma=1"}), True, "ensembles")
    assert refused.seconds < 10
    with pytest.raises(BadInput, match="--only"):
        Plan(problem(FIELDS | {"compressor": "sign"}), True, "real-data")


# Output that nobody takes


def test_the_reader_may_leave():
    done = in_shell("sdescent list | true; exit ${PIPESTATUS[0]}")
    assert done.returncode in (0, HUNG_UP) and done.stderr == ""
    done = in_shell("(sleep 0.5; sdescent list --json; echo $? >&2) | true")
    assert done.stderr == f"{HUNG_UP}\n"
    done = in_shell("(sleep 0.5; sdescent --help; echo $? >&2) | true")
    assert done.stderr == f"{HUNG_UP}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["list --json", "list", "derive dsgd", "--help", "derive dsgd --noise x --json"])
def test_a_full_disk_under_the_output(command):
    done = in_shell(f"sdescent {command} > /dev/full")
    assert done.returncode == BAD_INPUT and done.stderr.count("\n") <= 1 and "Traceback" not in done.stderr
    assert "--json" in command or done.stderr == "cannot read or write a file: the disk is full\n"


def test_closed_streams():
    """Python has no object for a stream that is closed, prints errors on the other one, and gives its number to a file."""
    done = in_shell("sdescent derive dsgd >&-")
    line = "standard output: found closed; accepted: one that takes what is printed\n"
    assert (done.returncode, done.stderr) == (BAD_INPUT, line)
    done = in_shell("sdescent derive x 2>&-")
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
    done = in_shell("sdescent list --json <&- 2>&-")
    assert done.returncode == 0 and json.loads(done.stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_errors():
    done = in_shell("sdescent derive x 2>/dev/full")
    assert (done.returncode, done.stdout, done.stderr) == (BAD_INPUT, "", "")


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("COLUMNS", "0", 40),
        ("COLUMNS", "1", 40),
        ("COLUMNS", "9" * 30, 10_000),
        ("COLUMNS", "\u00b2", 80),
        ("TERMINAL_WIDTH", "x", 80),
    ],
)
def test_absurd_widths(name, width, shown):
    """Of 0 columns Rich prints nothing, of one a letter a line; Typer fails at a width that is no number."""
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "COLUMNS"} | {name: width}
    for arguments in (["derive", "dsgd"], ["--help"]):
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) == shown


def test_too_little_memory_is_one_line(run, build, tmp_path):
    for error in (MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.")):
        build.then = raises(error)
        status, out, err = run("report", "-o", str(tmp_path))
        assert (status, out) == (BAD_INPUT, "")
        assert err.splitlines()[-1].startswith("memory: found too little; accepted: fewer paths") and "Trace" not in err


def test_interrupt():
    code = """
import signal, sys, time, reports.commands.answers, reports.cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests in the background ignores it
reports.commands.answers.derive = lambda **options: (print("ready", flush=True), time.sleep(60))
sys.exit(reports.cli.main(["derive", "x"]))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    assert child.returncode == INTERRUPTED and err.startswith("interrupted") and err.count("\n") == 1


def test_an_interrupt_does_not_wait_for_threads():
    """Of the interpreter's end: threads that compile made it crash there, with a status of its own."""
    code = """
import atexit, os, sys, reports.commands.answers, reports.cli
atexit.register(os.abort)
def derive(**options):
    raise KeyboardInterrupt
reports.commands.answers.derive = derive
sys.argv = ["sdescent", "derive", "x"]
sys.exit(reports.cli.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == INTERRUPTED and done.stderr.startswith("interrupted")

"""`sdescent report`: files, exit statuses, and what goes wrong before, while and after a report is written."""

import errno
import json
import re
from pathlib import Path

import pytest

from sdescent.derive.reading.problems import Problem
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.reports.claims.verdict_of_claim import Judged
from sdescent.reports.cli import BAD_INPUT, BUG, INTERRUPTED, REFUSED
from sdescent.reports.paper.application import GROUPS
from tests.support.commands.command_line import answer, raises

pytestmark = pytest.mark.usefixtures("narrow")


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


def test_data_of_the_user_are_checked_before_anything_is_computed(run, build, tmp_path):
    records = bytearray(12 * 3073)
    for n in range(12):
        records[3073 * n] = n % 10
    (tmp_path / "data_batch_1.bin").write_bytes(records)
    asked = ("report", "-o", str(tmp_path / "out"), "--only", "networks", "--data")
    assert run(*asked, f"cifar10={tmp_path}")[0] == 0
    assert build.data["cifar10"]["folder"] == str(tmp_path) and len(build.data["cifar10"]["digest"]) == 64
    (tmp_path / "data_batch_1.bin").write_bytes(records[:-1])
    status, _, err = run(*asked, f"cifar10={tmp_path}")
    assert status == BAD_INPUT and "data_batch_1.bin" in err and "36875 bytes" in err and len(build.calls) == 1
    status, _, err = run(*asked, "mnist=here")
    assert status == BAD_INPUT and "cifar10" in err
    spec = tmp_path / "mine.toml"
    spec.write_text('method = "dsgd"\nnoise = "gaussian"\n')
    status, _, err = run("report", str(spec), "--data", f"cifar10={tmp_path}")
    assert status == BAD_INPUT and "--data" in err and len(build.calls) == 1


def test_a_file_for_solve_is_one_for_report(run, build, tmp_path):
    spec = tmp_path / "mine.toml"
    rule = '[method]\nname = "AdaBelief"\nupdate = "x = x - eta*G"\n'
    alone = 'save = 21\ndiscrete = true\nsubsteps = 4\ndtype = "float32"\nchunk = 100\nmodels = []\n'
    spec.write_text('noise = "gaussian"\nquantities = ["norm"]\n' + alone + rule)
    assert run("report", str(spec), "-o", str(tmp_path / "a"), "--only", "problem")[0] == 0
    spec.write_text('noise = "gaussian"\nquantities = ["norm"]\n' + rule)
    assert run("report", str(spec), "-o", str(tmp_path / "a"), "--only", "problem")[0] == 0
    with_keys, without = (asked.to_dict() for asked, *_ in build.calls)
    assert with_keys == without and without["models"] == ["first-order"]
    spec.write_text("saves = 21\n" + rule)
    status, _, err = run("report", str(spec), "-o", str(tmp_path / "a"), "--only", "problem")
    assert status == BAD_INPUT and "found 'saves'; accepted: the keys" in err


def test_report_without_a_problem(run, build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, printed, err = run("report")
    assert status == 0 and printed == "report.tex: report/report.tex\n" and err.endswith("\nno TeX here\n")
    assert build.calls == [(None, Path("report"), False, None)]


def test_the_ledger_is_printed_before_the_files(run, build, tmp_path):
    groups = Judged(GROUPS).ledger
    build.then = lambda out: {**answer(out), "ledger": groups}
    status, printed, _ = run("report", "-o", str(tmp_path))
    assert status == 0 and printed.count("OPEN") >= len(groups) and printed.splitlines()[-1].startswith("report.tex: ")


def test_a_folder_that_cannot_be_written_is_found_before_the_work(run, build, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("file/x", "file"):
        status, out, err = run("report", "-o", str(tmp_path / folder))
        assert (status, out) == (BAD_INPUT, "") and err.count("\n") == 1 and "is a file, not a folder" in err
    assert build.calls == [] and [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("report.tex", "folder", "this is a folder, not a file"),
        ("parts", "file", "a part of this path is a file, not a folder"),
        ("figures", "link", "this is a symbolic link, which is not written through: remove it, or name another folder"),
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


def test_a_full_disk_is_one_line_and_leaves_nothing(run, build, tmp_path, monkeypatch):
    full = raises(OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("sdescent.reports.commands.report_derive_list.os.fsync", full)
    status, out, err = run("report", "-o", str(tmp_path / "a" / "b"))
    assert (status, out) == (BAD_INPUT, "") and err.startswith(f"cannot use {tmp_path}/a/b: ") and err.count("\n") == 1
    assert build.calls == [] and list(tmp_path.iterdir()) == []
    status, out, err = run("report", "-o", str(tmp_path / "a"), "--json")
    assert (status, err) == (BAD_INPUT, "") and json.loads(out)["field"] == str(tmp_path / "a")


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


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("FAILS", "failed: dsgd; the report says where"),
        ("refused", "refused: the dsgd model; the report says why"),
        ("refuted", "refuted: dsgd; the report has the counterexamples"),
        ("contradicted", "contradicted: dsgd; numbers contradict a proof, and the report says which"),
    ],
)
def test_a_report_in_which_something_fails_has_its_own_exit_status(run, build, tmp_path, word, line):
    build.then = lambda out: answer(out, word)
    status, printed, _ = run("report", "-o", str(tmp_path), "--json")
    assert status == 1 and json.loads(printed)["statuses"] == {"dsgd": word}
    assert run("report", "-o", str(tmp_path))[2].endswith(f"\n{line}\n")


def test_what_goes_wrong_while_building(run, build, tmp_path):
    out = str(tmp_path)
    build.then = raises(KeyboardInterrupt())
    status, printed, err = run("report", "-o", out)
    assert (status, printed) == (INTERRUPTED, "")
    assert err.splitlines()[-1].startswith("interrupted; finished work is kept")
    build.then = raises(Refusal("no-drift", "why"))
    assert run("report", "-o", out + "/new/folder")[0] == REFUSED and list(tmp_path.iterdir()) == []
    build.then = raises(ZeroDivisionError("a bug"))
    status, printed, err = run("report", "-o", out, "--json")
    assert status == BUG and json.loads(printed)["error"].startswith("internal error") and "Traceback" in err

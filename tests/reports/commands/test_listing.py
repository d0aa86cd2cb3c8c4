"""`sdescent list` and `sdescent doctor`."""

import json
import re
import sys

import pytest

from sdescent.derive.theorems.literature import files
from sdescent.derive.vocabulary.registry import KINDS, entries
from sdescent.reports.commands import doctor, terminal

pytestmark = pytest.mark.usefixtures("narrow")


def test_list_json_has_every_registered_name(run):
    status, out, err = run("list", "--json")
    answer = json.loads(out)
    assert (status, err) == (0, "") and tuple(answer) == (*KINDS, "theorem")
    listed = {entry["name"]: entry["summary"] for entry in answer["theorem"]}
    assert [*listed] == list(files()) and listed["ef21"].endswith("Richtarik, Sokolov and Fatkhullin 2021, Theorem 1")
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


def test_the_ledger_in_a_terminal_counts_what_fails_beyond_a_proof():
    tallies = {"check": {"failing": 1, "compared": 9}, "beyond": {"failing": 2, "compared": 5}}
    row = {"missing": "", "reason": "why", "named": ["a step"], **tallies}
    assert terminal._notes(row) == "why; assuming a step; 2 of 5 numbers fail"


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


def test_doctor_names_what_is_missing(run, distributions, monkeypatch):
    del distributions["sympy"], distributions["scikit-learn"]
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sdescent.reports.document.pdf.MACTEX", "/none")
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    status, out, _ = run("doctor")
    lines = out.splitlines()
    assert status == 1 and any(re.fullmatch(r"sympy +MISSING +pip install sympy", line) for line in lines)
    for name, text in [
        ("scikit-learn", "real data"),
        ("TeX", "pdflatex was not found"),
        ("pandoc", ""),
        ("Rocq", "install coq"),
    ]:
        (line,) = [line for line in lines if line.startswith(name)]
        assert " absent " in line and text in line

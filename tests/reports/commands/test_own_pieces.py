"""`--load` and `plugins`: commands know the pieces of docs/howto/your-own-piece.md, and say what is wrong in one line."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.reading.experiments import read_experiment
from sdescent.derive.theorems import catalogue
from sdescent.derive.vocabulary import plugin_loading
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.evidence.verify import verify
from sdescent.reports.assembly.report import build_report
from sdescent.reports.cli import main
from sdescent.reports.commands.solving.command import identity
from sdescent.reports.commands.solving.runs import unpacked
from sdescent.reports.paper import theorems
from sdescent.reports.sections.base import Inputs
from sdescent.reports.store.cache import ResultsCache, provenance
from tests.support.commands.own_pieces import forgotten
from tests.support.commands.pages import ROOT, blocks

PAGE = ROOT / "docs/howto/your-own-piece.md"
FILES = {block.marks["file"]: block.text for block in blocks(PAGE) if "file" in block.marks}
MINE = FILES["mine.py"]
NAMES = {
    "method": "coin-sgd", "compressor": "coin", "noise": "contaminated", "loss": "ring", "schedule": "cosine",
    "statistic": "radius",
}  # fmt: skip
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with forgotten():
        plugin_loading._PLUGINS.clear()
        yield


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


def named(path: Path) -> list[dict[str, str]]:
    return [{"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}]


def test_list_names_every_kind_and_where_it_is_from(run: Run, mine: Path) -> None:
    status, out, err = run("list", "--json", "--load", str(mine), "--load", str(mine))
    assert (status, err) == (0, "")
    for kind, listed in ((kind, each) for kind, each in json.loads(out).items() if kind in NAMES):
        assert [entry["name"] for entry in listed if entry["from"] == "mine.py"] == [NAMES[kind]]
        assert all(entry["from"] in (None, "mine.py") for entry in listed)


def test_derive_knows_them_and_says_whose_code_it_was(run: Run, mine: Path) -> None:
    words = (
        "coin-sgd:p=1/2 --noise contaminated:p=1/4,sigma=1 --schedule cosine:T=4 --loss ring:r=1 --dim 2 --clients 4"
    )
    status, out, err = run("derive", *words.split(), "--json", "--load", str(mine))
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["plugins"] == named(mine)
    x1, x2, eta, t = sp.symbols("x1 x2 eta t")
    h, g1 = (1 + sp.cos(sp.pi * t / 4)) / 2, x1 * (x1**2 + x2**2 - 1)
    read = {"x1": x1, "x2": x2, "eta": eta, "t": t}
    assert sp.expand(sp.parse_expr(found["drift"][0], local_dict=read) + h * g1) == 0
    # one coin for all coordinates: (1/p - 1) g g' + 3/p I, with the variance 1 + 8 p' = 3 of the noise
    assert sp.expand(sp.parse_expr(found["covariance"][0][0], local_dict=read) - eta * h**2 / 4 * (g1**2 + 6)) == 0
    _, out, _ = run("derive", "dcsgd", "--compressor", "coin:p=1/2", "--json")  # loaded already in this process
    assert json.loads(out)["omega"] == {"value": "1", "exact": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["coin-sgd", "--compressor", "sign"], "--compressor: found 'sign'; accepted: nothing: coin-sgd has its own"),
        (["fixed", "--clients", "2"], "--clients: found '2'; accepted: nothing: fixed has its own"),
        (["wrong"], "METHOD: found 'wrong'; accepted: a name whose entry makes a Method, and wrong makes a dict"),
        (["dsgd", "--loss", "wrong"], "--loss: found 'wrong'; accepted: a name whose entry makes a Loss, and wrong makes a Coin"),
        (["dsgd", "--loss", "late", "--dim", "2"], "mine.py: line {line}: KeyError: 'late'; remedy: correct the piece"),
        (["dsgd", "--loss", "raising"], "loss: found 'raising'; accepted: another"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_piece_is_one_line(words: list[str], said: str, run: Run, mine: Path) -> None:
    mine.write_text(
        MINE + "register('method', 'wrong', '')(dict)\nregister('method', 'fixed', '')(lambda: sd.DSGD())\n"
        "register('loss', 'wrong', '')(Coin)\n\n\n"
        "@register('loss', 'late', '')\nclass Late(Ring):\n    def value(self, x):\n        return {}['late']\n\n\n"
        "@register('loss', 'raising', '')\ndef raising():\n    raise sd.BadInput('loss', 'raising', 'another')\n"
    )
    line = mine.read_text().splitlines().index("        return {}['late']") + 1
    status, out, err = run("derive", *words, "--load", str(mine))
    assert (status, out) == (2, "") and said.format(line=line) in err and err.count("\n") == 1
    status, out, err = run("derive", *words, "--load", str(mine), "--json")
    assert status == 2 and said.format(line=line) in json.loads(out)["error"] and err == ""


def test_a_broken_file_stops_a_command_before_it_begins(run: Run, mine: Path) -> None:
    mine.write_text("import this_is_not_there\n")
    status, out, err = run("solve", "a.toml", "--load", str(mine))
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert f"{mine}: line 1: ModuleNotFoundError: No module named 'this_is_not_there'; remedy: correct the file" in err


THEOREM = """
import sdescent as sd
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import xs

(a,) = xs("a")
SQUARE = sd.plugins.Theorem(
    id="9-square", title="A square", source="school", claim=(0 * a).le(a**2), context=Context({"a": "const"}), assumptions={},
    definitions={}, read=dict, point={a: 1}, names={}, prove=lambda w: w.have("a square", (0 * a).le(a**2)),
)
ENTRIES = (SQUARE,)
"""


#: the same about theta, a number that evidence of the kind "growth" draws from 0.7 to 3
COMPARED = "from sdescent.derive.theorems.entry.theorem import Evidence\n" + THEOREM.replace('"a"', '"theta"').replace(
    "names={}", 'names={}, evidence=(Evidence("growth"),)'
)
FALSE = """
WRONG = sd.plugins.Refutation(
    id="9-root", title="Wrong", source="school", claim=(a**2).le(a), assume={}, witness={"a": 2},
    words="",
)
ENTRIES = (SQUARE, WRONG)
"""


def test_list_and_verify_know_a_theorem_of_ones_own(run: Run, mine: Path) -> None:
    mine.write_text(COMPARED + FALSE.replace('"a"', '"theta"'))
    with pytest.raises(BadInput, match="9-square"):
        verify("9-square")
    status, out, _ = run("list", "--json", "--load", str(mine))
    listed = [(entry["name"], entry["summary"], entry["from"]) for entry in json.loads(out)["theorem"] if entry["from"]]
    assert status == 0 and listed == [("9-square", "A square", "mine.py"), ("9-root", "Wrong", "mine.py")]
    assert "9-square" in run("list")[1]
    assert [(found.id, found.verdict.value) for found in verify(["9-square", "9-root"])] == [
        ("9-square", "CONFIRMED"), ("9-root", "VIOLATED"),
    ]  # fmt: skip


def test_the_report_states_a_theorem_of_ones_own(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "entries", lambda *_: {})  # the others take the report half a minute
    monkeypatch.setattr(theorems, "CONSTANTS", ())
    mine.write_text(THEOREM)
    plugin_loading.load(mine)
    found = theorems.Theorems().compute(Inputs(True, None, ResultsCache(mine.parent), lambda label: None))
    assert found["statuses"] == {"9-square": "holds"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (('"9-square"', '"6.7-first-order"'), "the catalogue has 6.7-first-order already"),
        (('"9-square"', '"ef21"'), "the catalogue has ef21 already"),
        (("(SQUARE,)", "3"), "ENTRIES holds an object of class int"),
    ],
)
def test_entries_that_are_none_are_refused(changed: tuple[str, str], said: str, run: Run, mine: Path) -> None:
    mine.write_text(THEOREM.replace(*changed))
    status, out, err = run("check", "9-square", "--load", str(mine))
    assert (status, out) == (2, "") and said in err and err.count("\n") == 1


# Files


#: with the page's own loss and statistic, and what is built in else, which compiles in a second
SMALL = """
plugins = ["mine.py"]
method = "dsgd"
noise = "uniform:sigma=1"
loss = "ring:r=1"
clients = 1
x0 = [1, 0]
eta = 0.125
T = 1
models = []
save = 3
paths = 64
quantities = ["radius", "x1", "x2", "loss"]
"""


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_solve_reads_plugins_beside_the_file_and_keeps_the_statistic(
    run: Run, mine: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "ring.toml").write_text(SMALL)
    status, out, err = run("solve", "../ring.toml", "-o", "out")
    assert status == 0 and "radius: mean" in out, err
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["context"]["plugins"] == summary["runs"][0]["settings"]["plugins"] == named(mine)
    kept = unpacked(Path("out/results/eta1-method.npz").read_bytes())
    size = kept["x1"] ** 2 + kept["x2"] ** 2
    assert kept["radius"].shape == (3, 64) and len(np.unique(kept["radius"][-1])) > 32
    np.testing.assert_allclose(kept["radius"], np.sqrt(size) - 1, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(kept["loss"], (size - 1) ** 2 / 4, rtol=1e-13, atol=1e-15)
    # other code is another experiment
    before = identity(read_experiment("../ring.toml"))
    mine.write_text(MINE.replace("axis=0)) - 1", "axis=0)) - 2"))
    assert identity(read_experiment("../ring.toml")) != before
    assert json.loads(identity(read_experiment("../ring.toml")))["context"]["plugins"] == named(mine)


WRONG = {
    "a sum over all": ("jnp.sqrt(jnp.sum(x**2, axis=0)) - 1", "jnp.sum(x**2)", "statistic radius: found 'shape ()'; accepted: "),
    "shape with an axis": ("x**2, axis=0)", "x**2, axis=0, keepdims=True)", "statistic radius: found 'shape (1, "),
    "an error in it": ("jnp.sqrt(jnp.sum(x**2, axis=0)) - 1", "x.no_such_thing", "mine.py: line {line}: AttributeError: "),
    "no sampler": ("@compress.register\n", "", "compressor Coin: found 'no sampler'; accepted: one that is registered by @"),
    "the path": (None, None, "gone.py: cannot be read: No such file or directory; remedy: give the path of a Python file"),
}  # fmt: skip


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_when_it_runs_is_one_line(case: str, run: Run, mine: Path, tmp_path: Path) -> None:
    old, new, said = WRONG[case]
    spec = SMALL.replace('"dsgd"', '"coin-sgd:p=1/2"') if case == "no sampler" else SMALL
    if old is None or new is None:
        spec = spec.replace('"mine.py"', '"gone.py"')
    else:
        assert MINE.count(old) == 1
        mine.write_text(MINE.replace(old, new))
    (tmp_path / "ring.toml").write_text(spec)
    status, out, err = run("solve", str(tmp_path / "ring.toml"), "-o", str(tmp_path / "out"))
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    place = next((n for n, line in enumerate(mine.read_text().splitlines(), 1) if "no_such_thing" in line), 0)
    assert (status, out, len(lines)) == (2, "", 1) and said.format(line=place) in lines[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plugins = [3]", "plugins: found '3'; accepted: a list of at most 16 Python files"),
        (f"plugins = {['mine.py'] * 17}", "plugins: found '17 files'; accepted"),
        ('quantities = ["radios"]', "quantities: found 'radios'; accepted: a list of 1 to 16 of loss, gradient_norm, norm, radius"),
    ],
)  # fmt: skip
def test_a_key_that_does_not_fit_is_said(line: str, said: str, run: Run, mine: Path, tmp_path: Path) -> None:
    key = line.partition(" ")[0]
    text = FILES["ring.toml"]
    (tmp_path / "ring.toml").write_text("\n".join(line if old.startswith(key) else old for old in text.splitlines()))
    status, out, err = run("solve", str(tmp_path / "ring.toml"), "-o", str(tmp_path / "out"))
    assert (status, out) == (2, "") and said in err and err.count("\n") == 1


def test_a_result_is_not_that_of_another_version_of_the_code(mine: Path, tmp_path: Path) -> None:
    before = ResultsCache(tmp_path).path("a", {})
    plugin_loading.load(mine)
    own = ResultsCache(tmp_path).path("a", {})
    assert provenance()["plugins"] == named(mine)
    mine.write_text(MINE + "\n")
    plugin_loading.load(mine)
    assert len({before, own, ResultsCache(tmp_path).path("a", {})}) == 3


# Reports


@pytest.mark.slow
def test_a_report_on_ones_own_pieces(mine: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sdescent.reports.assembly.report._typeset", lambda *_: None)
    text = FILES["ring.toml"].replace("2000", "64").replace("T = 4\n", 'T = 1\nmodels = ["corrected"]\n')
    (tmp_path / "ring.toml").write_text(text)
    assert main(["report", str(tmp_path / "ring.toml"), "-o", str(tmp_path / "out"), "--quick"]) == 0
    parts = {path.stem: path.read_text() for path in (tmp_path / "out/parts").glob("*.tex")}
    assert r"(x1\textasciicircum{}2 + .. + xd\textasciicircum{}2 - r\textasciicircum{}2)" in parts["problem"]
    assert "one coin for all coordinates" in parts["problem"] and r"\cos" in parts["problem"]
    rows = [line for line in parts["ensembles"].splitlines() if line.startswith(("radius &", " & corrected & "))]
    assert rows[-2].startswith("radius & method & $") and rows[-1].count("&") == 6
    (entry,) = named(mine)
    assert f"mine.py\n(SHA-256 \\texttt{{{entry['sha256']}}})." in parts["appendix"]


@pytest.mark.slow
def test_pieces_that_only_this_process_has_keep_the_report_in_it(tmp_path: Path, monkeypatch) -> None:
    exec("from sdescent.derive.vocabulary.registry import register\nregister('statistic', 'far', '')(len)", {})
    monkeypatch.setattr("sdescent.reports.assembly.report.compute", None)  # workers
    monkeypatch.setattr("sdescent.reports.assembly.report._typeset", lambda *_: None)
    monkeypatch.setattr("sdescent.reports.assembly.plan.chosen", lambda problem, only: ["models"])
    made = build_report(None, tmp_path, True, None, lambda label, share: None)
    assert Path(made["files"]["tex"]).exists()

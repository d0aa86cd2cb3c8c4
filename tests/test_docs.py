"""The pages do what they say: blocks run, outputs are those shown, links lead somewhere, and what is wrong is noticed.

Pages, which run for minutes together, and the figures are slow tests. Lists that pages keep (files to cite, commands of
the README) are compared with the project's own.
"""

import importlib.util
import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import pages
from tests.support.commands.page_process import prepare
from tests.support.commands.pages import PAGES, ROOT, PageError, blocks, broken, links, run_page

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN = [page for page in PAGES if blocks(page)]
#: blocks that no test runs, by page: a new one must be written here
EXEMPT = {"README.md": 3, "CONTRIBUTING.md": 1, "docs/howto/sweeps.md": 1, "docs/studies/networks.md": 2}
EXEMPT |= {"docs/studies/measure.md": 1, "docs/studies/student.md": 1}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run(page: Path, folder: Path) -> int:
    try:
        return run_page(page, folder)
    except LookupError as error:
        pytest.skip(str(error))


# --- the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Pages of ours need the packages; those of the tests below hardly do."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in prepare(tmp_path_factory.mktemp("programs")).items():
            patch.setenv(variable, value)
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("page", RUN, ids=name)
def test_a_page_does_what_it_says(page, tmp_path):
    due = [b for b in blocks(page) if b.language != "text" and not b.exempt and "command" not in b.marks]
    assert run(page, tmp_path) == len(due)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "derive/proof/FORMAT.md"], ids=name)
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        targets = [target.partition("#")[0] for _, target in links(page) if "://" not in target]
        linked = {(page.parent / target).resolve() for target in targets if target.endswith(".md")}
        todo += linked - reached - set(todo)
    assert set(PAGES) <= reached


def test_the_sections_that_the_code_cites_are_there() -> None:
    page = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", page, re.MULTILINE))
    code = [
        p.read_text(encoding="utf-8")
        for folder in ("derive", "numerics", "reports")
        for p in (ROOT / folder).rglob("*.py")
    ]
    cited = {number for text in code for number in re.findall(r"\b[Tt]heory (\d+(?:\.\d+)?)", text)}
    assert len(cited) > 20 and cited <= sections


def test_what_is_not_run_is_known():
    found = {}
    for page in RUN:
        count = sum(bool(block.exempt or "command" in block.marks) for block in blocks(page))
        found |= {name(page): count} if count else {}
    assert found == EXEMPT


# --- the README -------------------------------------------------------------------------------------------------------


def test_the_readme_has_its_two_commands_each_one_line():
    """Those that .ci/run takes from it."""
    marked = {block.marks["command"]: block.text for block in blocks(ROOT / "README.md") if "command" in block.marks}
    assert set(marked) == {"report", "test"}
    assert all(f"$(readme {command})" in (ROOT / ".ci/run").read_text(encoding="utf-8") for command in marked)
    assert "sdescent report" in marked["report"] and "pytest" in marked["test"]
    for command in marked.values():
        extras = re.search(r"pip install .*'\.\[([a-z,]+)\]'", command)
        assert command.count("\n") == 1
        assert extras is not None and set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])


def loaded(path: str) -> Any:
    """A script of the documentation as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differing(kept: Any, made: Any, where: str = "") -> list[str]:
    """Where numbers differ by more than a millionth of themselves, or by more than 1e-9 (rounding of other processors)."""
    if isinstance(kept, dict) and isinstance(made, dict) and kept.keys() == made.keys():
        return [wrong for key in kept for wrong in differing(kept[key], made[key], f"{where}/{key}")]
    if isinstance(kept, (list, tuple)) and isinstance(made, (list, tuple)) and len(kept) == len(made):
        return [w for n, pair in enumerate(zip(kept, made, strict=True)) for w in differing(*pair, f"{where}/{n}")]
    if not (isinstance(kept, (int, float)) and isinstance(made, (int, float))):
        return [where]
    return [] if math.isclose(kept, made, rel_tol=1e-6, abs_tol=1e-9) else [where]


@pytest.mark.slow
def test_the_figures_are_made_again(tmp_path):
    module = loaded("docs/figures/make.py")
    made = module.make(tmp_path)
    kept = json.loads((module.HERE / "numbers.json").read_text(encoding="utf-8"))
    assert differing(kept, made) == []
    assert {p.name for p in tmp_path.iterdir()} == {
        p.name for p in module.HERE.iterdir() if p.suffix in (".png", ".svg", ".json")
    }
    assert all(p.stat().st_size > 1000 for p in tmp_path.iterdir())
    # as the README says of them
    orders = [round(made["weak-orders"][model]["order"], 1) for model in module.MODELS]
    assert orders == [1, 2, 1]
    last = {run: {key: values[-1] for key, values in of.items()} for run, of in made["sign-loss"].items()}
    assert all(abs(last[model]["mean"] / last["method"]["mean"] - 1) < 0.1 for model in ("first-order", "corrected"))


def test_a_figure_with_another_number_is_noticed():
    kept = json.loads((ROOT / "docs/figures/numbers.json").read_text(encoding="utf-8"))
    assert differing(kept, kept) == []
    other = json.loads(json.dumps(kept))
    other["weak-orders"]["corrected"]["errors"][2] *= 1 + 1e-5
    assert differing(kept, other) == ["/weak-orders/corrected/errors/2"]
    del other["sign-loss"]["method"]
    assert "/sign-loss" in differing(kept, other)


# --- files beside it --------------------------------------------------------------------------------------------------


def test_the_citation_is_of_this_project():
    """CI validates the whole against the schema; here its version, licence and title are the project's."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^(\w[\w-]*): *(.+)$", text, re.MULTILINE))
    assert fields["cff-version"] == "1.2.0" and fields["title"] == PROJECT["name"]
    assert fields["version"] == PROJECT["version"] and fields["license"] == PROJECT["license"]
    assert "arXiv:2506.00181" in text


def test_the_reference_has_a_page_for_every_module():
    """CI builds it, with warnings as errors."""
    found = loaded("docs/reference.py")
    folders = ("derive", "numerics", "reports", *found.PACKAGES)
    files = [p.relative_to(ROOT) for folder in folders for p in (ROOT / folder).rglob("*.py")]
    private = [p for p in files if any(part.startswith("_") and part != "__init__.py" for part in p.parts)]
    assert len(found.modules()) == len(files) - len(private)


# --- what is wrong is noticed -----------------------------------------------------------------------------------------


def page_of(folder: Path, text: str) -> Path:
    (path := folder / "page.md").write_text(text, encoding="utf-8")
    return path


GOOD = """
# A page

In `young.toml`:

<!-- file: young.toml -->
```toml
variables = ["a", "b"]
assume = []
claim = "2*a*b <= a^2 + b^2"
```

```sh
cat young.toml
```

```text
variables = ["a", ...]
...
claim = "2*a*b <= a^2 + b^..."
```

<!-- file: mine.py -->
```python
VALUE = 3
```

```python
from mine import VALUE
```

```python
print(VALUE + 1, "took 0.25 s")
```

```text
4 took 0.5 s
```
"""


def test_a_page_without_errors_passes(tmp_path):
    assert run_page(page_of(tmp_path, GOOD), tmp_path / "run") == 5


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('a^2 + b^2"', 'a^2 + c^2"', "page.md:7: claim: found 'c'"),
        ("cat young", "sdescent claim -x young", "page.md:13: status 2, not 0"),
        ("cat young.toml", "false\ncat young.toml", "status 1, not 0"),
        ("cat young.toml", "false | cat young.toml", "status 1, not 0"),
        ("```sh\ncat", "<!-- exit: 1 -->\n```sh\ncat", "status 0, not 1"),
        ('variables = ["a", ...]', 'variables = ["b", ...]', "page.md:17: shown"),
        ('b^..."\n', '"\n', "page.md:17: shown"),
        ("4 took 0.5 s", "...\n...", "says nothing"),
        ("VALUE + 1", "VALUE + ONE", "NameError"),
        ("from mine", "import warnings\nwarnings.warn('old')\nfrom mine", "UserWarning"),
        ("```python\nfrom", "```py\nfrom", "the language is 'py'"),
        ("```python\nfrom", "*Not run by the tests: it is a test.*\n\n```python\nfrom", "NameError"),  # in the next block
        ("```sh", "```", "the language is ''"),
        ("<!-- file: mine.py", "<!-- fill: mine.py", "no mark is called fill"),
        ("```text\nvariables", "```tex\nvariables", "nothing reads this"),
        ("```sh\ncat young.toml\n```\n", "", "no command is before it"),
        ("4 took 0.5 s\n```", "4 took 0.5 s\n", "a block without an end"),
        ("# A page\n", "# A page\n\n    cat young.toml\n", "an indented block"),
        ("<!-- file: young.toml -->\n", "*Not run by the tests: .*\n\n<!-- file: young.toml -->\n", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_on_a_page_is_noticed(tmp_path, right, wrong, said):
    assert GOOD.count(right) == 1, "the error is planted at one place"
    page = page_of(tmp_path, GOOD.replace(right, wrong))
    if not said:  # an exemption without a reason is none: the block runs
        assert run_page(page, tmp_path / "run") == 5
        return
    with pytest.raises(PageError) as error:
        run_page(page, tmp_path / "run")
    assert said in str(error.value)


def test_a_block_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SECONDS", 0.5)
    with pytest.raises(PageError, match="did not within"):
        run_page(page_of(tmp_path, "```python\nwhile True:\n    pass\n```\n"), tmp_path / "run")


def test_a_program_that_is_missing_is_named(tmp_path):
    page = page_of(tmp_path, GOOD.replace("```sh", "<!-- needs: no-such-program -->\n```sh"))
    with pytest.raises(LookupError, match=r"page\.md:14 needs no-such-program"):
        run_page(page, tmp_path / "run")
    page.write_text(page.read_text(encoding="utf-8").replace("4 took", "5 took"), encoding="utf-8")
    with pytest.raises(PageError, match="shown"):  # what does not need it runs all the same
        run_page(page, tmp_path / "again")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gone.md", "there is no gone.md"),
        ("#a-heading-1", None),
        ("#code-in-f_j", None),
        ("#no-heading", "page.md has no heading no-heading"),
        ("../outside.md", "there is no ../outside.md"),
        ("https://arxiv.org/abs/2506.00181", None),
        ("http://arxiv.org", "is no address"),
        ("https://arxiv", "is no address"),
    ],
)
def test_a_broken_link_is_noticed(tmp_path, target, said):
    (tmp_path.parent / "outside.md").touch()
    page = page_of(tmp_path, f"# A heading\n\n## A heading\n\n# `code` in f_j\n\nSee [it]({target}) and `[x](y)`.\n")
    found = broken(page, tmp_path)
    assert found == [] if said is None else len(found) == 1 and said in found[0]


def test_a_path_that_is_named_exists(tmp_path):
    page = page_of(tmp_path, "# A\n\n`derive/methods/noise/law.py` and `derive/noise/lore.py`, `report/parts/x.tex`\n")
    assert broken(page) == ["page.md:3: there is no derive/noise/lore.py"]
    assert pages.PAGES == PAGES and len(PAGES) >= 12

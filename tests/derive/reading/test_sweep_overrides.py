"""Overrides of a sweep on the command line: what each reads as, what it does to a file, and what is refused.

An override does the same as the change of the file that it stands for: the definitions of both sweeps are compared.
"""

import random
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.sweeps.overrides import Interval, Several, Steps, read_overrides
from sdescent.derive.reading.sweeps.panels import check
from sdescent.derive.reading.sweeps.values import as_json
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.hostile_text import TOKENS, noise_text, nothing_is_evaluated_or_written
from tests.support.sweep_files import BASE, swept

SWEPT = """
[sweep.grid]
eta = [0.1, 0.05]
noise.nu = [3, 4]
[sweep.zip]
T = [1, 2]
clients = [2, 3]
[sweep.random]
count = 2
dt = {uniform = [0.001, 0.01]}
"""


@pytest.fixture
def read(tmp_path):
    """Read a sweep of text after `BASE`."""
    return partial(swept, tmp_path)


F = Fraction


@pytest.mark.parametrize(
    ("text", "sign", "key", "value"),
    [
        ("eta = 0.1 ", "", "eta", "0.1"),
        ("++noise.nu=3", "++", "noise.nu", "3"),
        ("~eta", "~", "eta", None),
        ("eta=choice(0.1,0.05)", "", "eta", Several(("0.1", "0.05"))),
        ("paths=1_000,20_000", "", "paths", Several(("1000", "20000"))),
        ("T=range(5, step=-2, stop=1)", "", "T", Steps(F(5), F(1), F(-2))),
        ("eta=tag(log, interval(0.001, 0.1))", "", "eta", Interval(("0.001", "0.1"), True)),
        ("x0=[1,-1],[2, 2]", "", "x0", Several((["1", "-1"], ["2", "2"]))),
        ("params={rho: 2, c: 1/3}", "", "params", {"rho": "2", "c": "1/3"}),
        ("discrete=true,False", "", "discrete", Several((True, False))),
        ("noise='student-t:nu=3,sigma=1','none'", "", "noise", Several(("student-t:nu=3,sigma=1", "none"))),
        ("noise=student-t:nu=3,sigma=1,none", "", "noise", Several(("student-t:nu=3,sigma=1", "none"))),
        (r"noise=student-t:nu=3\,sigma=1,none", "", "noise", Several(("student-t:nu=3,sigma=1", "none"))),
        ("noise=student-t:nu=3,'sigma=1'", "", "noise", Several(("student-t:nu=3", "sigma=1"))),
        (r"method.name='it\'s'", "", "method.name", "it's"),
        ('method.update=["m = beta*m + G","x = x - eta*m"]', "", "method.update", ["m = beta*m + G", "x = x - eta*m"]),
    ],
)
def test_an_override_is_read_as_hydra_reads_it(text, sign, key, value):
    (override,) = read_overrides([text])
    assert (override.sign, override.key, override.value) == (sign, key, value)


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        # one value replaces an axis and the base
        (["eta=0.2"], SWEPT.replace("eta = [0.1, 0.05]", "")),
        (["dt=0.005"], SWEPT.partition("[sweep.random]")[0]),
        # an axis in its old place, or after the others
        (["eta=0.2,0.4"], SWEPT.replace("eta = [0.1, 0.05]", 'eta = ["1/5", "2/5"]')),
        (["T=5,6"], SWEPT.replace("noise.nu = [3, 4]", "noise.nu = [3, 4]\nT = [5, 6]").replace("T = [1, 2]\n", "", 1)),
        (["eta=[0.2,0.4]", "~noise.nu", "noise.nu=3,4"], SWEPT.replace("eta = [0.1, 0.05]", "eta = [0.2, 0.4]")),
        # random values
        (["clients=interval(1,9)"], SWEPT.replace("clients = [2, 3]\n", "") + "clients = {uniform = [1, 9]}\n"),
        (["sweep.count=7", "sweep.seed=3"], SWEPT.replace("count = 2", "count = 7\nseed = 3")),
        # what the sweep is made of
        (["sweep.seeds=3"], SWEPT + "[sweep]\nseeds = 3\n"),
        (["sweep.seeds=range(3,10,6)"], SWEPT + "[sweep]\nseeds = [3, 9]\n"),
        (["+seed=3", "++seed=4", "~seed"], SWEPT),
    ],
)
def test_an_override_does_what_a_change_of_the_file_does(read, overrides, text):
    """The base of the changed file is that of the overrides too, where they change it."""
    overridden, rewritten = read(SWEPT, *overrides), read(text)
    changed = {"eta=0.2": "1/5", "dt=0.005": "1/200"}
    base = rewritten.to_dict()["base"]
    for override in overrides:
        field = override.partition("=")[0].partition(".")[0]
        if override in changed:
            base[field] = changed[override]
        elif field in overridden.axes:
            base.pop(field, None)
    assert overridden.to_dict() == {**rewritten.to_dict(), "base": base}


def test_overrides_apply_to_every_block(read):
    text = '[[sweep]]\ngrid = {eta = [0.1], clients = [1, 2]}\n[[sweep]]\ngrid = {noise = ["gaussian:sigma=1", "laplace:sigma=1"]}'
    fixed = read(text, "eta=0.3", "noise.sigma=2", "~clients")
    assert [(p.fields["eta"], p.fields["clients"], p.fields["noise"]) for p in fixed.points()] == [
        ("0.3", 4, noise) for noise in ("student-t:nu=5,sigma=2", "gaussian:sigma=2", "laplace:sigma=2")
    ]
    with_axis = read(text, "T=1,2", "clients=3")
    assert len(with_axis) == 2 + 4 and all(point.fields["clients"] == "3" for point in with_axis.points())
    assert {as_json(point.values["T"]) for point in with_axis.points()} == {"1", "2"}


def test_a_dotted_value_is_set_in_a_spec_of_the_base_and_in_those_of_an_axis(read):
    def noises(*overrides: str, text: str = "") -> list[str]:
        return [point.experiment().problems[0].specs["noise"].text for point in read(text, *overrides).points()]

    assert noises("noise.nu=7/2") == ["student-t:nu=7/2,sigma=1"]
    assert noises("noise.nu=3,4", "noise.sigma=2") == ["student-t:nu=3,sigma=2", "student-t:nu=4,sigma=2"]
    axis = '[sweep.grid]\nnoise = ["student-t:nu=3,sigma=1", "gaussian:sigma=1"]'
    assert noises("noise.sigma=1/2", text=axis) == ["student-t:nu=3,sigma=1/2", "gaussian:sigma=1/2"]
    assert noises("noise=gaussian:sigma=3", text=axis) == ["gaussian:sigma=3"]
    # the last override wins, whether the file has the key as an axis or not
    for text in ("", axis):
        assert noises("noise.sigma=5", "noise=gaussian:sigma=3", text=text) == ["gaussian:sigma=3"]
        assert noises("noise=gaussian:sigma=3", "noise.sigma=5", text=text) == ["gaussian:sigma=5"]
        assert noises("noise.sigma=5", "noise=gaussian:sigma=3,none", text=text) == ["gaussian:sigma=3", "none"]


def test_the_last_name_of_the_models_wins(read):
    base = BASE.replace('models = ["first-order"]', 'model = "first-order"')
    for override in ("models=[corrected]", "model=corrected"):
        for text in ("", '[sweep.grid]\nmodels = ["second-order"]'):
            before = BASE.replace('models = ["first-order"]', "") if text else base
            (point,) = read(text, override, base=before).points()
            assert point.experiment().kinds[1:] == ("corrected",)


#: (override, field)
REFUSED = [
    ("noise=range(1,3)", "noise"), ("method=interval(1,3)", "method.uniform"), ("+noise.nu=3", "noise.nu"),
    ("noise={nu:3}", "noise"), ("noise.nu='3,sigma=2'", "noise.nu"), ("noise.nu=true", "noise.nu"),
    ("noise.sigma=[]", "noise.sigma"), ("noise.nu=3,'3:4'", "noise.nu"), ("params.rho.x=1,2", "override"), ("eta", "override"),
    ("=1", "override"), ("eta=", "eta"), ("~eta=1", "eta"), ("foo=1", "override"), ("eta.x=1", "override"), ("+eta=0.3", "eta"),
    ("~dtype", "dtype"), ("~noise.alpha", "noise.alpha"), ("noise.alpha=1", "noise.alpha"), ("eta=glob(*)", "eta"),
    ("eta=eval(1)", "eta"), ("eta=${T}", "eta"), ("eta=null", "eta"), ("group/eta=1", "override"), ("eta@package=1", "override"),
    ("eta=range(1)", "eta"), ("eta=range(1,2,stop=3)", "eta"), ("eta=range(start=1,2)", "eta"), ("eta=range(1,2,0)", "eta"),
    ("eta=range(0,1,1/10000000)", "eta"), ("eta=range(a,b)", "eta"), ("eta=interval(1,0)", "eta.uniform"),
    ("eta=tag(fast,interval(0,1))", "eta"), ("eta=choice()", "eta"), ("eta=1,range(1,3)", "eta"), ("eta=[1,", "eta"),
    ("eta=[[[[[[1]]]]]]", "eta"), ("eta=1]", "eta"), ("eta='1", "eta"), ("eta=1,", "eta"), ("params={rho}", "params"),
    ("params={rho:1,rho:2}", "params"), ("sweep.count=2", "sweep.count"), ("sweep.seed=2", "sweep.seed"),
    ("sweep.count=1,2", "sweep.count"), ("sweep.grid.eta=1", "sweep.grid.eta"), ("sweep.seeds=range(1,3,1/2)", "sweep.seeds"),
    ("plugins=evil.py", "plugins"), ("chunk=1,2", "chunk"), ("eta=interval(0.1,1)", "sweep.count"), ("noise=gauss", "noise"),
    ("noise=1,2", "noise"), ("T=" + "1" * 20_000, "override"), ("T=1e-3", "T"), ("eta=\u0661", "override"), ("eta=1\n", "override"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "field"), REFUSED)
def test_what_is_not_meant_for_a_sweep_is_refused_in_one_line(read, override, field):
    with pytest.raises(BadInput) as error:
        read("", override)
    assert error.value.field == field and "\n" not in error.value.message


def test_remedies_are_named(read):
    for override, remedy in [
        ("+eta=0.3", r"\+\+eta"), ("eta=glob(*)", "Hydra"), ("eta=interval(0.1,1)", r"sweep\.count=20"), ("eta=null", "~eta"),
        ("sweep.grid.eta=1", "eta=0.1,0.2"),
    ]:  # fmt: skip
        with pytest.raises(BadInput, match=remedy):
            read("", override)


#: (text, field)
HOSTILE = [
    ("sweep = 3", "sweep"), ("sweep = []", "sweep"), ("[sweep]\nfoo = 1", "sweep"), ("[sweep]\neta = [1, 2]", "sweep"),
    ("[sweep]\ngrid = 3", "sweep.grid"), ("[sweep.grid]\nfoo = [1]", "sweep.grid"), ("[sweep.grid]\neta = []", "sweep.grid.eta"),
    ("[sweep.grid]\neta = [[0.1], 1]", "sweep.grid.eta[1]"), ("[sweep.grid]\nT = [1979-05-27]", "sweep.grid.T[1]"),
    ("[sweep.grid]\nT = [1e400]", "sweep.grid.T[1]"), ('[sweep.grid]\nnoise = ["gauss"]', "sweep.grid.noise[1]"),
    ("[sweep.grid]\nnoise.alpha = [3]", "noise.alpha"), ("[sweep.grid]\ncompressor.k = [3]", "compressor.k"),
    ("[sweep.grid]\nnoise.a.a.a.a.a = [1]", "sweep.grid"), ('[sweep.grid]\n"noise.\\u001b" = [1]', "sweep.grid"),
    ("[sweep.grid]\nnoise.nu = [3]\n[sweep.grid.noise]\nsigma = 1", "s.toml"),
    ('[sweep.grid]\n"noise.nu" = [3]\nnoise.nu = [4]', "sweep.grid"), ("[sweep.zip]\nT = [1, 2]\nclients = [1]", "sweep.zip"),
    ("[sweep.zip]\nT = []\nclients = []", "sweep.zip"), ("[sweep.zip]\nT = 1", "sweep.zip.T"), ("[sweep]\nzip = 1", "sweep.zip"),
    ("[sweep]\nseeds = []", "sweep.seeds"), ("[sweep]\nseeds = [1, -1]", "sweep.seeds"), ("[sweep]\nseeds = true", "sweep.seeds"),
    ("[sweep]\nseeds = 2\n[sweep.grid]\nseed = [1, 2]", "sweep"), ("[sweep.grid]\nT = 1\n[sweep.zip]\nT = [1, 2]", "sweep"),
    ("[sweep.random]\nT = {uniform = [1, 2]}", "sweep.count"), ("[sweep]\nrandom = 1", "sweep.random"),
    ("[sweep.random]\ncount = 0\nT = {uniform = [1, 2]}", "sweep.random.count"), ("[sweep]\ncount = 3", "sweep.count"),
    ("[sweep]\ncount = 2\n[sweep.random]\ncount = 2", "sweep.count"), ("[sweep.random]\nT = [1, 2]", "sweep.random.T"),
    ("[sweep.grid]\nT = {linear = [1, 2], count = 2000}\npaths = {from = 1, to = 1000}", "sweep"),
    ('[sweep.grid]\nmodel = ["first-order"]\nmodels = ["first-order"]', "sweep"), ("[sweep.grid]\nchunk = [1, 2]", "chunk"),
    ('[sweep.grid]\nplugins = ["evil.py"]', "sweep.grid"), ("[sweep.random]\nseed = 3", "sweep.seed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field"), HOSTILE)
def test_a_malformed_sweep_is_refused_in_one_line_that_names_the_place(tmp_path, text, field):
    path = tmp_path / "s.toml"
    base = BASE if not text.startswith("sweep") else f"{text}\n{BASE}"
    path.write_text(base if base != BASE else f"{BASE}\n{text}", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        check(read_sweep(path, []))
    assert error.value.field == field and "\n" not in error.value.message and error.value.message.isprintable()


def test_random_text_is_read_or_refused_and_nothing_is_evaluated(read):
    draw = random.Random(0)
    check(read("", "eta=0.1,0.2"))  # everything is imported
    tokens = [*TOKENS, *",()[]{}'=", "range(", "choice(", "tag(log,", "interval("]
    for _ in range(200):
        words = [draw.choice(tokens) for _ in range(6)]
        start = draw.choice(["eta=", "noise=", "+T=", "~", "x0=", "params="])
        text = start + draw.choice(["".join(words), noise_text(draw)])
        with nothing_is_evaluated_or_written():
            try:
                read_overrides([text])
            except BadInput as error:
                assert "\n" not in error.message


def test_the_overrides_of_the_page_are_read(tmp_path):
    """Every row of the table in docs/howto/sweeps.md is applied to the page's first file."""
    page = (Path(__file__).parents[3] / "docs/howto/sweeps.md").read_text(encoding="utf-8")
    path = tmp_path / "steps.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    table = page.partition("| override |")[2].partition("\n\n")[0]
    rows = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 15
    for row in rows:
        name, drawn = row.partition("=")[0], "interval" in row
        beside = ["~noise.nu"] if name == "noise" else []
        if drawn or name in ("sweep.count", "sweep.seed"):
            beside = [*([] if drawn else ["eta=interval(0.01,0.1)"]), "sweep.count=2"]
        sweep = read_sweep(path, [*beside, row])
        check(sweep, most=10)
        without = read_sweep(path, [] if drawn else beside)
        assert sweep.to_dict() != without.to_dict()
    several = [len(read_sweep(path, ["~noise.nu", row])) for row in rows if row.startswith("noise=")]
    assert several == [90, 90]

"""Outcomes that are a probability space or sequences of draws: what is proved of E is no premise, and what is false is refused."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.installed import lacking
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.outcomes import OUTCOMES
from sdescent.derive.proof.rocq.script import _LIBRARY
from tests.derive.proof.rocq import judging
from tests.derive.proof.rocq.asking import answers, axioms_in, rocq, without_library
from tests.derive.proof.rocq.judging import CHOICE, STANDARD, NoRocqError, judge
from tests.support.certificates.invalid import ALL
from tests.support.certificates.potentials import POTENTIALS

DRAWS, SPACE = OUTCOMES["finite-draws"], OUTCOMES["probability-space"]
#: changes of a file by which what is stated of its outcomes is false
FALSE = {
    "chances whose sum is below 1": ("(chance__ l__) = 1", "(chance__ l__) <= 1"),
    "negative chances": ("0 <= chance__ l__ z__", "-1 <= chance__ l__ z__"),
    "a mean over the past too": ("(count__ - proj1_sig t) (proj1_sig t) w.", "(count__ - proj1_sig t) 0 w."),
    "a mean over other steps": ("chance__ count__ 0 w__", "chance__ count__ 1 w__"),
}
#: E is the sum over all sequences of the product of the chances; products of random vectors are products of vectors of R^n
MEANING = r"""
Goal forall (c : list bool -> bool -> R) (w : nat -> bool) (f : (nat -> bool) -> R),
  drawn__ (true :: false :: nil) c 2 0 w f =
    c nil true * c (true :: nil) true * f (put__ 1 true (put__ 0 true w))
    + c nil true * c (true :: nil) false * f (put__ 1 false (put__ 0 true w))
    + c nil false * c (false :: nil) true * f (put__ 1 true (put__ 0 false w))
    + c nil false * c (false :: nil) false * f (put__ 1 false (put__ 0 false w)).
Proof.
  intros. cbn [drawn__ Sum past__]. change (put__ 0 true w 0%nat) with true. change (put__ 0 false w 0%nat) with false. ring.
Qed.
Section Embedded.
Context {J D : Type} (coords : list J) (draws : list D) (c : D -> R).
Hypothesis (p : forall z, 0 <= c z) (q : Sum draws c = 1).
Definition lifted (u : D -> J -> R) (s : J * D) : R := sqrt (c (snd s)) * u (snd s) (fst s).
Lemma sum_app {A : Type} (l m : list A) (f : A -> R) : Sum (l ++ m) f = Sum l f + Sum m f.
Proof. induction l as [| x l ih]; simpl; [ring | rewrite ih; ring]. Qed.
Lemma sum_map {A B : Type} (l : list A) (g : A -> B) (f : B -> R) : Sum (map g l) f = Sum l (fun x => f (g x)).
Proof. induction l as [| x l ih]; simpl; [reflexivity | rewrite ih; reflexivity]. Qed.
Theorem embedded (u v : D -> J -> R) :
  dot__ (list_prod coords draws) (lifted u) (lifted v) = Sum draws (fun z => c z * dot__ coords (u z) (v z)).
Proof.
  assert (e : forall m, Sum (list_prod m draws) (fun s => lifted u s * lifted v s) =
      Sum m (fun j => Sum draws (fun z => c z * (u z j * v z j)))).
  { induction m as [| j m ih]; simpl; [reflexivity |]. rewrite sum_app, sum_map, ih. f_equal. apply sum__eq. intros z.
    unfold lifted. simpl. rewrite <- (sqrt_sqrt (c z) (p z)) at 3. ring. }
  unfold dot__ at 1. rewrite e, sum__swap. apply sum__eq. intros z. apply sum__mul.
Qed.
Theorem known (u v : J -> R) : dot__ (list_prod coords draws) (lifted (fun _ => u)) (lifted (fun _ => v)) = dot__ coords u v.
Proof.
  rewrite embedded. transitivity (Sum draws (fun z => dot__ coords u v * c z)); [apply sum__eq; intros z; ring |].
  rewrite sum__mul, q. ring.
Qed.
End Embedded.
Print Assumptions known.
"""


def test_no_name_of_the_library_is_there_twice() -> None:
    """A file needs any of its texts together; each text alone was accepted when one name was there twice."""
    texts = "\n".join(path.read_text() for path in sorted(_LIBRARY.glob("*.v")))
    names = re.findall(r"^(?:Lemma|Definition|Fixpoint|Ltac) ([A-Za-z0-9_]+)", texts, re.MULTILINE)
    assert len(names) > 250 and {name for name in names if names.count(name) > 1} == set()


def test_with_draws_nothing_is_general_and_everything_integrable() -> None:
    for name in ("telescope", "decay", "summable", "descent"):
        plain, drawn = translated(POTENTIALS[name]), translated(POTENTIALS[name], DRAWS)
        assert {p.kind for p in plain.premises} >= {"general", "declared"}
        law = [p for p in drawn.premises if p.words.startswith("chance__ l z is at least 0")]
        assert [p for p in drawn.premises if p not in law] == [p for p in plain.premises if p.kind == "declared"]
        assert len(law) == 1 and drawn.proved == plain.proved
    with pytest.raises(ExportError, match="time is not steps"):
        translated(ALL["ito"], DRAWS)


def test_with_a_probability_space_the_other_premises_stay() -> None:
    for certificate in (POTENTIALS["telescope"], ALL["ito"]):
        plain, space = translated(certificate), translated(certificate, SPACE)
        (gone,) = (p for p in plain.premises if p not in space.premises)
        assert gone.words == "E is linear and monotone on the integrable random variables, and E 1 = 1"
        assert len(space.premises) == len(plain.premises) - 1
        assert {p.kind for p in space.premises} == {"general", "declared", "integrable"}


@rocq
def test_rocq_accepts_draws_and_nothing_false() -> None:
    texts = {"meaning": MEANING}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.derive.proof.rocq.asking.export.translated", lambda c: translated(c, DRAWS))
        texts["telescope"] = without_library(POTENTIALS["telescope"])
    for name, (old, new) in FALSE.items():
        assert old in texts["telescope"], name
        texts[name] = texts["telescope"].replace(old, new)
    said = answers(texts)
    for name in ("meaning", "telescope"):
        assert "Error" not in said[name] and "Axioms:" in said[name], said[name][-2000:]
        assert axioms_in(said[name]) <= STANDARD
    assert [name for name in FALSE if "Error" not in said[name]] == []


@rocq
@pytest.mark.slow
def test_rocq_accepts_a_probability_space() -> None:
    if lacking():
        pytest.skip(lacking())
    for name, certificate in {"telescope": POTENTIALS["telescope"], "gronwall": ALL["gronwall"]}.items():
        text = translated(certificate, SPACE).text
        verdict = judge(text, timeout=600)
        assert verdict.accepted, f"{name}: {verdict.output[-2000:]}"
        assert CHOICE & set(verdict.assumptions) and set(verdict.assumptions) <= STANDARD | CHOICE
    assert not judge(
        text.replace("exact (Space__.expectation__mean P__)", "exact (Space__.expectation__1 P__)")
    ).accepted


@pytest.mark.parametrize("there", [False, True])
def test_without_analysis_the_judge_says_so_in_one_line(
    there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A coqc that lacks it, and one that lacks another file."""
    found = tmp_path / "user-contrib/mathcomp/analysis/probability.vo"
    found.parent.mkdir(parents=True)
    if there:
        found.write_text("")

    def run(command: list[str], **_: Any) -> Any:
        where = command[-1] == "-where"
        error = (
            ""
            if where
            else "Error: Cannot find a physical path bound to logical path\nprobability with prefix mathcomp."
        )
        return subprocess.CompletedProcess(command, int(not where), f"{tmp_path}\n" if where else "", error)

    monkeypatch.setattr(judging.shutil, "which", lambda name: name)
    monkeypatch.setattr(judging.subprocess, "run", run)
    if there:
        assert not judge("").accepted and lacking() == ""
    else:
        with pytest.raises(
            NoRocqError, match=r"lacks mathcomp-analysis.*apt-get install libcoq-mathcomp-analysis"
        ) as error:
            judge("")
        assert str(error.value) == lacking() and "\n" not in lacking()
    monkeypatch.setattr(judging.shutil, "which", lambda name: None)
    assert "install Rocq" in lacking()

"""The general premises of exported files hold together: Rocq proves them of a model, so that they do not imply False."""

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.script import Premise
from tests.derive.proof.rocq.asking import answers, axioms_in, check, rocq
from tests.derive.proof.rocq.judging import STANDARD
from tests.support.certificates.rules import certificate, certify, declared

#: one outcome; Riemann's integral over [0, T]; a process at rest, and for T = 0 one with any drift and any covariance
MODEL = r"""
Definition time (T : R) (h : 0 <= T) (x : R) : Time__ T.
Proof. exists (Rmax 0 (Rmin x T)). split; [apply Rmax_l | apply Rmax_lub; [exact h | apply Rmin_r]]. Defined.
Lemma time_inside (T : R) (h : 0 <= T) (x : R) : 0 < x < T -> proj1_sig (time T h x) = x.
Proof. intros [p q]. unfold time. simpl. rewrite Rmin_left, Rmax_right by lra. reflexivity. Qed.
Section Model.
Variables (T : R) (h : 0 <= T).
Definition all (f : unit -> R) : Prop := True.
Definition E (f : unit -> R) : R := f tt.
Definition integrable (f : Time__ T -> R) : Prop := ex_RInt (fun x => f (time T h x)) 0 T.
Definition Int (f : Time__ T -> R) : R := RInt (fun x => f (time T h x)) 0 T.
Lemma expectation : mean__ all E 1.
Proof. repeat split. intros f g _ _ k. apply k. Qed.
Lemma integral : mean__ integrable Int T.
Proof.
  split; [| split].
  - change (ex_RInt (fun _ => 1) 0 T /\ RInt (fun _ => 1) 0 T = T). rewrite RInt_const. split; [apply ex_RInt_const |].
    unfold scal. simpl. unfold mult. simpl. ring.
  - intros a f g p q. change (ex_RInt (fun x => a * f (time T h x) + g (time T h x)) 0 T /\
      RInt (fun x => a * f (time T h x) + g (time T h x)) 0 T = a * Int f + Int g).
    pose proof (is_RInt_plus _ _ _ _ _ _ (is_RInt_scal _ _ _ a _ (RInt_correct _ _ _ p)) (RInt_correct _ _ _ q)) as r.
    split; [eexists; exact r | exact (is_RInt_unique _ _ _ _ r)].
  - intros f g p q k. apply RInt_le; [exact h | exact p | exact q | intros x _; apply k].
Qed.
Lemma riemann : riemann__ integrable Int.
Proof.
  intros f c. assert (i : is_RInt f 0 T (RInt f 0 T)).
  { apply (RInt_correct (V := R_CompleteNormedModule)), (ex_RInt_continuous (V := R_CompleteNormedModule)).
    intros x p. rewrite Rmin_left, Rmax_right in p by exact h. apply continuity_pt_filterlim, c, p. }
  assert (j : is_RInt (fun x => f (proj1_sig (time T h x))) 0 T (RInt f 0 T)).
  { apply (is_RInt_ext f); [| exact i]. intros x p. rewrite Rmin_left, Rmax_right in p by exact h.
    rewrite time_inside; [reflexivity | exact p]. }
  split; [exists (RInt f 0 T); exact j | exact (is_RInt_unique _ _ _ _ j)].
Qed.
Lemma at_rest_any {S : Type} (x0 : S) :
  dynkin__ h all E integrable Int (fun _ _ => x0) x0 (fun _ => True) (fun _ _ _ => 0).
Proof.
  split; [split; [exact I | reflexivity] | split; [intros; split; [exact I | intros; ring] |]].
  intros a a' V c s H d k p _ _ _ [[i _] <-] _ e. unfold E, path__.
  assert (q : Int (fun t => a' (proj1_sig t) * V x0) = a T * V x0 + (-1) * (a 0 * V x0)).
  { apply (fundamental__ riemann h (fun t => a t * V x0) (fun t => a' t * V x0)).
    - intros t. pose proof (derivable_pt_lim_mult a (fun _ => V x0) _ _ _ (d (proj1_sig t)) (derivable_pt_lim_const (V x0) _))
      as r.
      rewrite Rmult_0_r, Rplus_0_r in r. exact r.
    - intros t. apply (continuity_pt_mult a' (fun _ => V x0)); [apply k | apply continuity_const; intros y w; reflexivity]. }
  assert (r : Int (fun t => a' (proj1_sig t) * V x0) <= Int (H tt)); [| lra].
  apply integral; [apply (riemann (fun t => a' t * V x0)) | apply i |].
  - intros x _. apply (continuity_pt_mult a' (fun _ => V x0)); [apply k | apply continuity_const; intros y w; reflexivity].
  - intros t. specialize (e tt t). lra.
Qed.
Lemma at_rest {J : Type} (l : list J) (x0 : J -> R) :
  ito__ l h all E integrable Int (fun _ _ => x0) (fun _ _ _ => 0) (fun _ _ _ _ => 0) x0.
Proof.
  intros _ a a' V D D2 c s H d k p _ q r i j e. apply (proj2 (proj2 (at_rest_any x0)) a a' V c s H d k p I q r i j).
  intros w t. specialize (e w t). rewrite drift__0, trprod__0 in e. lra.
Qed.
Lemma nothing {J : Type} (l : list J) (x0 : J -> R) :
  potential__ l h (fun (_ : unit) _ => x0) x0 (fun _ => 0) (fun _ _ => 0) (fun _ _ _ => 0)
    (fun _ _ => 0) (fun _ _ _ => 0) (fun _ _ _ _ => 0) (fun _ => 0) 0.
Proof.
  split; [| repeat split]. split; [| split].
  - intros x v. rewrite dot__0. apply derivable_pt_lim_const.
  - intros x u v. assert (z : mv__ l (fun _ _ => 0) v = (fun _ => 0)) by (apply ext__; intros i; apply dot__0).
    rewrite z, drift__0, dot__0. apply derivable_pt_lim_const.
  - intros x i j e p. exists 1. split; [lra |]. intros y _. rewrite Rminus_diag_eq, Rabs_R0 by reflexivity. exact p.
Qed.
Lemma discounted_at_rest {S : Type} (x0 : S) :
  discounted__ h all E integrable Int (fun _ _ => x0) x0 (fun _ => True) (fun _ _ _ => 0).
Proof.
  intros V a b y A B Y _ v _ a0 b0 y0 MA MB [[i _] <-] e. unfold E, path__. specialize (v tt).
  pose proof (v (time T h 0)) as p.
  assert (q : Int (y tt) <= V x0 * A + B).
  { apply (has__le integral (y tt) (fun t => V x0 * a t + b t) _ _) with (2 := own__ Int (i tt))
      (3 := has__lin integral (V x0) _ _ _ _ MA MB).
    intros t. specialize (e tt t). lra. }
  assert (A0 : 0 <= A) by apply (has__le integral _ _ _ _ a0 (has__0 integral) MA).
  assert (B0 : 0 <= B) by apply (has__le integral _ _ _ _ b0 (has__0 integral) MB).
  assert (x : 1 + A <= exp A).
  { destruct A0 as [z | <-]; [apply Rlt_le, exp_ineq1; lra | rewrite exp_0; lra]. }
  apply (Rmult_le_reg_l (exp A)); [apply exp_pos |]. rewrite <- Rmult_assoc, <- exp_plus. replace (A + (-1) * A) with 0 by ring.
  rewrite exp_0, Rmult_1_l. pose proof (Rmult_le_compat_r _ _ _ p x).
  pose proof (Rmult_le_compat_r _ _ _ B0 (ltac:(lra) : 1 <= exp A)). lra.
Qed.
Lemma at_rest_flow {S : Type} (x0 : S) (V : S -> R) :
  flow__ h (fun (_ : unit) _ => x0) x0 (fun _ => True) (fun _ _ _ => 0) V (fun _ _ => V x0) (fun _ _ => 0) (fun _ => V x0) (V x0).
Proof. repeat split. Qed.
End Model.
Lemma no_time (J : Type) (l : list J) (x0 : J -> R) b A :
  ito__ l (Rle_refl 0) all E (integrable 0 (Rle_refl 0)) (Int 0 (Rle_refl 0)) (fun _ _ => x0) b A x0.
Proof. intros _ a a' V D D2 c s H _ _ _ _ _ _ [_ <-] _ _. unfold E, path__, Int. rewrite RInt_point. unfold zero. simpl. lra. Qed.
Theorem model : (forall T (h : 0 <= T) (J : Type) (l : list J) (x0 : J -> R),
  mean__ all E 1 /\ mean__ (integrable T h) (Int T h) T /\ riemann__ (integrable T h) (Int T h) /\
  ito__ l h all E (integrable T h) (Int T h) (fun _ _ => x0) (fun _ _ _ => 0) (fun _ _ _ _ => 0) x0 /\
  dynkin__ h all E (integrable T h) (Int T h) (fun _ _ => x0) x0 (fun _ => True) (fun _ _ _ => 0) /\
  discounted__ h all E (integrable T h) (Int T h) (fun _ _ => x0) x0 (fun _ => True) (fun _ _ _ => 0) /\
  (forall V : (J -> R) -> R, flow__ h (fun (_ : unit) _ => x0) x0 (fun _ => True) (fun _ _ _ => 0) V (fun _ _ => V x0)
    (fun _ _ => 0) (fun _ => V x0) (V x0)) /\
  potential__ l h (fun (_ : unit) _ => x0) x0 (fun _ => 0) (fun _ _ => 0) (fun _ _ _ => 0)
    (fun _ _ => 0) (fun _ _ _ => 0) (fun _ _ _ _ => 0) (fun _ => 0) 0) /\
  (forall (J : Type) (l : list J) (x0 : J -> R) b A,
  ito__ l (Rle_refl 0) all E (integrable 0 (Rle_refl 0)) (Int 0 (Rle_refl 0)) (fun _ _ => x0) b A x0).
Proof.
  split; [| exact no_time]. intros T h J l x0.
  exact (conj expectation (conj (integral T h) (conj (riemann T h) (conj (at_rest T h l x0)
    (conj (at_rest_any T h x0) (conj (discounted_at_rest T h x0) (conj (at_rest_flow T h x0) (nothing T h l x0)))))))).
Qed.
Print Assumptions model.
"""


#: one step to -1 or to 1, of which nothing is known before
STEP = r"""
Definition all (f : bool -> R) : Prop := True.
Definition E (f : bool -> R) : R := / 2 * (f true + f false).
Definition given (_ : bool) (_ : Step__ 1) (f : bool -> R) : R := E f.
Definition walk (n : nat) (w : bool) (_ : unit) : R := match n with 0%nat => 0 | _ => if w then 1 else -1 end.
Definition value (x : unit -> R) : R := x tt.
Lemma expectation : mean__ all E 1.
Proof.
  repeat split; unfold E; intros; [lra | ring |]. pose proof (H1 true). pose proof (H1 false). lra.
Qed.
Lemma moves (t : Step__ 1) (w z : bool) (j : unit) : move__ walk w t z j = if z then 1 else -1.
Proof. destruct t as [[| n] p]; [unfold move__; simpl; ring |]. exfalso. inversion p. inversion H0. Qed.
Lemma before (t : Step__ 1) (w : bool) : walk (proj1_sig t) w = (fun _ => 0).
Proof. destruct t as [[| n] p]; [reflexivity |]. exfalso. inversion p. inversion H0. Qed.
Lemma after (t : Step__ 1) (w : bool) : walk (S (proj1_sig t)) w = (fun _ => if w then 1 else -1).
Proof. reflexivity. Qed.
Lemma length_of_move (t : Step__ 1) (w z : bool) : norm__ (tt :: nil) (move__ walk w t z) ^ 2 = 1.
Proof. rewrite <- norm__square. unfold dot__. simpl. rewrite moves. destruct z; ring. Qed.
Theorem model : mean__ all E 1 /\ given__ (fun _ _ => all) given /\ tower__ all E 1 all (fun _ _ => all) given /\
  moving__ all (fun _ _ => all) given (fun n w => value (walk n w)) (fun _ _ => 0) (fun _ _ => 0) (fun w => if w then 1 else
    -1) 0 /\
  stepping__ (tt :: nil) (fun _ _ => all) given walk value (fun _ _ => 1) (fun _ _ _ => 0) (fun n w => value (walk n w))
    (fun _ _ _ => 1) 0 0 (fun _ _ _ => 0) (fun _ _ => 1) /\
  radius__ (tt :: nil) (fun _ _ => all) given walk (fun _ _ => 1).
Proof.
  split; [exact expectation | split; [intros w t; exact expectation | split; [| split; [| split]]]].
  - split; [split; [exact I | intros; exact I] |]. intros t f _ _ _. split; [exact I | split; [exact I |]]. unfold given, E. lra.
  - split; [intros n; exact I | split; [intros; exact I | split; [intros; unfold value; rewrite before; reflexivity |]]].
    split; [| split; reflexivity]. intros w t. unfold value, given, E. rewrite before, !after. lra.
  - split; [split; [intros x v; unfold value, dot__; simpl; replace (1 * v tt + 0) with (0 + 1 * v tt) by ring;
      apply (d__add (fun _ => x tt) (fun s => s * v tt)); [apply d__const |];
      replace (1 * v tt) with (1 * v tt + 0 * 0) by ring; apply (d__mul (fun s => s) (fun _ => v tt));
        [apply d__id | apply d__const] |
      intros x v i; unfold mv__; simpl; replace (0 * v tt + 0) with 0 by ring; apply d__const] |].
    split; [| split; [reflexivity | split; [reflexivity | split]]].
    + intros y. unfold opnorm__. destruct (completeness _ _ _) as [s [above least]]. simpl. apply least. intros r (v & _ & ->).
      right. replace (mv__ (tt :: nil) (fun _ _ => 0) v) with (fun _ : unit => 0); [rewrite norm__0; ring |].
      apply ext__. intros i. unfold mv__. simpl. ring.
    + intros w t j. split; [exact I |]. unfold given, E. rewrite !moves. lra.
    + intros w t. split; [exact I |]. unfold given, E. rewrite !length_of_move. lra.
  - intros w t f g _ _ k. unfold given, E. assert (a : forall z, norm__ (tt :: nil) (move__ walk w t z) <= 1).
    { intros z. pose proof (length_of_move t w z). pose proof (norm__pos (tt :: nil) (move__ walk w t z)). nra. }
    pose proof (k true (a true)). pose proof (k false (a false)). lra.
Qed.
Print Assumptions model.
"""


#: premises that are stronger, and false in the model
STRONGER = {
    "a drift that does not move": (MODEL, "(fun _ _ => x0) (fun _ _ _ => 0)", "(fun _ _ => x0) (fun _ _ _ => 1)"),
    "a mean square that is too small": (STEP, "(fun _ _ _ => 0) (fun _ _ => 1) /\\", "(fun _ _ _ => 0) (fun _ _ => / 2) /\\"),
    "a step that is too long": (STEP, "given walk (fun _ _ => 1)", "given walk (fun _ _ => / 2)"),
}  # fmt: skip


@rocq
@pytest.mark.slow
def test_general_premises_have_a_model_and_stronger_ones_do_not() -> None:
    texts = {"time": MODEL, "step": STEP}
    for name, (model, old, new) in STRONGER.items():
        texts[name] = model.replace(old, new, 1)
        assert texts[name] != model
    said = answers(texts)
    for name in ("time", "step"):
        assert "Error" not in said[name] and "Axioms:" in said[name], said[name][-2000:]
        assert axioms_in(said[name]) <= STANDARD
    assert [name for name in STRONGER if "Error" not in said[name]] == []


@rocq
@pytest.mark.slow
def test_what_is_declared_of_a_function_is_a_premise_though_it_be_false() -> None:
    """1 <= 0 of a function that is bounded by -1: the theorem is accepted, and its premise says so."""
    value = certificate(
        declared("bounded", ["a"], "F(a) <= -1"),
        declared("bounded_below", ["a"], "1 <= F(a)"),
        certify([0, 1], "1 <= 0", [["1/2", [0], []], ["1/2", [1], []]]),
    )
    value["context"]["functions"] = {"F": {"bounded": ["q", "-1"]}}
    check({"F": value}, {})
    exported = translated(value)
    assert exported.premises == (Premise("declared", "F is bounded"),)
    assert "Hypothesis fact__0 : forall x__, Rabs (F x__) <= (-1)." in exported.text

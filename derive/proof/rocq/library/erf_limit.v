(* The limit of erf at +oo. Needs limits and erf_bounds. *)

(* erf is bounded, and so it tends to its least upper bound: exp(-t^2) <= exp(-4 t) beyond 4. *)
Lemma erf__tail (x : R) : 4 < x -> erf x <= erf 4 + 2 * / sqrt PI * (exp (-16) / 4).
Proof.
  intros h. destruct (MVT_cor2 (fun y => (-1 / 4) * exp ((-4) * y) - RInt bell__ 0 y)
    (fun y => (-1 / 4) * (exp ((-4) * y) * (-4)) - bell__ y) 4 x h) as (c & e & p & q).
  - intros c _. apply (derivable_pt_lim_minus (fun y => (-1 / 4) * exp ((-4) * y))); [| apply bell__derivative].
    apply (derivable_pt_lim_scal (fun y => exp ((-4) * y))), (derivable_pt_lim_comp (fun y => (-4) * y) exp);
    [| apply derivable_pt_lim_exp].
    pose proof (derivable_pt_lim_scal id (-4) c 1 (derivable_pt_lim_id c)) as d. rewrite Rmult_1_r in d. exact d.
  - assert (bell__ c <= exp ((-4) * c)).
    { unfold bell__. destruct (Rle_lt_or_eq_dec _ _ (ltac:(nra) : (-1) * c ^ 2 <= (-4) * c)) as [k | ->];
      [apply Rlt_le, exp_increasing, k | apply Rle_refl]. }
    assert (0 <= ((-1 / 4) * (exp ((-4) * c) * (-4)) - bell__ c) * (x - 4)) by (apply Rmult_le_pos; lra).
    replace ((-4) * 4) with (-16) in e by ring. pose proof (exp_pos ((-4) * x)). pose proof erf__scale as s. unfold erf.
    assert (k : RInt bell__ 0 x <= RInt bell__ 0 4 + exp (-16) / 4) by lra.
    apply (Rmult_le_compat_l _ _ _ (Rlt_le _ _ s)) in k. lra.
Qed.
Lemma erf__below (x : R) : erf x <= 1 + / 10 ^ 7.
Proof.
  assert (k : erf 4 + 2 * / sqrt PI * (exp (-16) / 4) <= 1 + / 10 ^ 7) by (erf__out; interval with (i_prec 90)).
  destruct (Rle_or_lt x 4) as [h | h]; [| exact (Rle_trans _ _ _ (erf__tail x h) k)].
  refine (Rle_trans _ _ _ _ k). pose proof erf__scale. pose proof (exp_pos (-16)).
  assert (0 <= 2 * / sqrt PI * (exp (-16) / 4)) by (apply Rmult_le_pos; lra).
  destruct h as [h | ->]; [pose proof (erf__rise x 4 I h) |]; lra.
Qed.
Definition erf__values (s : R) : Prop := exists x, s = erf x.
Lemma erf__bounded : bound erf__values.
Proof. exists (1 + / 10 ^ 7). intros s [x ->]. apply erf__below. Qed.
Definition erf__top : R := proj1_sig (completeness erf__values erf__bounded (ex_intro _ (erf 0) (ex_intro _ 0 eq_refl))).
Lemma erf__top_above (x : R) : erf x <= erf__top.
Proof. unfold erf__top. destruct (completeness _ _ _) as [s [above least]]. apply above. exists x. reflexivity. Qed.
Lemma erf__top_near : 1 - / 10 ^ 7 <= erf__top <= 1 + / 10 ^ 7.
Proof.
  split; [apply (Rle_trans _ (erf 4)); [erf__out; interval with (i_prec 90) | apply erf__top_above] |].
  unfold erf__top. destruct (completeness _ _ _) as [s [above least]]. apply least. intros y [x ->]. apply erf__below.
Qed.
Ltac top__out := pose proof erf__top_near; generalize dependent erf__top; intros.
Lemma lim__erf (A : R) (p : R -> R) : big__ A p -> lim__ A (fun x => erf (p x)) erf__top.
Proof.
  intros h e k. assert (y : exists y, erf__top - e < erf y).
  { apply Classical_Prop.NNPP. intros n. assert (erf__top <= erf__top - e); [| lra]. unfold erf__top at 1.
    destruct (completeness _ _ _) as [s [above least]]. apply least. intros z [x ->]. apply Rnot_lt_le. intros m. apply n.
    exists x. exact m. }
  destruct y as [y l]. destruct (h y) as [N K]. exists N. intros n q. specialize (K n q).
  pose proof (erf__rise y (p (INR n + A)) I K). pose proof (erf__top_above (p (INR n + A))). unfold R_dist. apply Rabs_def1; lra.
Qed.

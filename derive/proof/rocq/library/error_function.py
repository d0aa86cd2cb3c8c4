"""The error function: its definition and consequences."""

# Needs Coquelicot.
ERF = r"""
(* erf x = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. *)
Definition bell__ (t : R) : R := exp ((-1) * t ^ 2).
Definition erf (x : R) : R := 2 * / sqrt PI * RInt bell__ 0 x.
Lemma bell__continuous (t : R) : continuous bell__ t.
Proof. apply continuity_pt_filterlim, derivable_continuous_pt. unfold bell__. reg. Qed.
Lemma bell__integrable (a b : R) : ex_RInt bell__ a b.
Proof. apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros t _. apply bell__continuous. Qed.
Lemma bell__is (a b : R) : is_RInt bell__ a b (RInt bell__ a b).
Proof. apply (RInt_correct (V := R_CompleteNormedModule)), bell__integrable. Qed.
Lemma bell__derivative (x : R) : derivable_pt_lim (fun y => RInt bell__ 0 y) x (bell__ x).
Proof.
  apply is_derive_Reals, (is_derive_RInt bell__ _ 0); [| apply bell__continuous].
  exists (mkposreal 1 Rlt_0_1). intros y _. apply bell__is.
Qed.
Lemma erf__scale : 0 < 2 * / sqrt PI.
Proof. pose proof (Rinv_0_lt_compat _ (sqrt_lt_R0 _ PI_RGT_0)). lra. Qed.
Lemma erf__derivative (x : R) : derivable_pt_lim erf x (2 * / sqrt PI * exp ((-1) * x ^ 2)).
Proof. apply (derivable_pt_lim_scal _ (2 * / sqrt PI) x (bell__ x)), bell__derivative. Qed.
Lemma erf__0 : 0 = erf 0.
Proof. unfold erf. rewrite RInt_point. unfold zero. simpl. ring. Qed.
Lemma erf__rise : rising__ erf any__.
Proof.
  intros s t _ h. destruct (MVT_cor2 erf (fun x => 2 * / sqrt PI * exp ((-1) * x ^ 2)) s t h) as (c & e & _).
  { intros c _. apply erf__derivative. }
  pose proof (Rmult_lt_0_compat _ _ (Rmult_lt_0_compat _ _ erf__scale (exp_pos ((-1) * c ^ 2))) (ltac:(lra) : 0 < t - s)). lra.
Qed.
Lemma odd__erf (x : R) : erf ((-1) * x) = (-1) * erf x.
Proof.
  unfold erf. replace (RInt bell__ 0 ((-1) * x)) with ((-1) * RInt bell__ 0 x); [ring |]. symmetry. apply is_RInt_unique.
  assert (h : is_RInt (fun y => opp (bell__ (- y))) 0 x (RInt bell__ (- 0) (- x))).
  { apply (is_RInt_comp_opp bell__). apply bell__is. }
  assert (k : is_RInt (fun y => opp (bell__ (- y))) 0 x (opp (RInt bell__ 0 x))).
  { apply (is_RInt_ext (fun y => opp (bell__ y))).
    - intros y _. unfold bell__. f_equal. f_equal. ring.
    - apply (is_RInt_opp bell__), bell__is. }
  pose proof (is_RInt_unique _ _ _ _ h) as e. rewrite (is_RInt_unique _ _ _ _ k) in e. rewrite Ropp_0 in e.
  replace ((-1) * x) with (- x) by ring.
  replace ((-1) * RInt bell__ 0 x) with (RInt bell__ 0 (- x)) by (rewrite <- e; unfold opp; simpl; ring).
  apply bell__is.
Qed.
"""

# Needs CALCULUS.
ERF_DERIVATIVE = r"""
Lemma d__erf (f : R -> R) (x a : R) :
  D__ f x a -> D__ (fun y => erf (f y)) x (2 * exp ((-1) * f x ^ 2) * (/ sqrt PI) * a).
Proof.
  intros h. replace (2 * exp ((-1) * f x ^ 2) * (/ sqrt PI)) with (2 * / sqrt PI * exp ((-1) * f x ^ 2)) by ring.
  apply (derivable_pt_lim_comp f erf x a _ h), erf__derivative.
Qed.
"""

# Needs Interval.
ERF_BOUNDS = r"""
Lemma bell__up (s t : R) : s <= t -> RInt bell__ 0 s <= RInt bell__ 0 t.
Proof.
  intros [h | ->]; [| apply Rle_refl]. pose proof (erf__rise s t I h) as e. unfold erf in e. pose proof erf__scale.
  apply Rlt_le, (Rmult_lt_reg_l (2 * / sqrt PI)); assumption.
Qed.
Lemma bell__between {a b e l l' u u' : R} :
  a <= e <= b -> l <= RInt bell__ 0 a <= l' -> u' <= RInt bell__ 0 b <= u -> l <= RInt bell__ 0 e <= u.
Proof.
  intros [p q] [r _] [_ s]. split; [exact (Rle_trans _ _ _ r (bell__up _ _ p)) | exact (Rle_trans _ _ _ (bell__up _ _ q) s)].
Qed.
Lemma bell__none (z : R) : z = 0 -> 0 <= RInt bell__ 0 z <= 0.
Proof. intros ->. rewrite RInt_point. unfold zero. simpl. lra. Qed.
Ltac bell__at z h :=
  first [integral_intro (RInt bell__ 0 z) with (i_prec 90, i_relwidth 50, i_degree 20) as h
    | assert (h := bell__none z ltac:(lra))].
(* Puts variables in the place of the integrals, between their values at the ends of where their arguments lie: they rise. *)
Ltac erf__out :=
  unfold erf in *;
  repeat match goal with |- context [RInt bell__ 0 ?e] =>
    let p := fresh "p__" in let l := fresh "l__" in let u := fresh "u__" in let v := fresh "v__" in
    interval_intro e with (i_prec 90) as p;
    match type of p with ?a <= _ <= ?b => bell__at a l; bell__at b u end;
    assert (v := bell__between p l u); clear p l u; revert v; generalize (RInt bell__ 0 e); intros ? v
  end.
"""

# Needs LIMITS and ERF_BOUNDS.
ERF_LIMIT = r"""
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
"""

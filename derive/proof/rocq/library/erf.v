(* The error function: its definition and consequences. Needs Coquelicot. *)

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

(* The hyperbolic tangent. *)

Lemma tanh__form (x : R) : tanh x = 1 - 2 * / (exp (2 * x) + 1).
Proof.
  unfold tanh, sinh, cosh. rewrite exp_Ropp. replace (2 * x) with (x + x) by ring. rewrite exp_plus.
  pose proof (exp_pos x) as h. assert (exp x * exp x + 1 <> 0) by (pose proof (Rmult_lt_0_compat _ _ h h); lra).
  field. split; [assumption | lra].
Qed.
Lemma tanh__rise : rising__ tanh any__.
Proof.
  intros s t _ h. rewrite !tanh__form. pose proof (exp_pos (2 * s)). pose proof (exp_pos (2 * t)).
  assert (exp (2 * s) < exp (2 * t)) by (apply exp_increasing; lra).
  assert (/ (exp (2 * t) + 1) < / (exp (2 * s) + 1)).
  { apply Rinv_lt_contravar; [apply Rmult_lt_0_compat; lra | lra]. }
  lra.
Qed.
Lemma tanh__0 : 0 = tanh 0.
Proof. unfold tanh. rewrite sinh_0. unfold Rdiv. ring. Qed.

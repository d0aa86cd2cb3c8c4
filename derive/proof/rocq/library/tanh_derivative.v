(* The derivative of tanh. Needs calculus. *)

Lemma d__tanh (f : R -> R) (x a : R) : D__ f x a -> D__ (fun y => tanh (f y)) x ((1 + (-1) * tanh (f x) ^ 2) * a).
Proof.
  intros h. apply (derivable_pt_lim_comp f tanh x a _ h). set (p := f x).
  assert (c : 0 < cosh p) by (unfold cosh; pose proof (exp_pos p); pose proof (exp_pos (- p)); lra).
  replace (1 + (-1) * tanh p ^ 2) with ((cosh p * cosh p - sinh p * sinh p) / Rsqr (cosh p)) by (unfold tanh, Rsqr; field; lra).
  change tanh with (sinh / cosh)%F. apply derivable_pt_lim_div; [apply derivable_pt_lim_sinh | apply derivable_pt_lim_cosh | lra].
Qed.
Lemma tanh__exp (p : R) : tanh p = (1 + (-1) * exp ((-2) * p)) * (/ (1 + exp ((-2) * p))).
Proof.
  unfold tanh, sinh, cosh. replace ((-2) * p) with (- p + - p) by ring. rewrite exp_plus, exp_Ropp. pose proof (exp_pos p) as h.
  pose proof (Rinv_0_lt_compat _ h). assert (exp p * exp p + 1 <> 0) by (pose proof (Rmult_lt_0_compat _ _ h h); lra).
  field. repeat split; try lra.
Qed.
Lemma odd__tanh (p : R) : tanh ((-1) * p) = (-1) * tanh p.
Proof.
  replace ((-1) * p) with (- p) by ring. unfold tanh, sinh, cosh. rewrite Ropp_involutive. unfold Rdiv.
  rewrite (Rplus_comm (exp (- p))). ring.
Qed.

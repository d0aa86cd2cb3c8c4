(* The derivative of erf. Needs calculus. *)

Lemma d__erf (f : R -> R) (x a : R) :
  D__ f x a -> D__ (fun y => erf (f y)) x (2 * exp ((-1) * f x ^ 2) * (/ sqrt PI) * a).
Proof.
  intros h. replace (2 * exp ((-1) * f x ^ 2) * (/ sqrt PI)) with (2 * / sqrt PI * exp ((-1) * f x ^ 2)) by ring.
  apply (derivable_pt_lim_comp f erf x a _ h), erf__derivative.
Qed.

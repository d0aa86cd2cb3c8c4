(* Bounds on psi by enclosures. Needs Coquelicot, Interval and calculus. *)

(* psi(t) is the integral of (1 - s) exp(ts) over [0, 1]. *)
Lemma psi__integral (t : R) : RInt (fun s => (1 - s) * exp (t * s)) 0 1 = psi t.
Proof.
  assert (c : forall x, continuous (fun s => (1 - s) * exp (t * s)) x).
  { intros x. apply continuity_pt_filterlim, derivable_continuous_pt. reg. }
  apply is_RInt_unique. destruct (Req_dec t 0) as [-> | h].
  - replace (psi 0) with (minus (1 + (-1) * (/ 2 * 1 ^ 2)) (0 + (-1) * (/ 2 * 0 ^ 2))).
    + apply (is_RInt_derive (V := R_CompleteNormedModule) (fun s => s + (-1) * (/ 2 * s ^ 2))); intros x _; [| apply c].
      apply is_derive_Reals. rewrite Rmult_0_l, exp_0.
      replace ((1 - x) * 1) with (1 + (-1) * (/ 2 * (2 * x ^ 1 * 1))) by field. apply (d__add (fun s => s)); [apply d__id |].
      apply (derivable_pt_lim_scal (fun s => / 2 * s ^ 2)), (derivable_pt_lim_scal (fun s => s ^ 2)), (d__pow 2 2 (fun s => s));
      [reflexivity | apply d__id].
    + rewrite <- psi__0. unfold minus, plus, opp. simpl. field.
  - set (F := fun s => ((/ t + / t ^ 2) + (-1) * (/ t * s)) * exp (t * s)). replace (psi t) with (minus (F 1) (F 0)).
    + apply (is_RInt_derive (V := R_CompleteNormedModule) F); intros x _; [| apply c]. apply is_derive_Reals.
      replace ((1 - x) * exp (t * x)) with ((0 + (-1) * (/ t * 1)) * exp (t * x)
        + ((/ t + / t ^ 2) + (-1) * (/ t * x)) * (exp (t * x) * (t * 1))) by (field; exact h).
      apply (d__mul (fun s => (/ t + / t ^ 2) + (-1) * (/ t * s)) (fun s => exp (t * s))).
      * apply (d__add (fun _ => / t + / t ^ 2)); [apply d__const |].
        apply (derivable_pt_lim_scal (fun s => / t * s)), (derivable_pt_lim_scal (fun s => s)), d__id.
      * apply (d__exp (fun s => t * s)), (derivable_pt_lim_scal (fun s => s)), d__id.
    + rewrite psi__else by exact h. unfold F, minus, plus, opp. simpl. rewrite !Rmult_1_r, !Rmult_0_r, exp_0. field. exact h.
Qed.
Lemma psi__between {a b e l l' u u' : R} :
  a <= e <= b -> l <= RInt (fun s => (1 - s) * exp (a * s)) 0 1 <= l' -> u' <= RInt (fun s => (1 - s) * exp (b * s)) 0 1 <= u ->
  l <= psi e <= u.
Proof.
  rewrite !psi__integral. intros [p q] [r _] [_ s].
  split; [exact (Rle_trans _ _ _ r (psi__mono _ _ p)) | exact (Rle_trans _ _ _ (psi__mono _ _ q) s)].
Qed.
(* Puts variables in the place of psi(e), between its values at the ends of where e lies: it rises. *)
Ltac psi__out :=
  repeat match goal with |- context [psi ?e] =>
    let p := fresh "p__" in let l := fresh "l__" in let u := fresh "u__" in let v := fresh "v__" in
    interval_intro e with (i_prec 90) as p;
    match type of p with ?a <= _ <= ?b =>
      integral_intro (RInt (fun s => (1 - s) * exp (a * s)) 0 1) with (i_prec 90, i_relwidth 50, i_degree 20) as l;
      integral_intro (RInt (fun s => (1 - s) * exp (b * s)) 0 1) with (i_prec 90, i_relwidth 50, i_degree 20) as u
    end;
    assert (v := psi__between p l u); clear p l u; revert v; generalize (psi e); intros ? v
  end.

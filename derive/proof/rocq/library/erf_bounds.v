(* Bounds on erf by enclosures. Needs Interval. *)

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

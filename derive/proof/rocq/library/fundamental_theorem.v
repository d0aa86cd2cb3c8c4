(* The fundamental theorem of calculus. Needs Coquelicot, calculus and time. *)

(* On functions that are continuous on [0, T] the integral over time is Riemann's. *)
Definition riemann__ {T : R} (LI : (Time__ T -> R) -> Prop) (Int : (Time__ T -> R) -> R) : Prop :=
  forall f : R -> R, (forall x, 0 <= x <= T -> continuity_pt f x) ->
  LI (fun t => f (proj1_sig t)) /\ Int (fun t => f (proj1_sig t)) = RInt f 0 T.
Lemma continuous__ {f : R -> R} {x a : R} : D__ f x a -> continuity_pt f x.
Proof. intros h. apply derivable_continuous_pt. exists a. exact h. Qed.
Lemma fundamental__ {T : R} {LI : (Time__ T -> R) -> Prop} {Int : (Time__ T -> R) -> R} (H : riemann__ LI Int) (h : 0 <= T)
    (P u : R -> R) :
  (forall t : Time__ T, D__ P (proj1_sig t) (u (proj1_sig t))) -> (forall t : Time__ T, continuity_pt u (proj1_sig t)) ->
  Int (fun t => u (proj1_sig t)) = P T + (-1) * P 0.
Proof.
  intros d c. destruct (H u) as [_ e]; [intros x p; apply (c (exist _ x p)) |]. rewrite e.
  assert (i : is_RInt u 0 T (minus (P T) (P 0))).
  { apply (is_RInt_derive (V := R_CompleteNormedModule) P u); rewrite Rmin_left, Rmax_right by exact h; intros x p.
    - apply is_derive_Reals, (d (exist _ x p)).
    - apply continuity_pt_filterlim, (c (exist _ x p)). }
  rewrite (is_RInt_unique _ _ _ _ i). unfold minus, plus, opp. simpl. ring.
Qed.

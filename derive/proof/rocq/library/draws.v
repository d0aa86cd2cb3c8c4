(* Expectations over finitely many draws in a step, as finite sums. Needs vectors and gronwall_in_steps. *)

(* An outcome is a sequence of draws, w n that of the step n; those before the step n, the latest first. *)
Fixpoint past__ {D : Type} (n : nat) (w : nat -> D) : list D := match n with 0%nat => nil | S m => cons (w m) (past__ m w) end.
Definition put__ {D : Type} (n : nat) (z : D) (w : nat -> D) : nat -> D := fun k => if Nat.eqb k n then z else w k.
Section Draws.
Context {D : Type} (draws : list D) (chance : list D -> D -> R).
(* The mean of f over the draws of the steps n, .., n + m - 1; all others are those of w. *)
Fixpoint drawn__ (m n : nat) (w : nat -> D) (f : (nat -> D) -> R) : R :=
  match m with 0%nat => f w | S k => Sum draws (fun z => chance (past__ n w) z * drawn__ k (S n) (put__ n z w) f) end.
Hypothesis (law : forall past, (forall z, 0 <= chance past z) /\ Sum draws (chance past) = 1).
Lemma drawn__mean (m : nat) : forall n w, mean__ (fun _ => True) (drawn__ m n w) 1.
Proof.
  induction m as [| m ih]; intros n w; [repeat split; intros f g _ _ h; apply h |].
  destruct (law (past__ n w)) as [p q]. pose proof (fun z => ih (S n) (put__ n z w)) as h. split; [split; [exact I |] | split].
  - simpl. refine (trans__ _ q). apply sum__eq. intros z. rewrite (proj2 (proj1 (h z))). ring.
  - intros a f g _ _. split; [exact I |]. simpl. rewrite <- sum__mul, <- sum__add. apply sum__eq. intros z.
    rewrite (proj2 (proj1 (proj2 (h z)) a f g I I)). ring.
  - intros f g _ _ k. apply sum__le. intros z. apply Rmult_le_compat_l; [apply p | apply (h z); auto].
Qed.
Lemma put__twice (n : nat) (y z : D) (w : nat -> D) : put__ n y (put__ n z w) = put__ n y w.
Proof. apply ext__. intros k. unfold put__. destruct (Nat.eqb k n); reflexivity. Qed.
Lemma put__swap (n m : nat) (y z : D) (w : nat -> D) : n <> m -> put__ n y (put__ m z w) = put__ m z (put__ n y w).
Proof.
  intros h. apply ext__. intros k. unfold put__. destruct (PeanoNat.Nat.eqb_spec k n) as [-> |]; [| reflexivity].
  destruct (PeanoNat.Nat.eqb_spec n m); [contradiction | reflexivity].
Qed.
Lemma past__put (n : nat) : forall m z (w : nat -> D), (n <= m)%nat -> past__ n (put__ m z w) = past__ n w.
Proof.
  induction n as [| n ih]; intros m z w h; [reflexivity |]. simpl. rewrite ih by apply PeanoNat.Nat.lt_le_incl, h. f_equal.
  unfold put__. destruct (PeanoNat.Nat.eqb_spec n m) as [e |]; [| reflexivity]. destruct (PeanoNat.Nat.lt_neq _ _ h e).
Qed.
Lemma drawn__again (m : nat) : forall n k z w f, (k < m)%nat -> drawn__ m n (put__ (k + n) z w) f = drawn__ m n w f.
Proof.
  induction m as [| m ih]; intros n k z w f h; [inversion h |]. simpl. apply sum__eq. intros y.
  rewrite past__put by apply PeanoNat.Nat.le_add_l. f_equal. destruct k as [| k]; simpl; [rewrite put__twice; reflexivity |].
  rewrite put__swap, <- PeanoNat.Nat.add_succ_r; [apply ih, le_S_n, h |]. apply PeanoNat.Nat.succ_add_discr.
Qed.
Lemma drawn__known (m : nat) : forall n w g, (forall k z v, (k < m)%nat -> g (put__ (k + n) z v) = g v) -> drawn__ m n w g = g w.
Proof.
  induction m as [| m ih]; intros n w g h; [reflexivity |]. simpl. transitivity (Sum draws (fun z => g w * chance (past__ n w) z)).
  - apply sum__eq. intros z. pose proof (h 0%nat z w (PeanoNat.Nat.lt_0_succ m)) as e. simpl in e.
    rewrite ih, e; [apply Rmult_comm |]. intros k y v l.
    rewrite PeanoNat.Nat.add_succ_r. apply (h (S k)), (le_n_S _ _ l).
  - rewrite sum__mul, (proj2 (law _)). ring.
Qed.
Lemma drawn__split (m : nat) : forall k n w f, drawn__ (m + k) n w f = drawn__ m n w (fun v => drawn__ k (m + n) v f).
Proof.
  induction m as [| m ih]; intros k n w f; [reflexivity |]. simpl. rewrite <- PeanoNat.Nat.add_succ_r. apply sum__eq. intros z.
  rewrite ih. reflexivity.
Qed.
Lemma drawn__tower (N : nat) (w : nat -> D) :
  tower__ (fun _ => True) (drawn__ N 0 w) N (fun _ => True) (fun _ _ _ => True) (fun v t => drawn__ (N - proj1_sig t) (proj1_sig t) v).
Proof.
  split; [repeat split |]. intros [n h] f _ _ _. split; [exact I | split; [exact I |]]. simpl. set (m := (N - n)%nat).
  replace N with (n + m)%nat by (rewrite PeanoNat.Nat.add_comm; apply PeanoNat.Nat.sub_add, PeanoNat.Nat.lt_le_incl, h).
  rewrite !drawn__split, PeanoNat.Nat.add_0_r. apply same__under. intros v. apply (drawn__known m n v (fun u => drawn__ m n u f)).
  intros k z u l. apply drawn__again, l.
Qed.
End Draws.

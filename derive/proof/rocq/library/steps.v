(* Time as steps: the tower property. Needs means and means_of_sums. *)

(* Time that is steps: n = 0, 1, .., N - 1; an integral over time is the sum over them. *)
Definition Step__ (N : nat) : Type := {n : nat | (n < N)%nat}.
Fixpoint begun__ {N : nat} (m : nat) : (m <= N)%nat -> list (Step__ N) :=
  match m with 0%nat => fun _ => nil | S k => fun h => cons (exist _ k h) (begun__ k (PeanoNat.Nat.lt_le_incl _ _ h)) end.
Definition steps__ (N : nat) : list (Step__ N) := begun__ N (le_n N).
Lemma steps__mean (N : nat) (T : R) : T = INR N -> mean__ (fun _ => True) (Sum (steps__ N)) T.
Proof.
  intros ->. replace (INR N) with (INR (length (steps__ N))); [apply sum__mean |]. f_equal.
  assert (a : forall m h, length (begun__ (N := N) m h) = m) by (induction m; intros h; simpl; [| f_equal]; auto). apply a.
Qed.
Lemma steps__eq {N : nat} (G : nat -> R) (f : Step__ N -> R) :
  (forall t, G (S (proj1_sig t)) = G (proj1_sig t) + f t) -> G N = G 0%nat + Sum (steps__ N) f.
Proof.
  intros h. assert (a : forall m k, G m = G 0%nat + Sum (begun__ (N := N) m k) f); [| apply a].
  induction m as [| m ih]; intros k; simpl; [ring |]. pose proof (h (exist _ m k)) as p. simpl in p.
  rewrite p, (ih (PeanoNat.Nat.lt_le_incl _ _ k)). ring.
Qed.
Lemma summation__ {N : nat} {T : R} (e : T = INR N) (P : R -> R) :
  Sum (steps__ N) (fun t => P (INR (proj1_sig t) + 1) + (-1) * P (INR (proj1_sig t))) = P T + (-1) * P 0.
Proof.
  pose proof (steps__eq (fun n => P (INR n)) (fun t : Step__ N => P (INR (proj1_sig t) + 1) + (-1) * P (INR (proj1_sig t)))) as h.
  cbv beta in h. simpl (INR 0) in h. rewrite e, h; [ring |]. intros t. rewrite S_INR. ring.
Qed.

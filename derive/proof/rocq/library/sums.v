(* Sums over lists. *)

Fixpoint Sum {J : Type} (l : list J) (f : J -> R) : R := match l with nil => 0 | cons x m => f x + Sum m f end.
Lemma sum__le {J : Type} (l : list J) (f g : J -> R) : (forall j, f j <= g j) -> Sum l f <= Sum l g.
Proof. intros h. induction l as [| x m ih]; simpl; [apply Rle_refl | apply Rplus_le_compat; [apply h | exact ih]]. Qed.
Lemma sum__eq {J : Type} (l : list J) (f g : J -> R) : (forall j, f j = g j) -> Sum l f = Sum l g.
Proof. intros h. induction l as [| x m ih]; simpl; [reflexivity | rewrite h, ih; reflexivity]. Qed.
Lemma sum__one {J : Type} (l : list J) (f : J -> R) : (forall j, 0 <= f j) -> forall j, In j l -> f j <= Sum l f.
Proof.
  intros h j. assert (p : forall m, 0 <= Sum m f).
  { induction m as [| x m ih]; simpl; [apply Rle_refl | pose proof (h x); lra]. }
  induction l as [| x m ih]; simpl; [contradiction |]. pose proof (h x). pose proof (p m).
  intros [-> | k]; [lra | specialize (ih k); lra].
Qed.
Lemma some__ {J : Type} (l : list J) (n : R) (P : Prop) : n = INR (length l) -> 0 < n -> (J -> P) -> P.
Proof. destruct l as [| x m]; simpl; intros h k p; [lra | exact (p x)]. Qed.

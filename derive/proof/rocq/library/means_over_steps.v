(* Means of sums over the steps of a path. Needs steps and means_over_time. *)

(* Of functions of the outcome and of the steps: those that are integrable at every step, so that their sum is. *)
Definition each__ {W U : Type} (LE : (W -> R) -> Prop) (f : W -> U -> R) : Prop := forall t, LE (fun w => f w t).
Section Each.
Context {W : Type} {N : nat} {LE : (W -> R) -> Prop} {E : (W -> R) -> R} {m : R}.
Hypothesis (ME : mean__ LE E 1).
Notation At__ := (Step__ N).
Notation All__ := (Sum (steps__ N)).
Notation Path__ := (path__ E All__).
Notation Every__ := (each__ LE).
Lemma each__sum (l : list At__) (f : W -> At__ -> R) :
  Every__ f -> has__ LE E (fun w => Sum l (f w)) (Sum l (fun t => E (fun w => f w t))).
Proof.
  intros h. induction l as [| t l ih]; simpl; [apply (has__0 ME) |].
  apply (has__same _ (fun w => 1 * f w t + Sum l (f w))); [intros w; ring |].
  apply (has__is (has__lin ME 1 _ _ _ _ (own__ E (h t)) ih)). ring.
Qed.
Lemma each__has (f : W -> At__ -> R) : Every__ f -> has__ Every__ Path__ f (All__ (fun t => E (fun w => f w t))).
Proof. intros h. split; [exact h | apply (each__sum (steps__ N) f h)]. Qed.
Lemma each__same (f g : W -> At__ -> R) (v : R) :
  (forall w t, f w t = g w t) -> has__ Every__ Path__ g v -> has__ Every__ Path__ f v.
Proof. intros h. rewrite (path__equal f g h). exact (fun k => k). Qed.
Lemma each__time (f : At__ -> R) (u : R) : has__ (fun _ => True) All__ f u -> has__ Every__ Path__ (fun _ t => f t) u.
Proof.
  intros [_ e]. assert (h : forall t, has__ LE E (fun _ => f t) (f t)).
  { intros t. apply (has__same _ (fun _ => f t * 1 + 0)); [intros _; ring |].
    apply (has__is (has__lin ME (f t) _ _ 1 0 (has__1 ME 1 eq_refl) (has__0 ME))). ring. }
  apply (has__is (each__has (fun _ t => f t) (fun t => proj1 (h t)))). rewrite <- e. apply sum__eq. intros t. apply h.
Qed.
Lemma each__closed (a : R) (f g : W -> At__ -> R) : Every__ f -> Every__ g -> Every__ (fun w t => a * f w t + g w t).
Proof. intros p q t. apply (has__lin ME a _ _ _ _ (own__ E (p t)) (own__ E (q t))). Qed.
Hypothesis (MI : mean__ (fun _ => True) All__ m).
Lemma each__1 (d : R) : d = m -> has__ Every__ Path__ (fun _ _ => 1) d.
Proof. intros e. apply (each__time (fun _ => 1)), (has__1 MI), e. Qed.
Lemma each__0 : has__ Every__ Path__ (fun _ _ => 0) 0.
Proof. apply (each__time (fun _ => 0)), (has__0 MI). Qed.
Lemma each__lin (a : R) (f g : W -> At__ -> R) (u v : R) :
  has__ Every__ Path__ f u -> has__ Every__ Path__ g v -> has__ Every__ Path__ (fun w t => a * f w t + g w t) (a * u + v).
Proof.
  intros [p <-] [q <-]. split; [apply each__closed; assumption |].
  destruct (has__lin ME a _ _ _ _ (each__sum (steps__ N) f p) (each__sum (steps__ N) g q)) as [_ k].
  unfold path__. rewrite (proj2 (each__sum (steps__ N) f p)), (proj2 (each__sum (steps__ N) g q)), <- k.
  apply same__under. intros w. apply (has__lin MI a _ _ _ _ (sum__own (steps__ N) (f w)) (sum__own (steps__ N) (g w))).
Qed.
Lemma each__le (f g : W -> At__ -> R) (u v : R) :
  (forall w t, f w t <= g w t) -> has__ Every__ Path__ f u -> has__ Every__ Path__ g v -> u <= v.
Proof using ME MI.
  intros h [p <-] [q <-].
  apply (has__le ME _ _ _ _) with (2 := own__ E (proj1 (each__sum (steps__ N) f p)))
    (3 := own__ E (proj1 (each__sum (steps__ N) g q))).
  intros w. apply sum__le. intros t. apply h.
Qed.
Lemma each__eq (f g : W -> At__ -> R) (u v : R) :
  (forall w t, f w t = g w t) -> has__ Every__ Path__ f u -> has__ Every__ Path__ g v -> u = v.
Proof using ME MI. intros h p [_ <-]. destruct (each__same _ _ _ (fun w t => eq_sym (h w t)) p) as [_ <-]. reflexivity. Qed.
End Each.

(* Means of integrals over time. *)

(* Of functions of the outcome and of time: the expectation of the integral over time. *)
Definition both__ {W T : Type} (LE : (W -> R) -> Prop) (LI : (T -> R) -> Prop) (Int : (T -> R) -> R) (f : W -> T -> R) : Prop :=
  (forall w, LI (f w)) /\ LE (fun w => Int (f w)).
Definition path__ {W T : Type} (E : (W -> R) -> R) (Int : (T -> R) -> R) (f : W -> T -> R) : R := E (fun w => Int (f w)).
Section Both.
Context {W T : Type} {LE : (W -> R) -> Prop} {E : (W -> R) -> R} {LI : (T -> R) -> Prop} {Int : (T -> R) -> R} {m : R}.
Hypothesis (ME : mean__ LE E 1) (MI : mean__ LI Int m).
Notation EI := (path__ E Int).
Notation L := (both__ LE LI Int).
Lemma path__equal (f g : W -> T -> R) : (forall w t, f w t = g w t) -> f = g.
Proof.
  intros h. apply ext__. intros w. apply ext__. intros t. apply h.
Qed.
Lemma both__same (f g : W -> T -> R) (v : R) : (forall w t, f w t = g w t) -> has__ L EI g v -> has__ L EI f v.
Proof. intros h. rewrite (path__equal f g h). exact (fun k => k). Qed.
Lemma same__under2 (F : (W -> T -> R) -> R) (f g : W -> T -> R) : (forall w t, f w t = g w t) -> F f = F g.
Proof. intros h. rewrite (path__equal f g h). reflexivity. Qed.
Lemma both__time (f : T -> R) (u : R) : has__ LI Int f u -> has__ L EI (fun _ t => f t) u.
Proof.
  intros [p q]. destruct (has__lin ME u (fun _ => 1) (fun _ => 0) 1 0 (has__1 ME 1 eq_refl) (has__0 ME)) as [h k].
  assert (e : (fun _ : W => Int f) = (fun _ => u * 1 + 0)) by (apply ext__; intros _; rewrite q; ring).
  split; [split; [intros _; exact p |] |].
  - change (LE (fun _ => Int f)). rewrite e. exact h.
  - change (E (fun _ => Int f) = u). rewrite e, k. ring.
Qed.
Lemma both__1 (d : R) : d = m -> has__ L EI (fun _ _ => 1) d.
Proof. intros e. apply (both__time (fun _ => 1)), (has__1 MI), e. Qed.
Lemma both__0 : has__ L EI (fun _ _ => 0) 0.
Proof. apply (both__time (fun _ => 0)), (has__0 MI). Qed.
Lemma both__lin (a : R) (f g : W -> T -> R) (u v : R) :
  has__ L EI f u -> has__ L EI g v -> has__ L EI (fun w t => a * f w t + g w t) (a * u + v).
Proof.
  intros [[p p'] <-] [[q q'] <-]. destruct (has__lin ME a _ _ _ _ (own__ E p') (own__ E q')) as [h k].
  assert (e : (fun w => Int (fun t => a * f w t + g w t)) = (fun w => a * Int (f w) + Int (g w))).
  { apply ext__. intros w. apply (has__lin MI a _ _ _ _ (own__ Int (p w)) (own__ Int (q w))). }
  split; [split; [intros w; apply (has__lin MI a _ _ _ _ (own__ Int (p w)) (own__ Int (q w))) |] |].
  - cbv beta. rewrite e. exact h.
  - unfold path__. rewrite e. exact k.
Qed.
Lemma both__le (f g : W -> T -> R) (u v : R) : (forall w t, f w t <= g w t) -> has__ L EI f u -> has__ L EI g v -> u <= v.
Proof.
  intros h [[p p'] <-] [[q q'] <-]. apply (has__le ME _ _ _ _) with (2 := own__ E p') (3 := own__ E q'). intros w.
  apply (has__le MI _ _ _ _ (h w) (own__ Int (p w)) (own__ Int (q w))).
Qed.
Lemma both__eq (f g : W -> T -> R) (u v : R) : (forall w t, f w t = g w t) -> has__ L EI f u -> has__ L EI g v -> u = v.
Proof using ME MI. intros h p [_ <-]. destruct (both__same _ _ _ (fun w t => eq_sym (h w t)) p) as [_ <-]. reflexivity. Qed.
End Both.

"""Expectations, integrals and sums as positive linear functionals, and the consequences of that alone."""

MEANS = r"""
(* F is a positive linear functional of total mass m on the functions of the class L, as an expectation, an integral or a sum is. *)
Definition mean__ {X : Type} (L : (X -> R) -> Prop) (F : (X -> R) -> R) (m : R) : Prop :=
  (L (fun _ => 1) /\ F (fun _ => 1) = m) /\
  (forall a f g, L f -> L g -> L (fun x => a * f x + g x) /\ F (fun x => a * f x + g x) = a * F f + F g) /\
  (forall f g, L f -> L g -> (forall x, f x <= g x) -> F f <= F g).
Lemma ext__ {A B : Type} (f g : A -> B) : (forall x, f x = g x) -> f = g.
Proof. apply FunctionalExtensionality.functional_extensionality. Qed.
Definition has__ {A : Type} (L : A -> Prop) (F : A -> R) (f : A) (v : R) : Prop := L f /\ F f = v.
Lemma own__ {A : Type} {L : A -> Prop} (F : A -> R) {f : A} : L f -> has__ L F f (F f).
Proof. intros h. split; [exact h | reflexivity]. Qed.
Lemma has__is {A : Type} {L : A -> Prop} {F : A -> R} {f : A} {v u : R} : has__ L F f v -> v = u -> has__ L F f u.
Proof. intros h <-; exact h. Qed.
Lemma has__own {A : Type} {L : A -> Prop} {F : A -> R} {f : A} {v : R} : has__ L F f v -> has__ L F f (F f).
Proof. intros [h _]. exact (own__ F h). Qed.
Lemma has__1 {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} {m : R} (M : mean__ L F m) (d : R) :
  d = m -> has__ L F (fun _ => 1) d.
Proof. intros ->. apply M. Qed.
Lemma has__lin {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} {m : R} (M : mean__ L F m) (a : R) (f g : X -> R) (u v : R) :
  has__ L F f u -> has__ L F g v -> has__ L F (fun x => a * f x + g x) (a * u + v).
Proof. intros [p <-] [q <-]. apply M; assumption. Qed.
Lemma has__same {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} (f g : X -> R) (v : R) :
  (forall x, f x = g x) -> has__ L F g v -> has__ L F f v.
Proof. intros h. rewrite (ext__ f g h). exact (fun k => k). Qed.
Lemma same__under {X : Type} (F : (X -> R) -> R) (f g : X -> R) : (forall x, f x = g x) -> F f = F g.
Proof. intros h. rewrite (ext__ f g h). reflexivity. Qed.
Lemma has__0 {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} {m : R} (M : mean__ L F m) : has__ L F (fun _ => 0) 0.
Proof.
  assert (u := has__1 M m eq_refl). apply (has__same _ (fun x : X => (-1) * 1 + 1)); [intros; ring |].
  assert (h := has__lin M (-1) (fun _ => 1) (fun _ => 1) m m u u). apply (has__is h). ring.
Qed.
Lemma has__le {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} {m : R} (M : mean__ L F m) (f g : X -> R) (u v : R) :
  (forall x, f x <= g x) -> has__ L F f u -> has__ L F g v -> u <= v.
Proof. intros h [p <-] [q <-]. apply M; assumption. Qed.
Lemma has__eq {X : Type} {L : (X -> R) -> Prop} {F : (X -> R) -> R} {m : R} (M : mean__ L F m) (f g : X -> R) (u v : R) :
  (forall x, f x = g x) -> has__ L F f u -> has__ L F g v -> u = v.
Proof. intros h p [_ <-]. destruct (has__same _ _ _ (fun x => eq_sym (h x)) p) as [_ <-]. reflexivity. Qed.
"""

# Needs MEANS and the lemmas of sums.
SUM_MEAN = r"""Lemma sum__mean {J : Type} (l : list J) : mean__ (fun _ => True) (Sum l) (INR (length l)).
Proof.
  split; [split; [exact I |] | split].
  - induction l as [| x m ih]; [reflexivity |]. cbn [Sum length]. rewrite ih, S_INR. ring.
  - intros a f g _ _. split; [exact I |]. induction l as [| x m ih]; simpl; [ring | rewrite ih; ring].
  - intros f g _ _. apply sum__le.
Qed.
Lemma sum__own {J : Type} (l : list J) (f : J -> R) : has__ (fun _ => True) (Sum l) f (Sum l f).
Proof. exact (own__ (L := fun _ => True) (Sum l) I). Qed.
"""

PATHS = r"""
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
"""

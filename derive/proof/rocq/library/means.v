(* Expectations, integrals and sums as positive linear functionals, and the consequences of that alone. *)

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

(* A sum over a list is such a functional. Needs means and sums. *)
Lemma sum__mean {J : Type} (l : list J) : mean__ (fun _ => True) (Sum l) (INR (length l)).
Proof.
  split; [split; [exact I |] | split].
  - induction l as [| x m ih]; [reflexivity |]. cbn [Sum length]. rewrite ih, S_INR. ring.
  - intros a f g _ _. split; [exact I |]. induction l as [| x m ih]; simpl; [ring | rewrite ih; ring].
  - intros f g _ _. apply sum__le.
Qed.
Lemma sum__own {J : Type} (l : list J) (f : J -> R) : has__ (fun _ => True) (Sum l) f (Sum l f).
Proof. exact (own__ (L := fun _ => True) (Sum l) I). Qed.

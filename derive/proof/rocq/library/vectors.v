(* Vectors and matrices over a list of coordinates: norms, traces and quadratic forms. Needs sums. *)

(* Vectors and matrices, whose coordinates are those of the list. *)
Section Vectors.
Context {J : Type}.
Variable l : list J.
Definition dot__ (u v : J -> R) : R := Sum l (fun j => u j * v j).
Definition norm__ (v : J -> R) : R := sqrt (dot__ v v).
Definition mv__ (M : J -> J -> R) (v : J -> R) : J -> R := fun i => Sum l (fun j => M i j * v j).
Definition quad__ (M : J -> J -> R) (v : J -> R) : R := dot__ v (mv__ M v).
Definition tr__ (M : J -> J -> R) : R := Sum l (fun j => M j j).
Definition trprod__ (M K : J -> J -> R) : R := Sum l (fun i => Sum l (fun j => M i j * K j i)).
Definition symmetric__ (M : J -> J -> R) : Prop := forall i j, M i j = M j i.
(* Positive semidefinite: a sum of v v' over some vectors v. *)
Definition psd__ (M : J -> J -> R) : Prop := exists r : list (J -> R), forall i j, M i j = Sum r (fun v => v i * v j).
Lemma sum__mul (a : R) (f : J -> R) : Sum l (fun j => a * f j) = a * Sum l f.
Proof. induction l as [| x m ih]; simpl; [ring | rewrite ih; ring]. Qed.
Lemma sum__add (f g : J -> R) : Sum l (fun j => f j + g j) = Sum l f + Sum l g.
Proof. induction l as [| x m ih]; simpl; [ring | rewrite ih; ring]. Qed.
Lemma sum__pos (f : J -> R) : (forall j, 0 <= f j) -> 0 <= Sum l f.
Proof. intros h. induction l as [| x m ih]; simpl; [apply Rle_refl | pose proof (h x); lra]. Qed.
Lemma sum__swap {K : Type} (r : list K) (f : J -> K -> R) :
  Sum l (fun j => Sum r (fun k => f j k)) = Sum r (fun k => Sum l (fun j => f j k)).
Proof.
  induction r as [| x m ih]; simpl; [induction l as [| y n h]; simpl; [ring | rewrite h; ring] |].
  rewrite <- ih. apply sum__add.
Qed.
Lemma dot__sym (u v : J -> R) : dot__ u v = dot__ v u.
Proof. apply sum__eq. intros j. apply Rmult_comm. Qed.
Lemma dot__lin (a : R) (u v g : J -> R) : dot__ (fun j => a * u j + v j) g = a * dot__ u g + dot__ v g.
Proof. unfold dot__. rewrite <- sum__mul, <- sum__add. apply sum__eq. intros j. ring. Qed.
Lemma dot__0 (g : J -> R) : dot__ (fun _ => 0) g = 0.
Proof. transitivity (Sum l (fun j => 0 * g j)); [apply sum__eq; intros j; ring | rewrite sum__mul; ring]. Qed.
Lemma dot__pos (v : J -> R) : 0 <= dot__ v v.
Proof. apply sum__pos. intros j. pose proof (pow2_ge_0 (v j)). lra. Qed.
Lemma norm__pos (v : J -> R) : 0 <= norm__ v. Proof. apply sqrt_pos. Qed.
Lemma norm__square (v : J -> R) : dot__ v v = norm__ v ^ 2.
Proof. unfold norm__. rewrite pow2_sqrt; [reflexivity | apply dot__pos]. Qed.
(* A combination of vectors, and the square of its length multiplied out, both summed from the left. *)
Definition inner__ (u : J -> R) (p : R * (J -> R)) (r : list (R * (J -> R))) : R :=
  fold_left (fun s q => s + fst q * dot__ u (snd q)) r (fst p * dot__ u (snd p)).
Definition combined__ (p : R * (J -> R)) (r : list (R * (J -> R))) : J -> R :=
  fold_left (fun s q => fun j => fst q * snd q j + s j) r (fun j => fst p * snd p j).
Definition multiplied__ (p : R * (J -> R)) (r : list (R * (J -> R))) : R :=
  fold_left (fun s q => s + fst q * inner__ (snd q) p r) r (fst p * inner__ (snd p) p r).
Lemma dot__scaled (a : R) (v g : J -> R) : dot__ (fun j => a * v j) g = a * dot__ v g.
Proof. unfold dot__. rewrite <- sum__mul. apply sum__eq. intros j. ring. Qed.
Lemma dot__combined (g : J -> R) (r : list (R * (J -> R))) : forall (s : J -> R) (t : R), dot__ s g = t ->
  dot__ (fold_left (fun s q => fun j => fst q * snd q j + s j) r s) g = fold_left (fun t q => t + fst q * dot__ (snd q) g) r t.
Proof. induction r as [| q r ih]; simpl; intros s t h; [exact h |]. apply ih. rewrite dot__lin, h. ring. Qed.
Lemma fold__same (f g : R * (J -> R) -> R) (r : list (R * (J -> R))) : (forall q, f q = g q) -> forall t,
  fold_left (fun t q => t + fst q * f q) r t = fold_left (fun t q => t + fst q * g q) r t.
Proof. intros h. induction r as [| q r ih]; simpl; intros t; [reflexivity | rewrite h; apply ih]. Qed.
Lemma inner__is (u : J -> R) (p : R * (J -> R)) (r : list (R * (J -> R))) : inner__ u p r = dot__ u (combined__ p r).
Proof.
  unfold inner__. rewrite (dot__sym u (combined__ p r)). unfold combined__.
  rewrite (dot__combined u r _ (fst p * dot__ u (snd p))).
  - apply (fold__same (fun q => dot__ u (snd q)) (fun q => dot__ (snd q) u)). intros q. apply dot__sym.
  - rewrite dot__scaled, dot__sym. reflexivity.
Qed.
Lemma squared__norm (p : R * (J -> R)) (r : list (R * (J -> R))) : 0 <= multiplied__ p r.
Proof.
  replace (multiplied__ p r) with (dot__ (combined__ p r) (combined__ p r)); [apply dot__pos |]. unfold multiplied__.
  rewrite inner__is. unfold combined__ at 1. rewrite (dot__combined _ r _ (fst p * dot__ (snd p) (combined__ p r))).
  - apply (fold__same (fun q => dot__ (snd q) (combined__ p r)) (fun q => inner__ (snd q) p r)). intros q. symmetry. apply inner__is.
  - apply dot__scaled.
Qed.
Lemma discriminant__ (a b c : R) : 0 <= c -> (forall s, 0 <= a + 2 * s * b + s ^ 2 * c) -> b ^ 2 <= a * c.
Proof.
  intros hc h. destruct hc as [hc | <-].
  - pose proof (h (- b / c)) as k. assert (e : a + 2 * (- b / c) * b + (- b / c) ^ 2 * c = (a * c - b ^ 2) / c) by (field; lra).
    rewrite e in k. destruct (Rle_or_lt (b ^ 2) (a * c)) as [| n]; [assumption |].
    pose proof (Rdiv_lt_0_compat (b ^ 2 - a * c) c ltac:(lra) hc) as m.
    replace ((b ^ 2 - a * c) / c) with (- ((a * c - b ^ 2) / c)) in m by (field; lra). lra.
  - destruct (Req_dec b 0) as [-> | n]; [lra |]. exfalso. pose proof (h (- (a + 1) / (2 * b))) as k.
    assert (e : a + 2 * (- (a + 1) / (2 * b)) * b + (- (a + 1) / (2 * b)) ^ 2 * 0 = -1) by (field; exact n). lra.
Qed.
Lemma cauchy__square (u v : J -> R) : dot__ u v ^ 2 <= dot__ u u * dot__ v v.
Proof.
  apply discriminant__; [apply dot__pos |]. intros s. pose proof (dot__pos (fun j => s * v j + u j)) as h.
  assert (e : dot__ (fun j => s * v j + u j) (fun j => s * v j + u j) = dot__ u u + 2 * s * dot__ u v + s ^ 2 * dot__ v v).
  { rewrite dot__lin, (dot__sym v), (dot__sym u (fun j => _)), !dot__lin, (dot__sym v u). ring. }
  lra.
Qed.
Lemma cauchy__abs (u v : J -> R) : Rabs (dot__ u v) <= norm__ u * norm__ v.
Proof.
  unfold norm__. rewrite <- sqrt_mult by apply dot__pos. rewrite <- (sqrt_pow2 (Rabs (dot__ u v))) by apply Rabs_pos.
  apply sqrt_le_1_alt. rewrite pow2_abs. apply cauchy__square.
Qed.
Lemma cauchy__ (u v : J -> R) : dot__ u v <= norm__ u * norm__ v.
Proof. pose proof (cauchy__abs u v). pose proof (Rle_abs (dot__ u v)). lra. Qed.
Lemma mv__bound (M : J -> J -> R) (v : J -> R) : norm__ (mv__ M v) <= sqrt (Sum l (fun i => dot__ (M i) (M i))) * norm__ v.
Proof.
  unfold norm__ at 1 2. rewrite <- sqrt_mult; [| apply sum__pos; intros i; apply dot__pos | apply dot__pos].
  apply sqrt_le_1_alt. rewrite Rmult_comm, <- sum__mul. apply sum__le. intros i.
  pose proof (cauchy__square (M i) v) as h. unfold mv__. change (Sum l (fun j => M i j * v j)) with (dot__ (M i) v). lra.
Qed.
(* The operator norm: the least upper bound of the norm of M v over all v with norm at most 1. *)
Definition reached__ (M : J -> J -> R) (s : R) : Prop := exists v, norm__ v <= 1 /\ s = norm__ (mv__ M v).
Lemma reached__bound (M : J -> J -> R) : bound (reached__ M).
Proof.
  exists (sqrt (Sum l (fun i => dot__ (M i) (M i)))). intros s (v & h & ->). pose proof (mv__bound M v).
  pose proof (sqrt_pos (Sum l (fun i => dot__ (M i) (M i)))) as p. pose proof (Rmult_le_compat_l _ _ _ p h). lra.
Qed.
Lemma norm__0 : norm__ (fun _ => 0) = 0.
Proof. unfold norm__. rewrite dot__0. apply sqrt_0. Qed.
Lemma reached__some (M : J -> J -> R) : exists s, reached__ M s.
Proof. exists (norm__ (mv__ M (fun _ => 0))), (fun _ => 0). rewrite norm__0. split; [lra | reflexivity]. Qed.
Definition opnorm__ (M : J -> J -> R) : R := proj1_sig (completeness (reached__ M) (reached__bound M) (reached__some M)).
Lemma opnorm__above (M : J -> J -> R) (v : J -> R) : norm__ v <= 1 -> norm__ (mv__ M v) <= opnorm__ M.
Proof.
  intros h. unfold opnorm__. destruct (completeness _ _ _) as [s [above least]]. apply above. exists v.
  split; [exact h | reflexivity].
Qed.
Lemma opnorm__pos (M : J -> J -> R) : 0 <= opnorm__ M.
Proof.
  pose proof (opnorm__above M (fun _ => 0)) as h. rewrite norm__0 in h. pose proof (norm__pos (mv__ M (fun _ => 0))). lra.
Qed.
Lemma norm__scaled (a : R) (v : J -> R) : 0 <= a -> norm__ (fun j => a * v j) = a * norm__ v.
Proof.
  intros h. unfold norm__. transitivity (sqrt (a ^ 2 * dot__ v v)).
  - f_equal. unfold dot__. rewrite <- sum__mul. apply sum__eq. intros j. ring.
  - rewrite sqrt_mult, sqrt_pow2; [reflexivity | exact h | apply pow2_ge_0 | apply dot__pos].
Qed.
Lemma mv__scaled (M : J -> J -> R) (a : R) (v : J -> R) : norm__ (mv__ M (fun j => a * v j)) = norm__ (fun i => a * mv__ M v i).
Proof.
  unfold norm__. f_equal. apply sum__eq. intros i.
  assert (e : mv__ M (fun j => a * v j) i = a * mv__ M v i); [| rewrite e; reflexivity].
  unfold mv__. rewrite <- sum__mul. apply sum__eq. intros j. ring.
Qed.
Lemma opnorm__bound (M : J -> J -> R) (v : J -> R) : norm__ (mv__ M v) <= opnorm__ M * norm__ v.
Proof.
  destruct (norm__pos v) as [h | h].
  - pose proof (Rinv_0_lt_compat _ h) as p. pose proof (opnorm__above M (fun j => / norm__ v * v j)) as k.
    rewrite mv__scaled, !norm__scaled in k by lra. rewrite Rinv_l in k by lra. specialize (k (Rle_refl 1)).
    apply (Rmult_le_compat_r _ _ _ (Rlt_le _ _ h)) in k.
    replace (/ norm__ v * norm__ (mv__ M v) * norm__ v) with (norm__ (mv__ M v)) in k by (field; lra). exact k.
  - pose proof (mv__bound M v) as k. rewrite <- h in k |- *. lra.
Qed.
Lemma quad__abs (M : J -> J -> R) (v : J -> R) : Rabs (quad__ M v) <= opnorm__ M * norm__ v ^ 2.
Proof.
  pose proof (cauchy__abs v (mv__ M v)). pose proof (Rmult_le_compat_l _ _ _ (norm__pos v) (opnorm__bound M v)).
  unfold quad__. lra.
Qed.
Lemma signed__ (s a b : R) : s = 1 \/ s = -1 -> Rabs a <= b -> s * a <= b.
Proof.
  pose proof (Rle_abs a). pose proof (Rle_abs (- a)) as h. rewrite Rabs_Ropp in h. intros [-> | ->]; lra.
Qed.
Lemma quad__bound (s : R) (M : J -> J -> R) (v : J -> R) : s = 1 \/ s = -1 -> s * quad__ M v <= opnorm__ M * norm__ v ^ 2.
Proof. intros h. apply (signed__ s _ _ h), quad__abs. Qed.
Lemma trprod__sym (M K : J -> J -> R) : trprod__ M K = trprod__ K M.
Proof. unfold trprod__. rewrite sum__swap. apply sum__eq. intros i. apply sum__eq. intros j. ring. Qed.
Lemma trprod__lin (M K N : J -> J -> R) (a : R) : trprod__ M (fun i j => a * K i j + N i j) = a * trprod__ M K + trprod__ M N.
Proof.
  unfold trprod__. rewrite <- sum__mul, <- sum__add. apply sum__eq. intros i. rewrite <- sum__mul, <- sum__add. apply sum__eq.
  intros j. ring.
Qed.
Lemma trprod__0 (M : J -> J -> R) : trprod__ M (fun _ _ => 0) = 0.
Proof.
  transitivity (Sum l (fun i => 0 * Sum l (fun j => M i j))); [| rewrite sum__mul; ring]. apply sum__eq. intros i.
  rewrite <- sum__mul. apply sum__eq. intros j. ring.
Qed.
End Vectors.
Lemma trprod__psd {J : Type} (l : list J) (M K : J -> J -> R) (r : list (J -> R)) :
  (forall i j, K i j = Sum r (fun v => v i * v j)) -> trprod__ l M K = Sum r (fun v => quad__ l M v).
Proof.
  intros h. unfold quad__, dot__, mv__. rewrite <- sum__swap. apply sum__eq. intros i.
  rewrite (sum__eq l (fun j => M i j * K j i) (fun j => Sum r (fun v => v i * (M i j * v j)))).
  - rewrite sum__swap. apply sum__eq. intros v. apply sum__mul.
  - intros j. rewrite h, <- sum__mul. apply sum__eq. intros v. ring.
Qed.
Lemma tr__psd {J : Type} (l : list J) (K : J -> J -> R) (r : list (J -> R)) :
  (forall i j, K i j = Sum r (fun v => v i * v j)) -> tr__ l K = Sum r (fun v => norm__ l v ^ 2).
Proof.
  intros h. unfold tr__. transitivity (Sum l (fun j => Sum r (fun v => v j * v j))); [apply sum__eq; intros j; apply h |].
  rewrite sum__swap. apply sum__eq. intros v. apply (norm__square l v).
Qed.
Lemma psd__symmetric {J : Type} (K : J -> J -> R) : psd__ K -> symmetric__ K.
Proof. intros [r h] i j. rewrite !h. apply sum__eq. intros v. ring. Qed.
Lemma tr__pos {J : Type} (l : list J) (K : J -> J -> R) : psd__ K -> 0 <= tr__ l K.
Proof. intros [r h]. rewrite (tr__psd l K r h). apply sum__pos. intros v. apply pow2_ge_0. Qed.
Lemma quad__pos {J : Type} (l : list J) (K : J -> J -> R) (v : J -> R) : psd__ K -> 0 <= quad__ l K v.
Proof.
  intros [r h]. assert (e : quad__ l K v = Sum r (fun u => dot__ l u v ^ 2)).
  2: { rewrite e. apply sum__pos. intros u. apply pow2_ge_0. }
  transitivity (Sum l (fun i => Sum r (fun u => dot__ l u v * (u i * v i)))).
  - unfold quad__, mv__. apply sum__eq. intros i. rewrite <- sum__mul.
    transitivity (Sum l (fun j => Sum r (fun u => (u i * v i) * (u j * v j)))).
    + apply sum__eq. intros j. rewrite h, Rmult_comm, Rmult_assoc, Rmult_comm, <- sum__mul. apply sum__eq. intros u. ring.
    + rewrite sum__swap. apply sum__eq. intros u. rewrite sum__mul. apply Rmult_comm.
  - rewrite sum__swap. apply sum__eq. intros u. rewrite sum__mul. unfold dot__. ring.
Qed.
Lemma trprod__pos {J : Type} (l : list J) (M K : J -> J -> R) : psd__ M -> psd__ K -> 0 <= trprod__ l M K.
Proof. intros p [r h]. rewrite (trprod__psd l M K r h). apply sum__pos. intros v. apply quad__pos, p. Qed.
Lemma trace__bound {J : Type} (l : list J) (s : R) (M K : J -> J -> R) :
  psd__ K -> s = 1 \/ s = -1 -> s * trprod__ l M K <= opnorm__ l M * tr__ l K.
Proof.
  intros [r h] e. rewrite (trprod__psd l M K r h), (tr__psd l K r h), <- !sum__mul. apply sum__le. intros v.
  apply quad__bound, e.
Qed.
Lemma dot__moved {J : Type} (l : list J) (M : J -> J -> R) (u v : J -> R) :
  symmetric__ M -> dot__ l u (mv__ l M v) = dot__ l v (mv__ l M u).
Proof.
  intros h. unfold dot__, mv__. transitivity (Sum l (fun i => Sum l (fun j => u i * (M i j * v j)))).
  { apply sum__eq. intros i. symmetry. apply sum__mul. }
  rewrite sum__swap. apply sum__eq. intros j. rewrite <- sum__mul. apply sum__eq. intros i. rewrite (h j i). ring.
Qed.

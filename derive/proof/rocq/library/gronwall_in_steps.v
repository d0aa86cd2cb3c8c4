(* Gronwall's inequality for a potential whose expected change in a step is given. Needs means_over_steps and
   vectors. *)

(* F n w f is E[f | F_n] at the outcome w, for f in C n w: an expectation (a regular conditional probability), and E[E[f | F_n]] =
   E f for measurable f that are integrable, or bounded below with E[f | F_n] at most something integrable. *)
Definition tower__ {W : Type} (LE : (W -> R) -> Prop) (E : (W -> R) -> R) (N : nat) (M : (W -> R) -> Prop)
    (C : W -> Step__ N -> (W -> R) -> Prop) (F : W -> Step__ N -> (W -> R) -> R) : Prop :=
  (M (fun _ => 1) /\ forall a f g, M f -> M g -> M (fun w => a * f w + g w)) /\
  forall t f, M f -> (forall w, C w t f) ->
  (LE f \/ exists c g, (forall w, c <= f w) /\ LE g /\ forall w, F w t f <= g w) ->
  LE f /\ has__ LE E (fun w => F w t f) (E f).
Definition given__ {W U : Type} (C : W -> U -> (W -> R) -> Prop) (F : W -> U -> (W -> R) -> R) : Prop :=
  forall w t, mean__ (C w t) (F w t) 1.
(* p(n) is a function of the state at n: v its value along the path, and the change E[p(n + 1) | F_n] - p(n). *)
Definition moving__ {W : Type} {N : nat} (M : (W -> R) -> Prop) (C : W -> Step__ N -> (W -> R) -> Prop)
    (F : W -> Step__ N -> (W -> R) -> R) (p : nat -> W -> R) (v change : W -> Step__ N -> R) (last : W -> R) (start : R) : Prop :=
  (forall n, M (p n)) /\ (forall w t, C w t (p (S (proj1_sig t)))) /\ (forall w t, v w t = p (proj1_sig t) w) /\
  (forall w t, change w t = F w t (p (S (proj1_sig t))) - p (proj1_sig t) w) /\ (forall w, last w = p N w) /\
  (forall w, start = p 0%nat w).
Section Moving.
Context {W : Type} {N : nat} {LE M : (W -> R) -> Prop} {E : (W -> R) -> R}.
Context {C : W -> Step__ N -> (W -> R) -> Prop} {F : W -> Step__ N -> (W -> R) -> R}.
Notation At__ := (Step__ N).
Notation All__ := (Sum (steps__ N)).
Hypothesis (G : given__ C F) (H : tower__ LE E N M C F) (ME : mean__ LE E 1).
Lemma moving__0 : moving__ M C F (fun _ _ => 0) (fun _ _ => 0) (fun _ _ => 0) (fun _ => 0) 0.
Proof.
  assert (z : M (fun _ => 0)).
  { destruct H as [[o lin] _]. pose proof (lin (-1) _ _ o o) as z. cbv beta in z.
    replace (fun _ : W => (-1) * 1 + 1) with (fun _ : W => 0) in z by (apply ext__; intros; ring). exact z. }
  split; [intros _; exact z | split]; [intros w t; apply (has__0 (G w t)) |].
  repeat split. intros w t. rewrite (proj2 (has__0 (G w t))). ring.
Qed.
Lemma moving__one : moving__ M C F (fun _ _ => 1) (fun _ _ => 1) (fun _ _ => 0) (fun _ => 1) 1.
Proof.
  split; [intros _; apply H | split]; [intros w t; apply (has__1 (G w t) 1 eq_refl) |].
  repeat split. intros w t. rewrite (proj2 (has__1 (G w t) 1 eq_refl)). ring.
Qed.
Lemma moving__lin (a : R) {p q : nat -> W -> R} {v v' d d' : W -> At__ -> R} {l l' : W -> R} {s s' : R} :
  moving__ M C F p v d l s -> moving__ M C F q v' d' l' s' ->
  moving__ M C F (fun n w => a * p n w + q n w) (fun w t => a * v w t + v' w t) (fun w t => a * d w t + d' w t)
    (fun w => a * l w + l' w) (a * s + s').
Proof.
  intros (m & c & f & g & h & i) (m' & c' & f' & g' & h' & i').
  assert (k := fun w t => has__lin (G w t) a _ _ _ _ (own__ (F w t) (c w t)) (own__ (F w t) (c' w t))).
  split; [intros n; apply H; [apply m | apply m'] | split; [intros w t; apply k |]].
  split; [intros w t; rewrite f, f'; reflexivity | split; [intros w t; rewrite (proj2 (k w t)), g, g'; ring |]].
  split; [intros w; rewrite h, h'; reflexivity | intros w; rewrite <- (i w), <- (i' w); reflexivity].
Qed.
(* A weight that is a function of the number of the step. *)
Lemma moving__weighted {T : R} (e : T = INR N) (a : R -> R) {p q : nat -> W -> R} {v v' d d' : W -> At__ -> R} {l l' : W -> R}
    {s s' : R} :
  moving__ M C F p v d l s -> moving__ M C F q v' d' l' s' ->
  moving__ M C F (fun n w => a (INR n) * p n w + q n w)
    (fun w t => a (INR (proj1_sig t)) * v w t + v' w t)
    (fun w t => a (INR (proj1_sig t) + 1) * (v w t + d w t) + (-1) * (a (INR (proj1_sig t)) * v w t) + d' w t)
    (fun w => a T * l w + l' w) (a 0 * s + s').
Proof.
  intros (m & c & f & g & h & i) (m' & c' & f' & g' & h' & i').
  assert (k := fun w t =>
    has__lin (G w t) (a (INR (S (proj1_sig t)))) _ _ _ _ (own__ (F w t) (c w t)) (own__ (F w t) (c' w t))).
  split; [intros n; apply H; [apply m | apply m'] | split; [intros w t; apply k |]].
  split; [intros w t; rewrite f, f'; reflexivity | split; [intros w t; rewrite (proj2 (k w t)), g, g', f, S_INR; ring |]].
  split; [intros w; rewrite h, h', e; reflexivity | intros w; rewrite <- (i w), <- (i' w); reflexivity].
Qed.
Context {p : nat -> W -> R} {v d : W -> At__ -> R} {last : W -> R} {start : R}.
Hypothesis (P : moving__ M C F p v d last start) (i : LE last).
Lemma const__ (c : R) : has__ LE E (fun _ => c) c.
Proof.
  apply (has__same _ (fun _ => c * 1 + 0)); [intros _; ring |].
  apply (has__is (has__lin ME c _ _ 1 0 (has__1 ME 1 eq_refl) (has__0 ME))). ring.
Qed.
Lemma moving__first : has__ LE E (p 0%nat) start.
Proof. apply (has__same _ (fun _ => start)); [intros w; symmetry; apply P | apply const__]. Qed.
Lemma moving__step (c : R) (g : W -> R) (t : At__) :
  (forall w t, c <= v w t) -> LE g -> (forall w, v w t + d w t <= g w) -> LE (p (proj1_sig t)) ->
  LE (p (S (proj1_sig t))) /\ has__ LE E (fun w => v w t + d w t) (E (p (S (proj1_sig t)))).
Proof.
  intros b j u k. destruct P as (m & e & f & h & q & r). destruct H as [_ tower].
  destruct (tower t _ (m (S (proj1_sig t))) (fun w => e w t)) as [x y].
  - destruct t as [n l]. simpl in *. destruct (proj1 (PeanoNat.Nat.lt_eq_cases (S n) N) l) as [l' | z].
    2: { left. rewrite z. rewrite (ext__ last (p N) q) in i. exact i. }
    + right. exists c, g. split; [| split; [exact j |]].
      * intros w. pose proof (b w (exist _ (S n) l')) as b'. rewrite f in b'. exact b'.
      * intros w. pose proof (u w) as u'. rewrite h, f in u'. simpl in u'. lra.
  - split; [exact x |]. apply (has__same _ (fun w => F w t (p (S (proj1_sig t))))); [| exact y].
    intros w. rewrite f, h. ring.
Qed.
Lemma moving__last : E last = E (p N).
Proof. apply same__under. apply P. Qed.
(* E W(K) - W(0) = E sum of the change: by induction every W(n) is integrable. *)
Lemma steps__telescope (c s : R) :
  (forall w t, c <= v w t) -> has__ (each__ LE) (path__ E All__) d s -> E last + (-1) * start <= s.
Proof.
  intros b [j <-].
  assert (a : forall m k, has__ LE E (p m) (start + Sum (begun__ (N := N) m k) (fun t => E (fun w => d w t)))).
  { induction m as [| m ih]; intros k; simpl; [apply (has__is moving__first); ring |].
    set (t := exist _ m k : At__). pose proof (ih (PeanoNat.Nat.lt_le_incl _ _ k)) as [x y].
    assert (z : has__ LE E (fun w => v w t + d w t) (E (p m) + E (fun w => d w t))).
    { apply (has__same _ (fun w => 1 * p m w + d w t)); [intros w; rewrite (proj1 (proj2 (proj2 P)) w t); simpl; ring |].
      apply (has__is (has__lin ME 1 _ _ _ _ (own__ E x) (own__ E (j t)))). ring. }
    destruct (moving__step c (fun w => v w t + d w t) t b (proj1 z) (fun w => Rle_refl _) x) as [u u'].
    split; [exact u |]. simpl in u'. rewrite <- (proj2 u'), (proj2 z), y. ring. }
  rewrite moving__last, (proj2 (a N (le_n N))). unfold path__. rewrite (proj2 (each__sum ME (steps__ N) d j)).
  unfold steps__. lra.
Qed.
(* From d <= a v + b - y: E v(n+1) <= (1 + a) E v(n) + b - E y. *)
Lemma moving__grows (c a b : R) (y : W -> R) (t : At__) :
  (forall w t, c <= v w t) -> LE y -> (forall w, d w t <= a * v w t + b + (-1) * y w) -> LE (p (proj1_sig t)) ->
  LE (p (S (proj1_sig t))) /\ E (p (S (proj1_sig t))) <= (1 + a) * E (p (proj1_sig t)) + b - E y.
Proof.
  intros l j h k. assert (z : has__ LE E (fun w => (1 + a) * v w t + (b + (-1) * y w)) ((1 + a) * E (p (proj1_sig t)) + (b - E
    y))).
  { apply (has__same _ (fun w => (1 + a) * p (proj1_sig t) w + ((-1) * y w + b))).
    - intros w. rewrite (proj1 (proj2 (proj2 P)) w t). ring.
    - apply (has__is (has__lin ME (1 + a) _ _ _ _ (own__ E k) (has__lin ME (-1) _ _ _ _ (own__ E j) (const__ b)))). ring. }
  assert (u : forall w, v w t + d w t <= (1 + a) * v w t + (b + (-1) * y w)) by (intros w; specialize (h w); lra).
  destruct (moving__step c _ t l (proj1 z) u k) as [x x']. split; [exact x |].
  pose proof (has__le ME _ _ _ _ u x' z). lra.
Qed.
Lemma steps__decay (c k b t : R) :
  t = INR N -> (forall w t, c <= v w t) -> 0 < k -> k < 1 -> (forall w t, d w t <= ((-1) * k) * v w t + b) ->
  E last <= start * exp (t * ln (1 + (-1) * k)) + (b * / k) * (1 + (-1) * exp (t * ln (1 + (-1) * k))).
Proof.
  intros -> l q q' h. assert (a : forall m (j : (m <= N)%nat),
      LE (p m) /\ E (p m) <= start * (1 - k) ^ m + (b * / k) * (1 - (1 - k) ^ m)).
  { induction m as [| m ih]; intros j.
    - split; [apply moving__first |]. rewrite (proj2 moving__first). simpl. lra.
    - destruct (ih (PeanoNat.Nat.lt_le_incl _ _ j)) as [x y]. set (t := exist _ m j : At__).
      destruct (moving__grows c ((-1) * k) b (fun _ => 0) t l (proj1 (has__0 ME))) as [u z].
      + intros w. specialize (h w t). lra.
      + exact x.
      + split; [exact u |]. simpl in z. rewrite (proj2 (has__0 ME)) in z.
        pose proof (Rmult_le_compat_l (1 - k) _ _ ltac:(lra) y) as y'. assert (b * / k * k = b) by (field; lra). simpl. lra. }
  replace (exp (INR N * ln (1 + (-1) * k))) with ((1 - k) ^ N).
  - rewrite moving__last. destruct (a N (le_n N)) as [_ y]. lra.
  - replace (1 + (-1) * k) with (1 - k) by ring. rewrite <- (Rpower_pow N (1 - k)) by lra. reflexivity.
Qed.
Lemma steps__summable (a b : At__ -> R) (y : W -> At__ -> R) (A B Y : R) :
  (forall w t, 0 <= v w t) -> (forall t, 0 <= a t) -> (forall t, 0 <= b t) -> (forall w t, 0 <= y w t) ->
  (forall w t, d w t <= a t * v w t + b t + (-1) * y w t) -> has__ (fun _ => True) All__ a A -> has__ (fun _ => True) All__ b B ->
  has__ (each__ LE) (path__ E All__) y Y -> E last + Y <= exp A * (start + B).
Proof.
  intros l a0 b0 y0 h [_ <-] [_ <-] [j <-].
  assert (z : forall m k, LE (p m) /\ E (p m) + Sum (begun__ (N := N) m k) (fun t => E (fun w => y w t)) <=
      exp (Sum (begun__ m k) a) * (start + Sum (begun__ m k) b)).
  { induction m as [| m ih]; intros k; simpl.
    - split; [apply moving__first |]. rewrite (proj2 moving__first), exp_0. lra.
    - set (h' := PeanoNat.Nat.lt_le_incl _ _ k). destruct (ih h') as [x x']. set (t := exist _ m k : At__).
      destruct (moving__grows 0 (a t) (b t) (fun w => y w t) t l (j t) (fun w => h w t) x) as [u u']. split; [exact u |].
      simpl in u'. set (X := Sum (begun__ m h') (fun t => E (fun w => y w t))) in *. set (A := Sum (begun__ m h') a) in *.
      set (B := Sum (begun__ m h') b) in *. rewrite exp_plus.
      assert (X0 : 0 <= X).
      { apply sum__pos. intros r. apply (has__le ME _ _ _ _ (fun w => y0 w r) (has__0 ME) (own__ E (j r))). }
      assert (V0 : 0 <= E (p m)).
      { apply (has__le ME (fun _ => 0) (p m) _ _) with (2 := has__0 ME) (3 := own__ E x). intros w.
        pose proof (l w t) as l'. rewrite (proj1 (proj2 (proj2 P)) w t) in l'. exact l'. }
      assert (e : 1 + a t <= exp (a t)).
      { destruct (a0 t) as [q | q]; [apply Rlt_le, exp_ineq1; lra | rewrite <- q, exp_0; lra]. }
      assert (eA : 1 <= exp (a t) * exp A).
      { assert (A0 : 0 <= A) by (apply sum__pos; exact a0). rewrite <- exp_plus, <- exp_0.
        destruct (Rplus_le_le_0_compat _ _ (a0 t) A0) as [q | q];
        [apply Rlt_le, exp_increasing, q | rewrite <- q; apply Rle_refl]. }
      pose proof (Rmult_le_compat_r _ _ _ (ltac:(lra) : 0 <= E (p m) + X) e) as e1.
      pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ (exp_pos (a t))) x') as e2.
      pose proof (Rmult_le_compat_r _ _ _ (b0 t) eA) as e3. pose proof (Rmult_le_pos _ _ (a0 t) X0) as e4. lra. }
  rewrite moving__last. destruct (z N (le_n N)) as [_ q]. unfold path__. rewrite (proj2 (each__sum ME (steps__ N) y j)). exact q.
Qed.
End Moving.

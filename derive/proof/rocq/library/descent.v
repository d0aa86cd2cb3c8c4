(* The descent lemma for functions with |hess V| <= t0 + t1 |grad V|, and its average over a step. Needs calculus,
   psi, vectors and gronwall_in_steps. *)

(* V has the gradient D and the Hessian D2: its derivatives along every line. *)
Definition bent__ {J : Type} (l : list J) (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R) : Prop :=
  (forall x v, derivable_pt_lim (fun s => V (fun j => x j + s * v j)) 0 (dot__ l (D x) v)) /\
  (forall x v i, derivable_pt_lim (fun s => D (fun j => x j + s * v j) i) 0 (mv__ l (D2 x) v i)).
Lemma on_line__ {J : Type} (f : (J -> R) -> R) (x v : J -> R) (t d : R) :
  derivable_pt_lim (fun s => f (fun j => (x j + t * v j) + s * v j)) 0 d ->
  derivable_pt_lim (fun s => f (fun j => x j + s * v j)) t d.
Proof.
  intros h eps p. destruct (h eps p) as [delta H]. exists delta. intros s s0 sd. specialize (H s s0 sd).
  rewrite Rplus_0_l in H. replace (fun j => x j + (t + s) * v j) with (fun j => x j + t * v j + s * v j).
  - replace (fun j => x j + t * v j + 0 * v j) with (fun j => x j + t * v j) in H; [exact H |]. apply ext__. intros j. ring.
  - apply ext__. intros j. ring.
Qed.
Lemma norm__triangle {J : Type} (l : list J) (u v : J -> R) : norm__ l (fun j => u j + v j) <= norm__ l u + norm__ l v.
Proof.
  pose proof (norm__pos l u). pose proof (norm__pos l v). apply Rsqr_incr_0_var; [| lra]. rewrite !Rsqr_pow2, <- norm__square.
  assert (e : dot__ l (fun j => u j + v j) (fun j => u j + v j) = dot__ l u u + 2 * dot__ l u v + dot__ l v v).
  { transitivity (Sum l (fun j => 1 * (u j * u j) + (2 * (u j * v j) + 1 * (v j * v j)))); [apply sum__eq; intros j; ring |].
    rewrite sum__add, sum__mul, sum__add, !sum__mul. unfold dot__. ring. }
  rewrite e, !norm__square. pose proof (cauchy__ l u v). lra.
Qed.
Lemma d__sum {J : Type} (l : list J) (f : R -> J -> R) (d : J -> R) (x : R) :
  (forall j, D__ (fun s => f s j) x (d j)) -> D__ (fun s => Sum l (f s)) x (Sum l d).
Proof.
  intros h. induction l as [| j m ih]; simpl; [apply derivable_pt_lim_const |].
  apply (derivable_pt_lim_plus (fun s => f s j) (fun s => Sum m (f s))); [apply h | exact ih].
Qed.
(* What is 0 at 0 and grows at most by a + b times its norm: |v(t)| <= a e1(t), e1' = 1 + b e1, e1(0) = 0. *)
Lemma norm__grows {J : Type} (l : list J) (v d : R -> J -> R) (a b : R) (e1 : R -> R) :
  0 <= a -> 0 <= b -> (forall j, v 0 j = 0) -> (forall t j, D__ (fun s => v s j) t (d t j)) ->
  (forall t, norm__ l (d t) <= a + b * norm__ l (v t)) -> e1 0 = 0 -> (forall t, D__ e1 t (1 + b * e1 t)) ->
  forall t, 0 <= t -> norm__ l (v t) <= a * e1 t.
Proof.
  intros pa pb v0 dv bd e0 de t pt. apply Rnot_lt_le. intros n.
  set (e := (norm__ l (v t) - a * e1 t) / 2 * exp ((-1) * (b * t))). pose proof (exp_pos ((-1) * (b * t))) as pe.
  assert (pe' : 0 < e) by (apply Rmult_lt_0_compat; lra).
  set (q := fun s => sqrt (dot__ l (v s) (v s) + e ^ 2)).
  assert (qp : forall s, 0 < dot__ l (v s) (v s) + e ^ 2).
  { intros s. pose proof (dot__pos l (v s)). pose proof (pow_lt _ 2 pe'). lra. }
  assert (qv : forall s, norm__ l (v s) <= q s).
  { intros s. apply sqrt_le_1_alt. pose proof (pow2_ge_0 e). lra. }
  assert (dq : forall s, D__ q s (/ (2 * q s) * (2 * dot__ l (v s) (d s)))).
  { intros s. apply (d__sqrt (fun s => dot__ l (v s) (v s) + e ^ 2)); [apply qp |].
    replace (2 * dot__ l (v s) (d s)) with (2 * dot__ l (v s) (d s) + 0) by ring.
    apply (d__add (fun s => dot__ l (v s) (v s)) (fun _ => e ^ 2)); [| apply d__const].
    replace (2 * dot__ l (v s) (d s)) with (Sum l (fun j => d s j * v s j + v s j * d s j)).
    - apply d__sum. intros j. apply (d__mul (fun s => v s j) (fun s => v s j)); apply dv.
    - unfold dot__. rewrite <- sum__mul. apply sum__eq. intros j. ring. }
  assert (bq : forall s, / (2 * q s) * (2 * dot__ l (v s) (d s)) <= a + b * q s).
  { intros s. pose proof (sqrt_lt_R0 _ (qp s)) as p. fold (q s) in p.
    apply (Rmult_le_reg_l (q s)); [exact p |]. replace (q s * (/ (2 * q s) * (2 * dot__ l (v s) (d s)))) with (dot__ l (v s) (d
      s))
      by (field; lra).
    apply (Rle_trans _ _ _ (cauchy__ l (v s) (d s))). pose proof (norm__pos l (d s)).
    apply Rmult_le_compat; [apply norm__pos | assumption | apply qv |]. pose proof (bd s).
    pose proof (Rmult_le_compat_l _ _ _ pb (qv s)). lra. }
  assert (z : (q t - a * e1 t) * exp ((-1) * (b * t)) <= e).
  { set (f := fun s => (q s + (-1) * (a * e1 s)) * exp ((-1) * (b * s))).
    set (f' := fun s => (/ (2 * q s) * (2 * dot__ l (v s) (d s)) + (-1) * (a * (1 + b * e1 s))) * exp ((-1) * (b * s))
      + (q s + (-1) * (a * e1 s)) * (exp ((-1) * (b * s)) * ((-1) * (b * 1)))).
    assert (g : forall s, D__ f s (f' s)).
    { intros s. unfold f, f'. apply (d__mul (fun s => q s + (-1) * (a * e1 s)) (fun s => exp ((-1) * (b * s)))).
      - apply (d__add q (fun s => (-1) * (a * e1 s))); [apply dq |].
        apply (derivable_pt_lim_scal (fun s => a * e1 s) (-1)), (derivable_pt_lim_scal e1 a), de.
      - apply (d__exp (fun s => (-1) * (b * s))).
        apply (derivable_pt_lim_scal (fun s => b * s) (-1)), (derivable_pt_lim_scal (fun s => s) b), (derivable_pt_lim_id s). }
    assert (k : f t <= f 0).
    { pose proof (up__ (fun s => (-1) * f s) (fun s => (-1) * f' s) 0 t pt) as u. cbv beta in u.
      assert ((-1) * f 0 <= (-1) * f t); [| lra]. apply u.
      - intros s _ _. apply (derivable_pt_lim_scal f (-1)), g.
      - intros s _ _. unfold f'. pose proof (exp_pos ((-1) * (b * s))) as p. pose proof (bq s) as k.
        pose proof (Rmult_le_compat_r _ _ _ (Rlt_le _ _ p) k). lra. }
    assert (f 0 = e).
    { unfold f, q. rewrite e0. replace (dot__ l (v 0) (v 0)) with 0.
      - rewrite Rplus_0_l, sqrt_pow2 by lra. replace ((-1) * (b * 0)) with 0 by ring. rewrite exp_0. ring.
      - symmetry. replace (v 0) with (fun _ : J => 0); [apply dot__0 | apply ext__; intros j; symmetry; apply v0]. }
    unfold f at 1 in k. lra. }
  pose proof (qv t) as w. apply (Rmult_le_compat_r _ _ _ (Rlt_le _ _ pe)) in w.
  pose proof (Rmult_lt_0_compat _ _ (ltac:(lra) : 0 < norm__ l (v t) - a * e1 t) pe). unfold e in z. lra.
Qed.
Lemma psi__sums (b : R) : exists e1 e2, e1 0 = 0 /\ (forall t, D__ e1 t (1 + b * e1 t)) /\ e2 0 = 0 /\ e2 1 = psi b /\
  (forall t, D__ e2 t (e1 t)).
Proof.
  destruct (Req_dec b 0) as [-> | h].
  - exists (fun t => t), (fun t => / 2 * t ^ 2). repeat split.
    + intros t. replace (1 + 0 * t) with 1 by ring. apply d__id.
    + ring.
    + rewrite <- psi__0. field.
    + intros t. replace t with (/ 2 * (2 * t ^ 1 * 1)) at 2 by field.
      apply (derivable_pt_lim_scal (fun t => t ^ 2)), (d__pow 2 2 (fun t => t)); [reflexivity | apply d__id].
  - assert (x : forall t, D__ (fun t => exp (b * t)) t (exp (b * t) * (b * 1))).
    { intros t. apply (d__exp (fun t => b * t)), (derivable_pt_lim_scal (fun t => t)), d__id. }
    exists (fun t => / b * (exp (b * t) + -1)), (fun t => / b ^ 2 * (exp (b * t) + (-1 + (-1) * (b * t)))). repeat split.
    + rewrite Rmult_0_r, exp_0. ring.
    + intros t. replace (1 + b * (/ b * (exp (b * t) + -1))) with (/ b * (exp (b * t) * (b * 1) + 0)) by (field; exact h).
      apply (derivable_pt_lim_scal (fun t => exp (b * t) + -1)), (d__add (fun t => exp (b * t)) (fun _ => -1)); [apply x |].
      apply d__const.
    + rewrite Rmult_0_r, exp_0. ring.
    + rewrite Rmult_1_r, psi__else by exact h. field. exact h.
    + intros t. replace (/ b * (exp (b * t) + -1)) with (/ b ^ 2 * (exp (b * t) * (b * 1) + (0 + (-1) * (b * 1))))
        by (field; exact h).
      apply (derivable_pt_lim_scal (fun t => exp (b * t) + (-1 + (-1) * (b * t)))).
      apply (d__add (fun t => exp (b * t)) (fun t => -1 + (-1) * (b * t))); [apply x |].
      apply (d__add (fun _ => -1) (fun t => (-1) * (b * t))); [apply d__const |].
      apply (derivable_pt_lim_scal (fun t => b * t)), (derivable_pt_lim_scal (fun t => t)), d__id.
Qed.
(* The descent lemma for |hess V| <= t0 + t1 |grad V|. *)
Lemma descent__ {J : Type} (l : list J) (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R) (t0 t1 : R) :
  bent__ l V D D2 -> (forall x, opnorm__ l (D2 x) <= t0 + t1 * norm__ l (D x)) -> 0 <= t1 -> forall x d : J -> R,
  V (fun j => x j + 1 * d j) <= V x + dot__ l (D x) d + (t0 + t1 * norm__ l (D x)) * norm__ l d ^ 2 * psi (t1 * norm__ l d).
Proof.
  intros [S S2] B p x d. set (r := norm__ l d). set (n := norm__ l (D x)). pose proof (norm__pos l d) as pr. fold r in pr.
  pose proof (opnorm__pos l (D2 x)) as po. pose proof (B x) as bx. fold n in bx. set (A := t0 + t1 * n) in *.
  destruct (psi__sums (t1 * r)) as (e1 & e2 & i1 & d1 & i2 & <- & d2).
  set (y := fun t j => x j + t * d j). set (v := fun t i => D (y t) i + (-1) * D x i).
  assert (y0 : y 0 = x) by (apply ext__; intros j; unfold y; ring).
  assert (g : forall t, 0 <= t -> norm__ l (v t) <= (A * r) * e1 t).
  { apply (norm__grows l v (fun t => mv__ l (D2 (y t)) d) (A * r) (t1 * r)).
    - apply Rmult_le_pos; lra.
    - apply Rmult_le_pos; assumption.
    - intros j. unfold v. rewrite y0. ring.
    - intros t j. replace (mv__ l (D2 (y t)) d j) with (mv__ l (D2 (y t)) d j + 0) by ring.
      apply (d__add (fun s => D (y s) j) (fun _ => (-1) * D x j)); [| apply d__const].
      apply (on_line__ (fun z => D z j) x d), S2.
    - intros t. apply (Rle_trans _ _ _ (opnorm__bound l (D2 (y t)) d)). fold r.
      apply (Rle_trans _ ((t0 + t1 * norm__ l (D (y t))) * r)); [apply Rmult_le_compat_r; [exact pr | apply B] |].
      assert (k : norm__ l (D (y t)) <= norm__ l (v t) + n).
      { apply (Rle_trans _ (norm__ l (fun j => v t j + D x j))); [right; f_equal; apply ext__; intros j; unfold v; ring |].
        apply norm__triangle. }
      pose proof (Rmult_le_compat_l _ _ _ (Rmult_le_pos _ _ p pr) k). unfold A. lra.
    - exact i1.
    - exact d1. }
  set (f := fun t => V (y t) + ((-1) * (t * dot__ l (D x) d) + (-1) * (A * r ^ 2 * e2 t))).
  set (f' := fun t => dot__ l (D (y t)) d + ((-1) * (1 * dot__ l (D x) d + t * 0) + (-1) * (A * r ^ 2 * e1 t))).
  assert (k : f 1 <= f 0).
  { assert ((-1) * f 0 <= (-1) * f 1); [| lra].
    apply (up__ (fun s => (-1) * f s) (fun s => (-1) * f' s) 0 1 Rle_0_1).
    - intros s _ _. apply (derivable_pt_lim_scal f (-1)). unfold f, f'.
      apply (d__add (fun t => V (y t)) (fun t => (-1) * (t * dot__ l (D x) d) + (-1) * (A * r ^ 2 * e2 t))).
      + apply (on_line__ V x d), S.
      + apply (d__add (fun t => (-1) * (t * dot__ l (D x) d)) (fun t => (-1) * (A * r ^ 2 * e2 t))).
        * apply (derivable_pt_lim_scal (fun t => t * dot__ l (D x) d)), (d__mul (fun t => t) (fun _ => dot__ l (D x) d));
          [apply d__id | apply d__const].
        * apply (derivable_pt_lim_scal (fun t => A * r ^ 2 * e2 t)), (derivable_pt_lim_scal e2), d2.
    - intros s s0 _. pose proof (g s s0) as h. pose proof (cauchy__ l (v s) d) as c. fold r in c.
      pose proof (Rmult_le_compat_r _ _ _ pr h) as m.
      assert (e : dot__ l (v s) d = dot__ l (D (y s)) d - dot__ l (D x) d).
      { replace (v s) with (fun j => (-1) * D x j + D (y s) j) by (apply ext__; intros j; unfold v; ring).
        rewrite dot__lin. ring. }
      unfold f'. simpl. lra. }
  unfold f in k. rewrite y0, i2 in k. unfold y in k. lra.
Qed.
(* Almost all outcomes lie in A: F sees functions on A alone. *)
Definition carried__ {W : Type} (L : (W -> R) -> Prop) (F : (W -> R) -> R) (A : W -> Prop) : Prop :=
  forall f g, L f -> L g -> (forall w, A w -> f w <= g w) -> F f <= F g.
(* The point x(n + 1) - x(n) from n = t on, as it is known at the outcome w. *)
Definition move__ {W J : Type} {N : nat} (x : nat -> W -> J -> R) (w : W) (t : Step__ N) (z : W) (j : J) : R :=
  x (S (proj1_sig t)) z j - x (proj1_sig t) w j.
Definition radius__ {W J : Type} {N : nat} (l : list J) (C : W -> Step__ N -> (W -> R) -> Prop)
    (F : W -> Step__ N -> (W -> R) -> R) (x : nat -> W -> J -> R) (r : W -> Step__ N -> R) : Prop :=
  forall w t, carried__ (C w t) (F w t) (fun z => norm__ l (move__ x w t z) <= r w t).
(* V is C^2 with |hess V| <= t0 + t1 |grad V|; p its value and g its gradient at the point x(n), whose move has the mean b and
   at most the mean square q. *)
Definition stepping__ {W J : Type} {N : nat} (l : list J) (C : W -> Step__ N -> (W -> R) -> Prop)
    (F : W -> Step__ N -> (W -> R) -> R) (x : nat -> W -> J -> R) (V : (J -> R) -> R) (D : (J -> R) -> J -> R)
    (D2 : (J -> R) -> J -> J -> R) (p : nat -> W -> R) (g : W -> Step__ N -> J -> R) (t0 t1 : R) (b : W -> Step__ N -> J -> R)
    (q : W -> Step__ N -> R) : Prop :=
  bent__ l V D D2 /\ (forall y, opnorm__ l (D2 y) <= t0 + t1 * norm__ l (D y)) /\ (forall n w, p n w = V (x n w)) /\
  (forall w t, g w t = D (x (proj1_sig t) w)) /\
  (forall w t j, has__ (C w t) (F w t) (fun z => move__ x w t z j) (b w t j)) /\
  (forall w t, C w t (fun z => norm__ l (move__ x w t z) ^ 2) /\ F w t (fun z => norm__ l (move__ x w t z) ^ 2) <= q w t).
Section Stepping.
Context {W J : Type} (l : list J) {N : nat} {M : (W -> R) -> Prop}.
Context {C : W -> Step__ N -> (W -> R) -> Prop} {F : W -> Step__ N -> (W -> R) -> R}.
Hypothesis (G : given__ C F).
Context {x : nat -> W -> J -> R} {V : (J -> R) -> R} {D : (J -> R) -> J -> R} {D2 : (J -> R) -> J -> J -> R}.
Context {p : nat -> W -> R} {v d : W -> Step__ N -> R} {last : W -> R} {start : R}.
Context {g : W -> Step__ N -> J -> R} {t0 t1 : R} {b : W -> Step__ N -> J -> R} {q : W -> Step__ N -> R}.
Hypothesis (P : moving__ M C F p v d last start) (S : stepping__ l C F x V D D2 p g t0 t1 b q).
Lemma mean__dot (w : W) (t : Step__ N) (u : J -> R) :
  has__ (C w t) (F w t) (fun z => dot__ l u (move__ x w t z)) (dot__ l u (b w t)).
Proof.
  destruct S as (_ & _ & _ & _ & h & _). clear S. unfold dot__. induction l as [| j m ih]; simpl; [apply (has__0 (G w t)) |].
  apply (has__lin (G w t) (u j) _ _ _ _ (h w t j) ih).
Qed.
Lemma descent__carried (w : W) (t : Step__ N) (c : R) :
  0 <= t1 -> carried__ (C w t) (F w t) (fun z => t1 * norm__ l (move__ x w t z) <= c) ->
  d w t <= dot__ l (g w t) (b w t) + (t0 + t1 * norm__ l (g w t)) * q w t * psi c.
Proof.
  intros h k. pose proof (mean__dot w t (g w t)) as m. destruct S as (B & H & f & gd & _ & Q). destruct (Q w t) as [Q1 Q2].
  destruct P as (_ & e & _ & r & _ & _). rewrite (r w t), !gd in *. set (y := x (proj1_sig t) w) in *.
  set (a := (t0 + t1 * norm__ l (D y)) * psi c). set (s := fun z => norm__ l (move__ x w t z)) in *.
  assert (a0 : 0 <= t0 + t1 * norm__ l (D y)) by (pose proof (opnorm__pos l (D2 y)); pose proof (H y); lra).
  pose proof (psi__pos c) as pc.
  pose proof (has__lin (G w t) a _ _ _ _ (own__ (F w t) Q1) (has__lin (G w t) (p (proj1_sig t) w) _ _ _ _
    (has__1 (G w t) 1 eq_refl) m)) as z. cbv beta in z.
  assert (i : F w t (p (Datatypes.S (proj1_sig t))) <=
    a * F w t (fun z => s z ^ 2) + (p (proj1_sig t) w * 1 + dot__ l (D y) (b w t))).
  { refine (Rle_trans _ _ _ _ (Req_le _ _ (proj2 z))). apply k; [apply e | apply z |]. intros o ko. rewrite !f.
    pose proof (descent__ l V D D2 t0 t1 B H h y (move__ x w t o)) as u.
    replace (fun j => y j + 1 * move__ x w t o j) with (x (Datatypes.S (proj1_sig t)) o) in u
      by (apply ext__; intros j; unfold move__, y; ring).
    cbv beta in ko. fold (s o) in u, ko. fold y. pose proof (psi__mono _ _ ko) as uk.
    pose proof (Rmult_le_compat_l _ _ _ (Rmult_le_pos _ _ a0 (pow2_ge_0 (s o))) uk). unfold a. cbv beta. fold (s o). lra. }
  pose proof (Rmult_le_compat_l _ _ _ (Rmult_le_pos _ _ a0 (Rlt_le _ _ pc)) Q2) as j. fold a in j. unfold s in i. unfold a in *.
  lra.
Qed.
Lemma descent__rule (r : W -> Step__ N -> R) (w : W) (t : Step__ N) (c : R) :
  radius__ l C F x r -> 0 <= t1 -> t1 * r w t <= c ->
  d w t <= dot__ l (g w t) (b w t) + (t0 + t1 * norm__ l (g w t)) * q w t * psi c.
Proof.
  intros A h k. apply descent__carried; [exact h |]. intros f f' i i' a. apply (A w t f f' i i'). intros z y. apply a.
  pose proof (Rmult_le_compat_l _ _ _ h y). lra.
Qed.
Lemma descent__everywhere (w : W) (t : Step__ N) (c : R) :
  t1 = 0 -> c = 0 -> d w t <= dot__ l (g w t) (b w t) + (t0 + t1 * norm__ l (g w t)) * q w t * psi c.
Proof.
  intros h k. apply descent__carried; [lra |]. intros f f' i i' a.
  apply (has__le (G w t) f f' _ _) with (2 := own__ _ i) (3 := own__ _ i'). intros z. apply a. rewrite h, k. lra.
Qed.
End Stepping.

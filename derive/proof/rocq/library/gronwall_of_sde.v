(* Ito's formula and Gronwall's inequality for an equation. Needs means, means_over_time, vectors and time. *)

(* V is C^2 with the gradient D and the Hessian D2: they are its derivatives along every line, and D2 is continuous. *)
Definition smooth__ {J : Type} (l : list J) (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R) : Prop :=
  (forall x v, derivable_pt_lim (fun s => V (fun j => x j + s * v j)) 0 (dot__ l (D x) v)) /\
  (forall x u v, derivable_pt_lim (fun s => dot__ l (D (fun j => x j + s * v j)) u) 0 (dot__ l u (mv__ l (D2 x) v))) /\
  (forall x i j e, 0 < e ->
    exists d, 0 < d /\ forall y, (forall k, Rabs (y k - x k) < d) -> Rabs (D2 y i j - D2 x i j) < e).
(* Ito for dX = b dt + L dW with L L' = A, X = x0 at time 0: for every C^2 function V bounded below on the path and every C^1
   weight a >= 0, a(T) E V(X_T) <= a(0) V(x0) + E int H dt for every H >= a' V + a (b'grad V + Tr(A hess V)/2) with E int |H| dt
   finite: up to times at which the stochastic integral is a martingale that is Ito's formula, |H| dominates the right side, and
   Fatou's lemma the left. Without |H| it is false: a stochastic integral that is 1 at T is one up to each such time only. *)
Definition ito__ {W J : Type} (l : list J) {T : R} (h : 0 <= T) (LE : (W -> R) -> Prop) (E : (W -> R) -> R)
    (LI : (Time__ T -> R) -> Prop) (Int : (Time__ T -> R) -> R)
    (X b : W -> Time__ T -> J -> R) (A : W -> Time__ T -> J -> J -> R) (x0 : J -> R) : Prop :=
  (forall w t, psd__ (A w t)) ->
  forall (a a' : R -> R) (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R) (c s : R)
    (H : W -> Time__ T -> R),
  (forall t, derivable_pt_lim a t (a' t)) -> (forall t, continuity_pt a' t) -> (forall t, 0 <= a t) ->
  smooth__ l V D D2 -> (forall w t, c <= V (X w t)) -> LE (fun w => V (X w (last__ h))) ->
  has__ (both__ LE LI Int) (path__ E Int) H s -> both__ LE LI Int (fun w t => Rabs (H w t)) ->
  (forall w t, a' (proj1_sig t) * V (X w t)
    + a (proj1_sig t) * (dot__ l (D (X w t)) (b w t) + 1 / 2 * trprod__ l (D2 (X w t)) (A w t)) <= H w t) ->
  a T * E (fun w => V (X w (last__ h))) <= a 0 * V x0 + s.
(* What a potential is declared to be: a C^2 function of the state X, with its values along the path, its gradient and Hessian. *)
Definition potential__ {W J : Type} (l : list J) {T : R} (h : 0 <= T) (X : W -> Time__ T -> J -> R) (x0 : J -> R)
    (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R)
    (v : W -> Time__ T -> R) (g : W -> Time__ T -> J -> R) (m : W -> Time__ T -> J -> J -> R) (last : W -> R) (start : R) : Prop :=
  smooth__ l V D D2 /\ (forall w t, v w t = V (X w t)) /\ (forall w t, g w t = D (X w t)) /\ (forall w t, m w t = D2 (X w t))
  /\ (forall w, last w = V (X w (last__ h))) /\ start = V x0.
Lemma drift__0 {J : Type} (l : list J) (g : J -> R) : dot__ l g (fun _ => 0) = 0.
Proof. rewrite dot__sym. apply dot__0. Qed.
Lemma drift__lin {J : Type} (l : list J) (a d e : R) (g u v : J -> R) :
  dot__ l g u = d -> dot__ l g v = e -> dot__ l g (fun j => a * u j + v j) = a * d + e.
Proof. intros <- <-. rewrite !(dot__sym l g). apply dot__lin. Qed.
Lemma noise__lin {J : Type} (l : list J) (a d e : R) (g u v : J -> J -> R) :
  trprod__ l g u = d -> trprod__ l g v = e -> trprod__ l g (fun i j => a * u i j + v i j) = a * d + e.
Proof. intros <- <-. apply trprod__lin. Qed.
Lemma psd__0 {J : Type} : psd__ (fun _ _ : J => 0).
Proof. exists nil. reflexivity. Qed.
Lemma psd__lin {J : Type} (a : R) (K N : J -> J -> R) : 0 <= a -> psd__ K -> psd__ N -> psd__ (fun i j => a * K i j + N i j).
Proof.
  intros p [r h] [q k]. exists (map (fun v j => sqrt a * v j) r ++ q). intros i j. rewrite h, k. clear h k.
  induction r as [| v m ih]; simpl; [ring |]. rewrite <- ih.
  replace (sqrt a * v i * (sqrt a * v j)) with (sqrt a * sqrt a * (v i * v j)) by ring. rewrite (sqrt_sqrt a p). ring.
Qed.
Lemma smooth__minus {J : Type} (l : list J) (V : (J -> R) -> R) (D : (J -> R) -> J -> R) (D2 : (J -> R) -> J -> J -> R) (q : R) :
  smooth__ l V D D2 -> smooth__ l (fun x => V x - q) D D2.
Proof.
  intros (s & s' & s''). split; [| split; assumption]. intros x u. specialize (s x u).
  replace (dot__ l (D x) u) with (dot__ l (D x) u - 0) by ring.
  apply (derivable_pt_lim_minus _ (fun _ => q)); [exact s | apply derivable_pt_lim_const].
Qed.
Section Process.
Context {W J : Type} (l : list J) {T : R} (h : 0 <= T).
Context {LE : (W -> R) -> Prop} {E : (W -> R) -> R} {LI : (Time__ T -> R) -> Prop} {Int : (Time__ T -> R) -> R}.
Hypothesis (ME : mean__ LE E 1) (MI : mean__ LI Int T).
Context {X b : W -> Time__ T -> J -> R} {A : W -> Time__ T -> J -> J -> R} {x0 : J -> R}.
Context {V : (J -> R) -> R} {D : (J -> R) -> J -> R} {D2 : (J -> R) -> J -> J -> R}.
Context {v : W -> Time__ T -> R} {g : W -> Time__ T -> J -> R} {m : W -> Time__ T -> J -> J -> R} {last : W -> R} {start : R}.
Hypothesis (ITO : ito__ l h LE E LI Int X b A x0) (P : potential__ l h X x0 V D D2 v g m last start).
Lemma ito__rule (c s : R) (H : W -> Time__ T -> R) :
  (forall w t, psd__ (A w t)) -> (forall w t, c <= v w t) -> LE last ->
  has__ (both__ LE LI Int) (path__ E Int) H s -> both__ LE LI Int (fun w t => Rabs (H w t)) ->
  (forall w t, dot__ l (g w t) (b w t) + 1 / 2 * trprod__ l (m w t) (A w t) = H w t) -> E last + (-1) * start <= s.
Proof.
  intros p q i k k' e. destruct P as (S & F & FG & FM & FE & FS).
  assert (el : last = (fun w => V (X w (last__ h)))) by (apply ext__; exact FE). rewrite el in *.
  assert (r : 1 * E (fun w => V (X w (last__ h))) <= 1 * V x0 + s); [| rewrite FS; lra].
  apply (ITO p (fun _ => 1) (fun _ => 0) V D D2 c s H); try assumption.
  - intros t. apply derivable_pt_lim_const.
  - intros t. apply continuity_const. intros y z. reflexivity.
  - intros _. lra.
  - intros w t. rewrite <- F. apply q.
  - intros w t. rewrite <- e, FG, FM. lra.
Qed.
Lemma gronwall__rule (c k q : R) :
  (forall w t, psd__ (A w t)) -> (forall w t, c <= v w t) -> LE last -> 0 < k ->
  (forall w t, dot__ l (g w t) (b w t) + 1 / 2 * trprod__ l (m w t) (A w t) <= ((-1) * k) * v w t + q) ->
  E last <= start * exp (((-1) * k) * T) + (q * / k) * (1 + (-1) * exp (((-1) * k) * T)).
Proof.
  intros p r i kp e. destruct P as (S & F & FG & FM & FE & FS).
  assert (el : last = (fun w => V (X w (last__ h)))) by (apply ext__; exact FE). rewrite el in *.
  assert (m' : has__ LE E (fun w => V (X w (last__ h)) - q / k) (E (fun w => V (X w (last__ h))) - q / k)).
  { apply (has__same _ (fun w => (- (q / k)) * 1 + V (X w (last__ h)))); [intros w; ring |].
    apply (has__is (has__lin ME (- (q / k)) (fun _ => 1) _ 1 _ (has__1 ME 1 eq_refl) (own__ E i))). ring. }
  assert (z := ITO p (fun t => exp (k * t)) (fun t => exp (k * t) * k) (fun x => V x - q / k) D D2 (c - q / k) 0 (fun _ _ => 0)).
  cbv beta in z. rewrite (proj2 m'), Rmult_0_r, exp_0 in z.
  assert (y : exp (k * T) * (E (fun w => V (X w (last__ h))) - q / k) <= 1 * (V x0 - q / k) + 0).
  { apply z.
    - intros t. apply (derivable_pt_lim_comp (fun t => k * t) exp t k (exp (k * t))); [| apply derivable_pt_lim_exp].
      pose proof (derivable_pt_lim_scal id k t 1 (derivable_pt_lim_id t)) as d. rewrite Rmult_1_r in d. exact d.
    - intros t. apply derivable_continuous_pt. reg.
    - intros t. apply Rlt_le, exp_pos.
    - apply smooth__minus, S.
    - intros w t. pose proof (r w t). rewrite F in H. lra.
    - apply m'.
    - apply (both__0 ME MI).
    - rewrite Rabs_R0. apply (both__0 ME MI).
    - intros w t. pose proof (e w t) as f. rewrite FG, FM, F in f. pose proof (exp_pos (k * proj1_sig t)) as u.
      pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ u) f). assert (k * (q / k) = q) by (field; lra). nra. }
  rewrite FS. replace ((-1) * k * T) with (- (k * T)) by ring. rewrite exp_Ropp. pose proof (exp_pos (k * T)) as u.
  pose proof (Rinv_0_lt_compat _ u) as i'. apply (Rmult_le_compat_l _ _ _ (Rlt_le _ _ i')) in y.
  rewrite <- Rmult_assoc, Rinv_l in y by lra. unfold Rdiv in y. lra.
Qed.
End Process.

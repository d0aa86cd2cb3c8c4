(* Dynkin's formula and Gronwall's inequality for a function V of a state in continuous time, in terms of LV for its
   generator L. Needs means, means_over_time and time. *)

(* Ito for a state X of any kind and the functions V in D of it, C^2 ones: at every outcome and time L V is the generator's value,
   linear in V. As `ito__` for the rest. *)
Definition dynkin__ {W S : Type} {T : R} (h : 0 <= T) (LE : (W -> R) -> Prop) (E : (W -> R) -> R)
    (LI : (Time__ T -> R) -> Prop) (Int : (Time__ T -> R) -> R) (X : W -> Time__ T -> S) (x0 : S)
    (D : (S -> R) -> Prop) (L : (S -> R) -> W -> Time__ T -> R) : Prop :=
  (D (fun _ => 1) /\ (forall w t, L (fun _ => 1) w t = 0)) /\
  (forall a f g, D f -> D g -> D (fun x => a * f x + g x) /\
    forall w t, L (fun x => a * f x + g x) w t = a * L f w t + L g w t) /\
  forall (a a' : R -> R) (V : S -> R) (c s : R) (H : W -> Time__ T -> R),
  (forall t, derivable_pt_lim a t (a' t)) -> (forall t, continuity_pt a' t) -> (forall t, 0 <= a t) ->
  D V -> (forall w t, c <= V (X w t)) -> LE (fun w => V (X w (last__ h))) ->
  has__ (both__ LE LI Int) (path__ E Int) H s -> both__ LE LI Int (fun w t => Rabs (H w t)) ->
  (forall w t, a' (proj1_sig t) * V (X w t) + a (proj1_sig t) * L V w t <= H w t) ->
  a T * E (fun w => V (X w (last__ h))) <= a 0 * V x0 + s.
(* The same with the weight A(t) = exp(-int_0^t a), which lies between exp(-int_0^T a) and 1, for V >= 0 with
   LV <= a V + b - y, a, b, y >= 0: exp(-int_0^T a) (E V(X_T) + E int y dt) <= V(x0) + int b dt. *)
Definition discounted__ {W S : Type} {T : R} (h : 0 <= T) (LE : (W -> R) -> Prop) (E : (W -> R) -> R)
    (LI : (Time__ T -> R) -> Prop) (Int : (Time__ T -> R) -> R) (X : W -> Time__ T -> S) (x0 : S)
    (D : (S -> R) -> Prop) (L : (S -> R) -> W -> Time__ T -> R) : Prop :=
  forall (V : S -> R) (a b : Time__ T -> R) (y : W -> Time__ T -> R) (A B Y : R),
  D V -> (forall w t, 0 <= V (X w t)) -> LE (fun w => V (X w (last__ h))) -> (forall t, 0 <= a t) -> (forall t, 0 <= b t) ->
  (forall w t, 0 <= y w t) -> has__ LI Int a A -> has__ LI Int b B -> has__ (both__ LE LI Int) (path__ E Int) y Y ->
  (forall w t, L V w t <= a t * V (X w t) + b t - y w t) ->
  exp ((-1) * A) * (E (fun w => V (X w (last__ h))) + Y) <= V x0 + B.
(* A potential is a function V in D of the state, v its value along the path, and its change is LV. *)
Definition flow__ {W S : Type} {T : R} (h : 0 <= T) (X : W -> Time__ T -> S) (x0 : S) (D : (S -> R) -> Prop)
    (L : (S -> R) -> W -> Time__ T -> R) (V : S -> R) (v d : W -> Time__ T -> R) (last : W -> R) (start : R) : Prop :=
  D V /\ (forall w t, v w t = V (X w t)) /\ (forall w t, d w t = L V w t) /\ (forall w, last w = V (X w (last__ h))) /\
  start = V x0.
Section Flow.
Context {W S : Type} {T : R} (h : 0 <= T).
Context {LE : (W -> R) -> Prop} {E : (W -> R) -> R} {LI : (Time__ T -> R) -> Prop} {Int : (Time__ T -> R) -> R}.
Context {X : W -> Time__ T -> S} {x0 : S} {D : (S -> R) -> Prop} {L : (S -> R) -> W -> Time__ T -> R}.
Hypothesis (DY : dynkin__ h LE E LI Int X x0 D L).
Lemma flow__0 : flow__ h X x0 D L (fun _ => 0) (fun _ _ => 0) (fun _ _ => 0) (fun _ => 0) 0.
Proof.
  destruct DY as ([o z] & lin & _). destruct (lin (-1) _ _ o o) as [p q].
  assert (e : (fun x : S => (-1) * 1 + 1) = (fun _ => 0)) by (apply ext__; intros x; ring). rewrite e in p, q.
  split; [exact p | repeat split]. intros w t. rewrite q, z. ring.
Qed.
Lemma flow__one : flow__ h X x0 D L (fun _ => 1) (fun _ _ => 1) (fun _ _ => 0) (fun _ => 1) 1.
Proof. destruct DY as ([o z] & _). split; [exact o | repeat split]. intros w t. rewrite z. reflexivity. Qed.
Lemma flow__lin (a : R) {V V' : S -> R} {v v' d d' : W -> Time__ T -> R} {l l' : W -> R} {s s' : R} :
  flow__ h X x0 D L V v d l s -> flow__ h X x0 D L V' v' d' l' s' ->
  flow__ h X x0 D L (fun x => a * V x + V' x) (fun w t => a * v w t + v' w t) (fun w t => a * d w t + d' w t)
    (fun w => a * l w + l' w) (a * s + s').
Proof.
  intros (m & f & g & i & ->) (m' & f' & g' & i' & ->). destruct DY as (_ & lin & _). destruct (lin a _ _ m m') as [p q].
  split; [exact p | split; [intros w t; rewrite f, f'; reflexivity | split; [intros w t; rewrite q, g, g'; reflexivity |]]].
  split; [intros w; rewrite i, i'; reflexivity | reflexivity].
Qed.
Context {V : S -> R} {v d : W -> Time__ T -> R} {last : W -> R} {start : R}.
Hypothesis (P : flow__ h X x0 D L V v d last start) (i : LE last).
Lemma flow__telescope (c s : R) :
  (forall w t, c <= v w t) -> has__ (both__ LE LI Int) (path__ E Int) d s -> both__ LE LI Int (fun w t => Rabs (d w t)) ->
  E last + (-1) * start <= s.
Proof.
  intros l m m'. destruct P as (DV & F & G & FE & ->). rewrite (ext__ _ _ FE) in *. destruct DY as (_ & _ & ito).
  pose proof (ito (fun _ => 1) (fun _ => 0) V c s d) as z. cbv beta in z.
  assert (r : 1 * E (fun w => V (X w (last__ h))) <= 1 * V x0 + s); [| lra]. apply z; try assumption.
  - intros t. apply derivable_pt_lim_const.
  - intros t. apply continuity_const. intros x y. reflexivity.
  - intros _. lra.
  - intros w t. rewrite <- F. apply l.
  - intros w t. rewrite G. lra.
Qed.
Hypothesis (ME : mean__ LE E 1) (MI : mean__ LI Int T).
Lemma flow__decay (c k b : R) :
  (forall w t, c <= v w t) -> 0 < k -> (forall w t, d w t <= ((-1) * k) * v w t + b) ->
  E last <= start * exp (((-1) * k) * T) + (b * / k) * (1 + (-1) * exp (((-1) * k) * T)).
Proof.
  intros r kp e. destruct P as (DV & F & G & FE & ->). rewrite (ext__ _ _ FE) in *. destruct DY as ([o z] & lin & ito).
  destruct (lin (- (b / k)) _ _ o DV) as [p q].
  assert (m' : has__ LE E (fun w => - (b / k) * 1 + V (X w (last__ h))) (E (fun w => V (X w (last__ h))) - b / k)).
  { apply (has__is (has__lin ME (- (b / k)) (fun _ => 1) _ 1 _ (has__1 ME 1 eq_refl) (own__ E i))). ring. }
  pose proof (ito (fun t => exp (k * t)) (fun t => exp (k * t) * k) (fun x => - (b / k) * 1 + V x) (c - b / k) 0
    (fun _ _ => 0)) as y. cbv beta in y.
  rewrite (proj2 m'), Rmult_0_r, exp_0 in y.
  assert (u : exp (k * T) * (E (fun w => V (X w (last__ h))) - b / k) <= 1 * (- (b / k) * 1 + V x0) + 0).
  { apply y.
    - intros t. apply (derivable_pt_lim_comp (fun t => k * t) exp t k (exp (k * t))); [| apply derivable_pt_lim_exp].
      pose proof (derivable_pt_lim_scal id k t 1 (derivable_pt_lim_id t)) as d'. rewrite Rmult_1_r in d'. exact d'.
    - intros t. apply derivable_continuous_pt. reg.
    - intros t. apply Rlt_le, exp_pos.
    - exact p.
    - intros w t. pose proof (r w t) as g. rewrite F in g. lra.
    - apply m'.
    - apply (both__0 ME MI).
    - rewrite Rabs_R0. apply (both__0 ME MI).
    - intros w t. pose proof (e w t) as f. rewrite G, F in f. rewrite q, z. pose proof (exp_pos (k * proj1_sig t)) as x.
      pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ x) f). assert (k * (b / k) = b) by (field; lra). nra. }
  replace ((-1) * k * T) with (- (k * T)) by ring. rewrite exp_Ropp. pose proof (exp_pos (k * T)) as x.
  pose proof (Rinv_0_lt_compat _ x) as i'. apply (Rmult_le_compat_l _ _ _ (Rlt_le _ _ i')) in u.
  rewrite <- Rmult_assoc, Rinv_l in u by lra. unfold Rdiv in u. lra.
Qed.
Lemma flow__summable (a b : Time__ T -> R) (y : W -> Time__ T -> R) (A B Y : R) : discounted__ h LE E LI Int X x0 D L ->
  (forall w t, 0 <= v w t) -> (forall t, 0 <= a t) -> (forall t, 0 <= b t) -> (forall w t, 0 <= y w t) ->
  (forall w t, d w t <= a t * v w t + b t + (-1) * y w t) -> has__ LI Int a A -> has__ LI Int b B ->
  has__ (both__ LE LI Int) (path__ E Int) y Y -> E last + Y <= exp A * (start + B).
Proof.
  intros dis l a0 b0 y0 e ma mb my. destruct P as (DV & F & G & FE & ->). rewrite (ext__ _ _ FE) in *.
  pose proof (dis V a b y A B Y DV) as z. apply (Rmult_le_reg_l (exp ((-1) * A))); [apply exp_pos |].
  rewrite <- Rmult_assoc, <- exp_plus. replace ((-1) * A + A) with 0 by ring. rewrite exp_0, Rmult_1_l. apply z; try assumption.
  - intros w t. rewrite <- F. apply l.
  - intros w t. pose proof (e w t) as f. rewrite G, F in f. lra.
Qed.
End Flow.

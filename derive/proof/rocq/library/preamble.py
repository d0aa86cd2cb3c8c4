"""Basic lemmas for the head of exported files; a file gets those that it uses.

Every lemma's name contains a double underscore, which no name in a certificate does.
"""

PREAMBLE = r"""Require Import Reals Lra List.
Open Scope R_scope.

Lemma q__pos (p q : positive) : 0 < IZR (Zpos p) / IZR (Zpos q).
Proof. apply Rdiv_lt_0_compat; apply IZR_lt; reflexivity. Qed.
Lemma z__pos (p : positive) : 0 < IZR (Zpos p).
Proof. apply IZR_lt; reflexivity. Qed.
Lemma weak__ {a b : R} : a < b -> a <= b. Proof. apply Rlt_le. Qed.
Lemma refl__ (a : R) : a <= a. Proof. apply Rle_refl. Qed.
Lemma same__ (a : R) : a = a. Proof. reflexivity. Qed.
Lemma trans__ {a b c : R} : a = b -> b = c -> a = c. Proof. intros -> ->; reflexivity. Qed.
Lemma sym__ {a b : R} : a = b -> b = a. Proof. intros ->; reflexivity. Qed.
Lemma minus__ (a : R) : (-1) * a = - a. Proof. ring. Qed.
Lemma between__le {a b c d : R} : a <= b -> a = c -> b = d -> c <= d. Proof. intros h <- <-; exact h. Qed.
Lemma between__eq {a b c d : R} : a = b -> a = c -> b = d -> c = d. Proof. intros h <- <-; exact h. Qed.
Lemma between__lt {a b c d : R} : a < b -> a = c -> b = d -> c < d. Proof. intros h <- <-; exact h. Qed.
Lemma between__ne {a b c d : R} : a <> b -> a = c -> b = d -> c <> d. Proof. intros h <- <-; exact h. Qed.
Lemma once__ {a b : R} : a = b -> a = 1 * b. Proof. intros ->; ring. Qed.
Lemma cong__add {a b c d : R} : a = b -> c = d -> a + c = b + d. Proof. intros -> ->; reflexivity. Qed.
Lemma cong__mul {a b c d : R} : a = b -> c = d -> a * c = b * d. Proof. intros -> ->; reflexivity. Qed.
Lemma inv__0 {a : R} : a = 0 -> / a = 0. Proof. intros ->. apply Rinv_0. Qed.
Lemma inv__number (a d : R) : d * a = 1 -> / a = d.
Proof.
  intros H. assert (a <> 0) by (intros ->; lra). apply Rmult_eq_reg_r with a; [| assumption]. rewrite H. apply Rinv_l. assumption.
Qed.
Lemma under__ (f : R -> R) {a b : R} : a = b -> f a = f b. Proof. intros ->; reflexivity. Qed.
Lemma square__ (a : R) : 0 <= a ^ 2. Proof. apply pow2_ge_0. Qed.
Lemma mul__le {a b : R} : 0 <= a -> 0 <= b -> 0 <= a * b. Proof. apply Rmult_le_pos. Qed.
Lemma mul__lt {a b : R} : 0 < a -> 0 < b -> 0 < a * b. Proof. apply Rmult_lt_0_compat. Qed.
Lemma add__le {a b : R} : 0 <= a -> 0 <= b -> 0 <= a + b. Proof. lra. Qed.
Lemma add__lt {a b : R} : 0 < a -> 0 <= b -> 0 < a + b. Proof. lra. Qed.
Lemma slack__le {l r : R} : l <= r -> 0 <= r - l. Proof. lra. Qed.
Lemma slack__lt {l r : R} : l < r -> 0 < r - l. Proof. lra. Qed.
Lemma eq__zero {l r : R} (t : R) : l = r -> t * (r - l) = 0. Proof. intros ->; ring. Qed.
Lemma eq__add {a b : R} : a = 0 -> b = 0 -> a + b = 0. Proof. lra. Qed.
Lemma by__le (m s e l r : R) : 0 < m -> 0 <= s -> e = 0 -> m * (r - l) = s + e -> l <= r.
Proof.
  intros hm hs -> H. destruct (Rle_or_lt l r) as [h | h]; [exact h |].
  assert (0 < m * (l - r)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.
Lemma by__lt (m s e l r : R) : 0 < m -> 0 < s -> e = 0 -> m * (r - l) = s + e -> l < r.
Proof.
  intros hm hs -> H. destruct (Rlt_or_le l r) as [h | h]; [exact h |].
  assert (0 <= m * (l - r)) by (apply Rmult_le_pos; lra). lra.
Qed.
Lemma by__eq (m s e l r : R) : 0 < m -> s = 0 -> e = 0 -> m * (r - l) = s + e -> l = r.
Proof. intros hm -> -> H. rewrite Rplus_0_l in H. destruct (Rmult_integral _ _ H); lra. Qed.
Lemma by__ne (a b c d : R) : a <> b -> d - c = b - a \/ d - c = a - b -> c <> d.
Proof. intros h [H | H] e; apply h; lra. Qed.
Lemma below__ (l r q : R) : l <= r -> r - l = q -> q < 0 -> False. Proof. lra. Qed.
Lemma below__lt (l r q : R) : l < r -> r - l = q -> q <= 0 -> False. Proof. lra. Qed.
Lemma ne__lt {l r : R} : l < r -> l <> r. Proof. lra. Qed.
Lemma ne__factor (l r f g : R) : l <> r -> r - l = f * g -> f <> 0.
Proof. intros h E e. apply h. rewrite e, Rmult_0_l in E. lra. Qed.
Lemma by__product (l r v : R) : v = 1 -> r - l = 1 - v \/ r - l = v - 1 -> l = r.
Proof. intros -> [E | E]; lra. Qed.
Lemma inv__pair (p : R) : p <> 0 -> p * / p = 1. Proof. apply Rinv_r. Qed.
Lemma inv__scaled (p c q d : R) : p = c * q -> d * c = 1 -> / p = d * / q.
Proof.
  intros -> H. assert (c <> 0) by (intros ->; lra). rewrite Rinv_mult. f_equal.
  apply Rmult_eq_reg_r with c; [| assumption]. rewrite H. apply Rinv_l. assumption.
Qed.
Lemma split__ (l r : R) (P : Prop) : (l <= r -> P) -> (r < l -> P) -> P.
Proof. intros a b. destruct (Rle_or_lt l r); auto. Qed.

Lemma law__exp_add (s t u es et eu : R) : es = exp s -> et = exp t -> eu = exp u -> u = s + t -> eu = es * et.
Proof. intros -> -> -> ->. apply exp_plus. Qed.
Lemma law__log_exp (t e l : R) : e = exp t -> l = ln e -> l = t.
Proof. intros -> ->. apply ln_exp. Qed.
Lemma law__exp_log (t l e : R) : l = ln t -> e = exp l -> 0 < t -> e = t.
Proof. intros -> -> h. apply exp_ln; exact h. Qed.
Lemma law__log_mul (s t u ls lt lu : R) :
  ls = ln s -> lt = ln t -> lu = ln u -> u = s * t -> 0 < s -> 0 < t -> lu = ls + lt.
Proof. intros -> -> -> -> hs ht. apply ln_mult; assumption. Qed.
Lemma law__abs_square (t a : R) : a = Rabs t -> a ^ 2 = t ^ 2.
Proof. intros ->. apply pow2_abs. Qed.
Lemma law__abs_nonneg (t a : R) : a = Rabs t -> 0 <= a.
Proof. intros ->. apply Rabs_pos. Qed.
Lemma law__sqrt_nonneg (t a : R) : a = sqrt t -> 0 <= a.
Proof. intros ->. apply sqrt_pos. Qed.
Lemma law__sqrt_square (t a : R) : a = sqrt t -> 0 <= t -> a ^ 2 = t.
Proof. intros -> h. apply pow2_sqrt; exact h. Qed.
Lemma law__abs_of_positive (t a : R) : a = Rabs t -> 0 <= t -> a = t.
Proof. intros -> h. apply Rabs_pos_eq; exact h. Qed.
Lemma law__abs_of_negative (t a : R) : a = Rabs t -> t <= 0 -> a = (-1) * t.
Proof. intros -> h. rewrite Rabs_left1 by exact h. ring. Qed.
Lemma law__sqrt_of_square (t s a : R) : a = sqrt s -> s = t ^ 2 -> 0 <= t -> a = t.
Proof. intros -> -> h. rewrite <- Rsqr_pow2. apply sqrt_Rsqr; exact h. Qed.
Lemma law__exp_positive (t a : R) : a = exp t -> 0 < a.
Proof. intros ->. apply exp_pos. Qed.

Definition rising__ (f : R -> R) (P : R -> Prop) : Prop := forall s t, P s -> s < t -> f s < f t.
Definition any__ (x : R) : Prop := True.
Definition here__ (x : R) : any__ x := I.
Lemma rise__lt (f : R -> R) (P : R -> Prop) (H : rising__ f P) (s t a b : R) : a = f s -> b = f t -> P s -> s < t -> a < b.
Proof. intros -> -> p h. apply H; assumption. Qed.
Lemma rise__le (f : R -> R) (P : R -> Prop) (H : rising__ f P) (s t a b : R) : a = f s -> b = f t -> P s -> s <= t -> a <= b.
Proof. intros -> -> p [h | ->]; [apply Rlt_le, H; assumption | apply Rle_refl]. Qed.
Lemma exp__rise : rising__ exp any__. Proof. intros s t _; apply exp_increasing. Qed.
Lemma atan__rise : rising__ atan any__. Proof. intros s t _; apply atan_increasing. Qed.
Lemma ln__rise : rising__ ln (Rlt 0). Proof. exact ln_increasing. Qed.
Lemma sqrt__rise : rising__ sqrt (Rle 0). Proof. intros s t p h; apply sqrt_lt_1_alt; split; assumption. Qed.
Lemma exp__0 : 1 = exp 0. Proof. symmetry; apply exp_0. Qed.
Lemma ln__1 : 0 = ln 1. Proof. symmetry; apply ln_1. Qed.
Lemma atan__0 : 0 = atan 0. Proof. symmetry; apply atan_0. Qed.
Lemma sqrt__0 : 0 = sqrt 0. Proof. symmetry; apply sqrt_0. Qed.
Lemma sqrt__1 : 1 = sqrt 1. Proof. symmetry; apply sqrt_1. Qed.
Lemma abs__right (a b : R) : 0 <= b -> a = b -> a = Rabs b. Proof. intros h ->. rewrite Rabs_right; lra. Qed.
Lemma abs__left (a b : R) : b <= 0 -> a = - b -> a = Rabs b. Proof. intros h ->. rewrite Rabs_left1; lra. Qed.

Lemma is__odd (f : R -> R) (H : forall x, f (- x) = - f x) (t u : R) : u = - t -> f u = - f t.
Proof. intros ->. apply H. Qed.
Lemma above__ (a b : R) : Rabs a <= b -> a <= b. Proof. pose proof (Rle_abs a). lra. Qed.
Lemma under__abs (a b : R) : Rabs a <= b -> (-1) * b <= a.
Proof. pose proof (Rle_abs (- a)) as h. rewrite Rabs_Ropp in h. lra. Qed.
Definition concave__ (f : R -> R) : Prop :=
  forall s t a, 0 <= s -> 0 <= t -> 0 <= a -> a <= 1 -> a * f s + (1 - a) * f t <= f (a * s + (1 - a) * t).
Lemma is__concave (f : R -> R) (H : concave__ f) (s t a u : R) :
  u = a * s + (1 + (-1) * a) * t -> 0 <= s -> 0 <= t -> 0 <= a -> a <= 1 -> a * f s + (1 + (-1) * a) * f t <= f u.
Proof. intros ->. replace (1 + (-1) * a) with (1 - a) by ring. apply H. Qed.
"""

SUMS = r"""
Fixpoint Sum {J : Type} (l : list J) (f : J -> R) : R := match l with nil => 0 | cons x m => f x + Sum m f end.
Lemma sum__le {J : Type} (l : list J) (f g : J -> R) : (forall j, f j <= g j) -> Sum l f <= Sum l g.
Proof. intros h. induction l as [| x m ih]; simpl; [apply Rle_refl | apply Rplus_le_compat; [apply h | exact ih]]. Qed.
Lemma sum__eq {J : Type} (l : list J) (f g : J -> R) : (forall j, f j = g j) -> Sum l f = Sum l g.
Proof. intros h. induction l as [| x m ih]; simpl; [reflexivity | rewrite h, ih; reflexivity]. Qed.
Lemma sum__one {J : Type} (l : list J) (f : J -> R) : (forall j, 0 <= f j) -> forall j, In j l -> f j <= Sum l f.
Proof.
  intros h j. assert (p : forall m, 0 <= Sum m f).
  { induction m as [| x m ih]; simpl; [apply Rle_refl | pose proof (h x); lra]. }
  induction l as [| x m ih]; simpl; [contradiction |]. pose proof (h x). pose proof (p m).
  intros [-> | k]; [lra | specialize (ih k); lra].
Qed.
Lemma some__ {J : Type} (l : list J) (n : R) (P : Prop) : n = INR (length l) -> 0 < n -> (J -> P) -> P.
Proof. destruct l as [| x m]; simpl; intros h k p; [lra | exact (p x)]. Qed.
"""

# Derivatives and inequalities in one variable, for `ball` steps.
CALCULUS = r"""
Notation D__ := derivable_pt_lim (only parsing).
Lemma num__ (n : nat) : IZR (Z.of_nat n) = INR n. Proof. symmetry. apply INR_IZR_INZ. Qed.
Lemma zero__le (a b : R) : 0 <= a -> a <= b -> 0 <= b. Proof. lra. Qed.
Lemma zero__lt (a b : R) : 0 < a -> a <= b -> 0 < b. Proof. lra. Qed.
Lemma move__le {a b : R} : a = b -> 0 <= b -> 0 <= a. Proof. intros ->; auto. Qed.
Lemma move__lt {a b : R} : a = b -> 0 < b -> 0 < a. Proof. intros ->; auto. Qed.
Lemma from__le (m p : R) : 0 < m -> 0 <= m * p -> 0 <= p.
Proof. intros h k. destruct (Rle_or_lt 0 p); [assumption |]. assert (0 < m * - p) by (apply Rmult_lt_0_compat; lra). lra. Qed.
Lemma from__lt (m p : R) : 0 < m -> 0 < m * p -> 0 < p.
Proof. intros h k. destruct (Rlt_or_le 0 p); [assumption |]. assert (0 <= m * - p) by (apply Rmult_le_pos; lra). lra. Qed.
Lemma pos__ne {a : R} : 0 < a -> a <> 0. Proof. lra. Qed.
Lemma neg__ne {a : R} : 0 < (-1) * a -> a <> 0. Proof. lra. Qed.
Lemma d__const (c x : R) : D__ (fun _ => c) x 0. Proof. apply (derivable_pt_lim_const c x). Qed.
Lemma d__id (x : R) : D__ (fun y => y) x 1. Proof. apply (derivable_pt_lim_id x). Qed.
Lemma d__add (f g : R -> R) (x a b : R) : D__ f x a -> D__ g x b -> D__ (fun y => f y + g y) x (a + b).
Proof. apply derivable_pt_lim_plus. Qed.
Lemma d__mul (f g : R -> R) (x a b : R) : D__ f x a -> D__ g x b -> D__ (fun y => f y * g y) x (a * g x + f x * b).
Proof. apply derivable_pt_lim_mult. Qed.
Lemma d__pow (n : nat) (c : R) (f : R -> R) (x a : R) :
  c = INR n -> D__ f x a -> D__ (fun y => f y ^ n) x (c * f x ^ pred n * a).
Proof. intros -> h. apply (derivable_pt_lim_comp f (fun y => y ^ n) x a _ h), derivable_pt_lim_pow. Qed.
Lemma d__inv (f : R -> R) (x a : R) : f x <> 0 -> D__ f x a -> D__ (fun y => / f y) x ((-1) * a * (/ f x) ^ 2).
Proof.
  intros n h. pose proof (derivable_pt_lim_div (fct_cte 1) f x 0 a (derivable_pt_lim_const 1 x) h n) as k.
  replace ((-1) * a * (/ f x) ^ 2) with ((0 * f x - a * fct_cte 1 x) / (f x)²) by (unfold fct_cte, Rsqr; field; exact n).
  intros eps p. destruct (k eps p) as [delta K]. exists delta. intros s s0 sd.
  specialize (K s s0 sd). unfold div_fct, fct_cte in K. unfold Rdiv in K |- *. rewrite !Rmult_1_l in K. exact K.
Qed.
Lemma d__exp (f : R -> R) (x a : R) : D__ f x a -> D__ (fun y => exp (f y)) x (exp (f x) * a).
Proof. intros h. apply (derivable_pt_lim_comp f exp x a _ h), derivable_pt_lim_exp. Qed.
Lemma d__ln (f : R -> R) (x a : R) : 0 < f x -> D__ f x a -> D__ (fun y => ln (f y)) x (/ f x * a).
Proof. intros p h. apply (derivable_pt_lim_comp f ln x a _ h), derivable_pt_lim_ln, p. Qed.
Lemma d__sqrt (f : R -> R) (x a : R) : 0 < f x -> D__ f x a -> D__ (fun y => sqrt (f y)) x (/ (2 * sqrt (f x)) * a).
Proof. intros p h. apply (derivable_pt_lim_comp f sqrt x a _ h), derivable_pt_lim_sqrt, p. Qed.
Lemma d__atan (f : R -> R) (x a : R) : D__ f x a -> D__ (fun y => atan (f y)) x (/ (1 + f x ^ 2) * a).
Proof. intros h. apply (derivable_pt_lim_comp f atan x a _ h), derivable_pt_lim_atan. Qed.
Lemma d__same (f : R -> R) (x a b : R) : a = b -> D__ f x a -> D__ f x b. Proof. intros <-; auto. Qed.
Lemma zero__open (a b : R) : 0 <= a -> a < b -> 0 < b. Proof. lra. Qed.
Lemma odd__atan (p : R) : atan ((-1) * p) = (-1) * atan p.
Proof. replace ((-1) * p) with (- p) by ring. rewrite atan_opp. ring. Qed.
Lemma exp__up (z : Z) (n : nat) (b : R) : z = Z.of_nat n -> exp (IZR z * b) = exp b ^ n.
Proof.
  intros ->. rewrite <- INR_IZR_INZ. induction n as [| n ih]; [simpl; rewrite Rmult_0_l; apply exp_0 |].
  rewrite S_INR, Rmult_plus_distr_r, exp_plus, ih. simpl. rewrite Rmult_1_l. ring.
Qed.
Lemma exp__down (z : Z) (n : nat) (b : R) : z = Z.opp (Z.of_nat n) -> exp (IZR z * b) = (/ exp b) ^ n.
Proof.
  intros ->. rewrite opp_IZR, Ropp_mult_distr_l_reverse, exp_Ropp, (exp__up _ n _ eq_refl), pow_inv. reflexivity.
Qed.
Ltac nonzero__ := solve [assumption | lra | (let z := fresh in intro z; lra) | apply Rgt_not_eq; nra | apply Rlt_not_eq; nra | nra].
Lemma up__ (f d : R -> R) (a x : R) :
  a <= x -> (forall y, a <= y -> y <= x -> D__ f y (d y)) -> (forall y, a <= y -> y <= x -> 0 <= d y) -> f a <= f x.
Proof.
  intros [h | ->] H K; [| apply Rle_refl]. destruct (MVT_cor2 f d a x h) as (c & e & p & q); [intros c [p q]; auto |].
  assert (0 <= d c * (x - a)) by (apply Rmult_le_pos; [apply K; lra | lra]). lra.
Qed.
Lemma down__ (f d : R -> R) (b x : R) :
  x <= b -> (forall y, x <= y -> y <= b -> D__ f y (d y)) -> (forall y, x <= y -> y <= b -> 0 <= (-1) * d y) -> f b <= f x.
Proof.
  intros [h | ->] H K; [| apply Rle_refl]. destruct (MVT_cor2 f d x b h) as (c & e & p & q); [intros c [p q]; auto |].
  assert (0 <= (-1) * d c * (b - x)) by (apply Rmult_le_pos; [apply K; lra | lra]). lra.
Qed.
Lemma up__open (f d : R -> R) (a x : R) :
  a < x -> (forall y, a <= y -> y <= x -> D__ f y (d y)) -> (forall y, a < y -> y <= x -> 0 < d y) -> f a < f x.
Proof.
  intros h H K. destruct (MVT_cor2 f d a x h) as (c & e & p & q); [intros c [p q]; auto |].
  assert (0 < d c * (x - a)) by (apply Rmult_lt_0_compat; [apply K; lra | lra]). lra.
Qed.
"""

TANH = r"""
Lemma tanh__form (x : R) : tanh x = 1 - 2 * / (exp (2 * x) + 1).
Proof.
  unfold tanh, sinh, cosh. rewrite exp_Ropp. replace (2 * x) with (x + x) by ring. rewrite exp_plus.
  pose proof (exp_pos x) as h. assert (exp x * exp x + 1 <> 0) by (pose proof (Rmult_lt_0_compat _ _ h h); lra).
  field. split; [assumption | lra].
Qed.
Lemma tanh__rise : rising__ tanh any__.
Proof.
  intros s t _ h. rewrite !tanh__form. pose proof (exp_pos (2 * s)). pose proof (exp_pos (2 * t)).
  assert (exp (2 * s) < exp (2 * t)) by (apply exp_increasing; lra).
  assert (/ (exp (2 * t) + 1) < / (exp (2 * s) + 1)).
  { apply Rinv_lt_contravar; [apply Rmult_lt_0_compat; lra | lra]. }
  lra.
Qed.
Lemma tanh__0 : 0 = tanh 0.
Proof. unfold tanh. rewrite sinh_0. unfold Rdiv. ring. Qed.
"""

# Needs CALCULUS.
TANH_DERIVATIVE = r"""
Lemma d__tanh (f : R -> R) (x a : R) : D__ f x a -> D__ (fun y => tanh (f y)) x ((1 + (-1) * tanh (f x) ^ 2) * a).
Proof.
  intros h. apply (derivable_pt_lim_comp f tanh x a _ h). set (p := f x).
  assert (c : 0 < cosh p) by (unfold cosh; pose proof (exp_pos p); pose proof (exp_pos (- p)); lra).
  replace (1 + (-1) * tanh p ^ 2) with ((cosh p * cosh p - sinh p * sinh p) / Rsqr (cosh p)) by (unfold tanh, Rsqr; field; lra).
  change tanh with (sinh / cosh)%F. apply derivable_pt_lim_div; [apply derivable_pt_lim_sinh | apply derivable_pt_lim_cosh | lra].
Qed.
Lemma tanh__exp (p : R) : tanh p = (1 + (-1) * exp ((-2) * p)) * (/ (1 + exp ((-2) * p))).
Proof.
  unfold tanh, sinh, cosh. replace ((-2) * p) with (- p + - p) by ring. rewrite exp_plus, exp_Ropp. pose proof (exp_pos p) as h.
  pose proof (Rinv_0_lt_compat _ h). assert (exp p * exp p + 1 <> 0) by (pose proof (Rmult_lt_0_compat _ _ h h); lra).
  field. repeat split; try lra.
Qed.
Lemma odd__tanh (p : R) : tanh ((-1) * p) = (-1) * tanh p.
Proof.
  replace ((-1) * p) with (- p) by ring. unfold tanh, sinh, cosh. rewrite Ropp_involutive. unfold Rdiv.
  rewrite (Rplus_comm (exp (- p))). ring.
Qed.
"""

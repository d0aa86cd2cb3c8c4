(* Basic lemmas. The name of every lemma contains a double underscore, which no name in a certificate does. *)
Require Import Reals Lra List.
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

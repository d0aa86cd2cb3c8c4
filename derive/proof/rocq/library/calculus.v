(* Derivatives and inequalities in one variable, for ball steps. *)

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

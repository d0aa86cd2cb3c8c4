(* Limits at +oo, along A, A + 1, ..: a decreasing function lies above its limit there. Needs calculus. *)

Definition lim__ (A : R) (f : R -> R) (c : R) : Prop := Un_cv (fun n => f (INR n + A)) c.
Definition big__ (A : R) (f : R -> R) : Prop := forall M, exists N, forall n, (N <= n)%nat -> M < f (INR n + A).
Lemma lim__const (A c : R) : lim__ A (fun _ => c) c.
Proof. intros e h. exists 0%nat. intros n _. unfold R_dist. rewrite Rminus_diag_eq, Rabs_R0 by reflexivity. exact h. Qed.
Lemma lim__add (A : R) (f g : R -> R) (a b : R) : lim__ A f a -> lim__ A g b -> lim__ A (fun x => f x + g x) (a + b).
Proof. apply CV_plus. Qed.
Lemma lim__mul (A : R) (f g : R -> R) (a b : R) : lim__ A f a -> lim__ A g b -> lim__ A (fun x => f x * g x) (a * b).
Proof. apply CV_mult. Qed.
Lemma lim__pow (A : R) (f : R -> R) (a : R) (n : nat) : lim__ A f a -> lim__ A (fun x => f x ^ n) (a ^ n).
Proof. intros h. induction n as [| n ih]; [apply (lim__const A 1) | apply (lim__mul A f (fun x => f x ^ n) a (a ^ n) h ih)]. Qed.
Lemma lim__same (A : R) (f g : R -> R) (c : R) : (forall x, A <= x -> f x = g x) -> lim__ A g c -> lim__ A f c.
Proof.
  intros h k e p. destruct (k e p) as [N K]. exists N. intros n q. rewrite h by (pose proof (pos_INR n); lra). apply K, q.
Qed.
Lemma big__id (A : R) : 0 < A -> big__ A (fun x => x).
Proof.
  intros h M. destruct (INR_unbounded M) as [N p]. exists N. intros n q. pose proof (le_INR _ _ q). lra.
Qed.
Lemma lim__inf (A : R) (f : R -> R) : big__ A f -> lim__ A (fun x => / f x) 0.
Proof. intros h. apply cv_infty_cv_0. exact h. Qed.
Lemma lim__u (A : R) : 0 < A -> lim__ A (fun x => / x) 0.
Proof. intros h. apply (lim__inf A (fun x => x)), big__id, h. Qed.
Lemma lim__inv (A : R) (f : R -> R) (c : R) : c <> 0 -> lim__ A f c -> lim__ A (fun x => / f x) (/ c).
Proof.
  intros n h. apply (continuity_seq Rinv (fun k => f (INR k + A)) c); [| exact h].
  apply (continuity_pt_inv id c); [apply derivable_continuous_pt, derivable_pt_id | exact n].
Qed.
Lemma big__lead (A : R) (n : nat) (q : R -> R) (c : R) : 1 <= A -> 0 < c -> lim__ A q c -> big__ A (fun x => x ^ S n * q x).
Proof.
  intros h p k M. destruct (k (c / 2) ltac:(lra)) as [N K]. destruct (big__id A ltac:(lra) (Rabs M * (2 / c))) as [N' K'].
  exists (max N N'). intros m l. specialize (K m ltac:(apply (Nat.le_trans _ (max N N')); [apply Nat.le_max_l | exact l])).
  specialize (K' m ltac:(apply (Nat.le_trans _ (max N N')); [apply Nat.le_max_r | exact l])). cbv beta in K'.
  unfold R_dist in K. apply Rabs_def2 in K. set (x := INR m + A) in *. assert (1 <= x) by (unfold x; pose proof (pos_INR m); lra).
  assert (1 <= x ^ n) by (apply pow_R1_Rle; assumption). simpl.
  assert (x * 1 <= x * x ^ n) by (apply Rmult_le_compat_l; lra).
  assert (x * (c / 2) <= (x * x ^ n) * q x) by (apply Rmult_le_compat; lra).
  assert (Rabs M * (2 / c) * (c / 2) < x * (c / 2)) by (apply Rmult_lt_compat_r; lra).
  replace (Rabs M * (2 / c) * (c / 2)) with (Rabs M) in * by (field; lra). pose proof (Rle_abs M). lra.
Qed.
Lemma lim__exp (A : R) (p : R -> R) : big__ A p -> lim__ A (fun x => exp ((-1) * p x)) 0.
Proof.
  intros h e k. destruct (h (- ln e)) as [N K]. exists N. intros n l. specialize (K n l). unfold R_dist.
  rewrite Rminus_0_r, Rabs_right by (apply Rle_ge, Rlt_le, exp_pos). rewrite <- (exp_ln e k). apply exp_increasing. lra.
Qed.
Lemma exp__above (y : R) (m : nat) : 0 <= y -> y ^ m <= exp (INR m * y).
Proof.
  intros h. induction m as [| m ih]; [simpl; rewrite Rmult_0_l, exp_0; lra |].
  rewrite S_INR. replace ((INR m + 1) * y) with (y + INR m * y) by ring. rewrite exp_plus. simpl.
  apply Rmult_le_compat; [exact h | apply pow_le, h | pose proof (exp_ineq1_le y); lra | exact ih].
Qed.
Lemma lim__decay (A : R) (k n : nat) (q : R -> R) (c : R) :
  1 <= A -> 0 < c -> lim__ A q c -> lim__ A (fun x => x ^ k * exp ((-1) * (x ^ S n * q x))) 0.
Proof.
  intros a p h e i. pose proof (lt_0_INR (S k) (Nat.lt_0_succ k)) as s. set (b := c / 2 / INR (S k)).
  assert (0 < b) by (unfold b; apply Rdiv_lt_0_compat; lra).
  pose proof (Rmult_lt_0_compat _ _ (pow_lt b (S k) ltac:(assumption)) i) as B.
  destruct (h (c / 2) ltac:(lra)) as [N K]. destruct (big__id A ltac:(lra) (/ (b ^ S k * e))) as [N' K'].
  exists (max N N'). intros m l. specialize (K m ltac:(apply (Nat.le_trans _ (max N N')); [apply Nat.le_max_l | exact l])).
  specialize (K' m ltac:(apply (Nat.le_trans _ (max N N')); [apply Nat.le_max_r | exact l])). cbv beta in K'.
  unfold R_dist in K. apply Rabs_def2 in K. set (x := INR m + A) in *. assert (1 <= x) by (unfold x; pose proof (pos_INR m); lra).
  pose proof (pow_R1_Rle x n ltac:(assumption)). assert (x * 1 <= x * x ^ n) by (apply Rmult_le_compat_l; lra).
  assert (f : INR (S k) * (b * x) <= x ^ S n * q x).
  { replace (INR (S k) * (b * x)) with (x * (c / 2)) by (unfold b; field; lra). simpl. apply Rmult_le_compat; lra. }
  pose proof (exp__above (b * x) (S k) (Rmult_le_pos b x ltac:(lra) ltac:(lra))) as E. rewrite Rpow_mult_distr in E.
  assert (F : exp (INR (S k) * (b * x)) <= exp (x ^ S n * q x)).
  { destruct f as [f | ->]; [apply Rlt_le, exp_increasing, f | apply Rle_refl]. }
  unfold R_dist. rewrite Rminus_0_r, Rabs_right by (apply Rle_ge, Rmult_le_pos; [apply pow_le; lra | apply Rlt_le, exp_pos]).
  replace ((-1) * (x ^ S n * q x)) with (- (x ^ S n * q x)) by ring. rewrite exp_Ropp. pose proof (exp_pos (x ^ S n * q x)).
  apply (Rmult_lt_reg_r (exp (x ^ S n * q x))); [assumption |]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply (Rmult_lt_compat_l _ _ _ B) in K'. rewrite Rinv_r in K' by lra.
  pose proof (Rmult_lt_compat_l (x ^ k) _ _ (pow_lt x k ltac:(lra)) K').
  pose proof (Rmult_le_compat_l e _ _ ltac:(lra) (Rle_trans _ _ _ E F)) as G.
  replace (e * (b ^ S k * x ^ S k)) with (x ^ k * (b ^ S k * e * x)) in G by (simpl; ring). lra.
Qed.
Lemma lim__atan (A : R) (p : R -> R) : big__ A p -> lim__ A (fun x => atan (p x)) (PI / 2).
Proof.
  intros h e k. set (d := Rmin e (PI / 2)). pose proof PI_RGT_0 as P. assert (0 < d) by (apply Rmin_glb_lt; lra).
  pose proof (Rmin_l e (PI / 2)). pose proof (Rmin_r e (PI / 2)). fold d in H0, H1.
  destruct (h (tan (PI / 2 - d))) as [N K]. exists N. intros n l. specialize (K n l). apply atan_increasing in K.
  rewrite atan_tan in K by lra. pose proof (atan_bound (p (INR n + A))). unfold R_dist. apply Rabs_def1; lra.
Qed.
Lemma limit__le (f d : R -> R) (A a c x : R) :
  a <= x -> (forall y, a <= y -> D__ f y (d y)) -> (forall y, a <= y -> 0 <= (-1) * d y) -> lim__ A f c -> 0 <= c -> 0 <= f x.
Proof.
  intros h H K L p. destruct (Rle_or_lt 0 (f x)) as [q | q]; [exact q |]. exfalso.
  destruct (L (- f x) ltac:(lra)) as [N k]. destruct (INR_unbounded (x - A)) as [m l].
  specialize (k (max N m) (Nat.le_max_l _ _)). pose proof (le_INR _ _ (Nat.le_max_r N m)). unfold R_dist in k. apply Rabs_def2 in k.
  set (y := INR (max N m) + A) in *. assert (x <= y) by (unfold y; lra).
  pose proof (down__ f d y x ltac:(lra) (fun z s t => H z ltac:(lra)) (fun z s t => K z ltac:(lra))). lra.
Qed.
Lemma limit__lt (f d : R -> R) (A a c x : R) :
  a <= x -> (forall y, a <= y -> D__ f y (d y)) -> (forall y, a <= y -> 0 < (-1) * d y) -> lim__ A f c -> 0 <= c -> 0 < f x.
Proof.
  intros h H K L p. pose proof (limit__le f d A a c (x + 1) ltac:(lra) H (fun y k => weak__ (K y k)) L p).
  destruct (MVT_cor2 f d x (x + 1) ltac:(lra)) as (z & e & q & r); [intros z [q r]; apply H; lra |].
  specialize (K z ltac:(lra)). lra.
Qed.

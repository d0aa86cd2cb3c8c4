(* The function psi: its definition and consequences. *)

(* psi(t) = (exp(t) - 1 - t) / t^2, and psi(0) = 1/2. *)
Definition psi (t : R) : R := if Req_EM_T t 0 then 1 / 2 else (exp t - 1 - t) / t ^ 2.
Lemma psi__0 : 1 / 2 = psi 0.
Proof. unfold psi. destruct (Req_EM_T 0 0); [reflexivity | lra]. Qed.
Lemma psi__else (t : R) : t <> 0 -> psi t = (exp t - 1 - t) / t ^ 2.
Proof. intros h. unfold psi. destruct (Req_EM_T t 0); [contradiction | reflexivity]. Qed.
Lemma psi__square (t : R) : psi t * t ^ 2 = exp t - 1 - t.
Proof. destruct (Req_dec t 0) as [-> | h]; [rewrite exp_0; ring | rewrite psi__else by exact h; field; exact h]. Qed.
Lemma psi__pos (t : R) : 0 < psi t.
Proof.
  destruct (Req_dec t 0) as [-> | h]; [rewrite <- psi__0; lra |]. rewrite psi__else by exact h. pose proof (exp_ineq1 t h).
  apply Rdiv_lt_0_compat; [lra | pose proof (Rsqr_pos_lt t h) as p; unfold Rsqr in p; lra].
Qed.
(* d(t) = exp(t) (t - 2) + t + 2 has the sign of t: its derivative exp(t) (t - 1) + 1 is > 0 but at 0. *)
Lemma psi__turn (t : R) : t <> 0 -> 0 < exp t * (t - 1) + 1.
Proof.
  intros h. pose proof (exp_ineq1 (- t) (Ropp_neq_0_compat t h)) as k. rewrite exp_Ropp in k. pose proof (exp_pos t) as p.
  pose proof (Rmult_lt_compat_l _ _ _ p k) as m. rewrite Rinv_r in m by lra. lra.
Qed.
Lemma psi__rises (s t : R) : s < t -> (forall x, s < x < t -> x <> 0) -> exp s * (s - 2) + s + 2 < exp t * (t - 2) + t + 2.
Proof.
  intros h n. destruct (MVT_cor2 (fun x => exp x * (x - 2) + x + 2) (fun x => exp x * (x - 1) + 1) s t h) as (c & e & k).
  - intros c _. replace (exp c * (c - 1) + 1) with (exp c * (c - 2) + exp c * (1 - 0) + 1 + 0) by ring.
    apply (derivable_pt_lim_plus (fun x => exp x * (x - 2) + x) (fun _ => 2)); [| apply derivable_pt_lim_const].
    apply (derivable_pt_lim_plus (fun x => exp x * (x - 2)) (fun x => x)); [| apply (derivable_pt_lim_id c)].
    apply (derivable_pt_lim_mult exp (fun x => x - 2)); [apply derivable_pt_lim_exp |].
    apply (derivable_pt_lim_minus (fun x => x) (fun _ => 2)); [apply (derivable_pt_lim_id c) | apply derivable_pt_lim_const].
  - pose proof (Rmult_lt_0_compat _ _ (psi__turn c (n c k)) (ltac:(lra) : 0 < t - s)). lra.
Qed.
Lemma psi__slope (x : R) : x <> 0 ->
  derivable_pt_lim (fun t => (exp t - 1 - t) / t ^ 2) x ((exp x * (x - 2) + x + 2) / x ^ 3).
Proof.
  intros h. replace ((exp x * (x - 2) + x + 2) / x ^ 3) with
    (((exp x - 0 - 1) * x ^ 2 - INR 2 * x ^ pred 2 * (exp x - 1 - x)) / Rsqr (x ^ 2)) by (unfold Rsqr; simpl; field; exact h).
  apply (derivable_pt_lim_div (fun t => exp t - 1 - t) (fun t => t ^ 2)); [| apply derivable_pt_lim_pow | apply pow_nonzero, h].
  apply (derivable_pt_lim_minus (fun t => exp t - 1) (fun t => t)); [| apply (derivable_pt_lim_id x)].
  apply (derivable_pt_lim_minus exp (fun _ => 1)); [apply derivable_pt_lim_exp | apply derivable_pt_lim_const].
Qed.
Lemma psi__side (s t : R) : s < t -> 0 < s \/ t < 0 -> psi s < psi t.
Proof.
  intros h k. rewrite !psi__else by (destruct k; lra).
  destruct (MVT_cor2 (fun t => (exp t - 1 - t) / t ^ 2) (fun x => (exp x * (x - 2) + x + 2) / x ^ 3) s t h) as (c & e & p).
  { intros c p. apply psi__slope. destruct k; lra. }
  assert (d : 0 < (exp c * (c - 2) + c + 2) / c ^ 3); [| pose proof (Rmult_lt_0_compat _ _ d (ltac:(lra) : 0 < t - s)); lra].
  destruct k as [k | k].
  - pose proof (psi__rises 0 c ltac:(lra) ltac:(intros; lra)) as r. rewrite exp_0 in r.
    apply Rdiv_lt_0_compat; [lra | apply pow_lt; lra].
  - pose proof (psi__rises c 0 ltac:(lra) ltac:(intros; lra)) as r. rewrite exp_0 in r.
    assert (0 < (- c) ^ 3) by (apply pow_lt; lra).
    replace ((exp c * (c - 2) + c + 2) / c ^ 3) with ((- (exp c * (c - 2) + c + 2)) / (- c) ^ 3) by (field; lra).
    apply Rdiv_lt_0_compat; lra.
Qed.
(* exp(t) - 1 - t - t^2/2 rises, since exp(t) - 1 - t > 0 but at 0. *)
Lemma psi__half (s t : R) : s < t -> (forall x, s < x < t -> x <> 0) -> exp s - 1 - s - s ^ 2 / 2 < exp t - 1 - t - t ^ 2 / 2.
Proof.
  intros h n. destruct (MVT_cor2 (fun x => exp x - 1 - x - x ^ 2 / 2) (fun x => exp x - 0 - 1 - INR 2 * x ^ pred 2 / 2) s t h)
    as (c & e & k).
  - intros c _. apply (derivable_pt_lim_minus (fun x => exp x - 1 - x) (fun x => x ^ 2 / 2)).
    + apply (derivable_pt_lim_minus (fun x => exp x - 1) (fun x => x)); [| apply (derivable_pt_lim_id c)].
      apply (derivable_pt_lim_minus exp (fun _ => 1)); [apply derivable_pt_lim_exp | apply derivable_pt_lim_const].
    + pose proof (derivable_pt_lim_scal (fun x => x ^ 2) (/ 2) c _ (derivable_pt_lim_pow c 2)) as d. unfold mult_real_fct in d.
      intros eps p. destruct (d eps p) as [delta D]. exists delta. intros y y0 yd. specialize (D y y0 yd). unfold Rdiv in *.
      rewrite (Rmult_comm ((c + y) ^ 2)), (Rmult_comm (c ^ 2)), (Rmult_comm (INR 2 * c ^ pred 2)). exact D.
  - pose proof (exp_ineq1 c (n c k)). simpl in e.
    pose proof (Rmult_lt_0_compat (exp c - 0 - 1 - (1 + 1) * (c * 1) / 2) (t - s) ltac:(lra) ltac:(lra)). lra.
Qed.
Lemma psi__right (t : R) : 0 < t -> 1 / 2 < psi t.
Proof.
  intros h. pose proof (psi__half 0 t h ltac:(intros; lra)) as k. rewrite exp_0 in k. pose proof (psi__square t) as e.
  assert (p : 0 < t ^ 2) by (apply pow_lt, h). apply (Rmult_lt_reg_r _ _ _ p). lra.
Qed.
Lemma psi__left (t : R) : t < 0 -> psi t < 1 / 2.
Proof.
  intros h. pose proof (psi__half t 0 h ltac:(intros; lra)) as k. rewrite exp_0 in k. pose proof (psi__square t) as e.
  assert (p : 0 < t ^ 2) by (replace (t ^ 2) with ((- t) ^ 2) by ring; apply pow_lt; lra). apply (Rmult_lt_reg_r _ _ _ p). lra.
Qed.
Lemma psi__rise : rising__ psi any__.
Proof.
  intros s t _ h. destruct (Rlt_or_le 0 s) as [p | p]; [apply psi__side; auto |].
  destruct (Rlt_or_le t 0) as [q | q]; [apply psi__side; auto |].
  destruct p as [p | ->].
  - pose proof (psi__left s p). destruct q as [q | <-]; [pose proof (psi__right t q); lra | rewrite <- psi__0; assumption].
  - rewrite <- psi__0. apply psi__right. exact h.
Qed.
Lemma psi__mono (s t : R) : s <= t -> psi s <= psi t.
Proof. apply (rise__le psi any__ psi__rise s t); [reflexivity | reflexivity | exact I]. Qed.
Lemma law__psi_square (t a e : R) : a = psi t -> e = exp t -> a * t ^ 2 = e + (-1) * 1 + (-1) * t.
Proof. intros -> ->. rewrite psi__square. ring. Qed.
Lemma law__psi_positive (t a : R) : a = psi t -> 0 < a.
Proof. intros ->. apply psi__pos. Qed.

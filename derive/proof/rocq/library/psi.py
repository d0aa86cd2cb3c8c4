"""The function psi: its definition and consequences."""

PSI = r"""
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
"""

# Needs Coquelicot, Interval and CALCULUS.
PSI_BOUNDS = r"""
(* psi(t) is the integral of (1 - s) exp(ts) over [0, 1]. *)
Lemma psi__integral (t : R) : RInt (fun s => (1 - s) * exp (t * s)) 0 1 = psi t.
Proof.
  assert (c : forall x, continuous (fun s => (1 - s) * exp (t * s)) x).
  { intros x. apply continuity_pt_filterlim, derivable_continuous_pt. reg. }
  apply is_RInt_unique. destruct (Req_dec t 0) as [-> | h].
  - replace (psi 0) with (minus (1 + (-1) * (/ 2 * 1 ^ 2)) (0 + (-1) * (/ 2 * 0 ^ 2))).
    + apply (is_RInt_derive (V := R_CompleteNormedModule) (fun s => s + (-1) * (/ 2 * s ^ 2))); intros x _; [| apply c].
      apply is_derive_Reals. rewrite Rmult_0_l, exp_0.
      replace ((1 - x) * 1) with (1 + (-1) * (/ 2 * (2 * x ^ 1 * 1))) by field. apply (d__add (fun s => s)); [apply d__id |].
      apply (derivable_pt_lim_scal (fun s => / 2 * s ^ 2)), (derivable_pt_lim_scal (fun s => s ^ 2)), (d__pow 2 2 (fun s => s));
      [reflexivity | apply d__id].
    + rewrite <- psi__0. unfold minus, plus, opp. simpl. field.
  - set (F := fun s => ((/ t + / t ^ 2) + (-1) * (/ t * s)) * exp (t * s)). replace (psi t) with (minus (F 1) (F 0)).
    + apply (is_RInt_derive (V := R_CompleteNormedModule) F); intros x _; [| apply c]. apply is_derive_Reals.
      replace ((1 - x) * exp (t * x)) with ((0 + (-1) * (/ t * 1)) * exp (t * x)
        + ((/ t + / t ^ 2) + (-1) * (/ t * x)) * (exp (t * x) * (t * 1))) by (field; exact h).
      apply (d__mul (fun s => (/ t + / t ^ 2) + (-1) * (/ t * s)) (fun s => exp (t * s))).
      * apply (d__add (fun _ => / t + / t ^ 2)); [apply d__const |].
        apply (derivable_pt_lim_scal (fun s => / t * s)), (derivable_pt_lim_scal (fun s => s)), d__id.
      * apply (d__exp (fun s => t * s)), (derivable_pt_lim_scal (fun s => s)), d__id.
    + rewrite psi__else by exact h. unfold F, minus, plus, opp. simpl. rewrite !Rmult_1_r, !Rmult_0_r, exp_0. field. exact h.
Qed.
Lemma psi__between {a b e l l' u u' : R} :
  a <= e <= b -> l <= RInt (fun s => (1 - s) * exp (a * s)) 0 1 <= l' -> u' <= RInt (fun s => (1 - s) * exp (b * s)) 0 1 <= u ->
  l <= psi e <= u.
Proof.
  rewrite !psi__integral. intros [p q] [r _] [_ s].
  split; [exact (Rle_trans _ _ _ r (psi__mono _ _ p)) | exact (Rle_trans _ _ _ (psi__mono _ _ q) s)].
Qed.
(* Puts variables in the place of psi(e), between its values at the ends of where e lies: it rises. *)
Ltac psi__out :=
  repeat match goal with |- context [psi ?e] =>
    let p := fresh "p__" in let l := fresh "l__" in let u := fresh "u__" in let v := fresh "v__" in
    interval_intro e with (i_prec 90) as p;
    match type of p with ?a <= _ <= ?b =>
      integral_intro (RInt (fun s => (1 - s) * exp (a * s)) 0 1) with (i_prec 90, i_relwidth 50, i_degree 20) as l;
      integral_intro (RInt (fun s => (1 - s) * exp (b * s)) 0 1) with (i_prec 90, i_relwidth 50, i_degree 20) as u
    end;
    assert (v := psi__between p l u); clear p l u; revert v; generalize (psi e); intros ? v
  end.
"""

(* Expectation as the integral over any probability space, by mathcomp-analysis; it alone is imported here. Needs means. *)

Set Warnings "-notation-overridden,-ambiguous-paths,-notation-incompatible-prefix".
From mathcomp Require all_ssreflect ssralg ssrnum mathcomp_extra boolp classical_sets functions reals Rstruct ereal topology.
From mathcomp Require normedtype measure lebesgue_measure lebesgue_integral probability numfun.
Module Space__.
Import all_ssreflect ssralg ssrnum mathcomp_extra boolp classical_sets functions reals Rstruct ereal topology.
Import normedtype measure lebesgue_measure lebesgue_integral probability numfun GRing.Theory.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.
Notation R := Rdefinitions.R.
Definition outcomes__ {d : measure_display} (T : measurableType d) : Type := T.
Definition probability__ {d : measure_display} (T : measurableType d) : Type := probability T R.
Section Space.
Context {d : measure_display} {T : measurableType d} (P : probability T R).
Definition integrable__ (f : T -> R) : Prop := P.-integrable setT (EFin \o f).
Definition expectation__ (f : T -> R) : R := Rintegral P setT f.
Notation one := (IZR 1).
Lemma expectation__1 : expectation__ (fun _ => one) = one.
Proof.
apply: (eq_trans (Rintegral_cst P measurableT one)).
have h : P setT = 1%E by exact: probability_setT.
apply: (eq_trans (f_equal (fun z => one * fine z) h)).
exact: mulr1.
Qed.
Lemma expectation__lin (a : R) (f g : T -> R) : integrable__ f -> integrable__ g ->
  integrable__ (fun x => Rplus (Rmult a (f x)) (g x)) /\
  expectation__ (fun x => Rplus (Rmult a (f x)) (g x)) = Rplus (Rmult a (expectation__ f)) (expectation__ g).
Proof.
rewrite /integrable__ /expectation__ => hf hg.
have hF : P.-integrable setT (fun x => (a%:E * (EFin \o f) x)%E) by exact: integrableZl.
have E0 : EFin \o (fun x => Rplus (Rmult a (f x)) (g x)) = ((fun x => (a%:E * (EFin \o f) x)%E) \+ (EFin \o g))%E.
  by apply/funext => x /=; rewrite -EFinM -EFinD.
split; first by rewrite E0; exact: integrableD.
have N h : P.-integrable setT (EFin \o h) -> Rintegral P setT (fun x => - h x) = - Rintegral P setT h.
  by move=> k; rewrite -[RHS]mulN1r -RintegralZl //; apply: eq_Rintegral => x _; rewrite mulN1r.
have hn : P.-integrable setT (EFin \o (fun x => - g x)) by exact: (integrableN hg).
apply: (eq_trans (y := Rintegral P setT (fun x => a * f x - - g x))); last by rewrite RintegralB // RintegralZl // N // opprK.
by apply: eq_Rintegral => x _; rewrite opprK.
Qed.
Lemma expectation__mean : mean__ integrable__ expectation__ one.
Proof.
split; [split; [exact: (finite_measure_integrable_cst P one) | exact: expectation__1] |].
split; first by move=> a f g; exact: expectation__lin.
by move=> f g hf hg h; apply/RleP; apply: le_Rintegral => // x _; apply/RleP; exact: h.
Qed.
End Space.
End Space__.

(* Time as an interval. *)

(* Time: the interval from 0 to T. *)
Definition Time__ (T : R) : Type := {t : R | 0 <= t <= T}.
Definition last__ {T : R} (h : 0 <= T) : Time__ T := exist _ T (conj h (Rle_refl T)).

(* The theorems of Routing.v, for paths as they are written: the two files fit together. *)

Require Import List.
Require Patterns Routing.

Section Claim.

Variables Event State : Type.
Variable same : Event -> Event -> bool.
Variable start : nat -> State.
Variable step : nat -> State -> Event -> State.
Variable handles : nat -> State -> Event -> bool.
Variable final : nat -> State -> bool.

Definition path := list (Patterns.token Event).

Definition relate (p : path) (h : list Event) : Routing.relation :=
  match Patterns.relate Event (Patterns.compile Event same false p) h with
  | Patterns.Match => Routing.Match
  | Patterns.Pending => Routing.Pending
  | Patterns.Diverged => Routing.Diverged
  end.

Lemma permanent : forall p h t, relate p h <> Routing.Pending -> relate p (h ++ t) = relate p h.
Proof.
  unfold relate. intros p h t N. rewrite Patterns.decided_for_good; auto.
  intros E. now rewrite E in N.
Qed.

Lemma match_permanent : forall p h t, relate p h = Routing.Match -> relate p (h ++ t) = Routing.Match.
Proof. intros p h t E. rewrite permanent; congruence. Qed.

Lemma diverged_permanent : forall p h t, relate p h = Routing.Diverged -> relate p (h ++ t) = Routing.Diverged.
Proof. intros p h t E. rewrite permanent; congruence. Qed.

Definition version_is_g := Routing.version_is_g Event path State relate match_permanent diverged_permanent
  start step handles final.

Definition diverged_never_taken := Routing.diverged_never_taken Event path State relate diverged_permanent
  start step handles final.

Definition timing_does_not_matter := Routing.timing_does_not_matter Event path State relate start step handles final.

End Claim.

Print Assumptions version_is_g.
Print Assumptions diverged_never_taken.
Print Assumptions timing_does_not_matter.

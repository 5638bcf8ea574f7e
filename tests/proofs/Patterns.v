(* What the evaluator computes about a path and a history is the relation as it is defined; and that relation is
   permanent, as Routing.v asks. First in sets of positions, as the specification in Python has it, then in words of
   64 bits, as the C has it. *)

Require Import List Arith Lia Bool NArith.
Import ListNotations.

Inductive relation := Match | Pending | Diverged.

Section Patterns.

Variable Event : Type.
Variable some_event : Event.
Variable same : Event -> Event -> bool.
Hypothesis same_reflexive : forall e, same e e = true.

(* ---- what a path means *)

Inductive token := One (e : Event) | Any | Run.

Inductive accepts : list token -> list Event -> Prop :=
| accepts_end : accepts [] []
| accepts_one : forall d e l h, same d e = true -> accepts l h -> accepts (One d :: l) (e :: h)
| accepts_any : forall e l h, accepts l h -> accepts (Any :: l) (e :: h)
| accepts_none : forall l h, accepts l h -> accepts (Run :: l) h
| accepts_more : forall e l h, accepts (Run :: l) h -> accepts (Run :: l) (e :: h).

Definition matches l h := exists beginning rest, h = beginning ++ rest /\ accepts l beginning.
Definition diverges l h := forall continuation, ~ matches l (h ++ continuation).

(* ---- positions: the tokens that take an event, each with whether a "**" stands before it *)

Definition taking := (bool * (Event -> bool))%type.

Fixpoint compile (waits : bool) (l : list token) : list taking :=
  match l with
  | [] => []
  | One d :: l' => (waits, same d) :: compile false l'
  | Any :: l' => (waits, fun _ => true) :: compile false l'
  | Run :: l' => compile true l'
  end.

Section Automaton.

Variable path : list taking.
Hypothesis takes_something : forall t, In t path -> exists e, snd t e = true.

Definition state := nat -> bool.
Definition begin : state := fun p => p =? 0.
Definition stays p := match nth_error path p with Some (b, _) => b | None => false end.
Definition takes p e := match nth_error path p with Some (_, t) => t e | None => false end.
Definition advance (s : state) e : state :=
  fun p => negb (p =? 0) && s (p - 1) && takes (p - 1) e || s p && stays p.
Definition judge (s : state) : relation :=
  if s (length path) then Match else if existsb s (seq 0 (length path)) then Pending else Diverged.

Fixpoint relate_from (s : state) (h : list Event) : relation :=
  match judge s, h with
  | Pending, e :: h' => relate_from (advance s e) h'
  | decided, _ => decided
  end.
Definition relate := relate_from begin.

Theorem decided_for_good : forall h t, relate h <> Pending -> relate (h ++ t) = relate h.
Proof.
  unfold relate. generalize begin. intros s h. revert s.
  induction h as [|e h IH]; intros s t N; simpl in *.
  - destruct t; simpl; destruct (judge s); congruence.
  - destruct (judge s); auto.
Qed.

(* ---- the same, of the tokens that are left *)

Inductive takes_all : list taking -> list Event -> Prop :=
| takes_end : takes_all [] []
| takes_one : forall b t q e h, t e = true -> takes_all q h -> takes_all ((b, t) :: q) (e :: h)
| takes_wait : forall t q e h, takes_all ((true, t) :: q) h -> takes_all ((true, t) :: q) (e :: h).

(* From some position of s, a beginning of h takes all the tokens that are left. *)
Definition arrives (s : state) h :=
  exists p b c, s p = true /\ p <= length path /\ h = b ++ c /\ takes_all (skipn p path) b.

Lemma left_at : forall p, p < length path ->
  exists b t, nth_error path p = Some (b, t) /\ skipn p path = (b, t) :: skipn (S p) path.
Proof.
  intros p. generalize path. induction p as [|p IH]; intros [|[b t] q] L; simpl in *; try lia.
  - now exists b, t.
  - destruct (IH q ltac:(lia)) as (b' & t' & A & B). exists b', t'. split; auto.
Qed.

Lemma arrives_now : forall s h, s (length path) = true -> arrives s h.
Proof. intros s h A. exists (length path), [], h. rewrite skipn_all. repeat split; auto. constructor. Qed.

Lemma arrives_only_now : forall s, arrives s [] -> s (length path) = true.
Proof.
  intros s (p & b & c & A & L & E & T). symmetry in E. apply app_eq_nil in E. destruct E as [-> _].
  destruct (Nat.eq_dec p (length path)) as [->|N]; auto.
  destruct (left_at p ltac:(lia)) as (b & t & _ & Q). rewrite Q in T. inversion T.
Qed.

Lemma arrives_later : forall s e h, arrives (advance s e) h -> arrives s (e :: h).
Proof.
  intros s e h (p & b & c & A & L & -> & T). unfold advance in A. apply orb_prop in A. destruct A as [A|A].
  - apply andb_prop in A. destruct A as [A K]. apply andb_prop in A. destruct A as [Z A].
    destruct p as [|p]; [discriminate|]. simpl in A, K. rewrite Nat.sub_0_r in *.
    destruct (left_at p ltac:(lia)) as (w & t & N & Q). exists p, (e :: b), c. repeat split; auto; try lia.
    rewrite Q. constructor; auto. unfold takes in K. now rewrite N in K.
  - apply andb_prop in A. destruct A as [A K]. exists p, (e :: b), c. repeat split; auto.
    unfold stays in K. destruct (nth_error path p) as [[w t]|] eqn:N; [|discriminate]. subst w.
    assert (p < length path) by (apply nth_error_Some; congruence).
    destruct (left_at p H) as (w & t' & N' & Q). rewrite Q in *. rewrite N in N'. inversion N'; subst. now constructor.
Qed.

Lemma arrives_then : forall s e h, arrives s (e :: h) -> s (length path) = false -> arrives (advance s e) h.
Proof.
  intros s e h (p & b & c & A & L & E & T) F.
  destruct (Nat.eq_dec p (length path)) as [->|N]; [congruence|].
  destruct (left_at p ltac:(lia)) as (w & t & K & Q). rewrite Q in T. inversion T; subst.
  - inversion E; subst. exists (S p), h0, c. repeat split; auto; try lia. unfold advance. simpl.
    rewrite Nat.sub_0_r. unfold takes. rewrite K, A, H3. reflexivity.
  - inversion E; subst. exists p, h0, c. repeat split; auto.
    + unfold advance, stays. rewrite K, A. apply orb_true_r.
    + now rewrite Q.
Qed.

Lemma match_is_arrival : forall h s, relate_from s h = Match <-> arrives s h.
Proof.
  assert (Nowhere : forall s h, s (length path) = false -> existsb s (seq 0 (length path)) = false -> ~ arrives s h).
  { intros s h A B (p & b & c & C & L & _). destruct (Nat.eq_dec p (length path)) as [->|N]; [congruence|].
    enough (existsb s (seq 0 (length path)) = true) by congruence.
    apply existsb_exists. exists p. split; auto. apply in_seq. lia. }
  induction h as [|e h IH]; intros s; simpl; unfold judge at 1;
    destruct (s (length path)) eqn:A; try (split; auto using arrives_now; fail);
    destruct (existsb s (seq 0 (length path))) eqn:B.
  - split; [discriminate|]. intros X. apply arrives_only_now in X. congruence.
  - split; [discriminate|]. intros X. elim (Nowhere _ _ A B X).
  - rewrite IH. split; auto using arrives_later, arrives_then.
  - split; [discriminate|]. intros X. elim (Nowhere _ _ A B X).
Qed.

Lemma completable : forall q, (forall t, In t q -> exists e, snd t e = true) -> exists h, takes_all q h.
Proof.
  induction q as [|[b t] q IH]; intros S; [exists []; constructor|].
  destruct (S (b, t) (or_introl eq_refl)) as [e E]. destruct IH as [h H]; [intros; apply S; now right|].
  exists (e :: h). now constructor.
Qed.

Lemma pending_can_arrive : forall h s, relate_from s h = Pending -> exists t, arrives s (h ++ t).
Proof.
  induction h as [|e h IH]; intros s; simpl; unfold judge at 1;
    destruct (s (length path)); try discriminate; destruct (existsb s (seq 0 (length path))) eqn:B; try discriminate; intros R.
  - apply existsb_exists in B. destruct B as (p & I & A). apply in_seq in I.
    destruct (completable (skipn p path)) as [t T].
    + intros x X. apply takes_something. rewrite <- (firstn_skipn p path). apply in_or_app. now right.
    + exists t, p, t, []. rewrite app_nil_r. repeat split; auto. lia.
  - destruct (IH _ R) as [t T]. exists t. now apply arrives_later.
Qed.

End Automaton.

(* ---- the two meet *)

Lemma compiled_accepts : forall l w b, takes_all (compile w l) b -> accepts (if w then Run :: l else l) b.
Proof.
  assert (W : forall (w : bool) l b, accepts l b -> accepts (if w then Run :: l else l) b).
  { intros [] l b A; auto. now constructor. }
  induction l as [|[d| |] l IH]; intros w b T; simpl in T.
  - inversion T; subst. apply W. constructor.
  - remember ((w, same d) :: compile false l) as q eqn:Q. induction T; inversion Q; subst.
    + apply W. constructor; auto. now apply (IH false).
    + apply accepts_more. now apply IHT.
  - remember ((w, fun _ : Event => true) :: compile false l) as q eqn:Q. induction T; inversion Q; subst.
    + apply W. constructor. now apply (IH false).
    + apply accepts_more. now apply IHT.
  - apply W. now apply (IH true).
Qed.

Lemma accepted_compiles : forall l b, accepts l b -> exists c d, b = c ++ d /\ takes_all (compile false l) c.
Proof.
  assert (W : forall l c, takes_all (compile false l) c -> takes_all (compile true l) c).
  { intros [|[d| |] l] c T; simpl in *; auto; inversion T; subst; now constructor. }
  assert (H : forall l, compile true l = [] \/ exists t q, compile true l = (true, t) :: q).
  { induction l as [|[d| |] l IH]; simpl; eauto. }
  induction 1 as [ | d e l h E A IH | e l h A IH | l h A IH | e l h A IH]; simpl in *.
  - exists [], []. split; auto. constructor.
  - destruct IH as (c & x & -> & T). exists (e :: c), x. split; auto. now constructor.
  - destruct IH as (c & x & -> & T). exists (e :: c), x. split; auto. now constructor.
  - destruct IH as (c & x & -> & T). exists c, x. auto.
  - destruct IH as (c & x & -> & T). destruct (H l) as [Q|(t & q & Q)].
    + exists [], (e :: c ++ x). rewrite Q. split; auto. constructor.
    + exists (e :: c), x. split; auto. rewrite Q in *. now constructor.
Qed.

Lemma arrives_is_matches : forall l h, arrives (compile false l) begin h <-> matches l h.
Proof.
  intros l h. split.
  - intros (p & b & c & A & _ & E & T). apply Nat.eqb_eq in A. subst p. exists b, c. split; auto.
    now apply (compiled_accepts l false).
  - intros (b & c & -> & A). destruct (accepted_compiles _ _ A) as (x & y & -> & T).
    exists 0, x, (y ++ c). rewrite app_assoc. repeat split; auto. lia.
Qed.

Lemma compiled_takes_something : forall l w t, In t (compile w l) -> exists e, snd t e = true.
Proof.
  induction l as [|[d| |] l IH]; simpl; intros w t I; [destruct I| | |eauto].
  - destruct I as [<-|I]; [exists d; apply same_reflexive | eauto].
  - destruct I as [<-|I]; [now exists some_event | eauto].
Qed.

(* THEOREM. What the automaton says is what is defined. *)
Theorem match_is_defined : forall l h, relate (compile false l) h = Match <-> matches l h.
Proof. intros l h. unfold relate. rewrite match_is_arrival. apply arrives_is_matches. Qed.

Theorem diverged_is_defined : forall l h, relate (compile false l) h = Diverged <-> diverges l h.
Proof.
  intros l h. split.
  - intros D t M. apply match_is_defined in M.
    assert (relate (compile false l) (h ++ t) = relate (compile false l) h) by (apply decided_for_good; congruence).
    congruence.
  - intros D. destruct (relate (compile false l) h) eqn:R; auto.
    + elim (D []). rewrite app_nil_r. now apply match_is_defined.
    + apply pending_can_arrive in R; [|eauto using compiled_takes_something].
      destruct R as [t R]. elim (D t). now apply arrives_is_matches.
Qed.

End Patterns.

(* ---- words of 64 bits, as in advance() of csrc/evaluator.c *)

Section Words.

Open Scope N_scope.

Definition words := nat -> N.
Definition bounded (s : words) := forall w, s w < 2 ^ 64.
Definition bit (s : words) (p : nat) := N.testbit (s (p / 64)%nat) (N.of_nat (p mod 64)).

Definition moved (before takes : words) w := N.land (before w) (takes w).
Definition carry (before takes : words) w :=
  match w with O => 0 | S v => N.shiftr (moved before takes v) 63 end.
Definition after (before takes stays : words) : words := fun w =>
  N.lor (N.lor (N.shiftl (moved before takes w) 1 mod 2 ^ 64) (carry before takes w)) (N.land (before w) (stays w)).

Lemma high_bits : forall n m, n < 2 ^ 64 -> 64 <= m -> N.testbit n m = false.
Proof.
  intros n m B M. destruct (N.eq_dec n 0) as [->|Z]; [apply N.bits_0|].
  apply N.bits_above_log2. apply N.lt_le_trans with 64; auto. apply N.log2_lt_pow2; lia.
Qed.

(* THEOREM. The words after an event hold the positions that advance gives. *)
Theorem words_advance : forall before takes stays p, bounded before -> bounded takes ->
  bit (after before takes stays) p =
    (negb (p =? 0)%nat && bit before (p - 1) && bit takes (p - 1) || bit before p && bit stays p)%bool.
Proof.
  intros before takes stays p B T. unfold bit, after.
  assert (M : forall w, moved before takes w < 2 ^ 64).
  { intros w. unfold moved. destruct (N.eq_dec (N.land (before w) (takes w)) 0) as [->|Z]; [lia|].
    apply N.log2_lt_pow2; [lia|]. eapply N.le_lt_trans; [apply N.log2_land|].
    apply N.min_lt_iff. left. destruct (N.eq_dec (before w) 0) as [E|E]; [rewrite E in Z; now rewrite N.land_0_l in Z|].
    apply N.log2_lt_pow2; [lia | apply B]. }
  rewrite !N.lor_spec, N.land_spec. f_equal.
  assert (L : (p mod 64 < 64)%nat) by (apply Nat.mod_upper_bound; lia).
  rewrite N.mod_pow2_bits_low by lia.
  destruct (p mod 64)%nat as [|r] eqn:R.
  - rewrite N.shiftl_spec_low, orb_false_l by lia.
    destruct p as [|p]; [reflexivity|]. replace (S p - 1)%nat with p by lia. change (negb (S p =? 0)%nat) with true.
    assert (exists q, S p = (64 * S q)%nat) as [q Q].
    { exists (p / 64)%nat. pose proof (Nat.div_mod (S p) 64 ltac:(lia)). pose proof (Nat.div_mod p 64 ltac:(lia)).
      pose proof (Nat.mod_upper_bound p 64 ltac:(lia)). lia. }
    assert (P : p = (64 * q + 63)%nat) by lia.
    replace (S p / 64)%nat with (S q) by (rewrite Q, Nat.mul_comm; now rewrite Nat.div_mul by lia).
    replace (p / 64)%nat with q by (apply (Nat.div_unique p 64 q 63); lia).
    replace (p mod 64)%nat with 63%nat by (apply (Nat.mod_unique p 64 q 63); lia).
    change (carry before takes (S q)) with (N.shiftr (moved before takes q) 63).
    rewrite N.shiftr_spec by lia. unfold moved. now rewrite N.land_spec.
  - assert (K : N.testbit (carry before takes (p / 64)) (N.of_nat (S r)) = false).
    { destruct (p / 64)%nat as [|q]; [apply N.bits_0|].
      change (carry before takes (S q)) with (N.shiftr (moved before takes q) 63). rewrite N.shiftr_spec by lia. apply high_bits; auto. lia. }
    rewrite K, orb_false_r. rewrite N.shiftl_spec_high by lia. unfold moved. rewrite N.land_spec.
    destruct p as [|p]; [discriminate|]. change (negb (S p =? 0)%nat) with true. replace (S p - 1)%nat with p by lia.
    assert (D : (p / 64 = S p / 64)%nat /\ (p mod 64 = r)%nat).
    { pose proof (Nat.div_mod (S p) 64 ltac:(lia)). rewrite R in H. split.
      - symmetry. apply (Nat.div_unique p 64 (S p / 64) r); lia.
      - symmetry. apply (Nat.mod_unique p 64 (S p / 64) r); lia. }
    destruct D as [-> ->]. replace (N.of_nat (S r) - 1) with (N.of_nat r) by lia. reflexivity.
Qed.

End Words.

Print Assumptions decided_for_good.
Print Assumptions match_is_defined.
Print Assumptions diverged_is_defined.
Print Assumptions words_advance.

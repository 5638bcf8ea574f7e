(* The routing rule, and an actor's life under it.

   Nothing is asked of paths but that match and diverged are permanent; Patterns.v shows it of paths with wildcards.
   The actor is one among many: nothing in the rule refers to any other. *)

Require Import List Arith Lia Bool Sorted.
Import ListNotations.

Section Routing.

Variables Event Path State : Type.

Inductive relation := Match | Pending | Diverged.
Variable relate : Path -> list Event -> relation.
Hypothesis match_permanent : forall p h t, relate p h = Match -> relate p (h ++ t) = Match.
Hypothesis diverged_permanent : forall p h t, relate p h = Diverged -> relate p (h ++ t) = Diverged.

(* A definition is its number: what it starts in, what it does, what it takes, and what ends it. *)
Variable start : nat -> State.
Variable step : nat -> State -> Event -> State.
Variable handles : nat -> State -> Event -> bool.
Variable final : nat -> State -> bool.

Definition replay v (h : list Event) := fold_left (step v) h (start v).

(* ---- the rule *)

Record route := mkroute { child : nat; parent : nat; path : Path; closed : bool }.

(* Routes stand in deploy order; a parent was deployed before its child. *)
Definition well_formed (D : list route) := forall r, In r D -> parent r < child r.

Fixpoint first (v : nat) (h : list Event) (D : list route) : option (route * relation) :=
  match D with
  | [] => None
  | r :: D' =>
      if (parent r =? v) && negb (closed r) then
        match relate (path r) h with
        | Diverged => first v h D'
        | other => Some (r, other)
        end
      else first v h D'
  end.

Definition next v h D : option route :=
  match first v h D with Some (r, Match) => Some r | _ => None end.

(* From v the rule goes by the routes in the list to u, and stops there. *)
Inductive walk (h : list Event) (D : list route) : nat -> list route -> nat -> Prop :=
| walk_stop : forall v, next v h D = None -> walk h D v [] v
| walk_hop : forall v r l u, next v h D = Some r -> walk h D (child r) l u -> walk h D v (r :: l) u.

(* g of the claim: the version for a history, from the version spawned on. *)
Definition belongs s h D v := exists l, walk h D s l v.

Lemma walk_functional : forall h D v l u, walk h D v l u -> forall l' u', walk h D v l' u' -> l = l' /\ u = u'.
Proof.
  induction 1 as [v N | v r l u N W IH]; intros l' u' W'; inversion W'; subst; try congruence; auto.
  assert (r0 = r) by congruence. subst. destruct (IH _ _ H0). now subst.
Qed.

Lemma walk_stops : forall h D v l u, walk h D v l u -> next u h D = None.
Proof. now induction 1. Qed.

Lemma next_is : forall v h D r, next v h D = Some r -> In r D /\ parent r = v /\ relate (path r) h = Match.
Proof.
  unfold next. intros v h D r. induction D as [|d D IH]; simpl; [discriminate|].
  destruct ((parent d =? v) && negb (closed d)) eqn:Q.
  - apply andb_prop in Q. destruct Q as [Q _]. apply Nat.eqb_eq in Q.
    destruct (relate (path d) h) eqn:R; intros H; try discriminate.
    + inversion H; subst; auto.
    + destruct (IH H) as (A & B & C). auto.
  - intros H. destruct (IH H) as (A & B & C). auto.
Qed.

Lemma child_bounded : forall D r, In r D -> child r <= fold_right (fun d m => Nat.max (child d) m) 0 D.
Proof. induction D; simpl; intros r []; [subst; lia | specialize (IHD _ H); lia]. Qed.

Theorem the_rule_ends : forall D h v, well_formed D -> exists l u, walk h D v l u.
Proof.
  intros D h v W. remember (fold_right (fun d m => Nat.max (child d) m) 0 D - v) as n eqn:E. revert v E.
  induction n as [n IH] using lt_wf_ind. intros v E.
  destruct (next v h D) as [r|] eqn:N; [|exists [], v; now constructor].
  destruct (next_is _ _ _ _ N) as (I & P & _).
  pose proof (child_bounded _ _ I). pose proof (W _ I).
  destruct (IH (fold_right (fun d m => Nat.max (child d) m) 0 D - child r) ltac:(lia) (child r) eq_refl) as (l & u & U).
  exists (r :: l), u. econstructor; eauto.
Qed.

(* A hop that the rule takes, it takes under every longer history and every later deploy. *)
Lemma next_permanent : forall v h D r t E, next v h D = Some r -> next v (h ++ t) (D ++ E) = Some r.
Proof.
  unfold next. intros v h D r t E. induction D as [|d D IH]; simpl; [discriminate|].
  destruct ((parent d =? v) && negb (closed d)); [|exact IH].
  destruct (relate (path d) h) eqn:R; intros H; try discriminate.
  - now rewrite (match_permanent _ _ t R).
  - rewrite (diverged_permanent _ _ t R). now apply IH.
Qed.

(* What was reached stays on the way: the rule applied late finds what it would have found early. *)
Lemma belongs_permanent : forall h D s l v, walk h D s l v ->
  forall t E u, belongs v (h ++ t) (D ++ E) u -> belongs s (h ++ t) (D ++ E) u.
Proof.
  induction 1 as [v N | v r l u N W IH]; intros t E x B; [exact B|].
  destruct (IH _ _ _ B) as [m M]. exists (r :: m). econstructor; [now apply next_permanent | exact M].
Qed.

(* ---- an actor *)

Record actor := mkactor { version : nat; history : list Event; configuration : State; finished : bool }.

Definition landed v (a : actor) u := if u =? v then configuration a else replay u (history a).

(* The rule applied to an actor: routed first, and only then asked whether it has finished. A finished one is frozen. *)
Inductive routed (D : list route) : actor -> list route -> actor -> Prop :=
| routed_finished : forall a, finished a = true -> routed D a [] a
| routed_live : forall a l u c, finished a = false -> walk (history a) D (version a) l u ->
    c = landed (version a) a u -> routed D a l (mkactor u (history a) c (final u c)).

Lemma routed_functional : forall D a l b, routed D a l b -> forall m c, routed D a m c -> l = m /\ b = c.
Proof.
  intros D a l b [x F | x l' u c F W ->] m e R; inversion R; subst; try congruence; auto.
  destruct (walk_functional _ _ _ _ _ W _ _ H0). now subst.
Qed.

Lemma routed_again : forall D a l b, routed D a l b -> routed D b [] b.
Proof.
  intros D a l b [x F | x l' u c F W ->]; [now constructor|].
  remember (landed (version x) x u) as c eqn:C. destruct (final u c) eqn:Q; [now constructor|].
  pose proof (routed_live D (mkactor u (history x) c false) [] u c) as R. simpl in R. rewrite Q in R. apply R; auto.
  - constructor. now apply walk_stops in W.
  - unfold landed. simpl. now rewrite Nat.eqb_refl.
Qed.

Inductive operation := Send (e : Event) | Change (D : list route).  (* a deploy, or a close *)

Definition recorded a e := mkactor (version a) (history a ++ [e]) (step (version a) (configuration a) e) false.
Definition takes a e := negb (finished a) && handles (version a) (configuration a) e.

(* The specification: whatever happens, the actor is routed at once. *)
Inductive prompt : list route * actor -> operation -> list route -> list route * actor -> Prop :=
| prompt_send : forall D a e l b, takes a e = true -> routed D (recorded a e) l b -> prompt (D, a) (Send e) l (D, b)
| prompt_refuse : forall D a e, takes a e = false -> prompt (D, a) (Send e) [] (D, a)
| prompt_change : forall D D' a l b, routed D' a l b -> prompt (D, a) (Change D') l (D', b).

(* The daemon: a change of routes touches nobody. The sweep routes the actor some time later, or an event does when it
   comes first; the next change waits until the sweep is through. A crash loses what was not committed, which is to take
   no step at all. *)
Inductive lazy : list route * actor -> option operation -> list route * actor -> Prop :=
| lazy_change : forall D D' a, routed D a [] a -> lazy (D, a) (Some (Change D')) (D', a)
| lazy_sweep : forall D a l b, routed D a l b -> lazy (D, a) None (D, b)
| lazy_send : forall D a l b e m w, routed D a l b -> prompt (D, b) (Send e) m w -> lazy (D, a) (Some (Send e)) w.

Inductive prompt_run : list route * actor -> list operation -> list route -> list route * actor -> Prop :=
| prompt_none : forall w, prompt_run w [] [] w
| prompt_more : forall w o l x os m y, prompt w o l x -> prompt_run x os m y -> prompt_run w (o :: os) (l ++ m) y.

Inductive lazy_run : list route * actor -> list operation -> list route * actor -> Prop :=
| lazy_none : forall w, lazy_run w [] w
| lazy_silent : forall w x os y, lazy w None x -> lazy_run x os y -> lazy_run w os y
| lazy_visible : forall w o x os y, lazy w (Some o) x -> lazy_run x os y -> lazy_run w (o :: os) y.

(* THEOREM. Whatever the sweep had reached when, an actor of the daemon is, once routed, the actor of the
   specification: same version, history, configuration and finality. Closes and finality included. *)
Theorem timing_does_not_matter : forall w os x, lazy_run w os x ->
  forall l b m y, routed (fst w) (snd w) l b -> prompt_run (fst w, b) os m y ->
  fst x = fst y /\ exists k, routed (fst x) (snd x) k (snd y).
Proof.
  assert (U : forall D a l b, routed D a l b -> forall m c, routed D a m c -> b = c)
    by (intros; eapply routed_functional; eauto).
  induction 1 as [[D a] | [D a] x os y S R IH | [D a] o x os y S R IH]; simpl; intros l b m z T P.
  - inversion P; subst; simpl; eauto.
  - inversion S as [| D1 a1 k c S1 |]; subst. rewrite (U _ _ _ _ S1 _ _ T) in *.
    eapply IH; simpl; [eapply routed_again; eauto | exact P].
  - inversion P as [| w1 o1 k x1 os1 k' y1 Q P1]; subst.
    inversion S as [D1 D' a1 S1 | | D1 a1 k1 c e k2 w2 S1 S2]; subst.
    + rewrite (U _ _ _ _ S1 _ _ T) in *. inversion Q; subst. eapply IH; simpl; eauto.
    + rewrite (U _ _ _ _ S1 _ _ T) in *.
      inversion S2 as [D2 a2 e2 l2 b2 Y2 R2 | D2 a2 e2 Y2 |]; inversion Q as [D3 a3 e3 l3 b3 Y3 R3 | D3 a3 e3 Y3 |]; subst;
        try congruence.
      * rewrite (U _ _ _ _ R3 _ _ R2) in *. eapply IH; simpl; [eapply routed_again; eauto | exact P1].
      * eapply IH; simpl; [eapply routed_again; eauto | exact P1].
Qed.

Definition spawned D s a := exists l, routed D (mkactor s [] (start s) false) l a.

(* THEOREM. The configuration is the replay of the recorded history on the definition of the present version, also of
   an actor that has finished. *)
Lemma routed_replays : forall D a l b, routed D a l b ->
  configuration a = replay (version a) (history a) -> configuration b = replay (version b) (history b).
Proof.
  intros D a l b [x F | x l' u c F W ->] C; simpl; auto.
  unfold landed. destruct (u =? version x) eqn:Q; auto. apply Nat.eqb_eq in Q. now subst.
Qed.

Theorem configuration_is_replay : forall D s a os l w, spawned D s a -> prompt_run (D, a) os l w ->
  configuration (snd w) = replay (version (snd w)) (history (snd w)).
Proof.
  intros D s a os l w [k S] P.
  assert (C : configuration (snd (D, a)) = replay (version (snd (D, a))) (history (snd (D, a)))).
  { eapply routed_replays; [exact S | reflexivity]. }
  clear S. induction P as [w | w o l x os m y Q P IH]; auto. apply IH. inversion Q; subst; simpl in *; auto.
  - eapply routed_replays; [eassumption|]. unfold recorded. simpl.
    unfold replay. rewrite fold_left_app. simpl. unfold replay in C. now rewrite <- C.
  - eapply routed_replays; eauto.
Qed.

(* THEOREM. While nothing is closed, a live actor's version is g of the version spawned on, its history, and the deploys
   so far; in whatever order its events and the deploys came. *)
Inductive growing : list route -> list operation -> Prop :=
| growing_none : forall D, growing D []
| growing_send : forall D e os, growing D os -> growing D (Send e :: os)
| growing_deploy : forall D E os, growing (D ++ E) os -> growing D (Change (D ++ E) :: os).

Lemma routed_belongs : forall D a l b s, routed D a l b -> finished b = false ->
  (exists h E, history a = h ++ E /\ exists D0 D1, D = D0 ++ D1 /\ belongs s h D0 (version a)) ->
  belongs s (history b) D (version b).
Proof.
  intros D a l b s [x F | x l' u c F W ->] L (h & t & Hh & D0 & D1 & -> & [m M]); [congruence|]. simpl in *.
  rewrite Hh in *. eapply belongs_permanent; eauto. now exists l'.
Qed.

Definition stands s (w : list route * actor) :=
  finished (snd w) = false -> belongs s (history (snd w)) (fst w) (version (snd w)).

Lemma prompt_stands : forall w os l x s, prompt_run w os l x -> growing (fst w) os -> stands s w -> stands s x.
Proof.
  intros w os l x s P. induction P as [w | w o l x os m y Q P IH]; auto. intros G C.
  inversion Q as [D a e k b Y R | D a e Y | D D' a k b R]; subst; simpl in *; inversion G; subst; apply IH; auto.
  - intros L. eapply routed_belongs; eauto. simpl. exists (history a), [e]. split; auto.
    exists D, []. split; [now rewrite app_nil_r|]. apply C.
    unfold takes in Y. apply andb_prop in Y. simpl. now destruct (finished a).
  - intros L. eapply routed_belongs; eauto. exists (history a), []. split; [now rewrite app_nil_r|].
    exists D, E. split; auto. apply C. inversion R; subst; simpl in *; congruence.
Qed.

Theorem version_is_g : forall D s a os l w, spawned D s a -> prompt_run (D, a) os l w -> growing D os ->
  finished (snd w) = false -> belongs s (history (snd w)) (fst w) (version (snd w)).
Proof.
  intros D s a os l w [k S] P G. eapply prompt_stands; eauto. intros L. simpl in *.
  inversion S; subst; simpl in *; [discriminate|]. now exists k.
Qed.

(* THEOREM. Live actors of one prefix class that were spawned on the same version stand on the same version, in the same
   configuration. This is what lets them share a cohort. *)
Theorem one_class_one_place : forall D1 D2 s a b os1 os2 l1 l2 x y,
  spawned D1 s a -> prompt_run (D1, a) os1 l1 x -> growing D1 os1 ->
  spawned D2 s b -> prompt_run (D2, b) os2 l2 y -> growing D2 os2 ->
  fst x = fst y -> history (snd x) = history (snd y) -> finished (snd x) = false -> finished (snd y) = false ->
  version (snd x) = version (snd y) /\ configuration (snd x) = configuration (snd y).
Proof.
  intros D1 D2 s a b os1 os2 l1 l2 x y A P G B Q H D E F F'.
  destruct (version_is_g _ _ _ _ _ _ A P G F) as [l W], (version_is_g _ _ _ _ _ _ B Q H F') as [m V].
  rewrite E, D in W. destruct (walk_functional _ _ _ _ _ W _ _ V) as [_ K]. split; auto.
  rewrite (configuration_is_replay _ _ _ _ _ _ A P), (configuration_is_replay _ _ _ _ _ _ B Q). now rewrite E, K.
Qed.

(* THEOREM. Each actor is decided at most once for each route: *)

Lemma walk_climbs : forall h D v l u, well_formed D -> walk h D v l u ->
  v <= u /\ Forall (fun r => v < child r <= u) l /\ StronglySorted lt (map child l).
Proof.
  intros h D v l u F. induction 1 as [v N | v r l u N W IH]; simpl; [repeat constructor|].
  destruct IH as (A & B & C). destruct (next_is _ _ _ _ N) as (I & P & _). pose proof (F _ I).
  split; [lia|]. split; constructor; auto; try lia.
  - eapply Forall_impl; [|exact B]. simpl. intros; lia.
  - rewrite Forall_map. eapply Forall_impl; [|exact B]. simpl. intros; lia.
Qed.

Definition sound (os : list operation) := forall D, In (Change D) os -> well_formed D.

Lemma prompt_climbs : forall w o l x, prompt w o l x -> well_formed (fst x) ->
  version (snd w) <= version (snd x) /\ Forall (fun r => version (snd w) < child r <= version (snd x)) l /\
  StronglySorted lt (map child l).
Proof.
  assert (R : forall D a l b, routed D a l b -> well_formed D -> version a <= version b /\
    Forall (fun r => version a < child r <= version b) l /\ StronglySorted lt (map child l)).
  { intros D a l b [x F | x l' u c F W ->] Y; simpl; [repeat constructor|]. eapply walk_climbs; eauto. }
  intros w o l x Q Y. inversion Q; subst; simpl in *.
  - apply (R _ _ _ _ H0 Y).
  - repeat constructor.
  - apply (R _ _ _ _ H Y).
Qed.

Lemma sorted_app : forall l m v, StronglySorted lt l -> StronglySorted lt m ->
  Forall (fun n => n <= v) l -> Forall (fun n => v < n) m -> StronglySorted lt (l ++ m).
Proof.
  induction l as [|n l IH]; simpl; intros m v L M A B; auto. inversion L; inversion A; subst.
  constructor; [eapply IH; eauto|]. apply Forall_app. split; auto.
  eapply Forall_impl; [|exact B]. simpl. intros; lia.
Qed.

(* no route is taken twice, and versions only climb; *)
Theorem taken_once : forall w os l x, prompt_run w os l x -> well_formed (fst w) -> sound os ->
  StronglySorted lt (map child l).
Proof.
  intros w os l x P F S.
  enough (Forall (fun r => version (snd w) < child r) l /\ StronglySorted lt (map child l)) by tauto.
  revert F S. induction P as [w | w o l x os m y Q P IH]; intros F S; [repeat constructor|].
  assert (Fx : well_formed (fst x)).
  { inversion Q; subst; simpl in *; auto. apply S. now left. }
  destruct (prompt_climbs _ _ _ _ Q Fx) as (A & B & C).
  destruct (IH Fx (fun D I => S D (or_intror I))) as (G & H). split.
  - apply Forall_app. split; eapply Forall_impl; try eassumption; simpl; intros; lia.
  - rewrite map_app. apply sorted_app with (v := version (snd x)); auto; rewrite Forall_map.
    + eapply Forall_impl; [|exact B]. simpl. intros; lia.
    + exact G.
Qed.

(* and no route is taken from which the actor had diverged at any time before. *)
Theorem diverged_never_taken : forall w os l x, prompt_run w os l x ->
  forall r, In r l -> relate (path r) (history (snd w)) <> Diverged.
Proof.
  assert (T : forall h D v l u, walk h D v l u -> forall r, In r l -> relate (path r) h = Match).
  { induction 1 as [v N | v d l u N W IH]; intros r I; [destruct I|].
    destruct I as [->|I]; auto. now destruct (next_is _ _ _ _ N) as (_ & _ & M). }
  assert (R : forall D a l b, routed D a l b -> forall r, In r l -> relate (path r) (history a) = Match).
  { intros D a l b [y F | y l' u c F W ->] r I; [destruct I|]. eapply T; eauto. }
  assert (X : forall w o l x, prompt w o l x -> exists t, history (snd x) = history (snd w) ++ t /\
    forall r, In r l -> relate (path r) (history (snd w) ++ t) = Match).
  { intros w o l x Q. inversion Q as [D a e k b Y S | D a e Y | D D' a k b S]; subst; simpl.
    - exists [e]. split; [inversion S; subst; auto|]. exact (R _ _ _ _ S).
    - exists []. rewrite app_nil_r. split; auto. intros r [].
    - exists []. rewrite app_nil_r. split; [inversion S; subst; auto|]. exact (R _ _ _ _ S). }
  intros w os l x P. induction P as [w | w o l x os m y Q P IH]; intros r I G; [destruct I|].
  destruct (X _ _ _ _ Q) as (t & Ht & M). pose proof (diverged_permanent _ _ t G) as G'.
  apply in_app_or in I. destruct I as [I|I].
  - rewrite (M _ I) in G'. discriminate.
  - apply (IH _ I). now rewrite Ht.
Qed.

(* THEOREM. A finished actor keeps what it was when it finished. *)
Theorem finished_for_good : forall w os l x, prompt_run w os l x -> finished (snd w) = true -> l = [] /\ snd x = snd w.
Proof.
  induction 1 as [w | w o l x os m y Q P IH]; intros F; auto.
  inversion Q; subst; simpl in *.
  - unfold takes in H. rewrite F in H. discriminate.
  - destruct (IH F). now subst.
  - inversion H; subst; [|congruence]. destruct (IH F). now subst.
Qed.

End Routing.

Print Assumptions timing_does_not_matter.
Print Assumptions configuration_is_replay.
Print Assumptions version_is_g.
Print Assumptions one_class_one_place.
Print Assumptions taken_once.
Print Assumptions diverged_never_taken.
Print Assumptions finished_for_good.
Print Assumptions the_rule_ends.

/* The daemon between its clients, its operator, its sweep and a crash. Checked by Spin, every interleaving of it.

   Two actors that begin on version 0, events of two types, two routes with paths of up to two tokens, one close. What
   stands below as the store is what was committed: a batch of events, a chunk of the sweep, a deploy and a close are
   each one transaction. A crash loses the batch under way; the restart finds the store, and in it the sweep's cursor.

   Beside the store stands the specification: the same operations, with every actor routed at once. After each
   transaction every actor must be, once routed, where the specification has it; and no answered event may be missing.

   Each of these makes the model fail, or it would show nothing:
   -DFAULT_SPLIT      a chunk of the sweep is two transactions, one that reads and one that writes
   -DFAULT_EARLY      a batch is answered before it is committed
   -DFAULT_OVERTAKE   a close does not wait until the sweep is through */

#define ACTORS 2
#define EVENTS 2
#define ROUTES 2

/* The store. */
byte version[ACTORS], length[ACTORS], event[ACTORS * EVENTS];
byte routes, parent[ROUTES + 1], tokens[ROUTES + 1], path[2 * (ROUTES + 1)];
bit closed[ROUTES + 1];
byte swept = ACTORS;                 /* the sweep's cursor: so many actors it has been at since the last change */

/* The specification, and what clients know. */
byte specified[ACTORS], answered[ACTORS];
bool crashed;

/* Moves `at` as the rule moves actor `a`. */
inline route(a, at) {
  r = 1;
  do
  :: r > routes -> break
  :: r <= routes && (parent[r] != at || closed[r]) -> r++
  :: r <= routes && parent[r] == at && !closed[r] ->
     if
     :: (tokens[r] > 0 && length[a] > 0 && event[a * EVENTS] != path[2 * r]) ||
        (tokens[r] > 1 && length[a] > 1 && event[a * EVENTS + 1] != path[2 * r + 1]) -> r++     /* diverged */
     :: else ->
        if
        :: tokens[r] <= length[a] -> at = r; r = 1                                              /* match */
        :: else -> break                                                                        /* pending */
        fi
     fi
  od;
  r = 0
}

inline route_specified() {
  n = 0;
  do :: n == ACTORS -> break :: else -> v = specified[n]; route(n, v); specified[n] = v; n++ od;
  n = 0; v = 0
}

inline check() {
  n = 0;
  do
  :: n == ACTORS -> break
  :: else -> v = version[n]; route(n, v); assert(v == specified[n]); assert(answered[n] <= length[n]); n++
  od;
  n = 0; v = 0
}

/* Batches of events, of one actor or of both, as clients may send them. */
active proctype engine() {
  byte r, n, v, a;
  bit batch[ACTORS];

  do
  :: atomic {
       if
       :: length[0] < EVENTS -> batch[0] = 1
       :: length[1] < EVENTS -> batch[1] = 1
       :: length[0] < EVENTS && length[1] < EVENTS -> batch[0] = 1; batch[1] = 1
       fi
     };
#ifdef FAULT_EARLY
     atomic { do :: a == ACTORS -> break :: else -> answered[a] = answered[a] + batch[a]; a++ od; a = 0 };
#endif
     if
     :: atomic { !crashed -> crashed = 1; goto restart }
     :: skip
     fi;
     atomic {
       do
       :: a == ACTORS -> break
       :: a < ACTORS && !batch[a] -> a++
       :: a < ACTORS && batch[a] ->
          v = version[a]; route(a, v);                          /* touched first */
          if :: event[a * EVENTS + length[a]] = 1 :: event[a * EVENTS + length[a]] = 2 fi;
          length[a]++;
          route(a, v); version[a] = v;
          v = specified[a]; route(a, v); specified[a] = v; v = 0;
          a++
       od;
       a = 0; check()
     };
     if
     :: atomic { !crashed -> crashed = 1; goto restart }        /* committed, and nobody is told */
     :: skip
     fi;
     atomic {
#ifndef FAULT_EARLY
       do :: a == ACTORS -> break :: else -> answered[a] = answered[a] + batch[a]; a++ od; a = 0;
#endif
       check()
     };
restart:                                                        /* what was under way is gone */
     atomic { batch[0] = 0; batch[1] = 0; check() }
  :: length[0] == EVENTS && length[1] == EVENTS -> break
  od
}

active proctype sweep() {
  byte r, n, v;

end:
  do
  :: atomic {
       swept < ACTORS ->
       v = version[swept]; route(swept, v);
#ifdef FAULT_SPLIT
     };
     atomic {
#endif
       if :: swept < ACTORS -> version[swept] = v; swept++ :: else fi;
       v = 0; check()
     }
  od
}

active proctype operator() {
  byte r, n, v;

  do
  :: atomic {
       routes < ROUTES && swept == ACTORS ->
       routes++;
       if :: parent[routes] = 0 :: routes > 1 -> parent[routes] = 1 fi;
       if :: tokens[routes] = 0 :: tokens[routes] = 1 :: tokens[routes] = 2 fi;
       if :: tokens[routes] > 0 -> if :: path[2 * routes] = 1 :: path[2 * routes] = 2 fi :: else fi;
       if :: tokens[routes] > 1 -> if :: path[2 * routes + 1] = 1 :: path[2 * routes + 1] = 2 fi :: else fi;
       swept = 0; route_specified(); check()
     }
  :: atomic {
#ifdef FAULT_OVERTAKE
       routes > 0 && !closed[1] ->
#else
       routes > 0 && !closed[1] && swept == ACTORS ->
#endif
       closed[1] = 1; swept = 0; route_specified(); check()
     }
  :: routes == ROUTES -> break
  od
}

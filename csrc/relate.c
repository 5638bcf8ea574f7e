#include "evaluator.h"

#include <stdbool.h>

/* The comments that begin with an at sign are contracts in ACSL. Frama-C proves of them, for tries and paths of any
 * size and any content: nothing is read or written outside the buffers; the loops end; the status is SK_OK if and only
 * if path and trie keep their rules; and, for a path of one word, every relation is the one that `related` defines.
 * tests/proofs has the rest: that this relation, in any number of words, is what a path means.
 *
 * Products of two variables are what the provers find hard; `ordered` hands them the two facts that they need.
 */

/*@ logic integer both(integer a, integer b) = a & b;
  @ logic integer word(integer moved, integer kept) = ((uint64_t)(moved << 1)) | kept;
  @ logic integer class{L}(sk_path *path, integer symbol) = symbol < path->symbols ? path->class_of[symbol] : 0;
  @
  @ // The set of positions of history i.
  @ logic integer state{L}(sk_trie *trie, sk_path *path, integer i) =
  @     i <= 0 ? 1 :
  @     word(both(path->takes[class(path, trie->symbol[i])], state(trie, path, trie->parent[i])),
  @          both(path->stays[0], state(trie, path, trie->parent[i])));
  @
  @ predicate accepts(integer state, integer last) = ((state >> last) & 1) != 0;
  @ predicate judged(integer state, integer last, integer relation) =
  @     (accepts(state, last) && relation == SK_MATCH) ||
  @     (!accepts(state, last) && state == 0 && relation == SK_DIVERGED) ||
  @     (!accepts(state, last) && state != 0 && relation == SK_PENDING);
  @
  @ // Once decided, a history's relation is that of all that continue it.
  @ predicate related{L}(sk_trie *trie, sk_path *path, integer i, integer relation) =
  @     i <= 0 ? judged(state(trie, path, 0), path->last, relation) :
  @     ((relation != SK_PENDING && related(trie, path, trie->parent[i], relation)) ||
  @      (related(trie, path, trie->parent[i], SK_PENDING) && judged(state(trie, path, i), path->last, relation)));
  @
  @ predicate sound{L}(sk_path *path) =
  @     1 <= path->words <= SK_MAX_WORDS && path->last < 64 * path->words && 1 <= path->classes &&
  @     \forall integer s; 0 <= s < path->symbols ==> path->class_of[s] < path->classes;
  @ predicate ordered_trie{L}(sk_trie *trie) = \forall integer i; 0 < i < trie->count ==> trie->parent[i] < i;
  @
  @ predicate readable{L}(sk_trie *trie, sk_path *path) =
  @     \valid_read(trie) && \valid_read(path) &&
  @     \valid_read(trie->parent + (0 .. trie->count - 1)) && \valid_read(trie->symbol + (0 .. trie->count - 1)) &&
  @     \valid_read(path->takes + (0 .. path->classes * path->words - 1)) &&
  @     \valid_read(path->stays + (0 .. path->words - 1)) &&
  @     \valid_read(path->class_of + (0 .. path->symbols - 1));
  @ predicate writable{L}(sk_trie *trie, sk_path *path, uint64_t *states, uint8_t *relation) =
  @     \valid(states + (0 .. trie->count * path->words - 1)) && \valid(relation + (0 .. trie->count - 1)) &&
  @     \separated(states + (0 .. trie->count * path->words - 1),
  @                path->takes + (0 .. path->classes * path->words - 1)) &&
  @     \separated(states + (0 .. trie->count * path->words - 1), path->stays + (0 .. path->words - 1));
  @*/

/*@ ghost
  /@ requires a < b && words <= SK_MAX_WORDS;
   @ assigns \nothing;
   @ ensures 0 <= a * words <= a * words + words <= b * words <= SK_MAX_WORDS * 0xFFFFFFFF;
   @/
  void ordered(uint32_t a, uint32_t b, uint32_t words)
  {
  }
*/

/*@ requires \valid_read(path) && \valid_read(path->class_of + (0 .. path->symbols - 1));
  @ assigns \nothing;
  @ ensures \result <==> sound(path);
  @*/
static bool is_sound(const sk_path *path)
{
    if (path->words > SK_MAX_WORDS || path->last >= 64 * path->words || path->classes < 1)
        return false;
    /*@ loop invariant 0 <= s <= path->symbols;
      @ loop invariant \forall integer k; 0 <= k < s ==> path->class_of[k] < path->classes;
      @ loop assigns s;
      @ loop variant path->symbols - s;
      @*/
    for (uint32_t s = 0; s < path->symbols; s++)
        if (path->class_of[s] >= path->classes)
            return false;
    return true;
}

/*@ requires \valid_read(path) && \valid_read(path->class_of + (0 .. path->symbols - 1)) && sound(path);
  @ assigns \nothing;
  @ ensures \result == class(path, symbol) && \result < path->classes;
  @*/
static inline uint32_t class_of(const sk_path *path, uint32_t symbol)
{
    return symbol < path->symbols ? path->class_of[symbol] : 0;
}

/* One event: moves the set of positions `before` to `after`. */
/*@ requires 1 <= words <= SK_MAX_WORDS;
  @ requires \valid_read(before + (0 .. words - 1)) && \valid_read(takes + (0 .. words - 1));
  @ requires \valid_read(stays + (0 .. words - 1)) && \valid(after + (0 .. words - 1));
  @ requires \separated(after + (0 .. words - 1), before + (0 .. words - 1));
  @ requires \separated(after + (0 .. words - 1), takes + (0 .. words - 1));
  @ requires \separated(after + (0 .. words - 1), stays + (0 .. words - 1));
  @ assigns after[0 .. words - 1];
  @ ensures after[0] == word(both(\old(takes[0]), \old(before[0])), both(\old(stays[0]), \old(before[0])));
  @*/
static inline void advance(const uint64_t *before, const uint64_t *takes, const uint64_t *stays, uint32_t words,
                           uint64_t *after)
{
    uint64_t carry = 0;

    /*@ loop invariant 0 <= w <= words;
      @ loop invariant same: \forall integer k; 0 <= k < words ==>
      @     before[k] == \at(before[k], Pre) && takes[k] == \at(takes[k], Pre) && stays[k] == \at(stays[k], Pre);
      @ loop invariant none: w == 0 ==> carry == 0;
      @ loop invariant first: w > 0 ==> after[0] ==
      @     (((uint64_t)((\at(before[0], Pre) & \at(takes[0], Pre)) << 1)) |
      @      (\at(before[0], Pre) & \at(stays[0], Pre)));
      @ loop assigns w, carry, after[0 .. words - 1];
      @ loop variant words - w;
      @*/
    for (uint32_t w = 0; w < words; w++) {
        uint64_t moved = before[w] & takes[w];

        after[w] = moved << 1 | carry | (before[w] & stays[w]);
        /*@ assert low: w == 0 ==> after[0] ==
          @     (((uint64_t)((\at(before[0], Pre) & \at(takes[0], Pre)) << 1)) |
          @      (\at(before[0], Pre) & \at(stays[0], Pre)));
          @*/
        carry = moved >> 63;
    }
}

/*@ requires 1 <= words <= SK_MAX_WORDS && last < 64 * words;
  @ requires \valid_read(state + (0 .. words - 1));
  @ assigns \nothing;
  @ ensures \result == SK_MATCH || \result == SK_DIVERGED || \result == SK_PENDING;
  @ ensures \result == SK_MATCH <==> ((state[last / 64] >> (last % 64)) & 1) != 0;
  @ ensures \result == SK_DIVERGED ==> \forall integer w; 0 <= w < words ==> state[w] == 0;
  @ ensures \result == SK_PENDING ==> \exists integer w; 0 <= w < words && state[w] != 0;
  @*/
static inline uint8_t judge(const uint64_t *state, uint32_t words, uint32_t last)
{
    if (state[last / 64] >> (last % 64) & 1)
        return SK_MATCH;
    /*@ loop invariant 0 <= w <= words;
      @ loop invariant \forall integer k; 0 <= k < w ==> state[k] == 0;
      @ loop assigns w;
      @ loop variant words - w;
      @*/
    for (uint32_t w = 0; w < words; w++)
        if (state[w] != 0)
            return SK_PENDING;
    return SK_DIVERGED;
}

/* Returns how many nodes it judged: all, or those before the first whose parent is not before it. `words` repeats
 * path->words: a constant where the caller gives one, so that the common single word needs no loop.
 */
/*@ requires readable(trie, path) && sound(path) && words == path->words;
  @ requires writable(trie, path, states, relation);
  @ assigns states[0 .. trie->count * words - 1], relation[0 .. trie->count - 1];
  @ ensures \result <= trie->count;
  @ ensures \result == trie->count <==> ordered_trie(trie);
  @ ensures \result == trie->count ==> words == 1 ==> \forall integer i; 0 <= i < trie->count ==>
  @     related{Pre}(trie, path, i, relation[i]);
  @*/
static inline uint32_t relate(const sk_trie *trie, const sk_path *path, uint32_t words, uint64_t *states,
                              uint8_t *relation)
{
    if (trie->count == 0)
        return 0;
    /*@ ghost ordered(0, trie->count, words); */
    states[0] = 1;
    /*@ loop invariant 1 <= w <= words;
      @ loop invariant states[0] == 1;
      @ loop assigns w, states[1 .. words - 1];
      @ loop variant words - w;
      @*/
    for (uint32_t w = 1; w < words; w++)
        states[w] = 0;
    relation[0] = judge(states, words, path->last);

    /*@ loop invariant 1 <= i <= trie->count;
      @ loop invariant tree: \forall integer j; 0 < j < i ==> trie->parent[j] < j;
      @ loop invariant stays: \forall integer k; 0 <= k < words ==> path->stays[k] == \at(path->stays[k], Pre);
      @ loop invariant takes: \forall integer k; 0 <= k < path->classes * words ==>
      @     path->takes[k] == \at(path->takes[k], Pre);
      @ loop invariant judged: words == 1 ==> \forall integer j; 0 <= j < i ==>
      @     related{Pre}(trie, path, j, relation[j]);
      @ loop invariant states: words == 1 ==> \forall integer j; 0 <= j < i ==> relation[j] == SK_PENDING ==>
      @     states[j] == state{Pre}(trie, path, j);
      @ loop assigns i, states[0 .. trie->count * words - 1], relation[0 .. trie->count - 1];
      @ loop variant trie->count - i;
      @*/
    for (uint32_t i = 1; i < trie->count; i++) {
        uint32_t parent = trie->parent[i];

        if (parent >= i)
            return i;
        relation[i] = relation[parent];
        /*@ assert inherited: words == 1 ==> related{Pre}(trie, path, parent, relation[parent]); */
        if (relation[i] != SK_PENDING)
            continue; /* permanent; and its positions are never looked at, so that most memory stays untouched */

        uint32_t class = class_of(path, trie->symbol[i]);
        /*@ ghost ordered(class, path->classes, words); */
        /*@ ghost ordered(parent, i, words); */
        /*@ ghost ordered(i, trie->count, words); */
        uint64_t *state = states + (size_t)i * words;
        /*@ assert one: words == 1 ==> i * words == i && parent * words == parent && class * words == class; */
        /*@ assert up: words == 1 ==> states[parent] == state{Pre}(trie, path, parent); */
        advance(states + (size_t)parent * words, path->takes + (size_t)class * words, path->stays, words, state);
        /*@ assert kept: words == 1 ==> states[parent] == state{Pre}(trie, path, parent); */
        /*@ assert takes: words == 1 ==> path->takes[class] == \at(path->takes[\at(class, Here)], Pre); */
        /*@ assert stays: path->stays[0] == \at(path->stays[0], Pre); */
        /*@ assert class: class == class{Pre}(path, \at(trie->symbol[\at(i, Here)], Pre)) &&
          @     parent == \at(trie->parent[\at(i, Here)], Pre);
          @*/
        /*@ assert here: words == 1 ==> state == states + i; */
        /*@ assert moved: words == 1 ==>
          @     states[i] == word(both(path->takes[class], states[parent]), both(path->stays[0], states[parent]));
          @*/
        /*@ assert state: words == 1 ==> states[i] == state{Pre}(trie, path, i); */
        /*@ assert pending: words == 1 ==> related{Pre}(trie, path, parent, SK_PENDING); */
        /*@ assert last: words == 1 ==> path->last / 64 == 0 && path->last % 64 == path->last; */
        relation[i] = judge(state, words, path->last);
        /*@ assert judged: words == 1 ==> judged(state{Pre}(trie, path, i), path->last, relation[i]); */
        /*@ assert related: words == 1 ==> related{Pre}(trie, path, i, relation[i]); */
    }
    return trie->count;
}

/*@ requires readable(trie, path);
  @ requires writable(trie, path, states, relation);
  @ requires \valid(position) && \separated(position, trie, path, trie->parent + (0 .. trie->count - 1),
  @     trie->symbol + (0 .. trie->count - 1), path->class_of + (0 .. path->symbols - 1));
  @ assigns states[0 .. trie->count * path->words - 1], relation[0 .. trie->count - 1], *position;
  @ ensures \result == SK_OK || \result == SK_MALFORMED;
  @ ensures \result == SK_OK <==> sound{Pre}(path) && ordered_trie{Pre}(trie);
  @ ensures *position <= trie->count;
  @ ensures \result == SK_OK ==> path->words == 1 ==> \forall integer i; 0 <= i < trie->count ==>
  @     related{Pre}(trie, path, i, relation[i]);
  @*/
int sk_relate(const sk_trie *trie, const sk_path *path, uint64_t *states, uint8_t *relation, uint32_t *position)
{
    uint32_t judged;

    if (!is_sound(path)) {
        *position = 0;
        return SK_MALFORMED;
    }
    if (path->words == 1)
        judged = relate(trie, path, 1, states, relation);
    else
        judged = relate(trie, path, path->words, states, relation);
    *position = judged;
    return judged == trie->count ? SK_OK : SK_MALFORMED;
}

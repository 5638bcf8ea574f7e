/* Which actors pass a filter: by id, latest first, or counted. evaluator.h holds the rules that are common to all.
 *
 * A filter is decided once for each configuration of each version, then for each cohort, and only then looked up for
 * each actor, so that a page of a million actors costs a pass over two columns.
 */
#ifndef STATEKEEP_ACTORS_H
#define STATEKEEP_ACTORS_H

#include <stdint.h>

#include "cohorts.h"

/* sk_filter: which configurations pass. The byte of configuration c of version v is passes[start[v] + c]; it is there
 * if that is below start[v + 1], and passes if it is not 0. `start` has versions + 1 entries, of which those that pass
 * `size`, the bytes of `passes`, or that fall, stand for versions without configurations. `rescued` has an entry for each
 * cohort, and only cohorts whose entry is 0 (`needs_rescue` 0) or is not 0 (`needs_rescue` 1) pass; with any other
 * `needs_rescue` it is not looked at.
 */
typedef struct {
    const uint32_t *start;
    const uint8_t *passes;
    uint32_t versions;
    uint32_t size;
    const uint32_t *rescued;
    int needs_rescue;
} sk_filter;

/* sk_choose: sets the byte in `flags` of each cohort that passes, and clears all others. */
void sk_choose(const sk_cohorts *cohorts, const sk_filter *filter, uint8_t *flags);

/* sk_actors: the cohort of each actor and the position of its last event, both with `count` entries. */
typedef struct {
    const uint32_t *cohort_of;
    const uint64_t *last;
    uint32_t count;
} sk_actors;

/* sk_wanted: actors whose cohort is below `cohorts` and flagged by a byte that is not 0, and whose last event is at
 * `from` or later and before `to`.
 */
typedef struct {
    const uint8_t *flags;
    uint32_t cohorts;
    uint64_t from;
    uint64_t to;
} sk_wanted;

/* sk_by_id: stores up to `limit` of the wanted actors i >= start, in order, but for the first `skip` of them, and
 * returns how many.
 */
uint32_t sk_by_id(const sk_actors *actors, const sk_wanted *wanted, uint32_t start, uint32_t skip, uint32_t *found,
                  uint32_t limit);

/* sk_latest: stores the `limit` wanted actors whose last events are the latest, the latest first, and returns how many.
 * Among actors of equal position, which no store holds, any may be first.
 */
uint32_t sk_latest(const sk_actors *actors, const sk_wanted *wanted, uint32_t *found, uint32_t limit);

/* sk_census: adds up the wanted actors by cohort. `population` has wanted->cohorts entries, 0 before. */
void sk_census(const sk_actors *actors, const sk_wanted *wanted, uint32_t *population);

/* sk_spread: adds up the wanted actors by their last events, in spans of 2^shift positions; `shift` is below 64.
 * `counts` has `spans` entries, 0 before; actors behind the last span are left out.
 */
void sk_spread(const sk_actors *actors, const sk_wanted *wanted, unsigned shift, uint32_t *counts, uint32_t spans);

#endif

/* Which actors pass a filter: by id, latest first, or counted. evaluator.h holds the rules that are common to all.
 *
 * A filter is decided once for each standing, and then only looked up for each actor, by way of its cohort.
 */
#ifndef STATEKEEP_ACTORS_H
#define STATEKEEP_ACTORS_H

#include <stdint.h>

/* sk_actors: the cohort of each actor and the position of its last event, both with `count` entries. */
typedef struct {
    const uint32_t *cohort_of;
    const uint64_t *last;
    uint32_t count;
} sk_actors;

/* sk_wanted: actors of a cohort whose standing is flagged by a byte that is not 0, and whose last event is at `from` or
 * later and before `to`. `standing` has an entry for each of the `cohorts`, `flags` one for each of the `standings`; who
 * has no entry is not wanted.
 */
typedef struct {
    const uint32_t *standing;
    uint32_t cohorts;
    const uint8_t *flags;
    uint32_t standings;
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

/* sk_census: adds up the wanted actors by standing. `counts` has wanted->standings entries, 0 before. */
void sk_census(const sk_actors *actors, const sk_wanted *wanted, uint64_t *counts);

/* sk_count: adds up the actors by cohort. `population` has `cohorts` entries, 0 before. Nobody is in cohort 0: that is
 * said of ids without an actor.
 */
void sk_count(const sk_actors *actors, uint32_t *population, uint32_t cohorts);

/* sk_spread: adds up the wanted actors by their last events, in spans of 2^shift positions; `shift` is below 64.
 * `counts` has `spans` entries, 0 before; actors behind the last span are left out.
 */
void sk_spread(const sk_actors *actors, const sk_wanted *wanted, unsigned shift, uint32_t *counts, uint32_t spans);

#endif

/* Which actors pass a filter: by id, latest first, or counted. evaluator.h holds the rules that are common to all.
 *
 * Each actor has a number: of its standing, for which a filter is decided once, or of its cohort. A page is a pass over
 * two columns that ends when it is full.
 */
#ifndef STATEKEEP_ACTORS_H
#define STATEKEEP_ACTORS_H

#include <stdint.h>

/* sk_actors: a number of each actor and the position of its last event, both with `count` entries. */
typedef struct {
    const uint32_t *number;
    const uint64_t *last;
    uint32_t count;
} sk_actors;

/* sk_wanted: actors whose number is below `numbers` and flagged by a byte that is not 0, and whose last event is at
 * `from` or later and before `to`.
 */
typedef struct {
    const uint8_t *flags;
    uint32_t numbers;
    uint64_t from;
    uint64_t to;
} sk_wanted;

/* sk_stand: looks up the standing of each of `count` actors: `standing` has that of each of the `cohorts`. Who is in
 * none of them has standing 0.
 */
void sk_stand(const uint32_t *cohort_of, uint32_t count, const uint32_t *standing, uint32_t cohorts,
              uint32_t *standing_of);

/* sk_by_id: stores up to `limit` of the wanted actors i >= start, in order, but for the first `skip` of them, and
 * returns how many.
 */
uint32_t sk_by_id(const sk_actors *actors, const sk_wanted *wanted, uint32_t start, uint32_t skip, uint32_t *found,
                  uint32_t limit);

/* sk_latest: stores the `limit` wanted actors whose last events are the latest, the latest first, and returns how many.
 * Among actors of equal position, which no store holds, any may be first.
 */
uint32_t sk_latest(const sk_actors *actors, const sk_wanted *wanted, uint32_t *found, uint32_t limit);

/* sk_census: adds up the wanted actors by number. `counts` has wanted->numbers entries, 0 before. */
void sk_census(const sk_actors *actors, const sk_wanted *wanted, uint32_t *counts);

/* sk_spread: adds up the wanted actors by their last events, in spans of 2^shift positions; `shift` is below 64.
 * `counts` has `spans` entries, 0 before; actors behind the last span are left out.
 */
void sk_spread(const sk_actors *actors, const sk_wanted *wanted, unsigned shift, uint32_t *counts, uint32_t spans);

#endif

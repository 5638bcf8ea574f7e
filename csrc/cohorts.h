/* What is asked about all cohorts at once; evaluator.h holds the rules that are common to both.
 *
 * The outcomes are those of the daemon's routing rule, with its numbers.
 */
#ifndef STATEKEEP_COHORTS_H
#define STATEKEEP_COHORTS_H

#include <stdint.h>

enum {
    SK_OUTCOME_MIGRATED = 1,
    SK_OUTCOME_DIVERGED = 2,
    SK_OUTCOME_PENDING = 3,
    SK_OUTCOME_BLOCKED = 4,
    SK_OUTCOME_FINAL = 5,
    SK_OUTCOME_RESCUE = 6
};

/* sk_cohorts: where cohorts stand, and what standings say. The first columns have an entry for each of `count` cohorts:
 * the number of its standing, its history and its actors. Those behind have one for each of `standings` standings; a
 * number that is none of those is never followed.
 */
typedef struct {
    const uint32_t *standing;
    const uint32_t *history;
    const uint32_t *population;
    uint32_t count;
    const uint32_t *configuration;
    const uint32_t *waiting;
    const uint8_t *finished;
    uint32_t standings;
} sk_cohorts;

/* sk_facts: what cohorts say that stand somewhere, each column with an entry for each of `count` cohorts. */
typedef struct {
    const uint32_t *version;
    const uint32_t *configuration;
    const uint32_t *waiting;
    const uint32_t *rescued;
    uint32_t count;
} sk_facts;

/* sk_intern: numbers what is said there, from 1 on in the order in which it occurs: stores the number of each cohort in
 * `standing`; in `first` the place in the columns where number i + 1 occurs first; and in *position how many numbers
 * there are. `slots` is scratch of `room` entries, a power of two; `first` has room for half as many. SK_MISSING: there
 * are more numbers than that, take more room. SK_MALFORMED: `room` is no power of two above 1 (position 0).
 */
int sk_intern(const sk_facts *facts, uint32_t *standing, uint32_t *slots, uint32_t *first, uint32_t room,
              uint32_t *position);

/* sk_chain: links the cohorts of each history that have actors and whose standing has a `kind` other than 0, so that of
 * those of one kind only the one that comes last can be found: `head` has, by history, the last that was linked, `next`,
 * by cohort, the one linked before it; 0 ends a chain. `kind` has cohorts->standings entries, `head` has `nodes` and
 * `next` cohorts->count, both 0 before. SK_MALFORMED: the history of such a cohort is no node; the position is the
 * cohort.
 */
int sk_chain(const sk_cohorts *cohorts, const uint32_t *kind, uint32_t nodes, uint32_t *head, uint32_t *next,
             uint32_t *position);

/* sk_inhabited: how many cohorts have actors. */
uint32_t sk_inhabited(const sk_cohorts *cohorts);

/* sk_members: stores the numbers of the cohorts that have actors and a standing whose byte in `flags` is not 0,
 * ascending, and returns how many there are. `flags` has cohorts->standings entries, `members` room for
 * cohorts->count.
 */
uint32_t sk_members(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t *members);

/* sk_populate: adds up, by history, the actors of cohorts whose standing is flagged, as in sk_members, and notes one of
 * the cohorts that they are in. Both columns have `nodes` entries, 0 before; there is no cohort 0. SK_MALFORMED: the
 * history of such a cohort is no node; the position is the cohort.
 */
int sk_populate(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t nodes, uint32_t *actors, uint32_t *cohort_of,
                uint32_t *position);

/* sk_claim: what one more route makes of each of `n` members, before anybody lands. A finished one is FINAL; one that
 * waits for an earlier route is BLOCKED; for the others the relation of their history decides: MIGRATED, DIVERGED or
 * PENDING. The byte of each history that matches is set in `wanted`. `relation` and `wanted` have `nodes` entries.
 * SK_MALFORMED: a member is no cohort, its standing none, or its history no node; the position is its place among the
 * members.
 */
int sk_claim(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint8_t *relation, uint32_t nodes,
             uint8_t *outcome, uint8_t *wanted, uint32_t *position);

/* sk_land: gives each MIGRATED member the landing of its history: `landing` and `skipped`, from the columns that
 * sk_replay filled, each with `nodes` entries. One whose replay does not end is RESCUE instead, and, if `strict` is not
 * 0, one that skips an event. For members of other outcomes both are 0. SK_MALFORMED: a member is no cohort, or its
 * history no node; the position is its place among the members.
 */
int sk_land(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint32_t *node_landing,
            const uint32_t *node_skipped, uint32_t nodes, int strict, uint8_t *outcome, uint32_t *landing,
            uint32_t *skipped, uint32_t *position);

/* sk_line: the members that share outcome, configuration, landing and skipped, and how many actors they have. */
typedef struct {
    uint64_t actors;
    uint32_t outcome;
    uint32_t before;
    uint32_t landing;
    uint32_t skipped;
} sk_line;

/* sk_tally: sorts the members into lines and stores how many there are in *position. `slots` is scratch of `room`
 * entries, a power of two; `lines` has room for half as many. SK_MISSING: there are more lines than that, take more
 * room. SK_MALFORMED: `room` is no power of two above 1 (position 0), or a member is no cohort
 * or its standing none.
 */
int sk_tally(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint8_t *outcome,
             const uint32_t *landing, const uint32_t *skipped, uint32_t *slots, sk_line *lines, uint32_t room,
             uint32_t *position);

#endif

#include "actors.h"

#include <stdbool.h>

void sk_stand(const uint32_t *cohort_of, uint32_t count, const uint32_t *standing, uint32_t cohorts,
              uint32_t *standing_of)
{
    for (uint32_t actor = 0; actor < count; actor++)
        standing_of[actor] = cohort_of[actor] < cohorts ? standing[cohort_of[actor]] : 0;
}

static bool is_wanted(const sk_actors *actors, const sk_wanted *wanted, uint32_t actor)
{
    uint32_t number = actors->number[actor];
    /* Without branches where nothing speaks for either side. */
    return number < wanted->numbers && (wanted->flags[number] != 0) & (actors->last[actor] >= wanted->from) &
           (actors->last[actor] < wanted->to);
}

uint32_t sk_by_id(const sk_actors *actors, const sk_wanted *wanted, uint32_t start, uint32_t skip, uint32_t *found,
                  uint32_t limit)
{
    uint32_t stored = 0;
    for (uint32_t actor = start; actor < actors->count && stored < limit; actor++) {
        bool wants = is_wanted(actors, wanted, actor);
        if (skip > 0)
            skip -= wants;
        else if (wants)
            found[stored++] = actor;
    }
    return stored;
}

/* Puts `actor` into a heap of `size` others whose root, the earliest of them, is given up: the hole sinks from `at`. */
static void sink(const uint64_t *last, uint32_t *heap, uint32_t size, uint32_t at, uint32_t actor)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= size)
            break;
        if (child + 1 < size && last[heap[child + 1]] < last[heap[child]])
            child++;
        if (last[heap[child]] >= last[actor])
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = actor;
}

uint32_t sk_latest(const sk_actors *actors, const sk_wanted *wanted, uint32_t *found, uint32_t limit)
{
    uint32_t stored = 0;
    if (limit == 0)
        return 0;
    /* From the youngest on: where few events came after the spawns, those are the latest, and the heap rests. */
    for (uint32_t actor = actors->count; actor-- > 0;) {
        if (stored == limit && actors->last[actor] <= actors->last[found[0]])
            continue;
        if (!is_wanted(actors, wanted, actor))
            continue;
        if (stored == limit) {
            sink(actors->last, found, stored, 0, actor);
            continue;
        }
        found[stored++] = actor;
        if (stored == limit)
            for (uint32_t at = limit / 2; at-- > 0;)
                sink(actors->last, found, limit, at, found[at]);
    }
    if (stored < limit)
        for (uint32_t at = stored / 2; at-- > 0;)
            sink(actors->last, found, stored, at, found[at]);
    /* The earliest goes to the end, again and again: what is left is in the order wanted. */
    for (uint32_t left = stored; left > 1; left--) {
        uint32_t moved = found[left - 1];
        found[left - 1] = found[0];
        sink(actors->last, found, left - 1, 0, moved);
    }
    return stored;
}

void sk_census(const sk_actors *actors, const sk_wanted *wanted, uint32_t *counts)
{
    for (uint32_t actor = 0; actor < actors->count; actor++)
        if (actors->number[actor] < wanted->numbers)
            counts[actors->number[actor]] += is_wanted(actors, wanted, actor);
}

void sk_spread(const sk_actors *actors, const sk_wanted *wanted, unsigned shift, uint32_t *counts, uint32_t spans)
{
    for (uint32_t actor = 0; actor < actors->count; actor++) {
        uint64_t span = actors->last[actor] >> shift;
        if (span < spans)
            counts[span] += is_wanted(actors, wanted, actor);
    }
}

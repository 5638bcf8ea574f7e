#include "actors.h"

#include <stdbool.h>

static bool is_wanted(const sk_actors *actors, const sk_wanted *wanted, uint32_t actor)
{
    uint32_t cohort = actors->cohort_of[actor];
    if (actors->last[actor] < wanted->from || actors->last[actor] >= wanted->to || cohort >= wanted->cohorts)
        return false;
    uint32_t standing = wanted->standing[cohort];
    return standing < wanted->standings && wanted->flags[standing];
}

uint32_t sk_by_id(const sk_actors *actors, const sk_wanted *wanted, uint32_t start, uint32_t skip, uint32_t *found,
                  uint32_t limit)
{
    uint32_t stored = 0;
    for (uint32_t actor = start; actor < actors->count && stored < limit; actor++) {
        if (!is_wanted(actors, wanted, actor))
            continue;
        if (skip > 0)
            skip--;
        else
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

void sk_census(const sk_actors *actors, const sk_wanted *wanted, uint64_t *counts)
{
    for (uint32_t actor = 0; actor < actors->count; actor++)
        if (is_wanted(actors, wanted, actor))
            counts[wanted->standing[actors->cohort_of[actor]]]++;
}

void sk_count(const sk_actors *actors, uint32_t *population, uint32_t cohorts)
{
    for (uint32_t actor = 0; actor < actors->count; actor++)
        if (actors->cohort_of[actor] != 0 && actors->cohort_of[actor] < cohorts)
            population[actors->cohort_of[actor]]++;
}

void sk_spread(const sk_actors *actors, const sk_wanted *wanted, unsigned shift, uint32_t *counts, uint32_t spans)
{
    for (uint32_t actor = 0; actor < actors->count; actor++) {
        uint64_t span = actors->last[actor] >> shift;
        if (is_wanted(actors, wanted, actor) && span < spans)
            counts[span]++;
    }
}

#include "cohorts.h"
#include "evaluator.h"

#include <stdbool.h>

static uint32_t mixed(uint32_t hash, uint32_t value)
{
    /* The finaliser of 32-bit MurmurHash3: every bit of the input reaches every bit of the output. */
    hash ^= value;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

static bool stand_alike(const sk_facts *facts, uint32_t one, uint32_t other)
{
    return facts->version[one] == facts->version[other] && facts->configuration[one] == facts->configuration[other] &&
           facts->waiting[one] == facts->waiting[other] && facts->rescued[one] == facts->rescued[other];
}

int sk_intern(const sk_facts *facts, uint32_t *standing, uint32_t *slots, uint32_t *first, uint32_t room,
              uint32_t *position)
{
    uint32_t stored = 0;
    *position = 0;
    if (room < 2 || (room & (room - 1)) != 0)
        return SK_MALFORMED;
    for (uint32_t slot = 0; slot < room; slot++)
        slots[slot] = SK_UNKNOWN;
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t hash = mixed(mixed(facts->version[i], facts->configuration[i]), facts->waiting[i]);
        uint32_t slot = mixed(hash, facts->rescued[i]) & (room - 1);
        /* At most half of the slots are taken, so an empty one is found. */
        while (slots[slot] != SK_UNKNOWN && !stand_alike(facts, first[slots[slot]], i))
            slot = (slot + 1) & (room - 1);
        if (slots[slot] == SK_UNKNOWN) {
            if (stored == room / 2)
                return SK_MISSING;
            slots[slot] = stored;
            first[stored++] = i;
        }
        standing[i] = slots[slot] + 1;
    }
    *position = stored;
    return SK_OK;
}

int sk_chain(const sk_cohorts *cohorts, const uint32_t *kind, uint32_t nodes, uint32_t *head, uint32_t *next,
             uint32_t *position)
{
    *position = 0;
    /* A chain ends at 0: there is no cohort 0. */
    for (uint32_t cohort = 1; cohort < cohorts->count; cohort++) {
        uint32_t standing = cohorts->standing[cohort], node = cohorts->history[cohort];
        *position = cohort;
        if (standing >= cohorts->standings || kind[standing] == 0 || cohorts->population[cohort] == 0)
            continue;
        if (node >= nodes)
            return SK_MALFORMED;
        for (uint32_t *link = &head[node]; *link != 0; link = &next[*link])
            if (kind[cohorts->standing[*link]] == kind[standing]) {
                *link = next[*link];
                break;
            }
        next[cohort] = head[node];
        head[node] = cohort;
    }
    *position = cohorts->count;
    return SK_OK;
}

uint32_t sk_inhabited(const sk_cohorts *cohorts)
{
    uint32_t found = 0;
    for (uint32_t cohort = 0; cohort < cohorts->count; cohort++)
        found += cohorts->population[cohort] != 0;
    return found;
}

static bool is_member(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t cohort)
{
    uint32_t standing = cohorts->standing[cohort];
    return cohorts->population[cohort] != 0 && standing < cohorts->standings && flags[standing];
}

uint32_t sk_members(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t *members)
{
    uint32_t found = 0;
    for (uint32_t cohort = 0; cohort < cohorts->count; cohort++)
        if (is_member(cohorts, flags, cohort))
            members[found++] = cohort;
    return found;
}

int sk_populate(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t nodes, uint32_t *actors, uint32_t *cohort_of,
                uint32_t *position)
{
    for (uint32_t cohort = 0; cohort < cohorts->count; cohort++) {
        uint32_t node = cohorts->history[cohort];
        *position = cohort;
        if (!is_member(cohorts, flags, cohort))
            continue;
        if (node >= nodes)
            return SK_MALFORMED;
        actors[node] += cohorts->population[cohort];
        cohort_of[node] = cohort;
    }
    *position = cohorts->count;
    return SK_OK;
}

int sk_claim(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint8_t *relation, uint32_t nodes,
             uint8_t *outcome, uint8_t *wanted, uint32_t *position)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cohort = members[i];
        *position = i;
        if (cohort >= cohorts->count || cohorts->history[cohort] >= nodes ||
            cohorts->standing[cohort] >= cohorts->standings)
            return SK_MALFORMED;
        uint32_t node = cohorts->history[cohort], standing = cohorts->standing[cohort];
        if (cohorts->finished[standing]) {
            outcome[i] = SK_OUTCOME_FINAL;
        } else if (cohorts->waiting[standing] != 0) {
            outcome[i] = SK_OUTCOME_BLOCKED;
        } else if (relation[node] == SK_MATCH) {
            outcome[i] = SK_OUTCOME_MIGRATED;
            wanted[node] = 1;
        } else {
            outcome[i] = relation[node] == SK_PENDING ? SK_OUTCOME_PENDING : SK_OUTCOME_DIVERGED;
        }
    }
    *position = n;
    return SK_OK;
}

int sk_land(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint32_t *node_landing,
            const uint32_t *node_skipped, uint32_t nodes, int strict, uint8_t *outcome, uint32_t *landing,
            uint32_t *skipped, uint32_t *position)
{
    for (uint32_t i = 0; i < n; i++) {
        landing[i] = skipped[i] = 0;
        if (outcome[i] != SK_OUTCOME_MIGRATED)
            continue;
        uint32_t cohort = members[i];
        *position = i;
        if (cohort >= cohorts->count || cohorts->history[cohort] >= nodes)
            return SK_MALFORMED;
        uint32_t node = cohorts->history[cohort];
        landing[i] = node_landing[node];
        skipped[i] = node_skipped[node];
        if (landing[i] == SK_STUCK || (strict && skipped[i] != 0)) {
            outcome[i] = SK_OUTCOME_RESCUE;
            landing[i] = 0;
        }
    }
    *position = n;
    return SK_OK;
}

static bool is_alike(const sk_line *one, const sk_line *other)
{
    return one->outcome == other->outcome && one->before == other->before && one->landing == other->landing &&
           one->skipped == other->skipped;
}

int sk_tally(const sk_cohorts *cohorts, const uint32_t *members, uint32_t n, const uint8_t *outcome,
             const uint32_t *landing, const uint32_t *skipped, uint32_t *slots, sk_line *lines, uint32_t room,
             uint32_t *position)
{
    uint32_t stored = 0;
    sk_line *last = NULL;
    *position = 0;
    if (room < 2 || (room & (room - 1)) != 0)
        return SK_MALFORMED;
    for (uint32_t slot = 0; slot < room; slot++)
        slots[slot] = SK_UNKNOWN;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cohort = members[i];
        *position = i;
        if (cohort >= cohorts->count || cohorts->standing[cohort] >= cohorts->standings)
            return SK_MALFORMED;
        uint32_t before = cohorts->configuration[cohorts->standing[cohort]];
        sk_line kind = {0, outcome[i], before, landing[i], skipped[i]};
        /* Cohorts that were made one after the other are often alike. */
        if (last != NULL && is_alike(last, &kind)) {
            last->actors += cohorts->population[cohort];
            continue;
        }
        uint32_t slot = mixed(mixed(mixed(outcome[i], before), landing[i]), skipped[i]) & (room - 1);
        /* At most half of the slots are taken, so an empty one is found. */
        while (slots[slot] != SK_UNKNOWN && !is_alike(&lines[slots[slot]], &kind))
            slot = (slot + 1) & (room - 1);
        if (slots[slot] == SK_UNKNOWN) {
            if (stored == room / 2)
                return SK_MISSING;
            slots[slot] = stored;
            lines[stored++] = kind;
        }
        last = &lines[slots[slot]];
        last->actors += cohorts->population[cohort];
    }
    *position = stored;
    return SK_OK;
}

/* The questions about actors under AddressSanitizer and UBSan: random columns against what actors.h says of a single
 * actor, and garbage.
 *
 * The argument is the number of random rounds.
 */
#include "actors.h"
#include "test_support.h"

#include <string.h>

enum { VERSIONS = 4, MOST_COHORTS = 12, MOST_ACTORS = 60, MOST_POSITIONS = 80, CONFIGURATIONS = 3 };

static bool passes(const sk_cohorts *cohorts, const sk_filter *filter, uint32_t cohort)
{
    uint32_t version = cohorts->version[cohort], configuration = cohorts->configuration[cohort];

    if (filter->needs_rescue >= 0 && (filter->rescued[cohort] != 0) != (filter->needs_rescue == 1))
        return false;
    return version < filter->versions && configuration < CONFIGURATIONS &&
           filter->passes[version * CONFIGURATIONS + configuration] != 0;
}

/* Flags are those that the filter's own rule gives, and garbage in its place is read without harm. */
static void test_choose(void)
{
    uint32_t count = below(MOST_COHORTS), start[VERSIONS + 1], *rescued = buffer(count, 4);
    uint32_t *version = buffer(count, 4), *configuration = buffer(count, 4);
    uint8_t *wanted = buffer(VERSIONS * CONFIGURATIONS, 1), *flags = garbage(count, 1);
    sk_cohorts cohorts = {version, NULL, configuration, NULL, NULL, NULL, count};
    sk_filter filter = {start, wanted, VERSIONS, VERSIONS * CONFIGURATIONS, rescued, (int)below(3) - 1};

    for (uint32_t i = 0; i < count; i++) {
        version[i] = below(VERSIONS + 2);
        configuration[i] = below(CONFIGURATIONS + 2);
        rescued[i] = below(2) * below(9);
    }
    for (uint32_t i = 0; i <= VERSIONS; i++)
        start[i] = i * CONFIGURATIONS;
    for (uint32_t i = 0; i < VERSIONS * CONFIGURATIONS; i++)
        wanted[i] = (uint8_t)(below(2) * below(256));
    sk_choose(&cohorts, &filter, flags);
    for (uint32_t i = 0; i < count; i++)
        EXPECT(flags[i] == passes(&cohorts, &filter, i));

    uint32_t *rubbish = garbage(VERSIONS + 1, 4);
    filter.start = rubbish;
    sk_choose(&cohorts, &filter, flags);
    free(rubbish);
    free(flags);
    free(wanted);
    free(configuration);
    free(version);
    free(rescued);
}

static bool is_wanted(const sk_actors *actors, const sk_wanted *wanted, uint32_t i)
{
    return actors->cohort_of[i] < wanted->cohorts && wanted->flags[actors->cohort_of[i]] &&
           actors->last[i] >= wanted->from && actors->last[i] < wanted->to;
}

/* By id, latest first and counted are three views of the same actors. */
static void test_wanted(void)
{
    uint32_t count = below(MOST_ACTORS), known = below(MOST_COHORTS), limit = below(MOST_ACTORS), start = below(20);
    uint32_t skip = below(2) * below(20), counts[MOST_POSITIONS + 1] = {0}, spans = 1 + below(MOST_POSITIONS);
    unsigned shift = below(4);
    uint32_t *cohort_of = buffer(count, 4), *found = buffer(limit, 4), *population = buffer(known, 4);
    uint64_t *last = buffer(count, 8);
    uint8_t *flags = garbage(known, 1), ids[MOST_ACTORS] = {0};
    sk_actors actors = {cohort_of, last, count};
    sk_wanted wanted = {flags, known, below(MOST_POSITIONS / 2), MOST_POSITIONS / 2 + below(MOST_POSITIONS / 2)};

    for (uint32_t i = 0; i < count; i++) {
        cohort_of[i] = below(MOST_COHORTS);
        last[i] = i == 0 || below(3) ? below(MOST_POSITIONS) : last[i - 1] + 1; /* now and then two alike */
    }
    uint32_t stored = sk_by_id(&actors, &wanted, start, skip, found, limit), at = 0, all = 0, over = 0;
    for (uint32_t i = 0; i < count; i++) {
        all += is_wanted(&actors, &wanted, i);
        if (i >= start && is_wanted(&actors, &wanted, i) && over++ >= skip && at < limit)
            EXPECT(at < stored && found[at++] == i);
    }
    EXPECT(at == stored);

    stored = sk_latest(&actors, &wanted, found, limit);
    EXPECT(stored == (all < limit ? all : limit));
    for (uint32_t i = 0; i < stored; i++) {
        EXPECT(is_wanted(&actors, &wanted, found[i]) && !ids[found[i]]);
        EXPECT(i == 0 || last[found[i]] <= last[found[i - 1]]);
        ids[found[i]] = 1;
    }
    for (uint32_t i = 0; i < count; i++)
        EXPECT(stored == 0 || ids[i] || !is_wanted(&actors, &wanted, i) || last[i] <= last[found[stored - 1]]);

    memset(population, 0, known * sizeof *population);
    sk_census(&actors, &wanted, population);
    for (uint32_t cohort = 0; cohort < known; cohort++) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < count; i++)
            here += cohort_of[i] == cohort && is_wanted(&actors, &wanted, i);
        EXPECT(population[cohort] == here);
    }
    sk_spread(&actors, &wanted, shift, counts, spans);
    for (uint32_t span = 0; span < spans; span++) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < count; i++)
            here += last[i] >> shift == span && is_wanted(&actors, &wanted, i);
        EXPECT(counts[span] == here);
    }
    EXPECT(counts[spans] == 0);
    free(flags);
    free(last);
    free(population);
    free(found);
    free(cohort_of);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5000;

    for (int round = 0; round < rounds; round++) {
        test_choose();
        test_wanted();
    }
    printf("actors: %d rounds\n", rounds);
    return 0;
}

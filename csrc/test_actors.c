/* The questions about actors under AddressSanitizer and UBSan: random columns against what actors.h says of a single
 * actor, and garbage.
 *
 * The argument is the number of random rounds.
 */
#include "actors.h"
#include "test_support.h"

#include <string.h>

enum { MOST_NUMBERS = 12, MOST_ACTORS = 60, MOST_POSITIONS = 80 };

static bool is_wanted(const sk_actors *actors, const sk_wanted *wanted, uint32_t i)
{
    return actors->number[i] < wanted->numbers && wanted->flags[actors->number[i]] && actors->last[i] >= wanted->from &&
           actors->last[i] < wanted->to;
}

static void test_stand(void)
{
    uint32_t count = below(MOST_ACTORS), cohorts = below(MOST_NUMBERS);
    uint32_t *cohort_of = buffer(count, 4), *standing = garbage(cohorts, 4), *standing_of = buffer(count, 4);

    for (uint32_t i = 0; i < count; i++)
        cohort_of[i] = below(MOST_NUMBERS);
    sk_stand(cohort_of, count, standing, cohorts, standing_of);
    for (uint32_t i = 0; i < count; i++)
        EXPECT(standing_of[i] == (cohort_of[i] < cohorts ? standing[cohort_of[i]] : 0));
    free(standing_of);
    free(standing);
    free(cohort_of);
}

/* By id, latest first and counted are three views of the same actors. */
static void test_wanted(void)
{
    uint32_t count = below(MOST_ACTORS), known = below(MOST_NUMBERS), limit = below(MOST_ACTORS), start = below(20);
    uint32_t skip = below(2) * below(20), counts[MOST_POSITIONS + 1] = {0}, spans = 1 + below(MOST_POSITIONS);
    unsigned shift = below(4);
    uint32_t *number = buffer(count, 4), *found = buffer(limit, 4), *population = buffer(known, 4);
    uint64_t *last = buffer(count, 8);
    uint8_t *flags = garbage(known, 1), ids[MOST_ACTORS] = {0};
    sk_actors actors = {number, last, count};
    sk_wanted wanted = {flags, known, below(MOST_POSITIONS / 2), MOST_POSITIONS / 2 + below(MOST_POSITIONS / 2)};

    for (uint32_t i = 0; i < count; i++) {
        number[i] = below(MOST_NUMBERS);
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
    for (uint32_t kind = 0; kind < known; kind++) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < count; i++)
            here += number[i] == kind && is_wanted(&actors, &wanted, i);
        EXPECT(population[kind] == here);
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
    free(number);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5000;

    for (int round = 0; round < rounds; round++) {
        test_stand();
        test_wanted();
    }
    printf("actors: %d rounds\n", rounds);
    return 0;
}

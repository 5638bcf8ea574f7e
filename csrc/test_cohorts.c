/* The questions about cohorts under AddressSanitizer and UBSan: cases by hand, random columns against what cohorts.h
 * says of a single member, and garbage.
 *
 * The argument is the number of random rounds.
 */
#include "cohorts.h"
#include "evaluator.h"
#include "test_support.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_STANDINGS = 6, MOST_COHORTS = 40, MOST_MEMBERS = 60, MOST_NODES = 12 };

/* Columns that are well formed for `nodes` histories. Nobody is in cohort 0, for there is none. */
static sk_cohorts random_cohorts(uint32_t count, uint32_t nodes)
{
    uint32_t standings = 1 + below(MOST_STANDINGS);
    uint32_t *standing = buffer(count, 4), *history = buffer(count, 4), *population = buffer(count, 4);
    uint32_t *configuration = buffer(standings, 4), *waiting = buffer(standings, 4);
    uint8_t *finished = buffer(standings, 1);

    for (uint32_t i = 0; i < count; i++) {
        standing[i] = below(standings);
        history[i] = below(nodes);
        population[i] = i == 0 || below(3) == 0 ? 0 : 1 + below(1000);
    }
    for (uint32_t i = 0; i < standings; i++) {
        configuration[i] = below(3);
        waiting[i] = below(4) ? 0 : below(3);
        finished[i] = (uint8_t)(below(4) ? 0 : below(256));
    }
    return (sk_cohorts){standing, history, population, count, configuration, waiting, finished, standings};
}

static void free_cohorts(sk_cohorts cohorts)
{
    const void *all[] = {cohorts.standing,      cohorts.history, cohorts.population,
                         cohorts.configuration, cohorts.waiting, cohorts.finished};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free((void *)all[i]);
}

static uint8_t *random_flags(uint32_t standings)
{
    uint8_t *flags = buffer(standings, 1);

    for (uint32_t i = 0; i < standings; i++)
        flags[i] = (uint8_t)(below(2) * below(256));
    return flags;
}

/* Members in any order, some of them twice. */
static uint32_t *random_members(uint32_t n, uint32_t count)
{
    uint32_t *members = buffer(n, 4);

    for (uint32_t i = 0; i < n; i++)
        members[i] = below(count);
    return members;
}

/* In one round of four, a member that is no cohort, or one whose history is no node, or whose standing is none. */
static void spoil(const sk_cohorts *cohorts, uint32_t *members, uint32_t n, uint32_t nodes)
{
    if (n == 0 || below(4) != 0)
        return;
    uint32_t at = below(n), what = below(3);
    if (what == 0)
        members[at] = cohorts->count + below(3);
    else if (what == 1)
        ((uint32_t *)cohorts->history)[members[at]] = nodes + below(3);
    else
        ((uint32_t *)cohorts->standing)[members[at]] = cohorts->standings + below(3);
}

static bool sensible(const sk_cohorts *cohorts, uint32_t cohort, uint32_t nodes)
{
    return cohort < cohorts->count && cohorts->history[cohort] < nodes;
}

static bool stands(const sk_cohorts *cohorts, uint32_t cohort)
{
    return cohorts->standing[cohort] < cohorts->standings;
}

static bool is_member(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t cohort)
{
    return cohorts->population[cohort] > 0 && flags[cohorts->standing[cohort]] != 0;
}

static void test_members(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        sk_cohorts cohorts = random_cohorts(below(MOST_COHORTS), 1);
        uint32_t *members = buffer(cohorts.count, 4), left = 0, inhabited = 0;
        uint8_t *flags = random_flags(cohorts.standings);
        uint32_t found = sk_members(&cohorts, flags, members);

        for (uint32_t cohort = 0; cohort < cohorts.count; cohort++) {
            left += is_member(&cohorts, flags, cohort);
            inhabited += cohorts.population[cohort] > 0;
        }
        EXPECT(found == left);
        EXPECT(sk_inhabited(&cohorts) == inhabited);
        for (uint32_t i = 0; i < found; i++) {
            EXPECT(i == 0 || members[i - 1] < members[i]);
            EXPECT(is_member(&cohorts, flags, members[i]));
        }
        free(flags);
        free(members);
        free_cohorts(cohorts);
    }
}

static void expect_populated(const sk_cohorts *cohorts, const uint8_t *flags, uint32_t nodes)
{
    uint32_t *actors = buffer(nodes, 4), *cohort_of = buffer(nodes, 4), position = 77;

    memset(actors, 0, nodes * 4);
    memset(cohort_of, 0, nodes * 4);
    EXPECT(sk_populate(cohorts, flags, nodes, actors, cohort_of, &position) == SK_OK && position == cohorts->count);
    for (uint32_t node = 0; node < nodes; node++) {
        uint32_t sum = 0, one = cohort_of[node];

        for (uint32_t cohort = 0; cohort < cohorts->count; cohort++)
            if (cohorts->history[cohort] == node && is_member(cohorts, flags, cohort))
                sum += cohorts->population[cohort];
        EXPECT(actors[node] == sum);
        EXPECT(sum > 0 ? cohorts->history[one] == node && is_member(cohorts, flags, one) : one == 0);
    }
    free(actors);
    free(cohort_of);
}

static void test_populate(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t nodes = 1 + below(MOST_NODES);
        sk_cohorts cohorts = random_cohorts(below(MOST_COHORTS), nodes);
        uint8_t *flags = random_flags(cohorts.standings);

        expect_populated(&cohorts, flags, nodes);
        free(flags);
        free_cohorts(cohorts);
    }
}

/* Of four cohorts with a history that is no node, only the last is inhabited and has a standing, one that is flagged. */
static void test_populate_by_hand(void)
{
    uint32_t standing[] = {0, 2, 0, 1, 1}, history[] = {0, 2, 2, 2, 2};
    uint32_t population[] = {0, 5, 5, 0, 7}, actors[3] = {0}, cohort_of[3] = {0}, position;
    uint8_t flags[] = {0, 1};
    sk_cohorts cohorts = {standing, history, population, 5, NULL, NULL, NULL, 2};

    EXPECT(sk_populate(&cohorts, flags, 2, actors, cohort_of, &position) == SK_MALFORMED && position == 4);
    EXPECT(sk_populate(&cohorts, flags, 3, actors, cohort_of, &position) == SK_OK && position == 5);
    EXPECT(actors[2] == 7 && cohort_of[2] == 4 && actors[0] == 0 && cohort_of[0] == 0);
    cohorts.count = 0;
    EXPECT(sk_populate(&cohorts, flags, 0, NULL, NULL, &position) == SK_OK && position == 0);
}

static bool same_facts(const sk_facts *facts, uint32_t one, uint32_t other)
{
    return facts->version[one] == facts->version[other] && facts->configuration[one] == facts->configuration[other] &&
           facts->waiting[one] == facts->waiting[other] && facts->rescued[one] == facts->rescued[other];
}

/* Numbers are given in the order in which they first occur, and the room grows until all of them fit. */
static void test_intern(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t n = below(MOST_COHORTS), kinds = 0, position = 77, most = 1 + below(4), *columns[4];
        uint32_t *standing = buffer(n, 4), *expected = buffer(n, 4);
        int status = SK_MISSING;

        for (uint32_t column = 0; column < 4; column++) {
            columns[column] = buffer(n, 4);
            for (uint32_t i = 0; i < n; i++)
                columns[column][i] = below(most);
        }
        sk_facts facts = {columns[0], columns[1], columns[2], columns[3], n};
        for (uint32_t i = 0; i < n; i++) {
            expected[i] = 0;
            for (uint32_t j = 0; j < i; j++)
                if (same_facts(&facts, i, j))
                    expected[i] = expected[j];
            if (expected[i] == 0)
                expected[i] = ++kinds;
        }
        for (uint32_t room = 2; status == SK_MISSING; room *= 2) {
            uint32_t *slots = garbage(room, 4), *first = garbage(room / 2, 4);

            status = sk_intern(&facts, standing, slots, first, room, &position);
            EXPECT(status == (kinds > room / 2 ? SK_MISSING : SK_OK));
            for (uint32_t kind = 0; status == SK_OK && kind < kinds; kind++) {
                EXPECT(expected[first[kind]] == kind + 1);
                for (uint32_t before = 0; before < first[kind]; before++)
                    EXPECT(expected[before] != kind + 1);
            }
            free(slots);
            free(first);
        }
        EXPECT(position == kinds);
        EXPECT(memcmp(standing, expected, n * 4) == 0);
        EXPECT(sk_intern(&facts, standing, NULL, NULL, 3 * below(50), &position) == SK_MALFORMED && position == 0);
        for (uint32_t column = 0; column < 4; column++)
            free(columns[column]);
        free(standing);
        free(expected);
    }
}

/* A chain has the last cohort of each kind that counts, and each once. */
static void test_chain(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t nodes = 1 + below(MOST_NODES), position = 77;
        sk_cohorts cohorts = random_cohorts(below(MOST_COHORTS), nodes);
        uint32_t *kind = buffer(cohorts.standings, 4), *head = buffer(nodes, 4), *next = buffer(cohorts.count, 4);

        memset(head, 0, nodes * 4);
        memset(next, 0, cohorts.count * 4);
        for (uint32_t i = 0; i < cohorts.standings; i++)
            kind[i] = below(4);
        EXPECT(sk_chain(&cohorts, kind, nodes, head, next, &position) == SK_OK);
        for (uint32_t node = 0; node < nodes; node++) {
            uint32_t last[4] = {0}, left = 0;

            for (uint32_t i = 1; i < cohorts.count; i++)
                if (cohorts.history[i] == node && cohorts.population[i] > 0)
                    last[kind[cohorts.standing[i]]] = i;
            for (uint32_t i = 1; i < 4; i++)
                left += last[i] > 0;
            for (uint32_t at = head[node]; at != 0; at = next[at], left--)
                EXPECT(left > 0 && last[kind[cohorts.standing[at]]] == at && kind[cohorts.standing[at]] != 0);
            EXPECT(left == 0);
        }
        free(kind);
        free(head);
        free(next);
        free_cohorts(cohorts);
    }
}

/* The history of cohort 3 is no node; nobody is in cohort 1, and cohort 2 has no standing. */
static void test_chain_by_hand(void)
{
    uint32_t standing[] = {0, 1, 2, 1}, history[] = {9, 9, 9, 1}, population[] = {1, 0, 1, 1}, position;
    uint32_t kind[] = {5, 1}, head[2] = {0}, next[4] = {0};
    sk_cohorts cohorts = {standing, history, population, 4, NULL, NULL, NULL, 2};

    EXPECT(sk_chain(&cohorts, kind, 1, head, next, &position) == SK_MALFORMED && position == 3);
    EXPECT(sk_chain(&cohorts, kind, 2, head, next, &position) == SK_OK && head[0] == 0 && head[1] == 3);
}

/* Cohorts 1 to 6 meet every outcome; the history of each is its number less one. */
static void test_claim_and_land_by_hand(void)
{
    uint32_t none[7] = {0}, history[] = {0, 0, 1, 2, 3, 4, 5}, standing[] = {0, 0, 0, 0, 1, 2, 0};
    uint32_t waiting[] = {0, 9, 9};
    uint8_t finished[] = {0, 0, 1}, outcome[6], wanted[6] = {0};
    uint8_t relation[] = {SK_MATCH, SK_PENDING, SK_DIVERGED, SK_MATCH, SK_MATCH, SK_MATCH};
    sk_cohorts cohorts = {standing, history, none, 7, none, waiting, finished, 3};
    uint32_t members[] = {1, 2, 3, 4, 5, 6}, landing[6], skipped[6], position;
    uint32_t node_landing[] = {8, 7, 7, 7, 7, SK_STUCK}, node_skipped[] = {2, 1, 1, 1, 1, 3};

    EXPECT(sk_claim(&cohorts, members, 6, relation, 6, outcome, wanted, &position) == SK_OK && position == 6);
    EXPECT(memcmp(outcome, (uint8_t[]){1, 3, 2, 4, 5, 1}, 6) == 0);
    EXPECT(memcmp(wanted, (uint8_t[]){1, 0, 0, 0, 0, 1}, 6) == 0);
    EXPECT(sk_land(&cohorts, members, 6, node_landing, node_skipped, 6, 0, outcome, landing, skipped, &position) ==
           SK_OK);
    EXPECT(memcmp(outcome, (uint8_t[]){1, 3, 2, 4, 5, 6}, 6) == 0);
    EXPECT(memcmp(landing, (uint32_t[]){8, 0, 0, 0, 0, 0}, sizeof landing) == 0);
    EXPECT(memcmp(skipped, (uint32_t[]){2, 0, 0, 0, 0, 3}, sizeof skipped) == 0);
    EXPECT(sk_land(&cohorts, members, 6, node_landing, node_skipped, 6, 1, outcome, landing, skipped, &position) ==
           SK_OK);
    EXPECT(outcome[0] == SK_OUTCOME_RESCUE && landing[0] == 0 && skipped[0] == 2 && position == 6);

    EXPECT(sk_claim(&cohorts, members, 6, relation, 5, outcome, wanted, &position) == SK_MALFORMED && position == 5);
    members[2] = 7;
    EXPECT(sk_claim(&cohorts, members, 6, relation, 6, outcome, wanted, &position) == SK_MALFORMED && position == 2);
    EXPECT(sk_claim(&cohorts, members, 0, relation, 0, outcome, wanted, &position) == SK_OK && position == 0);
}

static uint8_t claimed(const sk_cohorts *cohorts, uint32_t cohort, uint8_t relation)
{
    static const uint8_t related[] = {SK_OUTCOME_PENDING, SK_OUTCOME_MIGRATED, SK_OUTCOME_DIVERGED};

    uint32_t standing = cohorts->standing[cohort];
    return cohorts->finished[standing]       ? SK_OUTCOME_FINAL
           : cohorts->waiting[standing] != 0 ? SK_OUTCOME_BLOCKED
                                             : related[relation];
}

static void test_claim(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t nodes = 1 + below(MOST_NODES), n = below(MOST_MEMBERS), sound = 0, position = 77;
        sk_cohorts cohorts = random_cohorts(1 + below(MOST_COHORTS), nodes);
        uint32_t *members = random_members(n, cohorts.count);
        uint8_t *relation = buffer(nodes, 1), *wanted = buffer(nodes, 1), *expected = buffer(nodes, 1);
        uint8_t *outcome = buffer(n, 1);

        for (uint32_t node = 0; node < nodes; node++) {
            relation[node] = (uint8_t)below(3);
            wanted[node] = expected[node] = below(4) == 0;
        }
        spoil(&cohorts, members, n, nodes);
        while (sound < n && sensible(&cohorts, members[sound], nodes) && stands(&cohorts, members[sound]))
            sound++;
        EXPECT(sk_claim(&cohorts, members, n, relation, nodes, outcome, wanted, &position) ==
               (sound == n ? SK_OK : SK_MALFORMED));
        EXPECT(position == sound);
        for (uint32_t i = 0; i < sound; i++) {
            uint32_t node = cohorts.history[members[i]];

            EXPECT(outcome[i] == claimed(&cohorts, members[i], relation[node]));
            expected[node] |= outcome[i] == SK_OUTCOME_MIGRATED;
        }
        EXPECT(memcmp(wanted, expected, nodes) == 0);
        void *all[] = {members, relation, wanted, expected, outcome};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_cohorts(cohorts);
    }
}

/* That member i has landed as the columns of the replay say, or has been left where it is. */
static void expect_landed(uint32_t before, uint32_t node_landing, uint32_t node_skipped, bool strict, uint32_t outcome,
                          uint32_t landing, uint32_t skipped)
{
    bool claims = before == SK_OUTCOME_MIGRATED;
    bool refused = node_landing == SK_STUCK || (strict && node_skipped > 0);

    EXPECT(outcome == (claims && refused ? SK_OUTCOME_RESCUE : before));
    EXPECT(landing == (claims && !refused ? node_landing : 0));
    EXPECT(skipped == (claims ? node_skipped : 0));
}

static void test_land(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t nodes = 1 + below(MOST_NODES), n = below(MOST_MEMBERS), sound = 0, position = 77;
        sk_cohorts cohorts = random_cohorts(1 + below(MOST_COHORTS), nodes);
        uint32_t *members = random_members(n, cohorts.count), *landing = buffer(n, 4), *skipped = buffer(n, 4);
        uint32_t *node_landing = buffer(nodes, 4), *node_skipped = buffer(nodes, 4);
        uint8_t *before = buffer(n, 1), *outcome = buffer(n, 1);
        bool strict = below(2) != 0;

        for (uint32_t node = 0; node < nodes; node++) {
            node_landing[node] = below(4) ? below(5) : SK_STUCK;
            node_skipped[node] = below(2) ? 0 : below(4);
        }
        spoil(&cohorts, members, n, nodes);
        for (uint32_t i = 0; i < n; i++)
            before[i] = outcome[i] = (uint8_t)(below(2) ? SK_OUTCOME_MIGRATED : 1 + below(5));
        while (sound < n && (before[sound] != SK_OUTCOME_MIGRATED || sensible(&cohorts, members[sound], nodes)))
            sound++;
        EXPECT(sk_land(&cohorts, members, n, node_landing, node_skipped, nodes, strict, outcome, landing, skipped,
                       &position) == (sound == n ? SK_OK : SK_MALFORMED));
        EXPECT(position == sound);
        for (uint32_t i = 0; i < sound; i++) {
            uint32_t node = before[i] == SK_OUTCOME_MIGRATED ? cohorts.history[members[i]] : 0;

            expect_landed(before[i], node_landing[node], node_skipped[node], strict, outcome[i], landing[i],
                          skipped[i]);
        }
        void *all[] = {members, landing, skipped, node_landing, node_skipped, before, outcome};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_cohorts(cohorts);
    }
}

/* What a plan has made of its members. */
typedef struct {
    sk_cohorts cohorts;
    uint32_t *members;
    uint32_t n;
    uint8_t *outcome;
    uint32_t *landing;
    uint32_t *skipped;
} plan;

static plan random_plan(void)
{
    uint32_t n = below(MOST_MEMBERS), kinds = 1 + below(4);
    sk_cohorts cohorts = random_cohorts(1 + below(MOST_COHORTS), 1);
    plan made = {cohorts, random_members(n, cohorts.count), n, buffer(n, 1), buffer(n, 4), buffer(n, 4)};

    for (uint32_t i = 0; i < n; i++) {
        made.outcome[i] = (uint8_t)(1 + below(kinds));
        made.landing[i] = below(kinds);
        made.skipped[i] = below(kinds);
    }
    return made;
}

static void free_plan(plan made)
{
    void *all[] = {made.members, made.outcome, made.landing, made.skipped};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free_cohorts(made.cohorts);
}

static sk_line line_of(const plan *made, uint32_t i)
{
    return (sk_line){0, made->outcome[i], made->cohorts.configuration[made->cohorts.standing[made->members[i]]],
                     made->landing[i], made->skipped[i]};
}

static bool alike(sk_line one, sk_line other)
{
    return one.outcome == other.outcome && one.before == other.before && one.landing == other.landing &&
           one.skipped == other.skipped;
}

static uint32_t kinds_of(const plan *made)
{
    uint32_t kinds = 0;

    for (uint32_t i = 0; i < made->n; i++) {
        bool met = false;

        for (uint32_t j = 0; j < i; j++)
            met = met || alike(line_of(made, i), line_of(made, j));
        kinds += !met;
    }
    return kinds;
}

/* Each kind of member has one line, with the actors of all its members. */
static void expect_lines(const plan *made, const sk_line *lines, uint32_t stored)
{
    EXPECT(stored == kinds_of(made));
    for (uint32_t i = 0; i < made->n; i++) {
        uint32_t at = 0;
        uint64_t actors = 0;

        while (at < stored && !alike(lines[at], line_of(made, i)))
            at++;
        EXPECT(at < stored);
        for (uint32_t j = 0; j < made->n; j++)
            if (alike(line_of(made, j), line_of(made, i)))
                actors += made->cohorts.population[made->members[j]];
        EXPECT(lines[at].actors == actors);
    }
}

/* Room grows until all lines fit: refused as long as half of it is less than the lines there are, and no longer. */
static void test_tally(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        plan made = random_plan();
        uint32_t kinds = kinds_of(&made), position = 77;
        int status = SK_MISSING;

        for (uint32_t room = 2; status == SK_MISSING; room *= 2) {
            uint32_t *slots = garbage(room, sizeof *slots);
            sk_line *lines = garbage(room / 2, sizeof *lines);

            status = sk_tally(&made.cohorts, made.members, made.n, made.outcome, made.landing, made.skipped, slots,
                              lines, room, &position);
            EXPECT(status == (kinds > room / 2 ? SK_MISSING : SK_OK));
            if (status == SK_OK)
                expect_lines(&made, lines, position);
            free(slots);
            free(lines);
        }
        free_plan(made);
    }
}

static void test_tally_by_hand(void)
{
    uint32_t none[3] = {0}, standing[] = {0, 1, 1}, configuration[] = {0, 5};
    uint32_t population[] = {0, UINT32_MAX, UINT32_MAX};
    uint8_t outcome[] = {3, 3, 3};
    sk_cohorts cohorts = {standing, none, population, 3, configuration, NULL, NULL, 2};
    uint32_t members[] = {1, 2, 2}, slots[4], position;
    sk_line lines[2];

    EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, slots, lines, 2, &position) == SK_OK && position == 1);
    EXPECT(lines[0].actors == UINT64_C(3) * UINT32_MAX && alike(lines[0], (sk_line){0, 3, 5, 0, 0}));
    outcome[2] = 1;
    EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, slots, lines, 2, &position) == SK_MISSING);
    EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, slots, lines, 4, &position) == SK_OK && position == 2);
    members[1] = 3;
    EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, slots, lines, 4, &position) == SK_MALFORMED);
    EXPECT(position == 1);
    members[1] = 2;
    standing[2] = 2;
    EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, slots, lines, 4, &position) == SK_MALFORMED);
    EXPECT(position == 1);
    for (uint32_t room = 0; room < 100; room++)
        if (room < 2 || (room != 2 && room != 4 && room != 8 && room != 16 && room != 32 && room != 64)) {
            EXPECT(sk_tally(&cohorts, members, 3, outcome, none, none, NULL, NULL, room, &position) == SK_MALFORMED);
            EXPECT(position == 0);
        }
    EXPECT(sk_tally(&cohorts, members, 0, outcome, none, none, slots, lines, 2, &position) == SK_OK && position == 0);
}

/* Whatever is in the buffers, every function answers with a status and a position in range. */
static void test_garbage(uint32_t rounds)
{
    uint32_t reached[3] = {0};

    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t count = below(12), n = below(12), nodes = below(12), standings = below(8), position = 0;
        uint32_t room = below(4) ? 1u << below(5) : below(20);
        sk_cohorts cohorts = {garbage(count, 4),     garbage(count, 4),     garbage(count, 4),     count,
                              garbage(standings, 4), garbage(standings, 4), garbage(standings, 1), standings};
        uint32_t *kind = garbage(standings, 4), *head = buffer(nodes, 4), *next = buffer(count, 4);
        uint8_t *flags = garbage(standings, 1);
        uint32_t *found = buffer(count, 4), *members = garbage(n, 4), *actors = garbage(nodes, 4);
        uint32_t *cohort_of = garbage(nodes, 4), *node_landing = garbage(nodes, 4), *node_skipped = garbage(nodes, 4);
        uint32_t *landing = garbage(n, 4), *skipped = garbage(n, 4), *slots = garbage(room, 4);
        uint8_t *relation = garbage(nodes, 1), *wanted = garbage(nodes, 1), *outcome = garbage(n, 1);
        sk_line *lines = garbage(room / 2, sizeof *lines);

        memset(head, 0, nodes * 4);
        memset(next, 0, count * 4);
        EXPECT(sk_members(&cohorts, flags, found) <= count);
        reached[sk_populate(&cohorts, flags, nodes, actors, cohort_of, &position)]++;
        EXPECT(position <= count);
        reached[sk_chain(&cohorts, kind, nodes, head, next, &position)]++;
        EXPECT(position <= count);
        reached[sk_tally(&cohorts, members, n, outcome, landing, skipped, slots, lines, room, &position)]++;
        EXPECT(position <= n);
        reached[sk_land(&cohorts, members, n, node_landing, node_skipped, nodes, below(2) != 0, outcome, landing,
                        skipped, &position)]++;
        EXPECT(position <= n);
        reached[sk_claim(&cohorts, members, n, relation, nodes, outcome, wanted, &position)]++;
        EXPECT(position <= n);

        void *all[] = {found,   members, actors,   cohort_of, node_landing, node_skipped, landing,
                       skipped, slots,   relation, wanted,    outcome,      lines,        kind,
                       head,    next,    flags};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_cohorts(cohorts);
    }
    EXPECT(reached[SK_OK] > 0 && reached[SK_MALFORMED] > 0 && reached[SK_MISSING] > 0);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 5000;

    test_members(rounds);
    test_populate(rounds);
    test_populate_by_hand();
    test_intern(rounds);
    test_chain(rounds);
    test_chain_by_hand();
    test_claim_and_land_by_hand();
    test_claim(rounds);
    test_land(rounds);
    test_tally(rounds);
    test_tally_by_hand();
    test_garbage(rounds);
    printf("cohorts: %" PRIu32 " rounds\n", rounds);
    return 0;
}

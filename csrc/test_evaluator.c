/* The evaluator under AddressSanitizer and UBSan: cases by hand, random tries against a specification that spells each
 * history out, and garbage.
 *
 * The argument is the number of random rounds.
 */
#include "evaluator.h"
#include "test_support.h"

#include <inttypes.h>
#include <string.h>

enum { ANY_ONE = -1, ANY_RUN = -2, SYMBOLS = 4, MOST_TOKENS = 256, MOST_NODES = 500 };

static sk_trie random_trie(uint32_t count, bool long_histories)
{
    uint32_t *parent = buffer(count, sizeof *parent), *symbol = buffer(count, sizeof *symbol);

    for (uint32_t i = 0; i < count; i++) {
        parent[i] = i == 0 ? UINT32_MAX : long_histories && below(8) ? i - 1 : below(i);
        symbol[i] = i == 0 ? UINT32_MAX : below(SYMBOLS);
    }
    return (sk_trie){parent, symbol, count};
}

static void free_trie(sk_trie trie)
{
    free((void *)trie.parent);
    free((void *)trie.symbol);
}

/* The automaton that sk_path describes, for tokens that are symbols, ANY_ONE or ANY_RUN. The last symbol stays without
 * a class entry of its own when no token names it.
 */
static sk_path compile(const int *tokens, uint32_t count)
{
    uint32_t last = 0, symbols = 0;

    for (uint32_t t = 0; t < count; t++) {
        last += tokens[t] != ANY_RUN;
        if (tokens[t] >= 0 && (uint32_t)tokens[t] >= symbols)
            symbols = (uint32_t)tokens[t] + 1;
    }
    uint32_t words = last / 64 + 1, classes = symbols + 1, position = 0;
    uint64_t *takes = buffer(classes * words, sizeof *takes), *stays = buffer(words, sizeof *stays);
    uint16_t *class_of = buffer(symbols, sizeof *class_of);
    memset(takes, 0, classes * words * sizeof *takes);
    memset(stays, 0, words * sizeof *stays);
    for (uint32_t s = 0; s < symbols; s++)
        class_of[s] = (uint16_t)(s + 1);
    for (uint32_t t = 0; t < count; t++) {
        uint64_t bit = UINT64_C(1) << position % 64;

        if (tokens[t] == ANY_RUN) {
            stays[position / 64] |= bit;
            continue;
        }
        for (uint32_t c = 0; c < classes; c++)
            if (tokens[t] == ANY_ONE || c == (uint32_t)tokens[t] + 1)
                takes[c * words + position / 64] |= bit;
        position++;
    }
    stays[last / 64] |= UINT64_C(1) << last % 64;
    return (sk_path){takes, stays, class_of, classes, symbols, words, last};
}

static void free_path(sk_path path)
{
    free((void *)path.takes);
    free((void *)path.stays);
    free((void *)path.class_of);
}

/* The relation as it is defined: some beginning is accepted; or the first tokens accept all of it, so that the events
 * that the other tokens ask for are a continuation; or neither. accepted[e] says of the tokens so far whether they
 * accept the first e events.
 */
static uint8_t specified(const sk_trie *trie, uint32_t node, const int *tokens, uint32_t count)
{
    uint32_t length = 0, events[MOST_NODES];
    bool accepted[MOST_NODES + 1] = {true}, matches = false, viable;

    for (uint32_t at = node; at != 0; at = trie->parent[at])
        length++;
    for (uint32_t at = node, e = length; e > 0; at = trie->parent[at])
        events[--e] = trie->symbol[at];
    viable = length == 0;
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t e = 1; tokens[t] == ANY_RUN && e <= length; e++)
            accepted[e] = accepted[e] || accepted[e - 1];
        for (uint32_t e = length; tokens[t] != ANY_RUN && e > 0; e--)
            accepted[e] = accepted[e - 1] && (tokens[t] == ANY_ONE || (uint32_t)tokens[t] == events[e - 1]);
        accepted[0] = accepted[0] && tokens[t] == ANY_RUN;
        viable = viable || accepted[length];
    }
    for (uint32_t e = 0; e <= length; e++)
        matches = matches || accepted[e];
    return matches ? SK_MATCH : viable ? SK_PENDING : SK_DIVERGED;
}

static void expect_relations(const sk_trie *trie, const int *tokens, uint32_t count)
{
    sk_path path = compile(tokens, count);
    uint64_t *states = buffer((size_t)trie->count * path.words, sizeof *states);
    uint8_t *relation = buffer(trie->count, 1);
    uint32_t position = 77;

    EXPECT(sk_relate(trie, &path, states, relation, &position) == SK_OK);
    EXPECT(position == trie->count);
    for (uint32_t i = 0; i < trie->count; i++)
        EXPECT(relation[i] == specified(trie, i, tokens, count));
    free(states);
    free(relation);
    free_path(path);
}

static void test_relate_by_hand(void)
{
    /* 0; 0 1; 0 2; 0 1 3 under the path 0 1, which they match but for node 3 */
    uint32_t parent[] = {0, 0, 1, 1, 2}, symbol[] = {0, 0, 1, 2, 3};
    sk_trie trie = {parent, symbol, 5};
    sk_path path = compile((const int[]){0, 1}, 2);
    uint64_t states[5];
    uint8_t relation[5];
    uint32_t position;

    EXPECT(sk_relate(&trie, &path, states, relation, &position) == SK_OK && position == 5);
    EXPECT(memcmp(relation, (uint8_t[]){SK_PENDING, SK_PENDING, SK_MATCH, SK_DIVERGED, SK_MATCH}, 5) == 0);
    parent[3] = 3;
    EXPECT(sk_relate(&trie, &path, states, relation, &position) == SK_MALFORMED && position == 3);
    trie.count = 0;
    EXPECT(sk_relate(&trie, &path, states, relation, &position) == SK_OK && position == 0);
    path.words = SK_MAX_WORDS + 1;
    EXPECT(sk_relate(&trie, &path, states, relation, &position) == SK_MALFORMED && position == 0);
    free_path(path);
}

/* Paths of few tokens meet all three relations; one of 256 needs histories made for it. */
static void test_relate_at_random(uint32_t rounds)
{
    int tokens[MOST_TOKENS];

    for (uint32_t r = 0; r < rounds; r++) {
        bool many = r % 64 == 0;
        uint32_t count = many ? 60 + below(MOST_TOKENS - 59) : below(6);
        sk_trie trie = random_trie(1 + below(many ? MOST_NODES : 40), many);

        for (uint32_t t = 0; t < count; t++) {
            tokens[t] = (int)below(SYMBOLS - 1);
            if (below(many ? 12 : 3) == 0)
                tokens[t] = below(2) ? ANY_ONE : ANY_RUN;
        }
        if (many) /* the longest run of nodes spells the path out, so that positions in every word are met */
            for (uint32_t i = 1; i < trie.count; i++) {
                int token = tokens[(i - 1) % count];
                ((uint32_t *)trie.symbol)[i] = token < 0 ? below(SYMBOLS) : (uint32_t)token;
                ((uint32_t *)trie.parent)[i] = below(40) ? i - 1 : below(i);
            }
        expect_relations(&trie, tokens, count);
        free_trie(trie);
    }
}

static void test_mark(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        sk_trie trie = random_trie(1 + below(40), false);
        uint8_t *wanted = buffer(trie.count, 1), *expected = buffer(trie.count, 1);
        uint32_t position;

        for (uint32_t i = 0; i < trie.count; i++)
            wanted[i] = expected[i] = below(5) == 0;
        for (uint32_t i = 0; i < trie.count; i++)
            for (uint32_t at = i; wanted[i] && at != 0;)
                expected[at = trie.parent[at]] = 1;
        EXPECT(sk_mark(&trie, wanted, &position) == SK_OK);
        EXPECT(memcmp(wanted, expected, trie.count) == 0);
        free(wanted);
        free(expected);
        free_trie(trie);
    }
}

/* The table of two configurations: column 0 goes round and is handled, column 1 is not, column 2 never ends. */
static void test_replay_by_hand(void)
{
    uint32_t parent[] = {0, 0, 1, 2, 3, 4, 0}, symbol[] = {0, 5, 6, 5, 7, 5, 9};
    sk_trie trie = {parent, symbol, 7};
    uint32_t cells[] = {1 << 1 | 1, 0 << 1, SK_STUCK, SK_UNKNOWN, 1 << 1, SK_STUCK};
    uint32_t column_of[] = {SK_UNKNOWN, SK_UNKNOWN, SK_UNKNOWN, SK_UNKNOWN, SK_UNKNOWN, 0, 1, 2};
    sk_table table = {cells, column_of, .rows = 2, .width = 3, .symbols = 8, .initial = 0};
    uint8_t wanted[] = {1, 1, 1, 1, 1, 1, 0};
    uint32_t configuration[7], skipped[7], position = 0;

    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MISSING && position == 3);
    EXPECT(configuration[position - 1] == 1 && skipped[position - 1] == 1);
    cells[3] = 0 << 1 | 1;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_OK && position == 7);
    EXPECT(memcmp(configuration, (uint32_t[]){0, 1, 1, 0, SK_STUCK, SK_STUCK}, 6 * sizeof *configuration) == 0);
    EXPECT(memcmp(skipped, (uint32_t[]){0, 0, 1, 1, 1, 1}, 6 * sizeof *skipped) == 0);

    configuration[0] = 2; /* resumed behind a configuration that has no row */
    position = 1;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MALFORMED && position == 1);
    wanted[6] = 1; /* its symbol is beyond column_of */
    position = 0;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MISSING && position == 6);
    wanted[2] = 0; /* node 3 is wanted, its parent is not */
    position = 0;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MALFORMED && position == 3);
    cells[0] = 2 << 1; /* a configuration that has no row */
    position = 0;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MALFORMED && position == 1);
    table.initial = 2;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_MALFORMED && position == 0);
    table.initial = SK_STUCK;
    wanted[2] = 1;
    EXPECT(sk_replay(&trie, &table, wanted, configuration, skipped, &position) == SK_OK && configuration[6] == SK_STUCK);
}

static void test_derive_by_hand(void)
{
    uint32_t parent[] = {0, 0, 1}, symbol[] = {0, 1, 0}, start[] = {0, 7, 18};
    sk_trie trie = {parent, symbol, 3};
    sk_names names = {"PAY_FEESUBMIT_INFO", start, .size = 18, .count = 2};
    uint32_t depth[3] = {0}, position;
    uint64_t fingerprint[3] = {UINT64_C(0xcbf29ce484222325)};
    sk_columns columns = {depth, fingerprint};

    EXPECT(sk_derive(&trie, &names, 1, &columns, &position) == SK_OK && position == 3);
    EXPECT(depth[1] == 1 && depth[2] == 2);
    EXPECT(fingerprint[2] == UINT64_C(0x8e106e4dbc4c2635));
    symbol[2] = 2;
    EXPECT(sk_derive(&trie, &names, 1, &columns, &position) == SK_MALFORMED && position == 2);
    start[2] = 19;
    EXPECT(sk_derive(&trie, &names, 1, &columns, &position) == SK_MALFORMED && position == 1);
}

/* Each node with actors adds one to the `nodes` and its actors to the `actors` of itself and of all before it, and is
 * on its parent's list of children, which ascends.
 */
static void expect_gathered(const sk_trie *trie, const uint32_t *depth, uint32_t deepest, const sk_tree *tree)
{
    uint32_t n = trie->count, *actors = buffer(n, 4), *nodes = buffer(n, 4), position;

    memset(actors, 0, n * 4);
    memset(nodes, 0, n * 4);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t at = i, left = depth[i] + 1; left > 0; left--, at = trie->parent[at])
            actors[at] += tree->actors[i];
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t at = i, left = actors[i] > 0 && depth[i] <= deepest ? depth[i] + 1 : 0; left > 0; left--) {
            nodes[at]++;
            at = trie->parent[at];
        }
    EXPECT(sk_gather(trie, depth, deepest, tree, &position) == SK_OK && position == n);
    EXPECT(memcmp(tree->actors, actors, n * 4) == 0 && memcmp(tree->nodes, nodes, n * 4) == 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t child = tree->child[i];

        for (uint32_t c = i + 1; c < n; c++)
            if (trie->parent[c] == i && actors[c] > 0) {
                EXPECT(child == c);
                child = tree->sibling[c];
            }
        EXPECT(child == 0);
    }
    free(actors);
    free(nodes);
}

static void test_gather(uint32_t rounds)
{
    for (uint32_t r = 0; r < rounds; r++) {
        sk_trie trie = random_trie(1 + below(40), false);
        uint32_t n = trie.count, *depth = buffer(n, 4);
        sk_tree tree = {buffer(n, 4), buffer(n, 4), buffer(n, 4), buffer(n, 4)};

        for (uint32_t i = 0; i < n; i++) {
            depth[i] = i == 0 ? 0 : depth[trie.parent[i]] + 1;
            tree.actors[i] = below(4) ? 0 : below(9);
            tree.child[i] = tree.sibling[i] = tree.nodes[i] = 0;
        }
        expect_gathered(&trie, depth, below(6), &tree);
        void *all[] = {depth, tree.actors, tree.child, tree.sibling, tree.nodes};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_trie(trie);
    }
}

static void test_scan_by_hand(void)
{
    uint32_t cohort_of[] = {0, 1, 2, 1, UINT32_MAX, 1}, found[2];
    uint8_t flags[] = {0, 1};

    EXPECT(sk_scan(cohort_of, 6, flags, 2, 0, found, 2) == 2 && found[0] == 1 && found[1] == 3);
    EXPECT(sk_scan(cohort_of, 6, flags, 2, 4, found, 2) == 1 && found[0] == 5);
    EXPECT(sk_scan(cohort_of, 6, flags, 2, 7, found, 2) == 0);
    EXPECT(sk_scan(cohort_of, 6, flags, 2, 0, found, 0) == 0);
}

/* Whatever is in the buffers, every function answers with a status and a position in range. */
static void test_garbage(uint32_t rounds)
{
    uint32_t reached[3] = {0};

    for (uint32_t r = 0; r < rounds; r++) {
        uint32_t n = below(12), words = below(SK_MAX_WORDS + 2), classes = below(4), rows = below(8), width = below(8);
        uint32_t symbols = below(8), *column_of = garbage(symbols, 4), *start = garbage(symbols + 1, 4), position = 0;
        sk_trie trie = {garbage(n, 4), garbage(n, 4), n};
        sk_path path = {garbage(classes * words, 8), garbage(words, 8), garbage(symbols, 2), classes, symbols, words,
                        below(400)};
        sk_table table = {garbage(rows * width, 4), column_of, rows, width, symbols, below(8)};
        sk_names names = {garbage(10, 1), start, 10, symbols};
        sk_columns columns = {garbage(n, 4), garbage(n, 8)};
        sk_tree tree = {garbage(n, 4), garbage(n, 4), garbage(n, 4), garbage(n, 4)};
        uint32_t *configuration = garbage(n, 4), *skipped = garbage(n, 4), *found = buffer(symbols, 4);
        uint64_t *states = buffer(n * words, 8);
        uint8_t *relation = buffer(n, 1), *wanted = garbage(n, 1);

        if (trie.count > 1 && below(2)) /* a well-formed tree, so that the rest is met */
            for (uint32_t i = 1; i < n; i++)
                ((uint32_t *)trie.parent)[i] = below(i);
        reached[sk_relate(&trie, &path, states, relation, &position)]++;
        EXPECT(position <= n);
        reached[sk_derive(&trie, &names, 1, &columns, &position)]++;
        EXPECT(position <= (n > symbols ? n : symbols));
        reached[sk_mark(&trie, wanted, &position)]++;
        EXPECT(position <= n);
        position = below(2) ? 0 : below(14);
        reached[sk_replay(&trie, &table, wanted, configuration, skipped, &position)]++;
        EXPECT(position <= n);
        reached[sk_gather(&trie, columns.depth, below(9), &tree, &position)]++;
        EXPECT(position <= n);
        EXPECT(sk_scan(trie.parent, n, wanted, n, below(14), found, symbols) <= symbols);

        void *all[] = {(void *)path.takes, (void *)path.stays, (void *)path.class_of, (void *)table.cells, column_of,
                       start, (void *)names.text, columns.depth, columns.fingerprint, configuration, skipped,
                       tree.actors, tree.child, tree.sibling, tree.nodes, found, states, relation, wanted};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_trie(trie);
    }
    EXPECT(reached[SK_OK] > 0 && reached[SK_MALFORMED] > 0 && reached[SK_MISSING] > 0);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 5000;

    test_relate_by_hand();
    test_relate_at_random(rounds);
    test_mark(rounds);
    test_replay_by_hand();
    test_derive_by_hand();
    test_gather(rounds);
    test_scan_by_hand();
    test_garbage(rounds);
    printf("evaluator: %" PRIu32 " rounds\n", rounds);
    return 0;
}

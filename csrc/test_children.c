/* The way down the trie under AddressSanitizer and UBSan: random tries against a search of the columns, tables that are
 * full, and garbage.
 *
 * The argument is the number of random rounds.
 */
#include "children.h"
#include "evaluator.h"
#include "test_support.h"

#include <string.h>

enum { SYMBOLS = 5, MOST_NODES = 60 };

/* The node with this parent and symbol, by looking at all of them. */
static uint32_t specified(const uint32_t *parents, const uint32_t *symbols, uint32_t count, uint32_t parent,
                          uint32_t symbol)
{
    for (uint32_t i = 1; i < count; i++)
        if (parents[i] == parent && symbols[i] == symbol)
            return i;
    return 0;
}

/* A table of `room` slots, all empty, and any seed. */
static sk_children empty(uint32_t room)
{
    sk_children children = {buffer(room, 4), room, (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX)};

    memset(children.slots, 0, room * sizeof *children.slots);
    return children;
}

/* Nodes that come one by one, and all at once, are found by their parents and symbols, and no others are. */
static void test_at_random(void)
{
    uint32_t n = 1 + below(MOST_NODES), *parents = buffer(n, 4), *symbols = buffer(n, 4), position, known = 1;
    sk_children children = empty(64), copy = empty(below(2) ? 64 : 256);

    parents[0] = symbols[0] = UINT32_MAX;
    for (uint32_t tries = 0; known < n && tries < 1000; tries++) {
        uint32_t parent = below(known), symbol = below(SYMBOLS);
        uint32_t there = specified(parents, symbols, known, parent, symbol);

        EXPECT(sk_child(parents, symbols, known, &children, parent, symbol, 0) == there);
        EXPECT(sk_child(parents, symbols, known, &children, parent, symbol, known) == (there ? there : known));
        if (!there) {
            parents[known] = parent;
            symbols[known++] = symbol;
        }
    }
    uint32_t half = 1 + below(known);
    half = half > known ? known : half;
    EXPECT(sk_adopt(parents, symbols, half, &copy, 1, &position) == SK_OK && position == half);
    EXPECT(sk_adopt(parents, symbols, known, &copy, half, &position) == SK_OK && position == known);
    for (uint32_t parent = 0; parent <= known; parent++)
        for (uint32_t symbol = 0; symbol <= SYMBOLS; symbol++) {
            uint32_t there = specified(parents, symbols, known, parent, symbol);
            EXPECT(sk_child(parents, symbols, known, &children, parent, symbol, 0) == there);
            EXPECT(sk_child(parents, symbols, known, &copy, parent, symbol, 0) == there);
        }
    free(parents);
    free(symbols);
    free(children.slots);
    free(copy.slots);
}

static void test_by_hand(void)
{
    uint32_t parents[] = {0, 0, 1, 1, 0}, symbols[] = {0, 7, 7, 8, 7}, position;
    sk_children children = empty(4);

    EXPECT(sk_adopt(parents, symbols, 5, &children, 1, &position) == SK_MALFORMED && position == 4); /* twice */
    symbols[4] = 9;
    EXPECT(sk_adopt(parents, symbols, 5, &children, 4, &position) == SK_OK && position == 5);
    /* All four slots are taken: what is there is found, what is not is not, and nothing more is entered. */
    EXPECT(sk_child(parents, symbols, 5, &children, 0, 9, 0) == 4);
    EXPECT(sk_child(parents, symbols, 5, &children, 0, 1, 5) == 0);
    uint32_t more_parents[] = {0, 0, 1, 1, 0, 2}, more_symbols[] = {0, 7, 7, 8, 9, 1};
    EXPECT(sk_adopt(more_parents, more_symbols, 6, &children, 5, &position) == SK_MISSING && position == 5);
    children.room = 3;
    EXPECT(sk_adopt(parents, symbols, 5, &children, 1, &position) == SK_MALFORMED && position == 0);
    children.room = 0;
    EXPECT(sk_adopt(parents, symbols, 5, &children, 1, &position) == SK_MALFORMED && position == 0);
    EXPECT(sk_child(parents, symbols, 5, &children, 0, 9, 7) == 0);
    free(children.slots);
}

/* Whatever is in the buffers, an answer comes; a node that is found has the parent and the symbol. */
static void test_garbage(void)
{
    uint32_t n = below(12), room = 1u << below(5), *parents = garbage(n, 4), *symbols = garbage(n, 4), position;
    sk_children children = {garbage(room, 4), room, below(UINT32_MAX)};
    uint32_t parent = below(8), symbol = below(8), otherwise = below(2) * (n + below(9));
    uint32_t found = sk_child(parents, symbols, n, &children, parent, symbol, otherwise);

    EXPECT(found == 0 || found == otherwise || (found < n && parents[found] == parent && symbols[found] == symbol));
    sk_adopt(parents, symbols, n, &children, 1 + below(9), &position);
    EXPECT(position <= n);
    free(parents);
    free(symbols);
    free(children.slots);
}

/* However regular the keys are, they spread: long runs of full slots are what makes look-ups slow. */
static void test_spread(void)
{
    enum { NODES = 40000, ROOM = 65536 };
    uint32_t *parents = buffer(NODES, 4), *symbols = buffer(NODES, 4), position;

    for (uint32_t kind = 0; kind < 4; kind++) {
        sk_children children = empty(ROOM);
        uint32_t longest = 0, run = 0;

        for (uint32_t i = 0; i < NODES; i++) {
            parents[i] = kind == 0 ? 0 : kind == 1 ? i : kind == 2 ? i / 8 : i / 200 * 4096;
            symbols[i] = kind == 0 ? i : kind == 1 ? 0 : kind == 2 ? i % 8 : i % 200 * 1024;
        }
        EXPECT(sk_adopt(parents, symbols, NODES, &children, 1, &position) == SK_OK);
        for (uint32_t slot = 0; slot < ROOM; slot++) {
            run = children.slots[slot] ? run + 1 : 0;
            longest = run > longest ? run : longest;
        }
        EXPECT(longest < 250); /* of random slots, the longest run is about 80 */
        free(children.slots);
    }
    free(parents);
    free(symbols);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5000;

    test_by_hand();
    test_spread();
    for (int round = 0; round < rounds; round++) {
        test_at_random();
        test_garbage();
    }
    printf("children: %d rounds\n", rounds);
    return 0;
}

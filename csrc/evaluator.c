#include "evaluator.h"

#include <stdbool.h>

static int stop(int status, uint32_t *position, uint32_t at)
{
    *position = at;
    return status;
}

uint64_t sk_fingerprint(uint64_t before, const char *name, size_t length)
{
    const uint64_t prime = 0x100000001b3;
    uint64_t hash = before;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * prime;
    return hash * prime; /* the zero byte */
}

int sk_derive(const sk_trie *trie, const sk_names *names, uint32_t first, const sk_columns *columns,
              uint32_t *position)
{
    for (uint32_t s = 0; s < names->count; s++)
        if (names->start[s] > names->start[s + 1] || names->start[s + 1] > names->size)
            return stop(SK_MALFORMED, position, s);

    for (uint32_t i = first; i < trie->count; i++) {
        uint32_t parent = trie->parent[i], symbol = trie->symbol[i];

        if (parent >= i || symbol >= names->count)
            return stop(SK_MALFORMED, position, i);
        uint32_t start = names->start[symbol];
        columns->depth[i] = columns->depth[parent] + 1;
        columns->fingerprint[i] =
            sk_fingerprint(columns->fingerprint[parent], names->text + start, names->start[symbol + 1] - start);
        columns->key[i - first] = (uint64_t)parent << 32 | symbol;
    }
    return stop(SK_OK, position, trie->count);
}

static int check_path(const sk_path *path, uint32_t *position)
{
    if (path->words > SK_MAX_WORDS || path->last >= 64 * path->words || path->classes < 1)
        return stop(SK_MALFORMED, position, 0);
    for (uint32_t s = 0; s < path->symbols; s++)
        if (path->class_of[s] >= path->classes)
            return stop(SK_MALFORMED, position, s);
    return SK_OK;
}

/* One event: moves the set of positions `before` to `after`. */
static inline void advance(const uint64_t *before, const uint64_t *takes, const uint64_t *stays, uint32_t words,
                           uint64_t *after)
{
    uint64_t carry = 0;

    for (uint32_t w = 0; w < words; w++) {
        uint64_t moved = before[w] & takes[w];

        after[w] = moved << 1 | carry | (before[w] & stays[w]);
        carry = moved >> 63;
    }
}

static inline uint8_t judge(const uint64_t *state, uint32_t words, uint32_t last)
{
    uint64_t any = 0;

    for (uint32_t w = 0; w < words; w++)
        any |= state[w];
    /* Without a branch: the relations of neighbouring nodes are too mixed to predict. */
    return (uint8_t)((state[last / 64] >> (last % 64) & 1) | (uint64_t)(any == 0) << 1);
}

/* `words` repeats path->words: a constant where the caller gives one, so that the common single word needs no loop. */
static inline int relate(const sk_trie *trie, const sk_path *path, uint32_t words, uint64_t *states,
                         uint8_t *relation, uint32_t *position)
{
    if (trie->count == 0)
        return stop(SK_OK, position, 0);
    states[0] = 1;
    for (uint32_t w = 1; w < words; w++)
        states[w] = 0;
    relation[0] = judge(states, words, path->last);

    for (uint32_t i = 1; i < trie->count; i++) {
        uint32_t parent = trie->parent[i], symbol = trie->symbol[i];

        if (parent >= i)
            return stop(SK_MALFORMED, position, i);
        relation[i] = relation[parent];
        if (relation[i] != SK_PENDING)
            continue; /* permanent; and its positions are never looked at, so that most memory stays untouched */
        size_t class = symbol < path->symbols ? path->class_of[symbol] : 0;
        uint64_t *state = states + (size_t)i * words;
        advance(states + (size_t)parent * words, path->takes + class * words, path->stays, words, state);
        relation[i] = judge(state, words, path->last);
    }
    return stop(SK_OK, position, trie->count);
}

int sk_relate(const sk_trie *trie, const sk_path *path, uint64_t *states, uint8_t *relation, uint32_t *position)
{
    int status = check_path(path, position);

    if (status != SK_OK)
        return status;
    if (path->words == 1)
        return relate(trie, path, 1, states, relation, position);
    return relate(trie, path, path->words, states, relation, position);
}

int sk_mark(const sk_trie *trie, uint8_t *wanted, uint32_t *position)
{
    for (uint32_t i = trie->count; i-- > 1;) {
        uint32_t parent = trie->parent[i];

        if (parent >= i)
            return stop(SK_MALFORMED, position, i);
        if (wanted[i])
            wanted[parent] = 1;
    }
    return stop(SK_OK, position, trie->count);
}

/* The cell for `symbol` in row `before`, which may be any number: SK_UNKNOWN if it is not computed. False if the table
 * breaks its rule there.
 */
static inline bool look_up(const sk_table *table, uint32_t before, uint32_t symbol, uint32_t *cell)
{
    uint32_t column = symbol < table->symbols ? table->column_of[symbol] : SK_UNKNOWN;

    *cell = SK_UNKNOWN;
    if (before >= table->rows)
        return false;
    if (column == SK_UNKNOWN)
        return true;
    if (column >= table->width)
        return false;
    *cell = table->cells[(size_t)before * table->width + column];
    return *cell >= SK_STUCK || *cell >> 1 < table->rows;
}

int sk_replay(const sk_trie *trie, const sk_table *table, const uint8_t *wanted, uint32_t *configuration,
              uint32_t *skipped, uint32_t *position)
{
    uint32_t i = *position;

    if (table->initial >= table->rows && table->initial != SK_STUCK)
        return stop(SK_MALFORMED, position, 0);
    if (i == 0 && trie->count > 0) {
        configuration[0] = table->initial;
        skipped[0] = 0;
        i = 1;
    }
    for (; i < trie->count; i++) {
        if (!wanted[i])
            continue;
        uint32_t parent = trie->parent[i], cell = SK_STUCK;
        if (parent >= i || !wanted[parent])
            return stop(SK_MALFORMED, position, i);
        if (configuration[parent] != SK_STUCK) {
            if (!look_up(table, configuration[parent], trie->symbol[i], &cell))
                return stop(SK_MALFORMED, position, i);
            if (cell == SK_UNKNOWN)
                return stop(SK_MISSING, position, i);
        }
        configuration[i] = cell == SK_STUCK ? SK_STUCK : cell >> 1;
        skipped[i] = skipped[parent] + (cell != SK_STUCK && !(cell & 1));
    }
    return stop(SK_OK, position, trie->count);
}

int sk_gather(const sk_trie *trie, const uint32_t *depth, uint32_t deepest, const sk_tree *tree, uint32_t *position)
{
    for (uint32_t i = trie->count; i-- > 0;) {
        uint32_t parent = trie->parent[i];

        if (i > 0 && parent >= i)
            return stop(SK_MALFORMED, position, i);
        if (tree->actors[i] == 0)
            continue;
        tree->nodes[i] += depth[i] <= deepest;
        if (i == 0)
            break;
        tree->actors[parent] += tree->actors[i];
        tree->nodes[parent] += tree->nodes[i];
        tree->sibling[i] = tree->child[parent];
        tree->child[parent] = i;
    }
    return stop(SK_OK, position, trie->count);
}

uint32_t sk_scan(const uint32_t *cohort_of, uint32_t count, const uint8_t *flags, uint32_t cohorts, uint32_t start,
                 uint32_t *found, uint32_t limit)
{
    uint32_t stored = 0;

    for (uint32_t i = start; i < count && stored < limit; i++)
        if (cohort_of[i] < cohorts && flags[cohort_of[i]])
            found[stored++] = i;
    return stored;
}

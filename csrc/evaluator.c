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
    }
    return stop(SK_OK, position, trie->count);
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

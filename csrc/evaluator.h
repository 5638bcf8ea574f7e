/* The evaluator: what a deploy asks about every history at once, in one pass over the trie's columns.
 *
 * All memory is the caller's. No function allocates, keeps a pointer after it returns, or writes outside the buffers
 * that it names as output. Input may be arbitrary garbage: sizes are trusted, contents never are. A function that
 * returns a status stores the position that the status is about in `*position`; what it wrote before is left as it is.
 *
 * build_evaluator.py hands this file to cffi without its preprocessor lines, so what Python calls is not a macro.
 */
#ifndef STATEKEEP_EVALUATOR_H
#define STATEKEEP_EVALUATOR_H

#include <stddef.h>
#include <stdint.h>

/* SK_OK         done; the position is the number of nodes.
 * SK_MALFORMED  the input breaks a rule of its struct; the position is the first offending node or entry.
 * SK_MISSING    sk_replay needs a cell that the table has not computed; the position is the node that needs it.
 */
enum { SK_OK = 0, SK_MALFORMED = 1, SK_MISSING = 2 };

/* How a history stands to a path. MATCH and DIVERGED are permanent: no further event changes them. */
enum { SK_PENDING = 0, SK_MATCH = 1, SK_DIVERGED = 2 };

/* Most words of 64 bits that one state of a path takes: 256 tokens make 257 positions. */
enum { SK_MAX_WORDS = 5 };

/* sk_trie: the histories. Node 0 is the empty one, its parent and symbol are not looked at. Node i > 0 is the history
 * of parent[i] followed by symbol[i], and parent[i] < i. All columns have `count` entries.
 */
typedef struct {
    const uint32_t *parent;
    const uint32_t *symbol;
    uint32_t count;
} sk_trie;

/* sk_path: the automaton of a path. It stands in a set of positions, bit 0 at first; bit `last` accepts. An event of
 * class c moves position p to p + 1 if bit p of takes[c] is set, and leaves it where it is if bit p of `stays` is set.
 *
 *   takes     `classes` rows of `words` words, lowest word first; at least one row
 *   stays     `words` words
 *   class_of  class of each symbol below `symbols`, each < classes; every other symbol is of class 0
 *   words     1 to SK_MAX_WORDS
 *   last      < 64 * words
 */
typedef struct {
    const uint64_t *takes;
    const uint64_t *stays;
    const uint16_t *class_of;
    uint32_t classes;
    uint32_t symbols;
    uint32_t words;
    uint32_t last;
} sk_path;

#define SK_UNKNOWN UINT32_MAX
#define SK_STUCK (UINT32_MAX - 1)

/* sk_table: the transition table of one definition. A cell holds (configuration after << 1) | handled,
 * SK_STUCK where the step does not end, or SK_UNKNOWN where nobody has computed it yet. The configuration after is
 * below `rows`.
 *
 *   cells      `rows` rows of `width` cells; the row is the configuration
 *   column_of  column of each symbol below `symbols`, or SK_UNKNOWN; every other symbol has no column
 *   initial    the configuration of the empty history: below `rows`, or SK_STUCK
 */
typedef struct {
    const uint32_t *cells;
    const uint32_t *column_of;
    uint32_t rows;
    uint32_t width;
    uint32_t symbols;
    uint32_t initial;
} sk_table;

/* sk_names: event types. The name of symbol s is the bytes text[start[s]] up to text[start[s + 1]], so `start` has
 * count + 1 entries; they do not fall and do not pass `size`, the bytes of `text`.
 */
typedef struct {
    const char *text;
    const uint32_t *start;
    uint32_t size;
    uint32_t count;
} sk_names;

/* sk_columns: what follows from parent and symbol alone.
 *
 *   depth        events of each history
 *   fingerprint  sk_fingerprint of its event types in turn
 */
typedef struct {
    uint32_t *depth;
    uint64_t *fingerprint;
} sk_columns;

/* sk_tree: the part of the trie that leads to actors. All columns have an entry for each node.
 *
 *   actors   those whose history begins so; before sk_gather only those whose history is this one
 *   child    the first child with actors, by number; 0: there is none
 *   sibling  for a node with actors, the next such child of its parent; 0: there is none
 *   nodes    how many nodes with actors there are from here on down to the depth that was asked for
 */
typedef struct {
    uint32_t *actors;
    uint32_t *child;
    uint32_t *sibling;
    uint32_t *nodes;
} sk_tree;

/* sk_fingerprint: `before` continued by the `length` bytes of `name` and one zero byte (FNV-1a, 64 bit). */
uint64_t sk_fingerprint(uint64_t before, const char *name, size_t length);

/* sk_derive: fills the columns from node `first`, which is at least 1; the nodes before it must have theirs.
 * SK_MALFORMED: `names` breaks its rule (the position is the symbol), or a node's parent is not before it, or its
 * symbol has no name.
 */
int sk_derive(const sk_trie *trie, const sk_names *names, uint32_t first, const sk_columns *columns,
              uint32_t *position);

/* sk_relate: the relation of every node to the path, one byte each. `states` is scratch of count * words words, of
 * which only those of pending nodes and their children are touched. SK_MALFORMED: the path breaks its rule (position
 * 0), or a node's parent is not before it.
 */
int sk_relate(const sk_trie *trie, const sk_path *path, uint64_t *states, uint8_t *relation, uint32_t *position);

/* sk_mark: sets the byte of every ancestor of a node whose byte in `wanted` is not 0. SK_MALFORMED: a node's parent is
 * not before it.
 */
int sk_mark(const sk_trie *trie, uint8_t *wanted, uint32_t *position);

/* sk_replay: the landing of every node whose byte in `wanted` is not 0: the configuration that the table reaches by its
 * events, and how many of them it did not handle. SK_STUCK is a configuration too: that of a history with a step that
 * does not end, and of all that continue it. Nodes not wanted keep what the buffers held.
 *
 * Begins at node *position: 0 at first; after SK_MISSING the same again, once the cell is there. `wanted` must be
 * complete (sk_mark). SK_MALFORMED: a wanted node's parent is not before it or not wanted, or the table breaks its rule
 * in a cell that the node needs (or, at position 0, in `initial`).
 */
int sk_replay(const sk_trie *trie, const sk_table *table, const uint8_t *wanted, uint32_t *configuration,
              uint32_t *skipped, uint32_t *position);

/* sk_gather: fills the tree, of which `actors` is given and the rest is 0, down to the depth `deepest`; `depth` is that
 * of sk_columns. SK_MALFORMED: a node's parent is not before it.
 */
int sk_gather(const sk_trie *trie, const uint32_t *depth, uint32_t deepest, const sk_tree *tree, uint32_t *position);

/* sk_scan: collects up to `limit` indices i >= start, in order, whose cohort_of[i] is below `cohorts` and flagged by a
 * byte that is not 0. Returns how many it stored in `found`.
 */
uint32_t sk_scan(const uint32_t *cohort_of, uint32_t count, const uint8_t *flags, uint32_t cohorts, uint32_t start,
                 uint32_t *found, uint32_t limit);

#endif

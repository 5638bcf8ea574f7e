/* Down the trie: which node follows another by a symbol. evaluator.h holds the rules that are common to both.
 *
 * What a node is found by, its parent and its symbol, stands in the columns of sk_trie and nowhere else: a table holds
 * the numbers of nodes.
 */
#ifndef STATEKEEP_CHILDREN_H
#define STATEKEEP_CHILDREN_H

#include <stdint.h>

/* sk_children: an open-addressing hash table of nodes, by parent and symbol. Two thirds full, a look-up passes one slot
 * of another node on average, and four before it knows that there is none.
 *
 *   slots  `room` entries, a power of two: a node, or 0, which is nobody's child
 *   seed   a number that whoever causes histories can't know: it decides which of them meet in a slot
 */
typedef struct {
    uint32_t *slots;
    uint32_t room;
    uint64_t seed;
} sk_children;

/* sk_adopt: enters the nodes from `first`, at least 1, up to but not including `count`; the columns have entries for
 * those, and for the nodes in the table. SK_MALFORMED: `room` is no power of two (position 0), or a node has the parent
 * and symbol of one that is there. SK_MISSING: there is no empty slot for the node at the position, take more room.
 */
int sk_adopt(const uint32_t *parents, const uint32_t *symbols, uint32_t count, const sk_children *children,
             uint32_t first, uint32_t *position);

/* sk_child: the node below `count` with this parent and symbol. If there is none in the table, `otherwise`, which is
 * entered in its place if it is not 0: a node that is about to get this parent and symbol. It is not entered, and 0 comes
 * back, if no slot is empty.
 */
uint32_t sk_child(const uint32_t *parents, const uint32_t *symbols, uint32_t count, const sk_children *children,
                  uint32_t parent, uint32_t symbol, uint32_t otherwise);

#endif

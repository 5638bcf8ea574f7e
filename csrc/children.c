#include "children.h"
#include "evaluator.h"

#include <stdbool.h>

/* How many nodes sk_adopt looks ahead, so that as many slots are on their way from memory at a time. */
enum { AHEAD = 16 };

/* Numbers of nodes and symbols are small and dense, and callers decide on the order in which both come up. Two rounds
 * of shift, xor and multiply carry every bit of both to every bit of the slot, by way of the seed.
 */
static inline uint32_t slot_of(const sk_children *children, uint32_t parent, uint32_t symbol)
{
    uint64_t hash = ((uint64_t)parent << 32 | symbol) ^ children->seed;

    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ hash >> 32) * (children->seed | 1);
    return (uint32_t)(hash >> 32) & (children->room - 1);
}

/* The slot of the node with this parent and symbol, or the empty one where it would be; NULL if all were passed. */
static inline uint32_t *seek(const uint32_t *parents, const uint32_t *symbols, uint32_t count,
                             const sk_children *children, uint32_t parent, uint32_t symbol)
{
    uint32_t slot = slot_of(children, parent, symbol);

    for (uint32_t passed = 0; passed < children->room; passed++) {
        uint32_t node = children->slots[slot];

        if (node == 0 || (node < count && parents[node] == parent && symbols[node] == symbol))
            return &children->slots[slot];
        slot = (slot + 1) & (children->room - 1);
    }
    return NULL;
}

int sk_adopt(const uint32_t *parents, const uint32_t *symbols, uint32_t count, const sk_children *children,
             uint32_t first, uint32_t *position)
{
    *position = 0;
    if (children->room == 0 || (children->room & (children->room - 1)) != 0)
        return SK_MALFORMED;
    for (uint32_t i = first; i < count; i++) {
        *position = i;
        if (count - i > AHEAD)
            __builtin_prefetch(&children->slots[slot_of(children, parents[i + AHEAD], symbols[i + AHEAD])], 1);
        uint32_t *slot = seek(parents, symbols, count, children, parents[i], symbols[i]);
        if (slot == NULL)
            return SK_MISSING;
        if (*slot != 0)
            return SK_MALFORMED;
        *slot = i;
    }
    *position = count;
    return SK_OK;
}

uint32_t sk_child(const uint32_t *parents, const uint32_t *symbols, uint32_t count, const sk_children *children,
                  uint32_t parent, uint32_t symbol, uint32_t otherwise)
{
    uint32_t *slot = seek(parents, symbols, count, children, parent, symbol);

    if (slot == NULL)
        return 0;
    if (*slot == 0)
        *slot = otherwise;
    return *slot;
}

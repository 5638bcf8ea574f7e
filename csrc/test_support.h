/* What the tests in C share. Every buffer is a malloc of its exact size, so that one byte too far is seen. */
#ifndef STATEKEEP_TEST_SUPPORT_H
#define STATEKEEP_TEST_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                                                      \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);           \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

/* xorshift64: the same rounds on every machine. */
static inline uint32_t below(uint32_t bound)
{
    static uint64_t seed = 20240229;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % bound;
}

static inline void *buffer(size_t count, size_t size)
{
    size_t bytes = count * size;
    void *memory = malloc(bytes > 0 ? bytes : 1);

    EXPECT(memory != NULL);
    return memory;
}

/* Any bytes at all; or, more often, small numbers, which get further before they are refused. */
static inline void *garbage(size_t count, size_t size)
{
    unsigned char *bytes = buffer(count, size);
    bool small = below(4) != 0;

    for (size_t i = 0; i < count * size; i++)
        bytes[i] = (unsigned char)(small ? (i % size ? 0 : below(8)) : below(256));
    return bytes;
}

#endif

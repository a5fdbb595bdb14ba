/* A queue of records between two threads, one writing and one reading. Neither ever waits; it has no lock. */
#ifndef JAMLINK_RING_H
#define JAMLINK_RING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "wire.h"

#define RING_SLOTS 2048u /* a power of two; over three seconds of the densest music there is */

struct ring {
    _Atomic uint32_t written; /* counts for ever and wraps; only the writer changes it */
    _Atomic uint32_t read;    /* only the reader changes it */
    struct record slots[RING_SLOTS];
};

/* Writer: false where it is full. */
static inline bool ring_push(struct ring *ring, const struct record *record)
{
    uint32_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    if (written - atomic_load_explicit(&ring->read, memory_order_acquire) >= RING_SLOTS)
        return false;
    ring->slots[written % RING_SLOTS] = *record;
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    return true;
}

/* Reader: the oldest record, NULL where there is none; it stays until ring_pop. */
static inline const struct record *ring_peek(struct ring *ring)
{
    uint32_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    if (read == atomic_load_explicit(&ring->written, memory_order_acquire))
        return 0;
    return &ring->slots[read % RING_SLOTS];
}

/* Reader: lets the record that was peeked go. */
static inline void ring_pop(struct ring *ring)
{
    atomic_store_explicit(&ring->read, atomic_load_explicit(&ring->read, memory_order_relaxed) + 1, memory_order_release);
}

#endif

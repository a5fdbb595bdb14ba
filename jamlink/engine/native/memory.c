#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(_WIN32)
#include <malloc.h>
#endif

#include "parts.h"

#define LINE 64
#define LARGE ((size_t)2 << 20)

static void *aligned(size_t alignment, size_t size) {
#if defined(_WIN32)
    return _aligned_malloc(size, alignment);
#else
    void *found = NULL;
    return posix_memalign(&found, alignment, size) ? NULL : found;
#endif
}

void release(void *memory) {
#if defined(_WIN32)
    _aligned_free(memory);
#else
    free(memory);
#endif
}

/* Zeros on a cache line; large ones in large pages where the system has them, which saves a walk for each 4 KiB.
   A line more than asked for, since a whole vector may be read at the end. */
void *zeros(size_t bytes) {
    size_t size = (bytes + 2 * LINE - 1) / LINE * LINE;
    void *found = aligned(size >= LARGE ? LARGE : LINE, size);
    if (!found) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= LARGE) madvise(found, size, MADV_HUGEPAGE);
#endif
    return memset(found, 0, size);
}

int make_weights_room(jl_decoder *d, size_t bytes) {
    d->weights_size = bytes;
    d->weights = zeros(bytes);
    return d->weights ? 0 : -1;
}

void *weights_room(jl_decoder *d, size_t bytes) {
    size_t size = (bytes + LINE - 1) / LINE * LINE;
    if (d->weights_used + size > d->weights_size) return NULL;
    d->weights_used += size;
    return d->weights + d->weights_used - size;
}

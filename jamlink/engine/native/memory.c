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

/* A line more than asked for, since a whole vector may be read at the end. */
static size_t with_a_line(size_t bytes) { return (bytes + 2 * LINE - 1) / LINE * LINE; }

/* On a cache line; whatever stood there stands there. */
void *room(size_t bytes) { return aligned(LINE, with_a_line(bytes)); }

/* Zeros on a cache line; large ones in large pages where the system has them, which saves a walk for each 4 KiB. */
void *zeros(size_t bytes) {
    size_t size = with_a_line(bytes);
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

/* -- what is written while computing ---------------------------------------------------------------------------------- */

/* The next piece of `used` bytes behind `at`, or of nothing where only the size is wanted. A line stays free behind it. */
static void *next_piece(char *at, size_t *used, size_t bytes) {
    void *piece = at ? at + *used : NULL;
    *used += with_a_line(bytes);
    return piece;
}

static int wider(int a, int b) { return a > b ? a : b; }

static size_t lay_out(const jl_decoder *d, Scratch *s, char *at, int rows) {
    const jl_shape *shape = &d->shape;
    size_t used = 0, n = (size_t)rows, f = n * sizeof(float), longest = (size_t)d->limit + 2 * BLOCK;
    int widest = wider(wider(shape->hidden, d->queries), d->ffn);
    *s = (Scratch){
        .x = next_piece(at, &used, f * shape->hidden),
        .normed = next_piece(at, &used, f * shape->hidden),
        .qkv = next_piece(at, &used, f * d->width_qkv),
        .mixed = next_piece(at, &used, f * d->queries),
        .inner = next_piece(at, &used, f * 2 * d->ffn),
        .scores = next_piece(at, &used, f * longest),
        .logits = next_piece(at, &used, f * up_to_block(shape->vocab)),
        .chances = next_piece(at, &used, 2 * sizeof(float) * up_to_block(shape->vocab)),
        .row_scale = next_piece(at, &used, sizeof(float) * wider(rows, 2 * shape->kv_heads)), /* or heads of one row */
        .query_scale = next_piece(at, &used, f * shape->heads),
        .quantised = next_piece(at, &used, (size_t)wider(rows * widest, 2 * d->kv)),
        .query_bytes = next_piece(at, &used, n * d->queries),
        .score_bytes = next_piece(at, &used, n * longest),
        .rows = rows,
    };
    return used;
}

size_t scratch_bytes(const jl_decoder *d, int rows) {
    Scratch nowhere;
    return lay_out(d, &nowhere, NULL, rows);
}

void lay_out_scratch(const jl_decoder *d, Scratch *s, char *at, int rows) { lay_out(d, s, at, rows); }

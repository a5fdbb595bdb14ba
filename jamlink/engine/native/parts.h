/* What the decoder is made of, for its own files. */
#ifndef JAMLINK_PARTS_H
#define JAMLINK_PARTS_H

#include <stdatomic.h>

#include "decoder.h"
#include "kernels.h"

/* One matrix, packed as the kernels read it, bytes or floats; outputs are padded with zeros to whole blocks. */
typedef struct {
    int in, out, blocks, shift;
    float *floats;
    int8_t *bytes;
    float *scale;
    int32_t *sum; /* the shift of rows times the sum of each output's bytes: what it adds */
} Matrix;

typedef struct {
    float *input_norm, *second_norm;
    Matrix qkv, out, gate_up, down;
} Layer;

/* Keys and values of one layer, for a prompt or for one row of a fork, `length` positions, a whole number of blocks.
   Both are packed matrices, one for each kv head: positions are outputs of the keys and inputs of the values. */
typedef struct {
    int length;
    float *keys, *values;      /* precision of floats */
    int8_t *key_bytes, *value_bytes;
    float *key_scale, *value_scale; /* for each head and position */
    int32_t *key_sum;
} Cache;

/* What one thread writes while it computes, JL_CHUNK rows each. */
typedef struct {
    float *x, *normed, *qkv, *mixed, *inner, *scores, *row_scale, *query_scale;
    uint8_t *quantised, *query_bytes, *score_bytes;
} Scratch;

/* On a cache line, what it holds behind it. */
typedef struct {
    size_t size;
    char padding[64 - sizeof(size_t)];
} Memory;

struct jl_decoder {
    jl_shape shape;
    const Kernels *kernels;
    int precision;
    int queries, kv, width_qkv; /* numbers of a row: its queries, its keys (or values), all of them in whole blocks */
    int ffn;                    /* in whole blocks */
    int limit;                  /* in whole blocks */
    float *embedding;           /* (vocab, hidden) */
    float *last_norm;
    Matrix output;
    Layer *layers;
    float *cosine, *sine; /* (limit, head_dim / 2) */
    float *ones;          /* (head_dim): values have a scale for each position instead */
    int32_t *zeros;       /* (head_dim) */
    char *cache;          /* of the prompt, all layers */
    Scratch scratch;
    float *logits; /* (logit_rows, whole blocks of vocab) */
    int logit_rows;
    int read; /* rows of `x` that the last reading left */
    char *weights;
    size_t weights_used, weights_size;
    /* Rows' memory of a fork that ended, for the next; taken and given back whole. A garbage collector may end forks in
       another thread, and the decoder before its forks: so both are atomic. */
    _Atomic(Memory *) spare;
    atomic_int users; /* itself and its forks */
};

struct jl_fork {
    jl_decoder *decoder;
    int prompt, rows, done, most, length; /* `most` ids of a row, `length` in whole blocks */
    int32_t *slot;                        /* where each row's cache is */
    Memory *memory;
    char *cache; /* [slot][layer], in the memory */
};

static inline int up_to_block(int count) { return (count + BLOCK - 1) / BLOCK * BLOCK; }

/* memory.c */
void *zeros(size_t bytes);
void release(void *memory);
/* From the decoder's one piece of memory for weights, which is laid out in the order of reading. */
void *weights_room(jl_decoder *d, size_t bytes);
int make_weights_room(jl_decoder *d, size_t bytes);

/* matrix.c */
size_t matrix_bytes(int in, int out, int precision);
int make_matrix(jl_decoder *d, Matrix *m, int in, int out);
void pack(Matrix *m, const float *rows, int first, int count, int width);
void multiply(jl_decoder *d, Rows x, int n, const Matrix *m, float *y, ptrdiff_t y_stride, int add);

/* attention.c */
size_t cache_bytes(const jl_decoder *d, int length);
void attend_to_prompt(jl_decoder *d, int layer, int start, int n);
void attend_to_both(jl_fork *fork, int layer, int first, int n);

/* levels.c */
const Kernels *kernels_of(int level);

#endif

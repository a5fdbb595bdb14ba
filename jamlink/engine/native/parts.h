/* What the decoder is made of, for its own files. */
#ifndef JAMLINK_PARTS_H
#define JAMLINK_PARTS_H

#include <stdatomic.h>

#include "decoder.h"
#include "kernels.h"

/* Forks whose memory is kept for later ones: two threads with two each. */
#define SPARES 4
/* Rows of a fork that are computed together: what they write stays in the second cache. */
#define TOGETHER 32

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

/* What one thread writes while it computes so many rows. */
typedef struct {
    float *x, *normed, *qkv, *mixed, *inner, *scores, *logits, *chances, *row_scale, *query_scale;
    uint8_t *quantised, *query_bytes, *score_bytes;
    int rows;
} Scratch;

/* What a matrix is multiplied with: floats, or bytes where the weights are bytes. */
typedef struct {
    Rows floats;
    ByteRows bytes;
} Input;

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
    Scratch scratch;      /* of reading */
    char *scratch_memory;
    int read; /* rows of `x` that the last reading left */
    jl_decoder *keeper; /* whose weights and tables these are; NULL where they are its own */
    char *weights;
    size_t weights_used, weights_size;
    /* Memory of forks that ended, for the next; taken and given back whole. Forks go on in several threads, and a garbage
       collector may end them in another one, or the decoder before its forks: so all of this is atomic. */
    _Atomic(Memory *) spare[SPARES];
    atomic_int users; /* itself, its forks, and those beside it */
};

struct jl_fork {
    jl_decoder *decoder;
    int prompt, rows, done, most, length; /* `most` ids of a row, `length` in whole blocks */
    int32_t *slot;                        /* where each row's cache is */
    Memory *memory;                       /* holds all that follows */
    char *cache;                          /* [slot][layer] */
    float *states;                        /* (rows, hidden), of the last step */
    Scratch scratch;
};

static inline int up_to_block(int count) { return (count + BLOCK - 1) / BLOCK * BLOCK; }

/* memory.c */
void *zeros(size_t bytes);
void *room(size_t bytes);
void release(void *memory);
/* From the decoder's one piece of memory for weights, which is laid out in the order of reading. */
void *weights_room(jl_decoder *d, size_t bytes);
int make_weights_room(jl_decoder *d, size_t bytes);
size_t scratch_bytes(const jl_decoder *d, int rows);
void lay_out_scratch(const jl_decoder *d, Scratch *s, char *at, int rows);

/* matrix.c */
size_t matrix_bytes(int in, int out, int precision);
int make_matrix(jl_decoder *d, Matrix *m, int in, int out);
void pack(Matrix *m, const float *rows, int first, int count, int width);
Input input_of(const jl_decoder *d, Scratch *s, Rows x, int n, int width);
void multiply(const jl_decoder *d, Input x, int n, const Matrix *m, float *y, ptrdiff_t y_stride, int add);

/* attention.c */
size_t cache_bytes(const jl_decoder *d, int length);
void attend_to_prompt(jl_decoder *d, int layer, int start, int n);
void attend_to_both(jl_fork *fork, int layer, int first, int n);

/* choose.c */
int choose(const jl_decoder *d, Scratch *s, const float *logits, ptrdiff_t stride, const jl_choice *choice, int first, int n,
           int32_t *ids, float *logs);

/* levels.c */
const Kernels *kernels_of(int level);

#endif

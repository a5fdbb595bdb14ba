/* The arithmetic of the decoder, once for each kind of processor (kernels_*.c).
 *
 * Matrices are packed in blocks of BLOCK outputs; what a product writes is padded to whole blocks, and every width that
 * is not a product's output is a multiple of BLOCK. What is computed for one row never depends on the rows beside it.
 */
#ifndef JAMLINK_KERNELS_H
#define JAMLINK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK 16
/* Inputs that one product of bytes takes together. */
#define GROUP 4

/* Floats packed as [out / BLOCK] blocks, `block` floats apart, of [in] vectors, `step` floats apart, of BLOCK. */
typedef struct {
    const float *floats;
    ptrdiff_t step, block;
} Floats;

/* Bytes packed as [out / BLOCK] blocks, `block` bytes apart, of [in / GROUP][BLOCK][GROUP]; an output's number is its
   sum of products, less `sum`, times `scale`. What lies `ahead` bytes further is asked for early: 0 for what is near. */
typedef struct {
    const int8_t *bytes;
    ptrdiff_t block;
    const float *scale;
    const int32_t *sum;
    ptrdiff_t ahead;
} Bytes;

/* Rows of numbers, `stride` of them apart. */
typedef struct {
    const float *at;
    ptrdiff_t stride;
} Rows;

/* Rows of bytes, `stride` apart, and what each row's bytes are multiplied by. */
typedef struct {
    const uint8_t *at;
    ptrdiff_t stride;
    const float *scale;
} ByteRows;

typedef struct {
    const char *name;
    /* What a row's bytes lie round: 128 where the product takes them unsigned (x86, and the plain one), else 0 (ARM). */
    int shift;
    /* y (n, blocks * BLOCK) = x (n, in) w; += where `add`. */
    void (*linear_f32)(Rows x, int n, int in, Floats w, int blocks, float *y, ptrdiff_t y_stride, int add);
    /* The same with bytes on both sides; `in` is a multiple of BLOCK, sums are exact. */
    void (*linear_i8)(ByteRows x, int n, int in, Bytes w, int blocks, float *y, ptrdiff_t y_stride, int add);
    /* Rows as bytes round the shift, the largest number of a row 127 away from it: q = x / scale + shift. */
    void (*quantise)(Rows x, int n, int in, uint8_t *q, ptrdiff_t q_stride, float *scale);
    /* y = x / sqrt(mean of squares + eps) * gain, for each row of `width`. */
    void (*norm)(const float *x, int n, int width, const float *gain, float eps, float *y);
    /* The same, as bytes. */
    void (*norm_bytes)(const float *x, int n, int width, const float *gain, float eps, uint8_t *q, float *scale);
    /* Turns number i of each head against number i + dim / 2 by its angle, then scales. */
    void (*rotate)(float *heads, int count, int dim, const float *cosine, const float *sine, float scale);
    /* y = gate / (1 + e^-gate) * up. */
    void (*gated)(const float *gate, const float *up, int count, float *y);
    /* The same over the gates, then as bytes. */
    void (*gated_bytes)(float *gate, const float *up, int count, uint8_t *q, float *scale);
    /* x := e^(x - largest); the total. What does not count holds -infinity. */
    float (*exponentials)(float *x, int count);
    /* Shares for values that are bytes: q = e^(x - largest) gain / total, as bytes from 0 up, times `scale`. The gains of
       the first `shared` numbers, a whole number of blocks, and of the `own` ones behind them stand apart. x is lost. */
    void (*shares)(float *x, int shared, const float *shared_gain, int own, const float *own_gain, uint8_t *q, float *scale);
    void (*times)(float *y, int count, float by);
} Kernels;

extern const Kernels kernels_generic, kernels_avx2, kernels_avxvnni, kernels_avx512, kernels_neon, kernels_dotprod;

#endif

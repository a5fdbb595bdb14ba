/* The arithmetic of the decoder, once for each kind of processor; see kernels.inc for what each function does. */
#ifndef JAMLINK_KERNELS_H
#define JAMLINK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Outputs of a matrix are packed in blocks of so many; buffers that a kernel writes are padded to a whole block. */
#define BLOCK 16
/* Blocks side by side at most. */
#define SPAN 8
/* Inputs that one int8 product takes together. */
#define GROUP 4

typedef struct {
    const char *name;
    /* y (n, stride) = x (n, in) W. W is packed as [out / BLOCK / span][in][span][BLOCK]: `span` blocks side by side, so
       that what a tile reads lies in one stream. */
    void (*linear_f32)(const float *x, ptrdiff_t x_stride, int n, int in, const float *w, int span, int blocks, float *y,
                       ptrdiff_t y_stride);
    /* The same from bytes: q (n, in) = x / scale + 128, W packed as [out / BLOCK / span][in / GROUP][span][BLOCK][GROUP].
       NULL where the processor has no such product. */
    void (*linear_i8)(const uint8_t *q, const float *scale, int n, int in, const int8_t *w, const float *w_scale,
                      const int32_t *w_sum, int span, int blocks, float *y, ptrdiff_t y_stride);
    /* linear_f32 with W in half precision, and what packs it (`count` a multiple of BLOCK). NULL where there is none. */
    void (*linear_f16)(const float *x, ptrdiff_t x_stride, int n, int in, const uint16_t *w, int span, int blocks, float *y,
                       ptrdiff_t y_stride);
    void (*halves)(const float *from, int count, uint16_t *to);
    void (*quantise)(const float *x, int n, int in, uint8_t *q, float *scale);
    void (*norm)(const float *x, int n, int width, const float *gain, float eps, float *y);
    void (*rotate)(float *heads, int count, int dim, const float *cosine, const float *sine, float scale);
    void (*gated)(float *gate, const float *up, int count);
    float (*softmax)(float *scores, int count, float highest);
    float (*highest)(const float *scores, int count);
    void (*add)(float *x, const float *y, int count);
    void (*times)(float *y, int count, float by);
} Kernels;

extern const Kernels kernels_generic, kernels_avx2, kernels_avx512;

#endif

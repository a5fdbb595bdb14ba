/* Any processor: four floats at a time, in the compiler's own vectors (SSE2 on x86-64, NEON on ARM). */
#include <stdint.h>
#include <string.h>

#define LANES 4
#define TABLE kernels_generic
#define LEVEL "generic"
#if defined(__aarch64__)
#include <arm_neon.h>
#define FUSED(a, b, c) vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b))
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif
#define WIDEST 8
#define TILES_F32 T(6, 2) T(5, 2) T(4, 2) T(3, 2) T(2, 4) T(1, 8)
#define SINGLES(M) M(6, 1) M(5, 1) M(4, 1) M(3, 1) M(2, 1) M(1, 1)
#define TILES_I8 T(2, 2) T(1, 2)

typedef int32_t Sum __attribute__((vector_size(16), aligned(4), may_alias));
typedef Sum Four;
typedef struct {
    int32_t byte[4];
} Spread;

static inline __attribute__((always_inline)) Spread spread(const uint8_t *q) {
    return (Spread){{q[0], q[1], q[2], q[3]}};
}
#define four_at(w) (*(const Four *)(w))
/* Byte i of each lane, with its sign: shifted up to the top, then down. */
static inline __attribute__((always_inline)) Sum add_products(Sum sum, Spread own, Four w) {
    typedef uint32_t Bits __attribute__((vector_size(16)));
    for (int i = 0; i < 4; i++) sum += ((Sum)((Bits)w << (24 - 8 * i)) >> 24) * own.byte[i];
    return sum;
}
#define sums_of(sum) ((Whole)(sum))

#include "kernels.inc"

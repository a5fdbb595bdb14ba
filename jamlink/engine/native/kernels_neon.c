/* Every ARM of 64 bits. Bytes are multiplied into 16 bits, where two products of numbers up to 127 have room. */
#include "kernels_neon.inc"

#define TABLE kernels_neon
#define LEVEL "neon"
#define TILES_I8 T(4, 2) T(3, 2) T(2, 4) T(1, 4)

typedef int8x16_t Spread;
OWN Spread spread(const uint8_t *q) {
    int32_t four;
    memcpy(&four, q, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
OWN Sum add_products(Sum sum, Spread own, Four weight) {
    int16x8_t low = vmull_s8(vget_low_s8(own), vget_low_s8(weight)), high = vmull_high_s8(own, weight);
    return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#include "kernels.inc"

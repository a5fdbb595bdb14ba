/* x86-64 with AVX2, FMA and AVX-VNNI: what processors without AVX-512 multiply bytes with since 2021. */
#include "kernels_avx2.inc"

#define TABLE kernels_avxvnni
#define LEVEL "avxvnni"
#define TILES_I8 TILES_F32

typedef __m256i Sum, Spread, Four;
#define spread(q) spread_bytes(q)
#define four_at(w) _mm256_loadu_si256((const __m256i *)(w))
/* Written out, as in kernels_avx512.c. */
static inline __attribute__((always_inline)) Sum add_products(Sum sum, Spread own, Four weight) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(own), "x"(weight));
    return sum;
}
#define sums_of(sum) ((Whole)(sum))

#include "kernels.inc"

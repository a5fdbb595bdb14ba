/* x86-64 with AVX-512 F, BW, VL and VNNI: four products of bytes added in one instruction. */
#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#define LANES 16
#define TABLE kernels_avx512
#define LEVEL "avx512"
#define FUSED(a, b, c) _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c))
#define LARGER(a, b) _mm512_max_ps((__m512)(a), (__m512)(b))
#define WIDEST 8
#define TILES_F32 T(8, 2) T(7, 2) T(6, 4) T(5, 4) T(4, 4) T(3, 4) T(2, 8) T(1, 8) T(1, 4)
#define SINGLES(M) M(8, 1) M(7, 1) M(6, 1) M(5, 1) M(4, 1) M(3, 1) M(2, 1) M(1, 1)
#define TILES_I8 TILES_F32

typedef __m512i Sum, Spread, Four;
static inline __attribute__((always_inline)) Spread spread(const uint8_t *four) {
    int32_t together;
    memcpy(&together, four, sizeof together);
    return _mm512_set1_epi32(together);
}
#define four_at(w) _mm512_loadu_si512(w)
/* Written out, since gcc (12) copies every sum round its own form of the instruction: half the speed. */
static inline __attribute__((always_inline)) Sum add_products(Sum sum, Spread own, Four weight) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(own), "v"(weight));
    return sum;
}
#define sums_of(sum) ((Whole)(sum))

#include "kernels.inc"

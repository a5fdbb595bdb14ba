/* x86-64 with AVX2 and FMA. Bytes are widened: pairs of 16-bit products are added in one instruction. */
#include "kernels_avx2.inc"

#define TABLE kernels_avx2
#define LEVEL "avx2"
#define TILES_I8 T(2, 2) T(1, 4)

/* Outputs 0 to 3 and 4 to 7, each as two halves of its sum beside each other. */
typedef struct {
    __m256i low, high;
} Sum, Four;
typedef __m256i Spread;

#define OWN static inline __attribute__((always_inline))
OWN Spread spread(const uint8_t *q) { return _mm256_cvtepu8_epi16(_mm256_castsi256_si128(spread_bytes(q))); }
OWN Four four_at(const int8_t *w) {
    return (Four){_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w)),
                  _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + 16)))};
}
OWN Sum add_products(Sum sum, Spread own, Four weight) {
    return (Sum){_mm256_add_epi32(sum.low, _mm256_madd_epi16(own, weight.low)),
                 _mm256_add_epi32(sum.high, _mm256_madd_epi16(own, weight.high))};
}
/* hadd works within halves of 128 bits: outputs come out as 0 1 4 5 2 3 6 7. */
#define sums_of(sum) ((Whole)_mm256_permute4x64_epi64(_mm256_hadd_epi32((sum).low, (sum).high), 0xd8))

#include "kernels.inc"

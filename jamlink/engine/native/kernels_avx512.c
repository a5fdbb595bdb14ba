/* x86-64 with AVX-512 F, BW, VL and VNNI: bytes times bytes, four products added in one instruction. */
#include <immintrin.h>
#define LANES 16
#define TABLE kernels_avx512
#define LEVEL "avx512"
#define INT8_PRODUCT(sum, bytes, weight) (Whole) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(bytes), (__m512i)(weight))
#define LOAD_HALVES(from) (Vector) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from)))
#define STORE_HALVES(to, value) _mm256_storeu_si256((__m256i *)(to), _mm512_cvtps_ph((__m512)(value), _MM_FROUND_TO_NEAREST_INT))
#include "kernels.inc"

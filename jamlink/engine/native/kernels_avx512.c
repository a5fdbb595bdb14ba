/* x86-64 with AVX-512 F, BW, VL and VNNI: bytes times bytes, four products added in one instruction. */
#include <immintrin.h>
#define LANES 16
#define TABLE kernels_avx512
#define LEVEL "avx512"
#define INT8_PRODUCT(sum, bytes, weight) (Whole) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(bytes), (__m512i)(weight))
#include "kernels.inc"

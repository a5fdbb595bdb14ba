/* x86-64 with AVX2 and FMA. */
#define LANES 8
#define TABLE kernels_avx2
#define LEVEL "avx2"
#include "kernels.inc"

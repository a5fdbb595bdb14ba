/* Any processor: four floats at a time, in the compiler's own vectors (SSE2 on x86-64, NEON on ARM). */
#define LANES 4
#define TABLE kernels_generic
#define LEVEL "generic"
#include "kernels.inc"

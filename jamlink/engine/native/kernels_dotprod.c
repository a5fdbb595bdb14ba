/* ARM with the product of bytes of version 8.2: four of them added in one instruction. Apple's M1 and later, Graviton 2 and
   later, Raspberry Pi 5. */
#include "kernels_neon.inc"

#define TABLE kernels_dotprod
#define LEVEL "dotprod"

#define add_products(sum, own, weight) vdotq_s32(sum, own, weight)

#include "kernels.inc"

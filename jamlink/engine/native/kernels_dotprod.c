/* ARM with the product of bytes of version 8.2: four of them added in one instruction. Apple's M1 and later, Graviton 2 and
   later, Raspberry Pi 5. */
#include "kernels_neon.inc"

#define TABLE kernels_dotprod
#define LEVEL "dotprod"
#define TILES_I8 TILES_F32

/* Four bytes in the place of one number, which stay in one lane as such a number does. */
typedef float Spread;
OWN Spread spread(const uint8_t *q) {
    Spread four;
    memcpy(&four, q, sizeof four);
    return four;
}
OWN Sum add_products(Sum sum, Spread own, Four weight) {
    __asm__("sdot %0.4s, %1.16b, %2.4b[0]" : "+w"(sum) : "w"(weight), "w"(own));
    return sum;
}

#include "kernels.inc"

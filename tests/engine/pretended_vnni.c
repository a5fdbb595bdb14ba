/* AVX-VNNI for a processor that has only AVX2, on Linux: linked in place of levels.c.
 *
 * The processor is said to have it, and what it then takes for no instruction is done here: vpdpbusd of three 256-bit
 * registers, as Intel's manual has it (VEX.256.66.0F38.W0 50 /r): to each 32-bit number of the first are added four
 * products of the unsigned bytes of the second with the signed bytes of the third.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* Leaf 7, part 1, which is all that levels.c asks: bit 4 of eax. */
static int pretended_leaf(unsigned leaf, unsigned part, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    *a = leaf == 7 && part == 1 ? 1u << 4 : 0, *b = *c = *d = 0;
    return 1;
}
#define __get_cpuid_count pretended_leaf
#include "levels.c"

/* What the kernel saved of the registers (XSAVE, standard form): low halves, which parts hold something, high halves. */
enum { LOW = 160, PARTS_USED = 512, HIGH = 576, HALF = 16 };
enum { SSE_USED = 2, AVX_USED = 4 };

static void get(const char *saved, int reg, void *value) {
    memcpy(value, saved + LOW + reg * HALF, HALF);
    memcpy((char *)value + HALF, saved + HIGH + reg * HALF, HALF);
}

static void set(char *saved, int reg, const void *value) {
    memcpy(saved + LOW + reg * HALF, value, HALF);
    memcpy(saved + HIGH + reg * HALF, (const char *)value + HALF, HALF);
}

static void add_products(char *saved, int sum_reg, int row_reg, int weight_reg) {
    int32_t sum[8];
    uint8_t row[32];
    int8_t weight[32];
    get(saved, sum_reg, sum), get(saved, row_reg, row), get(saved, weight_reg, weight);
    for (int i = 0; i < 32; i++) sum[i / 4] += row[i] * weight[i];
    set(saved, sum_reg, sum);
}

/* C4, then not R, not X, not B and the map (2); W, not the second register, L and the prefix (1); 50; the other two. */
static int is_product(const uint8_t *code) {
    return code[0] == 0xc4 && (code[1] & 0x1f) == 2 && (code[2] & 0x87) == 0x05 && code[3] == 0x50 && code[4] >= 0xc0;
}

/* As many as follow each other, since to be called takes long. */
static void illegal(int number, siginfo_t *info, void *context) {
    (void)info;
    mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    const uint8_t *code = (const uint8_t *)m->gregs[REG_RIP];
    char *saved = (char *)m->fpregs;
    uint64_t used;
    if (!is_product(code)) signal(number, SIG_DFL); /* it comes again, and ends the program */
    memcpy(&used, saved + PARTS_USED, sizeof used);
    if (!(used & SSE_USED)) memset(saved + LOW, 0, 16 * HALF);
    if (!(used & AVX_USED)) memset(saved + HIGH, 0, 16 * HALF);
    used |= SSE_USED | AVX_USED;
    memcpy(saved + PARTS_USED, &used, sizeof used);
    for (; is_product(code); code += 5)
        add_products(saved, (code[4] >> 3 & 7) | (code[1] & 0x80 ? 0 : 8), ~code[2] >> 3 & 15, (code[4] & 7) | (code[1] & 0x20 ? 0 : 8));
    m->gregs[REG_RIP] = (greg_t)code;
}

__attribute__((constructor)) static void pretend(void) {
    struct sigaction action = {.sa_sigaction = illegal, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
}

/* What this processor can at most: bytes read from a set of some size, and products added, in a second.
 *
 * bench_floor.py compiles it beside a benchmark and calls it from as many threads at once as are asked about. Products are
 * written as instructions, so that no compiler leaves any out; twelve sums never wait for each other.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Comes back when all who count have come here. */
static void meet(int *missing) {
    __atomic_sub_fetch(missing, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(missing, __ATOMIC_ACQUIRE) > 0) {}
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

typedef uint64_t Vector __attribute__((vector_size(16)));
#define LINE 64
#define STREAMS 4

static Vector line_at(const char *from) {
    const Vector *v = (const Vector *)from;
    return (v[0] | v[1]) | (v[2] | v[3]);
}

/* Four streams, a line of each in turn: as fast as any that was tried, wider vectors and prefetches included. */
static Vector read_all(const char *from, size_t each) {
    Vector a = {0}, b = a, c = a, d = a;
    for (size_t i = 0; i < each; i += LINE) {
        a |= line_at(from + i);
        b |= line_at(from + each + i);
        c |= line_at(from + 2 * each + i);
        d |= line_at(from + 3 * each + i);
    }
    return (a | b) | (c | d);
}

static volatile uint64_t kept; /* so that nothing that is read is left out */

/* Bytes a second, of `bytes` bytes that are read again and again for so many seconds. */
double probe_read(int *missing, const char *from, size_t bytes, double seconds) {
    size_t each = bytes / (STREAMS * LINE) * LINE;
    kept = read_all(from, each)[0];
    meet(missing);
    double start = now(), taken;
    long passes = 0;
    do {
        kept = read_all(from, each)[0];
        passes++;
        taken = now() - start;
    } while (taken < seconds);
    return (double)passes * (double)(each * STREAMS) / taken;
}

/* -- multiplying --------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *precision;
    int operations; /* of one instruction: a product and its sum are two */
    int (*can)(void);
    void (*run)(long times); /* SUMS instructions each time */
} Product;

#define SUMS 12

#if defined(__x86_64__) || defined(_M_X64)

#include <cpuid.h>
#include <immintrin.h>

static int has_fma(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static int has_avx512(void) { return __builtin_cpu_supports("avx512f"); }
static int has_bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
static int has_vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
static int has_avxvnni(void) {
    unsigned a, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

#define ONE(i) __asm__ volatile(INSTRUCTION : "+v"(s##i), "=&v"(between) : "v"(x));
#define LOOP(NAME, TARGET, REGISTER)                                                                                    \
    __attribute__((target(TARGET))) static void NAME(long times) {                                                      \
        REGISTER x = {0}, between, s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x,      \
                 s10 = x, s11 = x;                                                                                      \
        while (times--) { ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) }       \
    }

#define INSTRUCTION "vfmadd231ps %2, %2, %0"
LOOP(floats_avx2, "avx2,fma", __m256)
LOOP(floats_avx512, "avx512f", __m512)
#undef INSTRUCTION
#define INSTRUCTION "vdpbf16ps %2, %2, %0"
LOOP(halves_avx512, "avx512f", __m512)
#undef INSTRUCTION
#define INSTRUCTION "vpmaddubsw %2, %2, %1\n\tvpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0"
LOOP(bytes_avx2, "avx2", __m256i)
#undef INSTRUCTION
#define INSTRUCTION "%{vex%} vpdpbusd %2, %2, %0"
LOOP(bytes_avxvnni, "avx2", __m256i)
#undef INSTRUCTION
#define INSTRUCTION "vpdpbusd %2, %2, %0"
LOOP(bytes_avx512, "avx512f", __m512i)

static const Product products[] = {
    {"fp32", 2 * 8, has_fma, floats_avx2},        {"fp32", 2 * 16, has_avx512, floats_avx512},
    {"bf16", 2 * 32, has_bf16, halves_avx512},    {"int8", 2 * 32, has_avx2, bytes_avx2},
    {"int8", 2 * 32, has_avxvnni, bytes_avxvnni}, {"int8", 2 * 64, has_vnni, bytes_avx512},
    {NULL, 0, NULL, NULL},
};

#else
static const Product products[] = {{NULL, 0, NULL, NULL}};
#endif

/* What product number `kind` multiplies, or NULL behind the last. */
const char *probe_precision(int kind) { return products[kind].precision; }

int probe_can(int kind) { return products[kind].can(); }

/* Operations a second. */
double probe_multiply(int *missing, int kind, double seconds) {
    const Product *product = &products[kind];
    const long times = 4096;
    product->run(times);
    meet(missing);
    double start = now(), taken, done = 0;
    do {
        product->run(times);
        done += (double)times * SUMS * product->operations;
        taken = now() - start;
    } while (taken < seconds);
    return done / taken;
}

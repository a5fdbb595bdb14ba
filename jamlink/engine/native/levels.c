#include "parts.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <cpuid.h>

/* Leaf 7, second part, bit 4 of eax; compilers know no name for it everywhere. */
static int has_avxvnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

/* These ask the operating system, too, whether it keeps the wide registers. */
static int can(int level) {
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    switch (level) {
        case JL_GENERIC: return 1;
        case JL_AVX2: return avx2;
        case JL_AVXVNNI: return avx2 && has_avxvnni();
        case JL_AVX512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
        default: return 0;
    }
}

static const Kernels *const tables[] = {
    [JL_GENERIC] = &kernels_generic, [JL_AVX2] = &kernels_avx2,
    [JL_AVXVNNI] = &kernels_avxvnni, [JL_AVX512] = &kernels_avx512,
};

#elif defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>
/* Bit 20 of AT_HWCAP is "asimddp" in Linux's list for arm64; old headers lack its name. */
static int has_dotprod(void) { return getauxval(AT_HWCAP) >> 20 & 1; }
#elif defined(__APPLE__)
/* All of Apple's that run macOS have it, the first (M1) too. */
static int has_dotprod(void) { return 1; }
#else
static int has_dotprod(void) { return 0; }
#endif

static int can(int level) { return level == JL_GENERIC || level == JL_NEON || (level == JL_DOTPROD && has_dotprod()); }

static const Kernels *const tables[] = {
    [JL_GENERIC] = &kernels_generic, [JL_NEON] = &kernels_neon, [JL_DOTPROD] = &kernels_dotprod,
};

#else

static int can(int level) { return level == JL_GENERIC; }

static const Kernels *const tables[] = {[JL_GENERIC] = &kernels_generic};

#endif

const Kernels *kernels_of(int level) { return can(level) ? tables[level] : NULL; }

int jl_can(int level) { return can(level); }

int jl_best_level(void) {
    int level = JL_DOTPROD;
    while (!can(level)) level--;
    return level;
}

/* Advanced SIMD without the product of bytes widens them in as many instructions as floats take. */
int jl_has_bytes(int level) { return can(level) && level != JL_GENERIC && level != JL_NEON; }

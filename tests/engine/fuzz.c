/* Calls the decoder in any order that its header allows, and in some that it does not; under sanitizers.
   Arguments: level, precision, seed. Prints a checksum, so that nothing is optimised away. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

static unsigned state;
static int below(int n) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (unsigned)n);
}
static float weight(void) { return (float)(below(2001) - 1000) / 4000.0f; }

static float *filled(size_t count) {
    float *found = malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) found[i] = weight();
    return found;
}

/* A choice for `rows` rows by chance, now and then one that allows nothing; whether it does. */
static int any_choice(jl_choice *c, int rows, int vocab, const float *numbers) {
    static uint8_t masks[80 * 100];
    static float temperature[80], min_p[80], share[80];
    static int32_t top_k[80];
    static double draws[80];
    int allows = 1;
    for (int r = 0; r < rows; r++) {
        int some = below(40), any = 0;
        for (int i = 0; i < vocab; i++) any |= masks[r * vocab + i] = some && below(2);
        allows &= any;
        temperature[r] = (float)below(3) / 2, min_p[r] = (float)below(2) / 20, share[r] = (float)below(5) / 4;
        top_k[r] = below(2) * below(vocab + 5), draws[r] = below(1000) / 1000.0;
    }
    *c = (jl_choice){rows, masks, temperature, min_p, top_k, draws, below(2) ? numbers : NULL, 1.5f, NULL, share};
    return allows;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int level = atoi(argv[1]), precision = atoi(argv[2]);
    state = (unsigned)atoi(argv[3]);
    jl_shape s = {.vocab = 37 + below(30), .hidden = 16 * (1 + below(3)), .layers = 1 + below(3), .heads = 4, .kv_heads = 2,
                  .ffn = 20 + below(60), .head_dim = 16, .limit = 40 + below(90), .eps = 1e-5f, .theta = 10000.0f};
    size_t q = (size_t)s.heads * s.head_dim * s.hidden, kv = (size_t)s.kv_heads * s.head_dim * s.hidden;
    size_t f = (size_t)s.ffn * s.hidden, sizes[9] = {s.hidden, q, kv, kv, q, s.hidden, f, f, f};
    const float *weights[2 + 9 * 3];
    weights[0] = filled((size_t)s.vocab * s.hidden), weights[1] = filled(s.hidden);
    for (int i = 0; i < 9 * s.layers; i++) weights[2 + i] = filled(sizes[i % 9]);
    jl_decoder *d = jl_new(&s, weights, precision, level);
    if (!d) return 3;
    for (int i = 0; i < 2 + 9 * s.layers; i++) free((void *)weights[i]);

    float *states = malloc(200 * s.hidden * sizeof(float)), *logits = malloc((size_t)200 * s.vocab * sizeof(float));
    double sum = 0;
    int read = 0;
    for (int round = 0; round < 40; round++) {
        int32_t ids[200];
        for (int i = 0; i < 200; i++) ids[i] = below(s.vocab);
        int start = below(read + 1), count = 1 + below(JL_CHUNK);
        int fits = start + count <= s.limit;
        if (jl_read(d, ids, start, count, states) != (fits ? 0 : -1)) return 4;
        if (!fits) continue;
        read = start + count;
        if (jl_states(d, count, states) || jl_states(d, count + 1, states) != -1) return 5;
        jl_logits(d, states, count, logits);
        sum += logits[below(count * s.vocab)];
        ids[below(count)] = below(2) ? -1 : s.vocab;
        if (jl_read(d, ids, start, count, states) != -1) return 6;
        int rows = 1 + below(80), length = below(s.limit - read + 1);
        jl_fork *fork = jl_fork_new(d, read, rows, length);
        if (!fork) return 7;
        for (int step = 0; step < length && step < 20; step++) {
            for (int i = 0; i < rows; i++) ids[i] = below(s.vocab);
            if (jl_fork_step(fork, ids, states)) return 8;
            jl_fork_logits(fork, states, rows, logits);
            for (int i = 0; i < rows * s.vocab; i++)
                if (!isfinite(logits[i])) return 9;
            sum += logits[below(rows * s.vocab)];
            if (below(3) == 0 && step + 1 < length) {
                jl_choice choice;
                int32_t which[80], chosen[80], some = 1 + below(rows);
                float logs[80];
                for (int i = 0; i < some; i++) which[i] = below(rows);
                int allows = any_choice(&choice, some, s.vocab, logits);
                if (jl_choose(d, logits, &choice, chosen, logs) != (allows ? 0 : -2)) return 12;
                if (jl_fork_advance(fork, ids, which, &choice, chosen, logs) != (allows ? 0 : -2)) return 13;
                for (int i = 0; allows && i < some; i++)
                    if (!choice.masks[i * s.vocab + chosen[i]] || !(logs[i] <= 1e-3f)) return 14;
                which[0] = rows;
                if (jl_fork_advance(fork, ids, which, &choice, chosen, logs) != -1) return 15;
                step++;
            }
            if (rows > 1 && below(3) == 0) {
                int32_t kept[80];
                int n = 0;
                for (int i = 0; i < rows; i++)
                    if (below(4)) kept[n++] = i;
                int32_t wrong[2] = {1, 0};
                if (jl_fork_keep(fork, wrong, 2) != -1 || jl_fork_keep(fork, kept, n)) return 10;
                rows = n;
                if (!rows) break;
            }
        }
        jl_fork_free(fork);
    }
    jl_decoder *other = jl_beside(d), *third = jl_beside(other);
    int32_t ids[3] = {1, 2, 3};
    if (!other || !third || jl_read(d, ids, 0, 3, states) || jl_read(third, ids, 0, 3, states + s.hidden)) return 16;
    if (memcmp(states, states + s.hidden, s.hidden * sizeof(float))) return 17;
    jl_free(other);
    jl_fork *orphan = jl_fork_new(third, 3, 2, 2);
    jl_free(third);
    if (jl_fork_new(d, 0, 1, 1) || jl_fork_new(d, 1, 1, s.limit) || jl_fork_new(d, 1, 0, 1)) return 11;
    jl_free(d);
    jl_free(NULL);
    if (jl_fork_step(orphan, ids, states)) return 18;
    jl_fork_free(orphan);
    free(states);
    free(logits);
    printf("%.6f\n", sum);
    return 0;
}

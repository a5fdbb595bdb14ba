/* Every level of the processor that this runs on, or that an emulator pretends, beside the plain one in floats.
 *
 * Prints "best LEVEL"; "plain" and logits of the plain one, for one processor beside another; then for each level and
 * precision "LEVEL PRECISION DEVIATION", the largest root mean square of a difference of logits, of that of the plain ones.
 * Says on stderr what does not hold, and ends: logits that deviate by more than tests/engine/test_native.py allows, or a
 * row that differs in one bit for the rows beside it, for what was read before, or for what its memory held before.
 * BRIEF is for what takes microseconds for an instruction.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

#define LEVELS 8  /* more than there are */
#define STEPS 18  /* more than one block */
#define HALF 9    /* steps of all rows; then some are left behind */
#define WIDEST 64 /* hidden */
#ifdef BRIEF
#define PROMPT 20
#define MOST_ROWS 7
static const int lengths[] = {1, 16, 17, PROMPT}, row_counts[] = {1, 2, MOST_ROWS};
#else
#define PROMPT 75 /* more than one chunk */
#define MOST_ROWS 34
static const int lengths[] = {1, 15, 16, 17, JL_CHUNK, PROMPT}, row_counts[] = {1, 2, 3, 5, 7, MOST_ROWS};
#endif
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static const jl_shape shapes[] = {
    /* Grouped heads, and neither the words nor the feed-forward fill whole blocks. */
    {.vocab = 37, .hidden = 48, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 40, .head_dim = 16, .limit = 100, .eps = 1e-5f, .theta = 1e4f},
    /* Heads of an odd number of blocks, and more kv heads than copies. */
    {.vocab = 50, .hidden = 64, .layers = 1, .heads = 3, .kv_heads = 3, .ffn = 90, .head_dim = 48, .limit = 100, .eps = 1e-5f, .theta = 1e4f},
};
static const double tolerance[] = {[JL_FLOATS] = 1e-4, [JL_BYTES] = 0.25};

static unsigned state = 1;
static int below(int n) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (unsigned)n);
}

/* -- what is asked --------------------------------------------------------------------------------------------------- */

static float *uniform(size_t count, float least, float most) {
    float *found = malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) found[i] = least + (most - least) * (float)below(10001) / 10000.0f;
    return found;
}

/* Matrices as wild as those of tests/engine/conftest.py: a standard deviation of 0.3. */
static const float **weights_of(const jl_shape *s) {
    size_t q = (size_t)s->heads * s->head_dim * s->hidden, kv = (size_t)s->kv_heads * s->head_dim * s->hidden;
    size_t f = (size_t)s->ffn * s->hidden, sizes[9] = {s->hidden, q, kv, kv, q, s->hidden, f, f, f};
    const float **weights = calloc(2 + 9 * (size_t)s->layers, sizeof *weights);
    weights[0] = uniform((size_t)s->vocab * s->hidden, -0.52f, 0.52f), weights[1] = uniform(s->hidden, 0.5f, 1.5f);
    for (int i = 0; i < 9 * s->layers; i++)
        weights[2 + i] = i % 9 == 0 || i % 9 == 5 ? uniform(sizes[i % 9], 0.5f, 1.5f) : uniform(sizes[i % 9], -0.52f, 0.52f);
    return weights;
}

/* The same ids for every level. */
static int32_t prompt[PROMPT], following[STEPS][MOST_ROWS];
static void draw_ids(const jl_shape *s) {
    for (int i = 0; i < PROMPT; i++) prompt[i] = below(s->vocab);
    for (int i = 0; i < STEPS; i++)
        for (int r = 0; r < MOST_ROWS; r++) following[i][r] = below(s->vocab);
}

/* -- what is answered ------------------------------------------------------------------------------------------------ */

typedef struct {
    const jl_shape *shape;
    jl_decoder *decoder;
    int level, precision;
    double worst; /* deviation so far */
} Player;

static void fail(const Player *p, const char *what, int which) {
    fprintf(stderr, "level %d, precision %d: %s: %d\n", p->level, p->precision, what, which);
    exit(1);
}

static Player player(const jl_shape *s, const float *const *weights, int level, int precision) {
    Player p = {s, jl_new(s, weights, precision, level), level, precision, 0};
    if (!p.decoder) fail(&p, "no decoder of this many words", s->vocab);
    return p;
}

/* Reads prompt[from..to) in chunks of `chunk`; the state after the last. */
static void read_on(const Player *p, int from, int to, int chunk, float *after) {
    for (int at = from; at < to; at += chunk)
        if (jl_read(p->decoder, prompt + at, at, at + chunk < to ? chunk : to - at, after)) fail(p, "no reading from here on", at);
}

static size_t at(const Player *p, int step, int column) { return ((size_t)step * MOST_ROWS + column) * p->shape->vocab; }

/* The logits of `rows` that go on from the whole prompt with the ids of column `first` and on, each `at` its step and
   column; from step HALF on only of every third. */
static void go_on(const Player *p, int first, int rows, float *logits) {
    jl_fork *fork = jl_fork_new(p->decoder, PROMPT, rows, STEPS);
    if (!fork) fail(p, "no fork of so many rows", rows);
    float *states = malloc((size_t)rows * p->shape->hidden * sizeof(float)), *some = malloc((size_t)rows * p->shape->vocab * sizeof(float));
    int32_t kept[MOST_ROWS], ids[MOST_ROWS];
    for (int step = 0, apart = 1, left = rows; step < STEPS; step++) {
        if (step == HALF) {
            apart = 3, left = (rows + 2) / 3;
            for (int r = 0; r < left; r++) kept[r] = 3 * r;
            if (jl_fork_keep(fork, kept, left)) fail(p, "so many rows are not kept", left);
        }
        for (int r = 0; r < left; r++) ids[r] = following[step][first + apart * r];
        if (jl_fork_step(fork, ids, states)) fail(p, "no step", step);
        jl_logits(p->decoder, states, left, some);
        for (int r = 0; r < left; r++)
            memcpy(logits + at(p, step, first + apart * r), some + (size_t)r * p->shape->vocab, p->shape->vocab * sizeof(float));
    }
    jl_fork_free(fork);
    free(states), free(some);
}

/* -- laws ------------------------------------------------------------------------------------------------------------ */

/* Found and expected numbers, squares of their differences. */
typedef struct {
    double difference, size;
} Deviation;

static void count(Deviation *d, const float *found, const float *expected, int n) {
    for (int i = 0; i < n; i++) {
        d->difference += (found[i] - expected[i]) * (double)(found[i] - expected[i]);
        d->size += expected[i] * (double)expected[i];
    }
}

static void near(Player *p, const char *law, int which, Deviation d) {
    double off = sqrt(d.difference / d.size);
    if (!(off <= tolerance[p->precision])) fail(p, law, which);
    if (off > p->worst) p->worst = off;
}

static void same(const Player *p, const char *law, int which, const float *a, const float *b, int n) {
    if (memcmp(a, b, (size_t)n * sizeof(float))) fail(p, law, which);
}

/* What the plain level says after prompts of those lengths, and in all rows of all steps. */
typedef struct {
    float *prompts, *rows;
} Expected;

static void read_prompts(const Player *p, float *logits) {
    float state[WIDEST];
    for (int i = 0; i < LENGTHS; i++) {
        read_on(p, 0, lengths[i], JL_CHUNK, state);
        jl_logits(p->decoder, state, 1, logits + i * p->shape->vocab);
    }
}

static Expected expected_of(const jl_shape *s, const float *const *weights) {
    Player plain = player(s, weights, JL_GENERIC, JL_FLOATS);
    size_t rows = at(&plain, STEPS, 0) * sizeof(float);
    Expected e = {malloc(LENGTHS * s->vocab * sizeof(float)), malloc(rows)};
    read_prompts(&plain, e.prompts);
    go_on(&plain, 0, MOST_ROWS, e.rows);
    jl_free(plain.decoder);
    return e;
}

/* The whole prompt is the last one. */
static void prompts_agree(Player *p, const float *expected) {
    int vocab = p->shape->vocab;
    float *found = malloc(LENGTHS * vocab * sizeof(float));
    read_prompts(p, found);
    for (int i = 0; i < LENGTHS; i++) {
        Deviation d = {0, 0};
        count(&d, found + i * vocab, expected + i * vocab, vocab);
        near(p, "a prompt deviates, of this length", lengths[i], d);
    }
    free(found);
}

static void a_prompt_does_not_notice_what_was_read_before(const Player *p) {
    static const int32_t other[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float fresh[WIDEST], again[WIDEST];
    read_on(p, 0, PROMPT, JL_CHUNK, fresh);
    for (int kept = 1; kept < PROMPT; kept += 18) {
        if (jl_read(p->decoder, other, kept, 9, again)) fail(p, "no reading from here on", kept);
        read_on(p, kept, PROMPT, 5 + kept, again);
        same(p, "a prompt notices what was read before, from here on", kept, again, fresh, p->shape->hidden);
    }
}

static void rows_agree(Player *p, int rows, const float *found, const float *expected) {
    Deviation d = {0, 0};
    for (int step = 0; step < STEPS; step++)
        for (int r = 0; r < rows; r += step < HALF ? 1 : 3) count(&d, found + at(p, step, r), expected + at(p, step, r), p->shape->vocab);
    near(p, "rows deviate, so many", rows, d);
}

/* The last row that goes on to the end, in memory that the crowd has left. */
static void a_row_does_not_notice_the_rows_beside_it(const Player *p, int rows, const float *crowd, float *alone) {
    int row = (rows - 1) / 3 * 3;
    go_on(p, row, 1, alone);
    for (int step = 0; step < STEPS; step++)
        same(p, "a row notices the rows beside it, so many", rows, alone + at(p, step, row), crowd + at(p, step, row), p->shape->vocab);
}

static double compare(const jl_shape *s, const float *const *weights, Expected e, int level, int precision) {
    Player p = player(s, weights, level, precision);
    float *crowd = malloc(at(&p, STEPS, 0) * sizeof(float)), *alone = malloc(at(&p, STEPS, 0) * sizeof(float));
    prompts_agree(&p, e.prompts);
    a_prompt_does_not_notice_what_was_read_before(&p);
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        go_on(&p, 0, row_counts[i], crowd);
        rows_agree(&p, row_counts[i], crowd, e.rows);
        a_row_does_not_notice_the_rows_beside_it(&p, row_counts[i], crowd, alone);
    }
    free(crowd), free(alone);
    jl_free(p.decoder);
    return p.worst;
}

int main(void) {
    enum { SHAPES = sizeof shapes / sizeof *shapes };
    double worst[LEVELS][2] = {{0}};
    printf("best %d\nplain", jl_best_level());
    for (int i = 0; i < SHAPES; i++) {
        const jl_shape *s = shapes + i;
        const float **weights = weights_of(s);
        draw_ids(s);
        Expected e = expected_of(s, weights);
        for (int j = 0; j < LENGTHS * s->vocab; j++) printf(" %.7g", e.prompts[j]);
        for (int level = 0; level < LEVELS; level++)
            for (int precision = JL_FLOATS; precision <= JL_BYTES && jl_can(level); precision++)
                worst[level][precision] = fmax(worst[level][precision], compare(s, weights, e, level, precision));
        free(e.prompts), free(e.rows);
        for (int j = 0; j < 2 + 9 * s->layers; j++) free((void *)weights[j]);
        free(weights);
    }
    printf("\n");
    for (int level = 0; level < LEVELS; level++)
        for (int precision = JL_FLOATS; precision <= JL_BYTES && jl_can(level); precision++)
            printf("%d %d %.3g\n", level, precision, worst[level][precision]);
    return 0;
}

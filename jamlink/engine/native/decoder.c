#include "decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

/* One matrix, packed for the kernels; bytes or floats. Outputs are padded with zeros to whole blocks. */
typedef struct {
    int in, out, blocks, span;
    float *floats;
    int8_t *bytes;
    float *scale;
    int32_t *sum; /* 128 times the sum of each output's bytes: what the shift of the rows by 128 adds */
} Matrix;

typedef struct {
    float *input_norm, *second_norm;
    Matrix qkv, out, gate_up, down;
} Layer;

struct jl_decoder {
    jl_shape shape;
    const Kernels *kernels;
    int width_qkv, queries; /* numbers of a row behind qkv; of its queries alone */
    float *embedding;       /* (vocab, hidden) */
    float *last_norm;
    Matrix output;
    Layer *layers;
    float *cosine, *sine; /* (limit, head_dim / 2) */
    /* Matrices for the kernels, for each layer and kv head: keys with positions as outputs, values with positions as inputs,
       which makes them plain rows. `length` is a whole number of groups of SPAN blocks, or less than one. */
    int half; /* whether the caches, here and in forks, hold numbers of two bytes and not of four */
    char *keys, *values;
    int limit; /* positions of the cache, see cache_length */
    int fresh; /* how many rows of `x` are those of the last reading */
    float *x, *normed, *qkv, *mixed, *inner, *scores; /* JL_CHUNK rows each */
    uint8_t *quantised;
    float *row_scale;
};

struct jl_fork {
    jl_decoder *decoder;
    int prompt, rows, length, done; /* `length` of the caches; room for ids is `most` */
    int most;
    int32_t *slot;        /* where each row's cache is */
    char *keys, *values;  /* [slot][layer], then as in the decoder with `length` for `limit` */
};

static int up_to_block(int count) { return (count + BLOCK - 1) / BLOCK * BLOCK; }

/* Positions of a cache: whole blocks, and where they are more than SPAN whole groups of these. */
static int cache_length(int count) {
    int blocks = up_to_block(count > 0 ? count : 1) / BLOCK;
    return (blocks <= SPAN ? blocks : (blocks + SPAN - 1) / SPAN * SPAN) * BLOCK;
}

/* Zeros on a cache line. Rounded up and with room behind, so that a whole vector can be read at the end. */
static void *zeros(size_t bytes) {
    size_t size = (bytes + 127) / 64 * 64;
    void *found = NULL;
    if (posix_memalign(&found, 64, size)) return NULL;
    return memset(found, 0, size);
}

/* -- packing ------------------------------------------------------------------------------------------------------- */

/* Where output `out` of input `k` lies: [out / BLOCK / span][k of `in`][span][BLOCK]. */
static size_t place(int in, int span, int out, int k) {
    int block = out / BLOCK;
    return (((size_t)(block / span) * in + k) * span + block % span) * BLOCK + out % BLOCK;
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* `count` outputs of `width` inputs each, as rows, become the outputs from `first` on. Inputs beyond stay zero. */
static void pack_floats(Matrix *m, const float *rows, int width, int first, int count) {
    for (int out = first; out < first + count; out++, rows += width)
        for (int k = 0; k < width; k++)
            m->floats[place(m->in, m->span, out, k)] = rows[k];
}

static void pack_bytes(Matrix *m, const float *rows, int width, int first, int count) {
    for (int out = first; out < first + count; out++, rows += width) {
        float most = 0;
        int sum = 0;
        for (int k = 0; k < width; k++) most = fmaxf(most, fabsf(rows[k]));
        for (int k = 0; k < width; k++) {
            int byte = most > 0 ? (int)lrintf(rows[k] / most * 127.0f) : 0;
            m->bytes[place(m->in / GROUP, m->span, out, k / GROUP) * GROUP + k % GROUP] = (int8_t)byte;
            sum += byte;
        }
        m->scale[out] = most / 127.0f;
        m->sum[out] = 128 * sum;
    }
}

static void pack(Matrix *m, const float *rows, int width, int first, int count) {
    if (m->bytes)
        pack_bytes(m, rows, width, first, count);
    else
        pack_floats(m, rows, width, first, count);
}

/* 0, or -1 without memory. */
static int make(Matrix *m, int in, int out, int precision) {
    m->in = in, m->out = out, m->blocks = up_to_block(out) / BLOCK, m->span = smaller(m->blocks, SPAN);
    size_t count = (size_t)(m->blocks + m->span - 1) / m->span * m->span * BLOCK;
    if (precision == JL_BYTES && in % GROUP == 0) {
        m->bytes = zeros(count * in);
        m->scale = zeros(count * sizeof(float));
        m->sum = zeros(count * sizeof(int32_t));
        return m->bytes && m->scale && m->sum ? 0 : -1;
    }
    m->floats = zeros(count * in * sizeof(float));
    return m->floats ? 0 : -1;
}

static void drop(Matrix *m) {
    free(m->floats);
    free(m->bytes);
    free(m->scale);
    free(m->sum);
}

static float *copied(const float *from, size_t count) {
    float *to = zeros(count * sizeof(float));
    return to ? memcpy(to, from, count * sizeof(float)) : NULL;
}

static int make_layer(jl_decoder *d, Layer *layer, const float *const *w, int precision) {
    const jl_shape *s = &d->shape;
    int kv = s->kv_heads * s->head_dim, f = up_to_block(s->ffn);
    layer->input_norm = copied(w[0], s->hidden);
    layer->second_norm = copied(w[5], s->hidden);
    int failed = make(&layer->qkv, s->hidden, d->width_qkv, precision) | make(&layer->out, d->queries, s->hidden, precision) |
                 make(&layer->gate_up, s->hidden, 2 * f, precision) | make(&layer->down, f, s->hidden, precision);
    if (failed || !layer->input_norm || !layer->second_norm) return -1;
    pack(&layer->qkv, w[1], s->hidden, 0, d->queries);
    pack(&layer->qkv, w[2], s->hidden, d->queries, kv);
    pack(&layer->qkv, w[3], s->hidden, d->queries + kv, kv);
    pack(&layer->out, w[4], d->queries, 0, s->hidden);
    pack(&layer->gate_up, w[6], s->hidden, 0, s->ffn);
    pack(&layer->gate_up, w[7], s->hidden, f, s->ffn);
    pack(&layer->down, w[8], s->ffn, 0, s->hidden);
    return 0;
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

int jl_best_level(void) {
#if defined(__x86_64__) || defined(_M_X64)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        return JL_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return JL_AVX2;
#endif
    return JL_GENERIC;
}

static const Kernels *kernels_of(int level) {
#if defined(__x86_64__) || defined(_M_X64)
    if (level == JL_AVX512) return &kernels_avx512;
    if (level == JL_AVX2) return &kernels_avx2;
#endif
    return level == JL_GENERIC ? &kernels_generic : NULL;
}

int jl_has_bytes(int level) { return level <= jl_best_level() && kernels_of(level) && kernels_of(level)->linear_i8; }

static void make_turns(jl_decoder *d) {
    int half = d->shape.head_dim / 2;
    for (int p = 0; p < d->limit; p++)
        for (int i = 0; i < half; i++) {
            double angle = p * pow(d->shape.theta, -2.0 * i / d->shape.head_dim);
            d->cosine[p * half + i] = (float)cos(angle);
            d->sine[p * half + i] = (float)sin(angle);
        }
}

static size_t number(const jl_decoder *d) { return d->half ? sizeof(uint16_t) : sizeof(float); }

static int make_room(jl_decoder *d) {
    const jl_shape *s = &d->shape;
    size_t f = sizeof(float), cache = (size_t)s->layers * s->kv_heads * d->limit * s->head_dim;
    int widest = s->hidden > d->queries ? s->hidden : d->queries;
    widest = widest > up_to_block(s->ffn) ? widest : up_to_block(s->ffn);
    d->keys = zeros(cache * number(d));
    d->values = zeros(cache * number(d));
    d->cosine = zeros((size_t)d->limit * s->head_dim / 2 * f);
    d->sine = zeros((size_t)d->limit * s->head_dim / 2 * f);
    d->x = zeros((size_t)JL_CHUNK * s->hidden * f);
    d->normed = zeros((size_t)JL_CHUNK * s->hidden * f);
    d->qkv = zeros((size_t)JL_CHUNK * up_to_block(d->width_qkv) * f);
    d->mixed = zeros((size_t)JL_CHUNK * d->queries * f);
    d->inner = zeros((size_t)JL_CHUNK * 2 * up_to_block(s->ffn) * f);
    d->scores = zeros((size_t)JL_CHUNK * 2 * d->limit * f);
    d->quantised = zeros((size_t)JL_CHUNK * widest);
    d->row_scale = zeros(JL_CHUNK * f);
    return d->keys && d->values && d->cosine && d->sine && d->x && d->normed && d->qkv && d->mixed && d->inner && d->scores &&
                   d->quantised && d->row_scale
               ? 0
               : -1;
}

jl_decoder *jl_new(const jl_shape *shape, const float *const *weights, int precision, int level) {
    const Kernels *kernels = kernels_of(level);
    if (shape->hidden % BLOCK || shape->head_dim % BLOCK || shape->head_dim > SPAN * BLOCK || shape->heads % shape->kv_heads) return NULL;
    if (level > jl_best_level() || !kernels || (precision == JL_BYTES && !kernels->linear_i8)) return NULL;
    jl_decoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->shape = *shape, d->kernels = kernels, d->half = precision == JL_BYTES && kernels->linear_f16;
    d->queries = shape->heads * shape->head_dim;
    d->width_qkv = d->queries + 2 * shape->kv_heads * shape->head_dim;
    d->limit = cache_length(shape->limit);
    d->layers = calloc((size_t)shape->layers, sizeof *d->layers);
    d->embedding = copied(weights[0], (size_t)shape->vocab * shape->hidden);
    d->last_norm = copied(weights[1], shape->hidden);
    int failed = !d->layers || !d->embedding || !d->last_norm || make_room(d) ||
                 make(&d->output, shape->hidden, shape->vocab, precision);
    for (int i = 0; !failed && i < shape->layers; i++) failed = make_layer(d, d->layers + i, weights + 2 + 9 * i, precision);
    if (failed) {
        jl_free(d);
        return NULL;
    }
    pack(&d->output, weights[0], shape->hidden, 0, shape->vocab);
    make_turns(d);
    return d;
}

void jl_free(jl_decoder *d) {
    if (!d) return;
    for (int i = 0; d->layers && i < d->shape.layers; i++) {
        Layer *layer = d->layers + i;
        drop(&layer->qkv), drop(&layer->out), drop(&layer->gate_up), drop(&layer->down);
        free(layer->input_norm);
        free(layer->second_norm);
    }
    drop(&d->output);
    float *all[] = {d->embedding, d->last_norm, d->cosine, d->sine, d->x, d->normed, d->qkv, d->mixed,
                    d->inner, d->scores, d->row_scale};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(d->keys);
    free(d->values);
    free(d->quantised);
    free(d->layers);
    free(d);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* y (n, whole blocks) = x (n, m->in) m */
static void multiply(jl_decoder *d, const float *x, int n, const Matrix *m, float *y) {
    ptrdiff_t stride = (ptrdiff_t)m->blocks * BLOCK;
    if (!m->bytes) {
        d->kernels->linear_f32(x, m->in, n, m->in, m->floats, m->span, m->blocks, y, stride);
        return;
    }
    d->kernels->quantise(x, n, m->in, d->quantised, d->row_scale);
    d->kernels->linear_i8(d->quantised, d->row_scale, n, m->in, m->bytes, m->scale, m->sum, m->span, m->blocks, y, stride);
}

/* A cache of keys and values: the decoder's, or that of one row of a fork, for one layer. */
typedef struct {
    char *keys, *values;
    int length;
} Cache;

/* The cache of one layer: the `part`-th of its size, in `keys` and `values`. */
static Cache cache_at(const jl_decoder *d, char *keys, char *values, size_t part, int length) {
    size_t at = part * d->shape.kv_heads * length * d->shape.head_dim * number(d);
    return (Cache){keys + at, values + at, length};
}

/* Puts one head's key at `position` of its cache, a column of the packed matrix. */
static void put_key(const jl_decoder *d, Cache cache, size_t head, int position, const float *key) {
    int dim = d->shape.head_dim, span = smaller(cache.length / BLOCK, SPAN);
    size_t at = head + place(dim, span, position, 0), step = (size_t)span * BLOCK;
    uint16_t packed[SPAN * BLOCK];
    if (!d->half) {
        for (int i = 0; i < dim; i++) ((float *)cache.keys)[at + i * step] = key[i];
        return;
    }
    d->kernels->halves(key, dim, packed);
    for (int i = 0; i < dim; i++) ((uint16_t *)cache.keys)[at + i * step] = packed[i];
}

static void remember(const jl_decoder *d, Cache cache, int position, const float *keys, const float *values) {
    int dim = d->shape.head_dim;
    for (int h = 0; h < d->shape.kv_heads; h++, keys += dim, values += dim) {
        size_t head = (size_t)h * cache.length * dim, row = head + (size_t)position * dim;
        put_key(d, cache, head, position, keys);
        if (d->half)
            d->kernels->halves(values, dim, (uint16_t *)cache.values + row);
        else
            memcpy((float *)cache.values + row, values, (size_t)dim * sizeof(float));
    }
}

/* y = x W for one head's part of a cache. */
static void cached(jl_decoder *d, const float *x, ptrdiff_t stride, int n, int in, const char *w, size_t head, int span,
                   int blocks, float *y, ptrdiff_t y_stride) {
    if (d->half)
        d->kernels->linear_f16(x, stride, n, in, (const uint16_t *)w + head, span, blocks, y, y_stride);
    else
        d->kernels->linear_f32(x, stride, n, in, (const float *)w + head, span, blocks, y, y_stride);
}

/* Scores of one head's queries with the first `count` positions of a cache, up to a whole block. */
static void compare(jl_decoder *d, const float *queries, ptrdiff_t stride, int n, Cache cache, int kv_head, int count,
                    float *scores, ptrdiff_t scores_stride) {
    int dim = d->shape.head_dim;
    cached(d, queries, stride, n, dim, cache.keys, (size_t)kv_head * cache.length * dim, smaller(cache.length / BLOCK, SPAN),
           up_to_block(count) / BLOCK, scores, scores_stride);
}

/* y (n, head_dim) = weights (n, count) values. */
static void gather(jl_decoder *d, const float *weights, ptrdiff_t stride, int n, Cache cache, int kv_head, int count,
                   float *y, ptrdiff_t y_stride) {
    int dim = d->shape.head_dim;
    cached(d, weights, stride, n, count, cache.values, (size_t)kv_head * cache.length * dim, dim / BLOCK, dim / BLOCK, y,
           y_stride);
}

static void hide_from(float *scores, int first, int end) {
    for (int i = first; i < end; i++) scores[i] = -INFINITY;
}

/* `n` new positions from `start` on, each to itself and all before it. */
static void attend_to_prompt(jl_decoder *d, int layer, int start, int n) {
    const jl_shape *s = &d->shape;
    Cache cache = cache_at(d, d->keys, d->values, layer, d->limit);
    ptrdiff_t stride = up_to_block(d->width_qkv);
    int kv = s->kv_heads * s->head_dim, end = up_to_block(start + n);
    for (int t = 0; t < n; t++)
        remember(d, cache, start + t, d->qkv + t * stride + d->queries, d->qkv + t * stride + d->queries + kv);
    for (int h = 0; h < s->heads; h++) {
        int kv_head = h / (s->heads / s->kv_heads);
        float *y = d->mixed + h * s->head_dim;
        compare(d, d->qkv + h * s->head_dim, stride, n, cache, kv_head, start + n, d->scores, end);
        for (int t = 0; t < n; t++) {
            float *own = d->scores + (ptrdiff_t)t * end;
            hide_from(own, start + t + 1, end);
            d->row_scale[t] = d->kernels->softmax(own, end, d->kernels->highest(own, end));
        }
        gather(d, d->scores, end, n, cache, kv_head, start + n, y, d->queries);
        for (int t = 0; t < n; t++) d->kernels->times(y + (ptrdiff_t)t * d->queries, s->head_dim, 1.0f / d->row_scale[t]);
    }
}

static void turn(jl_decoder *d, float *qkv, int position) {
    const jl_shape *s = &d->shape;
    const float *cosine = d->cosine + (size_t)position * s->head_dim / 2;
    const float *sine = d->sine + (size_t)position * s->head_dim / 2;
    d->kernels->rotate(qkv, s->heads, s->head_dim, cosine, sine, 1.0f / sqrtf((float)s->head_dim));
    d->kernels->rotate(qkv + d->queries, s->kv_heads, s->head_dim, cosine, sine, 1.0f);
}

static void project(jl_decoder *d, const Layer *layer, int n) {
    d->kernels->norm(d->x, n, d->shape.hidden, layer->input_norm, d->shape.eps, d->normed);
    multiply(d, d->normed, n, &layer->qkv, d->qkv);
}

/* Adds what attention found, then the feed-forward. */
static void finish(jl_decoder *d, const Layer *layer, int n) {
    int hidden = d->shape.hidden, f = layer->gate_up.out / 2;
    multiply(d, d->mixed, n, &layer->out, d->normed);
    d->kernels->add(d->x, d->normed, n * hidden);
    d->kernels->norm(d->x, n, hidden, layer->second_norm, d->shape.eps, d->normed);
    multiply(d, d->normed, n, &layer->gate_up, d->inner);
    for (int t = 0; t < n; t++) {
        float *row = d->inner + (ptrdiff_t)t * 2 * f;
        d->kernels->gated(row, row + f, f);
        if (t) memmove(d->inner + (ptrdiff_t)t * f, row, (size_t)f * sizeof(float));
    }
    multiply(d, d->inner, n, &layer->down, d->normed);
    d->kernels->add(d->x, d->normed, n * hidden);
}

static int look_up(jl_decoder *d, const int32_t *ids, int n) {
    int hidden = d->shape.hidden;
    for (int t = 0; t < n; t++) {
        if (ids[t] < 0 || ids[t] >= d->shape.vocab) return -1;
        memcpy(d->x + (ptrdiff_t)t * hidden, d->embedding + (size_t)ids[t] * hidden, hidden * sizeof(float));
    }
    return 0;
}

int jl_read(jl_decoder *d, const int32_t *ids, int start, int count, float *state) {
    if (count < 1 || count > JL_CHUNK || start < 0 || start + count > d->shape.limit || look_up(d, ids, count)) return -1;
    ptrdiff_t stride = up_to_block(d->width_qkv);
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, d->layers + i, count);
        for (int t = 0; t < count; t++) turn(d, d->qkv + t * stride, start + t);
        attend_to_prompt(d, i, start, count);
        finish(d, d->layers + i, count);
    }
    int hidden = d->shape.hidden;
    d->kernels->norm(d->x + (ptrdiff_t)(count - 1) * hidden, 1, hidden, d->last_norm, d->shape.eps, state);
    d->fresh = count;
    return 0;
}

int jl_states(jl_decoder *d, int count, float *states) {
    if (count < 1 || count > d->fresh) return -1;
    d->kernels->norm(d->x, count, d->shape.hidden, d->last_norm, d->shape.eps, states);
    return 0;
}

void jl_logits(jl_decoder *d, const float *states, int n, float *logits) {
    int padded = d->output.blocks * BLOCK, vocab = d->shape.vocab, room = JL_CHUNK * 2 * up_to_block(d->shape.ffn) / padded;
    room = room < 1 ? 1 : room > JL_CHUNK ? JL_CHUNK : room;
    float *wide = d->inner, *own = NULL;
    if ((size_t)padded > (size_t)JL_CHUNK * 2 * up_to_block(d->shape.ffn)) wide = own = zeros((size_t)padded * sizeof(float));
    for (int r = 0; wide && r < n; r += room) {
        int rows = n - r < room ? n - r : room;
        multiply(d, states + (ptrdiff_t)r * d->shape.hidden, rows, &d->output, wide);
        for (int t = 0; t < rows; t++)
            memcpy(logits + (ptrdiff_t)(r + t) * vocab, wide + (ptrdiff_t)t * padded, (size_t)vocab * sizeof(float));
    }
    free(own);
}

/* -- going on ------------------------------------------------------------------------------------------------------ */

jl_fork *jl_fork_new(jl_decoder *d, int prompt, int rows, int length) {
    if (prompt < 1 || rows < 1 || length < 0 || prompt + length > d->shape.limit) return NULL;
    jl_fork *fork = calloc(1, sizeof *fork);
    if (!fork) return NULL;
    fork->decoder = d, fork->prompt = prompt, fork->rows = rows, fork->most = length;
    fork->length = cache_length(length);
    size_t cache = (size_t)rows * d->shape.layers * d->shape.kv_heads * fork->length * d->shape.head_dim;
    /* Not cleared: a position is written before it counts, and what is compared beside it is hidden. */
    fork->keys = malloc((cache + 2 * BLOCK) * number(d));
    fork->values = malloc((cache + 2 * BLOCK) * number(d));
    fork->slot = calloc((size_t)rows, sizeof(int32_t));
    if (!fork->keys || !fork->values || !fork->slot) {
        jl_fork_free(fork);
        return NULL;
    }
    for (int r = 0; r < rows; r++) fork->slot[r] = r;
    return fork;
}

void jl_fork_free(jl_fork *fork) {
    if (!fork) return;
    free(fork->keys);
    free(fork->values);
    free(fork->slot);
    free(fork);
}

int jl_fork_keep(jl_fork *fork, const int32_t *rows, int count) {
    if (count < 0 || count > fork->rows) return -1;
    for (int r = 0; r < count; r++)
        if (rows[r] < r || rows[r] >= fork->rows || (r && rows[r] <= rows[r - 1])) return -1;
    for (int r = 0; r < count; r++) fork->slot[r] = fork->slot[rows[r]];
    fork->rows = count;
    return 0;
}

static Cache cache_of(const jl_fork *fork, int row, int layer) {
    size_t part = (size_t)fork->slot[row] * fork->decoder->shape.layers + layer;
    return cache_at(fork->decoder, fork->keys, fork->values, part, fork->length);
}

/* One new position for each of `n` rows from `first` on: to the shared prompt and to the row's own past. */
static void attend_to_both(jl_fork *fork, int layer, int first, int n) {
    jl_decoder *d = fork->decoder;
    const jl_shape *s = &d->shape;
    Cache prompt = cache_at(d, d->keys, d->values, layer, d->limit);
    ptrdiff_t stride = up_to_block(d->width_qkv);
    int kv = s->kv_heads * s->head_dim, shared = up_to_block(fork->prompt), past = fork->done + 1;
    int row_length = shared + up_to_block(past);
    for (int r = 0; r < n; r++)
        remember(d, cache_of(fork, first + r, layer), fork->done, d->qkv + r * stride + d->queries,
                 d->qkv + r * stride + d->queries + kv);
    for (int h = 0; h < s->heads; h++) {
        int kv_head = h / (s->heads / s->kv_heads);
        const float *queries = d->qkv + h * s->head_dim;
        float *y = d->mixed + h * s->head_dim;
        compare(d, queries, stride, n, prompt, kv_head, fork->prompt, d->scores, row_length);
        for (int r = 0; r < n; r++) {
            float *own = d->scores + (ptrdiff_t)r * row_length;
            compare(d, queries + r * stride, stride, 1, cache_of(fork, first + r, layer), kv_head, past, own + shared,
                    row_length);
            hide_from(own, fork->prompt, shared);
            hide_from(own, shared + past, row_length);
            d->row_scale[r] = d->kernels->softmax(own, row_length, d->kernels->highest(own, row_length));
        }
        gather(d, d->scores, row_length, n, prompt, kv_head, fork->prompt, y, d->queries);
        for (int r = 0; r < n; r++) {
            float *row = y + (ptrdiff_t)r * d->queries, *found = d->normed;
            gather(d, d->scores + (ptrdiff_t)r * row_length + shared, row_length, 1, cache_of(fork, first + r, layer), kv_head,
                   past, found, d->queries);
            d->kernels->add(row, found, s->head_dim);
            d->kernels->times(row, s->head_dim, 1.0f / d->row_scale[r]);
        }
    }
}

static int step_some(jl_fork *fork, const int32_t *ids, int first, int n, float *states) {
    jl_decoder *d = fork->decoder;
    ptrdiff_t stride = up_to_block(d->width_qkv);
    d->fresh = 0;
    if (look_up(d, ids, n)) return -1;
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, d->layers + i, n);
        for (int r = 0; r < n; r++) turn(d, d->qkv + r * stride, fork->prompt + fork->done);
        attend_to_both(fork, i, first, n);
        finish(d, d->layers + i, n);
    }
    d->kernels->norm(d->x, n, d->shape.hidden, d->last_norm, d->shape.eps, states);
    return 0;
}

int jl_fork_step(jl_fork *fork, const int32_t *ids, float *states) {
    if (fork->done >= fork->most) return -1;
    for (int r = 0; r < fork->rows; r++)
        if (ids[r] < 0 || ids[r] >= fork->decoder->shape.vocab) return -1;
    for (int r = 0; r < fork->rows; r += JL_CHUNK) {
        int n = fork->rows - r < JL_CHUNK ? fork->rows - r : JL_CHUNK;
        step_some(fork, ids + r, r, n, states + (ptrdiff_t)r * fork->decoder->shape.hidden);
    }
    fork->done++;
    return 0;
}

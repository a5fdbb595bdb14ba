#include "decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* -- life ---------------------------------------------------------------------------------------------------------- */

static float *copied(const float *from, size_t count) {
    float *to = zeros(count * sizeof(float));
    return to ? memcpy(to, from, count * sizeof(float)) : NULL;
}

static int make_layer(jl_decoder *d, Layer *layer, const float *const *w) {
    const jl_shape *s = &d->shape;
    layer->input_norm = copied(w[0], s->hidden);
    layer->second_norm = copied(w[5], s->hidden);
    int failed = make_matrix(d, &layer->qkv, s->hidden, d->width_qkv) || make_matrix(d, &layer->out, d->queries, s->hidden) ||
                 make_matrix(d, &layer->gate_up, s->hidden, 2 * d->ffn) || make_matrix(d, &layer->down, d->ffn, s->hidden);
    if (failed || !layer->input_norm || !layer->second_norm) return -1;
    pack(&layer->qkv, w[1], 0, d->queries, s->hidden);
    pack(&layer->qkv, w[2], d->queries, d->kv, s->hidden);
    pack(&layer->qkv, w[3], d->queries + d->kv, d->kv, s->hidden);
    pack(&layer->out, w[4], 0, s->hidden, d->queries);
    pack(&layer->gate_up, w[6], 0, s->ffn, s->hidden);
    pack(&layer->gate_up, w[7], d->ffn, s->ffn, s->hidden);
    pack(&layer->down, w[8], 0, s->hidden, s->ffn);
    return 0;
}

static size_t size_of_weights(const jl_decoder *d) {
    int hidden = d->shape.hidden, p = d->precision;
    size_t layer = matrix_bytes(hidden, d->width_qkv, p) + matrix_bytes(d->queries, hidden, p) +
                   matrix_bytes(hidden, 2 * d->ffn, p) + matrix_bytes(d->ffn, hidden, p);
    return d->shape.layers * layer + matrix_bytes(hidden, d->shape.vocab, p);
}

static void make_turns(jl_decoder *d) {
    int half = d->shape.head_dim / 2;
    for (int p = 0; p < d->limit; p++)
        for (int i = 0; i < half; i++) {
            double angle = p * pow(d->shape.theta, -2.0 * i / d->shape.head_dim);
            d->cosine[(size_t)p * half + i] = (float)cos(angle);
            d->sine[(size_t)p * half + i] = (float)sin(angle);
        }
}

static int make_scratch(jl_decoder *d) {
    const jl_shape *s = &d->shape;
    Scratch *c = &d->scratch;
    size_t rows = JL_CHUNK, f = sizeof(float) * rows, longest = (size_t)d->limit + 2 * BLOCK;
    int widest = s->hidden > d->queries ? s->hidden : d->queries;
    widest = widest > d->ffn ? widest : d->ffn;
    size_t bytes = rows * widest > 2 * (size_t)d->kv ? rows * widest : 2 * (size_t)d->kv;
    c->x = zeros(f * s->hidden);
    c->normed = zeros(f * s->hidden);
    c->qkv = zeros(f * d->width_qkv);
    c->mixed = zeros(f * d->queries);
    c->inner = zeros(f * 3 * d->ffn);
    c->scores = zeros(f * longest);
    c->row_scale = zeros(f * (2 * s->kv_heads > JL_CHUNK ? 2 * s->kv_heads : 1)); /* rows, or heads of one row */
    c->query_scale = zeros(f * s->heads);
    c->quantised = zeros(bytes);
    c->query_bytes = zeros(rows * d->queries);
    c->score_bytes = zeros(rows * longest);
    return c->x && c->normed && c->qkv && c->mixed && c->inner && c->scores && c->row_scale && c->query_scale &&
                   c->quantised && c->query_bytes && c->score_bytes
               ? 0
               : -1;
}

static int make_tables(jl_decoder *d, const float *const *weights) {
    const jl_shape *s = &d->shape;
    size_t turns = (size_t)d->limit * s->head_dim / 2 * sizeof(float);
    d->layers = calloc((size_t)s->layers, sizeof *d->layers);
    d->embedding = copied(weights[0], (size_t)s->vocab * s->hidden);
    d->last_norm = copied(weights[1], s->hidden);
    d->cosine = zeros(turns);
    d->sine = zeros(turns);
    d->ones = zeros(s->head_dim * sizeof(float));
    d->zeros = zeros(s->head_dim * sizeof(int32_t));
    d->cache = zeros(s->layers * cache_bytes(d, d->limit));
    d->logit_rows = 16;
    d->logits = zeros((size_t)d->logit_rows * up_to_block(s->vocab) * sizeof(float));
    if (!d->layers || !d->embedding || !d->last_norm || !d->cosine || !d->sine || !d->ones || !d->zeros || !d->cache ||
        !d->logits)
        return -1;
    for (int i = 0; i < s->head_dim; i++) d->ones[i] = 1;
    make_turns(d);
    return 0;
}

static int make_matrices(jl_decoder *d, const float *const *weights) {
    if (make_weights_room(d, size_of_weights(d))) return -1;
    for (int i = 0; i < d->shape.layers; i++)
        if (make_layer(d, d->layers + i, weights + 2 + 9 * i)) return -1;
    if (make_matrix(d, &d->output, d->shape.hidden, d->shape.vocab)) return -1;
    pack(&d->output, weights[0], 0, d->shape.vocab, d->shape.hidden);
    return 0;
}

static int sensible(const jl_shape *s) {
    return s->vocab > 0 && s->hidden > 0 && s->layers > 0 && s->heads > 0 && s->kv_heads > 0 && s->ffn > 0 && s->head_dim > 0 &&
           s->limit > 0 && s->hidden % BLOCK == 0 && s->head_dim % BLOCK == 0 && s->heads % s->kv_heads == 0;
}

jl_decoder *jl_new(const jl_shape *shape, const float *const *weights, int precision, int level) {
    const Kernels *kernels = kernels_of(level);
    if (!sensible(shape) || !kernels) return NULL;
    jl_decoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    atomic_init(&d->users, 1);
    d->shape = *shape, d->kernels = kernels, d->precision = precision;
    d->queries = shape->heads * shape->head_dim, d->kv = shape->kv_heads * shape->head_dim;
    d->width_qkv = d->queries + 2 * d->kv;
    d->ffn = up_to_block(shape->ffn), d->limit = up_to_block(shape->limit);
    if (make_tables(d, weights) || make_scratch(d) || make_matrices(d, weights)) {
        jl_free(d);
        return NULL;
    }
    return d;
}

void jl_free(jl_decoder *d) {
    if (!d || atomic_fetch_sub(&d->users, 1) > 1) return;
    for (int i = 0; d->layers && i < d->shape.layers; i++) {
        release(d->layers[i].input_norm);
        release(d->layers[i].second_norm);
    }
    Scratch *c = &d->scratch;
    void *all[] = {d->embedding, d->last_norm, d->cosine, d->sine, d->ones, d->zeros, d->cache, d->logits, d->weights, atomic_load(&d->spare),
                   c->x, c->normed, c->qkv, c->mixed, c->inner, c->scores, c->row_scale, c->query_scale,
                   c->quantised, c->query_bytes, c->score_bytes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) release(all[i]);
    free(d->layers);
    free(d);
}

/* -- the network --------------------------------------------------------------------------------------------------- */

static int known(const jl_decoder *d, const int32_t *ids, int n) {
    for (int t = 0; t < n; t++)
        if (ids[t] < 0 || ids[t] >= d->shape.vocab) return 0;
    return 1;
}

static void look_up(jl_decoder *d, const int32_t *ids, int n) {
    size_t hidden = (size_t)d->shape.hidden;
    for (int t = 0; t < n; t++) memcpy(d->scratch.x + t * hidden, d->embedding + ids[t] * hidden, hidden * sizeof(float));
}

static void turn(jl_decoder *d, int r, int position) {
    const jl_shape *s = &d->shape;
    size_t at = (size_t)position * s->head_dim / 2;
    float *qkv = d->scratch.qkv + (ptrdiff_t)r * d->width_qkv;
    d->kernels->rotate(qkv, s->heads, s->head_dim, d->cosine + at, d->sine + at, 1.0f / sqrtf((float)s->head_dim));
    d->kernels->rotate(qkv + d->queries, s->kv_heads, s->head_dim, d->cosine + at, d->sine + at, 1.0f);
}

/* Queries, keys and values of `n` rows. */
static void project(jl_decoder *d, const Layer *layer, int n) {
    Scratch *s = &d->scratch;
    int hidden = d->shape.hidden;
    d->kernels->norm(s->x, n, hidden, layer->input_norm, d->shape.eps, s->normed);
    multiply(d, (Rows){s->normed, hidden}, n, &layer->qkv, s->qkv, d->width_qkv, 0);
}

/* Adds what attention found, then the feed-forward. */
static void finish(jl_decoder *d, const Layer *layer, int n) {
    Scratch *s = &d->scratch;
    int hidden = d->shape.hidden, f = d->ffn;
    float *gated = s->inner + (ptrdiff_t)JL_CHUNK * 2 * f;
    multiply(d, (Rows){s->mixed, d->queries}, n, &layer->out, s->x, hidden, 1);
    d->kernels->norm(s->x, n, hidden, layer->second_norm, d->shape.eps, s->normed);
    multiply(d, (Rows){s->normed, hidden}, n, &layer->gate_up, s->inner, 2 * f, 0);
    for (int t = 0; t < n; t++) {
        const float *row = s->inner + (ptrdiff_t)t * 2 * f;
        d->kernels->gated(row, row + f, f, gated + (ptrdiff_t)t * f);
    }
    multiply(d, (Rows){gated, f}, n, &layer->down, s->x, hidden, 1);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

int jl_read(jl_decoder *d, const int32_t *ids, int start, int count, float *state) {
    if (count < 1 || count > JL_CHUNK || start < 0 || start + count > d->shape.limit || !known(d, ids, count)) return -1;
    look_up(d, ids, count);
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, d->layers + i, count);
        for (int t = 0; t < count; t++) turn(d, t, start + t);
        attend_to_prompt(d, i, start, count);
        finish(d, d->layers + i, count);
    }
    int hidden = d->shape.hidden;
    d->read = count;
    d->kernels->norm(d->scratch.x + (ptrdiff_t)(count - 1) * hidden, 1, hidden, d->last_norm, d->shape.eps, state);
    return 0;
}

int jl_states(jl_decoder *d, int count, float *states) {
    if (count < 0 || count > d->read) return -1;
    d->kernels->norm(d->scratch.x, count, d->shape.hidden, d->last_norm, d->shape.eps, states);
    return 0;
}

/* Some rows at a time: as many as the scratch has room for. */
void jl_logits(jl_decoder *d, const float *states, int n, float *logits) {
    int padded = d->output.blocks * BLOCK, vocab = d->shape.vocab, hidden = d->shape.hidden;
    for (int r = 0; r < n; r += d->logit_rows) {
        int rows = n - r < d->logit_rows ? n - r : d->logit_rows;
        multiply(d, (Rows){states + (ptrdiff_t)r * hidden, hidden}, rows, &d->output, d->logits, padded, 0);
        for (int t = 0; t < rows; t++)
            memcpy(logits + (ptrdiff_t)(r + t) * vocab, d->logits + (ptrdiff_t)t * padded, (size_t)vocab * sizeof(float));
    }
}

/* -- going on ------------------------------------------------------------------------------------------------------ */

/* What the last fork left where it is large enough, so that forks do not wait for fresh pages. */
static int take_memory(jl_fork *fork, size_t size) {
    Memory *found = atomic_exchange(&fork->decoder->spare, NULL);
    if (!found || found->size < size) {
        release(found);
        found = zeros(sizeof(Memory) + size);
        if (!found) return -1;
        found->size = size;
    }
    fork->memory = found, fork->cache = (char *)(found + 1);
    return 0;
}

jl_fork *jl_fork_new(jl_decoder *d, int prompt, int rows, int length) {
    if (prompt < 1 || rows < 1 || length < 0 || prompt + length > d->shape.limit) return NULL;
    jl_fork *fork = calloc(1, sizeof *fork);
    if (!fork) return NULL;
    atomic_fetch_add(&d->users, 1);
    fork->decoder = d, fork->prompt = prompt, fork->rows = rows, fork->most = length;
    fork->length = up_to_block(length > 0 ? length : 1);
    fork->slot = calloc((size_t)rows, sizeof(int32_t));
    if (!fork->slot || take_memory(fork, (size_t)rows * d->shape.layers * cache_bytes(d, fork->length))) {
        jl_fork_free(fork);
        return NULL;
    }
    for (int r = 0; r < rows; r++) fork->slot[r] = r;
    return fork;
}

void jl_fork_free(jl_fork *fork) {
    if (!fork) return;
    if (fork->memory) release(atomic_exchange(&fork->decoder->spare, fork->memory));
    jl_free(fork->decoder);
    free(fork->slot);
    free(fork);
}

int jl_fork_keep(jl_fork *fork, const int32_t *rows, int count) {
    if (count < 0 || count > fork->rows) return -1;
    for (int r = 0; r < count; r++)
        if (rows[r] < r || rows[r] >= fork->rows || (r && rows[r] <= rows[r - 1])) return -1;
    for (int r = 0; r < count; r++) {
        int32_t slot = fork->slot[rows[r]];
        fork->slot[r] = slot;
    }
    fork->rows = count;
    return 0;
}

static void step_some(jl_fork *fork, const int32_t *ids, int first, int n, float *states) {
    jl_decoder *d = fork->decoder;
    look_up(d, ids, n);
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, d->layers + i, n);
        for (int r = 0; r < n; r++) turn(d, r, fork->prompt + fork->done);
        attend_to_both(fork, i, first, n);
        finish(d, d->layers + i, n);
    }
    d->kernels->norm(d->scratch.x, n, d->shape.hidden, d->last_norm, d->shape.eps, states);
}

int jl_fork_step(jl_fork *fork, const int32_t *ids, float *states) {
    jl_decoder *d = fork->decoder;
    if (fork->done >= fork->most || !known(d, ids, fork->rows)) return -1;
    d->read = 0;
    for (int r = 0; r < fork->rows; r += JL_CHUNK) {
        int n = fork->rows - r < JL_CHUNK ? fork->rows - r : JL_CHUNK;
        step_some(fork, ids + r, r, n, states + (ptrdiff_t)r * d->shape.hidden);
    }
    fork->done++;
    return 0;
}

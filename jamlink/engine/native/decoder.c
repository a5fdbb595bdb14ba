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

/* What each decoder has for itself. */
static int make_prompt(jl_decoder *d) {
    d->cache = zeros(d->shape.layers * cache_bytes(d, d->limit));
    d->scratch_memory = zeros(scratch_bytes(d, JL_CHUNK));
    if (!d->cache || !d->scratch_memory) return -1;
    lay_out_scratch(d, &d->scratch, d->scratch_memory, JL_CHUNK);
    return 0;
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
    if (!d->layers || !d->embedding || !d->last_norm || !d->cosine || !d->sine || !d->ones || !d->zeros) return -1;
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
    if (make_tables(d, weights) || make_prompt(d) || make_matrices(d, weights)) {
        jl_free(d);
        return NULL;
    }
    return d;
}

jl_decoder *jl_beside(jl_decoder *other) {
    jl_decoder *d = calloc(1, sizeof *d), *keeper = other->keeper ? other->keeper : other;
    if (!d) return NULL;
    atomic_init(&d->users, 1);
    d->shape = other->shape, d->kernels = other->kernels, d->precision = other->precision;
    d->queries = other->queries, d->kv = other->kv, d->width_qkv = other->width_qkv;
    d->ffn = other->ffn, d->limit = other->limit;
    d->embedding = other->embedding, d->last_norm = other->last_norm, d->output = other->output, d->layers = other->layers;
    d->cosine = other->cosine, d->sine = other->sine, d->ones = other->ones, d->zeros = other->zeros;
    d->keeper = keeper;
    atomic_fetch_add(&keeper->users, 1);
    if (make_prompt(d)) {
        jl_free(d);
        return NULL;
    }
    return d;
}

static void free_weights(jl_decoder *d) {
    for (int i = 0; d->layers && i < d->shape.layers; i++) {
        release(d->layers[i].input_norm);
        release(d->layers[i].second_norm);
    }
    void *all[] = {d->embedding, d->last_norm, d->cosine, d->sine, d->ones, d->zeros, d->weights};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) release(all[i]);
    free(d->layers);
}

void jl_free(jl_decoder *d) {
    if (!d || atomic_fetch_sub(&d->users, 1) > 1) return;
    if (d->keeper)
        jl_free(d->keeper);
    else
        free_weights(d);
    release(d->cache);
    release(d->scratch_memory);
    for (int i = 0; i < SPARES; i++) release(atomic_load(&d->spare[i]));
    free(d);
}

/* -- the network --------------------------------------------------------------------------------------------------- */

static int known(const jl_decoder *d, const int32_t *ids, int n) {
    for (int t = 0; t < n; t++)
        if (ids[t] < 0 || ids[t] >= d->shape.vocab) return 0;
    return 1;
}

static void look_up(const jl_decoder *d, Scratch *s, const int32_t *ids, int n) {
    size_t hidden = (size_t)d->shape.hidden;
    for (int t = 0; t < n; t++) memcpy(s->x + t * hidden, d->embedding + ids[t] * hidden, hidden * sizeof(float));
}

static void turn(const jl_decoder *d, float *qkv, int position) {
    const jl_shape *s = &d->shape;
    size_t at = (size_t)position * s->head_dim / 2;
    d->kernels->rotate(qkv, s->heads, s->head_dim, d->cosine + at, d->sine + at, 1.0f / sqrtf((float)s->head_dim));
    d->kernels->rotate(qkv + d->queries, s->kv_heads, s->head_dim, d->cosine + at, d->sine + at, 1.0f);
}

/* `n` rows of x, normed, as their matrix wants them. */
static Input normed(const jl_decoder *d, Scratch *s, int n, const float *gain) {
    int hidden = d->shape.hidden;
    if (d->precision == JL_BYTES)
        d->kernels->norm_bytes(s->x, n, hidden, gain, d->shape.eps, s->quantised, s->row_scale);
    else
        d->kernels->norm(s->x, n, hidden, gain, d->shape.eps, s->normed);
    return (Input){{s->normed, hidden}, {s->quantised, hidden, s->row_scale}};
}

/* What passes the gates, in the place of the gates. */
static Input gated(const jl_decoder *d, Scratch *s, int n) {
    int f = d->ffn;
    for (int t = 0; t < n; t++) {
        float *gate = s->inner + (ptrdiff_t)t * 2 * f;
        if (d->precision == JL_BYTES)
            d->kernels->gated_bytes(gate, gate + f, f, s->quantised + (ptrdiff_t)t * f, s->row_scale + t);
        else
            d->kernels->gated(gate, gate + f, f, gate);
    }
    return (Input){{s->inner, 2 * f}, {s->quantised, f, s->row_scale}};
}

/* Queries, keys and values of `n` rows. */
static void project(const jl_decoder *d, Scratch *s, const Layer *layer, int n) {
    multiply(d, normed(d, s, n, layer->input_norm), n, &layer->qkv, s->qkv, d->width_qkv, 0);
}

/* Adds what attention found, then the feed-forward. */
static void finish(const jl_decoder *d, Scratch *s, const Layer *layer, int n) {
    int hidden = d->shape.hidden;
    multiply(d, input_of(d, s, (Rows){s->mixed, d->queries}, n, d->queries), n, &layer->out, s->x, hidden, 1);
    multiply(d, normed(d, s, n, layer->second_norm), n, &layer->gate_up, s->inner, 2 * d->ffn, 0);
    multiply(d, gated(d, s, n), n, &layer->down, s->x, hidden, 1);
}

/* States (n, hidden) -> logits (n, whole blocks of vocab) in the scratch, which has room for so many rows. */
static void spell(const jl_decoder *d, Scratch *s, const float *states, int n) {
    int hidden = d->shape.hidden;
    multiply(d, input_of(d, s, (Rows){states, hidden}, n, hidden), n, &d->output, s->logits, d->output.blocks * BLOCK, 0);
}

static void copy_logits(const jl_decoder *d, const Scratch *s, int n, float *logits) {
    size_t padded = (size_t)d->output.blocks * BLOCK, vocab = (size_t)d->shape.vocab;
    for (int t = 0; t < n; t++) memcpy(logits + t * vocab, s->logits + t * padded, vocab * sizeof(float));
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

int jl_read(jl_decoder *d, const int32_t *ids, int start, int count, float *state) {
    if (count < 1 || count > JL_CHUNK || start < 0 || start + count > d->shape.limit || !known(d, ids, count)) return -1;
    Scratch *s = &d->scratch;
    look_up(d, s, ids, count);
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, s, d->layers + i, count);
        for (int t = 0; t < count; t++) turn(d, s->qkv + (ptrdiff_t)t * d->width_qkv, start + t);
        attend_to_prompt(d, i, start, count);
        finish(d, s, d->layers + i, count);
    }
    int hidden = d->shape.hidden;
    d->read = count;
    d->kernels->norm(s->x + (ptrdiff_t)(count - 1) * hidden, 1, hidden, d->last_norm, d->shape.eps, state);
    return 0;
}

int jl_states(jl_decoder *d, int count, float *states) {
    if (count < 0 || count > d->read) return -1;
    d->kernels->norm(d->scratch.x, count, d->shape.hidden, d->last_norm, d->shape.eps, states);
    return 0;
}

/* Some rows at a time: as many as the scratch has room for. */
static void spell_all(const jl_decoder *d, Scratch *s, const float *states, int n, float *logits) {
    size_t hidden = (size_t)d->shape.hidden, vocab = (size_t)d->shape.vocab;
    for (int r = 0; r < n; r += s->rows) {
        int rows = n - r < s->rows ? n - r : s->rows;
        spell(d, s, states + r * hidden, rows);
        copy_logits(d, s, rows, logits + r * vocab);
    }
}

void jl_logits(jl_decoder *d, const float *states, int n, float *logits) { spell_all(d, &d->scratch, states, n, logits); }

/* -- going on ------------------------------------------------------------------------------------------------------ */

/* What an earlier fork left where it is large enough, so that forks do not wait for fresh pages. */
static Memory *found_memory(jl_decoder *d, size_t size) {
    for (int i = 0; i < SPARES; i++) {
        Memory *found = atomic_exchange(&d->spare[i], NULL);
        if (found && found->size >= size) return found;
        release(found);
    }
    Memory *made = room(sizeof(Memory) + size);
    if (made) made->size = size;
    return made;
}

static void give_back(jl_decoder *d, Memory *memory) {
    for (int i = 0; memory && i < SPARES; i++) {
        Memory *none = NULL;
        if (atomic_compare_exchange_strong(&d->spare[i], &none, memory)) return;
    }
    release(memory);
}

static int take_memory(jl_fork *fork) {
    const jl_decoder *d = fork->decoder;
    int together = fork->rows < TOGETHER ? fork->rows : TOGETHER;
    size_t caches = (size_t)fork->rows * d->shape.layers * cache_bytes(d, fork->length);
    size_t states = (size_t)fork->rows * d->shape.hidden * sizeof(float);
    fork->memory = found_memory(fork->decoder, caches + states + scratch_bytes(d, together));
    if (!fork->memory) return -1;
    fork->cache = (char *)(fork->memory + 1);
    fork->states = (float *)(fork->cache + caches);
    lay_out_scratch(d, &fork->scratch, fork->cache + caches + states, together);
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
    if (!fork->slot || take_memory(fork)) {
        jl_fork_free(fork);
        return NULL;
    }
    for (int r = 0; r < rows; r++) fork->slot[r] = r;
    return fork;
}

void jl_fork_free(jl_fork *fork) {
    if (!fork) return;
    give_back(fork->decoder, fork->memory);
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

static void step_some(jl_fork *fork, const int32_t *ids, int first, int n) {
    const jl_decoder *d = fork->decoder;
    Scratch *s = &fork->scratch;
    look_up(d, s, ids, n);
    for (int i = 0; i < d->shape.layers; i++) {
        project(d, s, d->layers + i, n);
        for (int r = 0; r < n; r++) turn(d, s->qkv + (ptrdiff_t)r * d->width_qkv, fork->prompt + fork->done);
        attend_to_both(fork, i, first, n);
        finish(d, s, d->layers + i, n);
    }
    float *states = fork->states + (ptrdiff_t)first * d->shape.hidden;
    d->kernels->norm(s->x, n, d->shape.hidden, d->last_norm, d->shape.eps, states);
}

/* How many of `left` rows are computed together: about as many each time. */
static int next_rows(const jl_fork *fork, int left) {
    int most = fork->scratch.rows, times = (left + most - 1) / most;
    return (left + times - 1) / times;
}

int jl_fork_step(jl_fork *fork, const int32_t *ids, float *states) {
    const jl_decoder *d = fork->decoder;
    if (fork->done >= fork->most || !known(d, ids, fork->rows)) return -1;
    for (int r = 0, n; r < fork->rows; r += n) {
        n = next_rows(fork, fork->rows - r);
        step_some(fork, ids + r, r, n);
    }
    fork->done++;
    if (states) memcpy(states, fork->states, (size_t)fork->rows * d->shape.hidden * sizeof(float));
    return 0;
}

void jl_fork_logits(jl_fork *fork, const float *states, int n, float *logits) {
    spell_all(fork->decoder, &fork->scratch, states, n, logits);
}

static int has_rows(const jl_fork *fork, const int32_t *rows, int count) {
    for (int i = 0; i < count; i++)
        if (rows[i] < 0 || rows[i] >= fork->rows) return 0;
    return 1;
}

/* Logits of rows[0..n) of the last step, in the scratch. */
static void spell_rows(jl_fork *fork, const int32_t *rows, int n) {
    size_t hidden = (size_t)fork->decoder->shape.hidden;
    float *together = fork->scratch.normed;
    for (int i = 0; i < n; i++) memcpy(together + i * hidden, fork->states + rows[i] * hidden, hidden * sizeof(float));
    spell(fork->decoder, &fork->scratch, together, n);
}

int jl_fork_advance(jl_fork *fork, const int32_t *ids, const int32_t *rows, const jl_choice *choice, int32_t *chosen, float *logs) {
    if (!has_rows(fork, rows, choice->count) || jl_fork_step(fork, ids, NULL)) return -1;
    int failed = 0;
    for (int r = 0, n; !failed && r < choice->count; r += n) {
        n = next_rows(fork, choice->count - r);
        spell_rows(fork, rows + r, n);
        Scratch *s = &fork->scratch;
        failed = choose(fork->decoder, s, s->logits, fork->decoder->output.blocks * BLOCK, choice, r, n, chosen, logs);
    }
    return failed;
}

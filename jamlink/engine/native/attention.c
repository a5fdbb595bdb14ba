/* Attention: each row's queries with the keys that it may see, then the values, weighed by e to the scores.
 *
 * In bytes, a query's numbers share a scale, a key's numbers share one, a value's too; a value's scale is multiplied
 * into the weights before these become bytes, so that sums over positions are sums of whole numbers.
 */
#include <math.h>
#include <string.h>

#include "parts.h"

/* Bytes of each part of one layer's cache. */
typedef struct {
    size_t numbers, scales;
} Sizes;

static Sizes sizes_of(const jl_decoder *d, int length) {
    size_t count = (size_t)d->shape.kv_heads * length;
    size_t number = d->precision == JL_FLOATS ? sizeof(float) : 1;
    return (Sizes){count * d->shape.head_dim * number, d->precision == JL_FLOATS ? 0 : count * sizeof(float)};
}

/* Of one layer. `length` is a whole number of blocks, so every part begins on a cache line. */
size_t cache_bytes(const jl_decoder *d, int length) {
    Sizes s = sizes_of(d, length);
    return 2 * s.numbers + 3 * s.scales;
}

static Cache cache_at(const jl_decoder *d, char *at, int length) {
    Sizes s = sizes_of(d, length);
    char *scales = at + 2 * s.numbers;
    return (Cache){
        .length = length,
        .keys = (float *)at, .values = (float *)(at + s.numbers),
        .key_bytes = (int8_t *)at, .value_bytes = (int8_t *)(at + s.numbers),
        .key_scale = (float *)scales, .value_scale = (float *)(scales + s.scales),
        .key_sum = (int32_t *)(scales + 2 * s.scales),
    };
}

static Cache prompt_cache(const jl_decoder *d, int layer) {
    return cache_at(d, d->cache + layer * cache_bytes(d, d->limit), d->limit);
}

static Cache row_cache(const jl_fork *fork, int row, int layer) {
    const jl_decoder *d = fork->decoder;
    size_t index = (size_t)fork->slot[row] * d->shape.layers + layer;
    return cache_at(d, fork->cache + index * cache_bytes(d, fork->length), fork->length);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

/* What memory of another fork, or of nobody, may stand in the block that begins at `position`: no weight makes up for what
   is no number. */
static void forget_floats(Cache c, int dim, int position) {
    memset(c.keys + (size_t)position * dim, 0, (size_t)dim * BLOCK * sizeof(float));
    for (int i = 0; i < dim; i += BLOCK)
        memset(c.values + (size_t)i * c.length + (size_t)position * BLOCK, 0, BLOCK * BLOCK * sizeof(float));
}

static void write_floats(Cache c, int dim, int position, const float *key, const float *value) {
    if (position % BLOCK == 0) forget_floats(c, dim, position);
    float *keys = c.keys + (size_t)(position / BLOCK) * dim * BLOCK + position % BLOCK;
    for (int i = 0; i < dim; i++) keys[i * BLOCK] = key[i];
    for (int i = 0; i < dim; i += BLOCK)
        memcpy(c.values + (size_t)i * c.length + (size_t)position * BLOCK, value + i, BLOCK * sizeof(float));
}

/* `shifted` bytes hold numbers round the shift, 128 or 0: less that, the top bit turned or not. */
static void write_key_bytes(Cache c, int dim, int position, const uint8_t *shifted, int shift) {
    int8_t *keys = c.key_bytes + (size_t)(position / BLOCK) * dim * BLOCK + position % BLOCK * GROUP;
    int sum = 0;
    for (int i = 0; i < dim; i++) sum += shifted[i];
    for (int i = 0; i < dim; i += GROUP) {
        uint32_t four;
        memcpy(&four, shifted + i, GROUP);
        four ^= 0x01010101u * (uint32_t)shift;
        memcpy(keys + i * BLOCK, &four, GROUP);
    }
    c.key_sum[position] = shift * (sum - shift * dim);
}

static void write_value_bytes(Cache c, int dim, int position, const uint8_t *shifted, int shift) {
    uint8_t *values = (uint8_t *)c.value_bytes + (size_t)(position / GROUP) * BLOCK * GROUP + position % GROUP;
    for (int i = 0; i < dim; i += BLOCK, values += (size_t)c.length * BLOCK)
        for (int j = 0; j < BLOCK; j++) values[j * GROUP] = (uint8_t)(shifted[i + j] ^ shift);
}

/* One head of a cache alone. */
static Cache head_of(const jl_decoder *d, Cache c, int head) {
    size_t numbers = (size_t)head * c.length * d->shape.head_dim, scales = (size_t)head * c.length;
    return (Cache){
        .length = c.length,
        .keys = c.keys + numbers, .values = c.values + numbers,
        .key_bytes = c.key_bytes + numbers, .value_bytes = c.value_bytes + numbers,
        .key_scale = c.key_scale + scales, .value_scale = c.value_scale + scales,
        .key_sum = c.key_sum + scales,
    };
}

/* What memory of another fork may stand in the block that begins at `position`. */
static void forget(Cache head, int position) {
    memset(head.key_scale + position, 0, BLOCK * sizeof(float));
    memset(head.value_scale + position, 0, BLOCK * sizeof(float));
    memset(head.key_sum + position, 0, BLOCK * sizeof(int32_t));
}

static void remember_bytes(const jl_decoder *d, Scratch *s, Cache c, int position, const float *keys) {
    int dim = d->shape.head_dim, heads = d->shape.kv_heads, shift = d->kernels->shift;
    d->kernels->quantise((Rows){keys, dim}, 2 * heads, dim, s->quantised, dim, s->row_scale);
    for (int h = 0; h < heads; h++) {
        Cache head = head_of(d, c, h);
        if (position % BLOCK == 0) forget(head, position);
        head.key_scale[position] = s->row_scale[h];
        head.value_scale[position] = s->row_scale[heads + h];
        write_key_bytes(head, dim, position, s->quantised + (ptrdiff_t)h * dim, shift);
        write_value_bytes(head, dim, position, s->quantised + (ptrdiff_t)(heads + h) * dim, shift);
    }
}

/* The keys of row `r` of the scratch, and the values behind them, into the cache. */
static void remember(const jl_decoder *d, Scratch *s, Cache c, int position, int r) {
    int dim = d->shape.head_dim;
    const float *keys = s->qkv + (ptrdiff_t)r * d->width_qkv + d->queries;
    if (d->precision == JL_BYTES) {
        remember_bytes(d, s, c, position, keys);
        return;
    }
    for (int h = 0; h < d->shape.kv_heads; h++)
        write_floats(head_of(d, c, h), dim, position, keys + (ptrdiff_t)h * dim, keys + d->kv + (ptrdiff_t)h * dim);
}

/* -- asking for what comes next ------------------------------------------------------------------------------------- */

/* Rows' caches together are larger than the second cache, and each is in short pieces, which processors do not foresee:
   what the next row will read is asked for while this one computes. Bytes alone: floats wait for their products. */
#define LINE 64

static void ask_for(const int8_t *from, size_t bytes) {
    for (size_t at = 0; at < bytes; at += LINE) __builtin_prefetch(from + at, 0, 3);
}

/* `past` positions of one head. */
static void ask_for_past(const jl_decoder *d, Cache head, int past) {
    if (d->precision == JL_FLOATS) return;
    int dim = d->shape.head_dim, whole = up_to_block(past);
    ask_for(head.key_bytes, (size_t)whole * dim);
    for (int i = 0; i < dim; i += BLOCK) ask_for(head.value_bytes + (size_t)i * head.length, (size_t)whole * BLOCK);
}

/* Where the next position of all heads will be written. */
static void ask_for_place(const jl_decoder *d, Cache c, int position) {
    if (d->precision == JL_FLOATS) return;
    int dim = d->shape.head_dim;
    for (int h = 0; h < d->shape.kv_heads; h++) {
        Cache head = head_of(d, c, h);
        ask_for(head.key_bytes + (size_t)(position / BLOCK) * dim * BLOCK, (size_t)dim * BLOCK);
        for (int i = 0; i < dim; i += BLOCK)
            __builtin_prefetch(head.value_bytes + (size_t)i * head.length + (size_t)(position / GROUP) * LINE, 1, 3);
    }
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* Queries of `n` rows as bytes, where bytes are multiplied. */
static void prepare_queries(const jl_decoder *d, Scratch *s, int n) {
    int dim = d->shape.head_dim;
    if (d->precision == JL_FLOATS) return;
    for (int h = 0; h < d->shape.heads; h++)
        d->kernels->quantise((Rows){s->qkv + h * dim, d->width_qkv}, n, dim, s->query_bytes + h * dim, d->queries,
                             s->query_scale + h * s->rows);
}

/* Scores of queries of head `h`, rows `r` and on, with the first `count` positions, up to a whole block. */
static void compare(const jl_decoder *d, Scratch *s, int h, int r, int n, Cache head, int count, float *scores, ptrdiff_t stride) {
    int dim = d->shape.head_dim, blocks = up_to_block(count) / BLOCK;
    if (d->precision == JL_FLOATS) {
        Rows queries = {s->qkv + (ptrdiff_t)r * d->width_qkv + h * dim, d->width_qkv};
        d->kernels->linear_f32(queries, n, dim, (Floats){head.keys, BLOCK, (ptrdiff_t)dim * BLOCK}, blocks, scores, stride, 0);
        return;
    }
    ByteRows queries = {s->query_bytes + (ptrdiff_t)r * d->queries + h * dim, d->queries, s->query_scale + h * s->rows + r};
    Bytes keys = {head.key_bytes, (ptrdiff_t)dim * BLOCK, head.key_scale, head.key_sum, 0};
    d->kernels->linear_i8(queries, n, dim, keys, blocks, scores, stride, 0);
}

/* One row's scores with `shared` positions of `head` and `own` of its own become what its values are multiplied by; of
   floats, the total that they are still to be divided by. */
static float weigh(const jl_decoder *d, Scratch *s, int r, float *scores, Cache head, int shared, Cache own, int past, ptrdiff_t stride) {
    if (d->precision == JL_FLOATS) return d->kernels->exponentials(scores, shared + past);
    d->kernels->shares(scores, shared, head.value_scale, past, own.value_scale, s->score_bytes + r * stride, s->row_scale + r);
    return 1;
}

/* y (n, head_dim), or +=, of `count` positions' values from column `from` of the weights of rows `r` and on; those up to
   the next whole block are zero. */
static void gather(const jl_decoder *d, Scratch *s, int r, int n, int from, ptrdiff_t stride, Cache head, int count, float *y, int add) {
    int blocks = d->shape.head_dim / BLOCK, whole = up_to_block(count);
    if (d->precision == JL_FLOATS) {
        Floats values = {head.values, BLOCK, (ptrdiff_t)head.length * BLOCK};
        d->kernels->linear_f32((Rows){s->scores + r * stride + from, stride}, n, count, values, blocks, y, d->queries, add);
        return;
    }
    ByteRows weights = {s->score_bytes + r * stride + from, stride, s->row_scale + r};
    Bytes values = {head.value_bytes, (ptrdiff_t)head.length * BLOCK, d->ones, d->zeros, 0};
    d->kernels->linear_i8(weights, n, whole, values, blocks, y, d->queries, add);
}

static void hide(float *scores, int first, int end) {
    for (int i = first; i < end; i++) scores[i] = -INFINITY;
}

/* Floats: what was gathered, divided by the totals. Bytes have their total in their scale. */
static void share_out(const jl_decoder *d, float *y, int n, const float *totals) {
    if (d->precision == JL_BYTES) return;
    for (int r = 0; r < n; r++) d->kernels->times(y + (ptrdiff_t)r * d->queries, d->shape.head_dim, 1.0f / totals[r]);
}

/* `n` new positions from `start` on, each to itself and all before it. */
void attend_to_prompt(jl_decoder *d, int layer, int start, int n) {
    Cache cache = prompt_cache(d, layer);
    Scratch *s = &d->scratch;
    int end = up_to_block(start + n), copies = d->shape.heads / d->shape.kv_heads;
    float totals[JL_CHUNK];
    for (int t = 0; t < n; t++) remember(d, s, cache, start + t, t);
    prepare_queries(d, s, n);
    for (int h = 0; h < d->shape.heads; h++) {
        Cache head = head_of(d, cache, h / copies);
        float *y = s->mixed + h * d->shape.head_dim;
        compare(d, s, h, 0, n, head, start + n, s->scores, end);
        for (int t = 0; t < n; t++) {
            float *own = s->scores + (ptrdiff_t)t * end;
            hide(own, start + t + 1, end);
            totals[t] = weigh(d, s, t, own, head, end, head, 0, end);
        }
        gather(d, s, 0, n, 0, end, head, start + n, y, 0);
        share_out(d, y, n, totals);
    }
}

/* One new position for each of `n` rows from `first` on: to the shared prompt and to the row's own past. */
void attend_to_both(jl_fork *fork, int layer, int first, int n) {
    const jl_decoder *d = fork->decoder;
    Scratch *s = &fork->scratch;
    Cache prompt = prompt_cache(d, layer);
    int shared = up_to_block(fork->prompt), past = fork->done + 1, length = shared + up_to_block(past);
    int copies = d->shape.heads / d->shape.kv_heads;
    float totals[TOGETHER];
    ask_for_place(d, row_cache(fork, first, layer), fork->done);
    for (int r = 0; r < n; r++) {
        if (r + 1 < n) ask_for_place(d, row_cache(fork, first + r + 1, layer), fork->done);
        remember(d, s, row_cache(fork, first + r, layer), fork->done, r);
    }
    prepare_queries(d, s, n);
    for (int h = 0; h < d->shape.heads; h++) {
        Cache head = head_of(d, prompt, h / copies);
        float *y = s->mixed + h * d->shape.head_dim;
        compare(d, s, h, 0, n, head, fork->prompt, s->scores, length);
        for (int r = 0; r < n; r++) {
            float *scores = s->scores + (ptrdiff_t)r * length;
            Cache own = head_of(d, row_cache(fork, first + r, layer), h / copies);
            if (r + 1 < n) ask_for_past(d, head_of(d, row_cache(fork, first + r + 1, layer), h / copies), past);
            compare(d, s, h, r, 1, own, past, scores + shared, length);
            hide(scores, fork->prompt, shared);
            hide(scores, shared + past, length);
            totals[r] = weigh(d, s, r, scores, head, shared, own, length - shared, length);
        }
        gather(d, s, 0, n, 0, length, head, fork->prompt, y, 0);
        for (int r = 0; r < n; r++) {
            Cache own = head_of(d, row_cache(fork, first + r, layer), h / copies);
            gather(d, s, r, 1, shared, length, own, past, y + (ptrdiff_t)r * d->queries, 1);
        }
        share_out(d, y, n, totals);
    }
}

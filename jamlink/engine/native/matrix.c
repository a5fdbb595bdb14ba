#include <math.h>

#include "parts.h"

/* Bytes: weights come from the third cache, and the next tile's are two blocks of 256 inputs further. */
#define AHEAD 8192

static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t matrix_bytes(int in, int out, int precision) {
    size_t outputs = (size_t)up_to_block(out);
    if (precision == JL_FLOATS) return whole_lines(outputs * in * sizeof(float));
    return whole_lines(outputs * in) + whole_lines(outputs * sizeof(float)) + whole_lines(outputs * sizeof(int32_t));
}

int make_matrix(jl_decoder *d, Matrix *m, int in, int out) {
    size_t outputs = (size_t)up_to_block(out);
    m->in = in, m->out = out, m->blocks = (int)outputs / BLOCK, m->shift = d->kernels->shift;
    if (d->precision == JL_FLOATS) {
        m->floats = weights_room(d, outputs * in * sizeof(float));
        return m->floats ? 0 : -1;
    }
    m->bytes = weights_room(d, outputs * in);
    m->scale = weights_room(d, outputs * sizeof(float));
    m->sum = weights_room(d, outputs * sizeof(int32_t));
    return m->bytes && m->scale && m->sum ? 0 : -1;
}

static void pack_floats(Matrix *m, const float *row, int out, int width) {
    float *to = m->floats + (size_t)(out / BLOCK) * m->in * BLOCK + out % BLOCK;
    for (int k = 0; k < width; k++) to[(size_t)k * BLOCK] = row[k];
}

static void pack_bytes(Matrix *m, const float *row, int out, int width) {
    float most = 0;
    int sum = 0;
    int8_t *to = m->bytes + (size_t)(out / BLOCK) * m->in * BLOCK + (size_t)(out % BLOCK) * GROUP;
    for (int k = 0; k < width; k++) most = fmaxf(most, fabsf(row[k]));
    for (int k = 0; k < width; k++) {
        int byte = most > 0 ? (int)lrintf(row[k] / most * 127.0f) : 0;
        to[(size_t)(k / GROUP) * BLOCK * GROUP + k % GROUP] = (int8_t)byte;
        sum += byte;
    }
    m->scale[out] = most / 127.0f;
    m->sum[out] = m->shift * sum;
}

/* `count` rows of `width` numbers become outputs `first` and on; inputs beyond `width` stay zero. */
void pack(Matrix *m, const float *rows, int first, int count, int width) {
    for (int o = 0; o < count; o++, rows += width)
        if (m->bytes)
            pack_bytes(m, rows, first + o, width);
        else
            pack_floats(m, rows, first + o, width);
}

/* Rows as their matrix wants them. */
Input input_of(const jl_decoder *d, Scratch *s, Rows x, int n, int width) {
    Input input = {x, {s->quantised, width, s->row_scale}};
    if (d->precision == JL_BYTES) d->kernels->quantise(x, n, width, s->quantised, width, s->row_scale);
    return input;
}

/* y (n, whole blocks) = x (n, m->in) m, or += . */
void multiply(const jl_decoder *d, Input x, int n, const Matrix *m, float *y, ptrdiff_t y_stride, int add) {
    if (m->floats) {
        Floats w = {m->floats, BLOCK, (ptrdiff_t)m->in * BLOCK};
        d->kernels->linear_f32(x.floats, n, m->in, w, m->blocks, y, y_stride, add);
        return;
    }
    Bytes w = {m->bytes, (ptrdiff_t)m->in * BLOCK, m->scale, m->sum, AHEAD};
    d->kernels->linear_i8(x.bytes, n, m->in, w, m->blocks, y, y_stride, add);
}

/* Draws: a mask, a pull away from another prompt, another model beside, then temperature, top-k and min-p.
 * The same as `jamlink.engine.sampling.sample`, but for rounding.
 */
#include <math.h>
#include <string.h>

#include "parts.h"

/* What may come, -infinity elsewhere, up to a whole block; whether that is anything. */
static int masked(const float *logits, const uint8_t *mask, int vocab, float *to) {
    float most = -INFINITY;
    for (int i = 0; i < vocab; i++) {
        to[i] = mask[i] ? logits[i] : -INFINITY;
        most = to[i] > most ? to[i] : most;
    }
    for (int i = vocab; i < up_to_block(vocab); i++) to[i] = -INFINITY;
    return most > -INFINITY && most < INFINITY;
}

static int likeliest(const float *x, int count) {
    int best = 0;
    for (int i = 1; i < count; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* Logits of (1 - share) softmax(x) + share beside, where x is finite; -infinity elsewhere, up to a whole block. */
static void mix(const Kernels *k, float *x, const float *beside, float share, int vocab) {
    int padded = up_to_block(vocab);
    float total = k->exponentials(x, padded);
    for (int i = 0; i < padded; i++)
        x[i] = x[i] > 0 ? logf((1 - share) * x[i] / total + share * beside[i]) : -INFINITY;
}

/* The `rank`th largest of `count` numbers (rank 1: the largest); they are put in disorder. */
static float ranked(float *x, int count, int rank) {
    int low = 0, high = count - 1, wanted = rank - 1;
    while (low < high) {
        float pivot = x[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (x[i] > pivot) i++;
            while (x[j] < pivot) j--;
            if (i <= j) {
                float other = x[i];
                x[i++] = x[j], x[j--] = other;
            }
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return x[wanted];
}

/* The place where the chances, added up, pass `draw` of all of them. Sums of blocks first. */
static int drawn(const float *chances, int count, double draw) {
    double total = 0, before = 0;
    for (int pass = 0; pass < 2; pass++) {
        double passed = pass ? fmin(draw * total, nextafter(total, 0)) : INFINITY, sum = 0;
        int last = 0;
        for (int block = 0; block < count; block += BLOCK) {
            double parts[4] = {0};
            for (int i = 0; i < BLOCK; i += 4)
                for (int j = 0; j < 4; j++) parts[j] += chances[block + i + j];
            double more = (parts[0] + parts[1]) + (parts[2] + parts[3]);
            if (pass && sum + more > passed) {
                before = sum;
                for (int i = block; i < block + BLOCK; i++) {
                    if (chances[i] > 0) last = i;
                    before += chances[i];
                    if (before > passed) return i;
                }
                return last;
            }
            sum += more;
        }
        total = sum;
    }
    return likeliest(chances, count);
}

/* `x` holds logits, -infinity for what may not come; `spare` is as long. */
static int draw_from(const Kernels *k, float *x, float *spare, int vocab, const jl_choice *c, int row) {
    int padded = up_to_block(vocab);
    if (c->temperature[row] <= 0) return likeliest(x, vocab);
    for (int i = 0; i < padded; i++) x[i] /= c->temperature[row];
    k->exponentials(x, padded); /* the likeliest has 1 */
    float least = c->min_p[row];
    if (c->top_k[row] > 0 && c->top_k[row] < vocab) {
        memcpy(spare, x, vocab * sizeof(float));
        least = fmaxf(least, ranked(spare, vocab, c->top_k[row]));
    }
    for (int i = 0; i < padded; i++) x[i] = x[i] < least ? 0 : x[i];
    return drawn(x, padded, c->draws[row]);
}

/* Rows `first` to `first` + `n` of the choice, whose logits are `stride` apart. */
int choose(const jl_decoder *d, Scratch *s, const float *logits, ptrdiff_t stride, const jl_choice *c, int first, int n,
           int32_t *ids, float *logs) {
    const Kernels *k = d->kernels;
    int vocab = d->shape.vocab, padded = up_to_block(vocab);
    float *own = s->chances, *moved = s->chances + padded;
    for (int r = first; r < first + n; r++, logits += stride) {
        const uint8_t *mask = c->masks + (size_t)r * vocab;
        if (!masked(logits, mask, vocab, own)) return -2;
        memcpy(moved, own, padded * sizeof(float));
        if (c->plain) {
            const float *plain = c->plain + (size_t)r * vocab;
            for (int i = 0; i < vocab; i++) moved[i] += c->pull * (own[i] - plain[i]);
        }
        if (c->beside) mix(k, moved, c->beside + (size_t)r * vocab, c->share[r], vocab);
        float highest = own[likeliest(own, vocab)];
        float total = k->exponentials(own, padded); /* before they are drawn from, which wants `own` */
        int id = draw_from(k, moved, own, vocab, c, r);
        ids[r] = id;
        logs[r] = logits[id] - highest - logf(total);
    }
    return 0;
}

int jl_choose(jl_decoder *d, const float *logits, const jl_choice *choice, int32_t *ids, float *logs) {
    return choose(d, &d->scratch, logits, d->shape.vocab, choice, 0, choice->count, ids, logs);
}

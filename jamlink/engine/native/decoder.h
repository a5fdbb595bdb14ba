/* A Llama-style decoder that reads one prompt and goes on from it in many rows. Knows ids only.
 *
 * One decoder is used by one thread at a time, a fork of it too; forks may go on side by side, each in its own thread, as
 * long as their decoder reads nothing. Nothing is allocated between jl_new / jl_fork_new and their ends.
 */
#ifndef JAMLINK_DECODER_H
#define JAMLINK_DECODER_H

#include <stdint.h>

/* Ids that are read together at most. */
#define JL_CHUNK 64

typedef struct {
    int32_t vocab, hidden, layers, heads, kv_heads, ffn, head_dim, limit;
    float eps, theta;
} jl_shape;

typedef struct jl_decoder jl_decoder;
typedef struct jl_fork jl_fork;

enum { JL_FLOATS = 0, JL_BYTES = 1 };
/* Of those that one processor has, the higher is the faster. */
enum { JL_GENERIC = 0, JL_AVX2 = 1, JL_AVXVNNI = 2, JL_AVX512 = 3, JL_NEON = 4, JL_DOTPROD = 5 };

/* The best level of this processor. */
int jl_best_level(void);
/* Whether this processor has a level. */
int jl_can(int level);
/* Whether bytes are faster than floats at a level. */
int jl_has_bytes(int level);

/* Weights are rows of (out, in) as in transformers' LlamaForCausalLM: the embedding, the last norm, then for each layer
   input norm, q, k, v, o, second norm, gate, up, down. They are copied. NULL: no memory, or not on this processor. */
jl_decoder *jl_new(const jl_shape *shape, const float *const *weights, int precision, int level);
/* Another one with the same weights, which are kept once, and a prompt of its own. NULL: no memory. */
jl_decoder *jl_beside(jl_decoder *decoder);
/* Forks that still live keep what they need; nothing else may be done with them. */
void jl_free(jl_decoder *decoder);

/* Reads ids[0..count) at position `start` (what stood there and behind is forgotten); count is 1 to JL_CHUNK.
   `state` (hidden) becomes what follows the last one. 0, or -1 for an id or a position that is out of range. */
int jl_read(jl_decoder *decoder, const int32_t *ids, int start, int count, float *state);
/* What follows each of the first `count` ids of the last reading, (count, hidden). -1 where there are not so many. */
int jl_states(jl_decoder *decoder, int count, float *states);
/* (n, hidden) -> (n, vocab). */
void jl_logits(jl_decoder *decoder, const float *states, int n, float *logits);

/* `rows` that go on from the first `prompt` positions, up to `length` ids each. Void once the prompt changes. */
jl_fork *jl_fork_new(jl_decoder *decoder, int prompt, int rows, int length);
void jl_fork_free(jl_fork *fork);
/* Go on with these rows only; row i is then what rows[i] was. */
int jl_fork_keep(jl_fork *fork, const int32_t *rows, int count);
/* The next id of each row; states (rows, hidden), or NULL. 0, or -1 for an id out of range or a fork that is full. */
int jl_fork_step(jl_fork *fork, const int32_t *ids, float *states);
/* (n, hidden) -> (n, vocab), as jl_logits. */
void jl_fork_logits(jl_fork *fork, const float *states, int n, float *logits);

/* How `count` rows choose. */
typedef struct {
    int32_t count;
    const uint8_t *masks;                /* (count, vocab): not 0 where an id may come */
    const float *temperature, *min_p;    /* temperature 0 takes the likeliest; min_p: at least so much of its chance */
    const int32_t *top_k;                /* the likeliest alone; 0: all */
    const double *draws;                 /* in [0, 1): the id where the chances, added up in order, pass it */
    const float *plain;                  /* (count, vocab) logits to move away from, `pull` times; or NULL */
    float pull;
    const float *beside, *share;         /* (count, vocab) chances that have this share of the say; or NULL */
} jl_choice;

/* An id for each row of logits (count, vocab), and its log-probability at temperature 1 among those that may come, before
   pull and beside. Computes where the decoder reads. 0, or -2 where a mask allows nothing, or no allowed number is finite. */
int jl_choose(jl_decoder *decoder, const float *logits, const jl_choice *choice, int32_t *ids, float *logs);
/* A step, and a choice for these rows of it (`choice->count` of them, maybe none). 0, -1 as jl_fork_step or for a row that
   there is not, -2 as jl_choose. */
int jl_fork_advance(jl_fork *fork, const int32_t *ids, const int32_t *rows, const jl_choice *choice, int32_t *chosen, float *logs);

#endif

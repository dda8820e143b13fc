/* SPDX-License-Identifier: Apache-2.0 */
/* Generated graphs. Every edge is a function of the options and its number, by integers alone, so
 * that pieces can be made anywhere and come out the same on every machine.
 *
 * Random words are a counter run through a mixing function (splitmix64: Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators", 2014): each edge has a stream of its own. */
#include <nereid/graph.h>

/* The stream of one edge. */
typedef struct word_stream {
    uint64_t state;
} word_stream;

static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static word_stream stream_of(uint64_t seed, uint64_t edge)
{
    return (word_stream){mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + edge)};
}

static uint64_t next_word(word_stream *stream)
{
    return mix(stream->state += UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t low_bits(uint64_t word, unsigned n) { return word & ((UINT64_C(1) << n) - 1); }

/* A permutation of the numbers below 2^scale that depends on the seed: steps that can each be
 * undone. It hides that the generator of Kronecker graphs gives low numbers the most edges. */
static uint64_t scramble(uint64_t vertex, unsigned scale, uint64_t seed)
{
    word_stream stream = {seed};
    for (int step = 0; step < 3; step++) {
        vertex = low_bits(vertex * (next_word(&stream) | 1) + next_word(&stream), scale);
        vertex ^= vertex >> (scale / 2 + 1);
    }
    return vertex;
}

/* Chooses one of four quadrants for each bit of the ends: upper left, upper right, lower left,
 * lower right, in 2^-32. */
static nd_edge kron_edge(const nd_generator *generator, word_stream *stream)
{
    static const uint32_t a = 2448131359, ab = 3264175145, abc = 4080218931; /* 0.57, 0.76, 0.95 */
    uint64_t src = 0, dst = 0, word = 0;
    for (unsigned bit = 0; bit < generator->scale; bit++) {
        word = bit % 2 == 0 ? next_word(stream) : word >> 32;
        const uint32_t draw = (uint32_t)word;
        src = src << 1 | (draw >= ab);
        dst = dst << 1 | ((draw >= a && draw < ab) || draw >= abc);
    }
    return (nd_edge){scramble(src, generator->scale, generator->seed),
                     scramble(dst, generator->scale, generator->seed), 1.0};
}

static nd_edge uniform_edge(const nd_generator *generator, word_stream *stream)
{
    const uint64_t src = next_word(stream), dst = next_word(stream);
    return (nd_edge){low_bits(src, generator->scale), low_bits(dst, generator->scale), 1.0};
}

/* First all edges to the right, row by row, then all edges down. */
static nd_edge grid_edge(const nd_generator *generator, uint64_t edge)
{
    const uint64_t n_columns = UINT64_C(1) << (generator->scale + 1) / 2;
    const uint64_t n_rows = UINT64_C(1) << generator->scale / 2;
    const uint64_t n_right = n_rows * (n_columns - 1);
    if (edge >= n_right)
        return (nd_edge){edge - n_right, edge - n_right + n_columns, 1.0};
    const uint64_t vertex = edge / (n_columns - 1) * n_columns + edge % (n_columns - 1);
    return (nd_edge){vertex, vertex + 1, 1.0};
}

uint64_t nd_generator_size(const nd_generator *generator)
{
    const unsigned scale = generator->scale;
    if (scale > ND_MAX_SCALE || (generator->kind != ND_GRID && generator->degree > ND_MAX_DEGREE))
        return 0;
    if (generator->kind != ND_GRID)
        return generator->degree << scale;
    const uint64_t n_columns = UINT64_C(1) << (scale + 1) / 2, n_rows = UINT64_C(1) << scale / 2;
    return n_rows * (n_columns - 1) + (n_rows - 1) * n_columns;
}

void nd_generator_edges(const nd_generator *generator, uint64_t first, size_t len, nd_edge *edges)
{
    for (size_t i = 0; i < len; i++) {
        word_stream stream = stream_of(generator->seed, first + i);
        const double weight = generator->weights ? (double)(1 + next_word(&stream) % 255) : 1.0;
        if (generator->kind == ND_KRON)
            edges[i] = kron_edge(generator, &stream);
        else if (generator->kind == ND_UNIFORM)
            edges[i] = uniform_edge(generator, &stream);
        else
            edges[i] = grid_edge(generator, first + i);
        edges[i].weight = weight;
    }
}

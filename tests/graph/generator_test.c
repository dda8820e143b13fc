/* SPDX-License-Identifier: Apache-2.0 */
/* Generated graphs: the same for ever, in any pieces, and with the properties their kinds promise.
 */
#include <nereid/graph.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { MOST_HASHED = 100000 };

static uint64_t hash_edges(const nd_generator *generator, size_t piece)
{
    nd_edge edges[1000];
    uint64_t hash = UINT64_C(14695981039346656037);
    uint64_t size = nd_generator_size(generator);
    size = size < MOST_HASHED ? size : MOST_HASHED;
    for (uint64_t first = 0; first < size; first += piece) {
        const size_t len = size - first < piece ? (size_t)(size - first) : piece;
        nd_generator_edges(generator, first, len, edges);
        for (size_t i = 0; i < len; i++) {
            const uint64_t parts[] = {edges[i].src, edges[i].dst, (uint64_t)edges[i].weight};
            for (size_t p = 0; p < 3; p++)
                hash = (hash ^ parts[p]) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

static void edges_never_change(void **state)
{
    (void)state;
    static const struct {
        nd_generator generator;
        uint64_t hash;
    } table[] = {
        {{ND_KRON, 10, 8, 1, false}, UINT64_C(0x1e158f89b9cca7be)},
        {{ND_KRON, 11, 8, 2, true}, UINT64_C(0x0d34daecec247c4f)},
        {{ND_UNIFORM, 10, 8, 1, false}, UINT64_C(0x9b666b2e8ffb2fc8)},
        {{ND_UNIFORM, 33, 1, UINT64_MAX, true}, UINT64_C(0xcb8ed9d4683acd96)},
        {{ND_GRID, 9, 8, 1, false}, UINT64_C(0xd6e08d68cced5f25)},
    };
    int n_wrong = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const uint64_t hash = hash_edges(&table[i].generator, 1000);
        if (hash != table[i].hash) {
            print_error("case %zu: 0x%016" PRIx64 "\n", i, hash);
            n_wrong++;
        }
    }
    assert_int_equal(n_wrong, 0);
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        const nd_generator generator = {(nd_generator_kind)kind, 9, 5, 77, true};
        assert_true(hash_edges(&generator, 1) == hash_edges(&generator, 1000));
        assert_true(hash_edges(&generator, 17) == hash_edges(&generator, 1000));
    }
}

static void another_seed_gives_other_edges(void **state)
{
    (void)state;
    for (int kind = ND_KRON; kind <= ND_UNIFORM; kind++) {
        const nd_generator one = {(nd_generator_kind)kind, 9, 5, 1, false},
                           two = {(nd_generator_kind)kind, 9, 5, 2, false};
        assert_true(hash_edges(&one, 100) != hash_edges(&two, 100));
    }
}

static void a_grid_has_every_neighbouring_pair_once(void **state)
{
    (void)state;
    for (unsigned scale = 0; scale < 9; scale++) {
        const nd_generator generator = {ND_GRID, scale, 0, 0, false};
        const uint64_t n_columns = UINT64_C(1) << (scale + 1) / 2, n = UINT64_C(1) << scale;
        char *const seen = calloc(2 * n, 1);
        uint64_t n_seen = 0;
        for (uint64_t i = 0; i < nd_generator_size(&generator); i++, n_seen++) {
            nd_edge edge;
            nd_generator_edges(&generator, i, 1, &edge);
            const bool is_right =
                edge.dst == edge.src + 1 && edge.src / n_columns == edge.dst / n_columns;
            assert_true(edge.dst < n && (is_right || edge.dst == edge.src + n_columns));
            assert_int_equal(seen[2 * edge.src + is_right]++, 0);
        }
        assert_int_equal(n_seen, 2 * n - n_columns - n / n_columns);
        free(seen);
    }
}

static void ends_and_weights_are_in_range(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++)
        for (unsigned scale = 0; scale <= ND_MAX_SCALE; scale += 8) {
            const nd_generator generator = {(nd_generator_kind)kind, scale, 3, 5, true};
            const uint64_t size = nd_generator_size(&generator);
            for (uint64_t i = 0; i < size && i < 300; i++) {
                nd_edge edge;
                nd_generator_edges(&generator, size - 1 - i, 1, &edge);
                assert_true(edge.src >> scale == 0 && edge.dst >> scale == 0);
                assert_true(edge.weight >= 1 && edge.weight <= 255);
            }
        }
}

static void options_out_of_range_have_no_edges(void **state)
{
    (void)state;
    assert_int_equal(nd_generator_size(&(nd_generator){ND_KRON, ND_MAX_SCALE + 1, 1, 1, false}), 0);
    assert_int_equal(
        nd_generator_size(&(nd_generator){ND_UNIFORM, 5, (uint64_t)ND_MAX_DEGREE + 1, 1, false}),
        0);
    assert_int_equal(nd_generator_size(&(nd_generator){ND_GRID, ND_MAX_SCALE + 1, 1, 1, false}), 0);
}

/* Out-degrees of a Kronecker graph are very uneven, of a uniform one nearly even. */
static uint64_t greatest_degree(nd_generator_kind kind)
{
    const nd_generator generator = {kind, 12, 16, 3, false};
    uint64_t *const degrees = calloc(1 << 12, sizeof *degrees), greatest = 0;
    for (uint64_t i = 0; i < nd_generator_size(&generator); i++) {
        nd_edge edge;
        nd_generator_edges(&generator, i, 1, &edge);
        degrees[edge.src]++;
        greatest = degrees[edge.src] > greatest ? degrees[edge.src] : greatest;
    }
    free(degrees);
    return greatest;
}

static void kinds_differ_as_they_should(void **state)
{
    (void)state;
    assert_in_range(greatest_degree(ND_UNIFORM), 25, 50);
    assert_in_range(greatest_degree(ND_KRON), 1000, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_never_change),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(another_seed_gives_other_edges),
        cmocka_unit_test(a_grid_has_every_neighbouring_pair_once),
        cmocka_unit_test(ends_and_weights_are_in_range),
        cmocka_unit_test(options_out_of_range_have_no_edges),
        cmocka_unit_test(kinds_differ_as_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

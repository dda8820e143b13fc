/* SPDX-License-Identifier: Apache-2.0 */
/* Batchers of codes that are numbers, of one word and of two, against columns of all updates. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/batcher.h"
#include "operators/differential/number.h"
#include "runtime/base/random.h"
#include "tests/support/failing_memory.h"

/* Records of one to four fields, whose sizes are the parts of a key and of a value. */
typedef struct shape {
    uint16_t sizes[4];
    unsigned n_key;
} shape;

enum { MOST_BYTES = ND_NUMBER_BYTES };

/* Some of eight bytes and less, each size from nine on, and all that is common of twelve and
 * sixteen. */
static const shape shapes[] = {
    {{4, 4}, 1},    {{4}, 1},       {{8}, 1},          {{1, 2}, 1},       {{4, 4}, 0},
    {{2, 2, 4}, 2}, {{8}, 0},       {{1, 1, 1, 1}, 3}, {{8, 1}, 1},       {{2, 8}, 1},
    {{8, 2, 1}, 2}, {{4, 4, 4}, 2}, {{4, 4, 4}, 1},    {{4, 8}, 0},       {{8, 4}, 2},
    {{8, 4, 1}, 1}, {{4, 8, 2}, 2}, {{1, 2, 4, 8}, 3}, {{8, 8}, 1},       {{8, 8}, 0},
    {{8, 8}, 2},    {{4, 4, 8}, 1}, {{8, 4, 4}, 2},    {{2, 8, 2, 4}, 1}, {{1, 8, 1}, 1}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Stamps of two counters. */
typedef struct stamp {
    uint64_t epoch;
    uint32_t loop[2];
    int64_t diff;
} stamp;

/* A way to go: the type, its row, and codes. Stays where it is. */
typedef struct layout {
    nd_type record, type;
    nd_row row;
    nd_record_code whole;
    nd_trace_shape trace;
} layout;

static void add_field(nd_type *type, unsigned i, uint16_t size, nd_kind kind)
{
    type->fields[i] = (nd_field){"field", type->size, size, (uint16_t)kind};
    type->size += size;
}

static void make_layout(layout *to, const shape *from, unsigned n_loops)
{
    unsigned n = 0;
    memset(to, 0, sizeof *to);
    for (; n < 4 && from->sizes[n]; n++) {
        add_field(&to->record, n, from->sizes[n], n % 2 ? ND_KIND_SIGNED : ND_KIND_UNSIGNED);
        *(n < from->n_key ? &to->trace.key_size : &to->trace.value_size) += from->sizes[n];
    }
    to->trace.key_is_fixed = to->trace.value_is_fixed = true;
    to->type.size = MOST_BYTES + (uint32_t)sizeof(stamp) - (n_loops ? 0 : 8);
    to->row = (nd_row){.type = &to->type,
                       .record_size = to->record.size,
                       .stamp_offset = MOST_BYTES,
                       .stamp_size = to->type.size - MOST_BYTES,
                       .n_loops = n_loops};
    nd_record_code_init(&to->whole, &to->record, 0, n);
}

/* How differences come: all one; also minus one; or any small ones. */
static int64_t any_diff(nd_random *random, unsigned kind)
{
    if (kind == 0)
        return 1;
    return kind == 1 ? (nd_random_chance(random, 0.5) ? 1 : -1)
                     : (int64_t)nd_random_below(random, 9) - 4;
}

/* Of two words either may tell more. */
static void make_rows(nd_random *random, const layout *as, uint64_t most_epochs,
                      unsigned char *rows, size_t len)
{
    const uint64_t n_epochs = 1 + nd_random_below(random, most_epochs), n_values = 1 + len / 2;
    const unsigned kind = (unsigned)nd_random_below(random, 3);
    const uint64_t shift = nd_random_below(random, 12);
    for (size_t i = 0; i < len; i++, rows += as->type.size) {
        const uint64_t any = nd_random_below(random, n_values), ones = UINT64_C(0x0101010101010101);
        const uint64_t value[2] = {(any >> shift) * ones, any * ones};
        const nd_time time = {nd_random_below(random, n_epochs),
                              {as->row.n_loops ? (uint32_t)nd_random_below(random, 2) : 0}};
        const int64_t diff = any_diff(random, kind);
        memset(rows, 0, MOST_BYTES);
        memcpy(rows, value, as->record.size);
        nd_row_stamp(&as->row, rows, &time, diff ? diff : 1);
    }
}

static void push_all(nd_trace_builder *builder, const nd_updates *all)
{
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(all, i, &size);
        const uint32_t key_size = builder->shape.key_size;
        assert_int_equal(nd_trace_builder_push(builder, (nd_trace_code){code, key_size},
                                               (nd_trace_code){code + key_size, size - key_size},
                                               nd_updates_time(all, i), nd_updates_diff(all, i)),
                         ND_OK);
    }
}

/* The bytes of a batch of everything, which is never empty. */
static nd_trace_batch *seal_builder(nd_trace_builder *builder)
{
    nd_trace_batch *batch;
    nd_antichain lower, upper;
    nd_antichain_init(&lower);
    nd_antichain_init(&upper);
    assert_int_equal(nd_antichain_insert(&lower, &(nd_time){.epoch = 0}), ND_OK);
    assert_int_equal(nd_trace_builder_seal(builder, &lower, &upper, &lower, &batch), ND_OK);
    nd_antichain_deinit(&lower);
    return batch;
}

static void expect_same_batch(nd_trace_builder *a, nd_trace_builder *b)
{
    size_t a_size, b_size;
    nd_trace_batch *const one = seal_builder(a), *const other = seal_builder(b);
    const void *const a_bytes = nd_trace_batch_bytes(one, &a_size);
    const void *const b_bytes = nd_trace_batch_bytes(other, &b_size);
    assert_true(nd_trace_batch_validate(a_bytes, a_size));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_bytes, b_bytes, a_size);
    nd_trace_batch_release(one);
    nd_trace_batch_release(other);
}

/* Takes what is complete out of the batcher, each way, and compares it with `expected`. */
static void expect_sealed(nd_batcher *batcher, const layout *as, const nd_antichain *frontier,
                          const nd_updates *expected, nd_antichain *left, size_t *n_built)
{
    nd_trace_builder built, pushed;
    nd_updates done;
    nd_trace_builder_init(&built, &as->trace);
    nd_trace_builder_init(&pushed, &as->trace);
    nd_updates_init(&done, &as->whole);
    if (nd_batcher_can_build(batcher, frontier)) {
        ++*n_built;
        assert_int_equal(nd_batcher_build(batcher, frontier, &built, left), ND_OK);
    } else {
        assert_int_equal(nd_batcher_seal(batcher, frontier, &done, left), ND_OK);
        assert_int_equal(nd_updates_len(&done), nd_updates_len(expected));
        push_all(&built, &done);
    }
    push_all(&pushed, expected);
    expect_same_batch(&built, &pushed);
    nd_trace_builder_deinit(&built);
    nd_trace_builder_deinit(&pushed);
    nd_updates_deinit(&done);
}

/* What has come so far, in columns, is divided by the frontier and consolidated; what is left comes
 * again. */
static void divide_slowly(nd_updates *all, const nd_antichain *frontier, nd_updates *complete,
                          nd_antichain *left)
{
    nd_updates open;
    nd_updates_init(&open, all->code);
    assert_int_equal(nd_updates_consolidate(all), ND_OK);
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        const nd_time *const time = nd_updates_time(all, i);
        const bool is_open = nd_antichain_less_equal(frontier, time);
        assert_int_equal(nd_updates_add_from(is_open ? &open : complete, all, i, time), ND_OK);
        if (is_open)
            assert_int_equal(nd_antichain_insert(left, time), ND_OK);
    }
    nd_updates_deinit(all);
    *all = open;
}

static void expect_same_times(const nd_antichain *a, const nd_antichain *b)
{
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++)
        assert_true(nd_time_equal(&nd_antichain_items(a)[i], &nd_antichain_items(b)[i]));
}

/* Some steps of rows and a frontier, of few times or of more than there are piles; returns how
 * often what was complete was built at once. */
static size_t run_batcher(nd_random *random, const layout *as, size_t most)
{
    nd_batcher batcher;
    nd_updates all;
    size_t n_built = 0;
    unsigned char *const rows = calloc(most + 1, as->type.size);
    const uint64_t most_epochs = nd_random_chance(random, 0.5) ? 3 : 2 * ND_BATCHER_PILES;
    nd_batcher_init(&batcher, &as->whole, as->row.n_loops);
    nd_updates_init(&all, &as->whole);
    for (unsigned step = 0; step < 8; step++) {
        nd_updates complete;
        nd_antichain frontier, left, expected_left;
        nd_antichain_init(&frontier);
        nd_antichain_init(&left);
        nd_antichain_init(&expected_left);
        nd_updates_init(&complete, &as->whole);
        const size_t len = nd_random_below(random, most);
        make_rows(random, as, most_epochs, rows, len);
        assert_int_equal(nd_batcher_add(&batcher, &as->row, rows, len), ND_OK);
        assert_int_equal(nd_updates_add_rows(&all, &as->row, rows, len), ND_OK);
        const nd_time open = {step == 7 ? 99 : nd_random_below(random, most_epochs + 1),
                              {(uint32_t)nd_random_below(random, 2)}};
        assert_int_equal(nd_antichain_insert(&frontier, &open), ND_OK);
        divide_slowly(&all, &frontier, &complete, &expected_left);
        expect_sealed(&batcher, as, &frontier, &complete, &left, &n_built);
        expect_same_times(&left, &expected_left);
        nd_updates_deinit(&complete);
        nd_antichain_deinit(&left);
        nd_antichain_deinit(&expected_left);
    }
    nd_batcher_deinit(&batcher);
    nd_updates_deinit(&all);
    free(rows);
    return n_built;
}

static void batchers_of_numbers_do_what_general_ones_do(void **state)
{
    (void)state;
    nd_random random;
    size_t n_built = 0;
    nd_random_init(&random, 33);
    for (unsigned round = 0; round < 25; round++)
        for (size_t i = 0; i < N_SHAPES; i++) {
            layout as;
            make_layout(&as, &shapes[i], round % 3);
            n_built += run_batcher(&random, &as, round % 5 ? 40 : 3000);
        }
    assert_true(n_built > 100);
}

/* One time more than there are piles; when a pile is free again, what comes cancels with what is
 * where that time was put first. */
static void what_cancels_is_found_wherever_its_time_waits(void **state)
{
    (void)state;
    enum { N = ND_BATCHER_PILES + 1 };
    layout as;
    nd_batcher batcher;
    nd_updates done;
    make_layout(&as, &shapes[0], 0);
    nd_batcher_init(&batcher, &as.whole, as.row.n_loops);
    nd_updates_init(&done, &as.whole);
    for (uint64_t epoch = 1; epoch <= N; epoch++) {
        const nd_time time = {.epoch = epoch};
        assert_int_equal(nd_batcher_add_code(&batcher, (unsigned char[8]){1}, 8, &time, 1), ND_OK);
    }
    for (uint64_t frontier_epoch = 2; frontier_epoch <= N; frontier_epoch += N - 2) {
        nd_antichain frontier, left;
        const nd_time last = {.epoch = N};
        nd_antichain_init(&frontier);
        nd_antichain_init(&left);
        assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){.epoch = frontier_epoch}),
                         ND_OK);
        nd_updates_clear(&done);
        assert_int_equal(nd_batcher_seal(&batcher, &frontier, &done, &left), ND_OK);
        assert_int_equal(left.len, frontier_epoch == 2);
        if (frontier_epoch == 2)
            assert_int_equal(nd_batcher_add_code(&batcher, (unsigned char[8]){1}, 8, &last, -1),
                             ND_OK);
        nd_antichain_deinit(&frontier);
        nd_antichain_deinit(&left);
    }
    assert_int_equal(nd_updates_len(&done), N - 2);
    nd_batcher_deinit(&batcher);
    nd_updates_deinit(&done);
}

/* Some records of sixteen bytes, with and without differences, taken out both ways. */
static nd_err use_batcher(void *arg)
{
    const layout *const as = arg;
    nd_batcher batcher;
    nd_trace_builder builder;
    nd_updates done;
    nd_antichain frontier, left;
    nd_random random;
    unsigned char *const rows = calloc(600, as->type.size);
    nd_random_init(&random, 34);
    nd_batcher_init(&batcher, &as->whole, as->row.n_loops);
    nd_trace_builder_init(&builder, &as->trace);
    nd_updates_init(&done, &as->whole);
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = ND_OK;
    for (unsigned i = 0; err == ND_OK && i < 4; i++) {
        make_rows(&random, as, 3, rows, 600);
        err = nd_batcher_add(&batcher, &as->row, rows, 600);
        if (err == ND_OK && i % 2)
            err = nd_batcher_seal(&batcher, &frontier, &done, &left);
        else if (err == ND_OK && nd_batcher_can_build(&batcher, &frontier))
            err = nd_batcher_build(&batcher, &frontier, &builder, &left);
        nd_updates_clear(&done);
        nd_trace_builder_clear(&builder);
    }
    nd_batcher_deinit(&batcher);
    nd_trace_builder_deinit(&builder);
    nd_updates_deinit(&done);
    nd_antichain_deinit(&left);
    free(rows);
    return err;
}

static void a_batcher_without_memory_fails_cleanly(void **state)
{
    (void)state;
    layout as;
    make_layout(&as, &(shape){{8, 8}, 1}, 0);
    assert_true(failing_memory_sweep(use_batcher, &as) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batchers_of_numbers_do_what_general_ones_do),
        cmocka_unit_test(what_cancels_is_found_wherever_its_time_waits),
        cmocka_unit_test(a_batcher_without_memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

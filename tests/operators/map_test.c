/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map, flat map and filter against plain loops.
 */
#include "tests/operators/gather.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { LEN = 20000 };

/* --- One stage --- */

/* `oracle` writes what one of many random rows becomes, and says how many. */
static void check_stage(stage_fn *stage, size_t (*oracle)(const row *in, row *out))
{
    row *rows = feed_random(7, LEN, 11, 50), *expected = calloc(4 * LEN, sizeof *expected);
    assert_non_null(expected);
    size_t n = 0;
    for (size_t i = 0; i < LEN; i++)
        n += oracle(&rows[i], expected + n);
    assert_stage(stage, (feed){rows, LEN}, expected, n);
    free(expected);
    free(rows);
}

static size_t swap_odd(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    pair *swapped = out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (in[i].value % 2 != 0)
            swapped[n++] = (pair){in[i].value, in[i].key};
    return n;
}

static nd_stream map_stage(nd_stream in) { return nd_map(in, &pair_type, swap_odd, nd_no_user); }

static size_t map_oracle(const row *in, row *out)
{
    *out = (row){in->time, in->value, in->key, 0};
    return in->value % 2 != 0;
}

static void map_transforms_and_filters(void **state)
{
    (void)state;
    check_stage(map_stage, map_oracle);
}

static void repeat(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++)
        for (int64_t k = 0; k < in[i].value % 4; k++)
            *(pair *)nd_emit_slot(out) = (pair){in[i].key, k};
}

static nd_stream flat_map_stage(nd_stream in)
{
    return nd_flat_map(in, &pair_type, repeat, nd_no_user);
}

static size_t flat_map_oracle(const row *in, row *out)
{
    size_t n = 0;
    for (; n < (size_t)(in->value % 4); n++)
        out[n] = (row){in->time, in->key, (int64_t)n, 0};
    return n;
}

static void flat_map_gives_any_number_of_records(void **state)
{
    (void)state;
    check_stage(flat_map_stage, flat_map_oracle);
}

static void keep_small(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        if (((const pair *)records)[i].value < 300)
            keep[i] = true;
}

static nd_stream filter_stage(nd_stream in) { return nd_filter(in, keep_small, nd_no_user); }

static size_t filter_oracle(const row *in, row *out)
{
    *out = *in;
    return in->value < 300;
}

static void filter_keeps_what_is_marked(void **state)
{
    (void)state;
    check_stage(filter_stage, filter_oracle);
}

/* --- Records of every size, and with strings --- */

typedef struct {
    nd_bytes text;
    int64_t n;
} note;
static const nd_type note_type = ND_TYPE(note, 1, ND_FIELD(note, text), ND_FIELD(note, n));

static size_t make_notes(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    const pair *in = records;
    note *notes = out;
    for (size_t i = 0; i < len; i++)
        notes[i] = (note){{letters, (size_t)(in[i].value % 26)}, in[i].key};
    return len;
}

static void keep_long(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const note *)records)[i].text.size >= 13;
}

static size_t measure_notes(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const note *in = records;
    pair *pairs = out;
    for (size_t i = 0; i < len; i++) {
        const char *text = in[i].text.data;
        pairs[i] = (pair){in[i].n, text[in[i].text.size - 1] - 'a' +
                                       1}; /* its size, said by its last letter */
    }
    return len;
}

static nd_stream note_stage(nd_stream in)
{
    nd_stream notes = nd_map(in, &note_type, make_notes, nd_no_user);
    nd_stream kept = nd_filter(nd_stream_exchange(notes), keep_long, nd_no_user);
    return nd_map(kept, &pair_type, measure_notes, nd_no_user);
}

static size_t note_oracle(const row *in, row *out)
{
    *out = (row){in->time, in->key, in->value % 26, 0};
    return in->value % 26 >= 13;
}

static void strings_survive_map_exchange_and_filter(void **state)
{
    (void)state;
    check_stage(note_stage, note_oracle);
}

typedef struct {
    unsigned char bytes[1];
    unsigned char a, b, c, d;
} five;

static const nd_type five_type = {
    .name = "five",
    .size = 5,
    .nkey = 1,
    .fields = {{"first", 0, 1, ND_KIND_UNSIGNED},
               {"a", 1, 1, ND_KIND_UNSIGNED},
               {"b", 2, 1, ND_KIND_UNSIGNED},
               {"c", 3, 1, ND_KIND_UNSIGNED},
               {"d", 4, 1, ND_KIND_UNSIGNED}},
};

static size_t narrow(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    five *fives = out;
    for (size_t i = 0; i < len; i++)
        fives[i] = (five){{(unsigned char)(in[i].value / 10)},
                          (unsigned char)(in[i].key + 100),
                          1,
                          2,
                          (unsigned char)(in[i].value % 10)};
    return len;
}

static void keep_even(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const five *)records)[i].d % 2 == 0;
}

static size_t widen(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const five *in = records;
    pair *pairs = out;
    for (size_t i = 0; i < len; i++)
        pairs[i] = (pair){in[i].a - 100, in[i].bytes[0] * 10 + in[i].d};
    return len;
}

static nd_stream odd_size_stage(nd_stream in)
{
    nd_stream fives = nd_stream_exchange(nd_map(in, &five_type, narrow, nd_no_user));
    return nd_map(nd_filter(fives, keep_even, nd_no_user), &pair_type, widen, nd_no_user);
}

static size_t odd_size_oracle(const row *in, row *out)
{
    *out = *in;
    return in->value % 2 == 0;
}

static void records_may_have_any_size(void **state)
{
    (void)state;
    check_stage(odd_size_stage, odd_size_oracle);
}

/* --- A chain of stages --- */

static size_t add_one(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){in[i].key, in[i].value + 1};
    return len;
}

static void copy(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    nd_emit_copy(out, records, len);
}

static nd_err run_chain(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "chain");
    nd_input *input;
    nd_stream stream = nd_input_new(flow, &pair_type, &input);
    for (int i = 0; i < 4; i++)
        stream = nd_map(stream, &pair_type, add_one, nd_no_user);
    gather_stream(arg, worker, nd_flat_map(stream, &pair_type, copy, nd_no_user));
    ND_TRY(nd_dataflow_start(flow));
    for (int64_t i = 0; i < 10; i++)
        nd_input_send(input, &(pair){0, i});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void a_chain_of_stages_keeps_a_batch_together(void **state)
{
    (void)state;
    gather out;
    gather_init(&out);
    run(1, run_chain, &out);
    assert_int_equal(out.n_calls, 1);
    assert_int_equal(out.len, 10);
    for (int64_t i = 0; i < 10; i++)
        assert_int_equal(out.rows[i].value, i + 4);
    gather_deinit(&out);
}

/* --- Values and errors in one stream --- */

typedef struct {
    int64_t key, value;
    uint64_t is_error;
} result;
static const nd_type result_type =
    ND_TYPE(result, 1, ND_FIELD(result, key), ND_FIELD(result, value), ND_FIELD(result, is_error));

static size_t check_value(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++)
        ((result *)out)[i] = (result){in[i].key, in[i].value, in[i].value % 3 == 0};
    return len;
}

/* Doubles values; what then is more than a thousand becomes an error. */
static size_t double_values(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(result));
    result *results = out;
    for (size_t i = 0; i < len; i++)
        if (!results[i].is_error) {
            results[i].value *= 2;
            results[i].is_error = results[i].value > 1000;
        }
    return len;
}

/* What is wanted: user points to whether errors are. */
static size_t take_kind(void *user, const void *records, size_t len, void *out)
{
    const result *in = records;
    pair *pairs = out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if ((in[i].is_error != 0) == *(const bool *)user)
            pairs[n++] = (pair){in[i].key, in[i].value};
    return n;
}

static bool wants_errors[] = {false, true};

static nd_stream values_stage(nd_stream in)
{
    nd_stream results = nd_map(in, &result_type, check_value, nd_no_user);
    return nd_map(nd_map(results, &result_type, double_values, nd_no_user), &pair_type, take_kind,
                  (nd_user){&wants_errors[0], NULL});
}

static nd_stream errors_stage(nd_stream in)
{
    nd_stream results = nd_map(in, &result_type, check_value, nd_no_user);
    return nd_map(nd_map(results, &result_type, double_values, nd_no_user), &pair_type, take_kind,
                  (nd_user){&wants_errors[1], NULL});
}

static size_t values_oracle(const row *in, row *out)
{
    *out = (row){in->time, in->key, in->value * 2, 0};
    return in->value % 3 != 0 && in->value * 2 <= 1000;
}

static size_t errors_oracle(const row *in, row *out)
{
    const bool was_error = in->value % 3 == 0;
    *out = (row){in->time, in->key, was_error ? in->value : in->value * 2, 0};
    return was_error || in->value * 2 > 1000;
}

static void values_and_errors_part(void **state)
{
    (void)state;
    check_stage(values_stage, values_oracle);
    check_stage(errors_stage, errors_oracle);
}

/* --- Mistakes and users --- */

static size_t claim_too_many(void *user, const void *records, size_t len, void *out)
{
    (void)user, (void)records, (void)out;
    return len + 1;
}

static nd_err run_claim(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "claim");
    nd_input *input;
    nd_map(nd_input_new(flow, &pair_type, &input), &pair_type, claim_too_many, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));
    nd_input_send(input, &(pair){1, 1});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void a_map_that_claims_too_many_records_ends_the_run(void **state)
{
    (void)state;
    run_fails(1, run_claim, NULL, ND_FAILED, "it wrote 2 records of at most 1");
}

typedef struct {
    const char *name;
    nd_stream (*build)(nd_stream in, nd_user user);
} builder;

static void count_destroyed(void *data) { ++*(int *)data; }

static nd_stream build_map(nd_stream in, nd_user user)
{
    return nd_map(in, &pair_type, add_one, user);
}
static nd_stream build_map_without_fn(nd_stream in, nd_user user)
{
    return nd_map(in, &pair_type, NULL, user);
}
static nd_stream build_map_without_type(nd_stream in, nd_user user)
{
    return nd_map(in, NULL, add_one, user);
}
static nd_stream build_flat_map(nd_stream in, nd_user user)
{
    return nd_flat_map(in, &pair_type, copy, user);
}
static nd_stream build_flat_map_without_fn(nd_stream in, nd_user user)
{
    return nd_flat_map(in, &pair_type, NULL, user);
}
static nd_stream build_filter(nd_stream in, nd_user user)
{
    return nd_filter(in, keep_small, user);
}
static nd_stream build_filter_without_fn(nd_stream in, nd_user user)
{
    return nd_filter(in, NULL, user);
}
static nd_stream build_inspect(nd_stream in, nd_user user)
{
    return nd_inspect(in, nd_print, user);
}
static nd_stream build_inspect_without_fn(nd_stream in, nd_user user)
{
    return nd_inspect(in, NULL, user);
}

typedef struct {
    nd_stream (*build)(nd_stream in, nd_user user);
    bool on_nothing;
    int n_destroyed;
} user_case;

static nd_err run_user(nd_worker *worker, void *arg)
{
    user_case *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "user");
    nd_input *input;
    const nd_stream in = nd_input_new(flow, &pair_type, &input), none = {NULL};
    const int before = c->n_destroyed;
    const nd_stream out =
        c->build(c->on_nothing ? none : in, (nd_user){&c->n_destroyed, count_destroyed});
    CHECK(worker,
          c->n_destroyed - before == (out.origin == NULL)); /* at once when the call failed */
    ND_TRY(nd_dataflow_start(flow));
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void user_data_is_destroyed_once(void **state)
{
    (void)state;
    nd_stream (*const good[])(nd_stream, nd_user) = {build_map, build_flat_map, build_filter,
                                                     build_inspect};
    nd_stream (*const bad[])(nd_stream, nd_user) = {
        build_map_without_fn, build_map_without_type, build_flat_map_without_fn,
        build_filter_without_fn, build_inspect_without_fn};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        user_case c = {.build = good[i]};
        run(1, run_user, &c);
        assert_int_equal(c.n_destroyed, 1);
        user_case nothing = {.build = good[i], .on_nothing = true};
        run(1, run_user, &nothing);
        assert_int_equal(nothing.n_destroyed, 1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        user_case c = {.build = bad[i]};
        run_fails(1, run_user, &c, ND_INVAL, "it needs a function");
        assert_int_equal(c.n_destroyed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_transforms_and_filters),
        cmocka_unit_test(flat_map_gives_any_number_of_records),
        cmocka_unit_test(filter_keeps_what_is_marked),
        cmocka_unit_test(strings_survive_map_exchange_and_filter),
        cmocka_unit_test(records_may_have_any_size),
        cmocka_unit_test(a_chain_of_stages_keeps_a_batch_together),
        cmocka_unit_test(values_and_errors_part),
        cmocka_unit_test(a_map_that_claims_too_many_records_ends_the_run),
        cmocka_unit_test(user_data_is_destroyed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

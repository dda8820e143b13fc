/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop inside a loop: Euclid's algorithm. The inner loop finds a remainder by subtracting again
 * and again, the outer one goes from (a, b) to (b, remainder) until b is zero; then a is the
 * greatest common divisor.
 *
 *     nested_loop [-w WORKERS]        prints `(epoch) x y divisor` for x and y from 1 to 12, twice
 *
 * Each pair goes its own way through the loops, as long as it needs; a time says where it is:
 * (epoch, outer, inner).
 */
#include <nereid.h>

typedef struct {
    int64_t x, y; /* the question */
    int64_t a, b; /* where it stands */
} pair;
static const nd_type pair_type =
    ND_TYPE(pair, 2, ND_FIELD(pair, x), ND_FIELD(pair, y), ND_FIELD(pair, a), ND_FIELD(pair, b));

typedef struct {
    int64_t x, y, divisor;
} answer;
static const nd_type answer_type =
    ND_TYPE(answer, 2, ND_FIELD(answer, x), ND_FIELD(answer, y), ND_FIELD(answer, divisor));

/* Subtracts where the remainder is not reached yet; the others are left out. */
static size_t subtract(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    pair *next = out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (in[i].a >= in[i].b)
            next[n++] = (pair){in[i].x, in[i].y, in[i].a - in[i].b, in[i].b};
    return n;
}

/* Where `a` is the remainder, it changes places with `b`; the others are left out. */
static size_t swap(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    pair *next = out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (in[i].a < in[i].b)
            next[n++] = (pair){in[i].x, in[i].y, in[i].b, in[i].a};
    return n;
}

static void is_unfinished(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const pair *)records)[i].b != 0;
}

static size_t finish(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    answer *answers = out;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (in[i].b == 0)
            answers[n++] = (answer){in[i].x, in[i].y, in[i].a};
    return n;
}

/* Pairs whose `a` has been made smaller than their `b`, and swapped. */
static nd_stream remainders(nd_scope *outer, nd_stream pairs)
{
    nd_scope *inner = nd_loop_new(outer, "subtract");
    nd_feedback *back;
    nd_stream again = nd_feedback_new(inner, &pair_type, &back);
    nd_stream all = nd_concat((nd_stream[]){nd_enter(inner, pairs), again}, 2);
    nd_feedback_connect(back, nd_map(all, &pair_type, subtract, nd_no_user));
    return nd_leave(nd_map(all, &pair_type, swap, nd_no_user));
}

static nd_stream divisors(nd_scope *root, nd_stream pairs)
{
    nd_scope *outer = nd_loop_new(root, "euclid");
    nd_feedback *back;
    nd_stream again = nd_feedback_new(outer, &pair_type, &back);
    nd_stream all = nd_concat((nd_stream[]){nd_enter(outer, pairs), again}, 2);
    nd_stream open = nd_filter(all, is_unfinished, nd_no_user);
    nd_feedback_connect(back, remainders(outer, open));
    return nd_leave(nd_map(all, &answer_type, finish, nd_no_user));
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "euclid");
    nd_input *input;
    nd_stream pairs = nd_stream_exchange(nd_input_new(flow, &pair_type, &input));
    nd_stream answers = nd_inspect(divisors(nd_root(flow), pairs), nd_print, nd_no_user);
    nd_probe *probe = nd_probe_new(answers);
    ND_TRY(nd_dataflow_start(flow));

    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        for (int64_t x = 1; x <= 12 && nd_worker_index(worker) == 0; x++)
            for (int64_t y = 1; y <= 12; y++)
                nd_input_send(input, &(pair){x, y, x, y});
        nd_input_advance(input, epoch + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }

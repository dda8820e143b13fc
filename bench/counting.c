/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting by key, numbers and words, with the library's operators. The limit is a loop over the
 * same records with one hash table of linear probing, made for the occasion.
 */
#include <assert.h>
#include <string.h>

#include <nereid/memory.h>
#include <nereid/stream.h>

#include "bench/harness.h"
#include "bench/stream_job.h"

/* What both kinds count, and what comes out. Each epoch is counted by itself. */
typedef struct count_job {
    stream_job stream;
    size_t epoch_len, n_keys;     /* things to count in an epoch, and how many of them differ */
    const unsigned char *records; /* what an epoch sends */
    size_t n_records, record_size, piece_len;
} count_job;

static inline uint64_t hash_number(uint64_t key)
{
    key = (key ^ (key >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    return key ^ (key >> 29);
}

/* --- Numbers --- */

typedef struct tally {
    uint64_t key;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, key), ND_FIELD(tally, n));

enum { NUMBERS = 1 << 20 };

static void add_tally(void *user, void *total, const void *record)
{
    (void)user;
    ((tally *)total)->n += ((const tally *)record)->n;
}

/* Both kinds of record end with their count. */
static void on_sums(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    stream_sum *self = nd_vertex_state(vertex);
    const size_t len = nd_batch_len(batch), words = nd_batch_type(batch)->size / sizeof(int64_t);
    const int64_t *counts = nd_batch_records(batch);
    self->n += len;
    for (size_t i = 1; i <= len; i++)
        self->sum += (uint64_t)counts[i * words - 1];
}

/* Sends a share of the records, in pieces, so that each is worked on while it is in the cache. */
static nd_err send_share(const stream_job *job, nd_worker *worker, nd_input *input)
{
    const count_job *count = (const void *)job;
    const size_t index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    const size_t end = count->n_records * (index + 1) / peers;
    for (size_t at = count->n_records * index / peers, len; at < end; at += len) {
        len = end - at < count->piece_len ? end - at : count->piece_len;
        nd_input_send_many(input, count->records + at * count->record_size, len);
        ND_TRY(nd_worker_step(worker, 256));
    }
    return ND_OK;
}

static void check_count(const count_job *count)
{
    bench_check(count->stream.n_arrived == count->n_keys * count->stream.n_epochs,
                "counting: not every key came out once an epoch");
    bench_check(count->stream.sum == count->epoch_len * count->stream.n_epochs,
                "counting: the counts do not add up");
}

static double count_ns_each(const count_job *count)
{
    return count->stream.ns / (double)(count->stream.n_epochs * count->epoch_len);
}

static nd_err number_program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "count");
    nd_input *input;
    nd_stream records = nd_input_new(flow, &tally_type, &input);
    nd_stream tallies = nd_aggregate(records, add_tally, nd_no_user);
    return stream_job_run(arg, flow, input, nd_pipeline(tallies), on_sums);
}

/* The keys are each of `n_keys` numbers once, then random ones of them. */
static tally *make_numbers(size_t n_keys)
{
    assert(n_keys != 0);
    tally *numbers = bench_alloc(NUMBERS, sizeof(*numbers));
    uint64_t state = 1;
    for (size_t i = 0; i < NUMBERS; i++) {
        const uint64_t which = i < n_keys ? i : bench_random(&state) % n_keys;
        numbers[i] = (tally){hash_number(which), 1};
    }
    return numbers;
}

static count_job number_count(const bench_plan *plan, const tally *numbers)
{
    return (count_job){.stream = {.n_epochs = bench_scaled(plan, 100), .send = send_share},
                       .n_keys = plan->size,
                       .epoch_len = NUMBERS,
                       .records = (const unsigned char *)numbers,
                       .n_records = NUMBERS,
                       .record_size = sizeof(tally),
                       .piece_len = 16384};
}

static double numbers_ns(const bench_plan *plan)
{
    tally *numbers = make_numbers(plan->size);
    count_job count = number_count(plan, numbers);
    bench_execute(plan, number_program, &count);
    stream_job_total(&count.stream, plan);
    check_count(&count);
    nd_free(numbers);
    return count_ns_each(&count);
}

static void count_numbers(count_job *count, tally *table, size_t mask)
{
    const tally *numbers = (const void *)count->records;
    memset(table, 0, (mask + 1) * sizeof(*table));
    for (size_t i = 0; i < count->n_records; i++) {
        size_t place = hash_number(numbers[i].key) & mask;
        while (table[place].n != 0 && table[place].key != numbers[i].key)
            place = (place + 1) & mask;
        table[place].key = numbers[i].key;
        table[place].n += numbers[i].n;
    }
    for (size_t i = 0; i <= mask; i++) {
        count->stream.n_arrived += table[i].n != 0;
        count->stream.sum += (uint64_t)table[i].n;
    }
}

static double plain_numbers_ns(const bench_plan *plan)
{
    tally *numbers = make_numbers(plan->size);
    tally *table = bench_alloc(2 * plan->size, sizeof(*table));
    count_job count = number_count(plan, numbers);
    const uint64_t begin = bench_now_ns();
    for (size_t epoch = 0; epoch < count.stream.n_epochs; epoch++)
        count_numbers(&count, table, 2 * plan->size - 1);
    count.stream.ns = (double)(bench_now_ns() - begin);
    check_count(&count);
    nd_free(numbers);
    nd_free(table);
    return count_ns_each(&count);
}

/* --- Words --- */

typedef struct text_line {
    nd_bytes text;
} text_line;
static const nd_type line_type = ND_TYPE(text_line, 1, ND_FIELD(text_line, text));

typedef struct word_tally {
    nd_bytes word;
    int64_t n;
} word_tally;
static const nd_type word_type =
    ND_TYPE(word_tally, 1, ND_FIELD(word_tally, word), ND_FIELD(word_tally, n));

enum { WORDS = 400000, VOCABULARY = 20000, LINE_WORDS = 10, MOST_LETTERS = 8 };

/* Lines of words, the early ones of the vocabulary more often than the late ones. */
typedef struct word_text {
    text_line *lines;
    size_t n_lines;
    char *bytes;
} word_text;

/* Four letters that tell its number, and a few more. */
static size_t write_word(char *to, uint64_t number)
{
    const size_t len = 4 + number % 5;
    uint64_t rest = number;
    for (size_t i = 0; i < len; i++, rest /= 26)
        to[i] = (char)('a' + (rest + (i > 3 ? number : 0)) % 26);
    return len;
}

static word_text make_text(void)
{
    word_text text = {.n_lines = WORDS / LINE_WORDS,
                      .lines = bench_alloc(WORDS / LINE_WORDS, sizeof(text_line)),
                      .bytes = bench_alloc(WORDS, MOST_LETTERS + 1)};
    uint64_t state = 1;
    char *next = text.bytes;
    for (size_t i = 0; i < WORDS; i++) {
        const uint64_t bound = bench_random(&state) % VOCABULARY + 1;
        const uint64_t number = i < VOCABULARY ? i : bench_random(&state) % bound;
        text_line *line = &text.lines[i / LINE_WORDS];
        if (i % LINE_WORDS == 0)
            line->text = (nd_bytes){next, 0};
        else
            *next++ = ' ';
        next += write_word(next, number);
        line->text.size = (size_t)(next - (const char *)line->text.data);
    }
    return text;
}

static void free_text(word_text *text)
{
    nd_free(text->lines);
    nd_free(text->bytes);
}

/* Takes the next word off the front of `rest`; false at the end. */
static inline bool next_word(nd_bytes *rest, nd_bytes *word)
{
    const char *from = rest->data, *const end = from + rest->size;
    while (from < end && *from == ' ')
        from++;
    const char *to = from;
    while (to < end && *to != ' ')
        to++;
    *word = (nd_bytes){from, (size_t)(to - from)};
    *rest = (nd_bytes){to, (size_t)(end - to)};
    return word->size != 0;
}

static void split(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    const text_line *lines = records;
    nd_bytes word;
    for (size_t i = 0; i < len; i++)
        for (nd_bytes rest = lines[i].text; next_word(&rest, &word);)
            *(word_tally *)nd_emit_slot(out) = (word_tally){word, 1};
}

static void add_word(void *user, void *total, const void *record)
{
    (void)user;
    ((word_tally *)total)->n += ((const word_tally *)record)->n;
}

static nd_err word_program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "words");
    nd_input *input;
    nd_stream lines = nd_input_new(flow, &line_type, &input);
    nd_stream words = nd_flat_map(lines, &word_type, split, nd_no_user);
    nd_stream tallies = nd_aggregate(words, add_word, nd_no_user);
    return stream_job_run(arg, flow, input, nd_pipeline(tallies), on_sums);
}

static count_job word_count(const bench_plan *plan, const word_text *text)
{
    return (count_job){.stream = {.n_epochs = bench_scaled(plan, 100), .send = send_share},
                       .n_keys = VOCABULARY,
                       .epoch_len = WORDS,
                       .records = (const unsigned char *)text->lines,
                       .n_records = text->n_lines,
                       .record_size = sizeof(text_line),
                       .piece_len = 2048};
}

static double words_ns(const bench_plan *plan)
{
    word_text text = make_text();
    count_job count = word_count(plan, &text);
    bench_execute(plan, word_program, &count);
    stream_job_total(&count.stream, plan);
    check_count(&count);
    free_text(&text);
    return count_ns_each(&count);
}

static inline uint64_t hash_word(nd_bytes word)
{
    const unsigned char *letters = word.data;
    uint64_t hash = 0;
    for (size_t i = 0; i < word.size; i++)
        hash = (hash ^ letters[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 32);
}

static word_tally *find_word(word_tally *table, size_t mask, nd_bytes word)
{
    size_t place = hash_word(word) & mask;
    while (table[place].n != 0 && (table[place].word.size != word.size ||
                                   memcmp(table[place].word.data, word.data, word.size) != 0))
        place = (place + 1) & mask;
    return &table[place];
}

static void count_words(count_job *count, word_tally *table, size_t mask)
{
    const text_line *lines = (const void *)count->records;
    memset(table, 0, (mask + 1) * sizeof(*table));
    nd_bytes word;
    for (size_t i = 0; i < count->n_records; i++)
        for (nd_bytes rest = lines[i].text; next_word(&rest, &word);) {
            word_tally *const found = find_word(table, mask, word);
            *found = (word_tally){word, found->n + 1};
        }
    for (size_t i = 0; i <= mask; i++) {
        count->stream.n_arrived += table[i].n != 0;
        count->stream.sum += (uint64_t)table[i].n;
    }
}

static double plain_words_ns(const bench_plan *plan)
{
    enum { PLACES = 1 << 16 };
    word_text text = make_text();
    word_tally *table = bench_alloc(PLACES, sizeof(*table));
    count_job count = word_count(plan, &text);
    const uint64_t begin = bench_now_ns();
    for (size_t epoch = 0; epoch < count.stream.n_epochs; epoch++)
        count_words(&count, table, PLACES - 1);
    count.stream.ns = (double)(bench_now_ns() - begin);
    check_count(&count);
    free_text(&text);
    nd_free(table);
    return count_ns_each(&count);
}

const bench_row bench_counting_rows[] = {
    {"count by key, 4,096 keys", BENCH_ONE, 1, 4096, numbers_ns, plain_numbers_ns, BENCH_RATE, 120},
    {"count by key, 4,096 keys", BENCH_ONE, 2, 4096, numbers_ns, plain_numbers_ns, BENCH_RATE, 220},
    {"count by key, 4,096 keys", BENCH_PAIR, 1, 4096, numbers_ns, plain_numbers_ns, BENCH_RATE, 90},
    {"count by key, 65,536 keys", BENCH_ONE, 1, 65536, numbers_ns, plain_numbers_ns, BENCH_RATE,
     120},
    {"count by key, 65,536 keys", BENCH_ONE, 2, 65536, numbers_ns, plain_numbers_ns, BENCH_RATE,
     220},
    {"count by key, 65,536 keys", BENCH_PAIR, 1, 65536, numbers_ns, plain_numbers_ns, BENCH_RATE,
     90},
    {"word count", BENCH_ONE, 1, 0, words_ns, plain_words_ns, BENCH_RATE, 15},
    {"word count", BENCH_ONE, 2, 0, words_ns, plain_words_ns, BENCH_RATE, 28},
    {"word count", BENCH_PAIR, 1, 0, words_ns, plain_words_ns, BENCH_RATE, 12},
    {.name = NULL},
};

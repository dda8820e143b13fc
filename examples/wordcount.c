/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word count: how often each word stands in some files. A word is a run of the letters a to z,
 * whatever their case.
 *
 *     wordcount [-w WORKERS] [FILE...]        without files, counts a verse of its own
 *
 * Worker 0 reads lines; every worker splits and counts; worker 0 prints the counts, in order of the
 * words.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nereid.h>

typedef struct {
    uint64_t number; /* lines go round the workers */
    nd_bytes text;
} line;
static const nd_type line_type = ND_TYPE(line, 1, ND_FIELD(line, number), ND_FIELD(line, text));

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

static void split(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    const line *lines = records;
    for (size_t i = 0; i < len; i++) {
        const char *at = lines[i].text.data, *end = at + lines[i].text.size;
        while (at < end) {
            const char *word = at;
            while (at < end && is_letter(*at))
                at++;
            if (at > word)
                *(tally *)nd_emit_slot(out) = (tally){{word, (size_t)(at - word)}, 1};
            else
                at++;
        }
    }
}

static void add(void *user, void *total, const void *record)
{
    (void)user;
    ((tally *)total)->n += ((const tally *)record)->n;
}

/* --- Printing: a vertex that keeps what comes until it is all there --- */

typedef struct {
    nd_batch **batches; /* kept, since the words are theirs */
    size_t n_batches, n_tallies;
} listing;

static void to_first_worker(void *user, const void *records, size_t len, uint64_t *hashes)
{
    (void)user, (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = nd_route_to(0, 1);
}

static void keep(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    listing *self = nd_vertex_state(vertex);
    nd_batch **batches = nd_realloc(self->batches, self->n_batches + 1, sizeof *batches);
    if (batches == NULL) {
        nd_fail(vertex, "out of memory");
        return;
    }
    self->batches = batches;
    self->batches[self->n_batches++] = nd_batch_take(batch);
    self->n_tallies += nd_batch_len(batch);
    nd_notify_at(vertex, time);
}

static int by_word(const void *a, const void *b) { return nd_type_compare(&tally_type, a, b); }

static void print_all(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    const listing *self = nd_vertex_state(vertex);
    tally *all = nd_alloc(self->n_tallies, sizeof *all);
    if (all == NULL) {
        nd_fail(vertex, "out of memory");
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < self->n_batches; i++) {
        const size_t len = nd_batch_len(self->batches[i]);
        memcpy(all + n, nd_batch_records(self->batches[i]), len * sizeof *all);
        n += len;
    }
    qsort(all, n, sizeof *all, by_word);
    for (size_t i = 0; i < n; i++)
        printf("%.*s %" PRId64 "\n", (int)all[i].word.size, (const char *)all[i].word.data,
               all[i].n);
    nd_free(all);
}

static void release_all(nd_vertex *vertex)
{
    listing *self = nd_vertex_state(vertex);
    for (size_t i = 0; i < self->n_batches; i++)
        nd_batch_release(self->batches[i]);
    nd_free(self->batches);
}

/* --- Reading --- */

static nd_err read_lines(nd_worker *worker, nd_input *lines, FILE *file)
{
    static const unsigned often = 256;
    char *text = NULL;
    size_t capacity = 0;
    nd_err err = ND_OK;
    ssize_t size;
    for (uint64_t number = 0; err == ND_OK && (size = getline(&text, &capacity, file)) >= 0;
         number++) {
        for (ssize_t i = 0; i < size; i++)
            text[i] = (char)tolower((unsigned char)text[i]);
        nd_input_send(lines, &(line){number, {text, (size_t)size}}); /* copies the text */
        if (number % often == 0)
            err = nd_worker_step(worker, often); /* lets the lines go on their way */
    }
    free(text);
    return err;
}

static nd_err read_files(nd_worker *worker, nd_input *lines, char **paths)
{
    static char verse[] = "How doth the little crocodile\n  Improve his shining tail,\n"
                          "And pour the waters of the Nile\n  On every golden scale!\n";
    FILE *file = *paths == NULL ? fmemopen(verse, strlen(verse), "r") : NULL;
    if (file != NULL) {
        const nd_err err = read_lines(worker, lines, file);
        (void)fclose(file);
        return err;
    }
    for (; *paths != NULL; paths++) {
        file = fopen(*paths, "r");
        if (file == NULL)
            return nd_worker_fail(worker, ND_INPUT, "%s: %s", *paths, strerror(errno));
        const nd_err err = read_lines(worker, lines, file);
        (void)fclose(file);
        ND_TRY(err);
    }
    return ND_OK;
}

static nd_err program(nd_worker *worker, void *paths)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "wordcount");
    nd_input *input;
    nd_stream lines = nd_stream_exchange(nd_input_new(flow, &line_type, &input));
    nd_stream words = nd_flat_map(lines, &tally_type, split, nd_no_user);
    nd_stream counts = nd_aggregate(words, add, nd_no_user);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "print",
                                   .state_size = sizeof(listing),
                                   .deinit = release_all,
                                   .inputs = {nd_exchange_by(counts, to_first_worker, nd_no_user)},
                                   .on_recv = keep,
                                   .on_notify = print_all},
                  NULL);
    ND_TRY(nd_dataflow_start(flow));

    if (nd_worker_index(worker) == 0)
        ND_TRY(read_files(worker, input, paths));
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the example of a page of docs/operators.
 *
 *     operator_page NAME [-w WORKERS] <UPDATES
 *
 * UPDATES are lines `DIFFERENCE (EPOCH) KEY VALUE`, epochs ascending, after the name of the input
 * where the example has two. Prints what comes out, consolidated, in the same form and no order.
 */
#include <stdlib.h>
#include <string.h>

#include "operator_page.h"

enum { MOST_LINES = 64, WORD = 32 };

typedef struct line {
    unsigned input;
    uint64_t epoch;
    pair record;
    int64_t diff;
} line;

typedef struct script {
    const operator_page *page;
    line lines[MOST_LINES];
    size_t n;
} script;

/* --- Reading --- */

static bool parse(const operator_page *page, const char *text, line *out)
{
    char word[WORD] = "";
    int used = 0;
    *out = (line){.input = 0};
    if (page->two) {
        if (sscanf(text, "%31s %n", word, &used) != 1)
            return false;
        while (out->input < 2 && strcmp(word, page->inputs[out->input]) != 0)
            out->input++;
    }
    return out->input < 2 &&
           sscanf(text + used, "%" SCNd64 " (%" SCNu64 ") %" SCNu64 " %" SCNd64, &out->diff,
                  &out->epoch, &out->record.key, &out->record.value) == 4;
}

static bool read_script(script *self, FILE *in)
{
    char text[128];
    while (fgets(text, sizeof text, in)) {
        line *const next = &self->lines[self->n];
        if (self->n == MOST_LINES || !parse(self->page, text, next) ||
            (self->n > 0 && next->epoch < next[-1].epoch)) {
            fprintf(stderr, "this is not fed: %s", text);
            return false;
        }
        self->n++;
    }
    return true;
}

/* --- Printing --- */

static void print(nd_collection collection)
{
    nd_collection_inspect(nd_consolidate(collection), nd_collection_print, nd_no_user);
}

/* What an example finds at an epoch, as an update. */
static void show(void *user, const void *record, int64_t count)
{
    const nd_update found = {record, {.epoch = *(const uint64_t *)user}, count};
    nd_collection_print(NULL, &pair_type, &found, 1);
}

/* --- Running --- */

typedef struct run {
    const script *script;
    nd_worker *worker;
    nd_input *inputs[2];
    nd_arrangement *shared;
    nd_publisher *publisher;
} run;

static nd_err build(run *self)
{
    const operator_page *const page = self->script->page;
    nd_dataflow *const flow = nd_dataflow_new(self->worker, page->name);
    const nd_collection in = page->begin
                                 ? page->begin(flow, &self->inputs[0])
                                 : nd_collection_input_new(flow, &pair_type, &self->inputs[0]);
    if (page->one) {
        print(page->one(in));
    } else if (page->two) {
        print(page->two(in, nd_collection_input_new(flow, &pair_type, &self->inputs[1])));
    } else if (page->watch) {
        page->watch(in);
    } else if (page->feed) {
        print(in);
    } else {
        self->shared = nd_arrangement_create(nd_arrange(in));
        self->publisher = nd_arrangement_publish(self->shared);
    }
    return nd_dataflow_start(flow);
}

static nd_err build_reader(run *self)
{
    const operator_page *const page = self->script->page;
    if (!page->read)
        return ND_OK;
    nd_dataflow *const flow = nd_dataflow_new(self->worker, page->name);
    print(page->read(flow, self->shared));
    return nd_dataflow_start(flow);
}

/* Until the worker has published what it has of an epoch. No probe says so: what is published is on
 * no stream. */
static nd_err wait_for(const run *self, uint64_t epoch)
{
    uint64_t end = 0;
    while (end <= epoch) {
        ND_TRY(nd_worker_step(self->worker, 64));
        nd_snapshot *const snapshot = nd_publisher_take(self->publisher);
        if (!snapshot)
            return ND_NOMEM;
        end = nd_snapshot_end(snapshot);
        nd_snapshot_release(snapshot);
    }
    return ND_OK;
}

/* Ends an epoch, and asks what there was. */
static nd_err finish(run *self, uint64_t epoch)
{
    const operator_page *const page = self->script->page;
    for (size_t i = 0; i < 2; i++)
        if (self->inputs[i])
            nd_input_advance(self->inputs[i], epoch + 1);
    if (!page->ask)
        return ND_OK;
    ND_TRY(wait_for(self, epoch));
    return page->ask(self->publisher, epoch, show, &epoch);
}

static void feed(run *self, const line *one)
{
    nd_input *const input = self->inputs[one->input];
    nd_input_advance(input, one->epoch);
    if (nd_worker_index(self->worker) != 0)
        return;
    if (self->script->page->feed)
        self->script->page->feed(input, &one->record, one->diff);
    else
        nd_collection_update(input, &one->record, one->diff);
}

static nd_err feed_all(run *self)
{
    const script *const all = self->script;
    for (size_t i = 0; i < all->n; i++) {
        feed(self, &all->lines[i]);
        if (i + 1 == all->n || all->lines[i + 1].epoch != all->lines[i].epoch)
            ND_TRY(finish(self, all->lines[i].epoch));
    }
    for (size_t i = 0; i < 2; i++)
        if (self->inputs[i])
            nd_input_close(self->inputs[i]);
    return nd_worker_run(self->worker);
}

static nd_err program(nd_worker *worker, void *arg)
{
    run self = {.script = arg, .worker = worker};
    nd_err err = build(&self);
    if (err == ND_OK)
        err = build_reader(&self);
    if (err == ND_OK)
        err = feed_all(&self);
    nd_publisher_release(self.publisher);
    nd_arrangement_destroy(self.shared);
    return err;
}

int main(int argc, char **argv)
{
    script all = {.page = NULL};
    for (size_t i = 0; argc > 1 && operator_pages[i] && !all.page; i++)
        if (strcmp(operator_pages[i]->name, argv[1]) == 0)
            all.page = operator_pages[i];
    if (!all.page || !read_script(&all, stdin))
        return 2;
    return nd_main(argc, argv, program, &all);
}

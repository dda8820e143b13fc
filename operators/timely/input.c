/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's way in: a source without callbacks, driven between the worker's steps.
 *
 * Invariant: while the input is open, its vertex holds exactly the time `now`; closed, it holds
 * nothing.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The state of the source's vertex. */
struct nd_input {
    nd_vertex *vertex;
    const nd_type *type;
    nd_time now;
    bool is_closed;
    uint64_t n_sent;
    const char *instead; /* what to call instead of nd_input_send, or NULL */
    unsigned n_floats;   /* fields to be checked: none, for most types */
    unsigned floats[ND_MAX_FIELDS];
};

static void find_floats(nd_input *input)
{
    const unsigned n_fields = nd_type_n_fields(input->type);
    for (unsigned i = 0; i < n_fields; i++)
        if (input->type->fields[i].kind == ND_KIND_FLOAT)
            input->floats[input->n_floats++] = i;
}

nd_stream nd_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input)
{
    nd_stream out = {NULL};
    if (input != NULL)
        *input = NULL;
    if (type == NULL || input == NULL) {
        nd_dataflow_mistake(flow, ND_INVAL, "input: it needs %s",
                            type == NULL ? "a type" : "a place for its handle");
        return out;
    }
    nd_vertex *const vertex = nd_vertex_new(nd_root(flow),
                                            &(nd_vertex_def){
                                                .name = "input",
                                                .state_size = sizeof(nd_input),
                                                .outputs = {type},
                                                .source = true,
                                            },
                                            &out);
    if (vertex == NULL)
        return out;
    nd_input *const made = nd_vertex_state(vertex);
    made->vertex = vertex;
    made->type = type;
    find_floats(made);
    *input = made;
    return out;
}

/* --- Floats --- */

/* Makes -0.0 of a field 0.0; false for a NaN. Adding zero does just that, and keeps everything
 * else. */
static bool clean_field(const nd_field *field, unsigned char *record)
{
    unsigned char *const place = record + field->offset;
    double wide;
    float narrow;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, place, sizeof narrow);
        narrow += 0.0f;
        memcpy(place, &narrow, sizeof narrow);
        return !isnan(narrow);
    }
    memcpy(&wide, place, sizeof wide);
    wide += 0.0;
    memcpy(place, &wide, sizeof wide);
    return !isnan(wide);
}

static bool clean_record(nd_input *input, unsigned char *record)
{
    for (unsigned i = 0; i < input->n_floats; i++) {
        const nd_field *field = &input->type->fields[input->floats[i]];
        if (clean_field(field, record))
            continue;
        nd_fail(input->vertex, "a record of type '%s' has a NaN in field '%s'", input->type->name,
                field->name);
        return false;
    }
    return true;
}

/* Cleaned in a buffer rather than in the batch, since what has been written to a batch cannot be
 * taken back. */
static void send_cleaned(nd_input *input, nd_emit *emit, const unsigned char *records, size_t len)
{
    enum { MOST_BYTES = ND_MAX_FIELDS * sizeof(nd_bytes) };
    unsigned char copy[MOST_BYTES];
    const size_t size = input->type->size;
    assert(size <= MOST_BYTES); /* no field is wider than nd_bytes, and there is no padding */
    for (size_t i = 0; i < len; i++) {
        memcpy(copy, records + i * size, size);
        if (!clean_record(input, copy))
            return;
        nd_emit_copy(emit, copy, 1);
    }
}

/* --- What the program calls --- */

static bool is_open(const nd_input *input) { return input != NULL && !input->is_closed; }

void nd_input_send_rows(nd_input *input, const void *records, size_t len)
{
    if (!is_open(input) || len == 0)
        return;
    nd_emit *const emit = nd_vertex_emit(input->vertex, 0, &input->now);
    input->n_sent += len;
    if (input->n_floats == 0)
        nd_emit_copy(emit, records, len);
    else
        send_cleaned(input, emit, records, len);
}

void nd_input_keep_for(nd_input *input, const char *instead)
{
    if (input)
        input->instead = instead;
}

static bool takes_records(nd_input *input)
{
    if (is_open(input) && input->instead)
        nd_fail(input->vertex, "it is a collection's: call %s", input->instead);
    return is_open(input) && !input->instead;
}

void nd_input_send_many(nd_input *input, const void *records, size_t len)
{
    if (takes_records(input))
        nd_input_send_rows(input, records, len);
}

void nd_input_send(nd_input *input, const void *record)
{
    if (!takes_records(input))
        return;
    if (input->n_floats == 0) {
        nd_send_by(input->vertex, 0, &input->now, record);
        input->n_sent++;
    } else {
        nd_input_send_rows(input, record, 1);
    }
}

void nd_input_advance(nd_input *input, uint64_t epoch)
{
    if (!is_open(input) || epoch == input->now.epoch)
        return;
    if (epoch < input->now.epoch) {
        nd_fail(input->vertex, "it is at epoch %llu and cannot go back to %llu",
                (unsigned long long)input->now.epoch, (unsigned long long)epoch);
        return;
    }
    const nd_time later = {.epoch = epoch};
    nd_hold(input->vertex, &later);
    nd_release(input->vertex, &input->now);
    input->now = later;
}

void nd_input_close(nd_input *input)
{
    if (!is_open(input))
        return;
    nd_release(input->vertex, &input->now);
    input->is_closed = true;
}

uint64_t nd_input_epoch(const nd_input *input)
{
    return is_open(input) ? input->now.epoch : UINT64_MAX;
}

uint64_t nd_input_n_sent(const nd_input *input) { return input->n_sent; }

nd_worker *nd_input_worker(const nd_input *input) { return nd_vertex_worker(input->vertex); }

const nd_type *nd_input_type(const nd_input *input) { return input->type; }

void nd_input_fail(nd_input *input, const char *text) { nd_fail(input->vertex, "%s", text); }

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter: the user marks what to keep, and the marked records are copied. Copying is without
 * branches: every record is written to the next place, and the place moves on only behind a kept
 * one. The record's size is a constant in each instance of the loop.
 */
#include <nereid/stream.h>

#include <string.h>

#include "operators/timely/operator_internal.h"

enum { CHUNK = 1024 }; /* records a call of the user's function */

typedef struct filter {
    nd_filter_fn *fn;
    bool is_flat; /* records may be copied as bytes */
} filter;

static inline size_t compact_size(const unsigned char *records, size_t len, size_t size,
                                  const bool *keep, unsigned char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        memcpy(out + n * size, records + i * size, size);
        n += keep[i];
    }
    return n;
}

/* Copies the kept records to `out`, which has room for `len`, and returns how many there are. */
static size_t compact(const unsigned char *records, size_t len, size_t size, const bool *keep,
                      unsigned char *out)
{
    switch (size) {
    case 4:
        return compact_size(records, len, 4, keep, out);
    case 8:
        return compact_size(records, len, 8, keep, out);
    case 16:
        return compact_size(records, len, 16, keep, out);
    default:
        return compact_size(records, len, size, keep, out);
    }
}

static void copy_flat(nd_emit *out, const unsigned char *records, size_t len, const bool *keep)
{
    while (len != 0) {
        size_t room;
        unsigned char *const place = nd_emit_room(out, &room);
        const size_t n = len < room ? len : room;
        nd_emit_wrote(out, compact(records, n, out->record_size, keep, place));
        records += n * out->record_size;
        keep += n;
        len -= n;
    }
}

static void copy_any(nd_emit *out, const unsigned char *records, size_t len, const bool *keep)
{
    for (size_t i = 0; i < len; i++)
        if (keep[i])
            nd_emit_copy(out, records + i * out->record_size, 1);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    const filter *self = nd_vertex_state(vertex);
    const unsigned char *records = nd_batch_records(batch);
    nd_emit *const out = nd_vertex_emit(vertex, 0, time);
    for (size_t left = nd_batch_len(batch); left != 0;) {
        bool keep[CHUNK];
        const size_t len = left < CHUNK ? left : CHUNK;
        memset(keep, 0, len);
        self->fn(nd_vertex_user(vertex), records, len, keep);
        if (self->is_flat)
            copy_flat(out, records, len, keep);
        else
            copy_any(out, records, len, keep);
        records += len * out->record_size;
        left -= len;
    }
}

nd_stream nd_filter(nd_stream stream, nd_filter_fn *fn, nd_user user)
{
    nd_stream out = {NULL};
    nd_operator_check(stream, "filter", fn != NULL, "it needs a function");
    nd_vertex *const vertex = nd_operator_new(nd_pipeline(stream),
                                              &(nd_operator_def){
                                                  .name = "filter",
                                                  .output = nd_stream_type(stream),
                                                  .state_size = sizeof(filter),
                                                  .on_recv = on_recv,
                                                  .user = user,
                                              },
                                              &out);
    if (vertex != NULL)
        *(filter *)nd_vertex_state(vertex) = (filter){fn, nd_type_is_flat(nd_stream_type(stream))};
    return out;
}

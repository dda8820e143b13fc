/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: the type that is derived from a record's. */
#include "operators/differential/row.h"

#include <nereid/vertex.h>

static_assert(offsetof(nd_time, loop) == 8, "stamps are copied from times");

/* Known by their addresses: a record may have fields of these names, too. */
static const char padding[] = "padding", difference[] = "difference", word[] = "word";

/* Fields of a record, of its padding (one, two and four bytes), of a stamp. */
static_assert(ND_MAX_COLLECTION_FIELDS + 3 + 1 + ND_MAX_LOOPS + 1 <= ND_MAX_FIELDS,
              "a row has room for all its fields");

static void add_field(nd_type *type, unsigned *n_fields, const char *name, uint16_t size,
                      nd_kind kind)
{
    type->fields[(*n_fields)++] = (nd_field){name, type->size, size, (uint16_t)kind};
    type->size += size;
}

/* The type of a row, and where its stamp begins. The record has been checked. */
static nd_type derive(const nd_type *record, unsigned n_counters, uint32_t *stamp_offset)
{
    static const char *const counters[ND_MAX_LOOPS] = {"counter0", "counter1", "counter2",
                                                       "counter3"};
    nd_type type = *record;
    unsigned n = nd_type_n_fields(record);
    for (uint16_t size = 1; size < 8; size = (uint16_t)(2 * size))
        if (type.size & size)
            add_field(&type, &n, padding, size, ND_KIND_UNSIGNED);
    *stamp_offset = type.size;
    add_field(&type, &n, "epoch", 8, ND_KIND_UNSIGNED);
    for (unsigned i = 0; i < n_counters; i++)
        add_field(&type, &n, counters[i], 4, ND_KIND_UNSIGNED);
    add_field(&type, &n, difference, 8, ND_KIND_SIGNED);
    return type;
}

/* Whether there can be updates of such records; else a mistake has been noted. */
static bool check_record(nd_dataflow *flow, const nd_type *record)
{
    nd_message message;
    if (!record) {
        nd_dataflow_mistake(flow, ND_INVAL, "a collection needs a type of records");
        return false;
    }
    nd_err err = nd_type_check(record, &message);
    if (err == ND_OK && record->retain)
        err = nd_message_set(&message, ND_INVAL,
                             "type '%s': objects cannot be records of a collection", record->name);
    if (err == ND_OK && nd_type_n_fields(record) > ND_MAX_COLLECTION_FIELDS)
        err = nd_message_set(&message, ND_INVAL,
                             "type '%s': the records of a collection have at most %d fields",
                             record->name, ND_MAX_COLLECTION_FIELDS);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s", message.text);
    return err == ND_OK;
}

static nd_row shape(const nd_type *record, const nd_type *type, uint32_t stamp_offset,
                    unsigned n_loops)
{
    return (nd_row){.type = type,
                    .n_loops = n_loops,
                    .record_size = record->size,
                    .stamp_offset = stamp_offset,
                    .stamp_size = type->size - stamp_offset};
}

nd_row nd_row_make(nd_scope *scope, const nd_type *record)
{
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    uint32_t stamp_offset;
    if (!scope || !check_record(flow, record))
        return (nd_row){.type = NULL};
    const nd_type type = derive(record, (nd_scope_n_loops(scope) + 1) & ~1u, &stamp_offset);
    const nd_type *const kept = nd_type_keep(flow, &type);
    return kept ? shape(record, kept, stamp_offset, nd_scope_n_loops(scope))
                : (nd_row){.type = NULL};
}

/* The number of counters that make a row of `record` as large as `type`; more than there are, if
 * none does. */
static unsigned guess_counters(const nd_type *record, const nd_type *type)
{
    const uint32_t least = ((record->size + 7) & ~7u) + 16;
    return type->size < least ? ND_MAX_LOOPS + 1 : (type->size - least) / 4;
}

static bool find_stamp(const nd_type *type, const nd_type *record, uint32_t *stamp_offset)
{
    const unsigned n_counters = guess_counters(record, type);
    if (n_counters > ND_MAX_LOOPS || nd_type_n_fields(record) > ND_MAX_COLLECTION_FIELDS)
        return false;
    const nd_type derived = derive(record, n_counters, stamp_offset);
    return nd_type_is_same(&derived, type);
}

nd_row nd_row_of(nd_collection collection)
{
    const nd_type *const type = nd_stream_type(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(nd_stream_scope(collection.stream));
    uint32_t stamp_offset;
    if (!type || !check_record(flow, collection.type))
        return (nd_row){.type = NULL};
    if (find_stamp(type, collection.type, &stamp_offset))
        return shape(collection.type, type, stamp_offset, collection.n_loops);
    nd_dataflow_mistake(flow, ND_INVAL, "a stream of '%s' is not a collection of '%s'", type->name,
                        collection.type->name);
    return (nd_row){.type = NULL};
}

nd_row nd_row_make_word(nd_dataflow *flow, const nd_type *record)
{
    nd_row row = nd_row_make(nd_root(flow), record);
    if (!row.type)
        return row;
    nd_type type = *row.type;
    type.fields[nd_type_n_fields(&type) - 1].name = word;
    row.type = nd_type_keep(flow, &type);
    return row;
}

bool nd_row_of_input(const nd_type *type, nd_row_kind kind, nd_row *row)
{
    const unsigned n = nd_type_n_fields(type);
    if (n < 3 || type->fields[n - 1].name != (kind == ND_ROW_WORD ? word : difference))
        return false;
    unsigned i = n - 2; /* the epoch, in the root scope */
    *row = (nd_row){.type = type,
                    .stamp_offset = type->fields[i].offset,
                    .stamp_size = type->size - type->fields[i].offset};
    while (type->fields[i - 1].name == padding)
        i--;
    row->record_size = type->fields[i].offset;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are valid flat records, but for truth values: to read a bool that is neither 0 nor 1 is
 * undefined behaviour in the program that gets it.
 */
#include "transport/wire/records.h"

#include <inttypes.h>
#include <string.h>

static bool are_truth_values(const unsigned char *at, size_t stride, size_t len)
{
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++)
        bits |= at[i * stride];
    return bits <= 1;
}

static nd_err check_bools(const nd_type *type, const unsigned char *records, size_t len,
                          nd_message *message)
{
    const nd_field *const end = type->fields + nd_type_n_fields(type);
    for (const nd_field *field = type->fields; field < end; field++)
        if (field->kind == ND_KIND_BOOL &&
            !are_truth_values(records + field->offset, type->size, len))
            return nd_message_set(message, ND_PROTO,
                                  "records of type '%s' with a field '%s' that is neither true nor "
                                  "false",
                                  type->name, field->name);
    return ND_OK;
}

nd_err nd_wire_flat_read(nd_pool *pool, const nd_type *type, const nd_wire_head *head,
                         const void *body, nd_batch **batch, nd_message *message)
{
    if (!nd_type_is_flat(type))
        return nd_message_set(message, ND_PROTO, "flat records for a channel of type '%s'",
                              type->name);
    if (head->count == 0 || head->length != (uint64_t)head->count * type->size)
        return nd_message_set(message, ND_PROTO,
                              "%" PRIu64 " bytes that should be %" PRIu32
                              " records of type '%s', of %" PRIu32 " bytes each",
                              head->length, head->count, type->name, type->size);
    ND_TRY(check_bools(type, body, head->count, message));
    nd_batch *const copy = nd_batch_create(pool, type, (size_t)head->length);
    if (!copy)
        return ND_NOMEM;
    memcpy(copy->records, body, (size_t)head->length);
    copy->len = head->count;
    *batch = copy;
    return ND_OK;
}

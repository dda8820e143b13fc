/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/keys.h"

bool nd_has_same_key(const nd_type *a, const nd_type *b, unsigned n_key)
{
    if (nd_type_n_fields(a) < n_key || nd_type_n_fields(b) < n_key)
        return false;
    for (unsigned i = 0; i < n_key; i++)
        if (a->fields[i].kind != b->fields[i].kind || a->fields[i].size != b->fields[i].size)
            return false;
    return true;
}

static nd_type key_type(const nd_type *type)
{
    nd_type key = {.name = type->name, .nkey = type->nkey};
    for (unsigned i = 0; i < type->nkey; i++) {
        key.fields[i] = type->fields[i];
        key.size = type->fields[i].offset + type->fields[i].size;
    }
    return key;
}

/* The key stands first in a record. */
static void take_key(void *user, const void *records, size_t len, void *out)
{
    const nd_type *const type = user;
    const size_t size = type->fields[type->nkey - 1].offset + type->fields[type->nkey - 1].size;
    for (size_t i = 0; i < len; i++)
        memcpy((unsigned char *)out + i * size, (const unsigned char *)records + i * type->size,
               size);
}

nd_collection nd_keys_of(nd_collection collection)
{
    nd_dataflow *const flow = nd_scope_dataflow(nd_stream_scope(collection.stream));
    const nd_type *const type = collection.type;
    if (!type || type->nkey == 0) {
        nd_dataflow_mistake(flow, ND_INVAL, "keys: '%s' has no key", type ? type->name : "?");
        return (nd_collection){.type = NULL};
    }
    const nd_type key = key_type(type);
    const nd_type *const kept = nd_type_keep(flow, &key);
    return kept ? nd_collection_map(collection, kept, take_key,
                                    (nd_user){(void *)(uintptr_t)type, NULL})
                : (nd_collection){.type = NULL};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/records.h"

#include <string.h>

typedef struct plain {
    uint64_t key, id;
} plain;

typedef struct texted {
    uint64_t key, id;
    nd_bytes text;
} texted;

typedef struct wide {
    uint64_t key, id, more[6];
} wide;

static const nd_type plain_type = ND_TYPE(plain, 1, ND_FIELD(plain, key), ND_FIELD(plain, id));
static const nd_type texted_type =
    ND_TYPE(texted, 1, ND_FIELD(texted, key), ND_FIELD(texted, id), ND_FIELD(texted, text));
static const nd_type wide_type =
    ND_TYPE(wide, 1, ND_FIELD(wide, key), ND_FIELD(wide, id), ND_FIELD(wide, more[0]),
            ND_FIELD(wide, more[1]), ND_FIELD(wide, more[2]), ND_FIELD(wide, more[3]),
            ND_FIELD(wide, more[4]), ND_FIELD(wide, more[5]));

_Static_assert(sizeof(wide) == RECORD_SIZE, "the largest record");

const nd_type *record_type(nd_random *random)
{
    static const nd_type *const types[] = {&plain_type, &plain_type, &texted_type, &wide_type};
    return types[nd_random_below(random, 4)];
}

static nd_bytes text_of(uint64_t id)
{
    static const char letters[] = "the nereids are fifty, and each of them has a name of her own";
    const size_t first = id % 32;
    return (nd_bytes){letters + first, id % (sizeof letters - 1 - first)};
}

void record_fill(const nd_type *type, record_head head, void *record)
{
    if (type == &plain_type)
        *(plain *)record = (plain){head.key, head.id};
    else if (type == &texted_type)
        *(texted *)record = (texted){head.key, head.id, text_of(head.id)};
    else
        *(wide *)record = (wide){head.key, head.id, {head.id, 1, 2, 3, 4, ~head.id}};
}

record_head record_head_at(const nd_type *type, const void *records, size_t index)
{
    record_head head;
    memcpy(&head, (const char *)records + index * type->size, sizeof head);
    return head;
}

bool record_is_whole(const nd_type *type, const void *records, size_t index)
{
    const char *record = (const char *)records + index * type->size;
    const record_head head = record_head_at(type, records, index);
    if (type != &texted_type) {
        wide expected;
        record_fill(type, head, &expected);
        return memcmp(record, &expected, type->size) == 0;
    }
    texted got;
    memcpy(&got, record, sizeof got);
    const nd_bytes expected = text_of(head.id);
    return got.text.size == expected.size &&
           memcmp(got.text.data, expected.data, expected.size) == 0;
}

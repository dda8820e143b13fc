/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of progress. The first two bytes are the count (least first), the rest is the body. What
 * is accepted, packed again, comes back the same; an arena that is too small refuses and no more.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"
#include "transport/wire/progress.h"

enum { PREFIX = 2, MOST_BYTES = 1 << 16, SMALL_ARENA = 1 << 14 };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static bool is_same(const nd_frame *a, const nd_frame *b)
{
    return a->kind == b->kind && a->worker == b->worker && a->fingerprint == b->fingerprint &&
           a->len == b->len &&
           (a->len == 0 || memcmp(a->changes, b->changes, a->len * sizeof *a->changes) == 0);
}

static void check_again(const nd_frame *frame)
{
    nd_frame again;
    nd_vector body;
    nd_wire_arena arena;
    nd_vector_init(&body, 1);
    nd_wire_arena_init(&arena, ND_WIRE_ARENA_MOST);
    check(nd_wire_progress_pack(frame, &body, NULL) == ND_OK);
    const nd_wire_head head = {.count = (uint32_t)frame->len, .length = body.len};
    check(nd_wire_progress_unpack(&head, body.items, &arena, &again, NULL) == ND_OK);
    check(is_same(frame, &again));
    nd_wire_arena_deinit(&arena);
    nd_vector_deinit(&body);
}

static void unpack(const uint8_t *data, size_t size, size_t limit)
{
    nd_wire_arena arena;
    nd_frame frame;
    nd_message message = {""};
    const nd_wire_head head = {.count = data[0] | (uint32_t)data[1] << 8, .length = size - PREFIX};
    nd_wire_arena_init(&arena, limit);
    const nd_err err = nd_wire_progress_unpack(&head, data + PREFIX, &arena, &frame, &message);
    check(err == ND_OK || (err == ND_PROTO && message.text[0] != '\0'));
    if (err == ND_OK)
        check_again(&frame);
    nd_wire_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PREFIX || size > MOST_BYTES)
        return 0;
    unpack(data, size, ND_WIRE_ARENA_MOST);
    unpack(data, size, SMALL_ARENA);
    return 0;
}

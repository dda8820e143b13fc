/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages. Packed again, what was accepted gives bytes that, unpacked and packed once
 * more, are the same; texts are one line each. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"
#include "transport/wire/control.h"

enum { MOST_BYTES = 1 << 16, SMALL_ARENA = 1 << 14 };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void check_text(const char *text)
{
    const size_t len = strlen(text);
    check(len < ND_CONTROL_TEXT && strpbrk(text, "\n\r\x1b\x7f") == NULL);
}

static void check_texts(const nd_control *control)
{
    if (control->kind == ND_CONTROL_JOIN) {
        check_text(control->join.host);
        check_text(control->join.version);
        check((unsigned)control->join.lane < ND_LANES);
    } else if (control->kind == ND_CONTROL_REFUSE) {
        check_text(control->refuse.text);
        check_text(nd_err_text(control->refuse.err));
    } else if (control->kind == ND_CONTROL_ABORT) {
        check_text(control->abort.text);
        check_text(nd_err_text(control->abort.err));
    } else if (control->kind == ND_CONTROL_TELL) {
        for (size_t i = 0; i < control->tell.n_lines; i++)
            check_text(control->tell.lines[i]);
    }
}

static nd_err unpack(const void *body, size_t size, nd_wire_arena *arena, nd_control *control)
{
    nd_message message = {""};
    const nd_wire_head head = {.kind = ND_WIRE_CONTROL, .length = size};
    const nd_err err = nd_wire_control_unpack(&head, body, arena, control, &message);
    check(err == ND_OK || (err == ND_PROTO && message.text[0] != '\0'));
    return err;
}

static void check_again(const nd_control *control)
{
    nd_wire_arena arena;
    nd_vector first, second;
    nd_control again;
    nd_wire_arena_init(&arena, ND_CONTROL_ARENA_MOST);
    nd_vector_init(&first, 1);
    nd_vector_init(&second, 1);
    check(nd_wire_control_pack(control, &first) == ND_OK);
    check(unpack(first.items, first.len, &arena, &again) == ND_OK && again.kind == control->kind);
    check(nd_wire_control_pack(&again, &second) == ND_OK);
    check(first.len == second.len && memcmp(first.items, second.items, first.len) == 0);
    nd_vector_deinit(&first);
    nd_vector_deinit(&second);
    nd_wire_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {ND_CONTROL_ARENA_MOST, SMALL_ARENA};
    if (size > MOST_BYTES)
        return 0;
    for (unsigned i = 0; i < 2; i++) {
        nd_wire_arena arena;
        nd_control control;
        nd_wire_arena_init(&arena, limits[i]);
        if (unpack(data, size, &arena, &control) == ND_OK) {
            check_texts(&control);
            check_again(&control);
        }
        nd_wire_arena_deinit(&arena);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a frame must say of itself: the right one passes, and with any one thing changed it does
 * not.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "transport/frame_check.h"

static const nd_frame_due due = {
    .process = 3, .incarnation = 77, .lane = ND_LANE_PROGRESS, .sequence = 9};

static nd_wire_head right_head(void)
{
    return (nd_wire_head){.kind = ND_WIRE_PROGRESS, .process = 3, .incarnation = 77, .sequence = 9};
}

static void expect_refused(const nd_wire_head *head, const char *text)
{
    nd_message message = {""};
    assert_int_equal(nd_frame_check(&due, head, &message), ND_PROTO);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}

static void the_frame_that_is_due_passes(void **state)
{
    (void)state;
    const nd_wire_head head = right_head();
    assert_int_equal(nd_frame_check(&due, &head, NULL), ND_OK);
}

static void others_are_named(void **state)
{
    (void)state;
    nd_wire_head head = right_head();
    head.process = 2;
    expect_refused(&head, "in the name of another");
    head = right_head();
    head.incarnation = 78;
    expect_refused(&head, "in the name of another");
    head = right_head();
    head.sequence = 8;
    expect_refused(&head, "frame 8 where 9 was due");
    head.sequence = 10;
    expect_refused(&head, "frame 10 where 9 was due");
}

static void every_kind_travels_on_one_lane(void **state)
{
    (void)state;
    static const nd_lane_kind lanes[] = {[ND_WIRE_RECORDS] = ND_LANE_DATA,
                                         [ND_WIRE_PACKED] = ND_LANE_DATA,
                                         [ND_WIRE_PROGRESS] = ND_LANE_PROGRESS,
                                         [ND_WIRE_CONTROL] = ND_LANE_CONTROL};
    for (unsigned kind = ND_WIRE_RECORDS; kind <= ND_WIRE_CONTROL; kind++)
        for (unsigned lane = 0; lane < ND_LANES; lane++) {
            nd_frame_due at = due;
            nd_wire_head head = right_head();
            at.lane = (nd_lane_kind)lane;
            head.kind = (nd_wire_kind)kind;
            assert_int_equal(nd_frame_check(&at, &head, NULL),
                             lanes[kind] == at.lane ? ND_OK : ND_PROTO);
        }
}

static void a_process_speaks_of_its_own_workers(void **state)
{
    (void)state;
    static const nd_frame_kind kinds[] = {ND_FRAME_START, ND_FRAME_CHANGES, ND_FRAME_DROP,
                                          ND_FRAME_END};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned worker = 0; worker < 12; worker++) {
            const nd_frame frame = {.kind = kinds[i], .worker = worker};
            const bool names_it = frame.kind == ND_FRAME_START || frame.kind == ND_FRAME_END;
            assert_int_equal(nd_frame_is_of(&frame, 2, 3),
                             !names_it || (worker >= 6 && worker < 9));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frame_that_is_due_passes),
        cmocka_unit_test(others_are_named),
        cmocka_unit_test(every_kind_travels_on_one_lane),
        cmocka_unit_test(a_process_speaks_of_its_own_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/local.h"

#include "tests/support/cmocka.h"
#include "tests/transport/transport_suite.h"

static unsigned n_woken[8];

static void wake(void *context, unsigned worker)
{
    (void)context;
    n_woken[worker]++;
}

static void *create(unsigned n_workers)
{
    nd_local *local = NULL;
    return nd_local_create(n_workers, wake, NULL, &local) == ND_OK ? local : NULL;
}

static void destroy(void *subject) { nd_local_destroy(subject); }

static nd_transport end_of(void *subject, unsigned worker)
{
    return nd_local_transport(subject, worker);
}

static void receivers_are_woken_once_a_flush_and_nobody_else_is(void **state)
{
    (void)state;
    nd_local *const local = create(3);
    const nd_transport end = nd_local_transport(local, 1);
    const nd_frame frame = {.sender = 1, .sequence = 1, .kind = ND_FRAME_START};
    for (unsigned i = 0; i < 3; i++)
        n_woken[i] = 0;
    end.ops->flush(end.endpoint);
    assert_int_equal(n_woken[0] + n_woken[1] + n_woken[2], 0);
    assert_int_equal(end.ops->send_frame(end.endpoint, &frame), ND_OK);
    assert_int_equal(end.ops->send_frame(end.endpoint, &frame), ND_OK);
    end.ops->flush(end.endpoint);
    end.ops->flush(end.endpoint);
    assert_int_equal(n_woken[0], 1);
    assert_int_equal(n_woken[1], 0);
    assert_int_equal(n_woken[2], 1);
    nd_local_destroy(local);
}

int main(void)
{
    const transport_subject subject = {.create = create, .destroy = destroy, .end_of = end_of};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receivers_are_woken_once_a_flush_and_nobody_else_is),
    };
    return transport_suite_run("local", &subject) + cmocka_run_group_tests(tests, NULL, NULL);
}

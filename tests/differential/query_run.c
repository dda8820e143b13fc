/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/differential/query_run.h"

#include "tests/support/cmocka.h"

#include <string.h>

static nd_err program(nd_worker *worker, void *arg)
{
    query_run *const self = arg;
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "query");
    const nd_collection in = nd_collection_input_new(flow, self->type, &input);
    nd_collection_inspect(self->query(flow, in), changes_note, (nd_user){&self->seen, NULL});
    ND_TRY(nd_dataflow_start(flow));
    if (nd_worker_index(worker) == 0)
        self->feed(input);
    nd_input_close(input);
    return nd_worker_run(worker);
}

nd_err query_run_it(query_run *self, unsigned n_workers, nd_message *message)
{
    return nd_execute(&(nd_config){.n_workers = n_workers}, program, self, NULL, message);
}

void query_expect(const nd_type *type, query_fn *query, feed_fn *feed, const char *expected)
{
    for (unsigned n = 1; n <= 3; n++) {
        nd_message message = {""};
        query_run self = {.type = type, .query = query, .feed = feed};
        changes_init(&self.seen);
        if (query_run_it(&self, n, &message) != ND_OK)
            fail_msg("%s", message.text);
        changes_expect(&self.seen, expected);
        changes_deinit(&self.seen);
    }
}

void query_expect_failure(const nd_type *type, query_fn *query, feed_fn *feed, nd_err err,
                          const char *what)
{
    nd_message message = {""};
    query_run self = {.type = type, .query = query, .feed = feed};
    changes_init(&self.seen);
    assert_int_equal(query_run_it(&self, 1, &message), err);
    if (!strstr(message.text, what))
        fail_msg("'%s' is not in '%s'", what, message.text);
    changes_deinit(&self.seen);
}

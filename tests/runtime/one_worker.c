/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/runtime/one_worker.h"

#include "scheduler/simulation.h"
#include "scheduler/worker.h"
#include "tests/support/cmocka.h"

const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

static nd_err build_nothing(nd_worker *worker, void *arg)
{
    (void)worker, (void)arg;
    return ND_OK;
}

nd_err run_on_one_worker(nd_program *program, void *arg, nd_message *message)
{
    nd_simulation *simulation;
    bool quiet;
    const nd_simulation_def def = {.n_workers = 1, .build = build_nothing};
    assert_int_equal(nd_simulation_create(&def, &simulation, message), ND_OK);
    const nd_err err = program(nd_simulation_worker(simulation, 0), arg);
    if (err != ND_OK)
        assert_int_equal(nd_simulation_step(simulation, &quiet, message), err);
    nd_simulation_destroy(simulation);
    return err;
}

void expect_success(nd_program *program, void *arg)
{
    nd_message message = {""};
    if (run_on_one_worker(program, arg, &message) != ND_OK)
        fail_msg("%s", message.text);
}

nd_err step_to_end(nd_worker *worker)
{
    for (unsigned i = 0; i < 100 && !nd_worker_is_done(worker); i++)
        ND_TRY(nd_worker_step(worker, 100));
    assert_true(nd_worker_is_done(worker));
    return ND_OK;
}

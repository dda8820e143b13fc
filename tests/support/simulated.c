/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/simulated.h"

#include "tests/support/cmocka.h"

enum { ENDLESS = 10000000 };

nd_err simulated_settle(nd_simulation *simulation, nd_message *message)
{
    nd_err err = ND_OK;
    bool quiet = false;
    for (size_t n = 0; !quiet && err == ND_OK; n++) {
        assert_int_not_equal(n, ENDLESS);
        err = nd_simulation_step(simulation, &quiet, message);
    }
    return err;
}

nd_err simulated_run(const nd_simulation_def *def, nd_message *message)
{
    nd_simulation *simulation;
    ND_TRY(nd_simulation_create(def, &simulation, message));
    nd_err err = simulated_settle(simulation, message);
    if (err == ND_OK && !nd_simulation_is_done(simulation))
        err = nd_message_set(message, ND_FAILED, "nothing moves, and it is not complete");
    nd_simulation_destroy(simulation);
    return err;
}

void simulated_expect(const nd_simulation_def *def)
{
    nd_message message = {""};
    if (simulated_run(def, &message) != ND_OK)
        fail_msg("seed %llu: %s", (unsigned long long)def->seed, message.text);
}

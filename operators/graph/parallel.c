/* SPDX-License-Identifier: Apache-2.0 */
/* Fork and join. Threads live for one call: starting one costs some ten microseconds, and what runs
 * here takes milliseconds. */
#include "operators/graph/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct share {
    void (*work)(void *context, unsigned index);
    void *context;
    unsigned index;
    pthread_t thread;
    bool has_thread;
} share;

static void *run_share(void *argument)
{
    const share *const mine = argument;
    mine->work(mine->context, mine->index);
    return NULL;
}

void parallel_run(unsigned n_threads, void (*work)(void *context, unsigned index), void *context)
{
    share shares[PARALLEL_MAX];
    assert(n_threads >= 1 && n_threads <= PARALLEL_MAX);
    for (unsigned i = 0; i < n_threads; i++) {
        shares[i] = (share){.work = work, .context = context, .index = i};
        shares[i].has_thread =
            i > 0 && pthread_create(&shares[i].thread, NULL, run_share, &shares[i]) == 0;
    }
    for (unsigned i = 0; i < n_threads; i++)
        if (!shares[i].has_thread)
            run_share(&shares[i]);
    for (unsigned i = 0; i < n_threads; i++)
        if (shares[i].has_thread)
            pthread_join(shares[i].thread, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Printing updates. The lock of stdio's standard output is the turn of a worker, and orders its
 * lines with the program's own printf. */
#include <inttypes.h>
#include <stdio.h>

#include <nereid/collection.h>
#include <nereid/io.h>

/* Counters up to the last that is not zero. */
static unsigned visible_loops(const nd_time *time)
{
    unsigned n_loops = ND_MAX_LOOPS;
    while (n_loops > 0 && time->loop[n_loops - 1] == 0)
        n_loops--;
    return n_loops;
}

void nd_collection_print(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    const char *const name = user;
    nd_writer *writer;
    nd_message message;
    char time[ND_TIME_TEXT_SIZE];
    flockfile(stdout);
    if (fflush(stdout) == 0 && nd_writer_open(NULL, &writer, &message) == ND_OK) {
        for (size_t i = 0; i < len; i++) {
            const nd_update *const update = &updates[i];
            nd_writer_printf(writer, "%s%s%+" PRId64 " %s ", name ? name : "", name ? " " : "",
                             update->diff,
                             nd_time_text(&update->time, visible_loops(&update->time), time));
            nd_type_write(type, update->record, ' ', writer);
            nd_writer_write(writer, "\n", 1);
        }
        const nd_err err = nd_writer_commit(writer, &message);
        (void)err; /* there is no vertex here to fail */
    }
    funlockfile(stdout);
}

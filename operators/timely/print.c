/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing records. The lock of stdio's standard output is the turn of a worker, and orders its
 * lines with the program's own printf.
 */
#include "operators/timely/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static nd_err write_lines(const nd_type *type, const char *time, const unsigned char *records,
                          size_t len, nd_message *message)
{
    nd_writer *writer;
    ND_TRY(nd_writer_open(NULL, &writer, message));
    for (size_t i = 0; i < len; i++) {
        nd_writer_write(writer, time, strlen(time));
        nd_type_write(type, records + i * type->size, ' ', writer);
        nd_writer_write(writer, "\n", 1);
    }
    return nd_writer_commit(writer, message);
}

nd_err nd_print_records(const nd_type *type, const nd_time *time, unsigned n_loops,
                        const void *records, size_t len, nd_message *message)
{
    char text[ND_TIME_TEXT_SIZE + 1];
    strcat(nd_time_text(time, n_loops, text), " ");
    flockfile(stdout);
    nd_err err;
    if (fflush(stdout) == 0)
        err = write_lines(type, text, records, len, message);
    else
        err = nd_message_set(message, ND_IO, "standard output: %s", strerror(errno));
    funlockfile(stdout);
    return err;
}

/* Counters up to the last that is not zero: as many as can be seen from outside a vertex. */
static unsigned visible_loops(const nd_time *time)
{
    unsigned n_loops = ND_MAX_LOOPS;
    while (n_loops > 0 && time->loop[n_loops - 1] == 0)
        n_loops--;
    return n_loops;
}

void nd_print(void *user, const nd_type *type, const nd_time *time, const void *records, size_t len)
{
    (void)user;
    const nd_err err = nd_print_records(type, time, visible_loops(time), records, len, NULL);
    (void)err; /* there is no vertex here to fail; given to nd_inspect itself, a failure ends the
                  run */
}

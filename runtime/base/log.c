/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that writes to standard error.
 *
 * Whether to be quiet is the one mutable global: a line may come from any thread and any depth, and
 * standard error is itself the process's.
 */
#include "runtime/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Written by whoever reads the options, read by every thread that logs; nothing else is published
 * by it. */
static atomic_bool is_quiet;

void nd_log_quiet(bool quiet) { atomic_store_explicit(&is_quiet, quiet, memory_order_relaxed); }

static void write_line(const char *line, size_t size)
{
    while (size != 0) {
        const ssize_t written = write(STDERR_FILENO, line, size);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            line += written;
            size -= (size_t)written;
        }
    }
}

void nd_log(nd_log_level level, const char *format, ...)
{
    static const char prefix[] = "nereid: ";
    enum { PREFIX_SIZE = sizeof prefix - 1, TEXT_SIZE = 1024 };

    if (level != ND_LOG_ERROR && atomic_load_explicit(&is_quiet, memory_order_relaxed))
        return;
    const int saved_errno = errno;
    char line[PREFIX_SIZE + TEXT_SIZE];
    memcpy(line, prefix, PREFIX_SIZE);
    char *text = line + PREFIX_SIZE;

    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, TEXT_SIZE, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);

    const size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n')
            text[i] = ' ';
    text[len] = '\n';
    write_line(line, PREFIX_SIZE + len + 1);
    errno = saved_errno;
}

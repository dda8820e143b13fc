/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAILING_FILES_H
#define TESTS_SUPPORT_FAILING_FILES_H

/** @file
 * File operations that fail when a test says so, and a count of descriptors that nobody closed.
 * Also reads and writes that do less than asked, and interruptions before them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/file.h"

typedef struct failing_files {
    nd_file_ops ops;
    size_t allowed;       /* operations that succeed before the first refusal */
    int error;            /* errno of the refusals */
    bool refuses_once;    /* only one is refused, later ones succeed; else all from then on */
    size_t largest;       /* bytes that one read or write moves at most; 0: any number */
    bool is_interrupting; /* every other read and write fails with EINTR first */
    size_t n_operations;  /* asked for, refused ones too; without interruptions */
    size_t n_interrupted;
    size_t n_open;
} failing_files;

/** Comes into force: `allowed` operations succeed, then they fail with `error` (SIZE_MAX: none
 * fails). A close that fails closes all the same, as the system's does. The fields that shape reads
 * and writes may be set afterwards. One thread; `files` is lent until stop. */
void failing_files_start(failing_files *files, size_t allowed, int error);

/** Goes out of force, asserts that every descriptor was closed, and tells whether an operation was
 * refused. */
bool failing_files_stop(failing_files *files);

#endif

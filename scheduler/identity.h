/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_IDENTITY_H
#define SCHEDULER_IDENTITY_H

/** @file
 * What tells one program from another, and one process from every other that ever ran. */

#include <stdint.h>

#include <nereid/error.h>

/** A hash of this program's file, and of the library's if that is another: processes of one run
 * must run the same. Errors: ND_INVAL when a file cannot be read. */
ND_CHECKED nd_err nd_identity_of_program(uint64_t build[2], nd_message *message);

/** A random number that is not zero. Errors: ND_INVAL when the system gives none. */
ND_CHECKED nd_err nd_identity_of_process(uint64_t *incarnation, nd_message *message);

#endif

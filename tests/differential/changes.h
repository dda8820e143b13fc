/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIFFERENTIAL_CHANGES_H
#define TESTS_DIFFERENTIAL_CHANGES_H

/** @file
 * What a collection shows, as a text: an update a line, `DIFF TIME FIELDS`, sorted as text. All
 * workers of a process may add to one.
 */

#include <pthread.h>

#include <nereid.h>

typedef struct changes {
    pthread_mutex_t lock;
    char **lines;
    size_t n;
} changes;

void changes_init(changes *all);
void changes_deinit(changes *all);

/** An nd_collection_inspect_fn; `user` is a changes. */
void changes_note(void *user, const nd_type *type, const nd_update *updates, size_t len);

/** Fails the test unless the lines are those of `expected`, each ended by a newline; forgets them.
 */
void changes_expect(changes *all, const char *expected);

#endif

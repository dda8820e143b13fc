/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCHEDULER_LAUNCHED_PARTS_H
#define TESTS_SCHEDULER_LAUNCHED_PARTS_H

/** @file
 * The parts that copies of launcher_test play when it launches itself.
 */

/** Plays the part that `words` name, its words behind it (NULL at the end), and returns the exit
 * status; 99 for a part there is none of. */
int launched_play(char **words);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_UNSIGNED_TEXT_H
#define NEREID_TOOLS_UNSIGNED_TEXT_H

#include <stdint.h>

/* Writes a whole number, at most 20 characters, not terminated; returns the place after the last.
 * Pure. */
char *unsigned_text(uint64_t number, char *text);

#endif

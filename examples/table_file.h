/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLES_TABLE_FILE_H
#define EXAMPLES_TABLE_FILE_H

/** @file
 * Reading text files of a row a line, for the examples: plain or compressed, whole in memory.
 *
 * The first mistake, in opening or in reading, sticks: from then on there is no next row, and
 * numbers are zero; table_close reports it. So rows are read without a check on every field.
 */

#include <nereid.h>

enum { TABLE_MOST_FIELDS = 32 };

typedef struct table_file {
    char path[512];
    char separator;
    char *text; /* all of it */
    size_t size, next;
    size_t line; /* number of the present one, from 1 */
    size_t n_fields;
    nd_bytes fields[TABLE_MOST_FIELDS]; /* in `text` */
    nd_err err;
    nd_message mistake;
} table_file;

/** Opens `folder`/`name`, or `name` if `folder` is NULL. */
void table_open(table_file *table, const char *folder, const char *name, char separator);

/** Goes to the next row; false if there is none. */
bool table_next(table_file *table);

/** A field of the present row, counted from 0: its text, which stays until the file is closed; as a
 * whole number; as one of 32 bits without a sign; and as one with up to two decimals, in
 * hundredths. Numbers have sixteen digits at the most. */
nd_bytes table_text(table_file *table, size_t field);
int64_t table_number(table_file *table, size_t field);
uint32_t table_id(table_file *table, size_t field);
int64_t table_hundredths(table_file *table, size_t field);

/** The whole number that a text is. */
int64_t table_number_of(table_file *table, nd_bytes text);

/** Whether two texts are the same. */
bool table_is(nd_bytes text, const char *other);

/** Notes a mistake in the present row. */
void table_mistake(table_file *table, const char *what);

/** Frees the file. After a mistake the run fails with it, and the error is returned. */
ND_CHECKED nd_err table_close(table_file *table, nd_worker *worker);

#endif

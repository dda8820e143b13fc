/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/differential/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

void changes_init(changes *all)
{
    *all = (changes){.n = 0};
    pthread_mutex_init(&all->lock, NULL);
}

static void forget(changes *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->lines[i]);
    free(all->lines);
    all->lines = NULL;
    all->n = 0;
}

void changes_deinit(changes *all)
{
    forget(all);
    pthread_mutex_destroy(&all->lock);
}

/* A field as text, appended. */
static void write_field(FILE *out, const nd_field *field, const void *record)
{
    const unsigned char *const place = (const unsigned char *)record + field->offset;
    int64_t number = 0;
    nd_bytes bytes;
    double real;
    if (field->kind == ND_KIND_BYTES) {
        memcpy(&bytes, place, sizeof bytes);
        fprintf(out, " %.*s", (int)bytes.size, (const char *)bytes.data);
    } else if (field->kind == ND_KIND_FLOAT && field->size == sizeof real) {
        memcpy(&real, place, sizeof real);
        fprintf(out, " %g", real);
    } else {
        memcpy(&number, place, field->size); /* tests use small numbers, or wide ones */
        if (field->kind == ND_KIND_SIGNED && field->size == 4)
            number = (int32_t)number;
        fprintf(out, " %" PRId64, number);
    }
}

static char *make_line(const nd_type *type, const nd_update *update)
{
    char time[ND_TIME_TEXT_SIZE], *text = NULL;
    unsigned n_loops = ND_MAX_LOOPS;
    size_t size;
    while (n_loops > 0 && update->time.loop[n_loops - 1] == 0)
        n_loops--;
    FILE *const out = open_memstream(&text, &size);
    fprintf(out, "%+" PRId64 " %s", update->diff, nd_time_text(&update->time, n_loops, time));
    for (unsigned i = 0; i < nd_type_n_fields(type); i++)
        write_field(out, &type->fields[i], update->record);
    fputc('\n', out);
    fclose(out);
    return text;
}

void changes_note(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    changes *const all = user;
    pthread_mutex_lock(&all->lock);
    all->lines = realloc(all->lines, (all->n + len) * sizeof *all->lines);
    for (size_t i = 0; i < len; i++)
        all->lines[all->n++] = make_line(type, &updates[i]);
    pthread_mutex_unlock(&all->lock);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void changes_expect(changes *all, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *const out = open_memstream(&text, &size);
    if (all->n)
        qsort(all->lines, all->n, sizeof *all->lines, compare_lines);
    for (size_t i = 0; i < all->n; i++)
        fputs(all->lines[i], out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    forget(all);
}

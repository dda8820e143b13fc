/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count of words that stays up to date while lines come and go. A word is a run of the letters a
 * to z, whatever their case.
 *
 *     tally_words [-w WORKERS] [FILE]        prints `DIFFERENCE (epoch) word|WORD|COUNT` for each
 *                                            change; without a file, counts a verse of its own
 *
 * In epochs 0 to 9 the lines come, a tenth of them at a time; in epochs 10 to 19 they go again, in
 * the order in which they came. Nothing here says what that does to the counts: a line that goes is
 * a line that is there -1 times, and so are its words.
 *
 * Every worker reads the file, and feeds the lines of its share.
 */
#include <ctype.h>
#include <string.h>

#include "examples/table_file.h"
#include "examples/view.h"

typedef struct {
    nd_bytes text;
} line;
static const nd_type line_type = ND_TYPE(line, 1, ND_FIELD(line, text));

typedef struct {
    nd_bytes text;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, text));

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

static void split(void *user, const void *records, size_t len, nd_changes *out)
{
    (void)user;
    const line *lines = records;
    for (size_t i = 0; i < len; i++) {
        const char *at = lines[i].text.data, *end = at + lines[i].text.size;
        while (at < end) {
            const char *begin = at;
            while (at < end && is_letter(*at))
                at++;
            if (at > begin)
                *(word *)nd_changes_slot(out, i) = (word){{begin, (size_t)(at - begin)}};
            else
                at++;
        }
    }
}

/* --- Reading --- */

enum { TENTHS = 10 };

typedef struct {
    line *lines;
    size_t n;
} line_list;

static nd_err add_line(line_list *list, nd_bytes bytes)
{
    if ((list->n & (list->n - 1)) == 0) { /* as many as there is room for: twice as many */
        line *lines = nd_realloc(list->lines, list->n == 0 ? 1 : 2 * list->n, sizeof *lines);
        if (lines == NULL)
            return ND_NOMEM;
        list->lines = lines;
    }
    list->lines[list->n++] = (line){bytes};
    return ND_OK;
}

static nd_err read_lines(line_list *list, table_file *file)
{
    nd_err err = ND_OK;
    for (size_t i = 0; i < file->size; i++)
        file->text[i] = (char)tolower((unsigned char)file->text[i]);
    while (err == ND_OK && table_next(file))
        err = add_line(list, table_text(file, 0));
    return err;
}

/* --- Feeding --- */

static nd_err feed(nd_worker *worker, nd_input *input, const views *all, const line_list *list)
{
    const unsigned index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    for (size_t epoch = 0; epoch < 2 * TENTHS; epoch++) {
        const size_t tenth = epoch % TENTHS, end = list->n * (tenth + 1) / TENTHS;
        for (size_t i = list->n * tenth / TENTHS; i < end; i++)
            if (i % peers == index)
                nd_collection_update(input, &list->lines[i], epoch < TENTHS ? 1 : -1);
        nd_input_advance(input, epoch + 1);
        ND_TRY(views_wait(all, worker, epoch + 1));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err feed_file(nd_worker *worker, nd_input *input, const views *all, const char *path)
{
    table_file file;
    line_list list = {NULL, 0};
    table_open(&file, NULL, path, '\n');
    nd_err err = read_lines(&list, &file);
    if (err == ND_OK && file.err == ND_OK)
        err = feed(worker, input, all, &list);
    nd_free(list.lines);
    const nd_err mistake = table_close(&file, worker);
    return err != ND_OK ? err : mistake;
}

static nd_err feed_verse(nd_worker *worker, nd_input *input, const views *all)
{
    static const char *const verse[] = {
        "how doth the little crocodile",   "improve his shining tail",
        "and pour the waters of the nile", "on every golden scale",
        "how cheerfully he seems to grin", "how neatly spread his claws",
        "and welcome little fishes in",    "with gently smiling jaws"};
    enum { LINES = sizeof verse / sizeof *verse };
    line lines[LINES];
    for (size_t i = 0; i < LINES; i++)
        lines[i] = (line){{verse[i], strlen(verse[i])}};
    return feed(worker, input, all, &(line_list){lines, LINES});
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    views all = {.n = 0};
    nd_input *input;
    nd_dataflow *flow = nd_dataflow_new(worker, "tally words");
    nd_collection lines = nd_collection_input_new(flow, &line_type, &input);
    nd_collection words = nd_collection_flat_map(lines, &word_type, split, nd_no_user);
    view_print(&all, nd_count(words, &tally_type), "word");
    ND_TRY(nd_dataflow_start(flow));
    return paths[0] == NULL ? feed_verse(worker, input, &all)
                            : feed_file(worker, input, &all, paths[0]);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }

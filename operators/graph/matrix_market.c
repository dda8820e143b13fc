/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix Market headers, after the exchange format's description by Boisvert, Pozo and Remington
 * (NIST, 1996). Words are compared without regard to case, as there. Formats that say nothing about
 * a graph's edges are refused by name. */
#include "operators/graph/matrix_market.h"

#include <string.h>
#include <strings.h>

#include "operators/graph/line_blocks.h"
#include "operators/graph/number_text.h"

static const char banner[] = "%%MatrixMarket";

bool matrix_market_begins(const char *text, const char *end)
{
    const size_t size = sizeof banner - 1;
    return (size_t)(end - text) >= size && strncasecmp(text, banner, size) == 0;
}

/* The next word of a line, cut to fit `word`. */
static const char *next_word(const char *p, const char *end, char *word, size_t size)
{
    size_t n = 0;
    while (p < end && is_blank(*p))
        p++;
    for (; p < end && !is_blank(*p) && !is_line_end(*p); p++)
        if (n + 1 < size)
            word[n++] = *p;
    word[n] = '\0';
    return p;
}

const char *matrix_market_banner(const char *text, const char *end, nd_edge_facts *facts)
{
    char object[16], format[16], field[16], symmetry[16];
    const char *p = next_word(text + sizeof banner - 1, end, object, sizeof object);
    p = next_word(p, end, format, sizeof format);
    p = next_word(p, end, field, sizeof field);
    next_word(p, end, symmetry, sizeof symmetry);
    if (strcasecmp(object, "matrix") != 0)
        return "a Matrix Market file of a graph begins '%%MatrixMarket matrix coordinate'";
    if (strcasecmp(format, "coordinate") != 0)
        return "only Matrix Market's coordinate format lists edges";
    facts->is_pattern = strcasecmp(field, "pattern") == 0;
    if (!facts->is_pattern && strcasecmp(field, "real") != 0 && strcasecmp(field, "integer") != 0 &&
        strcasecmp(field, "double") != 0)
        return "a Matrix Market file of a graph holds real, integer or pattern entries";
    facts->is_symmetric = strcasecmp(symmetry, "symmetric") == 0;
    if (!facts->is_symmetric && strcasecmp(symmetry, "general") != 0)
        return "a Matrix Market file of a graph is general or symmetric";
    facts->is_matrix_market = true;
    return NULL;
}

const char *matrix_market_sizes(const char *text, const char *end, nd_edge_facts *facts)
{
    static const char cause[] = "expected three whole numbers: rows columns entries";
    uint64_t sizes[3];
    const char *p = text;
    for (int i = 0; i < 3; i++) {
        while (p < end && is_blank(*p))
            p++;
        p = scan_unsigned(p, &sizes[i]);
        if (p == NULL || !(is_blank(*p) || is_line_end(*p)))
            return cause;
    }
    while (p < end && is_blank(*p))
        p++;
    if (p < end && !is_line_end(*p))
        return cause;
    facts->n_rows = sizes[0];
    facts->n_columns = sizes[1];
    facts->n_entries = sizes[2];
    return NULL;
}

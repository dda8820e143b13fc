/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid generate`: writes a generated graph as an edge list. */
#include <string.h>

#include <nereid/graph.h>
#include <nereid/io.h>

#include "tools/command.h"
#include "tools/signals.h"
#include "tools/unsigned_text.h"

enum { EDGES_AT_ONCE = 1024, LINE_SIZE = 64 };

static nd_err find_kind(const char *name, nd_generator_kind *kind, nd_message *message)
{
    static const char *const names[] = {
        [ND_KRON] = "kron", [ND_UNIFORM] = "uniform", [ND_GRID] = "grid"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (nd_generator_kind)i;
            return ND_OK;
        }
    return nd_message_set(message, ND_USAGE, "a generated graph is kron, uniform or grid, not '%s'",
                          name);
}

static char *edge_text(const nd_edge *edge, bool has_weight, char *text)
{
    text = unsigned_text(edge->src, text);
    *text++ = ' ';
    text = unsigned_text(edge->dst, text);
    if (has_weight) {
        *text++ = ' ';
        text = unsigned_text((uint64_t)edge->weight, text);
    }
    *text++ = '\n';
    return text;
}

static void write_edges(const nd_generator *generator, uint64_t first, size_t len,
                        nd_writer *writer)
{
    nd_edge edges[EDGES_AT_ONCE];
    char text[EDGES_AT_ONCE * LINE_SIZE];
    char *end = text;
    nd_generator_edges(generator, first, len, edges);
    for (size_t i = 0; i < len; i++)
        end = edge_text(&edges[i], generator->weights, end);
    nd_writer_write(writer, text, (size_t)(end - text));
}

static nd_err run(const options *chosen, nd_message *message)
{
    nd_writer *writer;
    nd_generator generator = chosen->generator;
    ND_TRY(find_kind(chosen->operand, &generator.kind, message));
    signals_defer(chosen->output);
    ND_TRY(nd_writer_open(chosen->output, &writer, message));
    const uint64_t size = nd_generator_size(&generator);
    for (uint64_t first = 0; first < size && !signals_came(); first += EDGES_AT_ONCE)
        write_edges(&generator, first,
                    size - first < EDGES_AT_ONCE ? (size_t)(size - first) : EDGES_AT_ONCE, writer);
    if (!signals_came())
        return nd_writer_commit(writer, message);
    nd_writer_abandon(writer);
    return ND_INTR;
}

const command generate_command = {
    .name = "generate",
    .bit = COMMAND_GENERATE,
    .operand = "KIND",
    .summary = "write an edge list: kron, uniform or grid",
    .details = "Writes 'src dst' lines; the same options give the same bytes on every machine. "
               "kron has few vertices with very many\n"
               "edges (the Graph500 benchmark's graph), uniform draws both ends of each edge "
               "evenly, grid is a rectangle.",
    .run = run,
};

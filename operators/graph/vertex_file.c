/* SPDX-License-Identifier: Apache-2.0 */
/* The file of vertices: the one that is named, or the other half of an LDBC pair. */
#include "operators/graph/vertex_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nereid/memory.h>

static const char *const packings[] = {"", ".gz", ".zst"};

enum { N_PACKINGS = sizeof packings / sizeof *packings };

/* For the edge file of an LDBC pair: what its name ends in behind `.e`, and how long it is up to
 * there. NULL: it is none. */
static const char *find_packing(const char *path, size_t *stem_size)
{
    const size_t size = strlen(path);
    for (size_t i = 0; i < N_PACKINGS; i++) {
        const size_t end = strlen(packings[i]) + strlen(".e");
        if (size <= end || strncmp(path + size - end, ".e", 2) != 0 ||
            strcmp(path + size - end + 2, packings[i]) != 0)
            continue;
        *stem_size = size - end;
        return packings[i];
    }
    return NULL;
}

/* Writes the name of the vertex file with one of the packings into `name`; false if there is none.
 */
static bool find_vertices(const char *path, size_t stem_size, const char *packing, char *name,
                          size_t name_size)
{
    snprintf(name, name_size, "%.*s.v%s", (int)stem_size, path, packing);
    return access(name, F_OK) == 0;
}

/* For the edge file of an LDBC pair the name of the vertex file beside it, packed as the edges are
 * if there is such a one; NULL if there is none at all. */
static nd_err find_pair(const char *path, char **vertices)
{
    size_t stem_size = 0;
    const char *const packing = find_packing(path, &stem_size);
    *vertices = NULL;
    if (packing == NULL)
        return ND_OK;
    const size_t name_size = stem_size + sizeof ".v.zst";
    char *const name = nd_alloc(name_size, 1);
    if (name == NULL)
        return ND_NOMEM;
    bool is_found = find_vertices(path, stem_size, packing, name, name_size);
    for (size_t i = 0; i < N_PACKINGS && !is_found; i++)
        is_found = find_vertices(path, stem_size, packings[i], name, name_size);
    if (is_found)
        *vertices = name;
    else
        nd_free(name);
    return ND_OK;
}

nd_err vertex_file_open(const char *named, const char *path, nd_reader **bytes, nd_message *message)
{
    char *pair = NULL;
    *bytes = NULL;
    if (named != NULL)
        return nd_reader_open(named, bytes, message);
    ND_TRY(find_pair(path, &pair));
    const nd_err err = pair != NULL ? nd_reader_open(pair, bytes, message) : ND_OK;
    nd_free(pair);
    return err;
}

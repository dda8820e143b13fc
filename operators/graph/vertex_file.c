/* SPDX-License-Identifier: Apache-2.0 */
/* The file of vertices: the one that is named, or the other half of an LDBC pair. */
#include "operators/graph/vertex_file.h"

#include <string.h>
#include <unistd.h>

#include <nereid/memory.h>

/* For the edge file of an LDBC pair the name of the vertex file beside it, if there is one; else
 * NULL. */
static nd_err find_pair(const char *path, char **vertices)
{
    static const char *const suffixes[] = {".e", ".e.gz", ".e.zst"};
    const size_t len = strlen(path);
    *vertices = NULL;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const size_t suffix_len = strlen(suffixes[i]);
        if (len <= suffix_len || strcmp(path + len - suffix_len, suffixes[i]) != 0)
            continue;
        *vertices = nd_strdup(path);
        if (*vertices == NULL)
            return ND_NOMEM;
        (*vertices)[len - suffix_len + 1] = 'v';
        if (access(*vertices, F_OK) == 0)
            return ND_OK;
        nd_free(*vertices);
        *vertices = NULL;
    }
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

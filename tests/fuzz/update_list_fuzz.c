/* SPDX-License-Identifier: Apache-2.0 */
/* Files of updates. Whatever the bytes, they are read as the plain reader reads them. The first
 * byte chooses how edges are told apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/graph/update_oracle.h"
#include "tests/support/fuzz.h"

enum { MOST_BYTES = 1 << 14 };

static bool is_compressed(const char *data, size_t size)
{
    return (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0) ||
           (size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0) ||
           (size >= 4 && ((unsigned char)data[0] & 0xf0) == 0x50 &&
            memcmp(data + 1, "\x2a\x4d\x18", 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nd_reader *bytes;
    if (size == 0 || size > MOST_BYTES || is_compressed((const char *)data + 1, size - 1))
        return 0;
    const char *const text = (const char *)data + 1;
    const nd_update_options options = {
        .direction = (data[0] & 1) != 0 ? ND_UNDIRECTED : ND_DIRECTED,
        .keep_weights = (data[0] & 2) != 0,
        .no_negative_weights = (data[0] & 4) != 0,
    };
    const text_updates wanted = update_oracle_read(text, size - 1, &options);
    if (nd_reader_open_memory("fuzz", text, size - 1, &bytes, NULL) != ND_OK)
        abort();
    const char *const difference =
        update_oracle_compare(bytes, &options, 2 + (data[0] >> 3), &wanted);
    if (difference != NULL) {
        fprintf(stderr, "%s\n", difference);
        abort();
    }
    free(wanted.updates);
    return 0;
}

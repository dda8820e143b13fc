/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of frames, as they come and with their checksum mended: what is read is written as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/hash.h"
#include "tests/support/fuzz.h"
#include "transport/wire/head.h"

enum { HASHED = ND_WIRE_HEAD_SIZE - 8 };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void read_head(const uint8_t *data, size_t size)
{
    nd_wire_head head;
    nd_message message = {""};
    unsigned char again[ND_WIRE_HEAD_SIZE];
    const nd_err err = nd_wire_head_read(data, size, &head, &message);
    check(err == ND_OK || (err == ND_PROTO && message.text[0] != '\0'));
    if (err != ND_OK)
        return;
    check(size == ND_WIRE_HEAD_SIZE && head.length <= ND_WIRE_BODY_MOST);
    nd_wire_head_write(&head, again);
    check(memcmp(again, data, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char mended[ND_WIRE_HEAD_SIZE] = {0};
    read_head(data, size);
    memcpy(mended, data, size < HASHED ? size : HASHED);
    const uint64_t hash = nd_hash_bytes(mended, HASHED);
    for (unsigned i = 0; i < 8; i++)
        mended[HASHED + i] = (unsigned char)(hash >> 8 * i);
    read_head(mended, sizeof mended);
    return 0;
}

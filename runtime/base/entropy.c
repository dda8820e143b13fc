/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/entropy.h"

#include <errno.h>
#include <sys/random.h>

nd_err nd_entropy_fill(void *bytes, size_t size)
{
    unsigned char *next = bytes;
    while (size) {
        const ssize_t n = getrandom(next, size, 0);
        if (n < 0 && errno != EINTR)
            return ND_INVAL;
        next += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return ND_OK;
}

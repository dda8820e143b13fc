/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/entropy.h"
#include "runtime/base/file.h"
#include "runtime/base/hash.h"

static const char *const program = "/proc/self/exe";

nd_err nd_identity_of_program(uint64_t build[2], nd_message *message)
{
    unsigned char bytes[64 * 1024];
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    const int fd = nd_file_open(program, O_RDONLY, 0);
    ssize_t n = fd < 0 ? -1 : nd_file_read(fd, bytes, sizeof bytes);
    for (; n > 0; n = nd_file_read(fd, bytes, sizeof bytes))
        XXH3_128bits_update(&state, bytes, (size_t)n);
    const int cause = errno;
    if (fd >= 0)
        nd_file_close(fd);
    if (n < 0)
        return nd_message_set(message, ND_INVAL, "the program cannot read itself (%s): %s", program,
                              strerror(cause));
    const XXH128_hash_t hash = XXH3_128bits_digest(&state);
    build[0] = hash.low64;
    build[1] = hash.high64;
    return ND_OK;
}

nd_err nd_identity_of_process(uint64_t *incarnation, nd_message *message)
{
    do {
        if (nd_entropy_fill(incarnation, sizeof *incarnation) != ND_OK)
            return nd_message_set(message, ND_INVAL, "the system gives no random numbers: %s",
                                  strerror(errno));
    } while (*incarnation == 0);
    return ND_OK;
}

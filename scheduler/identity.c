/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/identity.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/entropy.h"
#include "runtime/base/file.h"
#include "runtime/base/hash.h"

static const char program[] = "/proc/self/exe";

/* The file that this function stands in, if it is not the program: a shared library. */
static const char *find_library(void)
{
    Dl_info found;
    struct stat own, other;
    nd_err (*const here)(uint64_t *, nd_message *) = nd_identity_of_program;
    const void *address;
    memcpy(&address, &here, sizeof address);
    if (!dladdr(address, &found) || stat(program, &own) != 0 || stat(found.dli_fname, &other) != 0)
        return NULL;
    return own.st_ino == other.st_ino && own.st_dev == other.st_dev ? NULL : found.dli_fname;
}

static nd_err hash_file(const char *path, XXH3_state_t *state, nd_message *message)
{
    unsigned char bytes[64 * 1024];
    const int fd = nd_file_open(path, O_RDONLY, 0);
    ssize_t n = fd < 0 ? -1 : nd_file_read(fd, bytes, sizeof bytes);
    for (; n > 0; n = nd_file_read(fd, bytes, sizeof bytes))
        XXH3_128bits_update(state, bytes, (size_t)n);
    const int cause = errno;
    if (fd >= 0)
        nd_file_close(fd);
    return n == 0 ? ND_OK
                  : nd_message_set(message, ND_INVAL, "the program cannot read itself (%s): %s",
                                   path, strerror(cause));
}

nd_err nd_identity_of_program(uint64_t build[2], nd_message *message)
{
    XXH3_state_t state;
    const char *const library = find_library();
    XXH3_128bits_reset(&state);
    ND_TRY(hash_file(program, &state, message));
    if (library)
        ND_TRY(hash_file(library, &state, message));
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

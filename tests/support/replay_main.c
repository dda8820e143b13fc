/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus: every file in the folders named on the command line goes through the fuzz
 * target once, from a block of exactly its size, so that a sanitizer sees each byte read past the
 * end. No corpus is a failure: it would test nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/fuzz.h"

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    struct stat status;
    bool is_read = false;
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode)) {
        const size_t size = (size_t)status.st_size;
        uint8_t *data = malloc(size != 0 ? size : 1);
        is_read = data != NULL && fread(data, 1, size, file) == size;
        if (is_read)
            (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    fclose(file);
    return is_read;
}

static bool replay_folder(const char *path, size_t *n_files)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    bool is_good = true;
    for (const struct dirent *entry; is_good && (entry = readdir(folder)) != NULL;) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        is_good = replay_file(file);
        if (is_good)
            ++*n_files;
        else
            (void)fprintf(stderr, "%s: cannot be read\n", file);
    }
    closedir(folder);
    return is_good;
}

int main(int argc, char **argv)
{
    size_t n_files = 0;
    for (int i = 1; i < argc; i++) {
        if (!replay_folder(argv[i], &n_files)) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
            return EXIT_FAILURE;
        }
    }
    printf("%zu inputs replayed\n", n_files);
    return n_files != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place through which every allocation passes: products are checked here, and the functions
 * underneath can be replaced. Any thread; nd_memory_use only while there is one.
 *
 * The table in use is the one mutable global of this file: an allocator has no object to hang from.
 */
#include <nereid/memory.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *libc_realloc(void *context, void *block, size_t size)
{
    (void)context;
    return realloc(block, size);
}

static void libc_free(void *context, void *block)
{
    (void)context;
    free(block);
}

static const nd_memory_ops libc_ops = {libc_alloc, libc_realloc, libc_free, NULL};
static const nd_memory_ops *used_ops = &libc_ops;

void nd_memory_use(const nd_memory_ops *ops) { used_ops = ops != NULL ? ops : &libc_ops; }

/* Sets `*bytes` to n * size, at least one; false if the product overflows. PTRDIFF_MAX is the
 * limit, as in malloc, so that differences of pointers into a block are representable. */
static bool block_bytes(size_t n, size_t size, size_t *bytes)
{
    if (size != 0 && n > PTRDIFF_MAX / size)
        return false;
    *bytes = n * size;
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

void *nd_alloc(size_t n, size_t size)
{
    size_t bytes;
    return block_bytes(n, size, &bytes) ? used_ops->alloc(used_ops->context, bytes) : NULL;
}

void *nd_alloc_zero(size_t n, size_t size)
{
    size_t bytes;
    if (!block_bytes(n, size, &bytes))
        return NULL;
    /* calloc knows which pages are fresh from the kernel and does not touch them. */
    if (used_ops == &libc_ops)
        return calloc(1, bytes);
    void *block = used_ops->alloc(used_ops->context, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *nd_realloc(void *block, size_t n, size_t size)
{
    size_t bytes;
    return block_bytes(n, size, &bytes) ? used_ops->realloc(used_ops->context, block, bytes) : NULL;
}

void nd_free(void *block)
{
    if (block != NULL)
        used_ops->free(used_ops->context, block);
}

char *nd_strdup(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = nd_alloc(size, 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

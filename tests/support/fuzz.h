/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FUZZ_H
#define TESTS_SUPPORT_FUZZ_H

/** @file
 * What a fuzz target defines. Under libFuzzer the library calls it with inputs of its own;
 * elsewhere the program replays a corpus.
 */

#include <stddef.h>
#include <stdint.h>

/** Feeds `size` bytes at `data` to the code under test; anything but a crash is fine. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

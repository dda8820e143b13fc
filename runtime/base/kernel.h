/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_KERNEL_H
#define RUNTIME_BASE_KERNEL_H

/** @file
 * Kernels: loops that are written once, and compiled once for each width, or number of words, that
 * their callers give as a constant.
 */

/** Begins such a function, or one that is a part of it. */
#define ND_KERNEL static inline __attribute__((always_inline))

#endif

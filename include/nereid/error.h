/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_ERROR_H
#define NEREID_ERROR_H

/** @file
 * Errors: a small code that says what the caller can do, and a message where a person reads it.
 *
 * A function that can fail at run time returns an `nd_err`; its outputs are untouched on failure. A
 * function whose failure a person must understand also takes an `nd_message *`, which may be NULL.
 */

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* The code, its text, and the exit status of a program that ends with it. */
#define ND_ERRORS(X)                                                                               \
    X(ND_OK, "done", 0)                                                                            \
    X(ND_NOMEM, "out of memory", 1)                                                                \
    X(ND_INVAL, "the program used the library wrongly", 1)                                         \
    X(ND_MISMATCH, "peers do not match", 4)                                                        \
    X(ND_CLOSED, "a peer is gone", 4)                                                              \
    X(ND_PROTO, "a peer sent something malformed", 4)                                              \
    X(ND_IO, "output cannot be written", 1)                                                        \
    X(ND_INPUT, "bad input", 3)                                                                    \
    X(ND_USAGE, "wrong options", 2)                                                                \
    X(ND_FAILED, "a vertex failed", 1)                                                             \
    X(ND_INTR, "interrupted", 5)

typedef enum nd_err {
#define ND_ERROR_CODE(code, text, status) code,
    ND_ERRORS(ND_ERROR_CODE)
#undef ND_ERROR_CODE
} nd_err;

/** Marks a function whose result must be looked at. */
#define ND_CHECKED __attribute__((warn_unused_result))
/** Marks a function that formats like printf: FORMAT and FIRST are argument numbers, counted from
 * one. */
#define ND_PRINTF(FORMAT, FIRST) __attribute__((format(printf, FORMAT, FIRST)))

/** A line for a person: the cause and what to do. The caller's storage; longer texts are cut. */
typedef struct nd_message {
    char text[512];
} nd_message;

/** The fixed text of a code; never NULL. Any thread. */
const char *nd_err_text(nd_err err);

/** The exit status of a program that ends with `err`, 0 to 5. Any thread. */
int nd_err_status(nd_err err);

/** Writes a formatted text into `message` (nothing if it is NULL) and returns `err`, so that a
 * failure is one line: `return nd_message_set(message, ND_INPUT, "%s:%zu: no number", path, line);`
 * Any thread. */
nd_err nd_message_set(nd_message *message, nd_err err, const char *format, ...) ND_PRINTF(3, 4);

/** Returns from the calling function when `expr` is an error. For functions that own nothing at
 * that point. */
#define ND_TRY(expr)                                                                               \
    do {                                                                                           \
        const nd_err nd_try_err = (expr);                                                          \
        if (nd_try_err != ND_OK)                                                                   \
            return nd_try_err;                                                                     \
    } while (0)

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_WIRE_SUPPORT_H
#define TESTS_TRANSPORT_WIRE_SUPPORT_H

/** @file
 * Damage to frames, and what becomes of it. Bytes are handed over in blocks of exactly their size,
 * so that a sanitizer sees each one read past the end.
 */

#include "transport/wire/head.h"

/** A decoder under test: decodes, frees what came of it, and returns what the decoder did. */
typedef nd_err wire_decode_fn(void *context, const nd_wire_head *head, const void *body,
                              nd_message *message);
typedef struct wire_decoder {
    wire_decode_fn *decode;
    void *context;
} wire_decoder;

/** The head of `body`, as its sender would seal it: length and checksum are filled in. */
nd_wire_head wire_seal(nd_wire_head head, const void *body, size_t size);

/** Receives a frame: reads the head, checks the body, decodes. */
nd_err wire_receive(const unsigned char *head, size_t head_size, const void *body, size_t body_size,
                    const wire_decoder *decoder, nd_message *message);

/** Asserts that the frame is accepted, and that none of its prefixes, nor itself with a byte more
 * or with any one bit changed, is: ND_PROTO, with a cause. */
void wire_refuses_damage(const nd_wire_head *head, const void *body, const wire_decoder *decoder);

/** Asserts that the decoder itself refuses every shorter body, under a head that fits it. */
void wire_refuses_prefixes(const nd_wire_head *head, const void *body, const wire_decoder *decoder);

/** Asserts that the decoder accepts or refuses the body with any one bit changed, and with random
 * bytes in it, under a head that fits; nothing worse. */
void wire_survives_changes(const nd_wire_head *head, const void *body, const wire_decoder *decoder);

/** Asserts that the decoder refuses `size` bytes as a body of `count`. */
void wire_refuses(uint32_t count, const void *body, size_t size, const wire_decoder *decoder);

/** Asserts that a decoder whose context is an arena refuses megabytes that one without a limit
 * would need many times as much for, or its stack: a field that comes again and again, and fields
 * and groups in each other. The first have the two bytes `end` behind them, a field's tag and
 * value, unless it is NULL; that field itself may come again. */
void wire_refuses_bombs(uint32_t count, const char *end, wire_decode_fn *decode);

#endif

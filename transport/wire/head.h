/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_HEAD_H
#define TRANSPORT_WIRE_HEAD_H

/** @file
 * The head of a frame: who sent it, what its body is, and checksums of both. Numbers are
 * little-endian.
 *
 *     offset  size  field
 *          0     4  magic "NRD1"
 *          4     1  version
 *          5     1  kind
 *          6     2  sending process
 *          8     8  incarnation: random, chosen by the process when it started
 *         16     8  sequence on its lane, from 1
 *         24     4  dataflow
 *         28     4  channel
 *         32     4  receiving worker, among those of all processes
 *         36     4  count of records or changes
 *         40     8  length of the body in bytes
 *         48    24  time of the records: epoch (8), four loop counters (4 each)
 *         72     8  XXH3-64 of the body
 *         80     8  XXH3-64 of bytes 0 to 79
 *
 * Magic, version and the place of the version never change; all else may with the version. Pure;
 * any thread.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

enum {
    ND_WIRE_HEAD_SIZE = 88,
    ND_WIRE_VERSION = 1,
    ND_WIRE_BODY_MOST = 16 << 20,   /* bytes of a body */
    ND_WIRE_CONTROL_MOST = 1 << 20, /* bytes of a body of kind ND_WIRE_CONTROL */
};

typedef enum nd_wire_kind {
    ND_WIRE_RECORDS = 1, /* flat records as they lie in memory (records.h) */
    ND_WIRE_PACKED,      /* records with strings of bytes (packed.h) */
    ND_WIRE_PROGRESS,    /* changes to counts (progress.h) */
    ND_WIRE_CONTROL,     /* what processes say to each other (control.h) */
} nd_wire_kind;

typedef struct nd_wire_head {
    nd_wire_kind kind;
    uint16_t process;
    uint64_t incarnation, sequence;
    uint32_t flow, channel, worker, count;
    uint64_t length;
    nd_time time;
    uint64_t body_hash;
} nd_wire_head;

/** Writes a head and its checksum. */
void nd_wire_head_write(const nd_wire_head *head, unsigned char bytes[ND_WIRE_HEAD_SIZE]);

/** Reads a head of `size` bytes from the network. Errors: ND_PROTO, the message naming the cause:
 * no frame of Nereid, another version (both are named), not 88 bytes, damaged, a kind that is not
 * known, a body longer than its kind may be. */
ND_CHECKED nd_err nd_wire_head_read(const unsigned char *bytes, size_t size, nd_wire_head *head,
                                    nd_message *message);

/** The checksum of a body. */
uint64_t nd_wire_body_hash(const void *body, size_t length);

/** Checks that `body` is the one that the head belongs to; the decoders take that for granted.
 * Errors: ND_PROTO (another length, damaged). */
ND_CHECKED nd_err nd_wire_body_check(const nd_wire_head *head, const void *body, size_t size,
                                     nd_message *message);

#endif

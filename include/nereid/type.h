/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TYPE_H
#define NEREID_TYPE_H

/** @file
 * Record types: a plain C struct described once, by a table of its fields.
 *
 *     typedef struct { uint32_t src, dst; double weight; } edge;
 *     static const nd_type edge_type =
 *         ND_TYPE(edge, 1, ND_FIELD(edge, src), ND_FIELD(edge, dst), ND_FIELD(edge, weight));
 *
 * The leading `nkey` fields are the key. From the table come hash, equality, order and printing. A
 * type without `nd_bytes` fields is *flat*: its records are equal when their bytes are, and moving
 * one is a memcpy; so a struct with padding is refused, by the name of the field before it and the
 * offset, when the type is first used in a graph.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/io.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** A string of bytes. In a record of a batch, `data` points into memory that lives as long as the
 * batch. */
typedef struct nd_bytes {
    const void *data;
    size_t size;
} nd_bytes;

/** What a field holds; its width stands beside. */
typedef enum nd_kind {
    ND_KIND_NONE, /* ends the table */
    ND_KIND_BOOL,
    ND_KIND_SIGNED,
    ND_KIND_UNSIGNED,
    ND_KIND_FLOAT,
    ND_KIND_BYTES,
} nd_kind;

typedef struct nd_field {
    const char *name;
    uint32_t offset; /* bytes */
    uint16_t size;   /* bytes */
    uint16_t kind;   /* an nd_kind */
} nd_field;

enum { ND_MAX_FIELDS = 32 };

/** A record type. Make one with ND_TYPE or ND_TYPE_OBJECT, `static const`: it must outlive every
 * dataflow that uses it. */
typedef struct nd_type {
    const char *name;
    uint32_t size; /* bytes a record */
    uint32_t nkey; /* leading fields that are the key */
    nd_field fields[ND_MAX_FIELDS];
    void (*retain)(
        void *object); /* a type of kind object: a record is one counted pointer; else NULL */
    void (*release)(void *object);
} nd_type;

/** The kind of an expression of one of C's basic types, or nd_bytes. */
#define ND_KIND_OF(expr)                                                                           \
    _Generic((expr), bool                                                                          \
             : ND_KIND_BOOL, char                                                                  \
             : (CHAR_MIN < 0 ? ND_KIND_SIGNED : ND_KIND_UNSIGNED), signed char                     \
             : ND_KIND_SIGNED, short                                                               \
             : ND_KIND_SIGNED, int                                                                 \
             : ND_KIND_SIGNED, long                                                                \
             : ND_KIND_SIGNED, long long                                                           \
             : ND_KIND_SIGNED, unsigned char                                                       \
             : ND_KIND_UNSIGNED, unsigned short                                                    \
             : ND_KIND_UNSIGNED, unsigned                                                          \
             : ND_KIND_UNSIGNED, unsigned long                                                     \
             : ND_KIND_UNSIGNED, unsigned long long                                                \
             : ND_KIND_UNSIGNED, float                                                             \
             : ND_KIND_FLOAT, double                                                               \
             : ND_KIND_FLOAT, nd_bytes                                                             \
             : ND_KIND_BYTES)

/** One line of a type's table: the field `member` of `struct_type`. */
#define ND_FIELD(struct_type, member)                                                              \
    {                                                                                              \
#member, offsetof(struct_type, member), sizeof(((struct_type *)0)->member),                \
            ND_KIND_OF(((struct_type *)0)->member)                                                 \
    }

/** The initialiser of an nd_type: the struct, the number of key fields, then its fields in order.
 */
#define ND_TYPE(struct_type, n_key, ...)                                                           \
    {                                                                                              \
        .name = #struct_type, .size = sizeof(struct_type), .nkey = (n_key),                        \
        .fields = {__VA_ARGS__}, .retain = NULL, .release = NULL                                   \
    }

/** The initialiser of a type whose record is one pointer to a reference-counted object. It travels
 * on pipeline channels only. */
#define ND_TYPE_OBJECT(type_name, retain_fn, release_fn)                                           \
    {                                                                                              \
        .name = (type_name), .size = sizeof(void *), .nkey = 0, .fields = {{NULL, 0, 0, 0}},       \
        .retain = (retain_fn), .release = (release_fn)                                             \
    }

/** Checks a table: fields in order of offset without a gap, widths that their kinds allow, a key no
 * longer than the record. Errors: ND_INVAL, the message naming type, field and offset. Any thread.
 */
ND_CHECKED nd_err nd_type_check(const nd_type *type, nd_message *message);

/** Whether two tables say the same, wherever they stand. */
bool nd_type_is_same(const nd_type *a, const nd_type *b);

/** Number of fields. */
unsigned nd_type_n_fields(const nd_type *type);

/** Whether records are plain bytes: no nd_bytes field, and not an object. */
bool nd_type_is_flat(const nd_type *type);

/** Bytes of the key (its leading fields, side by side). */
size_t nd_type_key_size(const nd_type *type);

/** Hash of a record's key; the same on every machine and in every version. Any thread. */
uint64_t nd_type_hash(const nd_type *type, const void *record);

/** Hashes the keys of `len` records into `hashes[len]`; the fast form of the above. */
void nd_type_hash_batch(const nd_type *type, const void *records, size_t len, uint64_t *hashes);

/** Whether two records have equal keys, and whether they are equal in every field. */
bool nd_type_key_equal(const nd_type *type, const void *a, const void *b);
bool nd_type_equal(const nd_type *type, const void *a, const void *b);

/** Order of two records, field by field as numbers and as strings of bytes: negative, zero,
 * positive. */
int nd_type_compare(const nd_type *type, const void *a, const void *b);

/** Writes a record's fields, separated by `separator`: numbers in decimal (doubles so that they
 * read back), bytes as they stand. With ',' fields that need it are quoted as in RFC 4180. */
void nd_type_write(const nd_type *type, const void *record, char separator, nd_writer *writer);

/** The shortest of "%.15g", "%.16g", "%.17g" that reads back as the same double (NaN and infinities
 * as `NaN`, `Infinity`,
 * `-Infinity`). `text` has ND_DOUBLE_TEXT_SIZE bytes; returns the length written, without the final
 * zero byte. */
enum { ND_DOUBLE_TEXT_SIZE = 32 };
size_t nd_double_text(double value, char *text);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes of records: their order against nd_type_compare, reading back, and codes from outside.
 * Types, parts of them and values are random; buffers are of the exact size, so that the address
 * sanitizer sees each byte too many.
 */
#include "operators/differential/record_code.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"

enum {
    N_TYPES = 1500,    /* random types a test */
    MAX_FIELDS = 6,    /* of a random type */
    LEN = 12,          /* records a type */
    MANY = 2500,       /* records of a conversion of many: more than two blocks */
    MAX_TEXT = 6,      /* bytes of a text */
    RECORD_SIZE = 256, /* room for a record of any random type */
    UNTOUCHED = 0xa5,  /* what stands where nothing was read into */
};

/* --- Random types, parts and records --- */

static const struct {
    uint16_t size, kind;
} field_kinds[] = {{1, ND_KIND_BOOL},     {1, ND_KIND_SIGNED},   {2, ND_KIND_SIGNED},
                   {4, ND_KIND_SIGNED},   {8, ND_KIND_SIGNED},   {1, ND_KIND_UNSIGNED},
                   {2, ND_KIND_UNSIGNED}, {4, ND_KIND_UNSIGNED}, {8, ND_KIND_UNSIGNED},
                   {4, ND_KIND_FLOAT},    {8, ND_KIND_FLOAT},    {16, ND_KIND_BYTES},
                   {16, ND_KIND_BYTES},   {16, ND_KIND_BYTES}};

enum { N_KINDS = sizeof field_kinds / sizeof *field_kinds, N_FIXED_KINDS = N_KINDS - 3 };

_Static_assert(sizeof(nd_bytes) == 16, "the table of kinds says so");

/* A type, a part of it, and the type of that part's fields alone, at the same places. */
typedef struct record_part {
    nd_type type;
    nd_type alone;
    nd_record_code code;
} record_part;

/* What a test draws from; the seed is printed when an assertion fails. */
typedef struct random_source {
    nd_random random;
    uint64_t seed;
} random_source;

static random_source source_of(uint64_t seed)
{
    random_source source = {.seed = seed};
    nd_random_init(&source.random, seed);
    return source;
}

static unsigned draw(random_source *source, unsigned n)
{
    return (unsigned)nd_random_below(&source->random, n);
}

#define assert_of_seed(source, condition)                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("seed %llu: %s", (unsigned long long)(source)->seed, #condition);             \
    } while (0)

/* Fields of kinds 0 to n_kinds - 1; in half of the types all are of one kind. */
static nd_type random_type(random_source *source, unsigned n_kinds)
{
    nd_type type = {.name = "random", .nkey = 0};
    const unsigned n_fields = 1 + draw(source, MAX_FIELDS);
    const unsigned favourite = draw(source, n_kinds), is_varied = draw(source, 2);
    for (unsigned i = 0; i < n_fields; i++) {
        const unsigned kind = is_varied != 0 ? draw(source, n_kinds) : favourite;
        type.fields[i] =
            (nd_field){"field", type.size, field_kinds[kind].size, field_kinds[kind].kind};
        type.size += field_kinds[kind].size;
    }
    assert_int_equal(nd_type_check(&type, NULL), ND_OK);
    return type;
}

static void take_part(record_part *part, unsigned first, unsigned n_fields)
{
    part->alone = (nd_type){.name = "part", .size = part->type.size};
    memcpy(part->alone.fields, part->type.fields + first, n_fields * sizeof(nd_field));
    nd_record_code_init(&part->code, &part->type, first, n_fields);
}

/* A run of fields: often the first ones, often all, now and then none; now and then closed. */
static void random_part(random_source *source, unsigned n_kinds, record_part *part)
{
    part->type = random_type(source, n_kinds);
    const unsigned n = nd_type_n_fields(&part->type);
    const unsigned first = draw(source, 2) != 0 ? draw(source, n + 1) : 0;
    take_part(part, first, first == 0 && draw(source, 2) != 0 ? n : draw(source, n - first + 1));
    if (draw(source, 3) == 0)
        nd_record_code_init_closed(&part->code, &part->type, first, part->code.n_fields);
}

static double random_float(random_source *source, uint16_t size)
{
    static const double values[] = {0.0,         1.0,          1.5,      FLT_MIN,     FLT_MAX,
                                    FLT_MIN / 4, FLT_TRUE_MIN, INFINITY, DBL_MIN / 4, DBL_TRUE_MIN,
                                    DBL_MAX,     1.0000001,    256.0};
    const unsigned i = draw(source, sizeof values / sizeof *values);
    double value = values[i];
    if (draw(source, 4) == 0)
        value = nd_random_unit(&source->random) * pow(2, (double)draw(source, 200) - 100);
    if (size == sizeof(float))
        value = value > FLT_MAX ? (double)INFINITY : (double)(float)value;
    return value != 0 && draw(source, 2) != 0 ? -value : value;
}

static uint64_t random_bits(random_source *source)
{
    static const uint64_t values[] = {0,          1,          2,          0x7f,       0x80,
                                      0xff,       0x100,      0x7fff,     0x8000,     0xffff,
                                      0x10000,    0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX,
                                      1ULL << 63, UINT64_MAX, 3};
    if (draw(source, 3) == 0)
        return nd_random_next(&source->random);
    return values[draw(source, sizeof values / sizeof *values)];
}

static nd_bytes random_text(random_source *source, unsigned char *room)
{
    static const unsigned char alphabet[] = {0x00, 0x00, 0x01, 0x02, 0xfe, 0xff, 'a'};
    const unsigned size = draw(source, MAX_TEXT + 1);
    for (unsigned i = 0; i < size; i++)
        room[i] = alphabet[draw(source, sizeof alphabet)];
    return (nd_bytes){size != 0 ? room : NULL, size};
}

static void random_value(random_source *source, const nd_field *field, unsigned char *record,
                         unsigned char *room)
{
    unsigned char *const place = record + field->offset;
    if (field->kind == ND_KIND_BYTES) {
        const nd_bytes text = random_text(source, room);
        memcpy(place, &text, sizeof text);
    } else if (field->kind == ND_KIND_FLOAT) {
        const double wide = random_float(source, field->size);
        const float narrow = field->size == sizeof narrow ? (float)wide : 0;
        memcpy(place, field->size == sizeof narrow ? (const void *)&narrow : &wide, field->size);
    } else {
        const uint64_t bits = field->kind == ND_KIND_BOOL ? draw(source, 2) : random_bits(source);
        memcpy(place, &bits, field->size);
    }
}

/* Records, and the texts that they point to. */
typedef struct record_sample {
    unsigned char records[LEN][RECORD_SIZE];
    unsigned char room[LEN][MAX_FIELDS][MAX_TEXT];
} record_sample;

/* Many fields are those of an earlier record, so that later ones decide the order. */
static void random_records(random_source *source, const nd_type *type, record_sample *sample)
{
    memset(sample->records, UNTOUCHED, sizeof sample->records);
    for (unsigned i = 0; i < LEN; i++)
        for (unsigned j = 0; j < nd_type_n_fields(type); j++) {
            const nd_field *field = &type->fields[j];
            if (i != 0 && draw(source, 2) != 0)
                memcpy(sample->records[i] + field->offset,
                       sample->records[draw(source, i)] + field->offset, field->size);
            else
                random_value(source, field, sample->records[i], sample->room[i][j]);
        }
}

/* --- Codes --- */

/* A block of exactly `size` bytes, or of one byte behind which nothing may be read or written. */
static unsigned char *exact_room(size_t size)
{
    unsigned char *const room = malloc(size != 0 ? size : 1);
    assert_non_null(room);
    return room;
}

/* A record's code in a block of its own. */
static nd_bytes code_of(random_source *source, const record_part *part, const void *record)
{
    const size_t size = nd_record_code_size(&part->code, record);
    unsigned char *const out = exact_room(size);
    assert_of_seed(source, nd_record_code_write(&part->code, record, out) == size);
    assert_of_seed(source, !part->code.is_fixed || size == part->code.size);
    return (nd_bytes){out, size};
}

static void free_code(nd_bytes code)
{
    union {
        const void *lent;
        void *owned;
    } data = {code.data};
    free(data.owned);
}

static int sign(int order) { return (order > 0) - (order < 0); }

static int order_of_codes(nd_bytes a, nd_bytes b)
{
    const int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? sign(order) : (a.size > b.size) - (a.size < b.size);
}

static void codes_order_as_the_fields_do(void **state)
{
    (void)state;
    static record_sample sample;
    for (uint64_t seed = 1; seed <= N_TYPES; seed++) {
        random_source source = source_of(seed);
        record_part part;
        random_part(&source, N_KINDS, &part);
        random_records(&source, &part.type, &sample);
        nd_bytes codes[LEN];
        for (unsigned i = 0; i < LEN; i++)
            codes[i] = code_of(&source, &part, sample.records[i]);
        for (unsigned i = 0; i < LEN; i++)
            for (unsigned j = 0; j < LEN; j++)
                assert_of_seed(&source, order_of_codes(codes[i], codes[j]) ==
                                            sign(nd_type_compare(&part.alone, sample.records[i],
                                                                 sample.records[j])));
        for (unsigned i = 0; i < LEN; i++)
            free_code(codes[i]);
    }
}

static bool lies_in(nd_bytes text, const unsigned char *block, size_t size)
{
    const uintptr_t at = (uintptr_t)text.data, begin = (uintptr_t)block;
    return block != NULL && at >= begin && at + text.size <= begin + size;
}

/* Checks that a record read back has the part's fields of the original, that its texts lie where
 * they may, and that nothing else was written. */
static void assert_read(random_source *source, const record_part *part,
                        const unsigned char *original, unsigned char *record, nd_bytes code,
                        nd_bytes spare)
{
    assert_of_seed(source, nd_type_compare(&part->alone, original, record) == 0);
    for (unsigned i = 0; i < nd_type_n_fields(&part->alone); i++) {
        const nd_field *field = &part->alone.fields[i];
        unsigned char *const place = record + field->offset;
        if (field->kind == ND_KIND_BYTES) {
            nd_bytes text;
            memcpy(&text, place, sizeof text);
            assert_of_seed(source, lies_in(text, code.data, code.size) ||
                                       lies_in(text, spare.data, spare.size));
        } else {
            assert_of_seed(source, memcmp(place, original + field->offset, field->size) == 0);
        }
        memset(place, UNTOUCHED, field->size);
    }
    for (unsigned i = 0; i < RECORD_SIZE; i++)
        assert_of_seed(source, record[i] == UNTOUCHED);
}

static void codes_are_read_back(void **state)
{
    (void)state;
    static record_sample sample;
    for (uint64_t seed = 1; seed <= N_TYPES; seed++) {
        random_source source = source_of(seed);
        record_part part;
        random_part(&source, N_KINDS, &part);
        random_records(&source, &part.type, &sample);
        for (unsigned i = 0; i < LEN; i++) {
            const nd_bytes code = code_of(&source, &part, sample.records[i]);
            assert_of_seed(&source, nd_record_code_is_valid(&part.code, code.data, code.size));
            unsigned char *const spare = part.code.is_fixed ? NULL : exact_room(code.size);
            unsigned char record[RECORD_SIZE];
            memset(record, UNTOUCHED, sizeof record);
            const size_t used =
                nd_record_code_read(&part.code, code.data, code.size, record, spare);
            assert_of_seed(&source, used <= code.size);
            assert_read(&source, &part, sample.records[i], record, code, (nd_bytes){spare, used});
            free(spare);
            free_code(code);
        }
    }
}

/* The code of a key, closed, and that of the rest behind it. */
static void a_closed_code_may_be_followed_by_another(void **state)
{
    (void)state;
    static record_sample sample;
    for (uint64_t seed = 1; seed <= N_TYPES; seed++) {
        random_source source = source_of(seed);
        record_part key, rest, all;
        const nd_type type = random_type(&source, N_KINDS);
        const unsigned n = nd_type_n_fields(&type), n_key = draw(&source, n + 1);
        key.type = rest.type = all.type = type;
        nd_record_code_init_closed(&key.code, &key.type, 0, n_key);
        nd_record_code_init(&rest.code, &rest.type, n_key, n - n_key);
        nd_record_code_init(&all.code, &all.type, 0, n);
        all.code.is_closed = n_key == n;
        random_records(&source, &type, &sample);
        for (unsigned i = 0; i < LEN; i++) {
            const nd_bytes a = code_of(&source, &key, sample.records[i]);
            const nd_bytes b = code_of(&source, &rest, sample.records[i]);
            const nd_bytes both = code_of(&source, &all, sample.records[i]);
            assert_of_seed(&source, both.size == a.size + b.size);
            assert_of_seed(&source,
                           nd_record_code_prefix(&key.code, both.data, both.size) == a.size);
            assert_of_seed(&source, memcmp(both.data, a.data, a.size) == 0);
            assert_of_seed(&source, memcmp((const char *)both.data + a.size, b.data, b.size) == 0);
            assert_of_seed(&source, a.size == 0 || nd_record_code_prefix(&key.code, both.data,
                                                                         a.size - 1) == SIZE_MAX);
            free_code(a);
            free_code(b);
            free_code(both);
        }
    }
}

/* Records of a struct one byte longer than the type's, so that the stride is odd. */
static unsigned char *many_records(random_source *source, const record_part *part, size_t stride)
{
    static record_sample sample;
    unsigned char *const records = exact_room(MANY * stride);
    memset(records, UNTOUCHED, MANY * stride);
    for (size_t i = 0; i < MANY; i++) {
        if (i % LEN == 0)
            random_records(source, &part->type, &sample);
        memcpy(records + i * stride, sample.records[i % LEN], part->type.size);
    }
    return records;
}

static void assert_many_is_each(random_source *source, const record_part *part, size_t stride)
{
    assert_of_seed(source, part->code.is_fixed);
    const size_t size = part->code.size;
    unsigned char *const records = many_records(source, part, stride);
    unsigned char *const each = exact_room(MANY * size), *const many = exact_room(MANY * size);
    const size_t len = draw(source, 2) != 0 ? MANY : draw(source, MANY);
    for (size_t i = 0; i < len; i++)
        (void)nd_record_code_write(&part->code, records + i * stride, each + i * size);
    nd_record_code_write_many(&part->code, records, stride, len, many);
    assert_of_seed(source, memcmp(each, many, len * size) == 0);

    unsigned char *const read_each = exact_room(MANY * stride);
    unsigned char *const read_many = exact_room(MANY * stride);
    memset(read_each, UNTOUCHED, MANY * stride);
    memset(read_many, UNTOUCHED, MANY * stride);
    for (size_t i = 0; i < len; i++)
        (void)nd_record_code_read(&part->code, each + i * size, size, read_each + i * stride, NULL);
    nd_record_code_read_many(&part->code, many, len, read_many, stride);
    assert_of_seed(source, memcmp(read_each, read_many, MANY * stride) == 0);
    for (size_t i = 0; i < len; i++)
        assert_of_seed(source, nd_type_compare(&part->alone, records + i * stride,
                                               read_many + i * stride) == 0);
    free(read_many);
    free(read_each);
    free(many);
    free(each);
    free(records);
}

static void many_at_once_are_as_each_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_TYPES / 20; seed++) {
        random_source source = source_of(seed);
        record_part part;
        random_part(&source, N_FIXED_KINDS, &part);
        assert_many_is_each(&source, &part, part.type.size + draw(&source, 2));
    }
}

/* One and two fields of each kind and, beside it, each other kind: every loop there is. */
static void many_pairs_at_once_are_as_each_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_FIXED_KINDS; i++)
        for (unsigned j = 0; j < N_FIXED_KINDS; j++) {
            random_source source = source_of(1000 + i * N_FIXED_KINDS + j);
            record_part part = {
                .type = {.name = "pair",
                         .fields = {{"a", 0, field_kinds[i].size, field_kinds[i].kind},
                                    {"b", field_kinds[i].size, field_kinds[j].size,
                                     field_kinds[j].kind}}}};
            part.type.size = (uint32_t)field_kinds[i].size + field_kinds[j].size;
            take_part(&part, 0, 2);
            assert_many_is_each(&source, &part, part.type.size);
            take_part(&part, 1, 1);
            assert_many_is_each(&source, &part, part.type.size);
        }
}

/* --- The format --- */

typedef struct numbers {
    bool yes;
    int8_t tiny;
    uint16_t small;
    int32_t middle;
    uint64_t large;
    double exact;
    float rough;
    int32_t filler;
} numbers;
static const nd_type numbers_type =
    ND_TYPE(numbers, 8, ND_FIELD(numbers, yes), ND_FIELD(numbers, tiny), ND_FIELD(numbers, small),
            ND_FIELD(numbers, middle), ND_FIELD(numbers, large), ND_FIELD(numbers, exact),
            ND_FIELD(numbers, rough), ND_FIELD(numbers, filler));

typedef struct texts {
    nd_bytes a, b;
    uint64_t n;
    nd_bytes c;
} texts;
static const nd_type texts_type = ND_TYPE(texts, 2, ND_FIELD(texts, a), ND_FIELD(texts, b),
                                          ND_FIELD(texts, n), ND_FIELD(texts, c));

static void assert_code(const nd_record_code *code, const void *record, const char *expected,
                        size_t size)
{
    unsigned char out[64];
    assert_int_equal(nd_record_code_size(code, record), size);
    assert_int_equal(nd_record_code_write(code, record, out), size);
    assert_memory_equal(out, expected, size);
}

static void codes_are_fixed_for_ever(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &numbers_type, 0, 8);
    assert_true(code.is_fixed);
    const numbers some = {true, -1, 0x1234, -2, 0x0102030405060708, -1.0, 1.5f, 3};
    assert_code(&code, &some,
                "\x01\x7f\x12\x34\x7f\xff\xff\xfe\x01\x02\x03\x04\x05\x06\x07\x08"
                "\x40\x0f\xff\xff\xff\xff\xff\xff\xbf\xc0\x00\x00\x80\x00\x00\x03",
                32);
    nd_record_code_init(&code, &texts_type, 0, 4);
    assert_false(code.is_fixed);
    const texts record = {{"a\0b", 3}, {NULL, 0}, 258, {"\0x", 2}};
    assert_code(&code, &record,
                "a\x00\xff"
                "b\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x01\x02\x00x",
                18);
    nd_record_code_init(&code, &texts_type, 0, 2);
    assert_code(&code, &record,
                "a\x00\xff"
                "b\x00\x01",
                6);
}

static void a_part_without_fields_has_an_empty_code(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &texts_type, 4, 0);
    assert_true(code.is_fixed);
    assert_int_equal(code.size, 0);
    texts record = {{"a", 1}, {"b", 1}, 7, {"c", 1}};
    const texts same = record;
    assert_int_equal(nd_record_code_size(&code, &record), 0);
    assert_true(nd_record_code_is_valid(&code, NULL, 0));
    assert_false(nd_record_code_is_valid(&code, (const unsigned char *)"", 1));
    assert_int_equal(nd_record_code_read(&code, NULL, 0, &record, NULL), 0);
    nd_record_code_read_many(&code, NULL, 1, &record, sizeof record);
    assert_memory_equal(&record, &same, sizeof record);
}

static void a_lone_empty_text_has_an_empty_code(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &texts_type, 3, 1);
    texts record = {.c = {"c", 1}};
    assert_true(nd_record_code_is_valid(&code, NULL, 0));
    assert_int_equal(nd_record_code_read(&code, NULL, 0, &record, NULL), 0);
    assert_int_equal(record.c.size, 0);
    assert_int_equal(nd_record_code_size(&code, &record), 0);
}

static void floats_keep_all_their_bits(void **state)
{
    (void)state;
    static const double ascending[] = {-INFINITY, -1.0, -0.0, 0.0, 1.0, INFINITY, (double)NAN};
    nd_record_code code;
    nd_record_code_init(&code, &numbers_type, 5, 1);
    unsigned char last[8] = {0}, bytes[8];
    for (unsigned i = 0; i < sizeof ascending / sizeof *ascending; i++) {
        const numbers some = {.exact = ascending[i]};
        numbers other = {0};
        assert_int_equal(nd_record_code_write(&code, &some, bytes), 8);
        assert_true(memcmp(last, bytes, 8) < 0);
        assert_int_equal(nd_record_code_read(&code, bytes, 8, &other, NULL), 0);
        assert_memory_equal(&some, &other, sizeof some);
        memcpy(last, bytes, 8);
    }
}

static void text_without_zeros_is_not_copied(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &texts_type, 0, 4);
    const texts record = {{"plain", 5}, {"z\0\0", 3}, 1, {"\0raw", 4}};
    unsigned char bytes[64], spare[3];
    const size_t size = nd_record_code_write(&code, &record, bytes);
    texts back;
    assert_int_equal(nd_record_code_read(&code, bytes, size, &back, spare), 3);
    assert_ptr_equal(back.a.data, bytes);
    assert_ptr_equal(back.b.data, spare);
    assert_ptr_equal(back.c.data, bytes + size - 4);
    assert_int_equal(nd_type_compare(&texts_type, &record, &back), 0);
}

/* --- Codes from outside --- */

/* Bytes at the end of a code that may be cut off and leave a code. */
static size_t raw_size(const record_part *part, const void *record)
{
    const unsigned n = nd_type_n_fields(&part->alone);
    if (n == 0 || part->alone.fields[n - 1].kind != ND_KIND_BYTES || part->code.is_closed)
        return 0;
    nd_bytes last;
    memcpy(&last, (const unsigned char *)record + part->alone.fields[n - 1].offset, sizeof last);
    return last.size;
}

static void codes_cut_off_or_too_long_are_refused(void **state)
{
    (void)state;
    static record_sample sample;
    for (uint64_t seed = 1; seed <= N_TYPES; seed++) {
        random_source source = source_of(seed);
        record_part part;
        random_part(&source, N_KINDS, &part);
        random_records(&source, &part.type, &sample);
        const nd_bytes code = code_of(&source, &part, sample.records[0]);
        const size_t least = code.size - raw_size(&part, sample.records[0]);
        unsigned char *const longer = exact_room(code.size + 1);
        for (size_t size = 0; size < code.size; size++) {
            unsigned char *const cut = exact_room(size);
            memcpy(cut, code.data, size);
            assert_of_seed(&source,
                           nd_record_code_is_valid(&part.code, cut, size) == (size >= least));
            free(cut);
        }
        memcpy(longer, code.data, code.size);
        longer[code.size] = 0;
        const unsigned n = nd_type_n_fields(&part.alone);
        const bool ends_raw =
            n != 0 && part.alone.fields[n - 1].kind == ND_KIND_BYTES && !part.code.is_closed;
        assert_of_seed(&source,
                       nd_record_code_is_valid(&part.code, longer, code.size + 1) == ends_raw);
        free(longer);
        free_code(code);
    }
}

static void dangling_and_unknown_escapes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool is_valid;
    } cases[] = {
        {"\x00\x01", 2, true},
        {"a\x00\x01", 3, true},
        {"\x00\xff\x00\x01", 4, true},
        {"\x00\xff\x00\x01raw\x00", 8, true},
        {"", 0, false},
        {"a", 1, false},
        {"\x00", 1, false},
        {"a\x00", 2, false},
        {"\x00\xff", 2, false},
        {"\x00\xff\x00", 3, false},
        {"\x00\x00\x00\x01", 4, false},
        {"\x00\x02\x00\x01", 4, false},
        {"\x00\xfe\x00\x01", 4, false},
    };
    nd_record_code code;
    nd_record_code_init(&code, &texts_type, 0, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char *const bytes = exact_room(cases[i].size);
        memcpy(bytes, cases[i].bytes, cases[i].size);
        assert_int_equal(nd_record_code_is_valid(&code, bytes, cases[i].size), cases[i].is_valid);
        free(bytes);
    }
}

static void booleans_are_zero_or_one(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &numbers_type, 0, 1);
    for (unsigned value = 0; value < 256; value++) {
        const unsigned char byte = (unsigned char)value;
        assert_int_equal(nd_record_code_is_valid(&code, &byte, 1), value <= 1);
    }
}

/* Whatever bytes pass for a code are one: of the record that is read from them. */
static void valid_bytes_are_the_code_of_what_is_read(void **state)
{
    (void)state;
    static const unsigned char alphabet[] = {0x00, 0x00, 0x01, 0x01, 0xff, 0xff, 0x02, 'a'};
    size_t n_valid = 0;
    for (uint64_t seed = 1; seed <= 20 * N_TYPES; seed++) {
        random_source source = source_of(seed);
        record_part part;
        random_part(&source, N_KINDS, &part);
        const size_t size =
            part.code.is_fixed ? part.code.size : part.code.size + draw(&source, 12);
        unsigned char *const bytes = exact_room(size), *const spare = exact_room(size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = alphabet[draw(&source, sizeof alphabet)];
        if (nd_record_code_is_valid(&part.code, bytes, size)) {
            unsigned char record[RECORD_SIZE] = {0};
            assert_of_seed(&source,
                           nd_record_code_read(&part.code, bytes, size, record, spare) <= size);
            const nd_bytes again = code_of(&source, &part, record);
            assert_of_seed(&source, again.size == size && memcmp(again.data, bytes, size) == 0);
            free_code(again);
            n_valid += part.code.is_fixed ? 0 : 1;
        }
        free(spare);
        free(bytes);
    }
    assert_true(n_valid > N_TYPES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_order_as_the_fields_do),
        cmocka_unit_test(codes_are_read_back),
        cmocka_unit_test(a_closed_code_may_be_followed_by_another),
        cmocka_unit_test(many_at_once_are_as_each_alone),
        cmocka_unit_test(many_pairs_at_once_are_as_each_alone),
        cmocka_unit_test(codes_are_fixed_for_ever),
        cmocka_unit_test(a_part_without_fields_has_an_empty_code),
        cmocka_unit_test(a_lone_empty_text_has_an_empty_code),
        cmocka_unit_test(floats_keep_all_their_bits),
        cmocka_unit_test(text_without_zeros_is_not_copied),
        cmocka_unit_test(codes_cut_off_or_too_long_are_refused),
        cmocka_unit_test(dangling_and_unknown_escapes_are_refused),
        cmocka_unit_test(booleans_are_zero_or_one),
        cmocka_unit_test(valid_bytes_are_the_code_of_what_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

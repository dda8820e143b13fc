/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record types: the check of tables, hashes against values fixed for ever, equality, order and
 * text.
 */
#include "tests/support/cmocka.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nereid/type.h>
#include <nereid/vertex.h>

#include "runtime/base/hash.h"
#include "runtime/base/random.h"
#include "runtime/route.h"

typedef struct {
    uint32_t src, dst;
    double weight;
} edge;
static const nd_type edge_type =
    ND_TYPE(edge, 1, ND_FIELD(edge, src), ND_FIELD(edge, dst), ND_FIELD(edge, weight));

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

typedef struct {
    bool yes;
    signed char tiny;
    unsigned short small;
    int middle;
    long long large;
    size_t count;
    float rough;
    unsigned filler;
    double exact;
} every_kind;
static const nd_type every_type =
    ND_TYPE(every_kind, 9, ND_FIELD(every_kind, yes), ND_FIELD(every_kind, tiny),
            ND_FIELD(every_kind, small), ND_FIELD(every_kind, middle), ND_FIELD(every_kind, large),
            ND_FIELD(every_kind, count), ND_FIELD(every_kind, rough), ND_FIELD(every_kind, filler),
            ND_FIELD(every_kind, exact));

static void retain(void *object) { (void)object; }
static void release(void *object) { (void)object; }

static nd_bytes bytes_of(const char *text) { return (nd_bytes){text, strlen(text)}; }

static void assert_refused(const nd_type *type, const char *text)
{
    nd_message message = {""};
    assert_int_equal(nd_type_check(type, &message), ND_INVAL);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
    assert_int_equal(nd_type_check(type, NULL), ND_INVAL);
}

/* --- Tables --- */

static void kinds_and_widths_are_deduced(void **state)
{
    (void)state;
    static const nd_kind kinds[] = {ND_KIND_BOOL,   ND_KIND_SIGNED,   ND_KIND_UNSIGNED,
                                    ND_KIND_SIGNED, ND_KIND_SIGNED,   ND_KIND_UNSIGNED,
                                    ND_KIND_FLOAT,  ND_KIND_UNSIGNED, ND_KIND_FLOAT};
    static const unsigned sizes[] = {1, 1, 2, 4, 8, 8, 4, 4, 8};
    assert_int_equal(nd_type_n_fields(&every_type), 9);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(every_type.fields[i].kind, kinds[i]);
        assert_int_equal(every_type.fields[i].size, sizes[i]);
    }
    assert_string_equal(every_type.name, "every_kind");
    assert_string_equal(every_type.fields[2].name, "small");
    assert_int_equal(tally_type.fields[0].kind, ND_KIND_BYTES);
}

static void good_tables_are_accepted(void **state)
{
    (void)state;
    static const nd_type object = ND_TYPE_OBJECT("thing", retain, release);
    assert_int_equal(nd_type_check(&edge_type, NULL), ND_OK);
    assert_int_equal(nd_type_check(&tally_type, NULL), ND_OK);
    assert_int_equal(nd_type_check(&every_type, NULL), ND_OK);
    assert_int_equal(nd_type_check(&object, NULL), ND_OK);
}

static void flatness_and_key_size_follow_the_fields(void **state)
{
    (void)state;
    static const nd_type object = ND_TYPE_OBJECT("thing", retain, release);
    assert_true(nd_type_is_flat(&edge_type));
    assert_false(nd_type_is_flat(&tally_type));
    assert_false(nd_type_is_flat(&object));
    assert_int_equal(nd_type_key_size(&edge_type), 4);
    assert_int_equal(nd_type_key_size(&tally_type), sizeof(nd_bytes));
    assert_int_equal(nd_type_key_size(&every_type), sizeof(every_kind));
    assert_int_equal(nd_type_key_size(&object), 0);
}

static void padding_is_refused_with_its_place(void **state)
{
    (void)state;
    typedef struct {
        uint32_t a;
        uint64_t b;
        uint32_t c;
    } pair;
    static const nd_type inside =
        ND_TYPE(pair, 1, ND_FIELD(pair, a), ND_FIELD(pair, b), ND_FIELD(pair, c));
    assert_refused(&inside, "type 'pair': 4 bytes of padding at offset 4, after field 'a'");
    typedef struct {
        uint64_t a;
        uint32_t b;
    } tail;
    static const nd_type at_the_end = ND_TYPE(tail, 1, ND_FIELD(tail, a), ND_FIELD(tail, b));
    assert_refused(&at_the_end,
                   "type 'tail': 4 bytes of padding at offset 12, after the last field");
    static const nd_type at_the_start = ND_TYPE(edge, 1, ND_FIELD(edge, dst));
    assert_refused(&at_the_start, "4 bytes of padding at offset 0, before field 'dst'");
}

static void fields_out_of_order_are_refused(void **state)
{
    (void)state;
    static const nd_type swapped =
        ND_TYPE(edge, 1, ND_FIELD(edge, src), ND_FIELD(edge, dst), ND_FIELD(edge, src));
    assert_refused(&swapped, "field 'src' at offset 0 lies before the end of field 'dst'");
}

static void impossible_tables_are_refused(void **state)
{
    (void)state;
    static const nd_type long_key =
        ND_TYPE(edge, 4, ND_FIELD(edge, src), ND_FIELD(edge, dst), ND_FIELD(edge, weight));
    assert_refused(&long_key, "a key of 4 fields where there are 3");
    static const nd_type empty = {.name = "empty", .size = 8};
    assert_refused(&empty, "type 'empty': no fields");
    static const nd_type odd = {
        .name = "odd", .size = 3, .fields = {{"three", 0, 3, ND_KIND_SIGNED}}};
    assert_refused(&odd, "field 'three' of kind 2 cannot have 3 bytes");
    static const nd_type wide = {
        .name = "wide", .size = 16, .fields = {{"x", 0, 16, ND_KIND_UNSIGNED}}};
    assert_refused(&wide, "field 'x' of kind 3 cannot have 16 bytes");
    static const nd_type unknown = {.name = "unknown", .size = 4, .fields = {{"x", 0, 4, 77}}};
    assert_refused(&unknown, "field 'x' of kind 77");
    static const nd_type zero = {
        .name = "zero", .size = 0, .fields = {{"x", 0, 4, ND_KIND_SIGNED}}};
    assert_refused(&zero, "field 'x' ends at byte 4 of a record of 0 bytes");
    static const nd_type unnamed_field = {
        .name = "t", .size = 4, .fields = {{NULL, 0, 4, ND_KIND_SIGNED}}};
    assert_refused(&unnamed_field, "field 0 has no name");
    static const nd_type unnamed = {.size = 4, .fields = {{"x", 0, 4, ND_KIND_SIGNED}}};
    assert_refused(&unnamed, "without a name");
    assert_refused(NULL, "without a name");
}

static void half_made_objects_are_refused(void **state)
{
    (void)state;
    static const nd_type no_release = {.name = "o", .size = sizeof(void *), .retain = retain};
    assert_refused(&no_release, "needs both retain and release");
    static const nd_type no_retain = {.name = "o", .size = sizeof(void *), .release = release};
    assert_refused(&no_retain, "needs both retain and release");
    static const nd_type small = {.name = "o", .size = 4, .retain = retain, .release = release};
    assert_refused(&small, "one pointer of 8 bytes, not of 4");
    static const nd_type keyed = {
        .name = "o", .size = sizeof(void *), .nkey = 1, .retain = retain, .release = release};
    assert_refused(&keyed, "no fields and no key");
}

static void a_table_may_be_full(void **state)
{
    (void)state;
    nd_type type = {.name = "full", .size = ND_MAX_FIELDS, .nkey = ND_MAX_FIELDS};
    for (uint32_t i = 0; i < ND_MAX_FIELDS; i++)
        type.fields[i] = (nd_field){"f", i, 1, ND_KIND_UNSIGNED};
    assert_int_equal(nd_type_check(&type, NULL), ND_OK);
    assert_int_equal(nd_type_n_fields(&type), ND_MAX_FIELDS);
    unsigned char a[ND_MAX_FIELDS] = {0}, b[ND_MAX_FIELDS] = {0};
    assert_int_equal(nd_type_compare(&type, a, b), 0);
    b[ND_MAX_FIELDS - 1] = 1;
    assert_true(nd_type_compare(&type, a, b) < 0);
}

/* --- Hashes --- */

/* A flat type whose key is its first `width` bytes. */
static nd_type type_of_width(uint32_t width, uint32_t size)
{
    nd_type type = {.name = "bytes", .size = size, .nkey = 0};
    uint32_t offset = 0, n = 0;
    while (offset < size) {
        uint16_t step = 8;
        const uint32_t end = offset < width ? width : size;
        while (offset + step > end)
            step /= 2;
        if (offset < width)
            type.nkey = n + 1;
        type.fields[n++] = (nd_field){"f", offset, step, ND_KIND_UNSIGNED};
        offset += step;
    }
    return type;
}

/* The definition, byte by byte. */
static uint64_t plain_hash(const unsigned char *key, size_t width)
{
    uint64_t halves[2] = {0, 0};
    if (width == 0)
        return 0;
    if (width > 16)
        return nd_hash_bytes(key, width);
    for (size_t i = 0; i < width; i++)
        halves[i / 8] |= (uint64_t)key[i] << (8 * (i % 8));
    return width <= 8 ? nd_hash_u64(halves[0]) : nd_hash_u64(halves[0] ^ nd_hash_u64(halves[1]));
}

static void flat_hashes_equal_the_definition_for_every_width(void **state)
{
    (void)state;
    enum { LEN = 37, MOST = 40 };
    static unsigned char records[LEN * MOST];
    nd_random random;
    nd_random_init(&random, 1);
    for (size_t i = 0; i < sizeof records; i++)
        records[i] = (unsigned char)nd_random_next(&random);
    for (uint32_t size = 1; size <= MOST; size++)
        for (uint32_t width = 0; width <= size; width++) {
            const nd_type type = type_of_width(width, size);
            assert_int_equal(nd_type_check(&type, NULL), ND_OK);
            assert_int_equal(nd_type_key_size(&type), width);
            uint64_t hashes[LEN + 1] = {0};
            nd_type_hash_batch(&type, records, LEN, hashes);
            for (size_t i = 0; i < LEN; i++) {
                assert_true(hashes[i] == plain_hash(records + i * size, width));
                assert_true(hashes[i] == nd_type_hash(&type, records + i * size));
            }
            assert_true(hashes[LEN] == 0);
        }
}

static void hashes_are_fixed_for_ever(void **state)
{
    (void)state;
    typedef struct {
        uint64_t a, b, c;
    } triple;
    const nd_type keyed[4] = {
        ND_TYPE(triple, 0, ND_FIELD(triple, a), ND_FIELD(triple, b), ND_FIELD(triple, c)),
        ND_TYPE(triple, 1, ND_FIELD(triple, a), ND_FIELD(triple, b), ND_FIELD(triple, c)),
        ND_TYPE(triple, 2, ND_FIELD(triple, a), ND_FIELD(triple, b), ND_FIELD(triple, c)),
        ND_TYPE(triple, 3, ND_FIELD(triple, a), ND_FIELD(triple, b), ND_FIELD(triple, c))};
    static const uint64_t expected[4] = {0, UINT64_C(0xb456bcfc34c2cb2c),
                                         UINT64_C(0x8d4f874c404dde5c),
                                         UINT64_C(0x7c68b4906e7ea780)};
    const triple record = {1, 2, 3};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(nd_type_hash(&keyed[i], &record), expected[i]);
    assert_int_equal(nd_type_hash(&tally_type, &(tally){bytes_of("naiad"), 7}),
                     UINT64_C(0x636e461a56f3c769));
}

static void bytes_keys_hash_by_what_they_point_to(void **state)
{
    (void)state;
    const char first[] = "sea nymph", second[] = "a sea nymph";
    const tally a = {{first, 9}, 1}, b = {{second + 2, 9}, 2}, c = {{first, 8}, 1};
    assert_true(nd_type_hash(&tally_type, &a) == nd_type_hash(&tally_type, &b));
    assert_true(nd_type_hash(&tally_type, &a) != nd_type_hash(&tally_type, &c));
    const tally both[2] = {a, c};
    uint64_t hashes[2];
    nd_type_hash_batch(&tally_type, both, 2, hashes);
    assert_true(hashes[0] == nd_type_hash(&tally_type, &a));
    assert_true(hashes[1] == nd_type_hash(&tally_type, &c));
    const tally nothing = {{NULL, 0}, 1};
    assert_true(nd_type_hash(&tally_type, &nothing) ==
                nd_type_hash(&tally_type, &(tally){{"", 0}, 2}));
}

static void keys_of_bytes_and_numbers_depend_on_every_field_in_order(void **state)
{
    (void)state;
    typedef struct {
        nd_bytes a, b;
        uint32_t n, m;
    } mixed;
    static const nd_type type = ND_TYPE(mixed, 3, ND_FIELD(mixed, a), ND_FIELD(mixed, b),
                                        ND_FIELD(mixed, n), ND_FIELD(mixed, m));
    const nd_bytes x = {"x", 1}, y = {"y", 1};
    const mixed records[4] = {{x, y, 1, 1}, {y, x, 1, 1}, {x, y, 2, 1}, {x, y, 1, 9}};
    uint64_t hashes[4];
    nd_type_hash_batch(&type, records, 4, hashes);
    assert_true(hashes[0] != hashes[1]);
    assert_true(hashes[0] != hashes[2]);
    assert_true(hashes[0] == hashes[3]);
    const uint64_t chained =
        nd_hash_u64(nd_hash_u64(nd_hash_u64(nd_hash_bytes("x", 1)) ^ nd_hash_bytes("y", 1)) ^ 1);
    assert_true(hashes[0] == chained);
}

/* --- Routing --- */

static void a_route_leads_to_its_worker(void **state)
{
    (void)state;
    for (unsigned n_workers = 1; n_workers <= 1024; n_workers++)
        for (unsigned worker = 0; worker < n_workers; worker++)
            assert_int_equal(nd_route_of(nd_route_to(worker, n_workers), n_workers), worker);
}

static void workers_have_equal_shares_of_buckets(void **state)
{
    (void)state;
    for (unsigned n_workers = 1; n_workers <= 1024; n_workers += 37) {
        unsigned share[1024] = {0};
        unsigned last = 0;
        for (uint64_t bucket = 0; bucket < 1024; bucket++) {
            const unsigned worker = nd_route_of(bucket << 54 | bucket, n_workers);
            assert_true(worker == last || worker == last + 1);
            assert_int_equal(worker, bucket * n_workers / 1024);
            last = worker;
            share[worker]++;
        }
        for (unsigned worker = 0; worker < n_workers; worker++)
            assert_in_range(share[worker], 1024 / n_workers, 1024 / n_workers + 1);
    }
}

static void of_two_workers_the_highest_bit_chooses(void **state)
{
    (void)state;
    for (uint64_t bucket = 0; bucket < 1024; bucket++)
        assert_int_equal((bucket << 54 | bucket) >> ND_HASH_HALF,
                         nd_route_of(bucket << 54 | bucket, 2));
}

/* --- Equality and order --- */

static void equality_is_of_keys_or_of_everything(void **state)
{
    (void)state;
    const edge a = {1, 2, 0.5}, b = {1, 3, 0.5}, c = {2, 2, 0.5};
    assert_true(nd_type_key_equal(&edge_type, &a, &b));
    assert_false(nd_type_equal(&edge_type, &a, &b));
    assert_false(nd_type_key_equal(&edge_type, &a, &c));
    assert_true(nd_type_equal(&edge_type, &a, &(edge){1, 2, 0.5}));
    char text[] = "naiad naiad";
    const tally d = {{text, 5}, 1}, e = {{text + 6, 5}, 1}, f = {{text + 6, 5}, 2};
    assert_true(nd_type_equal(&tally_type, &d, &e));
    assert_true(nd_type_key_equal(&tally_type, &d, &f));
    assert_false(nd_type_equal(&tally_type, &d, &f));
    assert_true(nd_type_equal(&tally_type, &(tally){{NULL, 0}, 1}, &(tally){{text, 0}, 1}));
    static const nd_type object = ND_TYPE_OBJECT("thing", retain, release);
    const void *one = &a, *other = &b;
    assert_true(nd_type_equal(&object, &one, &one));
    assert_false(nd_type_equal(&object, &one, &other));
}

static int order_of(const nd_type *type, const void *a, const void *b)
{
    const int forth = nd_type_compare(type, a, b), back = nd_type_compare(type, b, a);
    assert_true((forth > 0) == (back < 0) && (forth == 0) == (back == 0));
    return (forth > 0) - (forth < 0);
}

static void order_is_of_numbers_field_by_field(void **state)
{
    (void)state;
    every_kind low = {0}, high = {0};
#define ASSERT_ORDER(field, smaller, greater)                                                      \
    do {                                                                                           \
        low.field = (smaller);                                                                     \
        high.field = (greater);                                                                    \
        assert_int_equal(order_of(&every_type, &low, &high), -1);                                  \
        low.field = high.field = 0;                                                                \
    } while (0)
    assert_int_equal(order_of(&every_type, &low, &high), 0);
    ASSERT_ORDER(yes, false, true);
    ASSERT_ORDER(tiny, -1, 1);
    ASSERT_ORDER(tiny, -128, 127);
    ASSERT_ORDER(small, 1, 65535);
    ASSERT_ORDER(middle, -256, 1);
    ASSERT_ORDER(large, INT64_MIN, INT64_MAX);
    ASSERT_ORDER(count, 1, UINT64_MAX);
    ASSERT_ORDER(rough, -2.5f, 0.25f);
    ASSERT_ORDER(exact, -1e300, -1e-300);
    ASSERT_ORDER(exact, 1e300, NAN);
#undef ASSERT_ORDER
    low.exact = -0.0;
    assert_int_equal(order_of(&every_type, &low, &high), 0);
    low.exact = high.exact = NAN;
    assert_int_equal(order_of(&every_type, &low, &high), 0);
    low = (every_kind){.yes = false, .exact = 9};
    high = (every_kind){.yes = true, .exact = 1};
    assert_int_equal(order_of(&every_type, &low, &high), -1);
}

static void order_of_bytes_is_lexicographic(void **state)
{
    (void)state;
    static const char *const ascending[] = {"", "a", "aa", "ab", "b", "\xff"};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            const tally a = {bytes_of(ascending[i]), 1}, b = {bytes_of(ascending[j]), 1};
            assert_int_equal(order_of(&tally_type, &a, &b), (i > j) - (i < j));
        }
    const tally less = {{NULL, 0}, 5}, more = {{NULL, 0}, 6};
    assert_int_equal(order_of(&tally_type, &less, &more), -1);
}

/* --- Text --- */

static void assert_written(const nd_type *type, const void *record, char separator,
                           const char *expected)
{
    nd_writer *writer;
    assert_int_equal(nd_writer_open("type_test.out", &writer, NULL), ND_OK);
    nd_type_write(type, record, separator, writer);
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    char text[512];
    FILE *file = fopen("type_test.out", "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    (void)unlink("type_test.out");
    assert_string_equal(text, expected);
}

static void records_are_written_as_decimal_text(void **state)
{
    (void)state;
    const every_kind record = {true, -128, 65535, INT_MIN, INT64_MIN, SIZE_MAX, 0.1f, 0, 0.1};
    assert_written(&every_type, &record, ' ',
                   "1 -128 65535 -2147483648 -9223372036854775808 18446744073709551615 0.1 0 0.1");
    assert_written(&edge_type, &(edge){1, 2, -INFINITY}, '\t', "1\t2\t-Infinity");
    assert_written(&tally_type, &(tally){bytes_of("a,b"), -7}, ' ', "a,b -7");
    assert_written(&tally_type, &(tally){{NULL, 0}, 0}, ',', ",0");
}

static void csv_fields_are_quoted_where_they_must(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain,1"},  {"two words", "two words,1"},
        {"a,b", "\"a,b\",1"},  {"say \"hi\"", "\"say \"\"hi\"\"\",1"},
        {"\"", "\"\"\"\",1"},  {"a\nb", "\"a\nb\",1"},
        {"a\rb", "\"a\rb\",1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_written(&tally_type, &(tally){bytes_of(cases[i][0]), 1}, ',', cases[i][1]);
}

static void assert_double_text(double value)
{
    char expected[64], text[ND_DOUBLE_TEXT_SIZE + 1];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(expected, sizeof expected, "%.*g", digits, value);
        if (strtod(expected, NULL) == value)
            break;
    }
    memset(text, '#', sizeof text);
    const size_t size = nd_double_text(value, text);
    assert_true(size <= ND_DOUBLE_TEXT_SIZE);
    text[size] = '\0';
    if (strcmp(text, expected) != 0)
        fail_msg("%a is '%s', not '%s'", value, expected, text);
}

static void doubles_are_written_as_the_c_library_would(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 20260101);
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = nd_random_next(&random);
        double any;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any))
            assert_double_text(any);
        assert_double_text(nd_random_unit(&random));
        assert_double_text((double)nd_random_below(&random, 1000000) / 1000);
        assert_double_text((double)nd_random_next(&random));
    }
}

static void doubles_at_powers_and_limits_are_written_as_the_c_library_would(void **state)
{
    (void)state;
    static const double limits[] = {
        0.0,  DBL_MIN, DBL_TRUE_MIN,      DBL_MAX,           DBL_EPSILON,
        1e15, 1e-4,    999999999999999.0, 999999999999999.9, 9.9999999999999995e-5};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assert_double_text(limits[i]);
        assert_double_text(-limits[i]);
    }
    for (int e = -1074; e < 1024; e++) {
        const double power = ldexp(1, e);
        assert_double_text(power);
        assert_double_text(nextafter(power, 0));
        assert_double_text(nextafter(power, INFINITY));
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        (void)snprintf(text, sizeof text, "1e%d", e);
        const double power = strtod(text, NULL);
        assert_double_text(power);
        assert_double_text(nextafter(power, 0));
        assert_double_text(nextafter(power, INFINITY));
    }
}

static void special_doubles_have_names(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *name;
    } cases[] = {{NAN, "NaN"}, {INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}};
    for (size_t i = 0; i < 3; i++) {
        char text[ND_DOUBLE_TEXT_SIZE];
        const size_t size = nd_double_text(cases[i].value, text);
        assert_int_equal(size, strlen(cases[i].name));
        assert_memory_equal(text, cases[i].name, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_widths_are_deduced),
        cmocka_unit_test(good_tables_are_accepted),
        cmocka_unit_test(flatness_and_key_size_follow_the_fields),
        cmocka_unit_test(padding_is_refused_with_its_place),
        cmocka_unit_test(fields_out_of_order_are_refused),
        cmocka_unit_test(impossible_tables_are_refused),
        cmocka_unit_test(half_made_objects_are_refused),
        cmocka_unit_test(a_table_may_be_full),
        cmocka_unit_test(flat_hashes_equal_the_definition_for_every_width),
        cmocka_unit_test(hashes_are_fixed_for_ever),
        cmocka_unit_test(bytes_keys_hash_by_what_they_point_to),
        cmocka_unit_test(keys_of_bytes_and_numbers_depend_on_every_field_in_order),
        cmocka_unit_test(a_route_leads_to_its_worker),
        cmocka_unit_test(workers_have_equal_shares_of_buckets),
        cmocka_unit_test(of_two_workers_the_highest_bit_chooses),
        cmocka_unit_test(equality_is_of_keys_or_of_everything),
        cmocka_unit_test(order_is_of_numbers_field_by_field),
        cmocka_unit_test(order_of_bytes_is_lexicographic),
        cmocka_unit_test(records_are_written_as_decimal_text),
        cmocka_unit_test(csv_fields_are_quoted_where_they_must),
        cmocka_unit_test(doubles_are_written_as_the_c_library_would),
        cmocka_unit_test(doubles_at_powers_and_limits_are_written_as_the_c_library_would),
        cmocka_unit_test(special_doubles_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

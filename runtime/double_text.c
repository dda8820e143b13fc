/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubles as decimal text: "%.15g" if it reads back as the same double, else "%.16g", else "%.17g".
 *
 * The C library gets there with up to three conversions each way, about a microsecond. Here a
 * double v of m * 2^e is scaled once, to S = v * 10^p of 17 or 18 digits before the point, in fixed
 * point from a table of powers of ten. All three candidates are roundings of S, and a candidate
 * reads back exactly when its distance from S is below half the spacing of doubles there, H =
 * 2^(e-1) * 10^p. The table is cut to 128 bits, which leaves the last bits of S and H uncertain.
 * Where a decision is closer than that, in ties and at the limits of the format, the C library
 * decides: so the answer is always its answer. (The idea of an estimate that knows when to give up
 * is that of Grisu3: Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with
 * Integers", PLDI 2010.)
 *
 * Pure; any thread.
 */
#include <nereid/type.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/type_internal.h"

enum { U64_TEXT_SIZE = 20 };

size_t nd_u64_text(uint64_t value, char *text)
{
    char digits[U64_TEXT_SIZE];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(text, digits + first, sizeof digits - first);
    return sizeof digits - first;
}

/* A number of 128 bits. */
typedef struct wide {
    uint64_t high, low;
} wide;

/* A positive number: bits * 2^exponent, the highest bit set. */
typedef struct scaled {
    wide bits;
    int exponent;
} scaled;

/* What a double is made of: m * 2^e, m of 53 bits. */
typedef struct parts {
    uint64_t m;
    int e;
} parts;

enum { TABLE_STEP = 20, TABLE_FIRST = -300, FRACTION_BITS = 40, MARGIN = 4 };

/* 128 bits of 10^-300, 10^-280, ..., 10^320, cut, not rounded. */
static const wide powers[] = {
    {0xab70fe17c79ac6ca, 0x6dbd630a48aaf406}, /* 1e-300 */
    {0xe858ad248f5c22c9, 0xd1b3400f8f9cff68}, /* 1e-280 */
    {0x9d71ac8fada6c9b5, 0x6f773fc3603db4a9}, /* 1e-260 */
    {0xd5605fcdcf32e1d6, 0xfb1e4a9a90880a64}, /* 1e-240 */
    {0x9096ea6f3848984f, 0x3ff0d2c85def7621}, /* 1e-220 */
    {0xc3f490aa77bd60fc, 0xbedbfc4411068a9c}, /* 1e-200 */
    {0x84c8d4dfd2c63f3b, 0x29ecd9f40041e073}, /* 1e-180 */
    {0xb3f4e093db73a093, 0x59ed216765690f56}, /* 1e-160 */
    {0xf3e2f893dec3f126, 0x5a89dba3c3efccfa}, /* 1e-140 */
    {0xa54394fe1eedb8fe, 0xc2974eb4ee658828}, /* 1e-120 */
    {0xdff9772470297ebd, 0x59787e2b93bc56f7}, /* 1e-100 */
    {0x97c560ba6b0919a5, 0xdccd879fc967d41a}, /* 1e-80 */
    {0xcdb02555653131b6, 0x3792f412cb06794d}, /* 1e-60 */
    {0x8b61313bbabce2c6, 0x2323ac4b3b3da015}, /* 1e-40 */
    {0xbce5086492111aea, 0x88f4bb1ca6bcf584}, /* 1e-20 */
    {0x8000000000000000, 0x0000000000000000}, /* 1e0 */
    {0xad78ebc5ac620000, 0x0000000000000000}, /* 1e20 */
    {0xeb194f8e1ae525fd, 0x5dcfab0800000000}, /* 1e40 */
    {0x9f4f2726179a2245, 0x01d762422c946590}, /* 1e60 */
    {0xd7e77a8f87daf7fb, 0xdc33745ec97be906}, /* 1e80 */
    {0x924d692ca61be758, 0x593c2626705f9c56}, /* 1e100 */
    {0xc646d63501a1511d, 0xb281e1fd541501b8}, /* 1e120 */
    {0x865b86925b9bc5c2, 0x0b8a2392ba45a9b2}, /* 1e140 */
    {0xb616a12b7fe617aa, 0x577b986b314d6009}, /* 1e160 */
    {0xf6c69a72a3989f5b, 0x8aad549e57273d45}, /* 1e180 */
    {0xa738c6bebb12d16c, 0xb428f8ac016561db}, /* 1e200 */
    {0xe2a0b5dc971f303a, 0x2e44ae64840fd61d}, /* 1e220 */
    {0x9991a6f3d6bf1765, 0xacca6da1e0a8ef29}, /* 1e240 */
    {0xd01fef10a657842c, 0x2d2b7569b0432d85}, /* 1e260 */
    {0x8d07e33455637eb2, 0xdb0b487b6423e1e8}, /* 1e280 */
    {0xbf21e44003acdd2c, 0xe0470a63e6bd56c3}, /* 1e300 */
    {0x81842f29f2cce375, 0xe6a1158300d46640}, /* 1e320 */
};

static const uint64_t small_powers[TABLE_STEP] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* floor(x * numerator / 2^20): one of the two below, where |x| < 1100. The bias keeps the shifted
 * number positive. */
static int scale_log(int x, int64_t numerator)
{
    const int64_t bias = 8192;
    return (int)((((int64_t)x * numerator + (bias << 20)) >> 20) - bias);
}

static int log10_of_power_of_2(int exponent) { return scale_log(exponent, 315653); }
static int log2_of_power_of_10(int exponent) { return scale_log(exponent, 3483294); }

static wide multiply(uint64_t a, uint64_t b)
{
    const uint64_t mask = UINT32_MAX;
    const uint64_t low = (a & mask) * (b & mask), high = (a >> 32) * (b >> 32);
    const uint64_t cross = (a >> 32) * (b & mask) + (low >> 32);
    const uint64_t middle = (a & mask) * (b >> 32) + (cross & mask);
    return (wide){high + (cross >> 32) + (middle >> 32), (middle << 32) | (low & mask)};
}

/* a * b / 2^64, cut. */
static wide multiply_wide(wide a, uint64_t b)
{
    const wide high = multiply(a.high, b);
    const uint64_t low = high.low + multiply(a.low, b).high;
    return (wide){high.high + (low < high.low), low};
}

/* 10^power, below the true value by less than 4 units of the last bit; `power` is -300 to 339. */
static scaled power_of_10(int power)
{
    const int index = (power - TABLE_FIRST) / TABLE_STEP;
    const int coarse = TABLE_FIRST + index * TABLE_STEP, fine = power - coarse;
    const int fine_bits = log2_of_power_of_10(fine) + 1;
    const wide bits = multiply_wide(powers[index], small_powers[fine] << (64 - fine_bits));
    const int exponent = log2_of_power_of_10(coarse) - 127 + fine_bits;
    if (bits.high >> 63 != 0)
        return (scaled){bits, exponent};
    return (scaled){{bits.high << 1 | bits.low >> 63, bits.low << 1}, exponent - 1};
}

/* Writes digits * 10^(exponent10 - n_digits + 1) as "%.{n_digits}g" does. */
static size_t format(uint64_t digits, int n_digits, int exponent10, char *text)
{
    char all[20];
    size_t n = nd_u64_text(digits, all);
    while (n > 1 && all[n - 1] == '0')
        n--;
    char *end = text;
    if (exponent10 < -4 || exponent10 >= n_digits) {
        *end++ = all[0];
        if (n > 1)
            *end++ = '.';
        memcpy(end, all + 1, n - 1);
        end += n - 1;
        const unsigned size = (unsigned)(exponent10 < 0 ? -exponent10 : exponent10);
        *end++ = 'e';
        *end++ = exponent10 < 0 ? '-' : '+';
        if (size < 10)
            *end++ = '0';
        return (size_t)(end - text) + nd_u64_text(size, end);
    }
    if (exponent10 < 0) {
        memcpy(end, "0.000", 5);
        end += 1 - exponent10;
        memcpy(end, all, n);
        return (size_t)(end - text) + n;
    }
    const size_t whole = (size_t)exponent10 + 1;
    memset(end, '0', whole); /* for a number like 1200, whose last zeros were taken off */
    memcpy(end, all, n < whole ? n : whole);
    end += whole;
    if (n > whole) {
        *end++ = '.';
        memcpy(end, all + whole, n - whole);
        end += n - whole;
    }
    return (size_t)(end - text);
}

/* |a - b| is too small to tell which is greater. */
static bool is_close(uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) <= MARGIN; }

/* Writes a positive, normal double; returns 0 where the estimate cannot decide. Fixed-point numbers
 * have FRACTION_BITS bits after the point. */
static size_t estimate(parts v, char *text)
{
    const int exponent10 = log10_of_power_of_2(v.e + 52); /* of v, or one less */
    const scaled power = power_of_10(16 - exponent10);
    const wide product = multiply_wide(power.bits, v.m << 11);
    const int point = -(v.e + power.exponent + 53) - 64; /* bits of product.high after S's point */
    const uint64_t whole = product.high >> point;
    const uint64_t fraction =
        (product.high << (64 - point) | product.low >> point) >> (64 - FRACTION_BITS);
    const uint64_t gap = power.bits.high >> (point + 54 - FRACTION_BITS);
    const int n_whole = whole >= small_powers[17] ? 18 : 17;
    for (int n = 15; n <= 17; n++) {
        const uint64_t unit = small_powers[n_whole - n];
        const uint64_t rest = (whole % unit) << FRACTION_BITS | fraction;
        const uint64_t half = unit << (FRACTION_BITS - 1);
        if (is_close(rest, half))
            return 0;
        const bool up = rest > half;
        const uint64_t distance = up ? (unit << FRACTION_BITS) - rest : rest;
        const bool is_narrow =
            !up && v.m == UINT64_C(1) << 52; /* below a power of two doubles are closer */
        const uint64_t limit = is_narrow ? gap / 2 : gap;
        if (n < 17 && is_close(distance, limit))
            return 0;
        if (n < 17 && distance > limit)
            continue;
        const uint64_t digits = whole / unit + up;
        const bool carried = digits == small_powers[n];
        return format(carried ? digits / 10 : digits, n, exponent10 + n_whole - 17 + carried, text);
    }
    return 0;
}

static size_t by_library(double value, char *text)
{
    int size = 0;
    for (int n = 15; n <= 17; n++) {
        size = snprintf(text, ND_DOUBLE_TEXT_SIZE, "%.*g", n, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return (size_t)size;
}

static size_t fixed_text(const char *words, char *text)
{
    const size_t size = strlen(words);
    memcpy(text, words, size);
    return size;
}

static size_t positive_text(double value, char *text)
{
    if (value < 1e15 && value == floor(value))
        return nd_u64_text((uint64_t)value, text);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int biased = (int)(bits >> 52);
    if (biased < 2) /* subnormals, and the least normals, below which the spacing does not shrink */
        return by_library(value, text);
    const uint64_t implied = UINT64_C(1) << 52;
    const size_t size = estimate((parts){(bits & (implied - 1)) | implied, biased - 1075}, text);
    return size != 0 ? size : by_library(value, text);
}

size_t nd_double_text(double value, char *text)
{
    if (isnan(value))
        return fixed_text("NaN", text);
    if (isinf(value))
        return fixed_text(value < 0 ? "-Infinity" : "Infinity", text);
    if (!signbit(value))
        return positive_text(value, text);
    *text = '-';
    return 1 + positive_text(-value, text + 1);
}

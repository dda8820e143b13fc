/* SPDX-License-Identifier: Apache-2.0 */
/* Reading numbers, exactly: a decimal of at most 53 bits and a small power of ten is one correctly
 * rounded operation; every other goes to the C library. The C library's own format (hexadecimal,
 * infinities) is not ours, so the extent of a number is always found here first. */
#include "operators/graph/number_text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

const char *scan_more_digits(const char *text, uint64_t *number)
{
    uint64_t sum = *number;
    for (; is_digit(*text); text++) {
        const unsigned digit = (unsigned)(*text - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return NULL;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return text;
}

/* A decimal taken apart: digits * 10^exponent; exact while digits are below 10^18, later ones being
 * left out. */
typedef struct decimal_parts {
    uint64_t digits;
    int exponent;
    bool is_negative;
} decimal_parts;

/* The digits of one side of the point; `step` is what each takes from the exponent. */
static const char *scan_digits(const char *text, int step, decimal_parts *parts)
{
    for (; is_digit(*text); text++) {
        if (parts->digits >= UINT64_C(1000000000000000000))
            continue;
        parts->digits = parts->digits * 10 + (unsigned)(*text - '0');
        parts->exponent -= step;
    }
    return text;
}

static const char *scan_exponent(const char *text, decimal_parts *parts)
{
    const char *p = text + 1;
    const bool is_negative = *p == '-';
    p += *p == '-' || *p == '+';
    if (!is_digit(*p))
        return NULL;
    int exponent = 0;
    for (; is_digit(*p); p++)
        exponent = exponent < 100000 ? exponent * 10 + (*p - '0') : exponent;
    parts->exponent += is_negative ? -exponent : exponent;
    return p;
}

static const char *scan_parts(const char *text, decimal_parts *parts)
{
    *parts = (decimal_parts){.is_negative = *text == '-'};
    text += *text == '-' || *text == '+';
    const char *const first = text;
    const char *p = scan_digits(text, 0, parts);
    ptrdiff_t n_digits = p - first;
    if (*p == '.') {
        const char *const point = p;
        p = scan_digits(p + 1, 1, parts);
        n_digits += p - point - 1;
    }
    if (n_digits == 0)
        return NULL;
    return *p == 'e' || *p == 'E' ? scan_exponent(p, parts) : p;
}

/* The C library's answer, whatever the program's locale calls a decimal point. */
static bool convert_slowly(const char *text, const char *end, double *number)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return false;
    char *stop = NULL;
    *number = strtod_l(text, &stop, plain);
    freelocale(plain);
    return stop == end && isfinite(*number);
}

const char *scan_decimal(const char *text, double *number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int greatest = (int)(sizeof powers / sizeof *powers) - 1;
    decimal_parts parts;
    const char *const end = scan_parts(text, &parts);
    if (end == NULL)
        return NULL;
    double value = (double)parts.digits;
    const bool is_small = parts.exponent >= -greatest && parts.exponent <= greatest;
    if (FLT_EVAL_METHOD == 0 && is_small && parts.digits <= UINT64_C(1) << 53) {
        value =
            parts.exponent < 0 ? value / powers[-parts.exponent] : value * powers[parts.exponent];
        value = parts.is_negative ? -value : value;
    } else if (!convert_slowly(text, end, &value)) {
        return NULL;
    }
    *number = value + 0.0;
    return end;
}

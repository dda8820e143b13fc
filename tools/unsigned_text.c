/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers as text, two digits at a time. */
#include "tools/unsigned_text.h"

#include <string.h>

static const char digit_pairs[] = "0001020304050607080910111213141516171819202122232425262728293031"
                                  "323334353637383940414243444546474849"
                                  "5051525354555657585960616263646566676869707172737475767778798081"
                                  "828384858687888990919293949596979899";

char *unsigned_text(uint64_t number, char *text)
{
    char reversed[20];
    size_t n = sizeof reversed;
    while (number >= 100) {
        n -= 2;
        memcpy(reversed + n, digit_pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        n -= 2;
        memcpy(reversed + n, digit_pairs + 2 * number, 2);
    } else {
        reversed[--n] = (char)('0' + number);
    }
    memcpy(text, reversed + n, sizeof reversed - n);
    return text + (sizeof reversed - n);
}

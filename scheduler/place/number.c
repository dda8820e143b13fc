/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers, strictly: no sign, no blanks, no wrapping around. */
#include "scheduler/place/number.h"

bool nd_number_parse(const char *text, size_t size, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        const unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (size == 0 || value > most)
        return false;
    *number = value;
    return true;
}

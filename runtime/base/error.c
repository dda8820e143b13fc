/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error codes' texts and exit statuses, from the one list in the header. No state; any thread.
 */
#include <nereid/error.h>

#include <stdarg.h>
#include <stdio.h>

const char *nd_err_text(nd_err err)
{
    static const char *const texts[] = {
#define ERROR_TEXT(code, text, status) [code] = text,
        ND_ERRORS(ERROR_TEXT)
#undef ERROR_TEXT
    };
    const size_t index = (size_t)err;
    return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown error";
}

int nd_err_status(nd_err err)
{
    static const unsigned char statuses[] = {
#define ERROR_STATUS(code, text, status) [code] = status,
        ND_ERRORS(ERROR_STATUS)
#undef ERROR_STATUS
    };
    const size_t index = (size_t)err;
    return index < sizeof statuses ? statuses[index] : 1;
}

nd_err nd_message_set(nd_message *message, nd_err err, const char *format, ...)
{
    if (message == NULL)
        return err;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(message->text, sizeof message->text, format, arguments) < 0)
        message->text[0] = '\0';
    va_end(arguments);
    return err;
}

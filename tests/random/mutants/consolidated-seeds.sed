# operators/differential/key_history.c: what cancels between the history and the batch is no cause
/^nd_err nd_key_history_make_since(/i\
static void cancel(nd_key_history *history)\
{\
    nd_edit *const fresh = history->fresh.items, *const stored = history->stored.items;\
    for (size_t i = 0; i < history->fresh.len; i++)\
        for (size_t k = 0; k < history->stored.len; k++)\
            if (fresh[i].value == stored[k].value && fresh[i].diff == -stored[k].diff &&\
                nd_time_equal(&fresh[i].time, &stored[k].time)) {\
                memmove(&fresh[i], &fresh[i + 1], (--history->fresh.len - i) * sizeof *fresh);\
                memmove(&stored[k], &stored[k + 1], (--history->stored.len - k) * sizeof *stored);\
                i = 0;\
                break;\
            }\
}\

s/    nd_history_sort(history->fresh.items, history->fresh.len);/&\n    cancel(history);/
s/#include "operators\/differential\/advance.h"/#include <string.h>\n\n&/

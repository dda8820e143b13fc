/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/differential/reduce_rounds.h"

#include "tests/support/cmocka.h"

#include <string.h>

void append_items(nd_vector *to, const void *items, size_t len)
{
    if (len == 0)
        return;
    assert_int_equal(nd_vector_reserve(to, to->len + len), ND_OK);
    memcpy((char *)to->items + to->len * to->item_size, items, len * to->item_size);
    to->len += len;
}

void given_take(given_updates *given, const nd_antichain *upper, nd_vector *batch)
{
    nd_vector_clear(batch);
    for (size_t i = 0; i < given->n; i++) {
        if (given->are_taken[i] || nd_antichain_less_equal(upper, &given->items[i].time))
            continue;
        given->are_taken[i] = true;
        append_items(batch, &given->items[i], 1);
    }
}

void store_edits(nd_vector *history, const nd_edit *edits, size_t len, const nd_antichain *since)
{
    append_items(history, edits, len);
    assert_int_equal(since ? nd_history_advance(history->items, &history->len, since)
                           : nd_history_consolidate(history->items, &history->len),
                     ND_OK);
}

nd_err reduce_batch(nd_reduce_tactic *tactic, const nd_edit *batch, size_t len,
                    nd_reduce_result *result)
{
    nd_antichain upper;
    nd_antichain_init(&upper);
    const nd_reduce_round round = {.batch = batch, .n_batch = len, .upper = &upper};
    return nd_reduce_key(tactic, &round, result);
}

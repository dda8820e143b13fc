/* SPDX-License-Identifier: Apache-2.0 */
/* Processes ask each other what they wait for: ASK goes to all, and each answers with TELL. What
 * the lines say is for the floor above.
 *
 * The question and the answer of this process come from another thread: they are left under the
 * lock, and the net thread is woken. Whoever asks is remembered until there is an answer. */
#include <string.h>

#include <nereid/memory.h>

#include "transport/zmq/net_internal.h"

/* --- Any thread --- */

void nd_net_ask(nd_net *net)
{
    atomic_store_explicit(&net->is_asking, true, memory_order_release);
    nd_net_wake(net);
}

void nd_net_answer(nd_net *net, const char *lines, size_t size)
{
    uv_mutex_lock(&net->lock);
    nd_vector_clear(&net->answer);
    if (size && nd_vector_reserve(&net->answer, size) == ND_OK) {
        memcpy(net->answer.items, lines, size);
        net->answer.len = size;
    }
    uv_mutex_unlock(&net->lock);
    atomic_store_explicit(&net->has_answer, true, memory_order_release);
    nd_net_wake(net);
}

/* --- The net thread --- */

bool nd_inquiry_waits(const nd_net *net)
{
    return atomic_load_explicit(&net->is_asking, memory_order_acquire) ||
           atomic_load_explicit(&net->has_answer, memory_order_acquire);
}

static void ask_all(nd_net *net)
{
    const uint64_t now_ms = uv_now(&net->loop);
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        const nd_lane *const lane = &peer->lanes[ND_LANE_CONTROL];
        if (i == net->def.process || !lane->is_open || !lane->stands)
            continue;
        nd_net_tell(peer, &(nd_control){.kind = ND_CONTROL_ASK});
        if (net->def.heard)
            net->def.heard(net->def.context, i, now_ms - peer->heard_ms,
                           !nd_queue_is_empty(&peer->outbox));
    }
}

/* Sets up `tell` to say the lines in a block; the list is the caller's. Errors: ND_NOMEM. */
static nd_err list_lines(const nd_vector *block, nd_vector *list)
{
    const char *const first = block->items;
    for (size_t used = 0; used < block->len; used += strlen(first + used) + 1) {
        const char **const slot = nd_vector_push(list);
        if (!slot)
            return ND_NOMEM;
        *slot = first + used;
    }
    return ND_OK;
}

static void answer_all(nd_net *net)
{
    nd_vector block, list;
    nd_vector_init(&list, sizeof(const char *));
    uv_mutex_lock(&net->lock);
    block = net->answer;
    nd_vector_init(&net->answer, 1);
    uv_mutex_unlock(&net->lock);
    if (list_lines(&block, &list) != ND_OK) /* then nothing is said */
        nd_vector_clear(&list);
    const nd_control control = {.kind = ND_CONTROL_TELL,
                                .tell = {.lines = list.items, .n_lines = list.len}};
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        if (peer->is_asking && peer->lanes[ND_LANE_CONTROL].is_open)
            nd_net_tell(peer, &control);
        peer->is_asking = false;
    }
    nd_vector_deinit(&list);
    nd_vector_deinit(&block);
}

void nd_inquiry_work(nd_net *net)
{
    if (!nd_inquiry_waits(net))
        return;
    /* They pair with the releases above. */
    if (atomic_exchange_explicit(&net->is_asking, false, memory_order_acquire) && net->err == ND_OK)
        ask_all(net);
    if (atomic_exchange_explicit(&net->has_answer, false, memory_order_acquire) &&
        net->err == ND_OK)
        answer_all(net);
}

void nd_inquiry_take(nd_peer *peer, const nd_control *control)
{
    nd_net *const net = peer->net;
    if (control->kind == ND_CONTROL_TELL) {
        if (net->def.told)
            net->def.told(net->def.context, peer->process, control->tell.lines,
                          control->tell.n_lines);
    } else if (net->def.asked) {
        peer->is_asking = true;
        net->def.asked(net->def.context);
    }
}

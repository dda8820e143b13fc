/* SPDX-License-Identifier: Apache-2.0 */
/* Why each option is as it is:
 *
 * RECONNECT_IVL -1   a connection made again would leave a hole in the stream and say nothing
 * LINGER 0           nothing is waited for unless a lane is closed in good order
 * HANDSHAKE_IVL      a connection that never speaks is dropped
 * MAXMSGSIZE         a head that announces gigabytes is not believed
 * HEARTBEAT          on control lanes only: a data lane that is not read for a while, because its
 *                    receiver is busy, would be torn down
 * high-water marks   count messages: few where they are large
 * ROUTER_MANDATORY   an answer to somebody who is gone is an error, not a silence
 * ROUTER_HANDOVER 0  a second connection of the same name cannot take over the first */
#include "transport/zmq/options.h"

#include <string.h>

static void set(void *zmq, int option, int value)
{
    (void)zmq_setsockopt(zmq, option, &value, sizeof value); /* fails for unknown options only */
}

static void set_common(void *zmq)
{
    const int64_t limit = ND_WIRE_BODY_MOST + 64; /* encryption adds to each message */
    (void)zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
    set(zmq, ZMQ_LINGER, 0);
    set(zmq, ZMQ_RECONNECT_IVL, -1);
    set(zmq, ZMQ_HANDSHAKE_IVL, 5000);
    set(zmq, ZMQ_IPV6, 1);
}

static void set_text(void *zmq, int option, const char *text)
{
    (void)zmq_setsockopt(zmq, option, text, strlen(text));
}

static void set_own_keys(void *zmq, const nd_keys *keys)
{
    set_text(zmq, ZMQ_CURVE_PUBLICKEY, keys->public_keys[keys->process]);
    set_text(zmq, ZMQ_CURVE_SECRETKEY, keys->secret_key);
}

void nd_zmq_set_lane_options(void *zmq, nd_lane_kind kind, unsigned peer, const nd_keys *keys)
{
    static const int marks[ND_LANES] = {
        [ND_LANE_CONTROL] = 1024, [ND_LANE_DATA] = 32, [ND_LANE_PROGRESS] = 4096};
    set_common(zmq);
    if (keys) {
        set_own_keys(zmq, keys);
        set_text(zmq, ZMQ_CURVE_SERVERKEY, keys->public_keys[peer]);
    }
    set(zmq, ZMQ_SNDHWM, marks[kind]);
    set(zmq, ZMQ_CONNECT_TIMEOUT, 3000);
    if (kind != ND_LANE_CONTROL)
        return;
    set(zmq, ZMQ_HEARTBEAT_IVL, ND_HEARTBEAT_MS);
    set(zmq, ZMQ_HEARTBEAT_TIMEOUT, ND_SILENCE_MS);
}

void nd_zmq_set_entrance_options(void *zmq, const nd_keys *keys)
{
    set_common(zmq);
    if (keys) {
        set_own_keys(zmq, keys);
        set(zmq, ZMQ_CURVE_SERVER, 1);
        set_text(zmq, ZMQ_ZAP_DOMAIN, "nereid");
    }
    set(zmq, ZMQ_RCVHWM, 4096); /* what may be under way is limited by credit */
    set(zmq, ZMQ_BACKLOG, 1024);
    set(zmq, ZMQ_ROUTER_MANDATORY, 1);
    set(zmq, ZMQ_ROUTER_HANDOVER, 0);
}

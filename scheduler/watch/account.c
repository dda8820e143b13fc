/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/watch/account.h"

#include <inttypes.h>
#include <stdio.h>

#include "runtime/dataflow.h"
#include "runtime/explain.h"

/* What people would read of one worker; more is counted only. */
enum { MOST_FLOWS = 16, MOST_HOLDINGS = 16, MOST_ROOTS = 32, MOST_OWN = 64 };

char *nd_worker_name(const nd_worker *worker, char name[ND_NAME_SIZE])
{
    const unsigned n_workers = worker->host.peers / worker->host.processes;
    snprintf(name, ND_NAME_SIZE, "worker %u (process %u)", worker->host.index,
             worker->host.index / n_workers);
    return name;
}

/* --- What it holds --- */

static void write_holdings(const char *name, size_t flow, nd_explanation *explanation,
                           nd_lines *lines)
{
    char text[ND_EXPLAIN_TEXT];
    const size_t n = explanation->holdings.len;
    for (size_t i = 0; i < n && i < MOST_HOLDINGS; i++) {
        const nd_holding *const holding = nd_vector_at(&explanation->holdings, i);
        nd_holding_text(explanation, holding, text);
        nd_lines_add(lines, "h %zu %" PRIu64 " %s: %s", flow, holding->time.epoch, name, text);
    }
    if (n > MOST_HOLDINGS)
        nd_lines_add(lines, "h %zu 0 %s: and %zu more in dataflow '%s'", flow, name,
                     n - MOST_HOLDINGS, nd_dataflow_name(explanation->flow));
}

/* --- What has to be put together with what others say --- */

static void write_pointstamp(char *text, size_t size, size_t flow, uint32_t location,
                             const nd_time *time)
{
    snprintf(text, size, "%zu %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32,
             flow, location, time->epoch, time->loop[0], time->loop[1], time->loop[2],
             time->loop[3]);
}

enum { POINTSTAMP_SIZE = 96 }; /* a number of 20 digits, six of 10, and what is between them */

static void write_roots(size_t flow, const nd_explanation *explanation, nd_lines *lines)
{
    char stamp[POINTSTAMP_SIZE], text[ND_EXPLAIN_TEXT];
    const nd_wait_root *const roots = explanation->roots.items;
    for (size_t i = 0; i < explanation->roots.len && i < MOST_ROOTS; i++) {
        write_pointstamp(stamp, sizeof stamp, flow, roots[i].location, &roots[i].time);
        nd_wait_root_text(explanation->flow, &roots[i], roots[i].count, text);
        nd_lines_add(lines, "r %s %" PRId64 " %s", stamp, roots[i].count, text);
    }
    if (explanation->roots.len > MOST_ROOTS)
        nd_lines_add(lines, "q");
}

/* At each location the earliest: it is there that others may see a root. */
static void write_own(size_t flow, const nd_explanation *explanation, nd_lines *lines)
{
    char stamp[POINTSTAMP_SIZE];
    const nd_change *const own = explanation->own.items;
    size_t n = 0;
    for (size_t i = 0, first = 0; i < explanation->own.len && n <= MOST_OWN; i++) {
        if (own[i].location != own[first].location)
            first = i;
        else if (i != first && nd_time_less_equal(&own[first].time, &own[i].time))
            continue;
        write_pointstamp(stamp, sizeof stamp, flow, own[i].location, &own[i].time);
        nd_lines_add(lines, "o %s %" PRId64, stamp, own[i].delta);
        n++;
    }
    if (n > MOST_OWN)
        nd_lines_add(lines, "q");
}

/* --- What it waits for --- */

static void write_wait(const nd_worker *worker, const char *name, size_t flow,
                       nd_explanation *explanation, nd_lines *lines)
{
    uint32_t location;
    const char *const flow_name = nd_dataflow_name(explanation->flow);
    const nd_probe *const probe = worker->probe;
    if (worker->is_finishing)
        nd_lines_add(lines, "w %zu %" PRIu64 " %s waits for dataflow '%s' to be complete", flow,
                     UINT64_MAX, name, flow_name);
    if (!probe || nd_probe_flow(probe) != explanation->flow || worker->epoch == 0)
        return;
    const nd_time last = {worker->epoch - 1, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    const nd_vertex *const target = nd_probe_target(probe, &location);
    char way[ND_EXPLAIN_TEXT] = "";
    if (nd_way_text(explanation, location, &last, way) != ND_OK)
        nd_lines_add(lines, "q");
    nd_lines_add(lines,
                 "w %zu %" PRIu64 " %s waits for what comes before epoch %" PRIu64
                 " behind vertex '%s' of dataflow '%s'%s",
                 flow, worker->epoch, name, worker->epoch, nd_vertex_name(target), flow_name, way);
}

static void write_flow(const nd_worker *worker, const char *name, size_t index, nd_lines *lines)
{
    char text[ND_EXPLAIN_TEXT];
    nd_explanation explanation;
    const nd_dataflow *const flow = nd_host_flow(&worker->host, index);
    if (!nd_flow_state_text(flow, text)) {
        nd_lines_add(lines, "w %zu %" PRIu64 " %s waits: %s", index, UINT64_MAX, name, text);
        return;
    }
    if (nd_explanation_init(&explanation, flow) != ND_OK) {
        nd_lines_add(lines, "q");
        return;
    }
    write_holdings(name, index, &explanation, lines);
    write_wait(worker, name, index, &explanation, lines);
    write_roots(index, &explanation, lines);
    write_own(index, &explanation, lines);
    nd_explanation_deinit(&explanation);
}

void nd_account_write(const nd_worker *worker, nd_lines *lines)
{
    char name[ND_NAME_SIZE];
    size_t n = 0;
    const nd_dataflow *flow;
    nd_worker_name(worker, name);
    for (size_t i = worker->n_over; (flow = nd_host_flow(&worker->host, i)); i++)
        if (!nd_flow_is_over(flow) && n++ < MOST_FLOWS)
            write_flow(worker, name, i, lines);
    if (n > MOST_FLOWS)
        nd_lines_add(lines, "w 0 0 %s has %zu more dataflows that are not complete", name,
                     n - MOST_FLOWS);
    const size_t n_missing = nd_host_n_missing(&worker->host);
    if (n_missing)
        nd_lines_add(lines,
                     "h 0 0 %s: has not begun %zu dataflow%s that other workers have started", name,
                     n_missing, n_missing == 1 ? "" : "s");
}

/* --- Those who do not answer --- */

bool nd_worker_is_inside(const nd_worker *worker, uint64_t idle_ms, char text[512])
{
    /* See host.h. */
    const nd_vertex *const vertex =
        atomic_load_explicit(&worker->host.running, memory_order_acquire);
    if (!vertex)
        return false;
    snprintf(text, 512, "has been inside vertex '%s' of dataflow '%s' for %" PRIu64 " s",
             nd_vertex_name(vertex), nd_vertex_flow_name(vertex), idle_ms / 1000);
    return true;
}

void nd_account_write_silent(const nd_worker *worker, uint64_t idle_ms, nd_lines *lines)
{
    char name[ND_NAME_SIZE], text[512];
    nd_worker_name(worker, name);
    if (nd_worker_is_inside(worker, idle_ms, text))
        nd_lines_add(lines, "i %s|%s", name, text);
    else
        nd_lines_add(lines,
                     "s %s|does not answer: its program does not step it, and it has done nothing "
                     "for %" PRIu64 " s",
                     name, idle_ms / 1000);
}

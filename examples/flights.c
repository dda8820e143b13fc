/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Six standing queries over tables of airports, airlines and routes, kept up to date over the
 * history of the tables: joins of two and of three, joins that look for what is missing, and
 * aggregates.
 *
 *     flights [-w WORKERS] FILE        prints `DIFFERENCE (epoch) VIEW|FIELD|...` for each change
 *
 * FILE has a change a line, its fields separated by tabs: the epoch, the table, by how much the
 * number of times that a row is there changes, and the row.
 *
 *     r1  an active airline (id, name) and its number of routes
 *     r2  a country, another, and the number of routes from the one to the other
 *     r3  a country and how many of its airports have a code, but no route
 *     r4  an airline's code and the number of its routes that begin or end nowhere
 *     r5  an airport and how many others its routes lead to
 *     r6  a country, its airport with most routes, and how many these are
 */
#include <string.h>

#include "examples/table_file.h"
#include "examples/view.h"

/* --- Records: an id is a text, and empty where it is not known --- */

typedef struct {
    nd_bytes id, country, code;
} airport;
static const nd_type airport_type =
    ND_TYPE(airport, 1, ND_FIELD(airport, id), ND_FIELD(airport, country), ND_FIELD(airport, code));

typedef struct {
    nd_bytes id, name;
} airline;
static const nd_type airline_type =
    ND_TYPE(airline, 1, ND_FIELD(airline, id), ND_FIELD(airline, name));

typedef struct {
    nd_bytes from, to, airline, code; /* ids of two airports and of an airline, and its code */
} route;
static const nd_type route_type = ND_TYPE(route, 1, ND_FIELD(route, from), ND_FIELD(route, to),
                                          ND_FIELD(route, airline), ND_FIELD(route, code));

/* One text, or two; with the first or both of them as the key; and how often there is such. */
typedef struct {
    nd_bytes a;
} single;
static const nd_type single_type = ND_TYPE(single, 1, ND_FIELD(single, a));

typedef struct {
    nd_bytes a;
    int64_t n;
} single_count;
static const nd_type single_count_type =
    ND_TYPE(single_count, 1, ND_FIELD(single_count, a), ND_FIELD(single_count, n));

typedef struct {
    nd_bytes a, b;
} pair;
static const nd_type keyed_type = ND_TYPE(pair, 1, ND_FIELD(pair, a), ND_FIELD(pair, b));
static const nd_type pair_type = ND_TYPE(pair, 2, ND_FIELD(pair, a), ND_FIELD(pair, b));

typedef struct {
    nd_bytes a, b;
    int64_t n;
} pair_count;
static const nd_type pair_count_type = ND_TYPE(pair_count, 2, ND_FIELD(pair_count, a),
                                               ND_FIELD(pair_count, b), ND_FIELD(pair_count, n));

/* The tables, arranged: each is read by several queries. Routes by where they begin. */
struct tables {
    nd_collection airports, airlines, routes;
};

/* --- r1 --- */

static void airline_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((single *)out)[i] = (single){((const route *)records)[i].airline};
}

static void take_airline(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)left;
    const airline *airlines = right;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){airlines[i].id, airlines[i].name};
}

static nd_collection routes_of_airlines(const struct tables *tables)
{
    nd_collection flown = nd_collection_map(tables->routes, &single_type, airline_of, nd_no_user);
    nd_collection named = nd_join(flown, tables->airlines, &pair_type, take_airline, nd_no_user);
    return nd_count(named, &pair_count_type);
}

/* --- r2 --- */

static void leave_country(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const route *routes = left;
    const airport *airports = right;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){routes[i].to, airports[i].country};
}

static void reach_country(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const pair *departures = left;
    const airport *airports = right;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){departures[i].b, airports[i].country};
}

static nd_collection routes_of_countries(const struct tables *tables)
{
    nd_collection departures =
        nd_join(tables->routes, tables->airports, &keyed_type, leave_country, nd_no_user);
    nd_collection countries =
        nd_join(departures, tables->airports, &pair_type, reach_country, nd_no_user);
    return nd_count(countries, &pair_count_type);
}

/* --- r3 --- */

static void has_code(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const airport *)records)[i].code.size > 0;
}

static void ends_of(void *user, const void *records, size_t len, nd_changes *out)
{
    (void)user;
    const route *routes = records;
    for (size_t i = 0; i < len; i++) {
        *(single *)nd_changes_slot(out, i) = (single){routes[i].from};
        *(single *)nd_changes_slot(out, i) = (single){routes[i].to};
    }
}

static void country_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((single *)out)[i] = (single){((const airport *)records)[i].country};
}

static nd_collection idle_airports(const struct tables *tables)
{
    nd_collection coded = nd_collection_filter(tables->airports, has_code, nd_no_user);
    nd_collection used = nd_collection_flat_map(tables->routes, &single_type, ends_of, nd_no_user);
    nd_collection idle = nd_antijoin(coded, used);
    return nd_count(nd_collection_map(idle, &single_type, country_of, nd_no_user),
                    &single_count_type);
}

/* --- r4 --- */

static void end_and_code(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const route *routes = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){routes[i].to, routes[i].code};
}

static void code_of_route(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((single *)out)[i] = (single){((const route *)records)[i].code};
}

static void code_of_pair(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((single *)out)[i] = (single){((const pair *)records)[i].b};
}

/* Those that begin nowhere, and of the others those that end nowhere: no airport's id is empty. */
static nd_collection lost_routes(const struct tables *tables)
{
    nd_collection from_nowhere = nd_antijoin(tables->routes, tables->airports);
    nd_collection others = nd_collection_map(nd_semijoin(tables->routes, tables->airports),
                                             &keyed_type, end_and_code, nd_no_user);
    nd_collection to_nowhere = nd_antijoin(others, tables->airports);
    return nd_count(nd_collection_concat(
                        nd_collection_map(from_nowhere, &single_type, code_of_route, nd_no_user),
                        nd_collection_map(to_nowhere, &single_type, code_of_pair, nd_no_user)),
                    &single_count_type);
}

/* --- r5 --- */

static void has_both_ends(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    const route *routes = records;
    for (size_t i = 0; i < len; i++)
        keep[i] = routes[i].from.size > 0 && routes[i].to.size > 0;
}

static void both_ends(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const route *routes = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){routes[i].from, routes[i].to};
}

static nd_collection destinations(const struct tables *tables)
{
    nd_collection known = nd_collection_filter(tables->routes, has_both_ends, nd_no_user);
    nd_collection ends = nd_collection_map(known, &keyed_type, both_ends, nd_no_user);
    return nd_count(nd_distinct(ends), &single_count_type);
}

/* --- r6 --- */

typedef struct {
    nd_bytes country;
    int64_t less_n; /* negative: most routes come first, */
    uint64_t size;  /* then the least number: one with fewer digits, */
    nd_bytes id;    /* or else the first in order */
} rank;
static const nd_type rank_type = ND_TYPE(rank, 1, ND_FIELD(rank, country), ND_FIELD(rank, less_n),
                                         ND_FIELD(rank, size), ND_FIELD(rank, id));

static void take_airport(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)left;
    const airport *airports = right;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){airports[i].country, airports[i].id};
}

static void rank_airport(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair_count *airports = records;
    for (size_t i = 0; i < len; i++)
        ((rank *)out)[i] = (rank){airports[i].a, -airports[i].n, airports[i].b.size, airports[i].b};
}

static void show_rank(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const rank *ranks = records;
    for (size_t i = 0; i < len; i++)
        ((pair_count *)out)[i] = (pair_count){ranks[i].country, ranks[i].id, -ranks[i].less_n};
}

static nd_collection busiest_airports(const struct tables *tables)
{
    nd_collection used =
        nd_join(tables->routes, tables->airports, &pair_type, take_airport, nd_no_user);
    nd_collection ranks =
        nd_collection_map(nd_count(used, &pair_count_type), &rank_type, rank_airport, nd_no_user);
    return nd_collection_map(nd_min(ranks), &pair_count_type, show_rank, nd_no_user);
}

/* --- Feeding --- */

struct inputs {
    nd_input *airports, *airlines, *routes;
};

/* Airlines that are not active are left out, and so is what no query asks for. */
static void feed_change(const struct inputs *inputs, table_file *file)
{
    const nd_bytes table = table_text(file, 1);
    const int64_t diff = table_number(file, 2);
    if (table_is(table, "airports"))
        nd_collection_update(
            inputs->airports,
            &(airport){table_text(file, 3), table_text(file, 6), table_text(file, 7)}, diff);
    else if (table_is(table, "routes"))
        nd_collection_update(inputs->routes,
                             &(route){table_text(file, 6), table_text(file, 8), table_text(file, 4),
                                      table_text(file, 3)},
                             diff);
    else if (!table_is(table, "airlines"))
        table_mistake(file, "no such table");
    else if (table_is(table_text(file, 8), "Y"))
        nd_collection_update(inputs->airlines, &(airline){table_text(file, 3), table_text(file, 4)},
                             diff);
}

static nd_err end_epoch(const struct inputs *inputs, const views *all, nd_worker *worker,
                        uint64_t epoch)
{
    nd_input_advance(inputs->airports, epoch);
    nd_input_advance(inputs->airlines, epoch);
    nd_input_advance(inputs->routes, epoch);
    return views_wait(all, worker, epoch);
}

/* Every worker reads the file, and feeds the lines of its share. */
static nd_err feed(const struct inputs *inputs, const views *all, nd_worker *worker,
                   table_file *file)
{
    const unsigned index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    uint64_t epoch = 0;
    while (table_next(file)) {
        const uint64_t next = table_id(file, 0);
        if (next < epoch)
            table_mistake(file, "an epoch that is over");
        else if (next > epoch)
            ND_TRY(end_epoch(inputs, all, worker, next));
        epoch = next;
        if (file->line % peers == index)
            feed_change(inputs, file);
    }
    nd_input_close(inputs->airports);
    nd_input_close(inputs->airlines);
    nd_input_close(inputs->routes);
    return ND_OK;
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    table_file file;
    struct inputs inputs;
    views all = {.n = 0};
    if (paths[0] == NULL)
        return nd_worker_fail(worker, ND_USAGE, "usage: flights [-w WORKERS] FILE");
    nd_dataflow *flow = nd_dataflow_new(worker, "flights");
    const struct tables tables = {
        .airports = nd_arrange(nd_collection_input_new(flow, &airport_type, &inputs.airports)),
        .airlines = nd_arrange(nd_collection_input_new(flow, &airline_type, &inputs.airlines)),
        .routes = nd_arrange(nd_collection_input_new(flow, &route_type, &inputs.routes))};
    view_print(&all, routes_of_airlines(&tables), "r1");
    view_print(&all, routes_of_countries(&tables), "r2");
    view_print(&all, idle_airports(&tables), "r3");
    view_print(&all, lost_routes(&tables), "r4");
    view_print(&all, destinations(&tables), "r5");
    view_print(&all, busiest_airports(&tables), "r6");
    ND_TRY(nd_dataflow_start(flow));

    table_open(&file, NULL, paths[0], '\t');
    nd_err err = feed(&inputs, &all, worker, &file);
    const nd_err mistake = table_close(&file, worker);
    if (err == ND_OK)
        err = mistake;
    return err != ND_OK ? err : nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }

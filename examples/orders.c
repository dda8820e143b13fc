/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Six standing queries over the tables of TPC-H, kept up to date while orders come and go. They are
 * like the benchmark's queries 1, 3, 4, 5 and 13, and a maximum.
 *
 *     orders [-w WORKERS] FOLDER        prints `DIFFERENCE (epoch) VIEW|FIELD|...` for each change
 *
 * FOLDER has customer.tbl.gz, lineitem.tbl.gz and so on, as the benchmark's generator writes them;
 * what changes in which epoch stands in order_tables.h.
 *
 * Money is exact. Prices are in hundredths and rates in percent, so a discounted price comes in
 * hundredths of hundredths: a sum of such is the same in whatever order it was added up.
 */
#include "examples/order_tables.h"
#include "examples/table_file.h"
#include "examples/view.h"

static int64_t discounted(const item *of) { return of->price * (100 - of->discount); }

/* --- An amount of money for each number: of an order, of a nation --- */

typedef struct {
    int64_t key, amount;
} money;
static const nd_type money_type = ND_TYPE(money, 1, ND_FIELD(money, key), ND_FIELD(money, amount));

/* --- v1: what was sold, by two marks of an item --- */

typedef struct {
    nd_bytes flag, status;
    int64_t quantity, price, discounted, charged, n;
} sale;
static const nd_type sale_type = ND_TYPE(
    sale, 2, ND_FIELD(sale, flag), ND_FIELD(sale, status), ND_FIELD(sale, quantity),
    ND_FIELD(sale, price), ND_FIELD(sale, discounted), ND_FIELD(sale, charged), ND_FIELD(sale, n));

static void sale_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const item *items = records;
    for (size_t i = 0; i < len; i++)
        ((sale *)out)[i] = (sale){.flag = items[i].flag,
                                  .status = items[i].status,
                                  .quantity = items[i].quantity,
                                  .price = items[i].price,
                                  .discounted = discounted(&items[i]),
                                  .charged = discounted(&items[i]) * (100 + items[i].tax),
                                  .n = 1};
}

static nd_collection sales(const order_tables *tables)
{
    nd_collection all = nd_collection_map(tables->items, &sale_type, sale_of, nd_no_user);
    return nd_sum(all, &sale_type);
}

/* --- v3: the ten best orders of the builders --- */

typedef struct {
    int64_t key, ship_priority;
    nd_bytes date;
} shipping;
static const nd_type shipping_type =
    ND_TYPE(shipping, 1, ND_FIELD(shipping, key), ND_FIELD(shipping, ship_priority),
            ND_FIELD(shipping, date));

typedef struct {
    int64_t less_revenue; /* negative: the greatest comes first */
    int64_t key;
    nd_bytes date;
    int64_t ship_priority;
} rank;
static const nd_type rank_type = /* no key: one list */
    ND_TYPE(rank, 0, ND_FIELD(rank, less_revenue), ND_FIELD(rank, key), ND_FIELD(rank, date),
            ND_FIELD(rank, ship_priority));

typedef struct {
    int64_t key, revenue;
    nd_bytes date;
    int64_t ship_priority;
} ranked;
static const nd_type ranked_type =
    ND_TYPE(ranked, 1, ND_FIELD(ranked, key), ND_FIELD(ranked, revenue), ND_FIELD(ranked, date),
            ND_FIELD(ranked, ship_priority));

static void is_builder(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    const customer *customers = records;
    for (size_t i = 0; i < len; i++)
        keep[i] = table_is(customers[i].segment, "BUILDING");
}

static void shipping_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const order *orders = records;
    for (size_t i = 0; i < len; i++)
        ((shipping *)out)[i] = (shipping){orders[i].key, orders[i].ship_priority, orders[i].date};
}

static void revenue_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const item *items = records;
    for (size_t i = 0; i < len; i++)
        ((money *)out)[i] = (money){items[i].order, discounted(&items[i])};
}

static void rank_by_revenue(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const money *revenues = left;
    const shipping *orders = right;
    for (size_t i = 0; i < len; i++)
        ((rank *)out)[i] =
            (rank){-revenues[i].amount, orders[i].key, orders[i].date, orders[i].ship_priority};
}

static void show_rank(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const rank *ranks = records;
    for (size_t i = 0; i < len; i++)
        ((ranked *)out)[i] =
            (ranked){ranks[i].key, -ranks[i].less_revenue, ranks[i].date, ranks[i].ship_priority};
}

static nd_collection best_orders(const order_tables *tables)
{
    nd_collection builders = nd_collection_filter(tables->customers, is_builder, nd_no_user);
    nd_collection of_builders = nd_semijoin(tables->orders, builders);
    nd_collection orders = nd_collection_map(of_builders, &shipping_type, shipping_of, nd_no_user);
    nd_collection revenues =
        nd_sum(nd_collection_map(tables->items, &money_type, revenue_of, nd_no_user), &money_type);
    nd_collection ranks = nd_join(revenues, orders, &rank_type, rank_by_revenue, nd_no_user);
    return nd_collection_map(nd_least(ranks, 10), &ranked_type, show_rank, nd_no_user);
}

/* --- v4: orders with an item that was late, by priority --- */

typedef struct {
    int64_t order;
    nd_bytes priority;
} urgency;
static const nd_type urgency_type =
    ND_TYPE(urgency, 1, ND_FIELD(urgency, order), ND_FIELD(urgency, priority));

typedef struct {
    nd_bytes name;
} named;
static const nd_type named_type = ND_TYPE(named, 1, ND_FIELD(named, name));

typedef struct {
    nd_bytes name;
    int64_t n;
} amount;
static const nd_type amount_type = ND_TYPE(amount, 1, ND_FIELD(amount, name), ND_FIELD(amount, n));

static void is_late(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const item *)records)[i].is_late != 0;
}

static void urgency_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const order *orders = records;
    for (size_t i = 0; i < len; i++)
        ((urgency *)out)[i] = (urgency){orders[i].key, orders[i].priority};
}

static void priority_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((named *)out)[i] = (named){((const urgency *)records)[i].priority};
}

static nd_collection late_orders(const order_tables *tables)
{
    nd_collection orders = nd_collection_map(tables->orders, &urgency_type, urgency_of, nd_no_user);
    nd_collection late =
        nd_semijoin(orders, nd_collection_filter(tables->items, is_late, nd_no_user));
    return nd_count(nd_collection_map(late, &named_type, priority_of, nd_no_user), &amount_type);
}

/* --- v5: what customers have bought from suppliers of their own nation --- */

typedef struct {
    int64_t order, nation;
} placed;
static const nd_type placed_type =
    ND_TYPE(placed, 1, ND_FIELD(placed, order), ND_FIELD(placed, nation));

typedef struct {
    int64_t supplier, nation; /* of the customer; a supplier of that nation has both */
    int64_t amount;
} bought;
static const nd_type bought_type = ND_TYPE(bought, 2, ND_FIELD(bought, supplier),
                                           ND_FIELD(bought, nation), ND_FIELD(bought, amount));

typedef struct {
    int64_t region;
    nd_bytes nation;
    int64_t amount;
} national;
static const nd_type national_type =
    ND_TYPE(national, 1, ND_FIELD(national, region), ND_FIELD(national, nation),
            ND_FIELD(national, amount));

typedef struct {
    nd_bytes region, nation;
    int64_t amount;
} regional;
static const nd_type regional_type =
    ND_TYPE(regional, 1, ND_FIELD(regional, region), ND_FIELD(regional, nation),
            ND_FIELD(regional, amount));

static void place(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const customer *customers = left;
    const order *orders = right;
    for (size_t i = 0; i < len; i++)
        ((placed *)out)[i] = (placed){orders[i].key, customers[i].nation};
}

static void buy(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const placed *orders = left;
    const item *items = right;
    for (size_t i = 0; i < len; i++)
        ((bought *)out)[i] = (bought){items[i].supplier, orders[i].nation, discounted(&items[i])};
}

static void by_nation(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const bought *all = records;
    for (size_t i = 0; i < len; i++)
        ((money *)out)[i] = (money){all[i].nation, all[i].amount};
}

static void name_nation(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const money *sums = left;
    const nation *nations = right;
    for (size_t i = 0; i < len; i++)
        ((national *)out)[i] = (national){nations[i].region, nations[i].name, sums[i].amount};
}

static void name_region(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const national *sums = left;
    const region *regions = right;
    for (size_t i = 0; i < len; i++)
        ((regional *)out)[i] = (regional){regions[i].name, sums[i].nation, sums[i].amount};
}

static nd_collection bought_at_home(const order_tables *tables)
{
    nd_collection orders =
        nd_join(tables->customers, tables->orders, &placed_type, place, nd_no_user);
    nd_collection all = nd_join(orders, tables->items, &bought_type, buy, nd_no_user);
    nd_collection at_home = nd_semijoin(all, tables->suppliers);
    nd_collection sums =
        nd_sum(nd_collection_map(at_home, &money_type, by_nation, nd_no_user), &money_type);
    nd_collection by_region =
        nd_join(sums, tables->nations, &national_type, name_nation, nd_no_user);
    return nd_join(by_region, tables->regions, &regional_type, name_region, nd_no_user);
}

/* --- v13: how many customers have how many orders --- */

typedef struct {
    int64_t key, n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, key), ND_FIELD(tally, n));

typedef struct {
    int64_t n_orders;
} having;
static const nd_type having_type = ND_TYPE(having, 1, ND_FIELD(having, n_orders));

static void with_orders(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)left;
    for (size_t i = 0; i < len; i++)
        ((having *)out)[i] = (having){((const tally *)right)[i].n};
}

static void without_orders(void *user, const void *records, size_t len, void *out)
{
    (void)user, (void)records;
    for (size_t i = 0; i < len; i++)
        ((having *)out)[i] = (having){0};
}

static nd_collection customers_by_orders(const order_tables *tables)
{
    nd_collection counts = nd_count(tables->orders, &tally_type);
    nd_collection numbers =
        nd_outer_join(tables->customers, counts, &having_type,
                      &(nd_outer_join_def){.both = with_orders, .left_alone = without_orders});
    return nd_count(numbers, &tally_type);
}

/* --- vmax: the dearest order of each nation --- */

static void price_of(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const customer *customers = left;
    const order *orders = right;
    for (size_t i = 0; i < len; i++)
        ((money *)out)[i] = (money){customers[i].nation, orders[i].price};
}

static void name_price(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const money *prices = left;
    const nation *nations = right;
    for (size_t i = 0; i < len; i++)
        ((amount *)out)[i] = (amount){nations[i].name, prices[i].amount};
}

static nd_collection dearest_orders(const order_tables *tables)
{
    nd_collection prices =
        nd_join(tables->customers, tables->orders, &money_type, price_of, nd_no_user);
    return nd_join(nd_max(prices), tables->nations, &amount_type, name_price, nd_no_user);
}

/* --- All of them --- */

static void print_views(views *all, const order_tables *tables)
{
    view_print(all, sales(tables), "v1");
    view_print(all, best_orders(tables), "v3");
    view_print(all, late_orders(tables), "v4");
    view_print(all, bought_at_home(tables), "v5");
    view_print(all, customers_by_orders(tables), "v13");
    view_print(all, dearest_orders(tables), "vmax");
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    views all = {.n = 0};
    if (paths[0] == NULL)
        return nd_worker_fail(worker, ND_USAGE, "usage: orders [-w WORKERS] FOLDER");
    nd_dataflow *flow = nd_dataflow_new(worker, "orders");
    order_tables tables = order_tables_new(flow);
    tables.customers = nd_arrange(tables.customers); /* read by many: arranged once */
    tables.orders = nd_arrange(tables.orders);
    tables.items = nd_arrange(tables.items);
    tables.nations = nd_arrange(tables.nations);
    print_views(&all, &tables);
    ND_TRY(nd_dataflow_start(flow));
    return order_tables_feed(&tables, worker, &all, paths[0]);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }

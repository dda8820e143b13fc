/* SPDX-License-Identifier: Apache-2.0 */
/* TPC-H's tables in memory: versions of rows, each with the epochs in which it comes and goes.
 * Every worker reads all of them, and feeds its share. */
#include "examples/order_tables.h"

#include <string.h>

#include "examples/table_file.h"

static const nd_type customer_type = ND_TYPE(
    customer, 1, ND_FIELD(customer, key), ND_FIELD(customer, nation), ND_FIELD(customer, segment));
static const nd_type order_type =
    ND_TYPE(order, 1, ND_FIELD(order, customer), ND_FIELD(order, key), ND_FIELD(order, price),
            ND_FIELD(order, ship_priority), ND_FIELD(order, date), ND_FIELD(order, priority));
static const nd_type item_type =
    ND_TYPE(item, 1, ND_FIELD(item, order), ND_FIELD(item, supplier), ND_FIELD(item, quantity),
            ND_FIELD(item, price), ND_FIELD(item, discount), ND_FIELD(item, tax),
            ND_FIELD(item, is_late), ND_FIELD(item, flag), ND_FIELD(item, status));
static const nd_type supplier_type =
    ND_TYPE(supplier, 2, ND_FIELD(supplier, key), ND_FIELD(supplier, nation));
static const nd_type nation_type =
    ND_TYPE(nation, 1, ND_FIELD(nation, key), ND_FIELD(nation, region), ND_FIELD(nation, name));
static const nd_type region_type =
    ND_TYPE(region, 1, ND_FIELD(region, key), ND_FIELD(region, name));

enum { CUSTOMERS, ORDERS, ITEMS, SUPPLIERS, NATIONS, REGIONS };

order_tables order_tables_new(nd_dataflow *flow)
{
    order_tables tables;
    tables.customers = nd_collection_input_new(flow, &customer_type, &tables.inputs[CUSTOMERS]);
    tables.orders = nd_collection_input_new(flow, &order_type, &tables.inputs[ORDERS]);
    tables.items = nd_collection_input_new(flow, &item_type, &tables.inputs[ITEMS]);
    tables.suppliers = nd_collection_input_new(flow, &supplier_type, &tables.inputs[SUPPLIERS]);
    tables.nations = nd_collection_input_new(flow, &nation_type, &tables.inputs[NATIONS]);
    tables.regions = nd_collection_input_new(flow, &region_type, &tables.inputs[REGIONS]);
    return tables;
}

/* --- Versions --- */

static const int64_t never = INT64_MAX;

struct version {
    int64_t comes, goes; /* epochs */
    unsigned table;
    union {
        customer customer;
        order order;
        item item;
        supplier supplier;
        nation nation;
        region region;
    } row;
};

struct history {
    struct version *versions;
    size_t n;
    size_t at_order; /* the order of the items that are being read */
};

static void add(struct history *history, table_file *file, const struct version *version)
{
    if ((history->n & (history->n - 1)) == 0) { /* a power of two: there is no room for more */
        const size_t room = history->n == 0 ? 1 : 2 * history->n;
        void *const larger = nd_realloc(history->versions, room, sizeof *version);
        if (larger == NULL) {
            table_mistake(file, "out of memory");
            return;
        }
        history->versions = larger;
    }
    history->versions[history->n++] = *version;
}

/* --- A row of each table --- */

static void read_region(struct history *history, table_file *file)
{
    add(history, file,
        &(struct version){
            0, never, REGIONS, {.region = {table_number(file, 0), table_text(file, 1)}}});
}

static void read_nation(struct history *history, table_file *file)
{
    const nation row = {table_number(file, 0), table_number(file, 2), table_text(file, 1)};
    add(history, file, &(struct version){0, never, NATIONS, {.nation = row}});
}

static void read_supplier(struct history *history, table_file *file)
{
    const supplier row = {table_number(file, 0), table_number(file, 3)};
    add(history, file, &(struct version){0, never, SUPPLIERS, {.supplier = row}});
}

static void read_customer(struct history *history, table_file *file)
{
    static const char *const segments[] = {"AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD",
                                           "MACHINERY"};
    enum { SEGMENTS = sizeof segments / sizeof *segments };
    customer row = {table_number(file, 0), table_number(file, 3), table_text(file, 6)};
    const int64_t change = row.key % ORDER_EPOCHS;
    add(history, file, &(struct version){0, change, CUSTOMERS, {.customer = row}});
    size_t i = 0;
    while (i < SEGMENTS && !table_is(row.segment, segments[i]))
        i++;
    if (i == SEGMENTS)
        table_mistake(file, "no such segment");
    const char *const next = segments[(i + 1) % SEGMENTS];
    row.segment = (nd_bytes){next, strlen(next)};
    add(history, file, &(struct version){change, never, CUSTOMERS, {.customer = row}});
}

/* Of a date as 1992-12-31: quarters since the beginning of 1992. */
static int64_t quarter_of(table_file *file, nd_bytes date)
{
    const char *const text = date.data;
    if (date.size != sizeof "1992-12-31" - 1) {
        table_mistake(file, "not a date");
        return 0;
    }
    const int64_t year = table_number_of(file, (nd_bytes){text, 4});
    const int64_t month = table_number_of(file, (nd_bytes){text + 5, 2});
    return 4 * (year - 1992) + (month - 1) / 3;
}

static void read_order(struct history *history, table_file *file)
{
    const order row = {.customer = table_number(file, 1),
                       .key = table_number(file, 0),
                       .price = table_hundredths(file, 3),
                       .ship_priority = table_number(file, 7),
                       .date = table_text(file, 4),
                       .priority = table_text(file, 5)};
    const int64_t comes = quarter_of(file, row.date);
    add(history, file,
        &(struct version){comes, comes + ORDER_QUARTERS_KEPT, ORDERS, {.order = row}});
}

enum { MOST_PRICE = 1000000000 }; /* hundredths */

/* Items stand in their file in the order of their orders. */
static const struct version *order_of(struct history *history, table_file *file, int64_t key)
{
    for (; history->at_order < history->n; history->at_order++) {
        const struct version *const at = &history->versions[history->at_order];
        if (at->table == ORDERS && at->row.order.key == key)
            return at;
    }
    table_mistake(file, "an item of no order, or not in the order of orders");
    return NULL;
}

static void read_item(struct history *history, table_file *file)
{
    const struct version *const of = order_of(history, file, table_number(file, 0));
    const nd_bytes agreed = table_text(file, 11), received = table_text(file, 12);
    if (of == NULL || agreed.size != received.size) {
        table_mistake(file, "not a date");
        return;
    }
    const item row = {.order = of->row.order.key,
                      .supplier = table_number(file, 2),
                      .quantity = table_number(file, 4),
                      .price = table_hundredths(file, 5),
                      .discount = table_hundredths(file, 6),
                      .tax = table_hundredths(file, 7),
                      .is_late = memcmp(agreed.data, received.data, agreed.size) < 0,
                      .flag = table_text(file, 8),
                      .status = table_text(file, 9)};
    if (row.price > MOST_PRICE || row.discount > 100 || row.tax > 100)
        table_mistake(file, "a price or a rate that is out of range"); /* products would be, too */
    add(history, file, &(struct version){of->comes, of->goes, ITEMS, {.item = row}});
}

/* --- All of them --- */

enum { FILES = 6 };
static const struct {
    const char *name;
    void (*read)(struct history *history, table_file *file);
} readers[FILES] = {
    {"region.tbl.gz", read_region},     {"nation.tbl.gz", read_nation},
    {"supplier.tbl.gz", read_supplier}, {"customer.tbl.gz", read_customer},
    {"orders.tbl.gz", read_order},      {"lineitem.tbl.gz", read_item},
};

static void feed_epoch(const order_tables *tables, const struct history *history, int64_t epoch,
                       unsigned index, unsigned peers)
{
    for (size_t i = index; i < history->n; i += peers) {
        const struct version *const self = &history->versions[i];
        const int64_t diff = (self->comes == epoch) - (self->goes == epoch);
        nd_collection_update(tables->inputs[self->table], &self->row, diff);
    }
}

static nd_err feed(const order_tables *tables, const struct history *history, nd_worker *worker,
                   const views *all)
{
    const unsigned index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    for (unsigned epoch = 0; epoch < ORDER_EPOCHS; epoch++) {
        feed_epoch(tables, history, epoch, index, peers);
        for (size_t i = 0; i < sizeof tables->inputs / sizeof *tables->inputs; i++)
            nd_input_advance(tables->inputs[i], epoch + 1);
        ND_TRY(views_wait(all, worker, epoch + 1));
    }
    for (size_t i = 0; i < sizeof tables->inputs / sizeof *tables->inputs; i++)
        nd_input_close(tables->inputs[i]);
    return nd_worker_run(worker);
}

nd_err order_tables_feed(const order_tables *tables, nd_worker *worker, const views *all,
                         const char *folder)
{
    table_file files[FILES];
    struct history history = {NULL, 0, 0};
    nd_err err = ND_OK, mistake = ND_OK;
    for (size_t i = 0; i < FILES; i++) {
        table_open(&files[i], folder, readers[i].name, '|');
        while (table_next(&files[i]))
            readers[i].read(&history, &files[i]);
        if (mistake == ND_OK)
            mistake = files[i].err;
    }
    if (mistake == ND_OK)
        err = feed(tables, &history, worker, all);
    nd_free(history.versions);
    for (size_t i = 0; i < FILES; i++) {
        mistake = table_close(&files[i], worker);
        if (err == ND_OK)
            err = mistake;
    }
    return err;
}

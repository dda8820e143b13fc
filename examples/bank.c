/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a bank, followed by what its database has logged: balances, a join, and a proof
 * that money is never lost, after every single transaction.
 *
 *     bank [-w WORKERS] FILE             prints `DIFFERENCE (epoch) VIEW|FIELD|...` for each change
 *     bank [-w WORKERS] FILE torn        an epoch for each change of a row, and only that view
 *
 * FILE is what PostgreSQL's plugin test_decoding writes of its load generator pgbench:
 * transactions, each with the changes of its rows. A transaction is an epoch, the first one is 1,
 * and at epoch 0 there are 40 tellers and 4 branches; so whatever is computed here is never seen
 * halfway through one. Accounts are 100000 for each branch, but those with nothing on them need not
 * be there.
 *
 *     account   an account and its balance
 *     sum       what accounts, tellers, branches and the history of payments add up to, and how
 *               long that is
 *     torn      two sums that should be the same and are not, and by how much: none, after a
 *               transaction; inside of one there often are, which the second form shows
 *     branch    a branch, its balance, that of its tellers and of its accounts, the payments its
 *               tellers have made and the number of accounts that these went to
 *     teller    a teller who has made payments, how many, and what they add up to
 *     richest   the ten accounts with most on them
 *     sign      how many accounts have less than nothing, and how many more
 */
#include <string.h>

#include "examples/table_file.h"
#include "examples/view.h"

typedef struct {
    int64_t id, branch, balance;
} owner; /* an account, a teller, or a branch, which is its own */
static const nd_type owner_type =
    ND_TYPE(owner, 1, ND_FIELD(owner, id), ND_FIELD(owner, branch), ND_FIELD(owner, balance));

typedef struct {
    int64_t teller, account, amount;
} payment;
static const nd_type payment_type = ND_TYPE(payment, 1, ND_FIELD(payment, teller),
                                            ND_FIELD(payment, account), ND_FIELD(payment, amount));

struct tables {
    nd_collection accounts, tellers, branches, history;
};

/* --- Sums: a name that is there as often as there is money --- */

typedef struct {
    nd_bytes name;
} label;
static const nd_type label_type = ND_TYPE(label, 1, ND_FIELD(label, name));

typedef struct {
    nd_bytes name;
    int64_t n;
} sum;
static const nd_type sum_type = ND_TYPE(sum, 1, ND_FIELD(sum, name), ND_FIELD(sum, n));

static void name_balance(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    const owner *owners = records;
    for (size_t i = 0; i < len; i++) {
        ((label *)out)[i] = (label){{user, strlen(user)}};
        weights[i] = owners[i].balance;
    }
}

static void name_amount(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    const payment *payments = records;
    for (size_t i = 0; i < len; i++) {
        ((label *)out)[i] = (label){{user, strlen(user)}};
        weights[i] = payments[i].amount;
    }
}

static void name_record(void *user, const void *records, size_t len, void *out)
{
    (void)records;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){{user, strlen(user)}};
}

static nd_collection named(nd_collection owners, char *name)
{
    return nd_collection_explode(owners, &label_type, name_balance, (nd_user){name, NULL});
}

static nd_collection sums(const struct tables *tables)
{
    static char accounts[] = "accounts", tellers[] = "tellers", branches[] = "branches",
                history[] = "history", payments[] = "payments";
    const nd_collection all[] = {
        named(tables->accounts, accounts),
        named(tables->tellers, tellers),
        named(tables->branches, branches),
        nd_collection_explode(tables->history, &label_type, name_amount, (nd_user){history, NULL}),
        nd_collection_map(tables->history, &label_type, name_record, (nd_user){payments, NULL}),
    };
    return nd_count(nd_collection_concat_many(all, sizeof all / sizeof *all), &sum_type);
}

/* What counts on both sides, for and against, is there zero times. */
static nd_collection torn(const struct tables *tables)
{
    static char tellers[] = "accounts, tellers", branches[] = "tellers, branches";
    const nd_collection all[] = {
        named(tables->accounts, tellers),
        nd_collection_negate(named(tables->tellers, tellers)),
        named(tables->tellers, branches),
        nd_collection_negate(named(tables->branches, branches)),
    };
    return nd_count(nd_collection_concat_many(all, sizeof all / sizeof *all), &sum_type);
}

/* --- Branches: a column each, then a row of all of them --- */

enum { BALANCE, OF_TELLERS, OF_ACCOUNTS, PAYMENTS, PAID_ACCOUNTS, COLUMNS };

typedef struct {
    int64_t branch, column;
} cell;
static const nd_type cell_type = ND_TYPE(cell, 2, ND_FIELD(cell, branch), ND_FIELD(cell, column));

typedef struct {
    int64_t branch, column, n;
} column;
static const nd_type filled_cell_type =
    ND_TYPE(column, 2, ND_FIELD(column, branch), ND_FIELD(column, column), ND_FIELD(column, n));
static const nd_type column_type =
    ND_TYPE(column, 1, ND_FIELD(column, branch), ND_FIELD(column, column), ND_FIELD(column, n));

typedef struct {
    int64_t branch, balance, of_tellers, of_accounts, payments, paid_accounts;
} branch_row;
static const nd_type row_type =
    ND_TYPE(branch_row, 1, ND_FIELD(branch_row, branch), ND_FIELD(branch_row, balance),
            ND_FIELD(branch_row, of_tellers), ND_FIELD(branch_row, of_accounts),
            ND_FIELD(branch_row, payments), ND_FIELD(branch_row, paid_accounts));

typedef struct {
    int64_t branch, account;
} paid;
static const nd_type paid_type = ND_TYPE(paid, 1, ND_FIELD(paid, branch), ND_FIELD(paid, account));

static nd_user column_number(int64_t number) { return (nd_user){(void *)(intptr_t)number, NULL}; }

static void balance_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *branches = records;
    for (size_t i = 0; i < len; i++)
        ((column *)out)[i] = (column){branches[i].id, BALANCE, branches[i].balance};
}

static void balance_cell(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    const owner *owners = records;
    for (size_t i = 0; i < len; i++) {
        ((cell *)out)[i] = (cell){owners[i].branch, (int64_t)(intptr_t)user};
        weights[i] = owners[i].balance;
    }
}

static void paid_cell(void *user, const void *records, size_t len, void *out)
{
    for (size_t i = 0; i < len; i++)
        ((cell *)out)[i] = (cell){((const paid *)records)[i].branch, (int64_t)(intptr_t)user};
}

/* The same records, of a type with a shorter key. */
static void by_branch(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(column));
}

static void without_balance(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *tellers = records;
    for (size_t i = 0; i < len; i++)
        ((owner *)out)[i] = (owner){tellers[i].id, tellers[i].branch, 0};
}

static void pay(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const payment *payments = left;
    const owner *tellers = right;
    for (size_t i = 0; i < len; i++)
        ((paid *)out)[i] = (paid){tellers[i].branch, payments[i].account};
}

static void fill_row(void *user, const void *records, const int64_t *counts, size_t len,
                     nd_reduction *out)
{
    (void)user, (void)counts;
    const column *columns = records;
    branch_row *self = nd_reduction_slot(out, 1);
    int64_t *const places[COLUMNS] = {&self->balance, &self->of_tellers, &self->of_accounts,
                                      &self->payments, &self->paid_accounts};
    for (size_t i = 0; i < len; i++)
        *places[columns[i].column] = columns[i].n;
}

static nd_collection branch_rows(const struct tables *tables)
{
    nd_collection tellers =
        nd_collection_map(tables->tellers, &owner_type, without_balance, nd_no_user);
    nd_collection payments = nd_join(tables->history, tellers, &paid_type, pay, nd_no_user);
    const nd_collection cells[] = {
        nd_collection_explode(tables->tellers, &cell_type, balance_cell, column_number(OF_TELLERS)),
        nd_collection_explode(tables->accounts, &cell_type, balance_cell,
                              column_number(OF_ACCOUNTS)),
        nd_collection_map(payments, &cell_type, paid_cell, column_number(PAYMENTS)),
        nd_collection_map(nd_distinct(payments), &cell_type, paid_cell,
                          column_number(PAID_ACCOUNTS)),
    };
    nd_collection filled =
        nd_count(nd_collection_concat_many(cells, sizeof cells / sizeof *cells), &filled_cell_type);
    nd_collection columns = nd_collection_concat(
        nd_collection_map(tables->branches, &column_type, balance_column, nd_no_user),
        nd_collection_map(filled, &column_type, by_branch, nd_no_user));
    return nd_reduce(columns, &row_type, fill_row, nd_no_user);
}

/* --- Tellers --- */

typedef struct {
    int64_t teller, n, amount;
} paying;
static const nd_type paying_type =
    ND_TYPE(paying, 1, ND_FIELD(paying, teller), ND_FIELD(paying, n), ND_FIELD(paying, amount));

static void add_payments(void *user, const void *records, const int64_t *counts, size_t len,
                         nd_reduction *out)
{
    (void)user;
    const payment *payments = records;
    paying *total = nd_reduction_slot(out, 1);
    for (size_t i = 0; i < len; i++) {
        total->n += counts[i];
        total->amount += counts[i] * payments[i].amount;
    }
}

/* --- The richest: of each of some lists, then of the few that are left --- */

enum { LISTS = 64, RICHEST = 10 };

typedef struct {
    int64_t list;
    int64_t less_balance; /* negative: the richest come first */
    int64_t account;
} rank;
static const nd_type rank_type =
    ND_TYPE(rank, 1, ND_FIELD(rank, list), ND_FIELD(rank, less_balance), ND_FIELD(rank, account));

typedef struct {
    int64_t account, balance;
} rich;
static const nd_type rich_type = ND_TYPE(rich, 1, ND_FIELD(rich, account), ND_FIELD(rich, balance));

static void put_on_list(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *accounts = records;
    for (size_t i = 0; i < len; i++)
        ((rank *)out)[i] = (rank){accounts[i].id % LISTS, -accounts[i].balance, accounts[i].id};
}

static void put_on_one_list(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const rank *ranks = records;
    for (size_t i = 0; i < len; i++)
        ((rank *)out)[i] = (rank){0, ranks[i].less_balance, ranks[i].account};
}

static void show_rich(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const rank *ranks = records;
    for (size_t i = 0; i < len; i++)
        ((rich *)out)[i] = (rich){ranks[i].account, -ranks[i].less_balance};
}

/* A change costs what is on its list: so there are many, though one would do. */
static nd_collection richest(const struct tables *tables)
{
    nd_collection lists = nd_collection_map(tables->accounts, &rank_type, put_on_list, nd_no_user);
    nd_collection few =
        nd_collection_map(nd_least(lists, RICHEST), &rank_type, put_on_one_list, nd_no_user);
    return nd_collection_map(nd_least(few, RICHEST), &rich_type, show_rich, nd_no_user);
}

/* --- Signs --- */

static void name_sign(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    static const label negative = {{"negative", 8}}, positive = {{"positive", 8}};
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = ((const owner *)records)[i].balance < 0 ? negative : positive;
}

static nd_collection signs(const struct tables *tables)
{
    return nd_count(nd_collection_map(tables->accounts, &label_type, name_sign, nd_no_user),
                    &sum_type);
}

/* --- Feeding --- */

enum { ACCOUNTS, TELLERS, BRANCHES, HISTORY, INPUTS };

static const struct {
    const char *table, *id, *balance;
} owners[] = {
    {"public.pgbench_accounts:", "aid[integer]:", "abalance[integer]:"},
    {"public.pgbench_tellers:", "tid[integer]:", "tbalance[integer]:"},
    {"public.pgbench_branches:", "bid[integer]:", "bbalance[integer]:"},
};

struct feeder {
    nd_worker *worker;
    nd_input *inputs[INPUTS];
    views all;
    uint64_t epoch;
    bool is_torn; /* each change is an epoch */
};

/* The number behind a text. */
static int64_t labelled(table_file *file, size_t field, const char *before)
{
    const nd_bytes text = table_text(file, field);
    const size_t size = strlen(before);
    if (text.size < size || memcmp(text.data, before, size) != 0) {
        table_mistake(file, "not what this table has");
        return 0;
    }
    return table_number_of(file, (nd_bytes){(const char *)text.data + size, text.size - size});
}

/* An account that has nothing need not be there. */
static void feed_owner(struct feeder *self, size_t table, table_file *file, size_t field,
                       int64_t diff)
{
    const size_t balance = field + (table == BRANCHES ? 1 : 2);
    const owner row = {labelled(file, field, owners[table].id),
                       labelled(file, balance - 1, "bid[integer]:"),
                       labelled(file, balance, owners[table].balance)};
    if (table != ACCOUNTS || row.balance != 0)
        nd_collection_update(self->inputs[table], &row, diff);
}

static void feed_payment(struct feeder *self, table_file *file)
{
    const bool is_new = table_is(table_text(file, 2), "INSERT:");
    const payment row = {labelled(file, 3, "tid[integer]:"), labelled(file, 5, "aid[integer]:"),
                         labelled(file, 6, "delta[integer]:")};
    nd_collection_update(self->inputs[HISTORY], &row, is_new ? 1 : -1);
}

/* table public.NAME: UPDATE: old-key: ID BRANCH BALANCE new-tuple: ID BRANCH BALANCE */
static void feed_change(struct feeder *self, table_file *file)
{
    const nd_bytes name = table_text(file, 1);
    size_t table = 0;
    while (table < HISTORY && !table_is(name, owners[table].table))
        table++;
    if (table < HISTORY) {
        feed_owner(self, table, file, 4, -1);
        feed_owner(self, table, file, table == BRANCHES ? 7 : 8, 1);
    } else if (table_is(name, "public.pgbench_history:")) {
        feed_payment(self, file);
    } else {
        table_mistake(file, "no such table");
    }
}

/* Up to a hundred epochs are under way. */
static nd_err end_epoch(struct feeder *self)
{
    enum { MOST = 100 };
    self->epoch++;
    for (size_t i = 0; i < INPUTS; i++)
        nd_input_advance(self->inputs[i], self->epoch);
    return self->epoch > MOST ? views_wait(&self->all, self->worker, self->epoch - MOST) : ND_OK;
}

static void feed_beginning(const struct feeder *self)
{
    enum { N_BRANCHES = 4, N_TELLERS = 10 /* of each */ };
    for (int64_t branch = 1; branch <= N_BRANCHES; branch++) {
        nd_collection_insert(self->inputs[BRANCHES], &(owner){branch, branch, 0});
        for (int64_t i = 1; i <= N_TELLERS; i++)
            nd_collection_insert(self->inputs[TELLERS],
                                 &(owner){(branch - 1) * N_TELLERS + i, branch, 0});
    }
}

/* Every worker reads the file, and feeds the lines of its share. */
static nd_err feed(struct feeder *self, table_file *file)
{
    const unsigned index = nd_worker_index(self->worker), peers = nd_worker_peers(self->worker);
    if (index == 0)
        feed_beginning(self);
    ND_TRY(end_epoch(self));
    while (table_next(file)) {
        const nd_bytes word = table_text(file, 0);
        const bool is_change = table_is(word, "table"), is_end = table_is(word, "COMMIT");
        if (!is_change && !is_end && !table_is(word, "BEGIN"))
            table_mistake(file, "neither a change, nor where a transaction begins or ends");
        if (is_change && file->line % peers == index)
            feed_change(self, file);
        if (self->is_torn ? is_change : is_end)
            ND_TRY(end_epoch(self));
    }
    for (size_t i = 0; i < INPUTS; i++)
        nd_input_close(self->inputs[i]);
    return ND_OK;
}

static void build(nd_dataflow *flow, struct feeder *self)
{
    views *all = &self->all;
    const struct tables tables = {
        .accounts = nd_collection_input_new(flow, &owner_type, &self->inputs[ACCOUNTS]),
        .tellers = nd_collection_input_new(flow, &owner_type, &self->inputs[TELLERS]),
        .branches = nd_collection_input_new(flow, &owner_type, &self->inputs[BRANCHES]),
        .history =
            nd_arrange(nd_collection_input_new(flow, &payment_type, &self->inputs[HISTORY]))};
    view_print(all, torn(&tables), "torn");
    if (self->is_torn)
        return;
    view_print(all, tables.accounts, "account");
    view_print(all, sums(&tables), "sum");
    view_print(all, branch_rows(&tables), "branch");
    view_print(all, nd_reduce(tables.history, &paying_type, add_payments, nd_no_user), "teller");
    view_print(all, richest(&tables), "richest");
    view_print(all, signs(&tables), "sign");
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **arguments = arg;
    table_file file;
    struct feeder feeder = {.worker = worker, .epoch = 0};
    if (arguments[0] == NULL)
        return nd_worker_fail(worker, ND_USAGE, "usage: bank [-w WORKERS] FILE [torn]");
    feeder.is_torn = arguments[1] != NULL && strcmp(arguments[1], "torn") == 0;
    nd_dataflow *flow = nd_dataflow_new(worker, "bank");
    build(flow, &feeder);
    ND_TRY(nd_dataflow_start(flow));

    table_open(&file, NULL, arguments[0], ' ');
    nd_err err = feed(&feeder, &file);
    const nd_err mistake = table_close(&file, worker);
    if (err == ND_OK)
        err = mistake;
    return err != ND_OK ? err : nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }

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

/* --- Sums --- */

typedef struct {
    nd_bytes name;
    int64_t n;
} amount;
static const nd_type amount_type = ND_TYPE(amount, 1, ND_FIELD(amount, name), ND_FIELD(amount, n));

static void name_balance(void *user, const void *records, size_t len, void *out)
{
    const owner *owners = records;
    for (size_t i = 0; i < len; i++)
        ((amount *)out)[i] = (amount){{user, strlen(user)}, owners[i].balance};
}

static void name_amount(void *user, const void *records, size_t len, void *out)
{
    const payment *payments = records;
    for (size_t i = 0; i < len; i++)
        ((amount *)out)[i] = (amount){{user, strlen(user)}, payments[i].amount};
}

static void name_one(void *user, const void *records, size_t len, void *out)
{
    (void)records;
    for (size_t i = 0; i < len; i++)
        ((amount *)out)[i] = (amount){{user, strlen(user)}, 1};
}

static nd_collection named(nd_collection collection, nd_collection_map_fn *fn, char *name)
{
    return nd_collection_map(collection, &amount_type, fn, (nd_user){name, NULL});
}

static nd_collection sums(const struct tables *tables)
{
    static char accounts[] = "accounts", tellers[] = "tellers", branches[] = "branches",
                history[] = "history", payments[] = "payments";
    const nd_collection all[] = {
        named(tables->accounts, name_balance, accounts),
        named(tables->tellers, name_balance, tellers),
        named(tables->branches, name_balance, branches),
        named(tables->history, name_amount, history),
        named(tables->history, name_one, payments),
    };
    return nd_sum(nd_collection_concat_many(all, sizeof all / sizeof *all), &amount_type);
}

/* --- Torn: a name that is there as often as there is money --- */

typedef struct {
    nd_bytes name;
} label;
static const nd_type label_type = ND_TYPE(label, 1, ND_FIELD(label, name));

static void weigh(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    const owner *owners = records;
    for (size_t i = 0; i < len; i++) {
        ((label *)out)[i] = (label){{user, strlen(user)}};
        weights[i] = owners[i].balance;
    }
}

static nd_collection weighed(nd_collection owners, char *name)
{
    return nd_collection_explode(owners, &label_type, weigh, (nd_user){name, NULL});
}

/* Money that counts once for and once against is there zero times, which is not at all. */
static nd_collection torn(const struct tables *tables)
{
    static char tellers[] = "accounts, tellers", branches[] = "tellers, branches";
    const nd_collection all[] = {
        weighed(tables->accounts, tellers),
        nd_collection_negate(weighed(tables->tellers, tellers)),
        weighed(tables->tellers, branches),
        nd_collection_negate(weighed(tables->branches, branches)),
    };
    return nd_count(nd_collection_concat_many(all, sizeof all / sizeof *all), &amount_type);
}

/* --- Branches: records with one column each, added up --- */

typedef struct {
    int64_t branch, balance, of_tellers, of_accounts, payments, paid_accounts;
} row;
static const nd_type row_type =
    ND_TYPE(row, 1, ND_FIELD(row, branch), ND_FIELD(row, balance), ND_FIELD(row, of_tellers),
            ND_FIELD(row, of_accounts), ND_FIELD(row, payments), ND_FIELD(row, paid_accounts));

typedef struct {
    int64_t branch, account;
} paid;
static const nd_type paid_type = ND_TYPE(paid, 1, ND_FIELD(paid, branch), ND_FIELD(paid, account));

static void branch_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *branches = records;
    for (size_t i = 0; i < len; i++)
        ((row *)out)[i] = (row){.branch = branches[i].id, .balance = branches[i].balance};
}

static void teller_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *tellers = records;
    for (size_t i = 0; i < len; i++)
        ((row *)out)[i] = (row){.branch = tellers[i].branch, .of_tellers = tellers[i].balance};
}

static void account_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const owner *accounts = records;
    for (size_t i = 0; i < len; i++)
        ((row *)out)[i] = (row){.branch = accounts[i].branch, .of_accounts = accounts[i].balance};
}

static void payment_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((row *)out)[i] = (row){.branch = ((const paid *)records)[i].branch, .payments = 1};
}

static void paid_column(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((row *)out)[i] = (row){.branch = ((const paid *)records)[i].branch, .paid_accounts = 1};
}

/* Where a teller belongs does not change with every payment, as the balance does. */
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

static nd_collection branches(const struct tables *tables)
{
    nd_collection tellers =
        nd_collection_map(tables->tellers, &owner_type, without_balance, nd_no_user);
    nd_collection payments = nd_join(tables->history, tellers, &paid_type, pay, nd_no_user);
    const nd_collection columns[] = {
        nd_collection_map(tables->branches, &row_type, branch_column, nd_no_user),
        nd_collection_map(tables->tellers, &row_type, teller_column, nd_no_user),
        nd_collection_map(tables->accounts, &row_type, account_column, nd_no_user),
        nd_collection_map(payments, &row_type, payment_column, nd_no_user),
        nd_collection_map(nd_distinct(payments), &row_type, paid_column, nd_no_user),
    };
    return nd_sum(nd_collection_concat_many(columns, sizeof columns / sizeof *columns), &row_type);
}

/* --- Tellers --- */

typedef struct {
    int64_t teller, n, amount;
} paying;
static const nd_type paying_type =
    ND_TYPE(paying, 1, ND_FIELD(paying, teller), ND_FIELD(paying, n), ND_FIELD(paying, amount));

static void pay_once(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const payment *payments = records;
    for (size_t i = 0; i < len; i++)
        ((paying *)out)[i] = (paying){payments[i].teller, 1, payments[i].amount};
}

static nd_collection paying_tellers(const struct tables *tables)
{
    return nd_sum(nd_collection_map(tables->history, &paying_type, pay_once, nd_no_user),
                  &paying_type);
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
                    &amount_type);
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
    const owner now = {labelled(file, field, owners[table].id),
                       labelled(file, balance - 1, "bid[integer]:"),
                       labelled(file, balance, owners[table].balance)};
    if (table != ACCOUNTS || now.balance != 0)
        nd_collection_update(self->inputs[table], &now, diff);
}

static void feed_payment(struct feeder *self, table_file *file)
{
    const bool is_new = table_is(table_text(file, 2), "INSERT:");
    const payment made = {labelled(file, 3, "tid[integer]:"), labelled(file, 5, "aid[integer]:"),
                          labelled(file, 6, "delta[integer]:")};
    nd_collection_update(self->inputs[HISTORY], &made, is_new ? 1 : -1);
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
    view_print(all, branches(&tables), "branch");
    view_print(all, paying_tellers(&tables), "teller");
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

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLES_ORDER_TABLES_H
#define EXAMPLES_ORDER_TABLES_H

/** @file
 * The tables of TPC-H for orders.c: of their columns those that it needs, and how they change.
 *
 * In epoch e, 0 to ORDER_EPOCHS - 1, the orders of the e-th quarter since the beginning of 1992
 * come with their items, those of eight quarters before go, and every 35th customer changes to the
 * next segment of the market. Nothing else changes after epoch 0.
 */

#include <nereid.h>

#include "examples/view.h"

enum { ORDER_EPOCHS = 35, ORDER_QUARTERS_KEPT = 8 };

typedef struct {
    int64_t key, nation;
    nd_bytes segment;
} customer;

typedef struct {
    int64_t customer, key;
    int64_t price; /* hundredths */
    int64_t ship_priority;
    nd_bytes date, priority;
} order;

typedef struct {
    int64_t order, supplier, quantity;
    int64_t price;         /* hundredths */
    int64_t discount, tax; /* percent */
    int64_t is_late;       /* received after the date that was agreed on */
    nd_bytes flag, status;
} item;

typedef struct {
    int64_t key, nation;
} supplier;

typedef struct {
    int64_t key, region;
    nd_bytes name;
} nation;

typedef struct {
    int64_t key;
    nd_bytes name;
} region;

typedef struct {
    nd_collection customers, orders, items, suppliers, nations, regions;
    nd_input *inputs[6]; /* of these, in this order */
} order_tables;

/** Makes the inputs. Each table's key is its own, but orders are keyed by customer and items by
 * order; of suppliers the nation belongs to the key. */
order_tables order_tables_new(nd_dataflow *flow);

/** Reads the tables in `folder` and feeds this worker's share of all changes, an epoch after the
 * other, each when all views have seen the one before; then closes the inputs. */
ND_CHECKED nd_err order_tables_feed(const order_tables *tables, nd_worker *worker, const views *all,
                                    const char *folder);

#endif

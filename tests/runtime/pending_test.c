/* SPDX-License-Identifier: Apache-2.0 */
/* The list of pending notifications against a plain sorted array. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "runtime/base/random.h"
#include "runtime/pending.h"
#include "tests/support/failing_memory.h"

enum { MOST = 400 };

typedef struct plain {
    nd_pending items[MOST];
    size_t len;
} plain;

static nd_pending random_pending(nd_random *random)
{
    nd_pending pending = {
        .due = {nd_random_below(random, 6), {(uint32_t)nd_random_below(random, 6)}},
        .has_right = nd_random_below(random, 3) != 0};
    if (pending.has_right)
        pending.right = (nd_right){{nd_random_below(random, 2), {0}},
                                   nd_random_below(random, 3) == 0 ? ND_ANY_INPUT : 1};
    return pending;
}

static bool is_before(const nd_pending *a, const nd_pending *b)
{
    const int by_due = nd_time_compare(&a->due, &b->due);
    if (by_due != 0 || a->has_right != b->has_right)
        return by_due != 0 ? by_due < 0 : b->has_right;
    const int by_time = nd_time_compare(&a->right.time, &b->right.time);
    return by_time != 0 ? by_time < 0 : a->right.input < b->right.input;
}

static void plain_add(plain *p, const nd_pending *pending)
{
    size_t place = p->len++;
    for (; place > 0 && is_before(pending, &p->items[place - 1]); place--)
        p->items[place] = p->items[place - 1];
    p->items[place] = *pending;
}

static void plain_take(plain *p, size_t first, size_t end)
{
    memmove(&p->items[first], &p->items[end], (p->len - end) * sizeof *p->items);
    p->len -= end - first;
}

static bool plain_has(const plain *p, const nd_pending *pending)
{
    bool has = false;
    for (size_t i = 0; i < p->len; i++)
        has |= !is_before(pending, &p->items[i]) && !is_before(&p->items[i], pending);
    return has;
}

static size_t n_due_before(const plain *p, const nd_time *due, bool or_then)
{
    size_t n = 0;
    for (size_t i = 0; i < p->len; i++)
        n += nd_time_compare(&p->items[i].due, due) < (or_then ? 1 : 0);
    return n;
}

static void compare(const nd_pending_list *list, const plain *p)
{
    assert_int_equal(nd_pending_list_end(list) - list->head, p->len);
    for (size_t i = 0; i < p->len; i++) {
        const nd_pending *pending = nd_pending_list_at(list, list->head + i);
        assert_false(is_before(pending, &p->items[i]) || is_before(&p->items[i], pending));
    }
}

static void take_some(nd_pending_list *list, plain *p, nd_random *random)
{
    const size_t first = nd_random_below(random, 2) == 0 ? 0 : nd_random_below(random, p->len);
    const size_t end = first + nd_random_below(random, p->len - first + 1);
    const size_t behind = nd_pending_list_take(list, list->head + first, list->head + end);
    plain_take(p, first, end);
    assert_int_equal(behind - list->head, first);
}

static void a_list_is_a_sorted_array(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    nd_pending_list list;
    nd_pending_list_init(&list);
    plain p = {.len = 0};
    for (unsigned i = 0; i < 20000; i++) {
        const nd_pending pending = random_pending(&random);
        assert_int_equal(nd_pending_list_has(&list, &pending), plain_has(&p, &pending));
        assert_int_equal(nd_pending_list_first(&list, &pending.due) - list.head,
                         n_due_before(&p, &pending.due, false));
        assert_int_equal(nd_pending_list_after(&list, &pending.due) - list.head,
                         n_due_before(&p, &pending.due, true));
        if (!plain_has(&p, &pending)) {
            assert_int_equal(nd_pending_list_add(&list, &pending), ND_OK);
            plain_add(&p, &pending);
        }
        if (p.len != 0 && nd_random_below(&random, 12) == 0)
            take_some(&list, &p, &random);
        compare(&list, &p);
    }
    nd_pending_list_deinit(&list);
}

/* What moves on for ever, asking for later times and being told of the earliest, stays small. */
static void a_list_that_moves_on_does_not_grow(void **state)
{
    (void)state;
    nd_pending_list list;
    nd_pending_list_init(&list);
    size_t capacity = 0;
    for (uint64_t epoch = 0; epoch < 100000; epoch++) {
        assert_int_equal(nd_pending_list_add(&list, &(nd_pending){.due = {epoch, {0}}}), ND_OK);
        if (epoch >= 100)
            nd_pending_list_take(&list, list.head, list.head + 1);
        if (epoch == 1000)
            capacity = list.items.capacity;
        assert_true(epoch < 1000 || list.items.capacity == capacity);
    }
    nd_pending_list_deinit(&list);
}

static void adding_without_memory_changes_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    nd_pending_list list;
    failing_memory_start(&memory, 1);
    nd_pending_list_init(&list);
    uint64_t n = 0;
    while (nd_pending_list_add(&list, &(nd_pending){.due = {n, {0}}}) == ND_OK)
        n++;
    assert_int_equal(nd_pending_list_end(&list), n);
    assert_false(nd_pending_list_has(&list, &(nd_pending){.due = {n, {0}}}));
    nd_pending_list_deinit(&list);
    assert_true(failing_memory_stop(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_a_sorted_array),
        cmocka_unit_test(a_list_that_moves_on_does_not_grow),
        cmocka_unit_test(adding_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

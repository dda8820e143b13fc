/* SPDX-License-Identifier: Apache-2.0 */
/* A shelf is found by its time in a table. Those whose times differ in the innermost coordinate
 * alone stand in a line, the first one in front: of a line, those that are complete come before
 * those that are not, whatever the frontier is, for it asks no more than that coordinate to be
 * large enough. In the root scope all shelves stand in one line. Lines are in total order.
 *
 * Whether a shelf's updates add up to nothing is told by a sum over them of difference times hash:
 * it is zero then, and hardly ever otherwise, which is looked into. */
#include "operators/differential/later.h"

#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/hash.h"

enum { FIRST_SLOTS = 16, FEW = 16 /* updates of a shelf that are not added up */ };

typedef struct line line;

typedef struct nd_shelf {
    nd_time time;
    line *in;
    size_t place;     /* there */
    nd_vector bytes;  /* of each update its difference, its size, its code */
    size_t n;         /* updates */
    size_t add_up_at; /* how many they become before they are added up */
    uint64_t print;   /* the sum of difference times hash, modulo 2^64 */
} shelf;

/* A heap. */
struct line {
    nd_time time;      /* of all its shelves, but for the innermost coordinate, which is zero */
    nd_vector shelves; /* shelf *: none after its children, at twice its place plus one and two */
};

/* --- Lines --- */

static shelf *front_of(const line *one) { return *(shelf **)one->shelves.items; }

static line *line_at(const nd_later *later, size_t i)
{
    return *(line **)nd_vector_at(&later->lines, i);
}

static void stand(line *one, size_t place, shelf *which)
{
    ((shelf **)one->shelves.items)[place] = which;
    which->in = one;
    which->place = place;
}

static bool is_before(const shelf *a, const shelf *b)
{
    return nd_time_compare(&a->time, &b->time) < 0;
}

/* Puts a shelf at a free place, or nearer to the front. */
static void move_up(line *one, size_t place, shelf *which)
{
    shelf **const all = one->shelves.items;
    for (; place > 0 && is_before(which, all[(place - 1) / 2]); place = (place - 1) / 2)
        stand(one, place, all[(place - 1) / 2]);
    stand(one, place, which);
}

/* Puts it there, or farther away. */
static void move_down(line *one, size_t place, shelf *which)
{
    shelf **const all = one->shelves.items;
    const size_t len = one->shelves.len;
    for (size_t next; (next = 2 * place + 1) < len; place = next) {
        next += next + 1 < len && is_before(all[next + 1], all[next]);
        if (!is_before(all[next], which))
            break;
        stand(one, place, all[next]);
    }
    stand(one, place, which);
}

/* The time of the line that a time belongs to. */
static nd_time line_time(const nd_later *later, nd_time time)
{
    if (later->n_loops)
        time.loop[later->n_loops - 1] = 0;
    else
        time.epoch = 0;
    return time;
}

/* The first line, in total order of their times, that is not before `time`. */
static size_t seek_line(const nd_later *later, const nd_time *time)
{
    size_t low = 0, high = later->lines.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&line_at(later, middle)->time, time) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The line of a time, which may be a new one; NULL without memory. */
static line *find_line(nd_later *later, const nd_time *time)
{
    const nd_time own = line_time(later, *time);
    const size_t i = seek_line(later, &own), n = later->lines.len;
    if (i < n && nd_time_equal(&line_at(later, i)->time, &own))
        return line_at(later, i);
    line *const made = nd_alloc_zero(1, sizeof *made);
    if (!made || !nd_vector_push(&later->lines)) {
        nd_free(made);
        return NULL;
    }
    made->time = own;
    nd_vector_init(&made->shelves, sizeof(shelf *));
    line **const place = nd_vector_at(&later->lines, i);
    memmove(place + 1, place, (n - i) * sizeof(line *));
    *place = made;
    return made;
}

static void drop_if_empty(nd_later *later, line *one)
{
    if (one->shelves.len)
        return;
    const size_t i = seek_line(later, &one->time);
    line **const place = nd_vector_at(&later->lines, i);
    memmove(place, place + 1, (later->lines.len - 1 - i) * sizeof(line *));
    (void)nd_vector_pop(&later->lines);
    nd_vector_deinit(&one->shelves);
    nd_free(one);
}

static void leave_line(nd_later *later, shelf *which)
{
    line *const one = which->in;
    shelf *const last = *(shelf **)nd_vector_pop(&one->shelves);
    if (last == which)
        drop_if_empty(later, one);
    else if (is_before(last, which))
        move_up(one, which->place, last);
    else
        move_down(one, which->place, last);
}

/* --- The table --- */

static size_t first_slot(const nd_later *later, const nd_time *time)
{
    return (size_t)nd_hash_bytes(time, sizeof *time) & (later->n_slots - 1);
}

/* Where a time's shelf stands, or belongs. */
static size_t find_slot(const nd_later *later, const nd_time *time)
{
    size_t i = first_slot(later, time);
    while (later->slots[i] && !nd_time_equal(&later->slots[i]->time, time))
        i = (i + 1) & (later->n_slots - 1);
    return i;
}

static nd_err make_slots(nd_later *later)
{
    const size_t n_before = later->n_slots, n = n_before ? 2 * n_before : FIRST_SLOTS;
    shelf **const before = later->slots, **const slots = nd_alloc_zero(n, sizeof(shelf *));
    if (!slots)
        return ND_NOMEM;
    later->slots = slots;
    later->n_slots = n;
    for (size_t i = 0; i < n_before; i++)
        if (before[i])
            slots[find_slot(later, &before[i]->time)] = before[i];
    nd_free(before);
    return ND_OK;
}

/* Empties a slot, and brings those behind it to where they are found. */
static void leave_slot(nd_later *later, size_t free)
{
    const size_t mask = later->n_slots - 1;
    for (size_t i = (free + 1) & mask; later->slots[i]; i = (i + 1) & mask) {
        const size_t wanted = first_slot(later, &later->slots[i]->time);
        if (((i - wanted) & mask) < ((i - free) & mask))
            continue; /* it is between the two */
        later->slots[free] = later->slots[i];
        free = i;
    }
    later->slots[free] = NULL;
}

/* --- Shelves --- */

static void destroy(shelf *one)
{
    nd_vector_deinit(&one->bytes);
    nd_free(one);
}

static void remove_shelf(nd_later *later, shelf *one)
{
    leave_slot(later, find_slot(later, &one->time));
    leave_line(later, one);
    later->n_shelves--;
    destroy(one);
}

/* The shelf of a time, which may be new, and is empty then; NULL without memory. */
static shelf *get_shelf(nd_later *later, const nd_time *time)
{
    if (later->n_shelves >= later->n_slots / 2 && make_slots(later) != ND_OK)
        return NULL;
    const size_t slot = find_slot(later, time);
    if (later->slots[slot])
        return later->slots[slot];
    shelf *const made = nd_alloc_zero(1, sizeof *made);
    line *const in = made ? find_line(later, time) : NULL;
    if (!in || !nd_vector_push(&in->shelves)) {
        if (in)
            drop_if_empty(later, in);
        nd_free(made);
        return NULL;
    }
    made->time = *time;
    made->add_up_at = FEW;
    nd_vector_init(&made->bytes, 1);
    move_up(in, in->shelves.len - 1, made);
    later->slots[slot] = made;
    later->n_shelves++;
    return made;
}

/* What stands before a code. */
typedef struct tag {
    int64_t diff;
    uint32_t size;
} tag;

enum { TAG_SIZE = sizeof(int64_t) + sizeof(uint32_t) };

static nd_err append(shelf *one, const unsigned char *code, size_t size, int64_t diff)
{
    const uint32_t size_32 = (uint32_t)size;
    const size_t needed = one->bytes.len + TAG_SIZE + size, capacity = one->bytes.capacity;
    if (size > UINT32_MAX)
        return ND_FAILED;
    if (needed > capacity)
        ND_TRY(nd_vector_reserve(&one->bytes, needed > 2 * capacity ? needed : 2 * capacity));
    unsigned char *const place = (unsigned char *)one->bytes.items + one->bytes.len;
    memcpy(place, &diff, sizeof diff);
    memcpy(place + sizeof diff, &size_32, sizeof size_32);
    if (size)
        memcpy(place + TAG_SIZE, code, size);
    one->bytes.len = needed;
    one->print += (uint64_t)diff * nd_hash_bytes(code, size);
    one->n++;
    return ND_OK;
}

/* Appends all to `updates`. */
static nd_err list_all(const shelf *one, nd_updates *updates)
{
    const unsigned char *const bytes = one->bytes.items;
    for (size_t at = 0; at < one->bytes.len;) {
        tag read;
        memcpy(&read.diff, bytes + at, sizeof read.diff);
        memcpy(&read.size, bytes + at + sizeof read.diff, sizeof read.size);
        at += TAG_SIZE;
        ND_TRY(nd_updates_add(updates, bytes + at, read.size, &one->time, read.diff));
        at += read.size;
    }
    return ND_OK;
}

static nd_err replace_all(shelf *one, const nd_updates *updates)
{
    nd_vector_clear(&one->bytes);
    one->n = 0;
    one->print = 0;
    for (size_t i = 0; i < nd_updates_len(updates); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(updates, i, &size);
        ND_TRY(append(one, code, size, nd_updates_diff(updates, i)));
    }
    one->add_up_at = 2 * one->n > FEW ? 2 * one->n : FEW;
    return ND_OK;
}

/* Adds updates up. */
static nd_err add_up(const nd_later *later, shelf *one)
{
    nd_updates all;
    nd_updates_init(&all, later->code);
    nd_err err = list_all(one, &all);
    if (err == ND_OK)
        err = nd_updates_consolidate(&all);
    if (err == ND_OK)
        err = replace_all(one, &all);
    nd_updates_deinit(&all);
    return err;
}

/* --- Waiting --- */

void nd_later_init(nd_later *later, const nd_record_code *code, unsigned n_loops)
{
    *later = (nd_later){.code = code, .n_loops = n_loops};
    nd_vector_init(&later->lines, sizeof(line *));
}

void nd_later_deinit(nd_later *later)
{
    while (later->lines.len) {
        line *const one = *(line **)nd_vector_pop(&later->lines);
        while (one->shelves.len)
            destroy(*(shelf **)nd_vector_pop(&one->shelves));
        nd_vector_deinit(&one->shelves);
        nd_free(one);
    }
    nd_vector_deinit(&later->lines);
    nd_free(later->slots);
    nd_later_init(later, later->code, later->n_loops);
}

nd_err nd_later_add(nd_later *later, const unsigned char *code, size_t size, const nd_time *time,
                    int64_t diff)
{
    shelf *const one = get_shelf(later, time);
    if (!one)
        return ND_NOMEM;
    nd_err err = append(one, code, size, diff);
    if (err == ND_OK && (one->print == 0 || one->n >= one->add_up_at))
        err = add_up(later, one);
    if (one->n == 0)
        remove_shelf(later, one);
    return err;
}

bool nd_later_has(const nd_later *later, const nd_time *time)
{
    return later->n_shelves != 0 && later->slots[find_slot(later, time)] != NULL;
}

static bool is_complete(const line *one, const nd_antichain *frontier)
{
    return !nd_antichain_less_equal(frontier, &front_of(one)->time);
}

bool nd_later_has_complete(const nd_later *later, const nd_antichain *frontier)
{
    for (size_t i = 0; i < later->lines.len; i++)
        if (is_complete(line_at(later, i), frontier))
            return true;
    return false;
}

/* A line goes with its last shelf. */
nd_err nd_later_take(nd_later *later, const nd_antichain *frontier, nd_updates *done)
{
    for (size_t i = later->lines.len; i > 0; i--)
        for (bool is_left = true; is_left && is_complete(line_at(later, i - 1), frontier);) {
            shelf *const first = front_of(line_at(later, i - 1));
            is_left = first->in->shelves.len > 1;
            ND_TRY(list_all(first, done));
            remove_shelf(later, first);
        }
    return ND_OK;
}

nd_err nd_later_list(const nd_later *later, nd_antichain *left)
{
    for (size_t i = 0; i < later->lines.len; i++)
        ND_TRY(nd_antichain_insert(left, &front_of(line_at(later, i))->time));
    return ND_OK;
}

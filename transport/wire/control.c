/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between nd_control and the message of control.proto. protobuf-c wants texts and columns that it
 * could write to, so packing copies them into an arena of its own, texts cut on the way.
 */
#include "transport/wire/control.h"

#include <assert.h>
#include <string.h>

#include "transport/wire/control.pb-c.h"

/* Kinds are numbered alike here and there, with nothing before the first and behind the last. */
_Static_assert(ND_CONTROL_JOIN == (int)NEREID__CONTROL__KIND__JOIN &&
                   ND_CONTROL_WELCOME == (int)NEREID__CONTROL__KIND__WELCOME &&
                   ND_CONTROL_REFUSE == (int)NEREID__CONTROL__KIND__REFUSE &&
                   ND_CONTROL_READY == (int)NEREID__CONTROL__KIND__READY &&
                   ND_CONTROL_CREDIT == (int)NEREID__CONTROL__KIND__CREDIT &&
                   ND_CONTROL_ALIVE == (int)NEREID__CONTROL__KIND__ALIVE &&
                   ND_CONTROL_GOODBYE == (int)NEREID__CONTROL__KIND__GOODBYE &&
                   ND_CONTROL_ABORT == (int)NEREID__CONTROL__KIND__ABORT &&
                   ND_CONTROL_ASK == (int)NEREID__CONTROL__KIND__ASK &&
                   ND_CONTROL_TELL == (int)NEREID__CONTROL__KIND__TELL,
               "a kind is the same number in control.h and control.proto");

/* --- Packing --- */

/* The message with room for every part that it might have. */
typedef struct message_parts {
    Nereid__Control control;
    Nereid__Join join;
    Nereid__Welcome welcome;
    Nereid__Refuse refuse;
    Nereid__Credit credit;
    Nereid__Alive alive;
    Nereid__Goodbye goodbye;
    Nereid__Abort abort;
    Nereid__Tell tell;
} message_parts;

static void init_parts(message_parts *parts)
{
    nereid__control__init(&parts->control);
    nereid__join__init(&parts->join);
    nereid__welcome__init(&parts->welcome);
    nereid__refuse__init(&parts->refuse);
    nereid__credit__init(&parts->credit);
    nereid__alive__init(&parts->alive);
    nereid__goodbye__init(&parts->goodbye);
    nereid__abort__init(&parts->abort);
    nereid__tell__init(&parts->tell);
}

/* A copy, cut to ND_CONTROL_TEXT; NULL without memory, which the arena remembers. */
static char *copy_text(nd_wire_arena *scratch, const char *text)
{
    const size_t len = strnlen(text, ND_CONTROL_TEXT - 1);
    char *const copy = nd_wire_arena_take(scratch, len + 1, 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static void pack_join(const nd_control_join *join, nd_wire_arena *scratch, Nereid__Join *packed)
{
    packed->protocol_min = join->protocol_min;
    packed->protocol_max = join->protocol_max;
    packed->job_0 = join->job[0];
    packed->job_1 = join->job[1];
    packed->process = join->process;
    packed->n_processes = join->n_processes;
    packed->n_workers = join->n_workers;
    packed->build_0 = join->build[0];
    packed->build_1 = join->build[1];
    packed->version = copy_text(scratch, join->version);
    packed->is_little_endian = join->is_little_endian;
    packed->word_size = join->word_size;
    packed->lane = join->lane;
    packed->incarnation = join->incarnation;
    packed->host = copy_text(scratch, join->host);
    packed->pid = join->pid;
}

static void pack_tell(const nd_control_tell *tell, nd_wire_arena *scratch, Nereid__Tell *packed)
{
    packed->lines = nd_wire_arena_take(scratch, tell->n_lines, sizeof *packed->lines);
    for (size_t i = 0; packed->lines && i < tell->n_lines; i++) {
        packed->lines[i] = copy_text(scratch, tell->lines[i]);
        packed->n_lines = i + 1;
    }
}

static void pack_part(const nd_control *control, nd_wire_arena *scratch, message_parts *parts)
{
    Nereid__Control *const packed = &parts->control;
    switch (control->kind) {
    case ND_CONTROL_JOIN:
        packed->join = &parts->join;
        pack_join(&control->join, scratch, packed->join);
        break;
    case ND_CONTROL_WELCOME:
        packed->welcome = &parts->welcome;
        packed->welcome->process = control->welcome.process;
        packed->welcome->incarnation = control->welcome.incarnation;
        break;
    case ND_CONTROL_REFUSE:
        packed->refuse = &parts->refuse;
        packed->refuse->err = control->refuse.err;
        packed->refuse->text = copy_text(scratch, control->refuse.text);
        break;
    case ND_CONTROL_CREDIT:
        packed->credit = &parts->credit;
        packed->credit->n_bytes = control->credit.n_bytes;
        break;
    case ND_CONTROL_ALIVE:
        packed->alive = &parts->alive;
        packed->alive->n_data_frames = control->alive.n_data_frames;
        packed->alive->n_progress_frames = control->alive.n_progress_frames;
        break;
    case ND_CONTROL_GOODBYE:
        packed->goodbye = &parts->goodbye;
        packed->goodbye->n_data_frames = control->goodbye.n_data_frames;
        packed->goodbye->n_progress_frames = control->goodbye.n_progress_frames;
        packed->goodbye->n_batches = control->goodbye.stats.n_batches;
        packed->goodbye->n_records = control->goodbye.stats.n_records;
        packed->goodbye->data_bytes = control->goodbye.stats.data_bytes;
        packed->goodbye->told_frames = control->goodbye.stats.progress_frames;
        packed->goodbye->told_bytes = control->goodbye.stats.progress_bytes;
        packed->goodbye->peak_rss_bytes = control->goodbye.stats.peak_rss_bytes;
        break;
    case ND_CONTROL_ABORT:
        packed->abort = &parts->abort;
        packed->abort->err = control->abort.err;
        packed->abort->process = control->abort.process;
        packed->abort->text = copy_text(scratch, control->abort.text);
        break;
    case ND_CONTROL_TELL:
        packed->tell = &parts->tell;
        pack_tell(&control->tell, scratch, packed->tell);
        break;
    case ND_CONTROL_READY:
    case ND_CONTROL_ASK:
        break;
    }
}

static nd_err write_message(const Nereid__Control *packed, nd_vector *body)
{
    const size_t size = nereid__control__get_packed_size(packed);
    if (size > ND_WIRE_CONTROL_MOST)
        return ND_INVAL;
    ND_TRY(nd_vector_reserve(body, size));
    body->len = nereid__control__pack(packed, body->items);
    assert(body->len == size);
    return ND_OK;
}

nd_err nd_wire_control_pack(const nd_control *control, nd_vector *body)
{
    nd_wire_arena scratch;
    message_parts parts;
    assert(control->kind >= ND_CONTROL_JOIN && control->kind <= ND_CONTROL_TELL &&
           body->item_size == 1);
    init_parts(&parts);
    nd_wire_arena_init(&scratch, ND_CONTROL_ARENA_MOST);
    parts.control.kind = (Nereid__Control__Kind)control->kind;
    pack_part(control, &scratch, &parts);
    nd_err err = scratch.err == ND_PROTO ? ND_INVAL : scratch.err;
    if (err == ND_OK)
        err = write_message(&parts.control, body);
    nd_wire_arena_deinit(&scratch);
    return err;
}

/* --- Unpacking --- */

static nd_err malformed(nd_message *message, const char *what)
{
    return nd_message_set(message, ND_PROTO, "a malformed control message: %s", what);
}

/* Makes a text that came from the network one line of bounded length. An empty one may be shared
 * and is not touched. */
static const char *clean_text(char *text)
{
    size_t len = 0;
    for (; text[len] != '\0' && len < ND_CONTROL_TEXT - 1; len++)
        if ((unsigned char)text[len] < ' ' || text[len] == '\x7f')
            text[len] = ' ';
    if (text[len] != '\0')
        text[len] = '\0';
    return text;
}

static nd_err unpack_err(uint32_t number, nd_err *err, nd_message *message)
{
#define COUNT_ERROR(code, text, status) +1
    enum { N_ERRORS = 0 ND_ERRORS(COUNT_ERROR) };
#undef COUNT_ERROR
    if (number == ND_OK || number >= N_ERRORS)
        return malformed(message, "an unknown error");
    *err = (nd_err)number;
    return ND_OK;
}

static nd_err unpack_join(const Nereid__Join *packed, nd_control_join *join, nd_message *message)
{
    if (packed->lane >= ND_LANES)
        return malformed(message, "an unknown lane");
    *join = (nd_control_join){
        .protocol_min = packed->protocol_min,
        .protocol_max = packed->protocol_max,
        .job = {packed->job_0, packed->job_1},
        .build = {packed->build_0, packed->build_1},
        .process = packed->process,
        .n_processes = packed->n_processes,
        .n_workers = packed->n_workers,
        .word_size = packed->word_size,
        .is_little_endian = packed->is_little_endian,
        .lane = (nd_lane_kind)packed->lane,
        .incarnation = packed->incarnation,
        .pid = packed->pid,
        .host = clean_text(packed->host),
        .version = clean_text(packed->version),
    };
    return ND_OK;
}

static void unpack_tell(const Nereid__Tell *packed, nd_control_tell *tell)
{
    for (size_t i = 0; i < packed->n_lines; i++)
        clean_text(packed->lines[i]);
    tell->lines = (const char *const *)packed->lines;
    tell->n_lines = packed->n_lines;
}

/* The part that goes with a kind; NULL if it is missing, the message itself if there is none. */
static const void *part_of(const Nereid__Control *packed, nd_control_kind kind)
{
    switch (kind) {
    case ND_CONTROL_JOIN:
        return packed->join;
    case ND_CONTROL_WELCOME:
        return packed->welcome;
    case ND_CONTROL_REFUSE:
        return packed->refuse;
    case ND_CONTROL_CREDIT:
        return packed->credit;
    case ND_CONTROL_ALIVE:
        return packed->alive;
    case ND_CONTROL_GOODBYE:
        return packed->goodbye;
    case ND_CONTROL_ABORT:
        return packed->abort;
    case ND_CONTROL_TELL:
        return packed->tell;
    case ND_CONTROL_READY:
    case ND_CONTROL_ASK:
        break;
    }
    return packed;
}

static nd_err unpack_part(const Nereid__Control *packed, nd_control *control, nd_message *message)
{
    switch (control->kind) {
    case ND_CONTROL_JOIN:
        return unpack_join(packed->join, &control->join, message);
    case ND_CONTROL_WELCOME:
        control->welcome =
            (nd_control_welcome){packed->welcome->process, packed->welcome->incarnation};
        break;
    case ND_CONTROL_REFUSE:
        control->refuse.text = clean_text(packed->refuse->text);
        return unpack_err(packed->refuse->err, &control->refuse.err, message);
    case ND_CONTROL_CREDIT:
        control->credit.n_bytes = packed->credit->n_bytes;
        break;
    case ND_CONTROL_ALIVE:
        control->alive =
            (nd_control_alive){packed->alive->n_data_frames, packed->alive->n_progress_frames};
        break;
    case ND_CONTROL_GOODBYE:
        control->goodbye =
            (nd_control_goodbye){.n_data_frames = packed->goodbye->n_data_frames,
                                 .n_progress_frames = packed->goodbye->n_progress_frames,
                                 .stats = {.n_batches = packed->goodbye->n_batches,
                                           .n_records = packed->goodbye->n_records,
                                           .data_bytes = packed->goodbye->data_bytes,
                                           .progress_frames = packed->goodbye->told_frames,
                                           .progress_bytes = packed->goodbye->told_bytes,
                                           .peak_rss_bytes = packed->goodbye->peak_rss_bytes}};
        break;
    case ND_CONTROL_ABORT:
        control->abort.process = packed->abort->process;
        control->abort.text = clean_text(packed->abort->text);
        return unpack_err(packed->abort->err, &control->abort.err, message);
    case ND_CONTROL_TELL:
        unpack_tell(packed->tell, &control->tell);
        break;
    case ND_CONTROL_READY:
    case ND_CONTROL_ASK:
        break;
    }
    return ND_OK;
}

nd_err nd_wire_control_unpack(const nd_wire_head *head, const void *body, nd_wire_arena *arena,
                              nd_control *control, nd_message *message)
{
    const Nereid__Control *const packed =
        nereid__control__unpack(&arena->allocator, (size_t)head->length, body);
    if (!packed && arena->err == ND_NOMEM)
        return ND_NOMEM;
    if (!packed)
        return malformed(message,
                         arena->err == ND_PROTO ? "it takes too much memory" : "it cannot be read");
    const int kind = (int)packed->kind;
    if (kind < ND_CONTROL_JOIN || kind > ND_CONTROL_TELL)
        return malformed(message, "an unknown kind");
    nd_control unpacked = {.kind = (nd_control_kind)kind};
    if (!part_of(packed, unpacked.kind))
        return malformed(message, "a part is missing");
    ND_TRY(unpack_part(packed, &unpacked, message));
    *control = unpacked;
    return ND_OK;
}

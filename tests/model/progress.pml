/* SPDX-License-Identifier: Apache-2.0 */
/* The progress protocol, bounded, for the model checker spin: what workers and processes tell each
 * other of what is under way, and what each may conclude from it. README.md says what each variant
 * shows; run_model runs them all.
 *
 * The graph is one vertex, a source as well, whose output is fed back to its own input, one round
 * later. Times are (epoch, round) in product order. A pointstamp is a number: the output's times
 * first (capabilities: open inputs, holds, notifications), then the input's (batches).
 *
 * A node, a process or a worker of one, has a view: counts by pointstamp. Asked of it, each by -D:
 *   CHECK_EXPLAINED  whatever is under way, something positive in the view could result in it;
 *   CHECK_MONOTONE   what a view has excluded it never allows again: no frontier moves back;
 *   CHECK_DRAINED    when nothing can happen any more, nothing is counted or kept back anywhere
 *                    (every run ends, since what is begun is bounded);
 *   CHECK_PROMPT     whenever no frame is on its way, no frontier is behind the true one. (To spin
 *                    no run ends then, so CHECK_DRAINED has variants of its own.)
 * The first two are safety, the last two liveness.
 *
 * Bounds: EPOCHS and ROUNDS; BUDGET, how often something is sent, held or moved on, beyond the
 * capability at time zero that each worker begins with.
 *
 * Variants: NODES processes of one worker; or TWO_LEVELS, where nodes 0 and 1 are the workers of
 * process 2, and 3 is a process of one worker. DEMAND: a process keeps back what is covered, else
 * it tells every frame. OWN_COUNT_COVERS: what its worker still holds there covers as well. WAITS:
 * every capability is a notification: nothing is done under it before it is due. SPENDS: whoever
 * sends under a capability gives it up in the same step.
 *
 * Mutants: MINUS_FIRST, PLUS_FIRST, SPLIT, REPEAT, LOSE, ANY_ORDER, CLAMP; with DEMAND also
 * VIEW_COUNT_COVERS, OWN_STEPS, UNCOVERED_ONLY. */

#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef BUDGET
#define BUDGET 2
#endif
#ifndef PLACES
#define PLACES (2 * BUDGET + 4) /* frames on a link; an assertion fails when they are too few */
#endif

#ifdef TWO_LEVELS
#define NODES 4
#define WORKERS 3
#define ACTS(node) ((node) != 2)
#define IS_PROCESS(node) ((node) >= 2)
#define IS_PART(node, process) ((node) < 2 && (process) == 2)
#define TELLS(from, to)                                                                           \
    (((from) < 2 && (to) < 3 && (from) != (to)) || ((from) >= 2 && (to) == 5 - (from)))
#else
#ifndef NODES
#define NODES 2
#endif
#define WORKERS NODES
#define ACTS(node) true
#define IS_PROCESS(node) true
#define IS_PART(node, process) false
#define TELLS(from, to) ((from) != (to))
#endif

#ifdef DEMAND
#define KEEPS(node) IS_PROCESS(node)
#else
#define KEEPS(node) false
#endif

#define OUTPUTS (EPOCHS * ROUNDS) /* pointstamps of the output: less than this */
#define STAMPS (2 * OUTPUTS)
#define INPUT_OF(output) ((output) + OUTPUTS) /* the input's pointstamp at the same time */
#define OUTPUT_OF(input) ((input) - OUTPUTS)
#define IS_INPUT(stamp) ((stamp) >= OUTPUTS)
#define EPOCH(stamp) ((stamp) % OUTPUTS / ROUNDS)
#define ROUND(stamp) ((stamp) % ROUNDS)
#define HAS_NEXT_ROUND(stamp) (ROUND(stamp) + 1 < ROUNDS) /* else the feedback is no path */
#define HAS_NEXT_EPOCH(stamp) (EPOCH(stamp) + 1 < EPOCHS)
#define NEXT_ROUND(stamp) ((stamp) + 1)
#define NEXT_EPOCH(stamp) ((stamp) + ROUNDS)

/* Could a result in b? The way from the output to the input takes a round, the other none. */
#define RESULTS_IN(a, b)                                                                          \
    (EPOCH(a) <= EPOCH(b) && ROUND(a) + (!IS_INPUT(a) && IS_INPUT(b)) <= ROUND(b))

#define LINK(from, to) link[(from) * NODES + (to)]

typedef Counts { short n[STAMPS] };

chan link[NODES * NODES] = [PLACES] of { Counts }; /* frames */
byte n_frames;                                     /* on all links */
Counts truth;                                      /* what is under way */
Counts mail[NODES];                                /* batches sent to each worker */
byte n_mail[NODES];
byte budget = BUDGET;
bit may_fail = 1; /* a frame may still be lost or repeated: one a run */
byte n_started;   /* nodes act when all have their initial counts */

/* Scratch: written before it is read within one d_step, so no part of the state. */
hidden int i;
hidden int k;
hidden Counts before;
hidden byte is_explained;
hidden byte is_monotone;
hidden byte is_drained;
hidden byte is_prompt;
hidden byte is_covered;

/* --- Judging --- */

/* Whether everything positive in `counts` could be the result of something positive in `causes`. */
inline judge(verdict, counts, causes)
{
    verdict = 1;
    i = 0;
    do
    :: i < STAMPS && counts.n[i] > 0 ->
        k = 0;
        do
        :: k < STAMPS && !(causes.n[k] > 0 && RESULTS_IN(k, i)) -> k++
        :: else -> break
        od;
        verdict = verdict && k < STAMPS;
        i++
    :: i < STAMPS && counts.n[i] <= 0 -> i++
    :: else -> break
    od
}

inline check_safety()
{
#ifdef CHECK_EXPLAINED
    judge(is_explained, truth, view);
    assert(is_explained);
#endif
#ifdef CHECK_MONOTONE
    judge(is_monotone, view, before);
    assert(is_monotone);
#endif
    skip
}

inline check_drained()
{
    is_drained = 1;
    for (i : 0 .. STAMPS - 1) {
        is_drained = is_drained && truth.n[i] == 0 && view.n[i] == 0 && kept.n[i] == 0
    }
    assert(is_drained)
}

/* --- Counting --- */

inline apply(changes)
{
    for (i : 0 .. STAMPS - 1) {
        before.n[i] = view.n[i];
        view.n[i] = view.n[i] + changes.n[i];
#ifdef CLAMP
        if
        :: view.n[i] < 0 -> view.n[i] = 0
        :: else
        fi
#endif
    }
}

inline add(sum, changes)
{
    for (i : 0 .. STAMPS - 1) {
        sum.n[i] = sum.n[i] + changes.n[i]
    }
    i = 0
}

inline clear(counts)
{
    for (i : 0 .. STAMPS - 1) {
        counts.n[i] = 0
    }
    i = 0 /* spin: a d_step may not end with a loop */
}

/* Which capabilities may be used: all, but a notification only when nothing can arrive any more at
 * its time or before. */
inline look_at_holds()
{
    is_ready = 0;
    for (i : 0 .. OUTPUTS - 1) {
        may_act.n[i] = held.n[i] > 0;
#ifdef WAITS
        for (k : 0 .. STAMPS - 1) {
            may_act.n[i] = may_act.n[i] && !(view.n[k] > 0 && RESULTS_IN(k, INPUT_OF(i)))
        }
#endif
        is_ready = is_ready || may_act.n[i]
    }
    i = 0
}

/* --- Telling --- */

inline put(from, to, changes)
{
    assert(nfull(LINK(from, to)));
    LINK(from, to)!changes;
    n_frames++
}

inline put_part(from, to, changes, condition)
{
    d_step {
        for (i : 0 .. STAMPS - 1) {
            part.n[i] = (condition -> changes.n[i] : 0);
            has_part = has_part || part.n[i] != 0
        }
        i = 0
    }
    if
    :: has_part -> put(from, to, part)
    :: else
    fi;
    d_step { clear(part); has_part = 0 }
}

inline post(from, to, changes)
{
#if defined(MINUS_FIRST)
    put_part(from, to, changes, changes.n[i] < 0);
    put_part(from, to, changes, changes.n[i] > 0)
#elif defined(PLUS_FIRST)
    put_part(from, to, changes, changes.n[i] > 0);
    put_part(from, to, changes, changes.n[i] < 0)
#elif defined(SPLIT)
    for (p : 0 .. STAMPS - 1) {
        put_part(from, to, changes, i == p)
    }
    p = 0
#else
    put(from, to, changes)
#endif
}

/* Whether pointstamp i is implied even if nothing were counted at it. */
inline look_for_cover()
{
    k = 0;
    do
    :: k < STAMPS && !(k != i && view.n[k] > 0 && RESULTS_IN(k, i)) -> k++
    :: else -> break
    od;
    is_covered = k < STAMPS;
#ifdef VIEW_COUNT_COVERS
    is_covered = is_covered || (!IS_INPUT(i) && view.n[i] > 0)
#endif
#ifdef OWN_COUNT_COVERS
    is_covered = is_covered || (!IS_INPUT(i) && held.n[i] > 0)
#endif
}

/* What must be told now goes from `kept` to `frame`: all of it, or nothing. */
inline take()
{
    must_tell = 0;
    for (i : 0 .. STAMPS - 1) {
        if
        :: kept.n[i] != 0 && !KEEPS(me) -> must_tell = 1
        :: kept.n[i] < 0 && KEEPS(me) ->
            look_for_cover();
            must_tell = must_tell || !is_covered;
#ifdef UNCOVERED_ONLY
            if
            :: !is_covered -> frame.n[i] = kept.n[i]; kept.n[i] = 0
            :: else
            fi
#endif
        :: else
        fi
    }
#ifndef UNCOVERED_ONLY
    if
    :: must_tell -> add(frame, kept); clear(kept)
    :: else
    fi
#endif
}

inline tell()
{
    d_step { take() }
    if
    :: must_tell ->
        to = 0;
        do
        :: to < NODES && TELLS(me, to) -> post(me, to, frame); to++
        :: to < NODES && !TELLS(me, to) -> to++
        :: else -> break
        od;
        to = 0
    :: else
    fi;
    d_step { clear(frame); must_tell = 0; look_at_holds() }
}

/* A frame lies in `frame`: of a worker of this process, to be added up, or of another process, to
 * be handed to this one's workers. */
inline take_in(from)
{
    d_step { apply(frame); check_safety() }
#ifdef TWO_LEVELS
    if
    :: IS_PART(from, me) -> d_step { add(kept, frame) }
    :: me == 2 && !IS_PART(from, me) -> put(me, 0, frame); put(me, 1, frame)
    :: else
    fi;
#endif
    d_step { clear(frame) }
#ifdef OWN_STEPS
    if
    :: IS_PART(from, me) -> tell()
    :: else -> d_step { look_at_holds() }
    fi
#else
    tell()
#endif
}

inline receive(from)
{
#ifdef ANY_ORDER /* some frames that came first go to the end */
    p = 1;
    do
    :: p < len(LINK(from, me)) -> LINK(from, me)?frame; LINK(from, me)!frame; p++
    :: break
    od;
    p = 0;
#endif
    LINK(from, me)?frame;
    n_frames--;
#if defined(LOSE)
    if
    :: may_fail -> may_fail = 0; d_step { clear(frame) }
    :: take_in(from)
    fi
#elif defined(REPEAT)
    if
    :: may_fail -> may_fail = 0; d_step { apply(frame); check_safety() }
    :: true
    fi;
    take_in(from)
#else
    take_in(from)
#endif
}

/* --- Acting --- */

/* Some p in [first, past) with a positive count, or `past`. */
inline choose(counts, first, past)
{
    p = first;
    do
    :: p < past && counts.n[p] > 0 -> break
    :: p < past -> p++
    :: p == past -> break
    od
}

inline send(stamp)
{
    do
    :: to + 1 < NODES -> to++
    :: ACTS(to) -> break
    od;
    budget--;
    mail[to].n[stamp]++;
    n_mail[to]++;
    frame.n[stamp]++;
    to = 0
}

inline hold(stamp)
{
    budget--;
    held.n[stamp]++;
    frame.n[stamp]++
}

/* The effects of a step lie in `frame`. */
inline publish()
{
    d_step { add(truth, frame); apply(frame); add(kept, frame); clear(frame); check_safety() }
    tell()
}

inline consume()
{
    mail[me].n[p]--;
    n_mail[me]--;
    frame.n[p]--;
    if
    :: budget > 0 && HAS_NEXT_ROUND(p) -> send(NEXT_ROUND(p))
    :: true
    fi;
    if
    :: budget > 0 -> hold(OUTPUT_OF(p))
    :: true
    fi;
    publish()
}

inline release()
{
    held.n[p]--;
    frame.n[p]--;
    if
    :: budget > 0 && HAS_NEXT_ROUND(p) -> send(NEXT_ROUND(INPUT_OF(p)))
    :: budget > 0 && HAS_NEXT_ROUND(p) -> hold(NEXT_ROUND(p))
    :: budget > 0 && HAS_NEXT_EPOCH(p) -> hold(NEXT_EPOCH(p))
    :: true
    fi
}

inline use_hold()
{
    if
#ifndef SPENDS
    :: budget > 0 && HAS_NEXT_ROUND(p) -> send(NEXT_ROUND(INPUT_OF(p)))
#endif
    :: release()
    fi;
    publish()
}

#define RECEIVE(from) atomic { (from) != me && nempty(LINK(from, me)) -> receive(from) }

proctype node(byte me)
{
    Counts view;    /* own changes and what is kept back included */
    Counts kept;    /* not told yet */
    Counts held;    /* its capabilities */
    Counts may_act; /* those that may be used now */
    bit is_ready;   /* whether there are any */
    Counts frame;   /* from here on: of a step, zero between steps */
    Counts part;
    byte p, to;
    bit must_tell, has_part;

    d_step {
        view.n[0] = WORKERS;
        held.n[0] = ACTS(me);
        look_at_holds();
        n_started++
    }
    n_started == NODES;
#ifndef CHECK_DRAINED
end:
#endif
    do
    :: atomic {
        n_mail[me] > 0 -> choose(mail[me], OUTPUTS, STAMPS);
        if
        :: p < STAMPS -> consume()
        :: else
        fi;
        p = 0 }
    :: atomic {
        is_ready -> choose(may_act, 0, OUTPUTS);
        if
        :: p < OUTPUTS -> use_hold()
        :: else
        fi;
        p = 0 }
    :: RECEIVE(0)
    :: RECEIVE(1)
#if NODES > 2
    :: RECEIVE(2)
#endif
#if NODES > 3
    :: RECEIVE(3)
#endif
#ifdef CHECK_PROMPT
    :: d_step { n_frames == 0 -> judge(is_prompt, view, truth); assert(is_prompt) }
#endif
#ifdef CHECK_DRAINED
    :: atomic { timeout -> d_step { check_drained() } }; break
#endif
    od
}

init
{
    byte n;
    atomic {
        truth.n[0] = WORKERS;
        for (n : 0 .. NODES - 1) {
            run node(n)
        }
        n = 0
    }
}

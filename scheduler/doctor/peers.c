/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor looks at beyond this machine: the keys, and each process's address. This
 * process's own is tried by listening there, the others' by connecting, all at the same time. */
#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/hash.h"
#include "scheduler/doctor/checkup.h"
#include "transport/zmq/address.h"
#include "transport/zmq/keys.h"
#include "transport/zmq/reach.h"

enum { NUMERIC_SIZE = sizeof((nd_reached *)0)->numeric };

/* --- Keys --- */

/* Keys that are alike have the same print, from which nothing can be learned of the secret ones. */
static void check_keys(nd_checkup *checkup)
{
    nd_keys keys;
    nd_message message;
    const char *const path = checkup->plan.options.secret;
    if (path != NULL) {
        if (nd_keys_read(path, checkup->plan.process, &keys, &message) != ND_OK) {
            nd_checkup_say(checkup, ND_VERDICT_FAIL, "keys: %s", message.text);
            return;
        }
        const uint64_t print = nd_hash_bytes(keys.public_keys, sizeof keys.public_keys);
        nd_keys_wipe(&keys);
        nd_checkup_say(checkup, ND_VERDICT_OK,
                       "keys: %s is whole and private; its print, alike on every host: %08x", path,
                       (unsigned)(print >> 32));
    } else if (nd_checkup_leaves_machine(checkup)) {
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "keys: none, and processes can be reached from other machines: make some "
                       "with 'nereid keygen FILE', copy FILE to every host (mode 0600), and give "
                       "every process '--secret FILE'");
    }
}

/* --- The own address --- */

static bool leads_elsewhere(const nd_reached *found)
{
    return found->numeric[0] != '\0' && !nd_address_is_private(found->numeric);
}

static bool has_others_elsewhere(const nd_checkup *checkup, const nd_reached *found)
{
    for (unsigned i = 0; i < checkup->plan.addresses.n; i++)
        if (i != checkup->plan.process && leads_elsewhere(&found[i]))
            return true;
    return false;
}

static void say_cannot_listen(nd_checkup *checkup, nd_err err, const char *why, bool is_nereid)
{
    const unsigned process = checkup->plan.process;
    const char *const address = checkup->plan.addresses.items[process];
    if (err == ND_CLOSED && is_nereid)
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "process %u (%s): runs already: end it before you start it anew", process,
                       address);
    else if (err == ND_CLOSED)
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): cannot listen there: %s: end what uses the port (ss -ltnp "
                       "shows it), or give the -p of this machine",
                       process, address, why);
    else
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): cannot listen there: %s: mend the name, or write this "
                       "machine's address in the hosts file",
                       process, address, why);
}

static void check_own(nd_checkup *checkup, const nd_reached *found)
{
    nd_message message;
    char bound[NUMERIC_SIZE];
    const unsigned process = checkup->plan.process;
    const char *const address = checkup->plan.addresses.items[process];
    const nd_err err = nd_reach_bind(address, bound, sizeof bound, &message);
    if (err != ND_OK)
        say_cannot_listen(checkup, err, message.text, found[process].what == ND_REACH_ANSWERS);
    else if (nd_address_is_private(bound) && has_others_elsewhere(checkup, found))
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): is %s here, which other machines cannot reach: write this "
                       "machine's address in the hosts file, or mend /etc/hosts",
                       process, address, bound);
    else if (found[process].numeric[0] != '\0' && strcmp(bound, found[process].numeric) != 0)
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): listens at %s, but others would look at %s: write the "
                       "address in the hosts file instead of the name",
                       process, address, bound, found[process].numeric);
    else
        nd_checkup_say(checkup, ND_VERDICT_OK, "process %u (%s): this one, and it can listen there",
                       process, address);
}

/* --- The others' --- */

static void say_answers(nd_checkup *checkup, unsigned process, const nd_reached *found)
{
    const char *const address = checkup->plan.addresses.items[process];
    const bool has_keys = checkup->plan.options.secret != NULL;
    if (found->has_keys == has_keys)
        nd_checkup_say(checkup, ND_VERDICT_OK, "process %u (%s): answers", process, address);
    else
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): answers, but %s: give every process the same --secret",
                       process, address,
                       has_keys ? "without keys, which this one has"
                                : "encrypts, and this one has no keys");
}

static void check_other(nd_checkup *checkup, unsigned process, const nd_reached *found)
{
    const char *const address = checkup->plan.addresses.items[process];
    switch (found->what) {
    case ND_REACH_ANSWERS:
        say_answers(checkup, process, found);
        return;
    case ND_REACH_REFUSED:
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "process %u (%s): the machine answers, but nobody listens there yet: start "
                       "nereid there; if it runs, a firewall refuses, or -p is another's",
                       process, address);
        return;
    case ND_REACH_STRANGER:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): what listens there is not nereid: choose another port",
                       process, address);
        return;
    case ND_REACH_MUTE:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): what listens there says nothing: if it is nereid it has "
                       "been stopped, continue it (kill -CONT); if not, choose another port",
                       process, address);
        return;
    case ND_REACH_SILENT:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): no answer within %d s: is the machine up? then have its "
                       "firewall let the port through",
                       process, address, ND_REACH_SECONDS);
        return;
    case ND_REACH_NO_WAY:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): cannot be reached: %s: is the address right? then mend "
                       "routes or firewall",
                       process, address, found->reason);
        return;
    case ND_REACH_NO_NAME:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): its name is not known here: %s: mend the hosts file, the "
                       "name server or /etc/hosts",
                       process, address, found->reason);
        return;
    case ND_REACH_NO_NAMES:
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): the name server does not answer: mend /etc/resolv.conf, "
                       "or write addresses instead of names",
                       process, address);
        return;
    }
}

/* Different names may lead to the same place. */
static bool is_twin(nd_checkup *checkup, unsigned process, const nd_reached *found)
{
    for (unsigned i = 0; i < process && found[process].numeric[0] != '\0'; i++) {
        if (strcmp(found[i].numeric, found[process].numeric) != 0)
            continue;
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "process %u (%s): is at the same place as process %u (%s): give each a port "
                       "of its own",
                       process, checkup->plan.addresses.items[process], i,
                       checkup->plan.addresses.items[i]);
        return true;
    }
    return false;
}

void nd_checkup_hosts(nd_checkup *checkup)
{
    const unsigned n = checkup->plan.addresses.n;
    check_keys(checkup);
    if (n == 0)
        return;
    nd_reached *const found = nd_alloc_zero(n, sizeof *found);
    const nd_err err = found != NULL
                           ? nd_reach_all((const char *const *)checkup->plan.addresses.items,
                                          checkup->plan.addresses.n, found)
                           : ND_NOMEM;
    if (err != ND_OK)
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "hosts cannot be tried: %s", nd_err_text(err));
    for (unsigned i = 0; i < n && err == ND_OK; i++) {
        if (is_twin(checkup, i, found))
            continue;
        if (checkup->plan.has_process && i == checkup->plan.process &&
            found[i].what != ND_REACH_NO_NAMES)
            check_own(checkup, found);
        else
            check_other(checkup, i, &found[i]);
    }
    nd_free(found);
}

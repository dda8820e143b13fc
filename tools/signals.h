/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_SIGNALS_H
#define NEREID_TOOLS_SIGNALS_H

/* What SIGINT, SIGTERM and SIGHUP do: end the process at once with status 5 and a line that says
 * so; but while a file is being written, the first one only makes signals_came true, so that the
 * half-written file can be taken away; a run that goes on meanwhile it ends. A SIGHUP that was
 * ignored at the start (nohup) stays so. Under a launcher there is no line: the launcher tells the
 * cause. SIGPIPE is ignored, for a write to nobody is an error like any other; and SIGUSR1 outside
 * of a run (nd_execute), which it asks what it waits for: before and after there is nothing to
 * tell. */

#include <stdbool.h>

void signals_watch(void);

/* For another program to take this one's place: what it would inherit is as it was. */
void signals_release(void);

/* From now on whoever writes to `path` (NULL or `-`: standard output) looks at signals_came, if
 * that is a file. */
void signals_defer(const char *path);

bool signals_came(void);

#endif

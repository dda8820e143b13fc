/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     nereid_bench [full] [WORD]        measures the rows whose titles contain WORD, or all
 *
 * A title is the row's name, the number of processes if there are two, and the number of workers of
 * each: `word count W=2`, `word count P=2 W=1`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/harness.h"
#include "bench/pair.h"
#include "bench/query_rows.h"

/* What figures depend on. */
static void print_conditions(void)
{
    double load;
    printf("%ld cores", sysconf(_SC_NPROCESSORS_ONLN));
    if (getloadavg(&load, 1) == 1)
        printf(", %.1f busy in the last minute", load);
    printf(". Idle policy: where every worker of the machine has a core it looks for\n"
           "work for 100 us before it parks, offering the core to others in between; where not, it "
           "does so\nfour times.\n");
}

int main(int argc, char **argv)
{
    if (bench_pair_is_one(argc, argv))
        return bench_pair_main(argv);
    if (bench_query_is_one(argc, argv))
        return bench_query_main(argv);
    const bool is_full = argc > 1 && strcmp(argv[1], "full") == 0;
    const char *const wanted = argv[is_full ? 2 : 1];
    if (argc > 2 + is_full) {
        fprintf(stderr, "usage: nereid_bench [full] [WORD]\n");
        return 2;
    }
    print_conditions();
    bench_print_heading(is_full);
    bench_run_rows(is_full, wanted);
    bench_run_queries(is_full, wanted);
    return 0;
}

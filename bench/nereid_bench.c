/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     nereid_bench [full] [WORD]        measures the rows whose titles contain WORD, or all
 *
 * A title is the row's name and its number of workers: `word count W=2`.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/harness.h"

int main(int argc, char **argv)
{
    const bool is_full = argc > 1 && strcmp(argv[1], "full") == 0;
    const char *const wanted = argv[is_full ? 2 : 1];
    if (argc > 2 + is_full) {
        fprintf(stderr, "usage: nereid_bench [full] [WORD]\n");
        return 2;
    }
    printf("%ld cores. Idle policy: where every worker has a core it looks for work for 100 us "
           "before\n"
           "it parks, offering the core to others in between; where not, it does so four times.\n",
           sysconf(_SC_NPROCESSORS_ONLN));
    bench_print_heading(is_full);
    bench_run_rows(bench_coordination_rows, is_full, wanted);
    bench_run_rows(bench_exchange_rows, is_full, wanted);
    bench_run_rows(bench_counting_rows, is_full, wanted);
    bench_run_rows(bench_ranking_rows, is_full, wanted);
    bench_run_rows(bench_idle_rows, is_full, wanted);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* nd_main: a program's options, its run here or in processes of its own, its exit status. */
#include <stdio.h>
#include <string.h>

#include <nereid/cluster.h>

/* Takes the "--" out that ends Nereid's options. */
static void drop_dashes(char **argv)
{
    while (*argv != NULL && strcmp(*argv, "--") != 0)
        argv++;
    for (; *argv != NULL; argv++)
        argv[0] = argv[1];
}

static nd_err run_here(const nd_cluster *cluster, nd_program *program, void *arg,
                       nd_message *message)
{
    ND_TRY(nd_execute(&cluster->config, program, arg, NULL, message));
    if (fflush(stdout) != 0 || ferror(stdout))
        return nd_message_set(message, ND_IO, "standard output: %s", nd_err_text(ND_IO));
    return ND_OK;
}

int nd_main(int argc, char **argv, nd_program *program, void *arg)
{
    nd_cluster cluster;
    nd_message message = {""};
    int status;
    nd_descriptors_occupy();
    const nd_err err = nd_cluster_open(&cluster, argc > 0 ? argv : NULL, &message);
    if (err == ND_OK && argc > 0)
        drop_dashes(argv);
    if (err != ND_OK)
        status = nd_err_status(err);
    else if (cluster.must_launch)
        status = nd_launch(&cluster.config, true, cluster.command, &message);
    else
        status = nd_err_status(run_here(&cluster, program, arg, &message));
    nd_cluster_close(&cluster);
    if (status != 0)
        nd_report(status, message.text);
    return status;
}

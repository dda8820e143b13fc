/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slurm's lists against what they stand for, written out.
 */
#include "scheduler/place/slurm.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { TEXT_SIZE = 4096 };

/* The names, each followed by a blank; or the error. */
static nd_err expand(const char *list, char text[TEXT_SIZE])
{
    static nd_slurm_node nodes[ND_MAX_PROCESSES];
    nd_message message = {""};
    unsigned n = 0;
    size_t size = 0;
    text[0] = '\0';
    const nd_err err = nd_slurm_parse_nodes(list, nodes, &n, &message);
    assert_true((err == ND_OK) == (message.text[0] == '\0'));
    for (unsigned i = 0; i < n; i++)
        size += (size_t)snprintf(text + size, TEXT_SIZE - size, "%s ", nodes[i].name);
    return err;
}

static void brackets_are_written_out(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a", "a "},
        {"a,b", "a b "},
        {"n[1-3]", "n1 n2 n3 "},
        {"n[01-03,7],m5", "n01 n02 n03 n7 m5 "},
        {"n[8-11]", "n8 n9 n10 n11 "},
        {"n[098-101]", "n098 n099 n100 n101 "},
        {"n[1-2]-ib", "n1-ib n2-ib "},
        {"r[1-2]n[01-02]", "r1n01 r1n02 r2n01 r2n02 "},
        {"r[1,3-4]c[5]n[6-7],x", "r1c5n6 r1c5n7 r3c5n6 r3c5n7 r4c5n6 r4c5n7 x "},
        {"[1-2]n", "1n 2n "},
        {"a.b-c_d[000]", "a.b-c_d000 "},
        {"n[999999999]", "n999999999 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_SIZE];
        assert_int_equal(expand(cases[i][0], text), ND_OK);
        assert_string_equal(text, cases[i][1]);
    }
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        ",",
        "a,",
        ",a",
        "n[",
        "n[]",
        "n[1",
        "n[1-]",
        "n[-1]",
        "n[3-1]",
        "n[1,,2]",
        "n[1,]",
        "n[a]",
        "n[1-b]",
        "n]1[",
        "n[1]]",
        "n[[1]]",
        "a b",
        "n[1 -2]",
        "$(x)",
        "n[1-2-3]",
        "-n",
        "n/1",
        "n[0000000001]",
        "n[1-99999999999999999999]",
        "n[1-1000000]",
        "a[1-64]b[1-64]",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_SIZE];
        if (expand(cases[i], text) != ND_USAGE)
            fail_msg("'%s' was taken for '%s'", cases[i], text);
    }
}

static void as_many_machines_as_processes_are_taken(void **state)
{
    (void)state;
    char list[64], text[TEXT_SIZE];
    (void)snprintf(list, sizeof list, "n[1-%d]", ND_MAX_PROCESSES);
    assert_int_equal(expand(list, text), ND_OK);
    (void)snprintf(list, sizeof list, "n[1-%d],m", ND_MAX_PROCESSES);
    assert_int_equal(expand(list, text), ND_USAGE);
    (void)snprintf(list, sizeof list, "m,n[1-%d]", ND_MAX_PROCESSES);
    assert_int_equal(expand(list, text), ND_USAGE);
}

static void a_name_longer_than_any_is_refused(void **state)
{
    (void)state;
    char list[400], text[TEXT_SIZE];
    for (size_t size = 200; size < 300; size++) {
        memset(list, 'a', size);
        memcpy(list + size, "[10-11]", 8);
        assert_int_equal(expand(list, text), size + 2 <= 253 ? ND_OK : ND_USAGE);
    }
}

static void tasks_are_shared_out(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        unsigned n_nodes, n_tasks;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"1", 1, 1, "1"},
        {"2(x3)", 3, 6, "222"},
        {"2(x3),1", 4, 7, "2221"},
        {"1,2(x2),3", 4, 8, "1223"},
        {"3,0", 2, 3, "30"},
        {NULL, 3, 7, "322"},
        {NULL, 2, 2, "11"},
        {NULL, 3, 2, "110"},
        {"2(x3)", 3, 7, NULL},
        {"2(x3)", 4, 6, NULL},
        {"2(x4)", 3, 8, NULL},
        {"2,2", 1, 4, NULL},
        {"", 1, 1, NULL},
        {"2(x)", 1, 2, NULL},
        {"2(3)", 3, 6, NULL},
        {"2(x3", 3, 6, NULL},
        {"2x3", 3, 6, NULL},
        {"(x3)", 3, 6, NULL},
        {"2(x0),1", 1, 1, NULL},
        {"1,", 1, 1, NULL},
        {"-1", 1, 1, NULL},
        {"99999999999999999999", 1, 1, NULL},
        {"1(x4294967297)", 1, 1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static nd_slurm_node nodes[4];
        nd_message message = {""};
        const nd_err err = nd_slurm_parse_tasks(cases[i].list, nodes, cases[i].n_nodes,
                                                cases[i].n_tasks, &message);
        if (cases[i].expected == NULL && err != ND_USAGE)
            fail_msg("'%s' was taken", cases[i].list);
        for (unsigned k = 0; cases[i].expected != NULL && k < cases[i].n_nodes; k++)
            assert_int_equal(nodes[k].n_tasks, cases[i].expected[k] - '0');
        assert_int_equal(err, cases[i].expected != NULL ? ND_OK : ND_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_are_written_out),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(as_many_machines_as_processes_are_taken),
        cmocka_unit_test(a_name_longer_than_any_is_refused),
        cmocka_unit_test(tasks_are_shared_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts files: what is understood, and what is refused with which words.
 */
#include "scheduler/place/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scheduler/place/addresses.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_files.h"
#include "tests/support/failing_memory.h"

static nd_err parse(const char *text, nd_addresses *addresses, nd_message *message)
{
    return nd_hosts_parse("hosts", text, strlen(text), addresses, message);
}

static void each_line_is_a_process(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected[4];
    } cases[] = {
        {"a:1", {"tcp://a:1"}},
        {"a:1\n", {"tcp://a:1"}},
        {"a:1\nb:2\n", {"tcp://a:1", "tcp://b:2"}},
        {"\n\n a:1 \t\r\n\n\tb:2\r\n", {"tcp://a:1", "tcp://b:2"}},
        {"# all of it\na:1 # the first\n#b:2\nc.d-e_f:65535", {"tcp://a:1", "tcp://c.d-e_f:65535"}},
        {"127.0.0.1:2100\n[::1]:2100\n[fe80::1:2]:2101",
         {"tcp://127.0.0.1:2100", "tcp://[::1]:2100", "tcp://[fe80::1:2]:2101"}},
        {"a:1\na:2\nb:1", {"tcp://a:1", "tcp://a:2", "tcp://b:1"}},
        {"a:007", {"tcp://a:7"}},
        {"1.2.3.4.a:7\n1-2:7", {"tcp://1.2.3.4.a:7", "tcp://1-2:7"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_message message = {""};
        nd_addresses found = {.items = NULL};
        if (parse(cases[i].text, &found, &message) != ND_OK)
            fail_msg("%s: %s", cases[i].text, message.text);
        for (unsigned k = 0; k < 4 && cases[i].expected[k] != NULL; k++) {
            assert_in_range(k, 0, found.n - 1);
            assert_string_equal(found.items[k], cases[i].expected[k]);
        }
        assert_true(found.n == 4 || cases[i].expected[found.n] == NULL);
        nd_addresses_deinit(&found);
    }
}

static void what_is_no_host_and_port_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "hosts: lists no process"},
        {"# nobody\n\n", "hosts: lists no process"},
        {"a", "hosts:1: 'a' has no port"},
        {"a:1\n\nb\n", "hosts:3: 'b' has no port"},
        {"a:1\nb:0", "hosts:2: '0' is not a port"},
        {"a:65536", "hosts:1: '65536' is not a port"},
        {"a:", "hosts:1: '' is not a port"},
        {"a:+1", "hosts:1: '+1' is not a port"},
        {"a:1x", "hosts:1: '1x' is not a port"},
        {"a:99999999999999999999", "hosts:1: '99999999999999999999' is not a port"},
        {":1", "hosts:1: '' is not a host"},
        {"a b:1", "hosts:1: 'a b' is not a host"},
        {"-a:1", "hosts:1: '-a' is not a host"},
        {"tcp://a:1", "hosts:1: 'tcp://a' is not a host"},
        {"::1:80", "hosts:1: '::1' is not a host"},
        {"[::1:80", "hosts:1: '[::1' is not a host"},
        {"[a]:80", "hosts:1: '[a]' is not a host"},
        {"[]:80", "hosts:1: '[]' is not a host"},
        {"[1:2:3:4:5:6:7:8:9]:80", "hosts:1: '[1:2:3:4:5:6:7:8:9]' is not a host"},
        {"*:80", "hosts:1: '*' is not a host"},
        {"127.0.0.1:1\n127.0.0.300:2", "hosts:2: '127.0.0.300' is not an IPv4 address: four"},
        {"127.1:1", "hosts:1: '127.1' is not an IPv4 address"},
        {"2130706433:1", "hosts:1: '2130706433' is not an IPv4 address"},
        {"127.0.0.1.:1", "hosts:1: '127.0.0.1.' is not an IPv4 address"},
        {"1111.2222.3333.4444:1", "hosts:1: '1111.2222.3333.4444' is not an IPv4 address"},
        {"a:1\nb:1\nA:1", "hosts:3: 'A:1' was there before"},
        {"a:1\na:01", "hosts:2: 'a:01' was there before"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_message message = {""};
        char kept[] = "kept";
        char *items[] = {kept};
        nd_addresses found = {.items = items, .n = 1};
        assert_int_equal(parse(cases[i].text, &found, &message), ND_INPUT);
        if (strncmp(message.text, cases[i].expected, strlen(cases[i].expected)) != 0)
            fail_msg("'%s' instead of '%s'", message.text, cases[i].expected);
        assert_ptr_equal(found.items, items);
    }
}

static void a_null_byte_is_part_of_no_name(void **state)
{
    (void)state;
    nd_addresses found = {.items = NULL};
    nd_message message;
    assert_int_equal(nd_hosts_parse("hosts", "a\0b:1", 5, &found, &message), ND_INPUT);
    assert_int_equal(nd_hosts_parse("hosts", "[::1\0]:1", 8, &found, &message), ND_INPUT);
}

static void as_many_as_there_may_be_are_taken_and_no_more(void **state)
{
    (void)state;
    char text[(ND_MAX_PROCESSES + 1) * 16];
    size_t size = 0;
    nd_message message = {""};
    for (unsigned n = 1; n <= ND_MAX_PROCESSES + 1; n++) {
        nd_addresses found = {.items = NULL};
        size += (size_t)snprintf(text + size, sizeof text - size, "host:%u\n", n);
        const nd_err err = parse(text, &found, &message);
        assert_int_equal(err, n <= ND_MAX_PROCESSES ? ND_OK : ND_INPUT);
        assert_int_equal(found.n, err == ND_OK ? n : 0);
        nd_addresses_deinit(&found);
    }
    assert_string_equal(message.text,
                        "hosts:129: 'host:129' is one process more than a cluster can have");
}

static void the_most_on_a_host_are_counted_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned expected;
    } cases[] = {
        {"a:1", 1},           {"a:1\nb:1", 1},         {"a:1\na:2\nb:1", 2},
        {"b:1\nA:1\na:2", 2}, {"aa:1\na:1\na:2\n", 2}, {"[::1]:1\n[::1]:2\n[::2]:1", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_addresses found = {.items = NULL};
        nd_message message;
        assert_int_equal(parse(cases[i].text, &found, &message), ND_OK);
        assert_int_equal(nd_addresses_most_on_a_host(&found), cases[i].expected);
        nd_addresses_deinit(&found);
    }
    nd_addresses local = {.items = NULL};
    assert_int_equal(nd_addresses_most_on_a_host(&local), 0);
    assert_int_equal(nd_addresses_in_directory(&local, "/d", 3), ND_OK);
    assert_string_equal(local.items[2], "ipc:///d/2");
    assert_int_equal(nd_addresses_most_on_a_host(&local), 3);
    nd_addresses_deinit(&local);
}

/* --- Files --- */

static void write_file(const char *path, const char *text, size_t times)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < times; i++)
        assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_and_a_missing_one_is_bad_input(void **state)
{
    (void)state;
    nd_message message = {""};
    nd_addresses found = {.items = NULL};
    write_file("a_hosts_file", "a:1\nb:2\n", 1);
    assert_int_equal(nd_hosts_read("a_hosts_file", &found, &message), ND_OK);
    assert_int_equal(found.n, 2);
    write_file("a_hosts_file", "c:3\n", 1);
    assert_int_equal(nd_hosts_read("a_hosts_file", &found, &message), ND_OK);
    assert_int_equal(found.n, 1);
    assert_int_equal(unlink("a_hosts_file"), 0);
    assert_int_equal(nd_hosts_read("a_hosts_file", &found, &message), ND_INPUT);
    assert_memory_equal(message.text, "a_hosts_file: ", 14);
    assert_int_equal(found.n, 1);
    nd_addresses_deinit(&found);
}

static void an_endless_file_is_not_read_to_its_end(void **state)
{
    (void)state;
    nd_message message = {""};
    nd_addresses found = {.items = NULL};
    write_file("long_hosts", "# nothing but comments, again and again, until it is enough\n",
               10000);
    assert_int_equal(nd_hosts_read("long_hosts", &found, &message), ND_INPUT);
    assert_string_equal(message.text, "long_hosts: is too long for a hosts file");
    assert_int_equal(nd_hosts_read("/dev/zero", &found, &message), ND_INPUT);
    assert_int_equal(unlink("long_hosts"), 0);
}

static nd_err attempt(void *arg)
{
    nd_addresses found = {.items = NULL};
    nd_message message = {""};
    const nd_err err = nd_hosts_read(arg, &found, &message);
    assert_true(err == ND_OK || message.text[0] != '\0');
    nd_addresses_deinit(&found);
    return err;
}

static void memory_and_files_that_fail_are_told(void **state)
{
    (void)state;
    char path[] = "some_hosts";
    write_file(path, "a:1\nb:2\nc:3\n", 1);
    assert_in_range(failing_memory_sweep(attempt, path), 5, 50);
    for (size_t allowed = 0;; allowed++) {
        failing_files files;
        failing_files_start(&files, allowed, EIO);
        const nd_err err = attempt(path);
        if (!failing_files_stop(&files)) {
            assert_int_equal(err, ND_OK);
            break;
        }
        assert_true(err == ND_INPUT || err == ND_OK); /* a close that fails is of no interest */
    }
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_a_process),
        cmocka_unit_test(what_is_no_host_and_port_is_refused_with_its_line),
        cmocka_unit_test(a_null_byte_is_part_of_no_name),
        cmocka_unit_test(as_many_as_there_may_be_are_taken_and_no_more),
        cmocka_unit_test(the_most_on_a_host_are_counted_by_name),
        cmocka_unit_test(a_file_is_read_and_a_missing_one_is_bad_input),
        cmocka_unit_test(an_endless_file_is_not_read_to_its_end),
        cmocka_unit_test(memory_and_files_that_fail_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

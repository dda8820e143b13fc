/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers: plain, gzip and zstd, from files, pipes and memory, in pieces of any size; truncated at
 * every byte, every bit flipped; failing files and failing memory. The oracle is the text that was
 * compressed.
 */
#include <nereid/io.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include <nereid/memory.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_files.h"
#include "tests/support/failing_memory.h"

typedef struct bytes {
    unsigned char *data;
    size_t size;
} bytes;

static const char path[] = "file";

/* A text that compresses, but not to nothing. */
static bytes make_text(size_t size, uint64_t seed)
{
    bytes text = {nd_alloc(size, 1), size};
    nd_random random;
    nd_random_init(&random, seed);
    for (size_t i = 0; i < size; i++)
        text.data[i] = (unsigned char)("0123456789 \n"[nd_random_below(&random, 12)]);
    return text;
}

static bytes compress_gzip(bytes text)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&stream, text.size);
    bytes out = {nd_alloc(bound, 1), 0};
    stream.next_in = text.data;
    stream.avail_in = (uInt)text.size;
    stream.next_out = out.data;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* With a checksum, so that every flipped bit of the contents is found. */
static bytes compress_zstd(bytes text)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const size_t bound = ZSTD_compressBound(text.size);
    bytes out = {nd_alloc(bound, 1), 0};
    out.size = ZSTD_compress2(context, out.data, bound, text.data, text.size);
    assert_false(ZSTD_isError(out.size));
    ZSTD_freeCCtx(context);
    return out;
}

static bytes copy_plain(bytes text)
{
    bytes out = {nd_alloc(text.size, 1), text.size};
    if (text.size != 0)
        memcpy(out.data, text.data, text.size);
    return out;
}

typedef bytes (*compressor)(bytes text);
static const compressor compressors[] = {copy_plain, compress_gzip, compress_zstd};
enum { N_COMPRESSORS = 3 };

/* A text, what a compressor makes of it, and room to read it back. */
typedef struct sample {
    bytes text, content, out;
} sample;

enum { ROOM = 10000 };

static sample make_sample(compressor compress, size_t size)
{
    const bytes text = make_text(size, 1);
    return (sample){text, compress(text), {nd_alloc(ROOM, 1), 0}};
}

static void free_sample(sample *made)
{
    nd_free(made->text.data);
    nd_free(made->content.data);
    nd_free(made->out.data);
}

/* The concatenation; frees both. */
static bytes append(bytes first, bytes second)
{
    bytes both = {nd_realloc(first.data, first.size + second.size, 1), first.size + second.size};
    memcpy(both.data + first.size, second.data, second.size);
    nd_free(second.data);
    return both;
}

static bytes literal(const char *text, size_t size)
{
    bytes out = {nd_alloc(size, 1), size};
    memcpy(out.data, text, size);
    return out;
}

static void write_file(bytes content)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.data, content.size), content.size);
    close(fd);
}

/* Reads to the end in pieces of at most `piece` bytes into `out` (capacity `size`); stops at a
 * failure, and returns it. */
static nd_err read_all(nd_reader *reader, size_t piece, bytes *out, size_t size,
                       nd_message *message)
{
    size_t got;
    out->size = 0;
    do {
        const size_t room = size - out->size;
        ND_TRY(nd_reader_read(reader, out->data + out->size, room < piece ? room : piece, &got,
                              message));
        out->size += got;
    } while (got != 0 && out->size < size);
    return ND_OK;
}

static void assert_reads_as(nd_reader *reader, size_t piece, bytes expected)
{
    bytes out = {nd_alloc(expected.size + 100, 1), 0};
    nd_message message = {""};
    const nd_err err = read_all(reader, piece, &out, expected.size + 100, &message);
    assert_string_equal(message.text, "");
    assert_int_equal(err, ND_OK);
    assert_int_equal(out.size, expected.size);
    assert_memory_equal(out.data, expected.data, expected.size);
    nd_free(out.data);
}

/* From memory and from a file, in small, odd and large pieces. */
static void assert_content_reads_as(bytes content, bytes expected)
{
    static const size_t pieces[] = {1, 977, 1 << 16, SIZE_MAX};
    write_file(content);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        nd_reader *reader;
        assert_int_equal(nd_reader_open_memory("memory", content.data, content.size, &reader, NULL),
                         ND_OK);
        assert_reads_as(reader, pieces[i], expected);
        nd_reader_close(reader);
        assert_int_equal(nd_reader_open(path, &reader, NULL), ND_OK);
        assert_string_equal(nd_reader_name(reader), path);
        assert_reads_as(reader, pieces[i], expected);
        nd_reader_close(reader);
    }
}

static void every_format_and_size_reads_as_its_text(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 100, 65536, 300001};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bytes text = make_text(sizes[i], i);
        for (size_t j = 0; j < N_COMPRESSORS; j++) {
            bytes content = compressors[j](text);
            assert_content_reads_as(content, text);
            nd_free(content.data);
        }
        nd_free(text.data);
    }
}

/* Larger than the buffers within, and so repetitive that a few bytes of input become megabytes. */
static void input_and_output_may_exceed_the_buffers(void **state)
{
    (void)state;
    bytes varied = make_text((size_t)5 << 20, 1);
    bytes repeated = {nd_alloc((size_t)5 << 20, 1), (size_t)5 << 20};
    memset(repeated.data, 'x', repeated.size);
    for (size_t j = 0; j < N_COMPRESSORS; j++) {
        bytes contents[] = {compressors[j](varied), compressors[j](repeated)};
        for (size_t k = 0; k < 2; k++) {
            nd_reader *reader;
            write_file(contents[k]);
            assert_int_equal(nd_reader_open(path, &reader, NULL), ND_OK);
            assert_reads_as(reader, 100003, k == 0 ? varied : repeated);
            nd_reader_close(reader);
            nd_free(contents[k].data);
        }
    }
    nd_free(varied.data);
    nd_free(repeated.data);
}

static void members_and_frames_follow_each_other(void **state)
{
    (void)state;
    bytes first = make_text(5000, 1), none = make_text(0, 2), last = make_text(70000, 3);
    bytes text = append(copy_plain(first), copy_plain(last));
    for (size_t j = 1; j < N_COMPRESSORS; j++) {
        bytes content =
            append(append(compressors[j](first), compressors[j](none)), compressors[j](last));
        assert_content_reads_as(content, text);
        nd_free(content.data);
    }
    nd_free(first.data);
    nd_free(none.data);
    nd_free(last.data);
    nd_free(text.data);
}

static void zeros_behind_gzip_are_passed_over(void **state)
{
    (void)state;
    bytes text = make_text(5000, 1);
    bytes zeros = {nd_alloc_zero(3 << 20, 1), 3 << 20};
    bytes content = append(append(compress_gzip(text), zeros), compress_gzip(text));
    content = append(content, literal("\0\0", 2));
    bytes twice = append(copy_plain(text), copy_plain(text));
    assert_content_reads_as(content, twice);
    nd_free(content.data);
    nd_free(twice.data);
    nd_free(text.data);
}

static void skippable_zstd_frame_may_come_first(void **state)
{
    (void)state;
    bytes text = make_text(5000, 1);
    bytes content = append(literal("\x5a\x2a\x4d\x18\x03\0\0\0abc", 11), compress_zstd(text));
    assert_content_reads_as(content, text);
    nd_free(content.data);
    nd_free(text.data);
}

/* What `content` does: ND_OK with all of its text in `*out`, or a failure with a message, that
 * comes back when asked again. */
static nd_err read_memory(bytes content, bytes *out)
{
    nd_reader *reader;
    nd_message message = {""}, again = {""};
    assert_int_equal(nd_reader_open_memory("name", content.data, content.size, &reader, NULL),
                     ND_OK);
    const nd_err err = read_all(reader, SIZE_MAX, out, ROOM, &message);
    if (err != ND_OK) {
        size_t got = 12345;
        assert_int_equal(err, ND_INPUT);
        assert_memory_equal(message.text, "name: ", 6);
        assert_int_equal(nd_reader_read(reader, out->data, 1, &got, &again), ND_INPUT);
        assert_string_equal(again.text, message.text);
        assert_int_equal(got, 12345);
    }
    nd_reader_close(reader);
    return err;
}

static void truncation_anywhere_is_told(void **state)
{
    (void)state;
    for (size_t j = 1; j < N_COMPRESSORS; j++) {
        const size_t magic_size = compressors[j] == compress_gzip ? 2 : 4;
        sample made = make_sample(compressors[j], 3000);
        const bytes whole = made.content;
        for (size_t size = magic_size; size < whole.size; size++) {
            /* A copy of just that size, so that reading past it is noticed. */
            bytes content = literal((const char *)whole.data, size);
            assert_int_equal(read_memory(content, &made.out), ND_INPUT);
            nd_free(content.data);
        }
        /* Too short to be recognised, the first bytes are themselves. */
        bytes begin = {whole.data, magic_size - 1};
        assert_int_equal(read_memory(begin, &made.out), ND_OK);
        assert_int_equal(made.out.size, begin.size);
        free_sample(&made);
    }
}

static void flipped_bits_never_give_another_text(void **state)
{
    (void)state;
    for (size_t j = 1; j < N_COMPRESSORS; j++) {
        sample made = make_sample(compressors[j], 400);
        const bytes content = made.content;
        size_t n_refused = 0;
        for (size_t bit = 32; bit < content.size * 8; bit++) { /* past the magic number */
            content.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (read_memory(content, &made.out) != ND_OK)
                n_refused++;
            else if (made.out.size != 0) /* a zstd header may turn into one of a frame to skip */
                assert_memory_equal(made.out.data, made.text.data, made.text.size);
            content.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_true(n_refused > (content.size - 20) * 8);
        free_sample(&made);
    }
}

static void garbage_behind_compressed_data_is_told(void **state)
{
    (void)state;
    for (size_t j = 1; j < N_COMPRESSORS; j++) {
        sample made = make_sample(compressors[j], 400);
        made.content = append(made.content, literal("garbage!", 8));
        assert_int_equal(read_memory(made.content, &made.out), ND_INPUT);
        assert_int_equal(made.out.size, made.text.size);
        free_sample(&made);
    }
}

static void window_that_asks_for_gigabytes_is_refused(void **state)
{
    (void)state;
    /* A frame header with a window descriptor of 2^31 bytes, and the beginning of a block. */
    static const char content[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    nd_reader *reader;
    nd_message message;
    char buffer[10];
    size_t got;
    assert_int_equal(nd_reader_open_memory("big", content, sizeof content - 1, &reader, NULL),
                     ND_OK);
    assert_int_equal(nd_reader_read(reader, buffer, sizeof buffer, &got, &message), ND_INPUT);
    assert_non_null(strstr(message.text, "big: zstd data with a window above 128 MiB"));
    nd_reader_close(reader);
}

static void missing_file_and_directory_are_bad_input_by_name(void **state)
{
    (void)state;
    nd_reader *reader = NULL;
    nd_message message;
    size_t got;
    char byte;
    assert_int_equal(nd_reader_open("no/such/file", &reader, &message), ND_INPUT);
    assert_string_equal(message.text, "no/such/file: No such file or directory");
    assert_null(reader);
    assert_int_equal(nd_reader_open(".", &reader, NULL), ND_OK);
    assert_int_equal(nd_reader_read(reader, &byte, 1, &got, &message), ND_INPUT);
    assert_string_equal(message.text, ".: Is a directory");
    nd_reader_close(reader);
    nd_reader_close(NULL);
}

/* A reader over a pipe in the place of standard input; what is written to `*writing` comes out of
 * it. */
static nd_reader *open_standard_input(int *saved, int *writing)
{
    int ends[2];
    nd_reader *reader;
    assert_int_equal(pipe(ends), 0);
    *saved = dup(STDIN_FILENO);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    *writing = ends[1];
    assert_int_equal(nd_reader_open("-", &reader, NULL), ND_OK);
    assert_string_equal(nd_reader_name(reader), "standard input");
    return reader;
}

static void restore_standard_input(int saved)
{
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* closing a reader has left it open */
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void line_in_a_pipe_is_seen_before_the_next_is_written(void **state)
{
    (void)state;
    static const char *const lines[] = {"1", "\n", "P\n", "\x1f", "\n", "a longer line\n"};
    int saved, writing;
    char buffer[100];
    nd_reader *reader = open_standard_input(&saved, &writing);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t got;
        assert_int_equal(write(writing, lines[i], strlen(lines[i])), strlen(lines[i]));
        assert_int_equal(nd_reader_read(reader, buffer, sizeof buffer, &got, NULL), ND_OK);
        assert_int_equal(got, strlen(lines[i]));
        assert_memory_equal(buffer, lines[i], got);
    }
    close(writing);
    assert_reads_as(reader, 10, (bytes){NULL, 0});
    nd_reader_close(reader);
    restore_standard_input(saved);
}

static void magic_number_may_arrive_byte_by_byte(void **state)
{
    (void)state;
    for (size_t j = 0; j < N_COMPRESSORS; j++) {
        int saved, writing;
        sample made = make_sample(compressors[j], 500);
        nd_reader *reader = open_standard_input(&saved, &writing);
        assert_int_equal(write(writing, made.content.data, made.content.size), made.content.size);
        close(writing);
        failing_files files;
        failing_files_start(&files, SIZE_MAX, 0);
        files.largest = 1;
        files.is_interrupting = true;
        assert_reads_as(reader, 100, made.text);
        assert_false(failing_files_stop(&files));
        nd_reader_close(reader);
        restore_standard_input(saved);
        free_sample(&made);
    }
}

/* Opens the file, reads it whole, and closes. */
static nd_err read_file(void *arg)
{
    bytes *out = arg;
    nd_reader *reader;
    nd_message message = {""};
    nd_err err = nd_reader_open(path, &reader, &message);
    if (err == ND_OK) {
        err = read_all(reader, 1000, out, ROOM, &message);
        nd_reader_close(reader);
    }
    if (err != ND_OK)
        assert_memory_equal(message.text, "file: ", 6);
    return err;
}

static void every_failing_operation_is_told_and_nothing_stays_open(void **state)
{
    (void)state;
    for (size_t j = 0; j < N_COMPRESSORS; j++) {
        sample made = make_sample(compressors[j], 3000);
        write_file(made.content);
        bool was_refused = true;
        for (size_t allowed = 0; was_refused; allowed++) {
            failing_files files;
            failing_files_start(&files, allowed, EIO);
            files.largest = 700;
            const nd_err err = read_file(&made.out);
            was_refused = failing_files_stop(&files);
            /* The close is the last operation, and no longer matters. */
            const bool is_close = was_refused && files.n_operations == allowed + 1 && err == ND_OK;
            assert_int_equal(err, was_refused && !is_close ? ND_INPUT : ND_OK);
        }
        free_sample(&made);
    }
}

static void every_failing_allocation_is_told_and_nothing_leaks(void **state)
{
    (void)state;
    for (size_t j = 0; j < N_COMPRESSORS; j++) {
        sample made = make_sample(compressors[j], 3000);
        write_file(made.content);
        assert_true(failing_memory_sweep(read_file, &made.out) >= 2);
        free_sample(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_and_size_reads_as_its_text),
        cmocka_unit_test(input_and_output_may_exceed_the_buffers),
        cmocka_unit_test(members_and_frames_follow_each_other),
        cmocka_unit_test(zeros_behind_gzip_are_passed_over),
        cmocka_unit_test(skippable_zstd_frame_may_come_first),
        cmocka_unit_test(truncation_anywhere_is_told),
        cmocka_unit_test(flipped_bits_never_give_another_text),
        cmocka_unit_test(garbage_behind_compressed_data_is_told),
        cmocka_unit_test(window_that_asks_for_gigabytes_is_refused),
        cmocka_unit_test(missing_file_and_directory_are_bad_input_by_name),
        cmocka_unit_test(line_in_a_pipe_is_seen_before_the_next_is_written),
        cmocka_unit_test(magic_number_may_arrive_byte_by_byte),
        cmocka_unit_test(every_failing_operation_is_told_and_nothing_stays_open),
        cmocka_unit_test(every_failing_allocation_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What the OCR handler reads by itself: page ranges, headers of pictures, references. */
#include "consumers/common/clock.h"
#include "consumers/handlers/common/child.h"
#include "consumers/handlers/common/source.h"
#include "consumers/handlers/ocr/page_range.h"
#include "consumers/handlers/ocr/picture.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <unistd.h>

/* The pages of a document of nine, as digits; the code of the fault if there is one. */
static const char *pages(const char *range)
{
	static char digits[32];
	struct page_list list = { 0 };
	struct fault fault = { 0 };
	if (page_range_read(range, 9, 5, &fault, &list) != 0) {
		(void)snprintf(digits, sizeof(digits), "%s", fault.code);
		fault_finish(&fault);
		return digits;
	}
	size_t n_digits = 0;
	for (; n_digits < list.n_pages; n_digits++) {
		digits[n_digits] = (char)('0' + list.numbers[n_digits]);
	}
	digits[n_digits] = '\0';
	page_list_finish(&list);
	return digits;
}

static void page_ranges_are_read(void)
{
	CHECK_TEXT(pages("1-3,5"), "1235");
	CHECK_TEXT(pages(" 9 , 2 - 3 "), "239");
	CHECK_TEXT(pages("7-"), "789");
	CHECK_TEXT(pages("3,3,2-3"), "23");
	CHECK_TEXT(pages(NULL), "TOO_MANY_PAGES");
}

static void odd_page_ranges_are_refused(void)
{
	static const char *const odd[] = { "", ",", "1,", "0", "-3", "3-1", "1-2-3", "x", "1x",
		"10", "8-10", "10-", "99999999999999999999", "1;2", "1.5" };
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		CHECK_TEXT(pages(odd[i]), "PAGE_RANGE_INVALID");
	}
}

static int file_of(const void *bytes, size_t size)
{
	char path[] = "/tmp/consumer-picture-XXXXXX";
	int fd = mkstemp(path);
	CHECK_INT(write(fd, bytes, size), (long)size);
	CHECK_INT(unlink(path), 0);
	return fd;
}

/* A header of which the first `least` bytes are needed. */
static void check_cuts(const char *bytes, size_t size, size_t least, enum document_kind kind)
{
	for (size_t cut = 8; cut <= size; cut++) {
		struct picture_size found;
		int fd = file_of(bytes, cut);
		CHECK_INT(picture_kind(fd), kind);
		CHECK_INT(picture_size(fd, kind, 1, &found), cut >= least);
		close(fd);
	}
}

static void cut_headers_have_no_size(void)
{
	check_cuts("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\2\10\0", 26, 24, DOCUMENT_PNG);
	check_cuts("\xff\xd8\xff\xe0\0\4xx\xff\xff\xff\xc2\0\x11\10\0\x10\0\x20\3", 20, 19,
	        DOCUMENT_JPEG);
}

static void sizes_are_read_from_headers(void)
{
	struct picture_size size = { 0 };
	int fd = file_of("\xff\xd8\xff\xe0\0\4xx\xff\xff\xff\xc2\0\x11\10\0\x10\0\x20\3\0\0\0", 22);
	CHECK(picture_size(fd, DOCUMENT_JPEG, 1, &size));
	CHECK_INT(size.width, 32);
	CHECK_INT(size.height, 16);
	CHECK(!picture_size(fd, DOCUMENT_JPEG, 2, &size));
	close(fd);
	fd = file_of(
	        "MM\0*\0\0\0\10\0\2\1\0\0\3\0\0\0\1\0\7\0\0\1\1\0\4\0\0\0\1\0\0\0\5\0\0\0\0", 38);
	CHECK_INT(picture_kind(fd), DOCUMENT_TIFF);
	CHECK_INT(picture_count_tiff(fd, 10), 1);
	CHECK(picture_size(fd, DOCUMENT_TIFF, 1, &size));
	CHECK_INT(size.width, 7);
	CHECK_INT(size.height, 5);
	CHECK(!picture_size(fd, DOCUMENT_TIFF, 2, &size));
	close(fd);
}

static void tiff_that_leads_back_to_itself_ends(void)
{
	int fd = file_of("II*\0\10\0\0\0\1\0\0\1\3\0\1\0\0\0\7\0\0\0\10\0\0\0", 26);
	CHECK_INT(picture_count_tiff(fd, 50), 50);
	close(fd);
}

static void paths_and_uris_are_turned_into_each_other(void)
{
	static const char *const refused[] = { "in", "", "file://", "file://host/x", "file:///%zz",
		"file:///a%00b", "file:///%4" };
	char *path = source_path("file:///a%20b/%C3%A9?");
	char *uri = source_uri("/a b/\xc3\xa9?");
	CHECK_TEXT(path, "/a b/\xc3\xa9?");
	CHECK_TEXT(uri, "file:///a%20b/%C3%A9%3F");
	free(path);
	free(uri);
	path = source_path("file://localhost/x");
	CHECK_TEXT(path, "/x");
	free(path);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CHECK(source_path(refused[i]) == NULL);
	}
}

static void urls_are_shown_without_secrets(void)
{
	struct source source;
	struct fault fault = { 0 };
	json_t *reference = json_string("https://me:pw@h.example:8/a@b?sig=x/y@z#f");
	CHECK_INT(source_resolve(reference, "input_ref", &fault, &source), 0);
	CHECK_TEXT(source.shown, "https://h.example:8/a@b");
	source_finish(&source);
	json_decref(reference);
}

static struct child_end run_child(const char *script, struct child_limits limits)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct child_end end;
	if (limits.deadline_ms == 0) {
		limits.deadline_ms = clock_now_ms() + 20000;
	}
	child_run(argv, &limits, &end);
	return end;
}

static void children_are_followed_to_their_ends(void)
{
	struct child_limits limits = { .file_bytes = 1000, .output_size = 100 };
	struct child_end end = run_child("echo out; echo 'err\nlast' >&2; exit 3", limits);
	CHECK_INT(end.outcome, CHILD_EXITED);
	CHECK_INT(end.value, 3);
	CHECK_TEXT(end.output, "out\n");
	CHECK_TEXT(end.complaint, "last");
	child_end_finish(&end);
	end = run_child("kill -9 $$", limits);
	CHECK_INT(end.outcome, CHILD_SIGNALLED);
	CHECK_INT(end.value, 9);
	child_end_finish(&end);
}

static void children_are_kept_within_their_limits(void)
{
	struct child_limits limits = { .file_bytes = 1000, .output_size = 100 };
	struct child_end end = run_child("yes", limits);
	CHECK_INT(end.outcome, CHILD_OUTPUT_TOO_LARGE);
	CHECK(end.output_size <= 100);
	child_end_finish(&end);
	limits.deadline_ms = clock_now_ms() + 50;
	end = run_child("exec sleep 60", limits);
	CHECK_INT(end.outcome, CHILD_TIMED_OUT);
	child_end_finish(&end);
	limits.deadline_ms = 0;
	end = run_child("ulimit -f; ulimit -c", limits);
	CHECK_TEXT(end.output, "1\n0\n");
	child_end_finish(&end);
	/* What a child leaves running behind it is not waited for. */
	end = run_child("sleep 5 & echo done", limits);
	CHECK_INT(end.outcome, CHILD_EXITED);
	CHECK_TEXT(end.output, "done\n");
	child_end_finish(&end);
}

static void program_that_is_not_there_is_no_child(void)
{
	const char *const argv[] = { "/no/such/program", NULL };
	struct child_limits limits = { .deadline_ms = clock_now_ms() + 1000 };
	struct child_end end;
	child_run(argv, &limits, &end);
	CHECK_INT(end.outcome, CHILD_NOT_STARTED);
	CHECK_INT(end.value, 2);
	child_end_finish(&end);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(page_ranges_are_read),
		SUITE_TEST(odd_page_ranges_are_refused),
		SUITE_TEST(cut_headers_have_no_size),
		SUITE_TEST(sizes_are_read_from_headers),
		SUITE_TEST(tiff_that_leads_back_to_itself_ends),
		SUITE_TEST(paths_and_uris_are_turned_into_each_other),
		SUITE_TEST(urls_are_shown_without_secrets),
		SUITE_TEST(children_are_followed_to_their_ends),
		SUITE_TEST(children_are_kept_within_their_limits),
		SUITE_TEST(program_that_is_not_there_is_no_child),
	};
	return suite_run("document", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

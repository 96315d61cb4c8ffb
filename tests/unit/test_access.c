/* SPDX-License-Identifier: MIT */
/* The tokens file: who may do what, and what is said about a bad one. */
#include <stdlib.h>
#include <unistd.h>

#include "core/access.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static struct access_list *load(const char *text, char *error, size_t error_size)
{
	char path[] = "/tmp/lucius-access-XXXXXX";
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	struct access_list *list = access_load(path, error, error_size);
	unlink(path);
	return list;
}

static void token_may_act_for_its_tenants_only(void)
{
	char error[256] = "";
	struct access_list *list = load("# comment\n\nabc t1,t2\n  def  *\n", error, sizeof(error));
	CHECK_TEXT(error, "");
	const struct access_entry *abc = access_find(list, "Bearer abc");
	const struct access_entry *def = access_find(list, "bearer  def");
	CHECK(abc != NULL && def != NULL);
	CHECK(access_may(abc, "t1") && access_may(abc, "t2"));
	CHECK(!access_may(abc, "t") && !access_may(abc, "t1,t2") && !access_may(abc, "*"));
	CHECK(access_may(def, "anybody"));
	access_destroy(list);
}

static void other_tokens_and_schemes_are_not_found(void)
{
	char error[256];
	struct access_list *list = load("abc t1\n", error, sizeof(error));
	CHECK(access_find(list, NULL) == NULL);
	CHECK(access_find(list, "abc") == NULL);
	CHECK(access_find(list, "Basic abc") == NULL);
	CHECK(access_find(list, "Bearer ab") == NULL);
	CHECK(access_find(list, "Bearer abcd") == NULL);
	access_destroy(list);
}

static void bad_line_is_named_without_its_token(void)
{
	char error[256] = "";
	CHECK(load("good t1\nsecret-token\n", error, sizeof(error)) == NULL);
	CHECK(strstr(error, ":2:") != NULL);
	CHECK(strstr(error, "secret-token") == NULL);
}

static void line_may_end_with_the_file_and_must_have_an_end(void)
{
	char error[256] = "";
	static char text[5000];
	struct access_list *list = load("abc t1,x,t3", error, sizeof(error));
	const struct access_entry *abc = access_find(list, "Bearer abc");
	CHECK(access_may(abc, "t3") && access_may(abc, "x"));
	CHECK(!access_may(abc, "t2") && !access_may(abc, "y") && !access_may(abc, ""));
	access_destroy(list);
	CHECK(load("secret-token \t \n", error, sizeof(error)) == NULL);
	CHECK(strstr(error, ":1:") != NULL);
	memset(text, 'a', sizeof(text) - 1);
	CHECK(load(text, error, sizeof(error)) == NULL);
	access_destroy(NULL);
}

static void file_of_too_many_lines_is_refused(void)
{
	enum { N = 10001 };
	static char text[N * 2 + 1];
	char error[256] = "";
	memset(text, '\n', 2 * N);
	text[2 * (N - 1)] = '\0';
	CHECK(load(text + 1, error, sizeof(error)) == NULL);
	text[10000] = '\0';
	struct access_list *list = load(text, error, sizeof(error));
	CHECK(list != NULL);
	access_destroy(list);
}

static void missing_file_is_named(void)
{
	char error[256] = "";
	CHECK(access_load("/nonexistent/tokens", error, sizeof(error)) == NULL);
	CHECK(strstr(error, "/nonexistent/tokens") != NULL);
}

static const struct suite_test tests[] = {
	SUITE_TEST(token_may_act_for_its_tenants_only),
	SUITE_TEST(other_tokens_and_schemes_are_not_found),
	SUITE_TEST(bad_line_is_named_without_its_token),
	SUITE_TEST(line_may_end_with_the_file_and_must_have_an_end),
	SUITE_TEST(file_of_too_many_lines_is_refused),
	SUITE_TEST(missing_file_is_named),
};

int main(int argc, char **argv)
{
	return suite_run("access", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

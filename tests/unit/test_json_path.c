/* SPDX-License-Identifier: MIT */
/* JSON pointers: printed from a walk, and followed (RFC 6901). */
#include "core/json_path.h"

#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void walk_is_printed_with_its_names_escaped(void)
{
	const struct json_path top = { NULL, "a/b~c", 0 };
	const struct json_path element = { &top, NULL, 12 };
	const struct json_path empty = { &element, "", 0 };
	char *whole CLEANUP_FREE = json_path_print(&empty, "/prefix");
	CHECK_TEXT(whole, "/prefix/a~1b~0c/12/");
	char *nothing CLEANUP_FREE = json_path_print(NULL, "");
	CHECK_TEXT(nothing, "");
}

static void pointer_finds_what_it_names_and_nothing_else(void)
{
	static const struct {
		const char *pointer;
		const char *found; /* NULL: nothing */
	} cases[] = {
		{ "/a/0", "first" },
		{ "/a/1/b", "deep" },
		{ "/~1~0", "escaped" },
		{ "/", "empty" },
		{ "/a/10", "eleventh" },
		{ "/a/2", NULL },
		{ "/a/00", NULL },
		{ "/a/", NULL },
		{ "/a/-", NULL },
		{ "/a/x", NULL },
		{ "/a/99999999999999999999999", NULL },
		{ "/~", NULL },
		{ "/~2", NULL },
		{ "/missing/b", NULL },
		{ "/a/0/b", NULL },
		{ "a", NULL },
	};
	json_t *document =
	        json_loads("{\"a\":[\"first\",{\"b\":\"deep\"},2,3,4,5,6,7,8,9,\"eleventh\"],"
	                   "\"/~\":\"escaped\",\"\":\"empty\"}",
	                0, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *found = json_string_value(json_path_find(document, cases[i].pointer));
		CHECK_TEXT(found, cases[i].found);
	}
	CHECK(json_path_find(document, "") == document);
	CHECK(json_path_find(NULL, "/a") == NULL);
	json_decref(document);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(walk_is_printed_with_its_names_escaped),
		SUITE_TEST(pointer_finds_what_it_names_and_nothing_else),
	};
	return suite_run("json_path", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* Cutting texts into chunks: where the cuts fall, and what holds for every text. */
#include "consumers/handlers/embedding/chunk.h"
#include "consumers/handlers/embedding/settings.h"
#include "tests/support/suite.h"

#include <stdlib.h>

/* The chunks of a text, one behind the other with `|` between. */
static const char *cut(const char *text, struct chunking chunking)
{
	static char joined[4096];
	struct chunk_list list = { 0 };
	size_t size = 0;
	if (!chunk_text(text, strlen(text), &chunking, 1000, &list)) {
		return "too many";
	}
	joined[0] = '\0';
	for (size_t i = 0; i < list.n_chunks; i++) {
		const struct chunk *chunk = &list.chunks[i];
		int written = snprintf(joined + size, sizeof(joined) - size, "%s%.*s",
		        i > 0 ? "|" : "", (int)(chunk->end - chunk->begin), text + chunk->begin);
		size += (size_t)written;
	}
	chunk_list_finish(&list);
	return joined;
}

static void text_within_the_limit_is_one_chunk(void)
{
	CHECK_TEXT(cut("  one two three \n", (struct chunking){ CHUNK_FIXED, 10, 0 }),
	        "one two three");
	CHECK_TEXT(cut(" \n\f", (struct chunking){ CHUNK_FIXED, 10, 0 }), "");
	CHECK_TEXT(cut("a b c d", (struct chunking){ CHUNK_NONE, 1, 0 }), "a b c d");
}

static void words_are_kept_whole(void)
{
	/* "seven" counts two, "letters" two. */
	CHECK_TEXT(cut("one two seven letters", (struct chunking){ CHUNK_FIXED, 3, 0 }),
	        "one two|seven|letters");
	CHECK_TEXT(
	        cut("abcdefghijkl x", (struct chunking){ CHUNK_FIXED, 2, 0 }), "abcdefgh|ijkl x");
}

static void overlap_begins_with_a_word(void)
{
	CHECK_TEXT(cut("a b c d e f", (struct chunking){ CHUNK_FIXED, 3, 1 }), "a b c|c d e|e f");
	CHECK_TEXT(cut("a longword b c", (struct chunking){ CHUNK_FIXED, 3, 1 }), "a longword|b c");
}

static void sentences_are_kept_where_they_fit(void)
{
	CHECK_TEXT(cut("One. Two is so! (Three?) Four.", (struct chunking){ CHUNK_SENTENCE, 7, 0 }),
	        "One. Two is so!|(Three?) Four.");
	CHECK_TEXT(
	        cut("He said \"stop.\" Then 3.14 came.", (struct chunking){ CHUNK_SENTENCE, 7, 0 }),
	        "He said \"stop.\"|Then 3.14 came.");
	CHECK_TEXT(
	        cut("a b c d e f. g", (struct chunking){ CHUNK_SENTENCE, 3, 0 }), "a b c|d e|f. g");
}

static void paragraphs_are_kept_where_they_fit(void)
{
	CHECK_TEXT(cut("a b\nc\n\nd e\n \nf g h", (struct chunking){ CHUNK_PARAGRAPH, 4, 0 }),
	        "a b\nc|d e|f g h");
	CHECK_TEXT(cut("a\fb", (struct chunking){ CHUNK_PARAGRAPH, 1, 0 }), "a|b");
}

static void signs_without_blanks_may_be_cut_anywhere(void)
{
	CHECK_TEXT(cut("東京タワー。高い。", (struct chunking){ CHUNK_SENTENCE, 6, 0 }),
	        "東京タワー。|高い。");
}

static void characters_are_counted_beside_bytes(void)
{
	struct chunk_list list = { 0 };
	const char text[] = "äö üß";
	struct chunking chunking = { CHUNK_FIXED, 1, 0 };
	CHECK(chunk_text(text, strlen(text), &chunking, 10, &list));
	CHECK_INT(list.n_chunks, 2);
	CHECK_INT(list.chunks[1].begin, 5);
	CHECK_INT(list.chunks[1].begin_character, 3);
	CHECK_INT(list.chunks[1].end_character, 5);
	chunk_list_finish(&list);
}

static void too_many_chunks_are_refused(void)
{
	struct chunk_list list = { 0 };
	struct chunking chunking = { CHUNK_FIXED, 1, 0 };
	CHECK(!chunk_text("a b c", 5, &chunking, 2, &list));
	CHECK(list.chunks == NULL);
}

static bool is_blank_between(const char *text, size_t begin, size_t end)
{
	while (begin < end && (text[begin] == ' ' || text[begin] == '\n')) {
		begin++;
	}
	return begin >= end;
}

/* Every sign that is no blank lies in a chunk, each chunk brings something new. */
static void check_covers(const char *text, const struct chunking *chunking)
{
	struct chunk_list list = { 0 };
	size_t size = strlen(text);
	size_t covered = 0;
	CHECK(chunk_text(text, size, chunking, 100000, &list));
	for (size_t i = 0; i < list.n_chunks; i++) {
		const struct chunk *chunk = &list.chunks[i];
		CHECK(chunk->begin < chunk->end && chunk->end > covered && chunk->end <= size);
		CHECK(is_blank_between(text, covered, chunk->begin));
		covered = chunk->end;
	}
	CHECK(is_blank_between(text, covered, size));
	chunk_list_finish(&list);
}

static void no_text_is_lost_or_repeated_for_ever(void)
{
	static const char signs[] = "aaabc  .!\n\n\"xyz,";
	srand(1);
	for (int round = 0; round < 500; round++) {
		char text[200];
		size_t size = (size_t)rand() % (sizeof(text) - 1);
		for (size_t i = 0; i < size; i++) {
			text[i] = signs[(size_t)rand() % (sizeof(signs) - 1)];
		}
		text[size] = '\0';
		struct chunking chunking = { (enum chunk_strategy)(rand() % 4),
			1 + (size_t)rand() % 9, 0 };
		chunking.overlap_tokens = (size_t)rand() % chunking.max_tokens;
		check_covers(text, &chunking);
	}
}

static void check_url(const char *given, const char *wanted)
{
	char *url = settings_embeddings_url(given);
	CHECK_TEXT(url, wanted);
	free(url);
}

static void addresses_of_services_are_completed(void)
{
	check_url("http://h:1", "http://h:1/v1/embeddings");
	check_url("http://h:1/", "http://h:1/v1/embeddings");
	check_url("https://h/v1", "https://h/v1/embeddings");
	check_url("https://h/v1/", "https://h/v1/embeddings");
	check_url("https://h/x/embeddings?a=/b", "https://h/x/embeddings?a=/b");
	check_url("https://h/x?a=b#c", "https://h/x/embeddings?a=b#c");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(text_within_the_limit_is_one_chunk),
		SUITE_TEST(words_are_kept_whole),
		SUITE_TEST(overlap_begins_with_a_word),
		SUITE_TEST(sentences_are_kept_where_they_fit),
		SUITE_TEST(paragraphs_are_kept_where_they_fit),
		SUITE_TEST(signs_without_blanks_may_be_cut_anywhere),
		SUITE_TEST(characters_are_counted_beside_bytes),
		SUITE_TEST(too_many_chunks_are_refused),
		SUITE_TEST(no_text_is_lost_or_repeated_for_ever),
		SUITE_TEST(addresses_of_services_are_completed),
	};
	return suite_run("chunk", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

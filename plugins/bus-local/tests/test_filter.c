/* SPDX-License-Identifier: MIT */
/* Rules: SQL filters, correlation filters, and the shipped ones by kind of step. */
#include "plugins/bus-local/tests/world.h"

#include "plugins/bus-local/model/sql.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

CLEANUP_DEFINE(struct message *, message, message_drop)
CLEANUP_DEFINE(struct sql_filter *, filter, sql_destroy)
CLEANUP_DEFINE(struct rule *, rule, rule_destroy)

static void put_properties(struct amqp_buffer *buffer)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(buffer);
	amqp_put_string(buffer, amqp_text("id"));
	amqp_put_null(buffer);
	amqp_put_null(buffer);
	amqp_put_string(buffer, amqp_text("Order-1"));
	amqp_put_null(buffer);
	amqp_put_string(buffer, amqp_text("c"));
	amqp_put_symbol(buffer, amqp_text("application/json"));
	amqp_end(buffer, mark, 7);
}

/* color 'red', size 7, price 2.5, urgent true, nothing null, "odd name" 'it''s'; label Order-1,
 * correlation id c, content type application/json. */
static struct message *typed_message(void)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	const char *error = NULL;
	put_properties(&buffer);
	amqp_put_descriptor(&buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
	size_t mark = amqp_begin_map(&buffer);
	amqp_put_string(&buffer, amqp_text("color"));
	amqp_put_string(&buffer, amqp_text("red"));
	amqp_put_string(&buffer, amqp_text("size"));
	amqp_put_long(&buffer, 7);
	amqp_put_string(&buffer, amqp_text("price"));
	amqp_buffer_append(&buffer, "\x82\x40\x04\0\0\0\0\0\0", 9);
	amqp_put_string(&buffer, amqp_text("urgent"));
	amqp_put_boolean(&buffer, true);
	amqp_put_string(&buffer, amqp_text("nothing"));
	amqp_put_null(&buffer);
	amqp_put_string(&buffer, amqp_text("odd name"));
	amqp_put_string(&buffer, amqp_text("it's"));
	amqp_end(&buffer, mark, 12);
	amqp_put_data(&buffer, amqp_text("body"));
	struct message *message =
	        message_decode(amqp_buffer_bytes(&buffer), amqp_text("spare"), &error);
	CHECK(message != NULL);
	return message;
}

static bool matches(const struct message *message, const char *expression)
{
	char error[200] = "";
	struct view view;
	CLEANUP(cleanup_filter)
	struct sql_filter *filter = sql_create(amqp_text(expression), error, sizeof(error));
	if (filter == NULL) {
		fprintf(stderr, "%s: %s\n", expression, error);
		CHECK(filter != NULL);
		return false;
	}
	view_init(&view, message);
	return sql_matches(filter, &view);
}

static void check_all(const char *const *expressions, bool expected)
{
	CLEANUP(cleanup_message) struct message *message = typed_message();
	for (; *expressions != NULL; expressions++) {
		if (matches(message, *expressions) != expected) {
			fprintf(stderr, "should be %d: %s\n", expected, *expressions);
			CHECK(false);
		}
	}
}

static void true_expressions_match(void)
{
	static const char *const expressions[] = { "color = 'red'", "COLOR='red'",
		"color <> 'blue'", "color != 'blue'", "size = 7",
		"size < 8 AND size <= 7 AND size > 6 AND size >= 7", "size = 7.0", "price = 2.5",
		"price > 2", "price < size", "urgent = true", "urgent", "NOT urgent = FALSE",
		"color IN ('blue', 'red')", "size NOT IN (1, 2, 3)", "color LIKE 'r%'",
		"color LIKE '_ed'", "color LIKE '%e%'", "color NOT LIKE 'b%'", "missing IS NULL",
		"nothing IS NULL", "color IS NOT NULL", "EXISTS(color)", "EXISTS ( user.nothing )",
		"NOT EXISTS(missing)", "user.color = 'red'", "sys.Label = 'Order-1'",
		"sys.label like 'Order-%'", "sys.CorrelationId = 'c'", "sys.MessageId='id'",
		"sys.ContentType = 'application/json'", "sys.ReplyTo IS NULL", "EXISTS(sys.Label)",
		"[odd name] = 'it''s'", "\"odd name\" = 'it''s'", "color = 'blue' OR size = 7",
		"color = 'blue' AND size = 1 OR urgent", "color = 'red' AND (size = 1 OR size = 7)",
		"NOT (color = 'blue')", "missing = 1 OR size = 7", "size + 1 = 8",
		"size * 2 - 4 = 10", "size % 4 = 3", "size / 2 = 3", "-size = -7", "price * 2 = 5",
		"1=1", "true", "'a' < 'ab'", "color >= 'rec' AND color < 'ree'", NULL };
	check_all(expressions, true);
}

static void false_and_undecided_expressions_do_not_match(void)
{
	static const char *const expressions[] = { "color = 'Red'", "color = 'blue'", "size = 8",
		"missing = 'x'", "missing <> 'x'", "NOT missing = 'x'", "missing LIKE '%'",
		"missing IN ('x')", "missing NOT IN ('x')", "color = 7", "color <> 7",
		"nothing = null", "urgent = 'true'", "color IS NULL", "EXISTS(missing)",
		"missing = 1 AND size = 7", "NOT (missing = 1 OR size = 8)",
		"color IN ('blue', missing)", "color NOT IN ('blue', missing)", "size / 0 = 1",
		"size % 0 = 1", "'a'", "1", "color", "9223372036854775807 + size > 0",
		"color LIKE 'r'", "color LIKE 're_d'", "false", "1 = 2", "price > 'a'", NULL };
	check_all(expressions, false);
}

static void malformed_expressions_are_refused_with_a_sentence(void)
{
	static const char *const expressions[] = { "", "   ", "color =", "= 'red'", "color = 'red",
		"color == 'red'", "(color = 'red'", "color = 'red')", "color IN ()",
		"color IN ('a'", "color IN 'a'", "color LIKE", "color LIKE 'a' ESCAPE 'ab'", "NOT",
		"EXISTS color", "EXISTS('a')", "color NOT = 'a'", "sys.Unknown = 1",
		"sys.EnqueuedTimeUtc > 1", "newid() = 1", "@p = 1", "a b", "color = 'red' AND",
		"IS NULL", "color IS 'x'", "[color = 1", "1abc = 1", "99999999999999999999 = 1",
		"1e999 = 1", ";", "a.b = 1", "\x01", "color = 'red' color = 'red'", NULL };
	for (size_t i = 0; expressions[i] != NULL; i++) {
		char error[200] = "";
		CLEANUP(cleanup_filter)
		struct sql_filter *filter =
		        sql_create(amqp_text(expressions[i]), error, sizeof(error));
		if (filter != NULL) {
			fprintf(stderr, "was taken: %s\n", expressions[i]);
		}
		CHECK(filter == NULL);
		CHECK(error[0] != '\0');
	}
}

static void refuse(const char *text, size_t size)
{
	char error[200] = "";
	CLEANUP(cleanup_filter)
	struct sql_filter *filter = sql_create(amqp_bytes(text, size), error, sizeof(error));
	CHECK(filter == NULL);
	CHECK(error[0] != '\0');
}

static void nesting_size_and_parts_are_bounded(void)
{
	static char text[SQL_MAX_SIZE + 1];
	memset(text, '(', sizeof(text));
	refuse(text, SQL_MAX_SIZE);
	memset(text, '-', sizeof(text));
	refuse(text, SQL_MAX_SIZE);
	memset(text, 'a', sizeof(text));
	refuse(text, SQL_MAX_SIZE + 1);
	for (size_t i = 0; i + 1 < SQL_MAX_SIZE; i += 2) {
		memcpy(text + i, "a+", 2);
	}
	refuse(text, SQL_MAX_SIZE - 1);
	refuse("a\0b", 3);
}

static void like_takes_wildcards_and_escapes(void)
{
	static const struct {
		const char *text;
		const char *pattern;
		char escape;
		bool is_match;
	} cases[] = {
		{ "", "", 0, true },
		{ "", "%", 0, true },
		{ "abc", "%", 0, true },
		{ "abc", "a%c", 0, true },
		{ "abc", "a%d", 0, false },
		{ "aXbXc", "a%X%c", 0, true },
		{ "abc", "___", 0, true },
		{ "abc", "__", 0, false },
		{ "100%", "100\\%", '\\', true },
		{ "1000", "100\\%", '\\', false },
		{ "a_b", "a\\_b", '\\', true },
		{ "axb", "a\\_b", '\\', false },
		{ "gr\xc3\xbcn", "gr_n", 0, true },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%a%a%a%a%a%a%a%a%b", 0, false },
		{ "abcabc", "%abc", 0, true },
		{ "ab", "abc", 0, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_match = sql_like(
		        amqp_text(cases[i].text), amqp_text(cases[i].pattern), cases[i].escape);
		if (is_match != cases[i].is_match) {
			fprintf(stderr, "'%s' like '%s'\n", cases[i].text, cases[i].pattern);
		}
		CHECK_INT(is_match, cases[i].is_match);
	}
}

static bool rule_takes(const struct rule *rule, const struct message *message)
{
	struct view view;
	view_init(&view, message);
	return rule_matches(rule, &view);
}

static void correlation_rule_wants_all_its_parts(void)
{
	CLEANUP(cleanup_message) struct message *message = typed_message();
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_CORRELATION, NULL);
	struct operand label = { .type = OPERAND_TEXT, .text = amqp_text("Order-1") };
	struct operand seven = { .type = OPERAND_INTEGER, .integer = 7 };
	struct operand eight = { .type = OPERAND_INTEGER, .integer = 8 };
	rule_add_part(rule, NULL, AMQP_SUBJECT, label);
	rule_add_part(rule, "size", AMQP_SUBJECT, seven);
	CHECK(rule_takes(rule, message));
	rule_add_part(rule, "size", AMQP_SUBJECT, eight);
	CHECK(!rule_takes(rule, message));
}

static void correlation_rule_does_not_match_what_is_missing(void)
{
	CLEANUP(cleanup_message) struct message *message = typed_message();
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_CORRELATION, NULL);
	struct operand seven = { .type = OPERAND_INTEGER, .integer = 7 };
	rule_add_part(rule, "missing", AMQP_SUBJECT, seven);
	CHECK(!rule_takes(rule, message));
}

static bool step_rule_takes(const char *step_type, const struct sample *sample)
{
	CLEANUP(cleanup_message) struct message *message = world_message(sample);
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_STEP_TYPE, step_type);
	return rule_takes(rule, message);
}

static void step_rule_looks_at_property_then_at_body(void)
{
	struct sample by_property = {
		.id = "a", .key = "step_type", .text = "OCR", .body = "{\"step_type\": \"SIS\"}"
	};
	struct sample by_body = { .id = "a", .body = "{\"step_type\": \"OCR\"}" };
	struct sample broken = { .id = "a", .body = "{\"step_type\": \"OCR\"" };
	struct sample none = { .id = "a", .body = "[1]" };
	CHECK(step_rule_takes("OCR", &by_property));
	CHECK(!step_rule_takes("SIS", &by_property));
	CHECK(step_rule_takes("OCR", &by_body));
	CHECK(!step_rule_takes("SIS", &by_body));
	CHECK(!step_rule_takes("OCR", &broken));
	CHECK(!step_rule_takes("OCR", &none));
}

static void any_rule_of_a_subscription_is_enough(void)
{
	struct world world;
	struct sample ocr = { .id = "1", .key = "step_type", .text = "OCR" };
	struct sample sis = { .id = "2", .key = "step_type", .text = "SIS" };
	struct sample other = { .id = "3", .key = "step_type", .text = "EMBEDDING" };
	struct subscription_settings settings = world_subscription("s");
	world_init(&world);
	settings.rules = rule_create(RULE_STEP_TYPE, "OCR");
	settings.rules->next = rule_create(RULE_STEP_TYPE, "SIS");
	struct subscription *sub = world_add(&world, settings);
	CHECK_INT(world_publish(&world, &ocr, true), PUBLISH_OK);
	CHECK_INT(world_publish(&world, &sis, true), PUBLISH_OK);
	CHECK_INT(world_publish(&world, &other, true), PUBLISH_UNROUTABLE);
	CHECK_INT(sub->active.n_messages, 2);
	world_finish(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(true_expressions_match),
		SUITE_TEST(false_and_undecided_expressions_do_not_match),
		SUITE_TEST(malformed_expressions_are_refused_with_a_sentence),
		SUITE_TEST(nesting_size_and_parts_are_bounded),
		SUITE_TEST(like_takes_wildcards_and_escapes),
		SUITE_TEST(correlation_rule_wants_all_its_parts),
		SUITE_TEST(correlation_rule_does_not_match_what_is_missing),
		SUITE_TEST(step_rule_looks_at_property_then_at_body),
		SUITE_TEST(any_rule_of_a_subscription_is_enough),
	};
	return suite_run("bus-local filters", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

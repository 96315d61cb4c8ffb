/* SPDX-License-Identifier: MIT */
/* The exchange of both sides against each other and against the bytes of the SDKs. */
#include "support/amqp/sasl.h"

#include "tests/support/suite.h"

static const uint8_t sasl_header[] = "AMQP\x03\x01\x00";
static const uint8_t anonymous_init[] = "\x00\x00\x00\x1a\x02\x01\x00\x00\x00\x53\x41\xc0\x0d\x02"
                                        "\xa3\x09"
                                        "ANONYMOUS";

static bool check_key(void *user, struct amqp_bytes name, struct amqp_bytes password)
{
	(void)user;
	return amqp_bytes_is(name, "RootManageSharedAccessKey") && amqp_bytes_is(password, "key");
}

static struct amqp_bytes init_bytes(void)
{
	/* The frame is one byte longer than its text: the empty field at the end. */
	static uint8_t frame[sizeof(anonymous_init)];
	memcpy(frame, anonymous_init, sizeof(anonymous_init) - 1);
	frame[sizeof(anonymous_init) - 1] = 0x40;
	return amqp_bytes(frame, sizeof(frame));
}

static void server_answers_as_the_service_does(void)
{
	static const uint8_t expected_start[] = { 'A', 'M', 'Q', 'P', 3, 1, 0, 0, 0, 0, 0, 0x33, 2,
		1, 0, 0, 0, 0x53, 0x40 };
	/* .NET takes nothing but the second. */
	static const char names[] = "\x09"
	                            "ANONYMOUS"
	                            "\x07"
	                            "MSSBCBS"
	                            "\x05"
	                            "PLAIN"
	                            "\x08"
	                            "EXTERNAL";
	static const uint8_t outcome[] = { 0, 0, 0, 16, 2, 1, 0, 0, 0, 0x53, 0x44, 0xc0, 3, 1, 0x50,
		0 };
	struct amqp_sasl server = { .is_server = true };
	struct amqp_buffer out = { 0 };
	amqp_sasl_start(&server, &out);
	CHECK_INT(out.size, 0);
	CHECK_INT(amqp_sasl_take(&server, amqp_bytes(sasl_header, 8), &out), 8);
	CHECK_INT(out.size, 8 + 0x33);
	CHECK(memcmp(out.start, expected_start, sizeof(expected_start)) == 0);
	CHECK(memcmp(out.start + out.size - (sizeof(names) - 1), names, sizeof(names) - 1) == 0);
	amqp_buffer_clear(&out);
	struct amqp_bytes init = init_bytes();
	CHECK_INT(amqp_sasl_take(&server, init, &out), init.size);
	CHECK_INT(server.state, AMQP_SASL_DONE);
	CHECK(!server.is_authenticated);
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&out), amqp_bytes(outcome, sizeof(outcome))));
	amqp_buffer_finish(&out);
}

static void bytes_one_by_one_do_as_well(void)
{
	struct amqp_sasl server = { .is_server = true };
	struct amqp_buffer out = { 0 };
	struct amqp_buffer input = { 0 };
	amqp_sasl_start(&server, &out);
	amqp_buffer_append(&input, sasl_header, 8);
	amqp_buffer_append(&input, init_bytes().start, init_bytes().size);
	size_t start = 0;
	for (size_t end = 1; end <= input.size; end++) {
		start +=
		        amqp_sasl_take(&server, amqp_bytes(input.start + start, end - start), &out);
	}
	CHECK_INT(start, input.size);
	CHECK_INT(server.state, AMQP_SASL_DONE);
	amqp_buffer_finish(&out);
	amqp_buffer_finish(&input);
}

/* Lets both talk until neither has anything to say. */
static void talk(struct amqp_sasl *client, struct amqp_sasl *server)
{
	struct amqp_buffer to_server = { 0 };
	struct amqp_buffer to_client = { 0 };
	amqp_sasl_start(client, &to_server);
	amqp_sasl_start(server, &to_client);
	for (int i = 0; i < 10; i++) {
		amqp_buffer_drop(&to_server,
		        amqp_sasl_take(server, amqp_buffer_bytes(&to_server), &to_client));
		amqp_buffer_drop(&to_client,
		        amqp_sasl_take(client, amqp_buffer_bytes(&to_client), &to_server));
	}
	amqp_buffer_finish(&to_server);
	amqp_buffer_finish(&to_client);
}

static void client_and_server_agree_on_anonymous(void)
{
	struct amqp_sasl client = { .hostname = "localhost" };
	struct amqp_sasl server = { .is_server = true, .check = check_key };
	talk(&client, &server);
	CHECK_INT(client.state, AMQP_SASL_DONE);
	CHECK_INT(server.state, AMQP_SASL_DONE);
}

static void plain_is_checked(void)
{
	struct amqp_sasl client = { .plain_name = "RootManageSharedAccessKey",
		.plain_password = "key" };
	struct amqp_sasl server = { .is_server = true, .check = check_key };
	talk(&client, &server);
	CHECK_INT(client.state, AMQP_SASL_DONE);
	CHECK(server.is_authenticated);
}

static void wrong_password_fails_on_both_sides(void)
{
	struct amqp_sasl client = { .plain_name = "RootManageSharedAccessKey",
		.plain_password = "other" };
	struct amqp_sasl server = { .is_server = true, .check = check_key };
	talk(&client, &server);
	CHECK_INT(client.state, AMQP_SASL_FAILED);
	CHECK_INT(server.state, AMQP_SASL_FAILED);
	CHECK(!server.is_authenticated);
	CHECK(strstr(client.error, "key") != NULL);
	CHECK(strstr(client.error, "other") == NULL);
}

static void server_without_passwords_takes_no_plain(void)
{
	struct amqp_sasl client = { .plain_name = "a", .plain_password = "b" };
	struct amqp_sasl server = { .is_server = true };
	talk(&client, &server);
	CHECK_INT(server.state, AMQP_SASL_FAILED);
}

static void client_without_sasl_is_let_through(void)
{
	struct amqp_sasl server = { .is_server = true };
	struct amqp_buffer out = { 0 };
	amqp_sasl_start(&server, &out);
	CHECK_INT(amqp_sasl_take(&server, amqp_bytes("AMQP\x00\x01\x00", 8), &out), 0);
	CHECK_INT(server.state, AMQP_SASL_DONE);
	CHECK_INT(out.size, 0);
	amqp_buffer_finish(&out);
}

static bool fails(bool is_server, const void *bytes, size_t size)
{
	struct amqp_sasl sasl = { .is_server = is_server };
	struct amqp_buffer out = { 0 };
	amqp_sasl_start(&sasl, &out);
	(void)amqp_sasl_take(&sasl, amqp_bytes(bytes, size), &out);
	amqp_buffer_finish(&out);
	return sasl.state == AMQP_SASL_FAILED;
}

static void other_protocols_and_malformed_frames_fail(void)
{
	static const char start[] = "AMQP\x03\x01\x00";
	char bytes[64];
	CHECK(fails(true, "GET / HTTP/1.1\r\n", 16));
	CHECK(fails(true, "G", 1));
	CHECK(fails(true, "AMQP\x00\x00\x09\x01", 8)); /* AMQP 0-9-1 */
	CHECK(fails(false, "HTTP/1.1", 8));
	CHECK(fails(true, "\x16\x03\x01\x02\x00", 5)); /* a TLS hello */
	static const struct {
		const char *frame;
		size_t size;
	} frames[] = {
		{ "\x00\x00\x00\x07\x02\x01\x00\x00", 8 }, /* smaller than its head */
		{ "\x7f\xff\xff\xff\x02\x01\x00\x00", 8 }, /* larger than any */
		{ "\x00\x00\x00\x10\x01\x01\x00\x00\x00\x53\x41\xc0\x01\x00\x40\x40", 16 },
		{ "\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x41\x45", 12 }, /* no SASL frame */
		{ "\x00\x00\x00\x0c\x02\x01\x00\x00\x00\x53\x41\x45", 12 }, /* no mechanism */
		{ "\x00\x00\x00\x0c\x02\x01\x00\x00\x00\x53\x44\x45", 12 }, /* not its turn */
		{ "\x00\x00\x00\x08\x02\x01\x00\x00", 8 }, /* empty */
	};
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		memcpy(bytes, start, 8);
		memcpy(bytes + 8, frames[i].frame, frames[i].size);
		CHECK(fails(true, bytes, 8 + frames[i].size));
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(server_answers_as_the_service_does),
		SUITE_TEST(bytes_one_by_one_do_as_well),
		SUITE_TEST(client_and_server_agree_on_anonymous),
		SUITE_TEST(plain_is_checked),
		SUITE_TEST(wrong_password_fails_on_both_sides),
		SUITE_TEST(server_without_passwords_takes_no_plain),
		SUITE_TEST(client_without_sasl_is_let_through),
		SUITE_TEST(other_protocols_and_malformed_frames_fail),
	};
	return suite_run("amqp sasl", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

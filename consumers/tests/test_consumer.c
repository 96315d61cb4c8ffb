/* SPDX-License-Identifier: MIT */
/* The consumer as a program, against a broker: what it answers, when, and how it ends. */
#include "consumers/tests/consumer_world.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <proton/disposition.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A directive with all that the runtime looks at, and one as others may send it. */
static const char full[] = "{\"type\":\"DIRECTIVE\",\"jobId\":\"j1\",\"stepId\":\"ocr\","
                           "\"tenant_id\":\"t1\",\"step_type\":\"OCR\",\"attempt_no\":2,"
                           "\"lease_id\":\"l1\",\"lane\":7,\"correlation_id\":\"c1\","
                           "\"lease_expires_at\":\"2099-01-01T00:00:00Z\",\"payload\":{}}";
static const char bare[] = "{\"jobId\":\"j2\",\"stepId\":\"s\",\"tenant_id\":\"t\","
                           "\"step_type\":\"OCR\",\"attempt_no\":1,\"lease_id\":\"l2\","
                           "\"workspace_ref\":{},\"correlation_id\":null}";

static void check_common(const struct consumer_world *world, unsigned reply, const char *type)
{
	CHECK_TEXT(world_text(world, reply, "type"), type);
	CHECK_TEXT(world_text(world, reply, "jobId"), "j1");
	CHECK_TEXT(world_text(world, reply, "stepId"), "ocr");
	CHECK_TEXT(world_text(world, reply, "tenant_id"), "t1");
	CHECK_TEXT(world_text(world, reply, "lease_id"), "l1");
	CHECK_TEXT(world_text(world, reply, "correlation_id"), "c1");
	const json_t *attempt = json_object_get(world->replies[reply].body, "attempt_no");
	CHECK_INT(json_integer_value(attempt), 2);
	CHECK_TEXT(world->replies[reply].topic, "global-bus-replies-p7");
}

static void directive_is_acknowledged_handled_answered_and_then_completed(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "cat > $W/in; echo ' {\"uri\": \"file:///out\"}'");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 2));
	CHECK(world_wait_settled(&world, 1));
	check_common(&world, 0, "ACK");
	check_common(&world, 1, "RESULT");
	CHECK_TEXT(world_text(&world, 1, "status"), "SUCCEEDED");
	const json_t *output = json_object_get(world.replies[1].body, "output_ref");
	CHECK_TEXT(json_string_value(json_object_get(output, "uri")), "file:///out");
	CHECK_INT(world.replies[1].n_settled_before, 0);
	CHECK_INT(world.broker.last_outcome, PN_ACCEPTED);
	CHECK_INT(world_file_size(&world, "in"), strlen(full));
	world_close(&world);
}

static void directive_without_optional_members_is_answered_on_its_topic_s_lane(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "echo '\"plain\"'");
	fake_broker_put(&world.broker, bare);
	CHECK(world_wait_replies(&world, 2));
	CHECK_TEXT(world.replies[1].topic, "global-bus-replies-p3");
	CHECK_TEXT(world_text(&world, 1, "output_ref"), "plain");
	world_close(&world);
}

static void check_failure(
        const char *script, const char *status, const char *code, const char *words)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, script);
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 2));
	CHECK(world_wait_settled(&world, 1));
	CHECK_TEXT(world_text(&world, 1, "status"), status);
	CHECK_TEXT(world_error(&world, 1, "code"), code);
	const char *message = world_error(&world, 1, "message");
	CHECK(message != NULL && strstr(message, words) != NULL);
	CHECK_INT(world.broker.last_outcome, PN_ACCEPTED);
	world_close(&world);
}

static void exit_75_and_signals_are_failures_that_may_pass(void)
{
	check_failure("echo first >&2; echo 'busy \"now\"' >&2; exit 75", "FAILED_RETRY",
	        "HANDLER_FAILED", "busy \"now\"");
	check_failure("kill -KILL $$", "FAILED_RETRY", "HANDLER_FAILED", "signal 9");
}

static void other_exits_are_final_and_say_why(void)
{
	check_failure("echo '{\"code\":\"BROKEN\",\"message\":\"It is cut.\"}' >&2; exit 65",
	        "FAILED_FINAL", "BROKEN", "It is cut.");
	check_failure("exit 3", "FAILED_FINAL", "HANDLER_FAILED", "status 3");
	check_failure("echo not json", "FAILED_FINAL", "HANDLER_FAILED", "no JSON");
	check_failure("yes", "FAILED_FINAL", "RESULT_TOO_LARGE", "64 KiB");
}

static void handler_is_stopped_when_its_lease_ends(void)
{
	struct consumer_world world;
	char directive[512];
	char end[32];
	time_t later = time(NULL) + 2;
	struct tm parts;
	world_open(&world);
	gmtime_r(&later, &parts);
	(void)strftime(end, sizeof(end), "%Y-%m-%dT%H:%M:%S+00:00", &parts);
	(void)snprintf(directive, sizeof(directive),
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\","
	        "\"lease_expires_at\":\"%s\"}",
	        end);
	world_start_script(&world, "sleep 600 & sleep 600");
	fake_broker_put(&world.broker, directive);
	CHECK(world_wait_replies(&world, 2));
	CHECK_TEXT(world_text(&world, 1, "status"), "FAILED_RETRY");
	CHECK_TEXT(world_error(&world, 1, "code"), "LEASE_EXPIRED");
	world_close(&world);
}

static void repeat_gets_the_same_result_and_no_second_run(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "printf x >> $W/runs; echo '\"out\"'");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_settled(&world, 1));
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 3));
	CHECK(world_wait_settled(&world, 2));
	CHECK(json_equal(world.replies[1].body, world.replies[2].body));
	/* With one id duplicate detection would swallow the repeat. */
	CHECK(strcmp(world.replies[1].message_id, world.replies[2].message_id) != 0);
	CHECK_INT(world_file_size(&world, "runs"), 1);
	world_close(&world);
}

static void second_delivery_joins_the_run_under_way(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start(&world,
	        (const char *const[]){ "--concurrency", "4", "--", "/bin/sh", "-c",
	                "printf x >> $W/runs; until [ -e $W/go ]; do sleep 0.05; done", NULL });
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_file(&world, "runs"));
	fake_broker_put(&world.broker, full);
	fake_broker_put(&world.broker, bare);
	/* The third begins only after the second was taken in. */
	CHECK(world_wait_replies(&world, 2));
	world_make_file(&world, "go");
	CHECK(world_wait_settled(&world, 3));
	CHECK_INT(world_file_size(&world, "runs"), 2);
	CHECK_INT(world.n_replies, 4);
	world_close(&world);
}

static void directive_of_another_step_type_is_completed_untouched(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start(&world,
	        (const char *const[]){ "--step-type", "SIS,EMBEDDING", "--", "/bin/false", NULL });
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.n_replies, 0);
	CHECK_INT(world.broker.last_outcome, PN_ACCEPTED);
	world_close(&world);
}

static void directive_delivered_too_often_is_answered_and_dead_lettered(void)
{
	struct consumer_world world;
	world_open(&world);
	fake_broker_put(&world.broker, full);
	world.broker.messages[0].delivery_count = 5;
	world_start_script(&world, "printf x >> $W/runs");
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.n_replies, 1);
	CHECK_TEXT(world_text(&world, 0, "status"), "FAILED_FINAL");
	CHECK_TEXT(world_error(&world, 0, "code"), "DELIVERIES_EXHAUSTED");
	CHECK_INT(world.broker.last_outcome, PN_REJECTED);
	CHECK_TEXT(world.broker.last_reason, "DeliveriesExhausted");
	CHECK_INT(world_file_size(&world, "runs"), 0);
	world_close(&world);
}

static void last_delivery_that_is_allowed_is_run(void)
{
	struct consumer_world world;
	world_open(&world);
	fake_broker_put(&world.broker, full);
	world.broker.messages[0].delivery_count = 4;
	world_start_script(&world, "true");
	CHECK(world_wait_replies(&world, 2));
	CHECK_TEXT(world_text(&world, 1, "status"), "SUCCEEDED");
	world_close(&world);
}

static void directive_whose_lease_is_over_is_completed_unrun(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "printf x >> $W/runs");
	fake_broker_put(&world.broker,
	        "{\"jobId\":\"j\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\","
	        "\"lease_expires_at\":\"2020-01-01T00:00:00.000000Z\"}");
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.n_replies, 0);
	CHECK_INT(world_file_size(&world, "runs"), 0);
	CHECK_INT(world.broker.last_outcome, PN_ACCEPTED);
	world_close(&world);
}

static void what_is_no_directive_is_dead_lettered(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "true");
	fake_broker_put(&world.broker, "[1, 2]");
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.broker.last_outcome, PN_REJECTED);
	CHECK_TEXT(world.broker.last_reason, "NotADirective");
	world_close(&world);
}

static void no_more_handlers_run_at_a_time_than_are_allowed(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(
	        &world, "mkdir $W/alone || printf x >> $W/crowd; sleep 0.1; rmdir $W/alone");
	for (int i = 0; i < 4; i++) {
		char directive[128];
		(void)snprintf(directive, sizeof(directive),
		        "{\"jobId\":\"j%d\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\"}",
		        i);
		fake_broker_put(&world.broker, directive);
	}
	CHECK(world_wait_settled(&world, 4));
	CHECK_INT(world.n_replies, 8);
	CHECK_INT(world_file_size(&world, "crowd"), 0);
	world_close(&world);
}

static void result_survives_the_loss_of_the_connection(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "until [ -e $W/go ]; do sleep 0.05; done; echo '\"out\"'");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 1));
	fake_broker_kill(&world.broker);
	world_make_file(&world, "go");
	CHECK(world_wait_replies(&world, 2));
	CHECK_TEXT(world_text(&world, 1, "type"), "RESULT");
	CHECK_TEXT(world_text(&world, 1, "output_ref"), "out");
	world_close(&world);
}

static void signal_lets_the_handler_end_and_its_result_go_out(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "until [ -e $W/go ]; do sleep 0.05; done; echo '\"out\"'");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 1));
	CHECK_INT(kill(world.pid, SIGTERM), 0);
	fake_broker_put(&world.broker, bare);
	world_make_file(&world, "go");
	CHECK(world_wait_end(&world));
	CHECK_INT(world.exit_status, 0);
	CHECK_INT(world.n_replies, 2);
	CHECK_TEXT(world_text(&world, 1, "output_ref"), "out");
	CHECK(world.broker.messages[0].is_settled);
	CHECK(!world.broker.messages[1].is_settled);
	world_close(&world);
}

/* The process whose number a handler has put into `pid`; a zombie is gone. */
static bool is_process_gone(struct consumer_world *world)
{
	char path[128];
	char line[512] = "";
	long pid = 0;
	(void)snprintf(path, sizeof(path), "%s/pid", world->directory);
	FILE *file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%ld", &pid) != 1) {
		abort();
	}
	(void)fclose(file);
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "r");
	bool is_there = file != NULL && fgets(line, sizeof(line), file) != NULL;
	if (file != NULL) {
		(void)fclose(file);
	}
	return !is_there || strstr(line, ") Z ") != NULL;
}

static void what_a_handler_leaves_running_ends_with_it(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "sleep 600 & echo $! > $W/pid");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 2));
	CHECK(world_wait(&world, is_process_gone));
	world_close(&world);
}

static bool has_two_signals(struct consumer_world *world)
{
	/* Each is sent until the consumer has ended: one alone would let it drain. */
	if (world->pid > 0) {
		(void)kill(world->pid, SIGTERM);
	}
	return world->pid == 0;
}

static void second_signal_ends_consumer_and_handler_at_once(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "echo $$ > $W/pid; exec sleep 600");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_file(&world, "pid"));
	CHECK(world_wait(&world, has_two_signals));
	CHECK_INT(world.exit_status, 1);
	CHECK(world_wait(&world, is_process_gone));
	CHECK(!world.broker.messages[0].is_settled);
	world_close(&world);
}

static void handler_does_not_inherit_the_connection(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start_script(&world, "env | grep SharedAccessKey > $W/leak; echo x > $W/done");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_file(&world, "done"));
	CHECK_INT(world_file_size(&world, "leak"), 0);
	world_close(&world);
}

/* One datagram; empty if none comes within the bound. */
static void receive(int socket_fd, char ret_text[static 128])
{
	struct pollfd readable = { .fd = socket_fd, .events = POLLIN };
	ssize_t size = poll(&readable, 1, 20000) == 1 ? recv(socket_fd, ret_text, 127, 0) : 0;
	ret_text[size > 0 ? size : 0] = '\0';
}

static void service_manager_is_told_and_its_watchdog_fed(void)
{
	struct consumer_world world;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[128];
	world_open(&world);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", world.directory);
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(bind(manager, (const struct sockaddr *)&address, sizeof(address)) == 0);
	(void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
	(void)setenv("WATCHDOG_USEC", "40000", 1);
	world_start_script(&world, "echo \"\\\"$NOTIFY_SOCKET$WATCHDOG_USEC-\\\"\"");
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	receive(manager, text);
	CHECK_TEXT(text, "READY=1\nSTATUS=Serving");
	for (int i = 0; i < 2; i++) {
		receive(manager, text);
		CHECK_TEXT(text, "WATCHDOG=1");
	}
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_replies(&world, 2));
	CHECK_TEXT(world_text(&world, 1, "output_ref"), "-");
	(void)kill(world.pid, SIGTERM);
	CHECK(world_wait_end(&world));
	do {
		receive(manager, text);
	} while (strcmp(text, "WATCHDOG=1") == 0);
	CHECK_TEXT(text, "STOPPING=1\nSTATUS=Finishing what is under way");
	(void)close(manager);
	world_close(&world);
}

static void noop_answers_by_itself(void)
{
	struct consumer_world world;
	world_open(&world);
	world_start(&world, (const char *const[]){ "--handler", "noop", NULL });
	for (int i = 0; i < 20; i++) {
		char directive[128];
		(void)snprintf(directive, sizeof(directive),
		        "{\"jobId\":\"j%d\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\"}",
		        i);
		fake_broker_put(&world.broker, directive);
	}
	CHECK(world_wait_settled(&world, 20));
	CHECK_INT(world.n_replies, 40);
	CHECK_TEXT(world_text(&world, 39, "status"), "SUCCEEDED");
	CHECK_INT(kill(world.pid, SIGTERM), 0);
	CHECK(world_wait_end(&world));
	CHECK_INT(world.exit_status, 0);
	world_close(&world);
}

static void many_lanes_with_one_place_lose_nothing(void)
{
	struct consumer_world world;
	world_open(&world);
	world.topic = "global-bus-p0..7";
	world_start_script(&world, "printf x >> $W/runs");
	for (int i = 0; i < 12; i++) {
		char directive[128];
		(void)snprintf(directive, sizeof(directive),
		        "{\"jobId\":\"j%d\",\"stepId\":\"s\",\"attempt_no\":1,\"lease_id\":\"l\","
		        "\"lane\":1}",
		        i);
		fake_broker_put(&world.broker, directive);
	}
	CHECK(world_wait_replies(&world, 24));
	CHECK_INT(world_file_size(&world, "runs"), 12);
	world_close(&world);
}

static bool has_renewed(struct consumer_world *world)
{
	return world->broker.n_renewed > 0;
}

static void lock_is_renewed_while_the_handler_runs(void)
{
	struct consumer_world world;
	world_open(&world);
	world.broker.lock_ms = 2000;
	world_start_script(&world, "until [ -e $W/go ]; do sleep 0.05; done");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait(&world, has_renewed));
	CHECK_INT(world.n_replies, 1);
	world_make_file(&world, "go");
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.broker.last_outcome, PN_ACCEPTED);
	world_close(&world);
}

static void what_finds_no_place_goes_back_uncounted(void)
{
	struct consumer_world world;
	world_open(&world);
	world.topic = "global-bus-p0..1";
	fake_broker_put(&world.broker, full);
	fake_broker_put(&world.broker, bare);
	world_start_script(&world, "until [ -e $W/go ]; do sleep 0.05; done");
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.broker.last_outcome, PN_RELEASED);
	CHECK_INT(world.n_replies, 1);
	world_make_file(&world, "go");
	CHECK(world_wait_settled(&world, 3));
	CHECK_INT(world.n_replies, 4);
	world_close(&world);
}

static void refused_reply_leaves_the_directive_among_the_dead_letters(void)
{
	struct consumer_world world;
	world_open(&world);
	world.broker.rejects_with = "amqp:not-allowed";
	world_start_script(&world, "true");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.broker.last_outcome, PN_REJECTED);
	CHECK_TEXT(world.broker.last_reason, "ReplyRefused");
	world_close(&world);
}

static void result_over_the_broker_s_limit_becomes_a_final_failure(void)
{
	struct consumer_world world;
	world_open(&world);
	world.broker.max_message_size = 2000;
	world_start_script(&world, "printf '\"%03000d\"' 7");
	fake_broker_put(&world.broker, full);
	CHECK(world_wait_settled(&world, 1));
	CHECK_INT(world.n_replies, 2);
	CHECK_TEXT(world_text(&world, 1, "status"), "FAILED_FINAL");
	CHECK_TEXT(world_error(&world, 1, "code"), "RESULT_TOO_LARGE");
	world_close(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(directive_is_acknowledged_handled_answered_and_then_completed),
		SUITE_TEST(directive_without_optional_members_is_answered_on_its_topic_s_lane),
		SUITE_TEST(exit_75_and_signals_are_failures_that_may_pass),
		SUITE_TEST(other_exits_are_final_and_say_why),
		SUITE_TEST(handler_is_stopped_when_its_lease_ends),
		SUITE_TEST(repeat_gets_the_same_result_and_no_second_run),
		SUITE_TEST(second_delivery_joins_the_run_under_way),
		SUITE_TEST(directive_of_another_step_type_is_completed_untouched),
		SUITE_TEST(directive_delivered_too_often_is_answered_and_dead_lettered),
		SUITE_TEST(last_delivery_that_is_allowed_is_run),
		SUITE_TEST(directive_whose_lease_is_over_is_completed_unrun),
		SUITE_TEST(what_is_no_directive_is_dead_lettered),
		SUITE_TEST(no_more_handlers_run_at_a_time_than_are_allowed),
		SUITE_TEST(result_survives_the_loss_of_the_connection),
		SUITE_TEST(signal_lets_the_handler_end_and_its_result_go_out),
		SUITE_TEST(second_signal_ends_consumer_and_handler_at_once),
		SUITE_TEST(what_a_handler_leaves_running_ends_with_it),
		SUITE_TEST(handler_does_not_inherit_the_connection),
		SUITE_TEST(service_manager_is_told_and_its_watchdog_fed),
		SUITE_TEST(noop_answers_by_itself),
		SUITE_TEST(many_lanes_with_one_place_lose_nothing),
		SUITE_TEST(lock_is_renewed_while_the_handler_runs),
		SUITE_TEST(what_finds_no_place_goes_back_uncounted),
		SUITE_TEST(refused_reply_leaves_the_directive_among_the_dead_letters),
		SUITE_TEST(result_over_the_broker_s_limit_becomes_a_final_failure),
	};
	if (argc < 2) {
		fprintf(stderr, "usage: %s LUCIUS-CONSUMER [TEST]\n", argv[0]);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	world_program = argv[1];
	return suite_run("consumer", tests, sizeof(tests) / sizeof(tests[0]), argc - 1, argv + 1);
}

/* SPDX-License-Identifier: MIT */
/* Which roles go with which backends, and the order in which a process begins and ends its work.
 * Listeners and client of HTTP are the test's own. */
#include "core/service.h"

#include <signal.h>
#include <stdlib.h>

#include "core/http/server.h"
#include "core/service_internal.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

enum { ALL = ROLE_ORCHESTRATOR | ROLE_WORKER | ROLE_INVOKER };

static struct service *service;
static unsigned n_started, n_listening, n_stopped, n_signals;
static uint32_t listening_status;
static const char *listen_error; /* NULL: it listens */
static unsigned n_servers_stopped;

bool service_listen_http(struct service *made, char *error, size_t error_size)
{
	(void)snprintf(error, error_size, "%s", listen_error != NULL ? listen_error : "");
	if (listen_error == NULL) {
		made->servers[0] = (struct http_server *)(void *)&n_servers_stopped;
	}
	return listen_error == NULL;
}

void service_destroy_http(struct service *made)
{
	(void)made;
}

void http_server_stop(
        struct http_server *server, uint32_t bound_ms, void (*on_stopped)(void *user), void *user)
{
	CHECK(server == (struct http_server *)(void *)&n_servers_stopped);
	CHECK_INT(bound_ms, 30000);
	n_servers_stopped++;
	on_stopped(user);
}

/* Good roles of jobs, and where a bad one is refused. */

static struct settings settings;

static void set_settings(void)
{
	settings = (struct settings){
		.shutdown_seconds = 30,
		.http_listen = "127.0.0.1:0",
		.invoker_listen = "127.0.0.1:0",
		.protocols_file = SOURCE_ROOT "/etc/protocols.json",
		.retention_days = 30,
		.sweep_seconds = 30,
		.own_lease_seconds = 15,
		.max_attempts = 3,
		.step_result_timeout_seconds = 900,
		.lease_minutes = 15,
		.retry_initial_seconds = 1,
		.retry_max_seconds = 60,
		.servicebus_lanes = 2,
		.servicebus_reply_prefix = "replies-",
		.servicebus_reply_subscription = "invoker",
	};
}

static struct service_parts parts_of(uint32_t roles)
{
	return (struct service_parts){
		.loop = rig.loop,
		.settings = &settings,
		.storage = rig.storage,
		.bus = rig.bus,
		.workflow = rig.workflow,
		.roles = roles,
	};
}

static void expect_refused(
        const struct rig_traits *traits, uint32_t roles, const char *url, const char *word)
{
	char error[512] = "";
	rig_begin(traits);
	set_settings();
	settings.invoker_url = url;
	const struct service_parts parts = parts_of(roles);
	CHECK_INT(service_check(&parts, error, sizeof(error)), word == NULL);
	if (word != NULL) {
		CHECK(strstr(error, word) != NULL);
	}
	rig_end();
}

static const struct rig_traits shared = { .is_shared = true, .is_bus_shared = true };

static void backends_of_one_process_serve_no_split(void)
{
	static const struct rig_traits in_process = {
		.is_shared = true, .is_bus_shared = true, .is_in_process = true
	};
	static const struct rig_traits own_storage = { .is_bus_shared = true };
	static const struct rig_traits own_bus = { .is_shared = true };
	expect_refused(&in_process, ROLE_INVOKER, NULL, "workflow backend 'local'");
	expect_refused(&own_storage, ROLE_INVOKER, NULL, "LUCIUS_STORAGE_BACKEND");
	expect_refused(&own_bus, ROLE_INVOKER, NULL, "LUCIUS_BUS_LISTEN");
	expect_refused(&shared, ROLE_INVOKER, NULL, NULL);
	expect_refused(&in_process, ALL, NULL, NULL);
	expect_refused(&own_bus, ROLE_BUS, NULL, NULL);
}

static void worker_without_an_invoker_needs_to_know_one(void)
{
	expect_refused(&shared, ROLE_WORKER, NULL, "LUCIUS_INVOKER_URL");
	expect_refused(&shared, ROLE_WORKER, "http://127.0.0.1:1", NULL);
	expect_refused(&shared, ROLE_WORKER | ROLE_INVOKER, NULL, NULL);
}

static void roles_that_need_no_backend_are_not_refused_for_it(void)
{
	char error[512] = "";
	rig_begin(NULL);
	set_settings();
	settings.invoker_url = "http://127.0.0.1:1";
	struct service_parts parts = parts_of(ROLE_WORKER);
	parts.storage = NULL;
	parts.bus = NULL;
	parts.workflow = NULL;
	CHECK(service_check(&parts, error, sizeof(error)));
	rig_end();
}

static void open_listeners_are_taken_with_a_warning(void)
{
	static const char *const addresses[] = { "0.0.0.0:80", "localhost:80", "[::1]:80",
		"[::]:80" };
	char error[512] = "";
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		for (int has_token = 0; has_token < 2; has_token++) {
			rig_begin(&(const struct rig_traits){ .is_durable = i % 2 == 0 });
			set_settings();
			settings.http_listen = addresses[i];
			settings.invoker_listen = addresses[i];
			settings.api_tokens_file = has_token != 0 ? "tokens" : NULL;
			settings.invoker_token = has_token != 0 ? "secret" : NULL;
			const struct service_parts parts = parts_of(ALL);
			CHECK(service_check(&parts, error, sizeof(error)));
			rig_end();
		}
	}
}

/* Making it */

static void expect_not_made(uint32_t roles, const char *protocols, const char *word)
{
	char error[1024] = "";
	settings.protocols = protocols;
	const struct service_parts parts = parts_of(roles);
	CHECK(service_create(&parts, error, sizeof(error)) == NULL);
	CHECK(strstr(error, word) != NULL);
}

static void service_without_good_protocols_or_tokens_is_not_made(void)
{
	rig_begin(NULL);
	set_settings();
	expect_not_made(ALL, "nonsense", "LUCIUS_PROTOCOLS");
	settings.api_tokens_file = "/nowhere/tokens";
	expect_not_made(ALL, NULL, "/nowhere/tokens");
	settings.protocols_file = "/nowhere/protocols.json";
	expect_not_made(ALL, NULL, "/nowhere/protocols.json");
	expect_not_made(ROLE_WORKER, NULL, "split");
	rig_end();
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	CHECK_INT(status, LUCIUS_OK);
	n_started++;
}

static void on_listening(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	listening_status = status;
	CHECK_TEXT(sentence, listen_error);
	n_listening++;
}

static void on_stopped(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	CHECK_INT(status, LUCIUS_OK);
	n_stopped++;
}

static void make(const struct rig_traits *traits, uint32_t roles)
{
	char error[1024] = "";
	rig_begin(traits);
	set_settings();
	settings.invoker_url = "http://127.0.0.1:1";
	n_started = n_listening = n_stopped = n_signals = n_servers_stopped = 0;
	listen_error = NULL;
	struct service_parts parts = parts_of(roles);
	if ((roles & (ROLE_ORCHESTRATOR | ROLE_INVOKER)) == 0) {
		parts.storage = NULL;
	}
	if ((roles & ROLE_INVOKER) == 0) {
		parts.bus = NULL;
	}
	service = service_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
}

static void start_and_listen(void)
{
	service_start(service, on_started, NULL);
	CHECK_INT(n_started, 0);
	rig_turn();
	CHECK_INT(n_started, 1);
	service_listen(service, on_listening, NULL);
	CHECK_INT(n_listening, 0);
	rig_turn();
	CHECK_INT(n_listening, 1);
}

static void stop_and_end(void)
{
	service_stop(service, on_stopped, NULL);
	CHECK_INT(n_stopped, 0);
	rig_turn();
	CHECK_INT(n_stopped, 1);
	service_destroy(service);
	rig_end();
}

static void process_of_all_roles_works_from_listen_to_stop(void)
{
	make(NULL, ALL);
	start_and_listen();
	CHECK_INT(listening_status, LUCIUS_OK);
	CHECK(service->api.is_active);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 1);
	CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), 2);
	CHECK_INT(rig.n_expected, 2);
	rig_advance(36000);
	CHECK(rig_count(LUCIUS_OP_STORAGE_SCAN) >= 1);
	stop_and_end();
	CHECK_INT(n_servers_stopped, 1);
}

static void each_role_alone_does_its_own_part(void)
{
	static const struct {
		uint32_t roles;
		unsigned n_work, n_subscriptions, n_scans;
	} cases[] = {
		{ ROLE_ORCHESTRATOR, 0, 0, 1 },
		{ ROLE_WORKER, 1, 0, 0 },
		{ ROLE_INVOKER, 0, 2, 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(&shared, cases[i].roles);
		start_and_listen();
		rig_advance(36000);
		CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), cases[i].n_work);
		CHECK_INT(rig_count(LUCIUS_OP_BUS_SUBSCRIBE), cases[i].n_subscriptions);
		CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN) != 0, cases[i].n_scans);
		stop_and_end();
	}
}

static void address_that_is_taken_is_told(void)
{
	make(NULL, ALL);
	listen_error = "the address is in use";
	start_and_listen();
	CHECK_INT(listening_status, LUCIUS_DENIED);
	stop_and_end();
	CHECK_INT(n_servers_stopped, 0);
}

static void engine_of_this_process_is_recovered_before_it_works(void)
{
	make(&(const struct rig_traits){ .is_in_process = true }, ALL);
	start_and_listen();
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_OWN), 1);
	CHECK_INT(rig_count(LUCIUS_OP_STORAGE_SCAN), 1);
	CHECK(service->api.is_active);
	stop_and_end();
}

static void process_that_does_not_get_the_name_stands_by_until_it_does(void)
{
	make(&(const struct rig_traits){ .is_in_process = true }, ALL);
	rig_hold(LUCIUS_OP_STORAGE_OWN);
	service_start(service, on_started, NULL);
	rig_advance(999);
	CHECK_INT(n_started, 0);
	rig_advance(1);
	CHECK_INT(n_started, 1);
	service_listen(service, on_listening, NULL);
	rig_turn();
	CHECK_INT(n_listening, 1);
	CHECK(!service->api.is_active);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 0);
	rig_answer(LUCIUS_OP_STORAGE_OWN, LUCIUS_UNAVAILABLE);
	rig_advance(1000);
	CHECK(service->api.is_active);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 1);
	CHECK_INT(n_started, 1);
	stop_and_end();
}

static void process_that_stands_by_is_stopped_without_having_worked(void)
{
	make(&(const struct rig_traits){ .is_in_process = true }, ALL);
	rig_hold(LUCIUS_OP_STORAGE_OWN);
	service_start(service, on_started, NULL);
	rig_turn();
	service_listen(service, on_listening, NULL);
	rig_turn();
	service_stop(service, on_stopped, NULL);
	rig_answer(LUCIUS_OP_STORAGE_OWN, LUCIUS_OK);
	rig_advance(5000);
	CHECK_INT(n_stopped, 1);
	CHECK_INT(n_started, 0);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 0);
	service_destroy(service);
	rig_end();
}

static void name_that_comes_while_it_stops_begins_nothing(void)
{
	make(&(const struct rig_traits){ .is_in_process = true }, ALL);
	rig_hold(LUCIUS_OP_STORAGE_SCAN);
	service_start(service, on_started, NULL);
	rig_advance(1000);
	service_listen(service, on_listening, NULL);
	rig_turn();
	service->api.is_stopping = true;
	rig_answer(LUCIUS_OP_STORAGE_SCAN, LUCIUS_OK);
	CHECK(!service->api.is_active);
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 0);
	stop_and_end();
}

static void on_signal(int number)
{
	(void)number;
	n_signals++;
}

static void process_that_loses_the_name_stops_its_engine_at_once(void)
{
	void (*before)(int) = signal(SIGTERM, on_signal);
	make(&(const struct rig_traits){ .is_in_process = true }, ALL);
	start_and_listen();
	rig_answer(LUCIUS_OP_STORAGE_OWN, LUCIUS_CONFLICT);
	CHECK_INT(n_signals, 1);
	CHECK(rig_find_open(LUCIUS_OP_WORKFLOW_WORK) == NULL);
	stop_and_end();
	(void)signal(SIGTERM, before);
}

static void engine_that_ends_by_itself_is_logged_and_ended_no_more(void)
{
	make(NULL, ALL);
	start_and_listen();
	rig_answer(LUCIUS_OP_WORKFLOW_WORK, LUCIUS_INTERNAL);
	CHECK_INT(service->work.id, 0);
	stop_and_end();
}

static void work_is_begun_once(void)
{
	make(NULL, ALL);
	start_and_listen();
	service_activate(service);
	rig_turn();
	CHECK_INT(rig_count(LUCIUS_OP_WORKFLOW_WORK), 1);
	stop_and_end();
}

/* Options that change */

static const char one_protocol[] =
        "{\"schema_version\":\"v1\",\"protocols\":[{\"protocol_id\":\"p\",\"request_types\":["
        "\"OCR\"],"
        "\"steps\":[{\"step_id\":\"one\",\"step_type\":\"OCR\",\"service\":\"s\","
        "\"payload_schema_ref\":\"ocr.v1.json\"}]}]}";

static void what_is_prepared_counts_once_it_is_taken_up(void)
{
	char error[1024] = "";
	make(NULL, ALL);
	const struct registry *before = service->api.registry;
	CHECK(service_prepare(service, one_protocol, "here", error, sizeof(error)));
	CHECK(service->api.registry == before);
	CHECK(service_prepare(service, one_protocol, "here", error, sizeof(error)));
	service_reconfigure(service);
	CHECK(service->api.registry != before);
	const struct registry *now = service->api.registry;
	service_reconfigure(service);
	CHECK(service->api.registry == now);
	CHECK(!service_prepare(service, "[]", "here", error, sizeof(error)));
	CHECK(strstr(error, "here") != NULL);
	service_reconfigure(service);
	CHECK(service->api.registry == now);
	service_destroy(service);
	rig_end();
}

static void tokens_are_read_with_the_protocols(void)
{
	char path[] = "/tmp/lucius-tokens-XXXXXX";
	char error[1024] = "";
	FILE *file = fdopen(mkstemp(path), "w");
	(void)fputs("first t1\n", file);
	(void)fclose(file);
	make(NULL, ALL);
	settings.api_tokens_file = path;
	CHECK(service_prepare(service, NULL, NULL, error, sizeof(error)));
	CHECK(service->api.access == NULL);
	service_reconfigure(service);
	CHECK(service->api.access != NULL);
	(void)remove(path);
	CHECK(!service_prepare(service, NULL, NULL, error, sizeof(error)));
	CHECK(strstr(error, path) != NULL);
	service_reconfigure(service);
	CHECK(service->api.access != NULL);
	service_destroy(service);
	rig_end();
}

static void process_without_the_api_has_nothing_to_prepare(void)
{
	char error[1024] = "";
	make(&shared, ROLE_INVOKER);
	CHECK(service_prepare(service, "nonsense", "here", error, sizeof(error)));
	service_reconfigure(service);
	CHECK(service->api.registry == NULL);
	service_destroy(service);
	service_destroy(NULL);
	rig_end();
}

static void limits_of_a_worker_are_those_of_now_for_runs_that_bring_none(void)
{
	make(&shared, ROLE_WORKER);
	const struct step_logic *logic =
	        (const struct step_logic *)activities_definition(service->activities);
	CHECK_INT(logic->defaults.max_attempts, 3);
	settings.max_attempts = 7;
	settings.lease_minutes = 2;
	CHECK_INT(logic->defaults.max_attempts, 3);
	service_reconfigure(service);
	CHECK_INT(logic->defaults.max_attempts, 7);
	CHECK_INT(logic->defaults.lease_seconds, 120);
	service_destroy(service);
	rig_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(backends_of_one_process_serve_no_split),
		SUITE_TEST(worker_without_an_invoker_needs_to_know_one),
		SUITE_TEST(roles_that_need_no_backend_are_not_refused_for_it),
		SUITE_TEST(open_listeners_are_taken_with_a_warning),
		SUITE_TEST(service_without_good_protocols_or_tokens_is_not_made),
		SUITE_TEST(process_of_all_roles_works_from_listen_to_stop),
		SUITE_TEST(each_role_alone_does_its_own_part),
		SUITE_TEST(address_that_is_taken_is_told),
		SUITE_TEST(engine_of_this_process_is_recovered_before_it_works),
		SUITE_TEST(process_that_does_not_get_the_name_stands_by_until_it_does),
		SUITE_TEST(process_that_stands_by_is_stopped_without_having_worked),
		SUITE_TEST(name_that_comes_while_it_stops_begins_nothing),
		SUITE_TEST(process_that_loses_the_name_stops_its_engine_at_once),
		SUITE_TEST(engine_that_ends_by_itself_is_logged_and_ended_no_more),
		SUITE_TEST(work_is_begun_once),
		SUITE_TEST(what_is_prepared_counts_once_it_is_taken_up),
		SUITE_TEST(tokens_are_read_with_the_protocols),
		SUITE_TEST(process_without_the_api_has_nothing_to_prepare),
		SUITE_TEST(limits_of_a_worker_are_those_of_now_for_runs_that_bring_none),
	};
	return suite_run("service", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

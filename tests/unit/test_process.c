/* SPDX-License-Identifier: MIT */
/*
 * What makes a process of options: roles, backends, and the service's listeners over real sockets,
 * with the plugins of the tree that live in memory. Asked by the client and by --health's own call.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/backend.h"
#include "core/backends.h"
#include "core/health.h"
#include "core/http/client.h"
#include "core/http/tls.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/options.h"
#include "core/roles.h"
#include "core/service_internal.h"
#include "core/settings.h"
#include "support/base/cleanup.h"
#include "tests/support/fake_storage.h"
#include "tests/support/papers.h"
#include "tests/support/suite.h"

enum { N_VARIABLES = 12, WAIT_S = 60 };

static struct {
	const char *variables[N_VARIABLES]; /* as in environ */
	struct settings settings;
	struct options *options;
	struct loop *loop;
	struct backends backends;
	uint32_t roles;
	struct service *service;
	unsigned n_reports;
	char report[512]; /* the last one */
	char error[512];
} process;

static void on_report(void *user, bool is_error, const char *sentence)
{
	(void)user;
	(void)is_error;
	process.n_reports++;
	(void)snprintf(process.report, sizeof(process.report), "%s", sentence);
}

/* Options from these variables, up to NULL. */
static void make(const char *const *variables)
{
	memset(&process, 0, sizeof(process));
	size_t n = 0;
	process.variables[n++] = "LUCIUS_PLUGINS_DIR=" PLUGINS_DIR;
	process.variables[n++] = "LUCIUS_PROTOCOLS_FILE=" SOURCE_ROOT "/etc/protocols.json";
	process.variables[n++] = "LUCIUS_HTTP_LISTEN=127.0.0.1:0";
	process.variables[n++] = "LUCIUS_INVOKER_LISTEN=127.0.0.1:0";
	process.variables[n++] = "LUCIUS_HEALTH_LISTEN=127.0.0.1:0";
	for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
		process.variables[n++] = variables[i];
	}
	static const struct option_givens nothing;
	const struct options_parts parts = { .arguments = &nothing,
		.environment = (char **)(uintptr_t)process.variables,
		.report = on_report };
	process.options = options_create(&parts);
	CHECK(options_add_core(process.options, &process.settings) != NULL);
	process.loop = loop_create();
	process.backends = (struct backends){
		.loop = process.loop, .options = process.options, .settings = &process.settings
	};
	backends_choose(process.options, &process.settings);
	process.roles = roles_parse(process.settings.role, process.error, sizeof(process.error));
}

static void end(void)
{
	service_destroy(process.service);
	CHECK_INT(backends_destroy(&process.backends), 0);
	options_destroy(process.options);
	loop_destroy(process.loop);
}

static void do_nothing(void *user)
{
	(void)user;
}

static bool wait_for(const unsigned *n, unsigned wanted)
{
	uint64_t until_ms = loop_now_ms(process.loop) + WAIT_S * 1000;
	struct timer *bound = timer_start(process.loop, WAIT_S * 1000, do_nothing, NULL);
	while (*n < wanted && loop_now_ms(process.loop) < until_ms) {
		loop_turn(process.loop, 1);
	}
	if (loop_now_ms(process.loop) < until_ms) {
		timer_stop(bound);
	}
	CHECK_INT(*n, wanted);
	return *n >= wanted;
}

static void check_error(const char *words)
{
	if (strstr(process.error, words) == NULL) {
		CHECK_TEXT(process.error, words);
	}
}

static void backends_are_chosen_by_what_is_configured(void)
{
	static const struct {
		const char *variables[4];
		const char *bus, *workflow, *config;
	} cases[] = {
		{ { NULL }, "local", "local", NULL },
		{ { "LUCIUS_SERVICEBUS_CONNECTION=x", NULL }, "servicebus", "local", NULL },
		{ { "LUCIUS_TEMPORAL_ADDRESS=x:1", NULL }, "local", "temporal", NULL },
		{ { "LUCIUS_TEMPORAL_ADDRESS=x:1", "LUCIUS_TEMPORAL_ENABLED=false", NULL }, "local",
		        "local", NULL },
		{ { "LUCIUS_APPCONFIG_CONNECTION=x", NULL }, "local", "local", "appconfig" },
		{ { "LUCIUS_BUS_BACKEND=own", "LUCIUS_WORKFLOW_BACKEND=mine",
		          "LUCIUS_CONFIG_SOURCE=ours", NULL },
		        "own", "mine", "ours" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(cases[i].variables);
		CHECK_TEXT(process.settings.bus_backend, cases[i].bus);
		CHECK_TEXT(process.settings.workflow_backend, cases[i].workflow);
		CHECK_TEXT(process.settings.config_source, cases[i].config);
		end();
	}
}

static void roles_are_words_of_a_list_and_the_bus_is_alone(void)
{
	static const struct {
		const char *text;
		uint32_t roles;
		const char *words;
	} cases[] = {
		{ "worker", ROLE_WORKER, "" },
		{ " worker , invoker,", ROLE_WORKER | ROLE_INVOKER, "" },
		{ "bus", ROLE_BUS, "" },
		{ "bus,worker", 0, "bus is on its own only" },
		{ "worked", 0, "'worked' is no role" },
		{ "", 0, "'' names no role" },
		{ " , ", 0, "names no role" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		process.error[0] = '\0';
		CHECK_INT(roles_parse(cases[i].text, process.error, sizeof(process.error)),
		        cases[i].roles);
		check_error(cases[i].words);
	}
	CHECK(roles_need_storage(ROLE_WORKER, true));
	CHECK(!roles_need_storage(ROLE_WORKER, false));
	CHECK(!roles_need_storage(ROLE_BUS, true));
	CHECK(!roles_need_workflow(ROLE_BUS));
	CHECK(!roles_need_bus(ROLE_WORKER));
}

static const char *const elsewhere[] = { "LUCIUS_PLUGINS_DIR=/no/such/dir", NULL };

/* The first plugin that is looked for where there is none. */
static void expect_first(uint32_t roles, const char *workflow, const char *words)
{
	make(elsewhere);
	process.settings.plugins_dir = "/no/such/dir";
	process.settings.workflow_backend = workflow;
	CHECK_INT(backends_add_options(
	                  &process.backends, roles, process.error, sizeof(process.error)),
	        -1);
	check_error(words);
	CHECK_INT(backends_create(&process.backends, roles, process.error, sizeof(process.error)),
	        -1);
	check_error(words);
	end();
}

static void each_role_asks_for_the_backends_that_it_needs(void)
{
	expect_first(ROLE_ORCHESTRATOR, "local", "'storage-memory'");
	expect_first(ROLE_WORKER, "local", "'storage-memory'");
	expect_first(ROLE_WORKER, "temporal", "'workflow-temporal'");
	expect_first(ROLE_BUS, "local", "'bus-local'");
	expect_first(ROLE_BUS, NULL, "'bus-local'");
	/* Nothing is needed for nothing. */
	make(NULL);
	CHECK_INT(backends_create(&process.backends, 0, process.error, sizeof(process.error)), 0);
	CHECK_INT(
	        backends_create_config(&process.backends, process.error, sizeof(process.error)), 0);
	CHECK(backends_find_open(&process.backends) == NULL);
	end();
}

static void a_source_that_is_no_plugin_is_a_sentence(void)
{
	static const char *const variables[] = { "LUCIUS_CONFIG_SOURCE=nothing", NULL };
	make(variables);
	CHECK_INT(backends_create_config(&process.backends, process.error, sizeof(process.error)),
	        -1);
	check_error("there is no plugin 'config-nothing'");
	end();
}

static void a_wrong_option_of_a_plugin_is_reported_once_with_its_name(void)
{
	static const char *const variables[] = { "LUCIUS_BUS_LOCK_SECONDS=never", NULL };
	make(variables);
	(void)snprintf(process.error, sizeof(process.error), "stale");
	CHECK_INT(backends_add_options(
	                  &process.backends, ROLE_BUS, process.error, sizeof(process.error)),
	        -1);
	CHECK_TEXT(process.error, "");
	CHECK(strstr(process.report, "LUCIUS_BUS_LOCK_SECONDS: 'never'") != NULL);
	end();
	make(variables);
	CHECK_INT(
	        backends_create(&process.backends, ROLE_BUS, process.error, sizeof(process.error)),
	        -1);
	CHECK_TEXT(process.error, "");
	end();
}

static unsigned n_done;
static uint32_t done_status;

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	n_done++;
	done_status = status;
	(void)snprintf(
	        process.error, sizeof(process.error), "%s", sentence != NULL ? sentence : "");
}

static const struct op_caller caller = { .on_done = on_done };

/* Backends made and started. */
static void start_backends(void)
{
	CHECK_INT(backends_create(
	                  &process.backends, process.roles, process.error, sizeof(process.error)),
	        0);
	n_done = 0;
	for (size_t i = 0; i < N_BACKENDS; i++) {
		struct backend *backend = process.backends.all[i];
		if (backend != NULL) {
			unsigned wanted = n_done + 1;
			backend_start(backend, &caller);
			(void)wait_for(&n_done, wanted);
			CHECK_INT(done_status, LUCIUS_OK);
		}
	}
}

static void backends_with_something_open_stay(void)
{
	static const char *const variables[] = { "LUCIUS_ROLE=bus", NULL };
	make(variables);
	start_backends();
	struct backend *bus = process.backends.all[BACKEND_BUS];
	const struct lucius_subscription subscription = { .size = sizeof(subscription),
		.topic = { "global-bus-replies-p0", 21 },
		.name = { "lucius-invoker", 14 } };
	struct lucius_op op = bus_subscribe(bus, &subscription, &caller);
	CHECK(backends_find_open(&process.backends) == bus);
	CHECK_INT(backends_destroy(&process.backends), -1);
	n_done = 0;
	bus_unsubscribe(bus, op, &caller);
	(void)wait_for(&n_done, 2);
	CHECK(backends_find_open(&process.backends) == NULL);
	backend_stop(bus, &caller);
	(void)wait_for(&n_done, 3);
	end();
}

/* Service */

static void serve(void)
{
	start_backends();
	const struct service_parts parts = {
		.loop = process.loop,
		.settings = &process.settings,
		.storage = process.backends.all[BACKEND_STORAGE],
		.bus = process.backends.all[BACKEND_BUS],
		.workflow = process.backends.all[BACKEND_WORKFLOW],
		.roles = process.roles,
	};
	process.service = service_create(&parts, process.error, sizeof(process.error));
	CHECK(process.service != NULL);
	n_done = 0;
	service_start(process.service, on_done, NULL);
	(void)wait_for(&n_done, 1);
}

static uint32_t listen_now(void)
{
	n_done = 0;
	service_listen(process.service, on_done, NULL);
	(void)wait_for(&n_done, 1);
	return done_status;
}

static void stop(void)
{
	n_done = 0;
	service_stop(process.service, on_done, NULL);
	(void)wait_for(&n_done, 1);
	for (size_t i = N_BACKENDS; i-- > 0;) {
		if (process.backends.all[i] != NULL) {
			n_done = 0;
			backend_stop(process.backends.all[i], &caller);
			(void)wait_for(&n_done, 1);
		}
	}
	end();
}

static struct {
	unsigned n;
	unsigned status;
	char body[65536];
} answer;

static void on_response(void *user, const struct http_response *response)
{
	(void)user;
	answer.n++;
	answer.status = response->status;
	(void)snprintf(answer.body, sizeof(answer.body), "%s",
	        response->status == 0            ? response->error
	                : response->body != NULL ? response->body
	                                         : "");
}

static void get(int which, const char *path, unsigned status)
{
	char url[128];
	struct http_client_settings settings = http_client_settings_default();
	struct http_client *client = http_client_create(loop_base(process.loop), &settings);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
	        http_server_port(process.service->servers[which]), path);
	const struct http_call_options options = { .method = "GET", .url = url };
	answer.n = 0;
	http_client_call(client, &options, on_response, NULL);
	(void)wait_for(&answer.n, 1);
	CHECK_INT(answer.status, status);
	http_client_destroy(client);
}

static void check_body(const char *words)
{
	if (strstr(answer.body, words) == NULL) {
		CHECK_TEXT(answer.body, words);
	}
}

static void a_process_of_all_roles_serves_both_apis(void)
{
	make(NULL);
	serve();
	CHECK_INT(listen_now(), LUCIUS_OK);
	get(0, "/healthz", 200);
	get(1, "/healthz", 200);
	get(0, "/readyz", 200);
	check_body("\"ready\"");
	get(0, "/v1/jobs?tenant_id=t1", 200);
	get(1, "/v1/jobs?tenant_id=t1", 404);
	get(0, "/v1/openapi.json", 404);
	get(1, "/metrics", 200);
	check_body("\nlucius_http_connections ");
	check_body("lucius_http_refused_total{reason=\"no_route\"} 2\n");
	check_body("lucius_http_requests_total 7\n");
	stop();
}

static void the_bus_alone_shows_its_health_and_nothing_else(void)
{
	static const char *const variables[] = { "LUCIUS_ROLE=bus", NULL };
	make(variables);
	serve();
	CHECK_INT(listen_now(), LUCIUS_OK);
	CHECK(process.service->servers[0] == NULL);
	get(1, "/readyz", 200);
	get(1, "/metrics", 200);
	get(1, "/v1/jobs?tenant_id=t1", 404);
	stop();
}

static void what_is_not_ready_says_which_part_and_why(void)
{
	make(NULL);
	serve();
	struct api *api = &process.service->api;
	CHECK_INT(listen_now(), LUCIUS_OK);
	api->is_active = false;
	get(0, "/readyz", 503);
	check_body("\"service\"");
	api->recovery = NULL;
	get(0, "/readyz", 503);
	check_body("is not started yet");
	api->is_stopping = true;
	get(0, "/readyz", 503);
	check_body("is stopping");
	api->is_stopping = false;
	/* Nobody knows who has the engine while the storage does not answer for it. */
	const struct backend_parts parts = { .loop = process.loop, .plugin = &fake_plugin };
	struct backend *storage = backend_create(&parts, process.error, sizeof(process.error));
	api->storage = storage;
	fake->host->ready(fake->host, "no connection to 'x'");
	get(0, "/readyz", 503);
	check_body("no connection to 'x'");
	check_body("waits for the storage backend 'fake', which keeps who has");
	api->storage = NULL;
	get(0, "/readyz", 503);
	check_body("is not started yet");
	api->is_active = true;
	api->bus = NULL;
	api->workflow = NULL;
	get(0, "/readyz", 200);
	CHECK_INT(backend_destroy(storage), 0);
	stop();
}

static void each_request_is_logged_where_that_is_asked_for(void)
{
	make(NULL);
	serve();
	CHECK_INT(listen_now(), LUCIUS_OK);
	log_set_level(LUCIUS_LOG_DEBUG);
	get(0, "/healthz", 200);
	log_set_level(LUCIUS_LOG_INFO);
	stop();
}

static void an_address_that_is_taken_is_told_by_the_listener(void)
{
	make(NULL);
	serve();
	CHECK_INT(listen_now(), LUCIUS_OK);
	char taken[64];
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u",
	        http_server_port(process.service->servers[0]));
	struct settings settings = process.settings;
	struct service second = {
		.parts = { .loop = process.loop, .settings = &settings, .roles = process.roles }
	};
	char error[256] = "";
	settings.http_listen = taken;
	CHECK(!service_listen_http(&second, error, sizeof(error)));
	CHECK(strstr(error, "another process listens there") != NULL);
	service_destroy_http(&second);
	settings.http_listen = "nowhere";
	second.parts.roles = ROLE_BUS;
	settings.health_listen = "nowhere";
	second.servers[0] = NULL;
	second.routers[0] = NULL;
	CHECK(!service_listen_http(&second, error, sizeof(error)));
	CHECK(strstr(error, "is not an address") != NULL);
	service_destroy_http(&second);
	stop();
}

static void the_api_alone_has_no_listener_for_others(void)
{
	make(NULL);
	struct service only = { .parts = { .loop = process.loop,
		                        .settings = &process.settings,
		                        .roles = ROLE_ORCHESTRATOR } };
	char error[256] = "";
	CHECK(service_listen_http(&only, error, sizeof(error)));
	CHECK(only.servers[0] != NULL);
	CHECK(only.servers[1] == NULL);
	service_destroy_http(&only);
	end();
}

static void certificate_and_key_go_together(void)
{
	static const char *const lonely[] = { "LUCIUS_HTTP_TLS_CERT=/no/such/cert", NULL };
	static const char *const other[] = { "LUCIUS_HTTP_TLS_KEY=/no/such/key", NULL };
	static const char *const both[] = { "LUCIUS_HTTP_TLS_CERT=/no/such/cert",
		"LUCIUS_HTTP_TLS_KEY=/no/such/key", NULL };
	static const char *const *const cases[] = { lonely, other, both };
	for (size_t i = 0; i < 3; i++) {
		make(cases[i]);
		serve();
		CHECK_INT(listen_now(), LUCIUS_DENIED);
		check_error(i < 2 ? "go together: one is missing" : "'/no/such/cert' is not a");
		stop();
	}
}

/* --health */

/* Standard error is left alone: what it says is tested on the process itself. */
static int ask_health(uint32_t roles)
{
	char listener[64];
	struct settings settings = process.settings;
	int which = (roles & ROLE_ORCHESTRATOR) != 0 ? 0 : 1;
	(void)snprintf(listener, sizeof(listener), "0.0.0.0:%u",
	        http_server_port(process.service->servers[which]));
	settings.http_listen = listener;
	settings.invoker_listen = listener;
	settings.health_listen = listener;
	return health_ask(process.loop, &settings, roles);
}

static void health_is_asked_at_the_listener_of_the_roles(void)
{
	make(NULL);
	serve();
	CHECK_INT(listen_now(), LUCIUS_OK);
	CHECK_INT(ask_health(ROLE_ORCHESTRATOR), 1);
	CHECK_INT(ask_health(ROLE_INVOKER), 1);
	CHECK_INT(ask_health(ROLE_WORKER), 1);
	process.service->api.is_active = false;
	CHECK_INT(ask_health(ROLE_INVOKER), 0);
	struct settings settings = process.settings;
	settings.health_listen = "nowhere";
	CHECK_INT(health_ask(process.loop, &settings, ROLE_BUS), 0);
	settings.health_listen = "[::]:1";
	CHECK_INT(health_ask(process.loop, &settings, ROLE_BUS), 0);
	settings.http_tls_cert = "/no/such/cert";
	CHECK_INT(health_ask(process.loop, &settings, ROLE_ORCHESTRATOR), 0);
	/* The listeners of the other roles speak no TLS, whatever stands in a file that all share.
	 */
	char listener[64];
	(void)snprintf(listener, sizeof(listener), "127.0.0.1:%u",
	        http_server_port(process.service->servers[1]));
	process.service->api.is_active = true;
	settings.health_listen = listener;
	CHECK_INT(health_ask(process.loop, &settings, ROLE_WORKER), 1);
	stop();
}

static void health_is_asked_over_tls_of_a_certificate_that_a_ca_has_signed(void)
{
	struct papers papers;
	char cert[160];
	char key[160];
	char ca[160];
	papers_make(&papers);
	(void)snprintf(cert, sizeof(cert), "LUCIUS_HTTP_TLS_CERT=%s", papers.server);
	(void)snprintf(key, sizeof(key), "LUCIUS_HTTP_TLS_KEY=%s", papers.server);
	(void)snprintf(ca, sizeof(ca), "LUCIUS_HTTP_TLS_CLIENT_CA=%s", papers.ca);
	const char *const open[] = { cert, key, NULL };
	const char *const closed[] = { cert, key, ca, NULL };
	const char *const *const cases[] = { open, closed };
	for (size_t i = 0; i < 2; i++) {
		make(cases[i]);
		serve();
		CHECK_INT(listen_now(), LUCIUS_OK);
		CHECK_INT(ask_health(ROLE_ORCHESTRATOR), 1);
		get(0, "/healthz", 0);
		stop();
	}
	papers_remove(&papers);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(backends_are_chosen_by_what_is_configured),
		SUITE_TEST(roles_are_words_of_a_list_and_the_bus_is_alone),
		SUITE_TEST(each_role_asks_for_the_backends_that_it_needs),
		SUITE_TEST(a_source_that_is_no_plugin_is_a_sentence),
		SUITE_TEST(a_wrong_option_of_a_plugin_is_reported_once_with_its_name),
		SUITE_TEST(backends_with_something_open_stay),
		SUITE_TEST(a_process_of_all_roles_serves_both_apis),
		SUITE_TEST(the_bus_alone_shows_its_health_and_nothing_else),
		SUITE_TEST(what_is_not_ready_says_which_part_and_why),
		SUITE_TEST(each_request_is_logged_where_that_is_asked_for),
		SUITE_TEST(an_address_that_is_taken_is_told_by_the_listener),
		SUITE_TEST(the_api_alone_has_no_listener_for_others),
		SUITE_TEST(certificate_and_key_go_together),
		SUITE_TEST(health_is_asked_at_the_listener_of_the_roles),
		SUITE_TEST(health_is_asked_over_tls_of_a_certificate_that_a_ca_has_signed),
	};
	return suite_run("process", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* Activities that are asked of an invoker over HTTP: what each answer of it is to the engine. */
#include "core/activities.h"

#include <stdlib.h>

#include "core/backend.h"
#include "core/http/reply.h"
#include "core/http/router.h"
#include "core/http/server.h"
#include "core/loop.h"
#include "support/base/memory.h"
#include "tests/support/fake_storage.h"
#include "tests/support/suite.h"

enum { WAIT_S = 60, N_SERVERS = 2 };

struct invoker_server {
	struct http_router *router;
	struct http_server *server;
	unsigned status; /* that it answers with */
	const char *body; /* NULL: none */
	unsigned n_asked;
	char authorization[64];
};

static struct {
	struct loop *loop;
	struct backend *engine; /* who asks */
	struct invoker_server servers[N_SERVERS];
	struct activities *activities;
	unsigned n_done;
	uint32_t status;
	char item[512];
} world;

static void handle(void *user, struct http_request *request)
{
	struct invoker_server *server = user;
	const char *token = http_request_header(request, "Authorization");
	server->n_asked++;
	(void)snprintf(server->authorization, sizeof(server->authorization), "%s",
	        token != NULL ? token : "");
	http_reply(request, server->status, "application/json", server->body,
	        server->body != NULL ? strlen(server->body) : 0);
}

static const struct http_route routes[] = {
	{ .method = "POST", .pattern = "/v1/internal/steps/attempt", .handle = handle },
	{ .method = "POST", .pattern = "/v1/internal/publish", .handle = handle },
	{ .method = "POST", .pattern = "/v1/internal/jobs/outcome", .handle = handle },
};

/* Each # of the list becomes the port of the next server. */
static void put_ports(const char *urls, char *ret_list, size_t size)
{
	size_t n = 0;
	size_t next = 0;
	for (; *urls != '\0' && n + 8 < size; urls++) {
		if (*urls == '#') {
			n += (size_t)snprintf(ret_list + n, size - n, "%u",
			        http_server_port(world.servers[next++].server));
		} else {
			ret_list[n++] = *urls;
		}
	}
	ret_list[n] = '\0';
}

static void begin(const char *urls, const char *token)
{
	char error[128] = "";
	char list[512];
	memset(&world, 0, sizeof(world));
	world.loop = loop_create();
	const struct backend_parts parts = { .loop = world.loop, .plugin = &fake_plugin };
	world.engine = backend_create(&parts, error, sizeof(error));
	for (size_t i = 0; i < N_SERVERS; i++) {
		struct invoker_server *server = &world.servers[i];
		char *sentence = NULL;
		struct http_settings settings = http_settings_default();
		server->router = http_router_create();
		http_router_add(server->router, routes, 3, server);
		settings.router = server->router;
		server->server = http_server_create(loop_base(world.loop), &settings);
		CHECK_INT(http_server_listen(server->server, "127.0.0.1:0", &sentence), 0);
		server->status = 200;
	}
	put_ports(urls, list, sizeof(list));
	const struct activities_parts activities = {
		.loop = world.loop, .urls = list, .token = token
	};
	world.activities = activities_create(&activities);
}

static void end(void)
{
	activities_destroy(world.activities);
	CHECK_INT(backend_destroy(world.engine), 0);
	for (size_t i = 0; i < N_SERVERS; i++) {
		http_server_destroy(world.servers[i].server);
		http_router_destroy(world.servers[i].router);
	}
	loop_destroy(world.loop);
}

static void on_item(void *user, const void *item)
{
	const struct lucius_text *text = item;
	(void)user;
	(void)snprintf(world.item, sizeof(world.item), "%.*s", (int)text->size, text->data);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.n_done++;
	world.status = status;
}

/* Runs an activity to its end, as an engine does. */
static void run(const char *name)
{
	const struct lucius_definition *definition = activities_definition(world.activities);
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = WAIT_S * 1000,
		.on_item = on_item,
		.on_done = on_done };
	struct lucius_op op = fake->host->open(fake->host, &question);
	world.n_done = 0;
	world.item[0] = '\0';
	definition->run(definition, (struct lucius_text){ name, strlen(name) },
	        (struct lucius_text){ "{}", 2 }, op);
	while (world.n_done == 0) {
		loop_turn(world.loop, 1);
	}
}

static void answer_with(unsigned status, const char *body)
{
	for (size_t i = 0; i < N_SERVERS; i++) {
		world.servers[i].status = status;
		world.servers[i].body = body;
	}
}

static void each_activity_has_its_path_and_an_unknown_one_none(void)
{
	static const char *const names[] = { STEP_ACTIVITY_LEASE, STEP_ACTIVITY_PUBLISH,
		STEP_ACTIVITY_OUTCOME };
	begin("http://127.0.0.1:#/", "s3cret");
	for (size_t i = 0; i < 3; i++) {
		run(names[i]);
		CHECK_INT(world.status, LUCIUS_OK);
		CHECK_TEXT(world.item, "{\"status\":\"ok\"}");
	}
	CHECK_INT(world.servers[0].n_asked, 3);
	CHECK_TEXT(world.servers[0].authorization, "Bearer s3cret");
	run("dance");
	CHECK_INT(world.status, LUCIUS_UNSUPPORTED);
	end();
}

static void a_refusal_is_a_result_with_the_status_beside_what_was_said(void)
{
	static const struct {
		unsigned status;
		const char *body, *item;
	} cases[] = {
		{ 404, "{\"detail\":\"no such job\"}",
		        "{\"detail\":\"no such job\",\"status\":404}" },
		{ 409, "not JSON", "{\"status\":409}" },
		{ 409, "[1]", "{\"status\":409}" },
		{ 422, NULL, "{\"status\":422}" },
	};
	begin("http://127.0.0.1:#", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer_with(cases[i].status, cases[i].body);
		run(STEP_ACTIVITY_LEASE);
		CHECK_INT(world.status, LUCIUS_OK);
		CHECK_TEXT(world.item, cases[i].item);
	}
	CHECK_TEXT(world.servers[0].authorization, "");
	end();
}

static void what_may_pass_is_asked_of_the_next_url_and_then_again_later(void)
{
	static const unsigned passing[] = { 408, 429, 500, 503, 302 };
	begin(" http://127.0.0.1:#//, ,http://127.0.0.1:#", NULL);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		answer_with(passing[i], "{}");
		unsigned n_before = world.servers[0].n_asked + world.servers[1].n_asked;
		run(STEP_ACTIVITY_PUBLISH);
		CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
		CHECK_INT(world.servers[0].n_asked + world.servers[1].n_asked - n_before, 2);
	}
	/* The one that answers is asked first from then on. */
	world.servers[1].status = 200;
	run(STEP_ACTIVITY_PUBLISH);
	CHECK_INT(world.status, LUCIUS_OK);
	unsigned n_first = world.servers[0].n_asked;
	run(STEP_ACTIVITY_PUBLISH);
	CHECK_INT(world.status, LUCIUS_OK);
	CHECK_INT(world.servers[0].n_asked, n_first);
	end();
}

static void an_invoker_that_is_not_there_is_unavailable(void)
{
	begin("http://127.0.0.1:1", NULL);
	run(STEP_ACTIVITY_OUTCOME);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	end();
}

static void sixteen_urls_are_enough(void)
{
	char list[16 * 32 + 64] = "";
	for (int i = 0; i < 17; i++) {
		(void)strcat(list, i < 16 ? "http://127.0.0.1:1," : "http://127.0.0.1:#");
	}
	begin(list, NULL);
	run(STEP_ACTIVITY_OUTCOME);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(world.servers[0].n_asked, 0);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(each_activity_has_its_path_and_an_unknown_one_none),
		SUITE_TEST(a_refusal_is_a_result_with_the_status_beside_what_was_said),
		SUITE_TEST(what_may_pass_is_asked_of_the_next_url_and_then_again_later),
		SUITE_TEST(an_invoker_that_is_not_there_is_unavailable),
		SUITE_TEST(sixteen_urls_are_enough),
	};
	return suite_run("activities", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

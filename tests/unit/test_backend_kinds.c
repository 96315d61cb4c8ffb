/* SPDX-License-Identifier: MIT */
/* Every operation of every kind: with a table that has all of it, with one that has what it must,
 * and on a backend that stops. */
#include "core/backend.h"

#include <stdbool.h>

#include "core/copy.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "tests/support/suite.h"

/* A plugin of any kind that ends each operation at once. */
struct quick {
	const struct lucius_host *host;
	unsigned n_asked;
	unsigned n_told; /* expect, keep, reconfigure, info */
};
static struct quick *quick; /* the newest one */

static void end(void *self, struct lucius_op op)
{
	struct quick *one = self;
	one->n_asked++;
	lucius_finish(one->host, op);
}

static uint32_t quick_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	quick = self;
	quick->host = host;
	return LUCIUS_OK;
}

static void quick_reconfigure(void *self)
{
	((struct quick *)self)->n_told++;
}

static void quick_health(void *self, struct lucius_op op)
{
	struct quick *one = self;
	const struct lucius_text missing = { "topic 'x'", 9 };
	one->host->give(one->host, op, &missing);
	one->host->finish(one->host, op, LUCIUS_UNAVAILABLE, "a topic is missing");
}

static void do_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	(void)command;
	end(self, op);
}

static void do_text(void *self, struct lucius_text text, struct lucius_op op)
{
	(void)text;
	end(self, op);
}

static void do_job(void *self, const struct lucius_job *job, struct lucius_op op)
{
	(void)job;
	end(self, op);
}

static void do_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	(void)limit;
	do_text(self, cursor, op);
}

static void do_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	(void)repair;
	end(self, op);
}

static void do_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	(void)ownership;
	end(self, op);
}

static char seen_tenant[16];
static void do_list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	(void)snprintf(seen_tenant, sizeof(seen_tenant), "%s", listing->tenant_id.data);
	end(self, op);
}

static void storage_info_of(void *self, struct lucius_storage_info *info)
{
	(void)info;
	((struct quick *)self)->n_told++;
}

static void do_publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	(void)message;
	do_text(self, topic, op);
}

static void do_subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	(void)subscription;
	end(self, op);
}

static void do_settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	(void)settlement;
	end(self, op);
}

static void do_unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	(void)subscription;
	end(self, op);
}

static void do_provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	(void)topology;
	end(self, op);
}

static void do_expect(void *self, const struct lucius_topology *topology)
{
	(void)topology;
	((struct quick *)self)->n_told++;
}

static void bus_info_of(void *self, struct lucius_bus_info *info)
{
	(void)info;
	((struct quick *)self)->n_told++;
}

static void do_start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	(void)run;
	end(self, op);
}

static void do_signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	(void)signal;
	end(self, op);
}

static void do_cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	(void)request_id;
	do_text(self, workflow_id, op);
}

static void do_work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	(void)definition;
	end(self, op);
}

static void workflow_info_of(void *self, struct lucius_workflow_info *info)
{
	(void)info;
	((struct quick *)self)->n_told++;
}

static void do_keep(void *self, const struct lucius_text *keys, uint64_t n_keys)
{
	(void)keys;
	((struct quick *)self)->n_told += (unsigned)n_keys;
}

static struct lucius_life life;
static struct lucius_storage storage;
static struct lucius_bus bus;
static struct lucius_workflow workflow;
static struct lucius_config config;

static void fill_tables(void)
{
	life = (struct lucius_life){ .size = sizeof(life),
		.instance_size = sizeof(struct quick),
		.create = quick_create,
		.start = end,
		.listen = end,
		.stop = end,
		.health = quick_health,
		.reconfigure = quick_reconfigure };
	storage = (struct lucius_storage){ sizeof(storage), storage_info_of, do_create, do_text,
		do_job, do_job, do_scan, do_repair, do_own, do_list, do_text };
	bus = (struct lucius_bus){ sizeof(bus), bus_info_of, do_publish, do_subscribe, do_settle,
		do_unsubscribe, do_provision, do_expect };
	workflow = (struct lucius_workflow){ sizeof(workflow), workflow_info_of, do_start,
		do_signal, do_cancel, do_text, do_work };
	config = (struct lucius_config){ sizeof(config), end, end, do_keep };
}

/* What may be left out is: by a size that ends before it, or as a member that is NULL. */
static void cut_tables(bool is_short)
{
	if (is_short) {
		life.size = offsetof(struct lucius_life, start);
		storage.size = offsetof(struct lucius_storage, list);
		bus.size = offsetof(struct lucius_bus, provision);
		config.size = offsetof(struct lucius_config, watch);
		return;
	}
	life = (struct lucius_life){
		.size = sizeof(life), .instance_size = sizeof(struct quick), .create = quick_create
	};
	storage.info = NULL;
	storage.list = NULL;
	storage.events = NULL;
	bus.info = NULL;
	bus.provision = NULL;
	bus.expect = NULL;
	workflow.info = NULL;
	config.watch = NULL;
	config.keep = NULL;
}

static struct loop *loop;
static struct backend *backend;
static unsigned n_done;
static unsigned n_items;
static uint32_t last_status;
static char last_sentence[128];

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	n_done++;
	last_status = status;
	(void)snprintf(
	        last_sentence, sizeof(last_sentence), "%s", sentence != NULL ? sentence : "");
}

static void on_item(void *user, const void *item)
{
	(void)user;
	(void)item;
	n_items++;
}

static void begin(uint32_t kind)
{
	static struct lucius_plugin plugin;
	char error[128] = "";
	plugin = (struct lucius_plugin){ .prefix = LUCIUS_PREFIX(kind, "quick"),
		.life = &life,
		.storage = &storage,
		.bus = &bus,
		.workflow = &workflow,
		.config = &config };
	loop = loop_create_simulated(1, 0);
	const struct backend_parts parts = { .loop = loop, .plugin = &plugin };
	backend = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	CHECK_TEXT(backend_name(backend), "quick");
	n_done = 0;
	n_items = 0;
}

static void finish(void)
{
	CHECK_INT(backend_destroy(backend), 0);
	loop_destroy(loop);
}

static const struct op_caller caller = { .on_item = on_item, .on_done = on_done };
static const struct lucius_text word = { "t1", 2 };

static void ask_create(void)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	storage_create(backend, &arena,
	        &(struct lucius_command){ .size = sizeof(struct lucius_command) }, &caller);
}

static void ask_load(void)
{
	storage_load(backend, word, &caller);
}

static void ask_save(void)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	storage_save(backend, &arena, &(struct lucius_job){ .size = sizeof(struct lucius_job) },
	        &caller);
}

static void ask_release(void)
{
	storage_release(
	        backend, &(struct lucius_job){ .size = sizeof(struct lucius_job) }, &caller);
}

static void ask_scan(void)
{
	storage_scan(backend, word, 5, &caller);
}

static void ask_repair(void)
{
	storage_repair(
	        backend, &(struct lucius_repair){ .size = sizeof(struct lucius_repair) }, &caller);
}

static void ask_own(void)
{
	storage_own(backend, &(struct lucius_ownership){ .size = sizeof(struct lucius_ownership) },
	        &caller);
}

static void ask_list(void)
{
	const struct lucius_listing listing = { .size = sizeof(listing), .tenant_id = word };
	storage_list(backend, &listing, &caller);
}

static void ask_events(void)
{
	storage_events(backend, word, &caller);
}

static void ask_publish(void)
{
	bus_publish(backend, word,
	        &(struct lucius_message){ .size = sizeof(struct lucius_message) }, &caller);
}

static void ask_subscribe(void)
{
	const struct lucius_subscription subscription = { .size = sizeof(subscription) };
	bus_subscribe(backend, &subscription, &caller);
}

static void ask_settle(void)
{
	const struct lucius_settlement settlement = { .size = sizeof(settlement) };
	bus_settle(backend, &settlement, &caller);
}

static void ask_unsubscribe(void)
{
	bus_unsubscribe(backend, (struct lucius_op){ 0 }, &caller);
}

static void ask_provision(void)
{
	bus_provision(backend, &(struct lucius_topology){ .size = sizeof(struct lucius_topology) },
	        &caller);
}

static void ask_start(void)
{
	workflow_start(backend, &(struct lucius_run){ .size = sizeof(struct lucius_run) }, &caller);
}

static void ask_signal(void)
{
	workflow_signal(
	        backend, &(struct lucius_signal){ .size = sizeof(struct lucius_signal) }, &caller);
}

static void ask_cancel(void)
{
	workflow_cancel(backend, word, word, &caller);
}

static void ask_describe(void)
{
	workflow_describe(backend, word, &caller);
}

static void ask_work(void)
{
	workflow_work(backend, NULL, &caller);
}

static void ask_config_load(void)
{
	config_load(backend, &caller);
}

static void ask_watch(void)
{
	config_watch(backend, &caller);
}

static const struct {
	uint32_t kind;
	bool is_optional;
	void (*ask)(void);
} operations[] = {
	{ LUCIUS_KIND_STORAGE, false, ask_create },
	{ LUCIUS_KIND_STORAGE, false, ask_load },
	{ LUCIUS_KIND_STORAGE, false, ask_save },
	{ LUCIUS_KIND_STORAGE, false, ask_release },
	{ LUCIUS_KIND_STORAGE, false, ask_scan },
	{ LUCIUS_KIND_STORAGE, false, ask_repair },
	{ LUCIUS_KIND_STORAGE, false, ask_own },
	{ LUCIUS_KIND_STORAGE, true, ask_list },
	{ LUCIUS_KIND_STORAGE, true, ask_events },
	{ LUCIUS_KIND_BUS, false, ask_publish },
	{ LUCIUS_KIND_BUS, false, ask_subscribe },
	{ LUCIUS_KIND_BUS, false, ask_settle },
	{ LUCIUS_KIND_BUS, false, ask_unsubscribe },
	{ LUCIUS_KIND_BUS, true, ask_provision },
	{ LUCIUS_KIND_WORKFLOW, false, ask_start },
	{ LUCIUS_KIND_WORKFLOW, false, ask_signal },
	{ LUCIUS_KIND_WORKFLOW, false, ask_cancel },
	{ LUCIUS_KIND_WORKFLOW, false, ask_describe },
	{ LUCIUS_KIND_WORKFLOW, false, ask_work },
	{ LUCIUS_KIND_CONFIG, false, ask_config_load },
	{ LUCIUS_KIND_CONFIG, true, ask_watch },
};
enum { N_OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static void ask_each(bool has_optional)
{
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		bool is_there = has_optional || !operations[i].is_optional;
		begin(operations[i].kind);
		operations[i].ask();
		loop_advance(loop, 0);
		CHECK_INT(n_done, 1);
		CHECK_INT(last_status, is_there ? LUCIUS_OK : LUCIUS_UNSUPPORTED);
		CHECK_INT(quick->n_asked, is_there ? 1 : 0);
		finish();
	}
}

static void every_operation_reaches_a_plugin_that_has_it_all(void)
{
	fill_tables();
	ask_each(true);
	CHECK_TEXT(seen_tenant, "t1");
}

static void what_may_be_left_out_is_unsupported_and_the_rest_is_asked(void)
{
	fill_tables();
	cut_tables(true);
	ask_each(false);
	fill_tables();
	cut_tables(false);
	ask_each(false);
}

static void a_backend_that_stops_is_not_asked_anything(void)
{
	fill_tables();
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		begin(operations[i].kind);
		backend_stop(backend, &caller);
		loop_advance(loop, 0);
		CHECK_INT(last_status, LUCIUS_OK);
		operations[i].ask();
		loop_advance(loop, 0);
		CHECK_INT(n_done, 2);
		CHECK_INT(last_status, LUCIUS_UNAVAILABLE);
		CHECK_INT(quick->n_asked, 1);
		finish();
	}
}

/* What is said of the backend or to it, and needs no answer. */
static void tell(unsigned n_told)
{
	begin(LUCIUS_KIND_STORAGE);
	CHECK_INT(storage_info(backend).traits, 0);
	CHECK_INT(storage_has_list(backend), n_told != 0);
	backend_reconfigure(backend);
	CHECK_INT(quick->n_told, n_told != 0 ? 2 : 0);
	finish();
	begin(LUCIUS_KIND_BUS);
	CHECK_INT(bus_info(backend).traits, 0);
	bus_expect(backend, &(struct lucius_topology){ .size = sizeof(struct lucius_topology) });
	CHECK_INT(quick->n_told, n_told != 0 ? 2 : 0);
	finish();
	begin(LUCIUS_KIND_WORKFLOW);
	CHECK_INT(workflow_info(backend).traits, 0);
	CHECK_INT(quick->n_told, n_told != 0 ? 1 : 0);
	finish();
	begin(LUCIUS_KIND_CONFIG);
	config_keep(backend, &word, 1);
	CHECK_INT(quick->n_told, n_told != 0 ? 1 : 0);
	finish();
}

static void what_is_told_reaches_a_plugin_that_wants_to_hear_it(void)
{
	fill_tables();
	tell(1);
	cut_tables(false);
	tell(0);
	fill_tables();
	cut_tables(true);
	/* Cut before them, so that a size of another time leaves them out as well. */
	storage.size = offsetof(struct lucius_storage, info);
	bus.size = offsetof(struct lucius_bus, info);
	workflow.size = offsetof(struct lucius_workflow, info);
	tell(0);
}

static void run_life(uint32_t health, unsigned n_missing)
{
	begin(LUCIUS_KIND_BUS);
	backend_start(backend, &caller);
	backend_listen(backend, &caller);
	backend_health(backend, &caller);
	loop_advance(loop, 0);
	CHECK_INT(n_done, 3);
	CHECK_INT(last_status, health);
	CHECK_INT(n_items, n_missing);
	backend_stop(backend, &caller);
	loop_advance(loop, 0);
	CHECK_INT(last_status, LUCIUS_OK);
	finish();
}

static void a_life_without_stages_goes_well_and_health_says_what_is_missing(void)
{
	fill_tables();
	run_life(LUCIUS_UNAVAILABLE, 1);
	CHECK_TEXT(last_sentence, "");
	cut_tables(true);
	run_life(LUCIUS_OK, 0);
	cut_tables(false);
	run_life(LUCIUS_OK, 0);
}

/* One instance, none, or a state of nothing: create and destroy may be left out as well. */
static void a_plugin_needs_neither_create_nor_destroy(void)
{
	char error[128] = "";
	const struct lucius_life nothing = { .size = sizeof(nothing), .instance_size = 0 };
	const struct lucius_life cut = { .size = offsetof(struct lucius_life, create) };
	const struct lucius_life *const lives[] = { &nothing, &cut };
	fill_tables();
	for (size_t i = 0; i < 2; i++) {
		const struct lucius_plugin plugin = { .prefix = LUCIUS_PREFIX(
			                                      LUCIUS_KIND_BUS, "bare"),
			.life = lives[i],
			.bus = &bus };
		loop = loop_create_simulated(1, 0);
		const struct backend_parts parts = { .loop = loop, .plugin = &plugin };
		backend = backend_create(&parts, error, sizeof(error));
		CHECK(backend != NULL);
		CHECK_INT(backend_destroy(backend), 0);
		loop_destroy(loop);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(every_operation_reaches_a_plugin_that_has_it_all),
		SUITE_TEST(what_may_be_left_out_is_unsupported_and_the_rest_is_asked),
		SUITE_TEST(a_backend_that_stops_is_not_asked_anything),
		SUITE_TEST(what_is_told_reaches_a_plugin_that_wants_to_hear_it),
		SUITE_TEST(a_life_without_stages_goes_well_and_health_says_what_is_missing),
		SUITE_TEST(a_plugin_needs_neither_create_nor_destroy),
	};
	return suite_run("backend_kinds", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

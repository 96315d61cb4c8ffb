/* SPDX-License-Identifier: MIT */
/*
 * A plugin of any kind that logs the stages of its life, and lets an option of each stage say how
 * it ends. As a config source it reads a file of
 * `key=value` lines and watches it.
 */
#include <lucius/bus.h>
#include <lucius/config.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WATCH_EVERY_MS = 10 };

struct stage_options {
	const char *start;
	const char *listen;
	const char *stop;
	const char *word;
	const char *file;
};

struct stage {
	const struct lucius_host *host;
	const struct stage_options *options;
	struct lucius_op watch;
	struct lucius_timer *timer;
	char seen[256]; /* of the file */
};

static void say(const struct stage *stage, const char *what)
{
	char event[64];
	(void)snprintf(event, sizeof(event), "stage.%s", what);
	lucius_log(stage->host, LUCIUS_LOG_INFO, event, stage->options->word);
}

static void end(struct stage *stage, struct lucius_op op, const char *how)
{
	if (strcmp(how, "never") == 0) {
		return;
	}
	uint32_t status = strcmp(how, "ok") == 0 ? LUCIUS_OK
	        : strcmp(how, "internal") == 0   ? LUCIUS_INTERNAL
	        : strcmp(how, "denied") == 0     ? LUCIUS_DENIED
	        : strcmp(how, "foreign") == 0    ? LUCIUS_UNSUPPORTED
	                                         : LUCIUS_UNAVAILABLE;
	stage->host->finish(
	        stage->host, op, status, status != LUCIUS_OK ? "as the option says" : NULL);
}

static uint32_t stage_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct stage *stage = self;
	stage->host = host;
	stage->options = host->options;
	say(stage, "create");
	if (strcmp(stage->options->word, "wrong") == 0) {
		(void)snprintf(error, error_size, "the word is wrong");
		return LUCIUS_DENIED;
	}
	return LUCIUS_OK;
}

static void stage_start(void *self, struct lucius_op op)
{
	struct stage *stage = self;
	say(stage, "start");
	end(stage, op, stage->options->start);
}

static void stage_listen(void *self, struct lucius_op op)
{
	struct stage *stage = self;
	say(stage, "listen");
	end(stage, op, stage->options->listen);
}

static void stage_stop(void *self, struct lucius_op op)
{
	struct stage *stage = self;
	say(stage, "stop");
	if (stage->watch.id != 0) {
		stage->host->timer_stop(stage->host, stage->timer);
		lucius_finish(stage->host, stage->watch);
	}
	end(stage, op, stage->options->stop);
}

static void stage_destroy(void *self)
{
	say(self, "destroy");
}

static void stage_reconfigure(void *self)
{
	say(self, "reconfigure");
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct stage),
	.create = stage_create,
	.start = stage_start,
	.listen = stage_listen,
	.stop = stage_stop,
	.destroy = stage_destroy,
	.reconfigure = stage_reconfigure,
};

static void refuse(void *self, struct lucius_op op)
{
	const struct lucius_host *host = ((struct stage *)self)->host;
	host->finish(host, op, LUCIUS_UNSUPPORTED, "a stage has no operations");
}

#if STAGE_KIND == LUCIUS_KIND_STORAGE
static void one_argument(void *self, const void *argument, struct lucius_op op)
{
	(void)argument;
	refuse(self, op);
}

static void do_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	one_argument(self, command, op);
}

static void do_load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	one_argument(self, job_id.data, op);
}

static void do_save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	one_argument(self, job, op);
}

static void do_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	(void)limit;
	one_argument(self, cursor.data, op);
}

static void do_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	one_argument(self, repair, op);
}

static void do_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	one_argument(self, ownership, op);
}

static const struct lucius_storage table = { sizeof(table), NULL, do_create, do_load, do_save,
	do_save, do_scan, do_repair, do_own, NULL, NULL };
#define TABLE .storage = &table
#elif STAGE_KIND == LUCIUS_KIND_BUS
static void do_publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	(void)topic;
	(void)message;
	refuse(self, op);
}

static void do_subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	(void)subscription;
	refuse(self, op);
}

static void do_settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	(void)settlement;
	refuse(self, op);
}

static void do_unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	(void)subscription;
	refuse(self, op);
}

static void do_provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	struct stage *stage = self;
	char sentence[128];
	(void)snprintf(sentence, sizeof(sentence), "%u topics from %s to %s, %u subscriptions %s",
	        (unsigned)topology->n_topics, topology->topics[0].data,
	        topology->topics[topology->n_topics - 1].data, (unsigned)topology->n_subscriptions,
	        topology->subscriptions[0]->name.data);
	lucius_log(stage->host, LUCIUS_LOG_INFO, "stage.provision", sentence);
	lucius_finish(stage->host, op);
}

static const struct lucius_bus table = { sizeof(table), NULL, do_publish, do_subscribe, do_settle,
	do_unsubscribe, do_provision };
#define TABLE .bus = &table
#elif STAGE_KIND == LUCIUS_KIND_WORKFLOW
static void do_start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	(void)run;
	refuse(self, op);
}

static void do_signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	(void)signal;
	refuse(self, op);
}

static void do_cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	(void)workflow_id;
	(void)request_id;
	refuse(self, op);
}

static void do_describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	(void)workflow_id;
	refuse(self, op);
}

static void do_work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	(void)definition;
	refuse(self, op);
}

static const struct lucius_workflow table = { sizeof(table), NULL, do_start, do_signal, do_cancel,
	do_describe, do_work };
#define TABLE .workflow = &table
#else
static void read_file(const struct stage *stage, char *text, size_t size)
{
	FILE *file = fopen(stage->options->file != NULL ? stage->options->file : "", "re");
	size_t n = file != NULL ? fread(text, 1, size - 1, file) : 0;
	text[n] = '\0';
	if (file != NULL) {
		(void)fclose(file);
	}
}

static void do_load(void *self, struct lucius_op op)
{
	struct stage *stage = self;
	char text[256];
	read_file(stage, stage->seen, sizeof(stage->seen));
	memcpy(text, stage->seen, sizeof(text));
	if (text[0] == '\0') {
		refuse(self, op);
		return;
	}
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	        line = strtok_r(NULL, "\n", &rest)) {
		char *equals = strchr(line, '=');
		if (equals != NULL) {
			const struct lucius_setting setting = { .size = sizeof(setting),
				.key = { line, (size_t)(equals - line) },
				.value = { equals + 1, strlen(equals + 1) } };
			stage->host->give(stage->host, op, &setting);
		}
	}
	lucius_finish(stage->host, op);
}

static void on_look(void *user)
{
	struct stage *stage = user;
	char text[256];
	read_file(stage, text, sizeof(text));
	if (text[0] != '\0' && strcmp(text, stage->seen) != 0) {
		const struct lucius_setting hint = { .size = sizeof(hint) };
		memcpy(stage->seen, text, sizeof(text));
		stage->host->give(stage->host, stage->watch, &hint);
	}
	stage->timer = stage->host->timer_start(stage->host, WATCH_EVERY_MS, on_look, stage);
}

static void do_watch(void *self, struct lucius_op op)
{
	struct stage *stage = self;
	stage->watch = op;
	stage->timer = stage->host->timer_start(stage->host, WATCH_EVERY_MS, on_look, stage);
}

static const struct lucius_config table = { sizeof(table), do_load, do_watch };
#define TABLE .config = &table
#endif

#define STAGE_ROW(suffix, value, its_member, its_flags)                                      \
	{                                                                                    \
		.name = STAGE_NAME "-" suffix, .default_value = value,                       \
		.summary = "How a stage ends, or what it says.", .type = LUCIUS_OPTION_TEXT, \
		.flags = its_flags, .offset = offsetof(struct stage_options, its_member),    \
		.member_size = sizeof(const char *)                                          \
	}

static const struct lucius_option rows[] = {
	STAGE_ROW("start", "ok", start, 0),
	STAGE_ROW("listen", "ok", listen, 0),
	STAGE_ROW("stop", "ok", stop, 0),
	STAGE_ROW("word", "hello", word, LUCIUS_OPTION_LIVE),
	STAGE_ROW("file", NULL, file, 0),
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(STAGE_KIND, "stage"),
	.version = "1",
	.summary = "Logs its life.",
	.life = &life,
	.options = rows,
	.n_options = sizeof(rows) / sizeof(rows[0]),
	.option_size = sizeof(rows[0]),
	.options_size = sizeof(struct stage_options),
	TABLE,
};

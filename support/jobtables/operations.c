/* SPDX-License-Identifier: MIT */
/* The border to the daemon: each operation is refused while the service is away, else begins. */
#include "support/jobtables/operations.h"

#include "support/base/memory_host.h"
#include "support/jobtables/backend.h"
#include "support/jobtables/create.h"
#include "support/jobtables/load.h"
#include "support/jobtables/own.h"
#include "support/jobtables/release.h"
#include "support/jobtables/repair.h"
#include "support/jobtables/save.h"

#define OWNER_MAX 255 /* bytes */

/* A ledger has all its rows in one table. */
static struct layout layout_of(const struct jobtables_options *options)
{
	bool is_ledger = options->steps == NULL;
	return (struct layout){
		.is_ledger = is_ledger,
		.jobs = options->jobs,
		.steps = is_ledger ? options->jobs : options->steps,
		.claims = is_ledger ? options->jobs : options->claims,
		.index = is_ledger ? options->jobs : options->index,
		.slots = is_ledger ? options->jobs : options->slots,
	};
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	const struct jobtables_options *options = host->options;
	struct jobtables_settings settings = {
		.connection = options->connection,
		.ca_file = options->ca_file,
		.max_connections = (uint32_t)options->max_connections,
		.layout = layout_of(options),
	};
	memory_use_host(host);
	return jobtables_create(self, host, &settings, error, error_size);
}

static void start(void *self, struct lucius_op op)
{
	jobtables_start(self, op);
}

static void stop(void *self, struct lucius_op op)
{
	jobtables_stop(self, op);
}

static void destroy(void *self)
{
	jobtables_destroy(self);
}

static void health(void *self, struct lucius_op op)
{
	jobtables_health(self, op);
}

const struct lucius_life jobtables_life = {
	.size = sizeof(jobtables_life),
	.instance_size = sizeof(struct jobtables),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

void operation_info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	if (info->size >= offsetof(struct lucius_storage_info, traits) + sizeof(info->traits)) {
		info->traits = LUCIUS_STORAGE_SHARED | LUCIUS_STORAGE_DURABLE;
	}
}

void operation_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		create_start(self, command, op);
	}
}

void operation_load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		load_start(self, job_id, op);
	}
}

void operation_save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		save_start(self, job, op);
	}
}

void operation_release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		release_start(self, job, op);
	}
}

void operation_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		scan_start(self, cursor, limit, op);
	}
}

void operation_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		repair_start(self, repair, op);
	}
}

void operation_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	struct jobtables *backend = self;
	if (backend->is_stopping) {
		(void)backend_accepts(backend, op);
	} else if (ownership->owner.size > OWNER_MAX) {
		lucius_fail(backend->host, op, LUCIUS_INTERNAL,
		        "The owner of a name is longer than 255 bytes.");
	} else {
		/* While the service is away the claimant waits: that is what own is for. */
		ownership_ask(backend, ownership, op);
	}
}

void operation_list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		list_start(self, listing, op);
	}
}

void operation_events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	if (backend_accepts(self, op)) {
		events_start(self, job_id, op);
	}
}

/* SPDX-License-Identifier: MIT */
/* What lucius-consumer is told: command line and environment. */
#ifndef CONSUMERS_RUNTIME_OPTIONS_H
#define CONSUMERS_RUNTIME_OPTIONS_H

#include "consumers/common/fault.h"
#include "consumers/runtime/log.h"
#include "consumers/runtime/topics.h"
#include "support/azure/connection_string.h"

#include <stdint.h>

struct options {
	struct azure_servicebus connection; /* owned */
	struct topic_list topics; /* owned */
	const char *subscription;
	const char *reply_prefix;
	const char *ca_file; /* may be NULL */
	const char *step_types; /* comma list, may be NULL: all */
	const char *const *handler; /* argv, NULL-terminated; NULL for the noop handler */
	uint32_t concurrency; /* handlers at a time; for noop: messages a topic */
	uint32_t max_deliveries;
	int64_t usual_lease_seconds; /* of a directive that names no lease_expires_at */
	enum log_level log_level;
	enum log_format log_format;
	bool is_help;
	bool is_version;
};

/*
 * Reads both; texts are borrowed from them. The connection variables are taken out of the
 * environment, so that no handler inherits them. Returns 0, or EX_CONFIG or EX_USAGE with the
 * fault. To be given to options_finish either way.
 */
int options_read(int argc, char **argv, struct fault *fault, struct options *ret_options);

void options_finish(struct options *options);

extern const char options_help[];

/* Says whether a directive of this type is to be handled. */
bool options_has_step_type(const struct options *options, const char *step_type);

#endif

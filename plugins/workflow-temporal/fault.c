/* SPDX-License-Identifier: MIT */
/*
 * What Temporal's errors mean: the status code, and where that says too little the type of the
 * details. NOT_FOUND above all must not be mistaken: an unknown namespace is no unknown run.
 */
#include <string.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/pool.h"
#include "support/base/cleanup.h"

#define DETAILS_PREFIX "type.googleapis.com/temporal.api.errordetails.v1."

/* The answer's first detail is of that type. */
static bool has_details(const struct grpc_answer *answer, const char *type)
{
	CLEANUP(pool_finish) struct pool pool = { 0 };
	if (answer->details_size == 0) {
		return false;
	}
	const Wire__Status *status = pool_unpack(
	        &pool, &wire__status__descriptor, answer->details, answer->details_size);
	if (status == NULL || status->n_details == 0) {
		return false;
	}
	const char *url = status->details[0]->type_url;
	size_t prefix = sizeof(DETAILS_PREFIX) - 1;
	return strncmp(url, DETAILS_PREFIX, prefix) == 0 && strcmp(url + prefix, type) == 0;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static enum fault not_found(const struct grpc_answer *answer)
{
	if (has_details(answer, "NamespaceNotFoundFailure") ||
	        begins_with(answer->sentence, "Namespace ")) {
		return FAULT_SETUP;
	}
	/* Whoever else may answer so on the way, a proxy, says nothing of a run. */
	bool is_of_run = answer->details_size == 0 || has_details(answer, "NotFoundFailure");
	return is_of_run ? FAULT_ENDED : FAULT_PASSING;
}

static bool is_too_large(const struct grpc_answer *answer)
{
	return begins_with(answer->sentence, "grpc: received message larger than max") ||
	        begins_with(answer->sentence, "grpc: trying to send message larger than max") ||
	        begins_with(answer->sentence, "grpc: message after decompression") ||
	        begins_with(answer->sentence, "grpc: received message after decompression");
}

enum fault fault_of(const struct grpc_answer *answer)
{
	switch (answer->status) {
	case GRPC_OK:
		return FAULT_NONE;
	case GRPC_NOT_FOUND:
		return not_found(answer);
	case GRPC_ALREADY_EXISTS:
		return FAULT_EXISTS;
	case GRPC_PERMISSION_DENIED:
	case GRPC_UNAUTHENTICATED:
		return FAULT_DENIED;
	case GRPC_RESOURCE_EXHAUSTED:
		return is_too_large(answer) ? FAULT_TOO_LARGE : FAULT_PASSING;
	case GRPC_INVALID_ARGUMENT:
		return strstr(answer->sentence, "exceeds size limit") != NULL ||
		                strstr(answer->sentence, "size exceeds limit") != NULL
		        ? FAULT_TOO_LARGE
		        : FAULT_REFUSED;
	case GRPC_FAILED_PRECONDITION:
	case GRPC_UNIMPLEMENTED:
		return FAULT_SETUP;
	case GRPC_OUT_OF_RANGE:
	case GRPC_DATA_LOSS:
		return FAULT_REFUSED;
	case GRPC_CANCELLED:
	case GRPC_UNKNOWN:
	case GRPC_DEADLINE_EXCEEDED:
	case GRPC_ABORTED:
	case GRPC_INTERNAL:
	case GRPC_UNAVAILABLE:
		break;
	}
	return FAULT_PASSING;
}

uint32_t fault_status(enum fault fault, bool is_sent)
{
	switch (fault) {
	case FAULT_NONE:
		return LUCIUS_OK;
	case FAULT_PASSING:
		return is_sent ? LUCIUS_UNKNOWN : LUCIUS_UNAVAILABLE;
	case FAULT_ENDED:
		return LUCIUS_NOT_FOUND;
	case FAULT_EXISTS:
		return LUCIUS_DUPLICATE;
	case FAULT_SETUP:
	case FAULT_DENIED:
		/* A person can cure it, and until then nothing is lost. */
		return LUCIUS_UNAVAILABLE;
	case FAULT_TOO_LARGE:
		return LUCIUS_TOO_LARGE;
	case FAULT_REFUSED:
		break;
	}
	return LUCIUS_DENIED;
}

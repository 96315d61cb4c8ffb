/* SPDX-License-Identifier: MIT */
/*
 * Whatever a Temporal server, or somebody in its place, may answer. The first byte chooses the
 * message, the rest are its bytes. What was unpacked must be packable.
 */
#include <stdlib.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/pool.h"
#include "support/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const descriptors[] = {
	&wire__workflow_task__descriptor,
	&wire__activity_task__descriptor,
	&wire__get_history_response__descriptor,
	&wire__describe_response__descriptor,
	&wire__describe_namespace_response__descriptor,
	&wire__list_search_attributes_response__descriptor,
	&wire__status__descriptor,
	&wire__failure__descriptor,
	&wire__payloads__descriptor,
	&wire__workflow_task_completed_response__descriptor,
};
#define N_DESCRIPTORS (sizeof(descriptors) / sizeof(descriptors[0]))

static void check_details(const uint8_t *bytes, size_t size)
{
	static const enum grpc_status statuses[] = { GRPC_NOT_FOUND, GRPC_ALREADY_EXISTS,
		GRPC_RESOURCE_EXHAUSTED };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		const struct grpc_answer answer = {
			.status = statuses[i],
			.sentence = "",
			.details = bytes,
			.details_size = size,
		};
		if (fault_of(&answer) == FAULT_NONE) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	CLEANUP(pool_finish) struct pool pool = { 0 };
	if (size == 0) {
		return 0;
	}
	const ProtobufCMessageDescriptor *descriptor = descriptors[bytes[0] % N_DESCRIPTORS];
	const ProtobufCMessage *message = pool_unpack(&pool, descriptor, bytes + 1, size - 1);
	if (message != NULL) {
		size_t packed_size;
		uint8_t *packed CLEANUP_FREE = message_pack(message, &packed_size);
		if (protobuf_c_message_check(message) == 0) {
			abort();
		}
	}
	if (message != NULL && descriptor == &wire__payloads__descriptor) {
		struct lucius_text text;
		(void)payload_read((const Wire__Payloads *)message, &text);
	}
	check_details(bytes + 1, size - 1);
	return 0;
}

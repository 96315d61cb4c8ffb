/* SPDX-License-Identifier: MIT */
/* Tokens: whatever type a client calls them by, they are shared access signatures here. */
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/amqp/request.h"
#include "plugins/bus-local/bus.h"
#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_TOKEN_SIZE 65536

static void refuse(const struct request *request, int32_t status, const char *description)
{
	struct reply reply = { .status = status, .description = description };
	peer_log(request->link->peer, LUCIUS_LOG_WARNING, "bus.denied", description);
	request_reply(request, &reply);
}

/* True: the token is good for the audience. */
static bool verify(const struct request *request, const char *audience, int64_t *ret_expires_s)
{
	const struct peer *peer = request->link->peer;
	struct azure_sas_rule rule = {
		.key_name = BUS_KEY_NAME,
		.key = peer->bus->key,
		.audience = audience,
		.now = peer_now_s(peer),
	};
	enum azure_sas_result result = azure_sas_verify((const char *)request->body.bytes.start,
	        request->body.bytes.size, &rule, ret_expires_s);
	if (result != AZURE_SAS_GOOD) {
		refuse(request, 401, azure_sas_sentence(result));
	}
	return result == AZURE_SAS_GOOD;
}

static void put_token(const struct request *request, const char *audience)
{
	struct peer *peer = request->link->peer;
	int64_t expires_s = 0;
	if (!verify(request, audience, &expires_s)) {
		return;
	}
	if (!grants_add(&peer->grants, audience, expires_s)) {
		refuse(request, 403, "this connection has put as many tokens as it may");
		return;
	}
	peer_watch_grants(peer);
	request_reply(request, &(struct reply){ .status = 202, .description = "Accepted" });
}

void cbs_answer(const struct request *request)
{
	struct amqp_value name;
	if (!amqp_bytes_is(request->operation, "put-token")) {
		refuse(request, 501, "the operation must be put-token");
		return;
	}
	if (!amqp_map_find(&request->properties, "name", &name) || name.type != AMQP_STRING ||
	        name.bytes.size > 4096) {
		refuse(request, 400, "the request does not name what the token is for");
		return;
	}
	if (request->body.type != AMQP_STRING || request->body.bytes.size > MAX_TOKEN_SIZE) {
		refuse(request, 400, "the body must be a token of at most 65536 bytes");
		return;
	}
	CLEANUP_FREE char *audience = must_copy(name.bytes.start, name.bytes.size);
	put_token(request, audience);
}

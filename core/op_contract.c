/* SPDX-License-Identifier: MIT */
/* The contracts of include/lucius/ as a table. */
#include "core/op_contract.h"

#include <lucius/plugin.h>

#define BIT(status) (1u << (status))
#define FAILURES                                                              \
	(BIT(LUCIUS_UNAVAILABLE) | BIT(LUCIUS_UNKNOWN) | BIT(LUCIUS_DENIED) | \
	        BIT(LUCIUS_UNSUPPORTED) | BIT(LUCIUS_INTERNAL))
#define DONE (BIT(LUCIUS_OK) | FAILURES)

enum { N_KINDS = 5, N_PLACES = 10 };

static const struct op_contract contracts[N_KINDS][N_PLACES] = {
	[0] = {
		[1] = { "start", DONE, false, NULL },
		[2] = { "listen", DONE, false, NULL },
		[3] = { "stop", DONE, false, NULL },
		[4] = { "health", DONE, false, copy_text_item },
	},
	[LUCIUS_KIND_STORAGE] = {
		[1] = { "create",
			DONE | BIT(LUCIUS_DUPLICATE) | BIT(LUCIUS_KEY_CONFLICT) |
				BIT(LUCIUS_TENANT_FULL) | BIT(LUCIUS_TOO_LARGE),
			false, copy_job },
		[2] = { "load", DONE | BIT(LUCIUS_NOT_FOUND), false, copy_job },
		[3] = { "save",
			DONE | BIT(LUCIUS_CONFLICT) | BIT(LUCIUS_NOT_FOUND) | BIT(LUCIUS_TOO_LARGE),
			false, copy_job },
		[4] = { "release", DONE, false, NULL },
		[5] = { "scan", DONE, false, copy_found },
		[6] = { "repair", DONE, false, copy_repair_report },
		[7] = { "own", DONE | BIT(LUCIUS_CONFLICT), true, copy_text_item },
		[8] = { "list", DONE | BIT(LUCIUS_CONFLICT), false, copy_found },
		[9] = { "events", DONE | BIT(LUCIUS_NOT_FOUND), false, copy_job_event },
	},
	[LUCIUS_KIND_BUS] = {
		[1] = { "publish",
			DONE | BIT(LUCIUS_DUPLICATE) | BIT(LUCIUS_UNROUTABLE) |
				BIT(LUCIUS_TOO_LARGE),
			false, NULL },
		[2] = { "subscribe", DONE | BIT(LUCIUS_NOT_FOUND), true, copy_delivery },
		[3] = { "settle", DONE | BIT(LUCIUS_LOCK_LOST), false, NULL },
		[4] = { "unsubscribe", DONE, false, NULL },
		[5] = { "provision", DONE, false, NULL },
	},
	[LUCIUS_KIND_WORKFLOW] = {
		[1] = { "start",
		        DONE | BIT(LUCIUS_DUPLICATE) | BIT(LUCIUS_TOO_LARGE),
		        false,
		        NULL },
		[2] = { "signal", DONE | BIT(LUCIUS_NOT_FOUND), false, NULL },
		[3] = { "cancel", DONE | BIT(LUCIUS_NOT_FOUND), false, NULL },
		[4] = { "describe", DONE | BIT(LUCIUS_NOT_FOUND), false, copy_run_state },
		[5] = { "work", DONE, true, NULL },
	},
	[LUCIUS_KIND_CONFIG] = {
		[1] = { "load", DONE, false, copy_setting },
		[2] = { "watch", DONE, true, copy_setting },
	},
};

/* The core's own: whatever an activity ends with reaches the engine. */
static const struct op_contract run = { "run", BIT(LUCIUS_N_STATUSES) - 1, false, copy_text_item };

const struct op_contract *op_contract(uint32_t operation)
{
	uint32_t kind = operation >> 8;
	uint32_t place = operation & 0xff;
	if (operation == LUCIUS_OP_DEFINITION_RUN) {
		return &run;
	}
	if (kind >= N_KINDS || place >= N_PLACES || contracts[kind][place].name == NULL) {
		return NULL;
	}
	return &contracts[kind][place];
}

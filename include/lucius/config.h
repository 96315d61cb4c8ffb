/* SPDX-License-Identifier: MIT */
/* A configuration source: settings by key and label, and a hint when they change. */
#ifndef LUCIUS_CONFIG_H
#define LUCIUS_CONFIG_H

#include <lucius/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lucius_setting {
	uint64_t size;
	struct lucius_text key; /* as the source spells it: "Lucius:MaxAttempts" */
	struct lucius_text label; /* empty: none */
	struct lucius_text value;
	struct lucius_text content_type; /* empty: none */
};

/* UNAVAILABLE, UNKNOWN, DENIED, UNSUPPORTED and INTERNAL may come from each operation. */
struct lucius_config {
	uint64_t size;
	/* OK: has given every lucius_setting, of all pages; of two with one key the later wins. */
	void (*load)(void *self, struct lucius_op op);
	/* Optional, a stream without deadline: gives a lucius_setting (the key may be empty)
	 * whenever something has changed and load would give more than before; a cancel ends it
	 * with OK. */
	void (*watch)(void *self, struct lucius_op op);
};

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* A configuration source: settings by key and label, and a hint when they change. */
#ifndef LUCIUS_CONFIG_H
#define LUCIUS_CONFIG_H

#include <lucius/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LUCIUS_SETTING_SECRET 1u /* from a vault: never to be shown, logged or kept */
#define LUCIUS_SETTING_FAILED 2u /* the source has the key and cannot give its value */

struct lucius_setting {
	uint64_t size;
	struct lucius_text key; /* as the source spells it: "Lucius:MaxAttempts" */
	struct lucius_text label; /* empty: none */
	struct lucius_text value; /* FAILED: why, as a sentence */
	struct lucius_text content_type; /* empty: none */
	uint64_t flags; /* LUCIUS_SETTING_...; 0: an ordinary one */
};

/* UNAVAILABLE, UNKNOWN, DENIED, UNSUPPORTED and INTERNAL may come from each operation. */
struct lucius_config {
	uint64_t size;
	/* OK: has given every lucius_setting, of all pages; of two with one key the later wins.
	 * At the start it may try for as long as it has been told to, a quarter of an hour at most.
	 */
	void (*load)(void *self, struct lucius_op op);
	/* Optional, a stream without deadline: gives a lucius_setting (the key may be empty)
	 * whenever something has changed and load would give more than before; a cancel ends it
	 * with OK. */
	void (*watch)(void *self, struct lucius_op op);
	/* Optional: what the last load gave has been checked and is in force. Keys: those that
	 * belong to options which are no secrets; a source may keep their values for a start
	 * without itself. Borrowed for the call. */
	void (*keep)(void *self, const struct lucius_text *keys, uint64_t n_keys);
};

#ifdef __cplusplus
}
#endif
#endif

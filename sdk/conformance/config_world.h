/* SPDX-License-Identifier: MIT */
/*
 * The world of one test of a configuration source: a host, the plugin, and the store behind it,
 * which the fixture changes. Words of the fixture: `set KEY VALUE`, `remove KEY`, `down`, `up`;
 * each is answered with `ok`. Keys are new in each world, and begin with what the parameter
 * `prefix` says
 * ("Lucius:").
 */
#ifndef SDK_CONFORMANCE_CONFIG_WORLD_H
#define SDK_CONFORMANCE_CONFIG_WORLD_H

#include <lucius/config.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host.h"

struct config_world {
	struct host *host;
	struct instance *instance;
	const struct lucius_config *config;
	char prefix[64]; /* of the keys of this world */
};

/* Loads and starts; skips the test if there is no fixture. */
void config_world_open(struct config_world *world);
/* Stops and destroys. */
void config_world_close(struct config_world *world);
/* Tells the fixture; complains unless it answers `ok`. Key: without the prefix. */
void config_world_set(const struct config_world *world, const char *key, const char *value);
void config_world_remove(const struct config_world *world, const char *key);
void config_world_tell(const char *word);

/* Begin an operation; the answer belongs to the host. Items: struct lucius_setting. */
struct asked *config_ask_load(struct config_world *world);
struct asked *config_ask_watch(struct config_world *world);
/* The value that a load gave for a key of this world, the last one; NULL: none. */
const char *config_value(
        const struct config_world *world, const struct asked *load, const char *key);
/* Loads and compares; NULL: it must not be given. */
#define CONFIG_CHECK(world, key, expected) config_check(__LINE__, world, key, expected)
void config_check(int line, struct config_world *world, const char *key, const char *expected);

#endif

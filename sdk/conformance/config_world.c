/* SPDX-License-Identifier: MIT */
/* Worlds of tests of configuration sources. The clock begins now: stores look at dates. */
#include "sdk/conformance/config_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "sdk/conformance/arena.h"

void config_world_tell(const char *word)
{
	const char *answer = conformance_tell(word);
	if (answer == NULL) {
		conformance_skip("there is no fixture that changes the store (--fixture)");
	}
	CHECK_TEXT(answer, "ok");
}

void config_world_set(const struct config_world *world, const char *key, const char *value)
{
	char line[512];
	(void)snprintf(line, sizeof(line), "set %s%s %s", world->prefix, key, value);
	config_world_tell(line);
}

void config_world_remove(const struct config_world *world, const char *key)
{
	char line[512];
	(void)snprintf(line, sizeof(line), "remove %s%s", world->prefix, key);
	config_world_tell(line);
}

void config_world_open(struct config_world *world)
{
	const struct conformance_run *run = conformance_run();
	const struct instance_spec spec = { run->path, run->kind, run->options, run->n_options };
	const char *prefix = conformance_parameter("prefix");
	uint32_t tag = 0;
	char error[512] = "";
	config_world_tell("up");
	if (getrandom(&tag, sizeof(tag), 0) != (ssize_t)sizeof(tag)) {
		abort();
	}
	*world = (struct config_world){ .host = host_create(
		                                (int64_t)time(NULL) * 1000000, run->is_loud) };
	(void)snprintf(world->prefix, sizeof(world->prefix), "%.32sT%08x",
	        prefix != NULL ? prefix : "Lucius:", (unsigned)tag);
	world->instance = instance_create(world->host, &spec, error, sizeof(error));
	if (world->instance == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	world->config = instance_plugin(world->instance)->config;
	CHECK_STATUS(instance_start(world->instance), LUCIUS_OK);
	CHECK_STATUS(instance_listen(world->instance), LUCIUS_OK);
}

void config_world_close(struct config_world *world)
{
	CHECK_STATUS(instance_stop(world->instance), LUCIUS_OK);
	instance_destroy(world->instance);
	host_destroy(world->host);
}

static void *copy_setting(struct arena *arena, const void *item)
{
	const struct lucius_setting *given = item;
	struct lucius_setting *copy =
	        arena_struct(arena, given, given->size, sizeof(struct lucius_setting));
	copy->key = arena_text(arena, copy->key);
	copy->label = arena_text(arena, copy->label);
	copy->value = arena_text(arena, copy->value);
	copy->content_type = arena_text(arena, copy->content_type);
	return copy;
}

struct asked *config_ask_load(struct config_world *world)
{
	struct asked *asked = asked_begin(world->instance, "load", copy_setting);
	world->config->load(instance_self(world->instance), asked_op(asked));
	return asked;
}

struct asked *config_ask_watch(struct config_world *world)
{
	if (!LUCIUS_HAS(world->config, watch)) {
		conformance_skip("the source has no watch");
	}
	struct asked *asked = asked_begin(world->instance, "watch", copy_setting);
	world->config->watch(instance_self(world->instance), asked_op(asked));
	return asked;
}

const char *config_value(
        const struct config_world *world, const struct asked *load, const char *key)
{
	size_t prefix_size = strlen(world->prefix);
	for (size_t i = asked_n_items(load); i-- > 0;) {
		const struct lucius_setting *setting = asked_item(load, i);
		if (strncmp(setting->key.data, world->prefix, prefix_size) == 0 &&
		        strcmp(setting->key.data + prefix_size, key) == 0) {
			return setting->value.data;
		}
	}
	return NULL;
}

void config_check(int line, struct config_world *world, const char *key, const char *expected)
{
	struct asked *load = config_ask_load(world);
	check_status(__FILE__, line, load, LUCIUS_OK);
	check_text(__FILE__, line, key, config_value(world, load, key), expected);
}

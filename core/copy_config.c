/* SPDX-License-Identifier: MIT */
/* Copies of what include/lucius/config.h names. */
#include "core/copy.h"

#include <lucius/config.h>

void *copy_setting(struct arena *arena, const void *setting)
{
	const struct lucius_setting *given = setting;
	struct lucius_setting *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->key = copy_text(arena, copy->key);
	copy->label = copy_text(arena, copy->label);
	copy->value = copy_text(arena, copy->value);
	copy->content_type = copy_text(arena, copy->content_type);
	return copy;
}

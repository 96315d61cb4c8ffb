/* SPDX-License-Identifier: MIT */
/* Reads the bounds of an OCR run from the environment; see settings.h. */
#include "consumers/handlers/ocr/settings.h"

#include "consumers/common/clock.h"
#include "consumers/common/environment.h"

#include <stddef.h>

struct row {
	const char *name;
	struct environment_range range;
	size_t offset; /* of the int64_t in struct settings */
	int64_t factor;
};

static const struct row rows[] = {
	{ "LUCIUS_OCR_SECONDS", { 600, 1, 86400 }, offsetof(struct settings, deadline_ms), 1000 },
	{ "LUCIUS_OCR_MAX_PAGES", { 200, 1, 10000 }, offsetof(struct settings, max_pages), 1 },
	{ "LUCIUS_OCR_MAX_MEGAPIXELS", { 100, 1, 1000 }, offsetof(struct settings, max_pixels),
	        1000000 },
	{ "LUCIUS_OCR_DPI", { 300, 72, 600 }, offsetof(struct settings, dpi), 1 },
	{ "LUCIUS_OCR_MEMORY_MIB", { 4096, 256, 65536 }, offsetof(struct settings, memory_bytes),
	        INT64_C(1048576) },
};

int settings_read(struct fault *fault, struct settings *ret_settings)
{
	struct settings settings = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = 0;
		int status = environment_number(rows[i].name, &rows[i].range, fault, &value);
		if (status != 0) {
			return status;
		}
		*(int64_t *)(void *)((char *)&settings + rows[i].offset) = value * rows[i].factor;
	}
	settings.deadline_ms += clock_now_ms();
	*ret_settings = settings;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The bounds of one OCR run, set by the operator. */
#ifndef CONSUMERS_HANDLERS_OCR_SETTINGS_H
#define CONSUMERS_HANDLERS_OCR_SETTINGS_H

#include "consumers/common/fault.h"

#include <stdint.h>

struct settings {
	int64_t deadline_ms; /* of clock_now_ms: LUCIUS_OCR_SECONDS after the start */
	int64_t max_pages; /* LUCIUS_OCR_MAX_PAGES */
	int64_t max_pixels; /* of one page: LUCIUS_OCR_MAX_MEGAPIXELS */
	int64_t dpi; /* PDF pages are drawn with: LUCIUS_OCR_DPI */
	int64_t memory_bytes; /* of each program run: LUCIUS_OCR_MEMORY_MIB */
};

/* Returns 0 or EX_CONFIG. */
int settings_read(struct fault *fault, struct settings *ret_settings);

#endif

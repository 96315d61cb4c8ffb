/* SPDX-License-Identifier: MIT */
/* How the items of each operation are copied, for those that a plugin opens on another. */
#include "sdk/conformance/host_private.h"
#include "sdk/conformance/storage_copy.h"

item_copy_fn host_copy_of(uint32_t operation)
{
	switch (operation) {
	case LUCIUS_OP_STORAGE_CREATE:
	case LUCIUS_OP_STORAGE_LOAD:
	case LUCIUS_OP_STORAGE_SAVE:
		return copy_job_item;
	case LUCIUS_OP_STORAGE_SCAN:
	case LUCIUS_OP_STORAGE_LIST:
		return copy_found_item;
	case LUCIUS_OP_STORAGE_REPAIR:
		return copy_report_item;
	case LUCIUS_OP_STORAGE_EVENTS:
		return copy_event_item;
	default:
		return copy_text_item;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * A library that has every public struct in what it exports, so that abidiff can compare the ABI of
 * one set of headers with that of another.
 */
#include <lucius/bus.h>
#include <lucius/config.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>

#define WITNESS(structure)                                           \
	__attribute__((visibility("default")))                       \
	uint64_t witness_##structure(const struct structure *thing); \
	uint64_t witness_##structure(const struct structure *thing)  \
	{                                                            \
		return sizeof(*thing);                               \
	}

/* From these everything else is reached. */
WITNESS(lucius_plugin)
WITNESS(lucius_backend)
WITNESS(lucius_question)
WITNESS(lucius_metric_spec)
WITNESS(lucius_command)
WITNESS(lucius_found)
WITNESS(lucius_repair_report)
WITNESS(lucius_storage_info)
WITNESS(lucius_delivery)
WITNESS(lucius_topology)
WITNESS(lucius_bus_info)
WITNESS(lucius_definition)
WITNESS(lucius_run_state)
WITNESS(lucius_workflow_info)
WITNESS(lucius_setting)

/* SPDX-License-Identifier: MIT */
/* The operations of a bus: opened, arguments copied, handed to the plugin. */
#include "core/copy.h"
#include "core/instance.h"

static const struct lucius_bus *table_of(const struct backend *backend)
{
	return backend->plugin->bus;
}

struct lucius_bus_info bus_info(struct backend *bus)
{
	struct lucius_bus_info info = { .size = sizeof(info) };
	if (LUCIUS_HAS(table_of(bus), info)) {
		table_of(bus)->info(bus->self, &info);
	}
	return info;
}

void bus_expect(struct backend *bus, const struct lucius_topology *topology)
{
	if (LUCIUS_HAS(table_of(bus), expect)) {
		table_of(bus)->expect(bus->self, topology);
	}
}

struct lucius_op bus_publish(struct backend *bus, struct lucius_text topic,
        const struct lucius_message *message, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(bus, LUCIUS_OP_BUS_PUBLISH, true, caller, &handle);
	if (op != NULL) {
		table_of(bus)->publish(bus->self, copy_text(&op->arguments, topic),
		        copy_message(&op->arguments, message), handle);
		backend_left(bus, LUCIUS_OP_BUS_PUBLISH);
	}
	return handle;
}

struct lucius_op bus_subscribe(struct backend *bus, const struct lucius_subscription *subscription,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(bus, LUCIUS_OP_BUS_SUBSCRIBE, true, caller, &handle);
	if (op != NULL) {
		table_of(bus)->subscribe(
		        bus->self, copy_subscription(&op->arguments, subscription), handle);
		backend_left(bus, LUCIUS_OP_BUS_SUBSCRIBE);
	}
	return handle;
}

struct lucius_op bus_settle(struct backend *bus, const struct lucius_settlement *settlement,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(bus, LUCIUS_OP_BUS_SETTLE, true, caller, &handle);
	if (op != NULL) {
		table_of(bus)->settle(
		        bus->self, copy_settlement(&op->arguments, settlement), handle);
		backend_left(bus, LUCIUS_OP_BUS_SETTLE);
	}
	return handle;
}

struct lucius_op bus_unsubscribe(
        struct backend *bus, struct lucius_op subscription, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(bus, LUCIUS_OP_BUS_UNSUBSCRIBE, true, caller, &handle);
	if (op != NULL) {
		table_of(bus)->unsubscribe(bus->self, subscription, handle);
		backend_left(bus, LUCIUS_OP_BUS_UNSUBSCRIBE);
	}
	return handle;
}

struct lucius_op bus_provision(
        struct backend *bus, const struct lucius_topology *topology, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(bus, LUCIUS_OP_BUS_PROVISION,
	        LUCIUS_HAS(table_of(bus), provision), caller, &handle);
	if (op != NULL) {
		table_of(bus)->provision(
		        bus->self, copy_topology(&op->arguments, topology), handle);
		backend_left(bus, LUCIUS_OP_BUS_PROVISION);
	}
	return handle;
}

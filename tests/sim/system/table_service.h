/* SPDX-License-Identifier: MIT */
/* The model of the Table service and the way to it, as the world has them. */
#ifndef TESTS_SIM_SYSTEM_TABLE_SERVICE_H
#define TESTS_SIM_SYSTEM_TABLE_SERVICE_H

#include "tests/sim/system/world.h"

void table_service_start(struct world *world);
void table_service_finish(struct world *world);
/* Clients belong to that world from now on. */
void table_requests_start(struct world *world);
/* Nobody in this process waits any more. */
void table_requests_drop(struct process *process);

#endif

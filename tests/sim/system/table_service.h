/* SPDX-License-Identifier: MIT */
/* The model of the Table service, as the world has it. */
#ifndef TESTS_SIM_SYSTEM_TABLE_SERVICE_H
#define TESTS_SIM_SYSTEM_TABLE_SERVICE_H

#include "tests/sim/system/world.h"

void table_service_start(struct world *world);
void table_service_finish(struct world *world);
/* Nobody in this process waits any more. */
void table_service_drop(struct process *process);

#endif

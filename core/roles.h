/* SPDX-License-Identifier: MIT */
/* The roles of a process (SPEC 1) and which kinds of backend they need. */
#ifndef CORE_ROLES_H
#define CORE_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ROLE_… bits (core/service.h) of "orchestrator, worker"; 0 and a sentence if it is no such list.
 */
uint32_t roles_parse(const char *text, char *error, size_t error_size);
/* Is_in_process: the workflow engine lives in this process, so that a worker needs the storage. */
bool roles_need_storage(uint32_t roles, bool is_in_process);
bool roles_need_bus(uint32_t roles);
bool roles_need_workflow(uint32_t roles);

#endif

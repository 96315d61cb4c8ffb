/* SPDX-License-Identifier: MIT */
/* Memory that runs out within the code of a process, its backends with it. */
#ifndef TESTS_SIM_SYSTEM_SCARCE_H
#define TESTS_SIM_SYSTEM_SCARCE_H

#include <stdbool.h>
#include <stdint.h>

/* From now on allocations are counted; the n-th fails, 0: none does. Once in a program's life. */
void scarce_begin(uint64_t n);
/* Runs fn with allocations counted. False: it ended as a process without memory does. */
bool scarce_run(void (*fn)(void *user), void *user);
uint64_t scarce_n_allocations(void);
bool scarce_has_failed(void);

#endif

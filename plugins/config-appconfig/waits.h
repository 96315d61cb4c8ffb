/* SPDX-License-Identifier: MIT */
/* The waits of Microsoft's providers: between tries at a start, for an endpoint, between looks. */
#ifndef PLUGINS_CONFIG_APPCONFIG_WAITS_H
#define PLUGINS_CONFIG_APPCONFIG_WAITS_H

#include <stdbool.h>
#include <stdint.h>

/* Until the next try: 5 s, after 100 s of them 10 s, after 200 s 30 s. */
uint64_t wait_at_start_ms(uint64_t elapsed_ms);
/* For which an endpoint is left alone after n failures in a row (1 or more): 30 s, doubled each
 * time, 10 min at most, a quarter less or more. */
uint64_t wait_for_endpoint_ms(uint32_t n_failed, uint32_t random);
/* Until the next look: the usual time, after failures longer and longer, and as long as the store
 * has asked. Usual 0: as if it were 30 s while the store has not been read yet, else 0, for none.
 */
uint64_t wait_for_look_ms(
        uint64_t usual_ms, bool has_loaded, uint32_t n_failed, uint64_t asked_ms, uint32_t random);

#endif

/* SPDX-License-Identifier: MIT */
/* The entry that each fuzzed parser has, called by libFuzzer or by the replay of the corpus. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes; aborts if something that must hold does not. Returns 0. */
__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(
        const uint8_t *bytes, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* The program around one suite; which one is chosen when it is built. */
#include "sdk/conformance/check.h"

extern const struct conformance_suite CONFORMANCE_SUITE;

int main(int argc, char **argv)
{
	return conformance_main(&CONFORMANCE_SUITE, argc, argv);
}

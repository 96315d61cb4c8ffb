/* SPDX-License-Identifier: MIT */
/* Labels as filters: what would be a pattern is escaped, and all but plain letters encoded. */
#include <stdio.h>
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/memory.h"

static bool is_plain(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
	        (letter >= '0' && letter <= '9') || strchr("-._~", letter) != NULL;
}

char *selector_filter(const char *label)
{
	if (*label == '\0') {
		return must_copy("%00", 3);
	}
	char *filter = must_calloc(strlen(label) * 6 + 1, 1);
	char *to = filter;
	for (; *label != '\0'; label++) {
		if (strchr("\\,*", *label) != NULL) {
			to = stpcpy(to, "%5C");
		}
		if (is_plain(*label)) {
			*to++ = *label;
		} else {
			(void)snprintf(to, 4, "%%%02X", (unsigned char)*label);
			to += 3;
		}
	}
	return filter;
}

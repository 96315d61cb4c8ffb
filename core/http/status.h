/* SPDX-License-Identifier: MIT */
/* Reason phrases, and the Date header's value. */
#ifndef CORE_HTTP_STATUS_H
#define CORE_HTTP_STATUS_H

#include <time.h>

enum {
	HTTP_DATE_SIZE = 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" with its NUL */
};

/* "Not Found"; "Status" for one that is not used here. */
const char *http_status_phrase(unsigned status);

/* RFC 9110 §5.6.7, without any locale. */
void http_date_print(time_t time, char ret_text[HTTP_DATE_SIZE]);

#endif

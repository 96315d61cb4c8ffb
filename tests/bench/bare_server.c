/* SPDX-License-Identifier: MIT */
/*
 * The reference for orchestrations a second: a bare evhttp that parses the body with jansson and
 * answers 202 with a job id. Prints its port and serves until it is killed.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void on_request(struct evhttp_request *request, void *user)
{
	(void)user;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	struct evbuffer *output = evhttp_request_get_output_buffer(request);
	size_t size = evbuffer_get_length(input);
	json_t *body = json_loadb((const char *)evbuffer_pullup(input, -1), size, 0, NULL);
	(void)evbuffer_add_printf(output, "{\"jobId\": \"0123456789abcdef0123456789abcdef\"}");
	(void)evhttp_add_header(
	        evhttp_request_get_output_headers(request), "Content-Type", "application/json");
	evhttp_send_reply(request, body != NULL ? 202 : 400, NULL, NULL);
	json_decref(body);
}

static unsigned port_of(struct evhttp_bound_socket *bound)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	evutil_socket_t fd = evhttp_bound_socket_get_fd(bound);
	return getsockname(fd, (struct sockaddr *)&address, &size) == 0 ? ntohs(address.sin_port)
	                                                                : 0;
}

int main(void)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base != NULL ? evhttp_new(base) : NULL;
	struct evhttp_bound_socket *bound =
	        http != NULL ? evhttp_bind_socket_with_handle(http, "127.0.0.1", 0) : NULL;
	if (bound == NULL) {
		return 1;
	}
	evhttp_set_gencb(http, on_request, NULL);
	printf("%u\n", port_of(bound));
	(void)fflush(stdout);
	return event_base_dispatch(base) == 0 ? 0 : 1;
}

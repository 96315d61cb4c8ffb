/* SPDX-License-Identifier: MIT */
/* The callbacks of nghttp2: frames and headers led to the call that they are for. */
#include <string.h>

#include "support/base/memory.h"
#include "support/grpc/private.h"

#define WINDOW_SIZE (4 * 1024 * 1024)
#define HEADERS_MAX (64u * 1024u)

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream_id)
{
	return nghttp2_session_get_stream_user_data(session, stream_id);
}

/* NOLINTNEXTLINE(readability-function-size): the form is nghttp2's. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
        size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
	struct grpc_call *call = call_of(session, frame->hd.stream_id);
	(void)name_size;
	(void)flags;
	(void)user;
	if (call != NULL) {
		/* Nghttp2 ends names and values with a NUL. */
		call_on_header(call, (const char *)name, value, value_size);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
        size_t size, void *user)
{
	struct grpc_connection *connection = user;
	struct grpc_call *call = call_of(session, stream_id);
	(void)flags;
	if (call == NULL || call->is_too_large) {
		return 0;
	}
	if (!grpc_body_append(&call->body, bytes, size, connection->client->settings.max_answer)) {
		call->is_too_large = true;
		(void)nghttp2_submit_rst_stream(
		        session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_CANCEL);
	}
	return 0;
}

static int on_stream_close(
        nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user)
{
	struct grpc_call *call = call_of(session, stream_id);
	(void)user;
	if (call != NULL) {
		call_on_closed(call, error_code);
	}
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct grpc_connection *connection = user;
	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		connection->client->counts.n_goaways++;
		client_on_goaway(connection);
	} else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
		connection->is_pinged = false;
	} else if (frame->hd.type == NGHTTP2_SETTINGS &&
	        (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
		connection_on_settings(connection);
	}
	return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	(void)user;
	struct grpc_call *call =
	        frame->hd.type == NGHTTP2_HEADERS ? call_of(session, frame->hd.stream_id) : NULL;
	if (call != NULL) {
		call->is_sent = true;
	}
	return 0;
}

/* It could not go out any more, as after a GOAWAY: the stream closes by itself. */
static int on_frame_not_sent(
        nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	(void)session;
	(void)frame;
	(void)error;
	(void)user;
	return 0;
}

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
}

static int submit_settings(nghttp2_session *session)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_SIZE },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_MAX },
	};
	int error = nghttp2_submit_settings(
	        session, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(settings[0]));
	return error != 0 ? error
	                  : nghttp2_session_set_local_window_size(
	                            session, NGHTTP2_FLAG_NONE, 0, 4 * WINDOW_SIZE);
}

int session_create(struct grpc_connection *connection)
{
	nghttp2_session_callbacks *callbacks;
	int error = nghttp2_session_callbacks_new(&callbacks);
	if (error != 0) {
		return error;
	}
	set_callbacks(callbacks);
	error = nghttp2_session_client_new(&connection->session, callbacks, connection);
	nghttp2_session_callbacks_del(callbacks);
	return error != 0 ? error : submit_settings(connection->session);
}

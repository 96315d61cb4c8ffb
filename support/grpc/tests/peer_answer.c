/* SPDX-License-Identifier: MIT */
/* What the peer does with a call: one row a path. */
#include <stdio.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/grpc/tests/peer_private.h"

#define LARGE_SIZE 100000u
#define PREFIX_SIZE 5u

int stream_create(struct peer_link *link, int32_t id)
{
	struct peer_stream *stream = must_calloc(1, sizeof(*stream));
	stream->link = link;
	stream->id = id;
	stream->status = "0";
	TAILQ_INSERT_TAIL(&link->streams, stream, entry);
	link->peer->n_requests++;
	return nghttp2_session_set_stream_user_data(link->session, id, stream);
}

void stream_destroy(struct peer_stream *stream)
{
	struct peer_link *link = stream->link;
	link->peer->n_open -= stream->is_held ? 1 : 0;
	TAILQ_REMOVE(&link->streams, stream, entry);
	(void)nghttp2_session_set_stream_user_data(link->session, stream->id, NULL);
	free(stream->request);
	free(stream->answer);
	free(stream);
}

static void keep(char *room, size_t room_size, const char *value, size_t size)
{
	(void)snprintf(room, room_size, "%.*s", (int)size, value);
}

void stream_on_header(struct peer_link *link, struct peer_stream *stream, const char *name,
        const char *value, size_t size)
{
	struct peer *peer = link->peer;
	if (strcmp(name, ":path") == 0 && stream != NULL) {
		keep(stream->path, sizeof(stream->path), value, size);
	} else if (strcmp(name, "grpc-timeout") == 0) {
		keep(peer->timeout, sizeof(peer->timeout), value, size);
	} else if (strcmp(name, ":authority") == 0) {
		keep(peer->authority, sizeof(peer->authority), value, size);
	} else if (strcmp(name, "x-extra") == 0) {
		keep(peer->extra, sizeof(peer->extra), value, size);
	}
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static void submit_trailers(struct peer_stream *stream)
{
	const nghttp2_nv trailers[] = { header("grpc-status", stream->status),
		header("grpc-message", "") };
	(void)nghttp2_submit_trailer(stream->link->session, stream->id, trailers, 2);
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream_id, uint8_t *room, size_t size,
        uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct peer_stream *stream = source->ptr;
	size_t left = stream->answer_size - stream->answer_sent;
	size_t taken = left < size ? left : size;
	(void)session;
	(void)stream_id;
	(void)user;
	if (stream->is_split && taken > 1) {
		taken = 1;
	}
	if (taken != 0) {
		memcpy(room, stream->answer + stream->answer_sent, taken);
	}
	stream->answer_sent += taken;
	if (stream->answer_sent == stream->answer_size) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (!stream->has_no_status) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			submit_trailers(stream);
		}
	}
	return (ssize_t)taken;
}

static void answer(struct peer_stream *stream, const uint8_t *bytes, size_t size)
{
	const nghttp2_data_provider body = { { .ptr = stream }, read_answer };
	const nghttp2_nv headers[] = { header(":status", "200"),
		header("content-type", "application/grpc") };
	stream->answer = must_calloc(1, size);
	if (size != 0) {
		memcpy(stream->answer, bytes, size);
	}
	stream->answer_size = size;
	(void)nghttp2_submit_response(stream->link->session, stream->id, headers, 2, &body);
}

static void echo(struct peer_stream *stream)
{
	answer(stream, stream->request, stream->request_size);
}

static void reset(struct peer_stream *stream, uint32_t code)
{
	(void)nghttp2_submit_rst_stream(stream->link->session, NGHTTP2_FLAG_NONE, stream->id, code);
}

static void split(struct peer_stream *stream)
{
	stream->is_split = true;
	echo(stream);
}

static void trailers_only(struct peer_stream *stream)
{
	/* The details are a google.rpc.Status with code 5 and message "no". */
	const nghttp2_nv headers[] = { header(":status", "200"),
		header("content-type", "application/grpc"), header("grpc-status", "5"),
		header("grpc-message", "caf%C3%A9 100%"),
		header("grpc-status-details-bin", "CAUSAm5v") };
	(void)nghttp2_submit_response(stream->link->session, stream->id, headers, 5, NULL);
}

static void no_body(struct peer_stream *stream)
{
	stream->status = "8";
	answer(stream, NULL, 0);
}

static void no_status(struct peer_stream *stream)
{
	stream->has_no_status = true;
	echo(stream);
}

static ssize_t read_half(nghttp2_session *session, int32_t stream_id, uint8_t *room, size_t size,
        uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct peer_stream *stream = source->ptr;
	(void)session;
	(void)stream_id;
	(void)flags;
	(void)user;
	if (stream->answer_sent != 0 || size < PREFIX_SIZE + 1) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM(INTERNAL_ERROR) */
	}
	stream->answer_sent = PREFIX_SIZE + 1;
	memcpy(room, "\0\0\0\0\4x", PREFIX_SIZE + 1);
	return (ssize_t)stream->answer_sent;
}

static void cut(struct peer_stream *stream)
{
	const nghttp2_data_provider body = { { .ptr = stream }, read_half };
	const nghttp2_nv headers[] = { header(":status", "200") };
	(void)nghttp2_submit_response(stream->link->session, stream->id, headers, 1, &body);
}

static void cancel(struct peer_stream *stream)
{
	reset(stream, NGHTTP2_CANCEL);
}

static void compressed(struct peer_stream *stream)
{
	answer(stream, (const uint8_t *)"\1\0\0\0\2ab", 7);
}

static void two(struct peer_stream *stream)
{
	answer(stream, (const uint8_t *)"\0\0\0\0\1a\0\0\0\0\1b", 12);
}

static void http_502(struct peer_stream *stream)
{
	const nghttp2_nv headers[] = { header(":status", "502"),
		header("content-type", "text/html") };
	(void)nghttp2_submit_response(stream->link->session, stream->id, headers, 2, NULL);
}

static void large(struct peer_stream *stream)
{
	uint8_t *bytes = must_calloc(1, PREFIX_SIZE + LARGE_SIZE);
	bytes[2] = LARGE_SIZE >> 16;
	bytes[3] = LARGE_SIZE >> 8 & 0xff;
	bytes[4] = LARGE_SIZE & 0xff;
	answer(stream, bytes, PREFIX_SIZE + LARGE_SIZE);
	free(bytes);
}

static void hold(struct peer_stream *stream)
{
	struct peer *peer = stream->link->peer;
	unsigned n_here = 0;
	struct peer_stream *at;
	stream->is_held = true;
	peer->n_open++;
	TAILQ_FOREACH(at, &stream->link->streams, entry)
	{
		n_here += at->is_held ? 1 : 0;
	}
	peer->most_open = n_here > peer->most_open ? n_here : peer->most_open;
}

static void refuse_once(struct peer_stream *stream)
{
	if (stream->link->peer->n_refused++ == 0) {
		reset(stream, NGHTTP2_REFUSED_STREAM);
	} else {
		echo(stream);
	}
}

static const struct {
	const char *path;
	void (*run)(struct peer_stream *stream);
} rows[] = {
	{ "/ok", echo },
	{ "/split", split },
	{ "/trailers", trailers_only },
	{ "/no-body", no_body },
	{ "/no-status", no_status },
	{ "/cut", cut },
	{ "/cancel", cancel },
	{ "/compressed", compressed },
	{ "/two", two },
	{ "/http-502", http_502 },
	{ "/large", large },
	{ "/hold", hold },
	{ "/refuse-once", refuse_once },
};

void stream_on_headers(struct peer_stream *stream)
{
	const nghttp2_nv headers[] = { header(":status", "200"), header("grpc-status", "8"),
		header("grpc-message", "grpc: received message larger than max (9 vs. 4)") };
	if (strcmp(stream->path, "/early") == 0) {
		(void)nghttp2_submit_response(stream->link->session, stream->id, headers, 3, NULL);
		link_flush(stream->link);
		reset(stream, NGHTTP2_NO_ERROR);
	}
}

void stream_on_request(struct peer_stream *stream)
{
	stream->link->peer->last_size = stream->request_size;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(stream->path, rows[i].path) == 0) {
			rows[i].run(stream);
			return;
		}
	}
	stream->status = "12";
	answer(stream, NULL, 0);
}

void stream_release(struct peer_stream *stream)
{
	nghttp2_session *session = stream->link->session;
	if (stream->link->peer->is_slow_to_read) {
		(void)nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 1 << 30);
		(void)nghttp2_session_set_local_window_size(
		        session, NGHTTP2_FLAG_NONE, stream->id, 1 << 30);
	}
	if (stream->is_held) {
		stream->is_held = false;
		stream->link->peer->n_open--;
		echo(stream);
	}
}

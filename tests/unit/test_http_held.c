/* SPDX-License-Identifier: MIT */
/* Replies that handlers give later: they leave together, and nothing of that shows in an answer. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "tests/support/http_world.h"
#include "tests/support/suite.h"

#define POST_LATER "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"
#define GET_HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"

static uint64_t bytes_sent(const struct world *world)
{
	return http_server_counters(world->server)->bytes_sent;
}

static void replies_of_one_turn_leave_together_behind_what_waits(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *first = peer_create(&world);
	struct peer *second = peer_create(&world);
	peer_send(first, POST_LATER);
	peer_send(second, POST_LATER GET_HELLO);
	world_settle(&world);
	CHECK_INT(world.n_later, 2);
	world_reply_later(&world, "one");
	world_reply_later(&world, "two");
	CHECK_INT(bytes_sent(&world), 0);
	CHECK_INT(world.n_reports, 2);
	CHECK(peer_wait_text(first, "\r\n\r\none"));
	CHECK(peer_wait_text(second, "\r\n\r\nhello"));
	CHECK_INT(peer_count(second, "\r\n\r\ntwo"), 1);
	CHECK_INT(http_server_counters(world.server)->replies[2], 3);
	peer_destroy(first);
	peer_destroy(second);
	world_stop(&world);
}

static void a_long_body_that_is_only_lent_leaves_at_once(void)
{
	enum { LONG = 5000 };
	static char text[LONG + 1];
	struct world world;
	memset(text, 'l', LONG);
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, POST_LATER);
	world_settle(&world);
	world_reply_later(&world, text);
	CHECK(bytes_sent(&world) > LONG);
	CHECK(peer_wait_text(peer, "\r\n\r\nllll"));
	peer_destroy(peer);
	world_stop(&world);
}

static void without_a_loop_each_reply_leaves_at_once(void)
{
	struct world world;
	world_start_alone(&world);
	struct peer *peer = peer_create(&world);
	peer_send(peer, POST_LATER);
	world_settle(&world);
	world_reply_later(&world, "now");
	CHECK(bytes_sent(&world) != 0);
	CHECK(peer_wait_text(peer, "\r\n\r\nnow"));
	peer_destroy(peer);
	world_stop(&world);
}

static void the_end_of_the_server_leaves_nothing_of_a_held_reply(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, POST_LATER);
	world_settle(&world);
	world_reply_later(&world, "never");
	http_server_destroy(world.server);
	world.server = NULL;
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer->size, 0);
	peer_destroy(peer);
	world_stop(&world);
}

static void on_stopped(void *user)
{
	struct world *world = user;
	world->is_stopped = true;
}

static bool is_stopped(void *subject)
{
	const struct world *world = subject;
	return world->is_stopped;
}

static void a_stop_waits_for_a_held_reply(void)
{
	struct world world;
	world_start(&world, NULL);
	struct peer *peer = peer_create(&world);
	peer_send(peer, POST_LATER);
	world_settle(&world);
	world_reply_later(&world, "last");
	http_server_stop(world.server, 60000, on_stopped, &world);
	CHECK(peer_wait_closed(peer));
	CHECK_INT(peer_count(peer, "\r\n\r\nlast"), 1);
	CHECK(world_wait(&world, is_stopped, &world));
	peer_destroy(peer);
	world_stop(&world);
}

struct nudge {
	struct world world;
	struct peer *peer;
	int ends[2]; /* a pipe */
	struct event *readable;
	uint64_t sent_before_release;
};

static void on_before_release(void *user)
{
	struct nudge *nudge = user;
	nudge->sent_before_release = bytes_sent(&nudge->world);
}

static void on_nudge(evutil_socket_t fd, short what, void *user)
{
	struct nudge *nudge = user;
	(void)fd;
	(void)what;
	loop_defer(nudge->world.loop, on_before_release, nudge);
	world_reply_later(&nudge->world, "held");
}

/* The reply is given when the pipe is looked at. It is readable now, and so before whatever the
 * peer does next to its socket: both are looked at in this order in one turn. */
static void nudge_begin(struct nudge *nudge)
{
	*nudge = (struct nudge){ .sent_before_release = UINT64_MAX };
	CHECK_INT(pipe(nudge->ends), 0);
	world_start(&nudge->world, NULL);
	nudge->peer = peer_create(&nudge->world);
	peer_send(nudge->peer, POST_LATER);
	world_settle(&nudge->world);
	nudge->readable = event_new(nudge->world.base, nudge->ends[0], EV_READ, on_nudge, nudge);
	CHECK_INT(event_add(nudge->readable, NULL), 0);
	CHECK_INT(write(nudge->ends[1], "1", 1), 1);
}

static void nudge_end(struct nudge *nudge)
{
	event_free(nudge->readable);
	(void)close(nudge->ends[0]);
	(void)close(nudge->ends[1]);
	world_stop(&nudge->world);
}

static void bytes_that_come_meanwhile_do_not_send_it_early(void)
{
	struct nudge nudge;
	nudge_begin(&nudge);
	peer_send(nudge.peer, GET_HELLO);
	CHECK(peer_wait_text(nudge.peer, "\r\n\r\nhello"));
	CHECK_INT(nudge.sent_before_release, 0);
	CHECK_INT(peer_count(nudge.peer, "\r\n\r\nheld"), 1);
	CHECK_INT(peer_count(nudge.peer, "HTTP/1.1 200 OK"), 2);
	peer_destroy(nudge.peer);
	nudge_end(&nudge);
}

static void a_peer_that_goes_meanwhile_takes_its_reply_along(void)
{
	const struct linger reset = { .l_onoff = 1 };
	struct nudge nudge;
	nudge_begin(&nudge);
	CHECK_INT(setsockopt(nudge.peer->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	peer_destroy(nudge.peer);
	world_settle(&nudge.world);
	CHECK_INT(nudge.sent_before_release, 0);
	CHECK_INT(bytes_sent(&nudge.world), 0);
	CHECK_INT(http_server_counters(nudge.world.server)->connections_open, 0);
	nudge_end(&nudge);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(replies_of_one_turn_leave_together_behind_what_waits),
		SUITE_TEST(a_long_body_that_is_only_lent_leaves_at_once),
		SUITE_TEST(without_a_loop_each_reply_leaves_at_once),
		SUITE_TEST(the_end_of_the_server_leaves_nothing_of_a_held_reply),
		SUITE_TEST(a_stop_waits_for_a_held_reply),
		SUITE_TEST(a_peer_that_goes_meanwhile_takes_its_reply_along),
		SUITE_TEST(bytes_that_come_meanwhile_do_not_send_it_early),
	};
	return suite_run("http_held", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

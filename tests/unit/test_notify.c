/* SPDX-License-Identifier: MIT */
/* What the service manager is told, received as it would. */
#include "core/notify.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/loop.h"
#include "tests/support/suite.h"

static int manager; /* its socket */
static struct loop *loop;

/* Its name in the abstract name space is made by the kernel: no two tests have the same. */
static void begin(const char *watchdog_us)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(address.sun_family);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(manager, (const struct sockaddr *)&address, size), 0);
	size = sizeof(address);
	CHECK_INT(getsockname(manager, (struct sockaddr *)&address, &size), 0);
	char name[sizeof(address.sun_path) + 1] = "@";
	size_t name_size = size - offsetof(struct sockaddr_un, sun_path) - 1;
	memcpy(name + 1, address.sun_path + 1, name_size);
	name[1 + name_size] = '\0';
	CHECK_INT(setenv("NOTIFY_SOCKET", name, 1), 0);
	if (watchdog_us != NULL) {
		CHECK_INT(setenv("WATCHDOG_USEC", watchdog_us, 1), 0);
	}
	loop = loop_create_simulated(1, 0);
}

static void end(struct notify *notify)
{
	notify_destroy(notify);
	loop_destroy(loop);
	(void)close(manager);
}

/* The next message; "" if there is none. */
static const char *told(void)
{
	static char message[256];
	ssize_t size = recv(manager, message, sizeof(message) - 1, 0);
	message[size > 0 ? size : 0] = '\0';
	return message;
}

static void manager_hears_of_start_reload_and_stop(void)
{
	begin(NULL);
	struct notify *notify = notify_create(loop);
	CHECK(getenv("NOTIFY_SOCKET") == NULL);
	notify_reloading(notify);
	notify_reloaded(notify);
	CHECK_TEXT(told(), "");
	notify_ready(notify);
	CHECK_TEXT(told(), "READY=1\nSTATUS=Serving");
	loop_advance(loop, 7);
	notify_reloading(notify);
	const char *message = told();
	CHECK(strncmp(message, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
	notify_reloaded(notify);
	CHECK_TEXT(told(), "READY=1\nSTATUS=Serving");
	notify_stopping(notify);
	CHECK_TEXT(told(), "STOPPING=1\nSTATUS=Finishing what is under way");
	notify_reloaded(notify);
	CHECK_TEXT(told(), "");
	end(notify);
}

static void watchdog_is_fed_twice_within_its_time_until_the_end(void)
{
	begin("10000000");
	struct notify *notify = notify_create(loop);
	loop_advance(loop, 60000);
	CHECK_TEXT(told(), "");
	notify_ready(notify);
	notify_ready(notify);
	CHECK_TEXT(told(), "READY=1\nSTATUS=Serving");
	CHECK_TEXT(told(), "WATCHDOG=1");
	CHECK_TEXT(told(), "READY=1\nSTATUS=Serving");
	CHECK_TEXT(told(), "");
	loop_advance(loop, 4999);
	CHECK_TEXT(told(), "");
	loop_advance(loop, 1);
	CHECK_TEXT(told(), "WATCHDOG=1");
	notify_stopping(notify);
	CHECK_TEXT(told(), "STOPPING=1\nSTATUS=Finishing what is under way");
	loop_advance(loop, 5000);
	CHECK_TEXT(told(), "WATCHDOG=1");
	end(notify);
}

static void process_without_a_manager_tells_nobody(void)
{
	loop = loop_create_simulated(1, 0);
	struct notify *notify = notify_create(loop);
	notify_ready(notify);
	notify_stopping(notify);
	CHECK(loop_due_in_ms(loop) == UINT64_MAX);
	notify_destroy(notify);
	notify_destroy(NULL);
	loop_destroy(loop);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(manager_hears_of_start_reload_and_stop),
		SUITE_TEST(watchdog_is_fed_twice_within_its_time_until_the_end),
		SUITE_TEST(process_without_a_manager_tells_nobody),
	};
	return suite_run("notify", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* Collects the signals that end a handler in a descriptor; see interrupt.h. */
#include "consumers/handlers/common/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

static int signal_fd = -1;

void interrupt_init(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0) {
		perror("signalfd");
		exit(71);
	}
}

int interrupt_fd(void)
{
	return signal_fd;
}

bool interrupt_is_pending(void)
{
	return !interrupt_sleep(0);
}

/* The signal is never read, so that everybody who asks later sees it too. */
bool interrupt_sleep(int milliseconds)
{
	struct pollfd wanted = { .fd = signal_fd, .events = POLLIN };
	return poll(&wanted, 1, milliseconds) <= 0;
}

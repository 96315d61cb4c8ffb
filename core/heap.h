/* SPDX-License-Identifier: MIT */
/* The pages of the heap: had from the system many at a time instead of by a fault each. */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

/*
 * Has the system give the pages by which the heap has grown since the last call, all at once. They
 * are the next that will be used, and the allocator grows by little (M_TOP_PAD), so that hardly
 * any is had in vain. For the main thread, now and then. A system that cannot do this does not
 * matter.
 */
void heap_follow(void);

#endif

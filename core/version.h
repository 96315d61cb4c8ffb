/* SPDX-License-Identifier: MIT */
/* The release that this binary was built from. */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

/* Like "0.1.0"; static storage. */
const char *release_version(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Each FAULT(name) in the code, and what it breaks. */
{ "none_yet", "nothing" },

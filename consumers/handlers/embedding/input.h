/* SPDX-License-Identifier: MIT */
/* The text that is to be embedded: a plain text, or the `text` of a JSON result. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_INPUT_H
#define CONSUMERS_HANDLERS_EMBEDDING_INPUT_H

#include "consumers/common/fault.h"
#include "consumers/handlers/common/source.h"

/*
 * Reads a fetched file. ret_text: owned, valid UTF-8 without NUL. A JSON object with a text in
 * `text` (what an OCR step writes) gives that, other JSON is taken as it stands. NOT_TEXT is final.
 */
int input_read(const char *path, const struct source *source, struct fault *fault, char **ret_text);

#endif

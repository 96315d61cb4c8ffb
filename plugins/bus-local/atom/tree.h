/* SPDX-License-Identifier: MIT */
/* A small XML document as a tree: elements by their names without namespaces, and their texts. */
#ifndef BUS_LOCAL_ATOM_TREE_H
#define BUS_LOCAL_ATOM_TREE_H

#include <stddef.h>

/* More elements, or elements within elements, no description has. */
#define TREE_MAX_ELEMENTS 2000
#define TREE_MAX_DEPTH 16

struct element {
	struct element *next; /* sibling */
	struct element *parent;
	struct element *first;
	struct element *last;
	char *name; /* owned: without namespace */
	char *type; /* owned: xsi:type without its prefix; may be NULL */
	char *text; /* owned: the text directly within it, never NULL */
};

/* The root, owned. NULL with a sentence: not well-formed, a document type, or too large. */
struct element *tree_read(const char *xml, size_t size, char *error, size_t error_size);

/* Frees the whole tree; takes NULL. */
void tree_destroy(struct element *root);

/* The first child of that name; NULL: none, also of no element. */
const struct element *tree_child(const struct element *element, const char *name);

/* The text of a child; NULL: there is no such child, or it is empty. */
const char *tree_text(const struct element *element, const char *name);

#endif

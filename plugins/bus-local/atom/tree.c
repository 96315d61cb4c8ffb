/* SPDX-License-Identifier: MIT */
/* Expat does the reading. A document type is refused: entities are nothing that a client needs. */
#include "plugins/bus-local/atom/tree.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define TYPE_ATTRIBUTE "http://www.w3.org/2001/XMLSchema-instance|type"

CLEANUP_DEFINE(XML_Parser, parser, XML_ParserFree)

struct reading {
	XML_Parser parser;
	struct element *root;
	struct element *open;
	size_t n_elements;
	size_t depth;
	const char *problem; /* NULL: none but what Expat finds */
};

static const char *behind(const char *text, char separator)
{
	const char *found = strrchr(text, separator);
	return found != NULL ? found + 1 : text;
}

static void stop(struct reading *reading, const char *problem)
{
	reading->problem = problem;
	(void)XML_StopParser(reading->parser, XML_FALSE);
}

static void add(struct reading *reading, struct element *element)
{
	struct element *parent = reading->open;
	element->parent = parent;
	if (parent == NULL) {
		reading->root = element;
	} else if (parent->last != NULL) {
		parent->last->next = element;
	} else {
		parent->first = element;
	}
	if (parent != NULL) {
		parent->last = element;
	}
	reading->open = element;
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = user;
	if (++reading->n_elements > TREE_MAX_ELEMENTS || ++reading->depth > TREE_MAX_DEPTH) {
		stop(reading, "it has too many elements");
		return;
	}
	struct element *element = must_calloc(1, sizeof(*element));
	const char *bare = behind(name, '|');
	element->name = must_copy(bare, strlen(bare));
	element->text = must_copy("", 0);
	for (; attributes[0] != NULL; attributes += 2) {
		if (strcmp(attributes[0], TYPE_ATTRIBUTE) == 0 && element->type == NULL) {
			const char *type = behind(attributes[1], ':');
			element->type = must_copy(type, strlen(type));
		}
	}
	add(reading, element);
}

static void on_end(void *user, const XML_Char *name)
{
	struct reading *reading = user;
	(void)name;
	if (reading->open != NULL) {
		reading->open = reading->open->parent;
		reading->depth--;
	}
}

static void on_text(void *user, const XML_Char *text, int size)
{
	const struct reading *reading = user;
	struct element *element = reading->open;
	if (element == NULL || size <= 0) {
		return;
	}
	size_t old = strlen(element->text);
	element->text = must_resize(element->text, old + (size_t)size + 1, 1);
	memcpy(element->text + old, text, (size_t)size);
	element->text[old + (size_t)size] = '\0';
}

static void on_document_type(
        void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has;
	stop(user, "it has a document type");
}

static void watch(struct reading *reading)
{
	XML_SetUserData(reading->parser, reading);
	XML_SetElementHandler(reading->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading->parser, on_document_type);
}

struct element *tree_read(const char *xml, size_t size, char *error, size_t error_size)
{
	CLEANUP(cleanup_parser) XML_Parser parser = must_have(XML_ParserCreateNS(NULL, '|'));
	struct reading reading = { .parser = parser };
	watch(&reading);
	if (size <= INT_MAX && XML_Parse(parser, xml, (int)size, XML_TRUE) == XML_STATUS_OK) {
		return reading.root;
	}
	const char *problem = reading.problem != NULL ? reading.problem
	                                              : XML_ErrorString(XML_GetErrorCode(parser));
	snprintf(error, error_size, "the body cannot be read, line %lu: %s",
	        (unsigned long)XML_GetCurrentLineNumber(parser), problem);
	tree_destroy(reading.root);
	return NULL;
}

static void free_element(struct element *element)
{
	free(element->name);
	free(element->type);
	free(element->text);
	free(element);
}

/* From leaf to leaf, as a tree from outside says how deep it is. */
void tree_destroy(struct element *root)
{
	struct element *element = root;
	while (element != NULL) {
		if (element->first != NULL) {
			struct element *child = element->first;
			element->first = child->next;
			element = child;
			continue;
		}
		struct element *parent = element != root ? element->parent : NULL;
		free_element(element);
		element = parent;
	}
}

const struct element *tree_child(const struct element *element, const char *name)
{
	const struct element *child = element != NULL ? element->first : NULL;
	while (child != NULL && strcmp(child->name, name) != 0) {
		child = child->next;
	}
	return child;
}

const char *tree_text(const struct element *element, const char *name)
{
	const struct element *child = tree_child(element, name);
	return child != NULL && child->text[0] != '\0' ? child->text : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Runs in the build: prints the option rows of the plugins that it is given (paths of .so files) as
 * the C source behind core/option_known.h.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <lucius/plugin.h>

static const char *const kinds[] = { "unknown", "storage", "bus", "workflow", "config" };

static void print_text(const char *member, const char *text)
{
	if (text == NULL) {
		return;
	}
	printf(" .%s = \"", member);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\') {
			putchar('\\');
		}
		putchar(*p);
	}
	printf("\",");
}

/* The least of all integers has no literal of its own. */
static void print_limit(const char *member, int64_t limit)
{
	if (limit == INT64_MIN) {
		printf(" .%s = INT64_MIN,", member);
	} else {
		printf(" .%s = INT64_C(%" PRId64 "),", member, limit);
	}
}

static void print_row(const struct lucius_prefix *prefix, const struct lucius_option *row)
{
	printf("\t{ \"%s-%s\", {", kinds[prefix->kind < 5 ? prefix->kind : 0], prefix->name);
	print_text("name", row->name);
	print_text("default_value", row->default_value);
	print_text("unit", row->unit);
	print_text("choices", row->choices);
	print_text("summary", row->summary);
	print_text("env", row->env);
	print_text("key", row->key);
	print_limit("min", row->min);
	print_limit("max", row->max);
	printf(" .type = %u, .flags = %u } },\n", row->type, row->flags);
}

static int print_plugin(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct lucius_plugin *plugin =
	        library != NULL ? dlsym(library, "lucius_plugin") : NULL;
	if (plugin == NULL) {
		fprintf(stderr, "%s: %s\n", path, dlerror());
		return -1;
	}
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		print_row(&plugin->prefix, &plugin->options[i]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	printf("/* Generated from the plugins of this build. */\n"
	       "#include \"core/option_known.h\"\n\n"
	       "const struct option_known option_known_rows[] = {\n");
	for (int i = 1; i < argc; i++) {
		if (print_plugin(argv[i]) != 0) {
			return 1;
		}
	}
	printf("\t{ \"\", { .name = \"\" } },\n};\n"
	       "const size_t n_option_known_rows =\n"
	       "\tsizeof(option_known_rows) / sizeof(option_known_rows[0]) - 1;\n");
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* YAML of strangers is walked event by event and never built: aliases cost nothing, depth is bounded. See yaml_check.h. */
#include "backends/core/yaml_check.h"

#include <errno.h>
#include <stdbool.h>
#include <yaml.h>

#define DEPTH_MAX 64

struct walk {
	unsigned depth, documents;
	bool end;
};

static int step(struct walk *w, const yaml_event_t *ev, struct err *e)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (w->documents++)
			return err_set(e, EINVAL, "line %u: a second document begins, and only one is read", line);
		break;
	case YAML_SCALAR_EVENT:
		if (!w->depth && ev->data.scalar.length)
			return err_set(e, EINVAL, "line %u: it is one text, where keys with values are expected", line);
		break;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		if (++w->depth > DEPTH_MAX)
			return err_set(e, EINVAL, "line %u: it is nested more than %d levels deep", line, DEPTH_MAX);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		w->depth--;
		break;
	case YAML_STREAM_END_EVENT:
		w->end = true;
		break;
	default:
		break;
	}
	return 0;
}

int yaml_check(const char *text, size_t len, struct err *e)
{
	struct walk w = { 0 };
	yaml_parser_t parser;
	yaml_event_t ev;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return err_set(e, ENOMEM, "no memory to read YAML");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (r == 0 && !w.end) {
		if (!yaml_parser_parse(&parser, &ev)) {
			r = err_set(e, parser.error == YAML_MEMORY_ERROR ? ENOMEM : EINVAL, "not valid YAML: line %zu, column %zu: %s",
				    parser.problem_mark.line + 1, parser.problem_mark.column + 1,
				    parser.problem ? parser.problem : "unknown problem");
			break;
		}
		r = step(&w, &ev, e);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return r;
}

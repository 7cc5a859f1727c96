// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/yaml_emit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int append(void *data, unsigned char *bytes, size_t len)
{
	struct buf *b = data;

	buf_add(b, bytes, len);
	return !b->failed;
}

static void emit(struct yaml_out *y, yaml_event_t *ev, int made)
{
	if (!made || y->failed || !yaml_emitter_emit(&y->em, ev))
		y->failed = true;
}

void yaml_begin(struct yaml_out *y, struct buf *out)
{
	yaml_event_t ev;

	y->failed = !yaml_emitter_initialize(&y->em);
	if (y->failed)
		return;
	yaml_emitter_set_output(&y->em, append, out);
	yaml_emitter_set_unicode(&y->em, 1);
	yaml_emitter_set_width(&y->em, -1);
	emit(y, &ev, yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING));
	emit(y, &ev, yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1));
}

int yaml_end(struct yaml_out *y)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_document_end_event_initialize(&ev, 1));
	emit(y, &ev, yaml_stream_end_event_initialize(&ev));
	yaml_emitter_delete(&y->em);
	return y->failed ? -ENOMEM : 0;
}

void yaml_map(struct yaml_out *y, bool empty)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE));
}

void yaml_map_end(struct yaml_out *y)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_mapping_end_event_initialize(&ev));
}

void yaml_list(struct yaml_out *y, bool empty)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE));
}

void yaml_list_end(struct yaml_out *y)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_sequence_end_event_initialize(&ev));
}

/* Words that YAML 1.1 reads as null or bool, dates, and every beginning of a number: quoted rather once too often. */
static bool reads_as_other(const char *s)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };
	size_t n;

	if (!*s || !strcmp(s, "~") || !strcmp(s, "<<") || !strcmp(s, "="))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(s, words[i]))
			return true;
	}
	if (*s == '+' || *s == '-')
		s++;
	if (!strncasecmp(s, ".inf", 4) || !strncasecmp(s, ".nan", 4))
		return true;
	if (!strncasecmp(s, "0x", 2))
		return !s[2 + strspn(s + 2, "0123456789abcdefABCDEF_")];
	if (!strncasecmp(s, "0o", 2) || !strncasecmp(s, "0b", 2))
		return !s[2 + strspn(s + 2, "01234567_")];
	if (!(*s >= '0' && *s <= '9') && *s != '.')
		return false;
	/* integers, fractions, exponents, 1:30 (base 60), 2026-01-31 and what follows it */
	n = strspn(s, "0123456789_.:");
	if (n > 0 && (s[n] == 'e' || s[n] == 'E')) {
		n++;
		n += s[n] == '+' || s[n] == '-';
		n += strspn(s + n, "0123456789");
	}
	return !s[n] || (n == 4 && s[4] == '-' && s[5] >= '0' && s[5] <= '9');
}

static void put_styled(struct yaml_out *y, const char *s, yaml_scalar_style_t style)
{
	yaml_event_t ev;

	emit(y, &ev, yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)s, (int)strlen(s), 1, 1, style));
}

void yaml_string(struct yaml_out *y, const char *s)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

	if (strchr(s, '\n'))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (reads_as_other(s))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	put_styled(y, s, style);
}

void yaml_word(struct yaml_out *y, const char *s)
{
	put_styled(y, s, YAML_PLAIN_SCALAR_STYLE);
}

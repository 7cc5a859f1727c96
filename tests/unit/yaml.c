// SPDX-License-Identifier: LGPL-2.1-or-later
/* The document that `lxc config show` prints: its shape, its quoting, and that it reads back as the same strings. */
#include <ftw.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yaml.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/keep.h"
#include "tests/unit/unit.h"

static struct err last;

static struct object *make(enum space s, const char *name)
{
	struct object *o = NULL;
	const struct meta m = { .mode = 0755 };

	CHECK(object_create(s, name, &m, &o, &last) == 0);
	return o;
}

static void put(struct object *o, enum entry_kind k, const char *name, const char *value)
{
	CHECK(object_set(o, k, name, value, strlen(value), &last) == 0);
}

static void test_empty(struct object *o, struct object *p)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	char want[512];
	struct utsname un;

	uname(&un);
	snprintf(want, sizeof(want), "architecture: %s\nconfig: {}\ndevices: {}\nephemeral: false\nprofiles: []\nstateful: false\n"
				     "description: \"\"\n", un.machine);
	CHECK(config_print_yaml(o, NULL, false, &out, &last) == 0);
	CHECK_STR(buf_str(&out), want);
	buf_reset(&out);
	CHECK(config_print_yaml(p, NULL, false, &out, &last) == 0);
	CHECK_STR(buf_str(&out), "config: {}\ndescription: \"\"\ndevices: {}\nname: web\nused_by: []\n");
}

static void test_full(struct object *o, struct object *p)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	put(o, ENT_FIELD, "architecture", "aarch64");
	put(o, ENT_FIELD, "description", "a \"test\": of # things\n");
	put(o, ENT_FIELD, "ephemeral", "YES\n");
	put(o, ENT_FIELD, "profiles", "web\n");
	put(o, ENT_CONFIG, "limits.memory", "256MiB\n");
	put(o, ENT_CONFIG, "limits.cpu", "2\n");
	put(o, ENT_CONFIG, "raw.lxc", "lxc.a = b\nlxc.c = d\n");
	put(o, ENT_CONFIG, "boot.autostart", "true");
	put(o, ENT_VOLATILE, "eth0.hwaddr", "00:16:3e:00:00:01\n");
	put(o, ENT_DEVICE, "root", "# the root disk\ntype = disk\npath=/\npool=default\n");
	put(p, ENT_CONFIG, "limits.processes", "100\n");
	put(p, ENT_DEVICE, "eth0", "type=nic\nnictype=bridged\nparent=lxcbr0\n");
	CHECK(config_print_yaml(o, NULL, false, &out, &last) == 0);
	CHECK_STR(buf_str(&out), "architecture: aarch64\n"
				 "config:\n"
				 "  boot.autostart: \"true\"\n"
				 "  limits.cpu: \"2\"\n"
				 "  limits.memory: 256MiB\n"
				 "  raw.lxc: |-\n"
				 "    lxc.a = b\n"
				 "    lxc.c = d\n"
				 "  volatile.eth0.hwaddr: 00:16:3e:00:00:01\n"
				 "devices:\n"
				 "  root:\n"
				 "    path: /\n"
				 "    pool: default\n"
				 "    type: disk\n"
				 "ephemeral: true\n"
				 "profiles:\n"
				 "- web\n"
				 "stateful: false\n"
				 "description: 'a \"test\": of # things'\n");
	buf_reset(&out);
	CHECK(config_print_yaml(o, NULL, true, &out, &last) == 0);
	CHECK(strstr(buf_str(&out), "limits.processes: \"100\"\n") && strstr(buf_str(&out), "  eth0:\n    nictype: bridged\n"));
	buf_reset(&out);
	CHECK(config_print_yaml(p, NULL, false, &out, &last) == 0);
	CHECK_STR(buf_str(&out), "config:\n  limits.processes: \"100\"\ndescription: \"\"\ndevices:\n  eth0:\n    nictype: bridged\n"
				 "    parent: lxcbr0\n    type: nic\nname: web\nused_by:\n- /1.0/instances/c1\n");
}

static const char *const strings[] = {
	"plain", "true", "No", "null", "~", "1", "-1", "+1.5", "1e3", ".5", "0x1f", "0b1", "1:30", "2026-01-31", "2026-01-31T00:00:00Z", "10%",
	"25ms/100ms", "0-3,7", "a: b", "a #b", "#a", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "'a'", "\"a\"", "a\\b", " a", "a ", "=",
	"<<", "?", ":", "-", "---", "...", "a\nb", "a\n\nb\n", "\na", "  a\n b", "\ta", "\x1b[0m", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xa7", ".inf", "y", "_1",
	"1_000", "0", "00:16:3e:00:00:01", "a\tb", "\xc2\x85", "\xe2\x80\xa8", "a\r\nb",
};

/* The scalar behind the key `user.x`, and whether it was plain. */
static char *find_value(const struct buf *text, bool *plain)
{
	yaml_parser_t p;
	yaml_event_t ev;
	bool next = false, done = false;
	char *found = NULL;

	yaml_parser_initialize(&p);
	yaml_parser_set_input_string(&p, (const unsigned char *)text->data, text->len);
	while (!done && yaml_parser_parse(&p, &ev)) {
		if (ev.type == YAML_SCALAR_EVENT && next) {
			found = strdup((char *)ev.data.scalar.value);
			*plain = ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
			next = false;
		} else if (ev.type == YAML_SCALAR_EVENT) {
			next = !strcmp((char *)ev.data.scalar.value, "user.x");
		}
		done = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&p);
	CHECK(done);
	return found;
}

static void test_strings(struct object *o)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		_cleanup_free_ char *back = NULL;
		const char *s = strings[i];
		char with_newline[64];
		bool plain = false;

		snprintf(with_newline, sizeof(with_newline), "%s\n", s);
		put(o, ENT_CONFIG, "user.x", with_newline);
		CHECK(config_print_yaml(o, NULL, false, &out, &last) == 0);
		back = find_value(&out, &plain);
		CHECK_STR(back, s);
		if (strchr("0123456789+-.~=tTnNyY<", *s) && i < 15 && i > 0)
			CHECK(!plain);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int main(void)
{
	char dir[] = "/tmp/unit-yaml-XXXXXX";
	struct object *o, *p;

	CHECK(mkdtemp(dir) != NULL && keep_attach_private() == 0);
	if (model_open(dir, &last) < 0) {
		fprintf(stderr, "%s\n", last.text);
		return 1;
	}
	o = make(SPACE_INSTANCES, "c1");
	p = make(SPACE_PROFILES, "web");
	if (!o || !p)
		return UNIT_END();
	test_empty(o, p);
	test_full(o, p);
	test_strings(o);
	object_put(o);
	object_put(p);
	model_close();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return UNIT_END();
}

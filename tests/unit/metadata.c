// SPDX-License-Identifier: LGPL-2.1-or-later
/* metadata.yaml: what is accepted, what is refused and with which words. */
#include <errno.h>
#include <stdlib.h>

#include "mkimage/magic.h"
#include "mkimage/metadata.h"
#include "tests/unit/unit.h"

#define BASE "architecture: amd64\ncreation_date: 1700000000\n"

static void refused(const char *text, const char *words)
{
	struct metadata m = { .n_properties = 0 };
	struct err e = ERR_INIT;

	CHECK(metadata_parse(text, strlen(text), &m, &e) == -EINVAL);
	CHECK(e.code == EINVAL);
	if (!strstr(e.text, words))
		fprintf(stderr, "\"%s\" does not tell of \"%s\"\n", e.text, words);
	CHECK(strstr(e.text, words));
}

static void accepted(const char *text, const char *json)
{
	_cleanup_metadata_ struct metadata m = { .n_properties = 0 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK(metadata_parse(text, strlen(text), &m, &e) == 0);
	CHECK_STR(e.text, "");
	metadata_print_json(&m, &out);
	CHECK_STR(buf_str(&out), json);
}

static void test_accepted(void)
{
	accepted(BASE, "{\"architecture\":\"x86_64\",\"created\":1700000000,\"expires\":0,\"templates\":0,\"properties\":{}}");
	accepted("architecture: \"aarch64\"\ncreation_date: '5'\nexpiry_date: 7\nproperties:\n  os: Debian\n  release: [12, bookworm]\n"
		 "  description: |\n    two\n    lines\nother: {a: [b]}\n",
		 "{\"architecture\":\"aarch64\",\"created\":5,\"expires\":7,\"templates\":0,\"properties\":"
		 "{\"description\":\"two\\nlines\\n\",\"os\":\"Debian\",\"release\":\"12, bookworm\"}}");
	accepted(BASE "properties:\ntemplates:\nexpiry_date:\n",
		 "{\"architecture\":\"x86_64\",\"created\":1700000000,\"expires\":0,\"templates\":0,\"properties\":{}}");
	accepted(BASE "properties: {x: &a one, y: *a, x: two}\n",
		 "{\"architecture\":\"x86_64\",\"created\":1700000000,\"expires\":0,\"templates\":0,\"properties\":{\"x\":\"one\",\"y\":\"one\"}}");
	accepted(BASE "templates:\n  /etc/hostname:\n    when: [create, copy]\n    template: hostname.tpl\n    properties: {a: b}\n",
		 "{\"architecture\":\"x86_64\",\"created\":1700000000,\"expires\":0,\"templates\":1,\"properties\":{}}");
}

static void test_refused(void)
{
	refused("", "empty");
	refused("- a\n", "not a mapping");
	refused("creation_date: 1\n", "has no architecture");
	refused("architecture: amd64\n", "has no creation_date");
	refused("architecture: amd64\ncreation_date: 0\n", "has no creation_date");
	refused("architecture: vax\ncreation_date: 1\n", "unknown architecture \"vax\"");
	refused("architecture: [amd64]\ncreation_date: 1\n", "unknown architecture");
	refused("architecture: amd64\ncreation_date: yesterday\n", "creation_date is \"yesterday\"");
	refused("architecture: amd64\ncreation_date: -5\n", "creation_date");
	refused("architecture: amd64\ncreation_date: {}\n", "creation_date must be");
	refused(BASE "expiry_date: 99999999999999999999\n", "expiry_date");
	refused(BASE "properties: text\n", "properties is not a mapping");
	refused(BASE "properties: {../x: y}\n", "../x");
	refused(BASE "properties: {'': y}\n", "name");
	refused(BASE "properties: {[a]: y}\n", "not a text");
	refused(BASE "properties: {a: {b: c}}\n", "neither text nor a list");
	refused(BASE "properties: {a: [[b]]}\n", "something else than texts");
	refused(BASE "properties: {a: \"b\\0c\"}\n", "neither text");
	refused(BASE "templates: {/etc/x: {template: ../../passwd}}\n", "must be the name of a file");
	refused(BASE "templates: {/etc/x: {template: ..}}\n", "must be the name of a file");
	refused(BASE "templates: {/etc/x: {when: [create]}}\n", "has no `template`");
	refused(BASE "templates: {/etc/x: {template: a, when: [sometimes]}}\n", "`when`");
	refused(BASE "templates: {etc/x: {template: a}}\n", "absolute path");
	refused(BASE "a: [b\n", "line ");
	refused(BASE "\tx: y\n", "line ");
	refused("architecture: amd64\ncreation_date: 1\n\xff\xfe\n", "metadata.yaml");
	/* An alias to the node that it is in. */
	refused(BASE "properties: &p {a: *p}\n", "neither text");
	refused(BASE "properties: {a: &l [*l]}\n", "something else");
}

static void test_large(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct metadata m = { .n_properties = 0 };
	struct err e = ERR_INIT;

	buf_addstr(&b, BASE "# ");
	buf_resize(&b, METADATA_MAX + 1);
	memset(b.data + 48, 'x', b.len - 48);
	CHECK(metadata_parse(b.data, b.len, &m, &e) == -EINVAL);
	CHECK(strstr(e.text, "larger than"));
	CHECK(metadata_parse(b.data, METADATA_MAX, &m, &e) == 0);
	metadata_free(&m);

	buf_reset(&b);
	buf_addstr(&b, BASE "properties:\n");
	for (int i = 0; i < METADATA_PROPERTIES_MAX + 1; i++)
		buf_addf(&b, "  p%d: v\n", i);
	CHECK(metadata_parse(b.data, b.len, &m, &e) == -EINVAL);
	CHECK(strstr(e.text, "more than 256"));

	buf_reset(&b);
	buf_addstr(&b, BASE "properties: {a: ");
	for (int i = 0; i < 5000; i++)
		buf_addch(&b, 'y');
	buf_addstr(&b, "}\n");
	CHECK(metadata_parse(b.data, b.len, &m, &e) == -EINVAL);
}

/* Nesting as deep as a megabyte allows: an error, no crash, and soon. */
static void test_deep(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct metadata m = { .n_properties = 0 };
	struct err e = ERR_INIT;

	buf_addstr(&b, BASE "x: ");
	for (int i = 0; i < 900000; i++)
		buf_addch(&b, '[');
	CHECK(metadata_parse(b.data, b.len, &m, &e) == -EINVAL);
	CHECK(strstr(e.text, "deeper than"));
}

static void test_yaml(void)
{
	struct metadata_property p[] = { { (char *)"a", (char *)"x: \"y\"\n" }, { (char *)"b", (char *)"" } };
	struct metadata m = { .architecture = "x86_64", .created = 3, .expires = 4, .properties = p, .n_properties = 2 };
	_cleanup_metadata_ struct metadata back = { .n_properties = 0 };
	_cleanup_buf_ struct buf out = BUF_INIT;

	metadata_print_yaml(&m, &out);
	CHECK(metadata_parse(out.data, out.len, &back, NULL) == 0);
	CHECK(back.n_properties == 2 && back.created == 3 && back.expires == 4);
	CHECK_STR(back.properties[0].value, "x: \"y\"\n");
	CHECK_STR(back.properties[1].value, "");
}

static void test_magic(void)
{
	CHECK(magic_detect("", 0) == MAGIC_EMPTY);
	CHECK(magic_detect("x", 1) == MAGIC_UNKNOWN);
	CHECK(magic_detect("\x1f\x8b\x08", 3) == MAGIC_GZIP);
	CHECK(magic_detect("\xfd" "7zXZ\0", 6) == MAGIC_XZ);
	CHECK(magic_detect("hsqs", 4) == MAGIC_SQUASHFS);
	CHECK(magic_detect("QFI\xfb", 4) == MAGIC_QCOW2);
	CHECK_STR(magic_name(MAGIC_ZSTD), "zstd");
	CHECK_STR(metadata_architecture("armhf"), "armv7l");
	CHECK(!metadata_architecture(""));
}

int main(void)
{
	test_accepted();
	test_refused();
	test_large();
	test_deep();
	test_yaml();
	test_magic();
	return UNIT_END();
}

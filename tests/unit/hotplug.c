// SPDX-License-Identifier: LGPL-2.1-or-later
/* Nodes of devices with given ids, in a tree as sysfs makes it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/lxc/hotplug.h"
#include "tests/unit/unit.h"

static char sys[] = "/tmp/unit-hotplug-XXXXXX";

#define USB "devices/pci0000:00/0000:00:14.0/usb1/1-1"

/* What the kernel shows for a serial adapter, a receiver with a keyboard, and a disk on virtio; content NULL: a link. */
static const struct {
	const char *path, *content;
} tree[] = {
	{ "devices/pci0000:00/0000:00:14.0/vendor", "0x8086\n" }, { "devices/pci0000:00/0000:00:14.0/device", "0x9d2f\n" },
	{ USB "/idVendor", "1a86\n" }, { USB "/idProduct", "7523\n" },
	{ USB "/uevent", "MAJOR=189\nMINOR=4\nDEVNAME=bus/usb/001/005\nDEVTYPE=usb_device\n" },
	{ USB "/1-1:1.0/ttyUSB0/tty/ttyUSB0/uevent", "MAJOR=188\nMINOR=0\nDEVNAME=ttyUSB0\n" },
	{ "devices/virtual/input/input7/id/vendor", "046d\n" }, { "devices/virtual/input/input7/id/product", "c52b\n" },
	{ "devices/virtual/input/input7/event3/uevent", "MAJOR=13\nMINOR=67\nDEVNAME=input/event3\n" },
	{ "devices/pci0000:00/0000:00:02.0/virtio1/vendor", "0x1AF4\n" }, { "devices/pci0000:00/0000:00:02.0/virtio1/device", "0x0002\n" },
	{ "devices/pci0000:00/0000:00:02.0/virtio1/block/vda/uevent", "MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\n" },
	{ "devices/virtual/mem/null/uevent", "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n" },
	{ "devices/virtual/evil/idVendor", "1a86\n" }, { "devices/virtual/evil/idProduct", "7523\n" },
	{ "devices/virtual/evil/uevent", "DEVNAME=../etc/passwd\n" },
	{ "bus/usb/keep", "" },
	{ USB "/subsystem", NULL },
};

static const char *const nodes[][2] = {
	{ "char/189:4", "../../" USB }, { "char/188:0", "../../" USB "/1-1:1.0/ttyUSB0/tty/ttyUSB0" },
	{ "char/13:67", "../../devices/virtual/input/input7/event3" }, { "char/1:3", "../../devices/virtual/mem/null" },
	{ "char/9:9", "../../devices/virtual/evil" }, { "block/254:0", "../../devices/pci0000:00/0000:00:02.0/virtio1/block/vda" },
	{ "char/7:7", "../../devices/gone" },
};

static void make_dirs(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

static void make_tree(void)
{
	char path[512];

	for (size_t i = 0; i < sizeof(tree) / sizeof(*tree); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", sys, tree[i].path);
		make_dirs(path);
		f = tree[i].content ? fopen(path, "w") : NULL;
		if (f) {
			fputs(tree[i].content, f);
			fclose(f);
		} else {
			CHECK(!symlink("../../../../../../bus/usb", path));
		}
	}
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		snprintf(path, sizeof(path), "%s/dev/%s", sys, nodes[i][0]);
		make_dirs(path);
		CHECK(!symlink(nodes[i][1], path));
	}
}

static int add(const struct hotplug_node *n, void *arg)
{
	char *list = arg;

	sprintf(list + strlen(list), "%c%u:%u=%s ", n->block ? 'b' : 'c', n->major, n->minor, n->path);
	return 0;
}

static const char *found(const char *vendor, const char *product)
{
	static char list[1024];

	list[0] = '\0';
	CHECK(hotplug_each(sys, vendor, product, add, list) == 0);
	return list;
}

int main(void)
{
	char rm[64];

	CHECK(mkdtemp(sys));
	make_tree();
	CHECK_STR(found("1a86", "7523"), "c188:0=/dev/ttyUSB0 ");
	CHECK_STR(found("1a86", ""), "c188:0=/dev/ttyUSB0 ");
	CHECK_STR(found("", "c52b"), "c13:67=/dev/input/event3 ");
	CHECK_STR(found("1af4", "0002"), "b254:0=/dev/vda ");
	CHECK_STR(found("1a86", "c52b"), "");
	/* what is behind the nearest ids does not count */
	CHECK_STR(found("8086", ""), "");
	snprintf(rm, sizeof(rm), "rm -r %s", sys);
	CHECK(system(rm) == 0);
	return UNIT_END();
}

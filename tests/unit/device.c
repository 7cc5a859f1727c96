// SPDX-License-Identifier: LGPL-2.1-or-later
/* Texts of devices: reading, checking, and which of them need root. */
#include <errno.h>
#include <fcntl.h>

#include "backends/core/config.h"
#include "tests/unit/unit.h"

static struct err last;

static int check(const char *text)
{
	int r;

	err_clear(&last);
	r = device_check("dev0", text, strlen(text), &last);
	CHECK(r == -last.code && !r == !last.text[0]);
	return r;
}

static void test_get(void)
{
	static const char text[] = "# a disk\n\n type = disk \npath=/mnt/a=b\nsource=/srv\nempty=\n";
	char b[64];

	CHECK(device_get(text, sizeof(text) - 1, "type", b, sizeof(b)));
	CHECK_STR(b, "disk");
	CHECK(device_get(text, sizeof(text) - 1, "path", b, sizeof(b)));
	CHECK_STR(b, "/mnt/a=b");
	CHECK(device_get(text, sizeof(text) - 1, "empty", b, sizeof(b)));
	CHECK_STR(b, "");
	CHECK(!device_get(text, sizeof(text) - 1, "pat", b, sizeof(b)) && !device_get(text, sizeof(text) - 1, "# a disk", b, sizeof(b)));
	CHECK(device_get(text, sizeof(text) - 1, "path", b, 5));
	CHECK_STR(b, "/mnt");
	CHECK(device_get("type=nic", 8, "type", b, sizeof(b)));
	CHECK_STR(b, "nic");
	CHECK(!device_get("", 0, "type", b, sizeof(b)));
}

struct probe {
	const char *text;
	int result;
};

static const struct probe probes[] = {
	{ "type=disk\npath=/\npool=default\n", 0 }, { "type=disk\npath=/", 0 }, { "# root\ntype = disk\n\npath = /\n", 0 },
	{ "type=disk\npath=/\nsize=10GB\n", 0 }, { "type=disk\npath=/\nsource=/srv\n", -EINVAL },
	{ "type=disk\npath=/mnt\nsource=/srv\n", 0 }, { "type=disk\npath=/mnt\nsource=/srv\nreadonly=true\nshift=yes\n", 0 },
	{ "type=disk\npath=/mnt\nsource=/srv\nreadonly=1\nrecursive=1\n", 0 },
	{ "type=disk\npath=/mnt\nsource=/srv\nreadonly=0\nrecursive=1\n", 0 }, { "type=disk\npath=/mnt\n", -EINVAL },
	{ "type=disk\nsource=/srv\n", -EINVAL }, { "type=disk\npath=mnt\nsource=/srv\n", -EINVAL },
	{ "type=disk\npath=/a/../b\nsource=/srv\n", -EINVAL }, { "type=disk\npath=/a\nsource=/srv/..\n", -EINVAL },
	{ "type=disk\npath=/..a/b..\nsource=/srv\n", 0 }, { "type=disk\npath=/a\nsource=srv\n", -EINVAL },
	{ "type=disk\npath=/a\nsource=/srv\nrequired=1\noptional=1\n", -EINVAL }, { "type=disk\npath=/a\nsource=/srv\nreadonly=x\n", -EINVAL },
	{ "type=disk\npath=/a\nsource=vol\npool=default\n", -EINVAL }, { "type=disk\npath=/a\nsource=/srv\npropagation=rslave\n", 0 },
	{ "type=disk\npath=/a\nsource=/srv\npropagation=all\n", -EINVAL }, { "type=disk\npath=/a\nsource=/srv\nlimits.read=1MB\n", 0 },
	{ "type=disk\npath=/a\nsource=/srv\nlimits.\n", -EINVAL }, { "type=disk\npath=/a\nsource=/srv\ncolour=red\n", -EINVAL },
	{ "type=nic\nnictype=bridged\nparent=lxcbr0\n", 0 },
	{ "type=nic\nnictype=bridged\nparent=lxcbr0\nname=eth0\nhwaddr=00:16:3e:01:02:03\nmtu=1500\nhost_name=veth-c1\n", 0 },
	{ "type=nic\nnictype=bridged\n", -EINVAL }, { "type=nic\nparent=lxcbr0\n", -EINVAL }, { "type=nic\nnictype=p2p\n", 0 },
	{ "type=nic\nnictype=p2p\nparent=eth0\n", -EINVAL }, { "type=nic\nnictype=macvlan\nparent=eth0\n", 0 },
	{ "type=nic\nnictype=physical\nparent=eth0\nhost_name=x1\n", -EINVAL }, { "type=nic\nnictype=routed\n", 0 },
	{ "type=nic\nnictype=ipvlan\nparent=eth0\n", -EOPNOTSUPP },
	{ "type=nic\nnictype=token\n", -EINVAL }, { "type=nic\nnetwork=lxdbr0\n", 0 },
	{ "type=nic\nnetwork=lxdbr0\nparent=eth0\n", -EINVAL }, { "type=nic\nnetwork=br0\nlimits.max=10Mbit\nlimits.ingress=1Gibit\n", 0 },
	{ "type=nic\nnetwork=br0\nlimits.ingress=10M\n", -EINVAL }, { "type=nic\nnetwork=br0\nipv4.address=10.0.0\n", -EINVAL },
	{ "type=nic\nnetwork=br0\nipv4.address=10.0.0.1,10.0.0.2\n", -EINVAL }, { "type=nic\nnetwork=br0\nvlan=4095\n", -ERANGE },
	{ "type=nic\nnetwork=br0\nsecurity.ipv4_filtering=true\n", -EINVAL }, { "type=nic\nnetwork=br0\nvlan.tagged=5\n", -EOPNOTSUPP },
	{ "type=nic\nnetwork=br0\nipv4.routes=10.0.0.1/8\n", -EINVAL }, { "type=nic\nnictype=macvlan\nparent=e0\nlimits.max=1Mbit\n", -EINVAL },
	{ "type=nic\nnictype=p2p\nname=e\n", -EINVAL }, { "type=nic\nnictype=p2p\nname=interface0123456\n", -EINVAL },
	{ "type=nic\nnictype=p2p\nname=a b\n", -EINVAL }, { "type=nic\nnictype=p2p\nname=..\n", -EINVAL },
	{ "type=nic\nnictype=p2p\nhwaddr=01:16:3e:01:02:03\n", -EINVAL }, { "type=nic\nnictype=p2p\nhwaddr=0016.3e01.0203\n", -EINVAL },
	{ "type=nic\nnictype=p2p\nhwaddr=00:16:3e:01:02:03:04\n", -EINVAL }, { "type=nic\nnictype=p2p\nhwaddr=00:00:00:00:00:00\n", -EINVAL },
	{ "type=nic\nnictype=p2p\nmtu=1279\n", -ERANGE }, { "type=nic\nnictype=p2p\nmtu=16385\n", -ERANGE },
	{ "type=nic\nnictype=p2p\nvlan=5\n", -EINVAL }, { "type=nic\nnictype=p2p\nipv4.address=10.0.0.1\n", -EINVAL },
	{ "type=none\n", 0 }, { "type=none\npath=/\n", -EINVAL }, { "type=unix-char\npath=/dev/x\n", 0 },
	{ "type=unix-char\n", -EINVAL }, { "type=unix-block\nsource=/dev/loop0\nmode=0640\nuid=1\n", 0 },
	{ "type=unix-char\npath=/dev/x\nmajor=1\n", -EINVAL }, { "type=unix-char\npath=/dev/x\nmajor=1\nminor=3\n", 0 },
	{ "type=unix-char\npath=/dev/x\nmajor=4096\nminor=3\n", -ERANGE }, { "type=unix-char\npath=/dev/x\nmode=1777\n", -EINVAL },
	{ "type=unix-char\nsource=/dev/x\nmajor=1\nminor=3\n", -EINVAL }, { "type=unix-hotplug\nvendorid=1234\n", 0 },
	{ "type=unix-hotplug\nuid=0\n", -EINVAL }, { "type=unix-hotplug\nproductid=C52B\n", -EINVAL },
	{ "type=unix-hotplug\nproductid=c52b\nrequired=maybe\n", -EINVAL },
	{ "type=proxy\n", -EINVAL }, { "type=proxy\nlisten=tcp:0.0.0.0:80\nconnect=unix:/run/x\n", 0 },
	{ "type=proxy\nlisten=tcp:[::]:80-89,95\nconnect=tcp:127.0.0.1:1-11\nproxy_protocol=true\n", 0 },
	{ "type=proxy\nlisten=tcp:1.2.3.4:80-89\nconnect=tcp:127.0.0.1:1-2\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:80,80\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:0\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:65536\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:9-8\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:-8\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:::1:8\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=tcp::8\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=udp:1.2.3.4:8\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=unix:x\nconnect=tcp:127.0.0.1:1\n", -EINVAL },
	{ "type=proxy\nlisten=unix:@x\nconnect=tcp:127.0.0.1:1\nmode=0600\n", -EINVAL },
	{ "type=proxy\nlisten=unix:/x\nconnect=tcp:127.0.0.1:1\nmode=0600\nbind=instance\n", 0 },
	{ "type=proxy\nlisten=tcp:1.2.3.4:8\nconnect=tcp:1.2.3.5:1\nnat=true\n", 0 },
	{ "type=proxy\nlisten=tcp:127.0.0.1:8\nconnect=tcp:1.2.3.5:1\nnat=true\n", -EINVAL },
	{ "type=proxy\nlisten=tcp:1.2.3.4:8\nconnect=tcp:[::2]:1\nnat=true\n", -EINVAL }, { "type=gpu\n", -EOPNOTSUPP }, { "type=floppy\n", -EINVAL }, { "path=/\n", -EINVAL }, { "", -EINVAL },
	{ "\n", -EINVAL }, { "# nothing\n", -EINVAL }, { "type=disk\npath\n", -EINVAL }, { "=x\ntype=none\n", -EINVAL },
	{ "type=disk\npath=/\npath=/\n", -EINVAL }, { "type=disk\ntype=nic\n", -EINVAL }, { "type=disk\npath=\n", -EINVAL },
	{ "type=disk\r\npath=/\r\n", -EINVAL }, { "type=disk\npath=/\x01\n", -EINVAL }, { "type=none\n#\xff\n", -EINVAL },
};

static void test_check(void)
{
	static char big[70000];

	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		int r = check(probes[i].text);

		CHECK(r == probes[i].result);
		if (r != probes[i].result)
			fprintf(stderr, "\t\"%s\": %d, %s\n", probes[i].text, r, last.text);
	}
	memset(big, '\n', sizeof(big));
	CHECK(device_check("dev0", big, sizeof(big), NULL) == -EFBIG);
	CHECK(device_check("a/b", "type=none\n", 10, NULL) == -EINVAL && device_check("", "type=none\n", 10, NULL) == -EINVAL);
	CHECK(device_check(".dev", "type=none\n", 10, NULL) == -EINVAL);
	CHECK(device_check("dev0", "type=none\0\n", 11, NULL) == -EINVAL);
}

static int begun(const char *text)
{
	return device_check_begun("dev0", text, strlen(text), NULL);
}

static void test_begun(void)
{
	CHECK(!begun("type=disk\n") && !begun("path=/a\n") && !begun("# a disk\n") && !begun("\n") && !begun("type=nic\nvlan=5\n"));
	CHECK(!begun("colour=red\n") && begun("colour=red\ntype=disk\n") == -EINVAL && begun("type=floppy\n") == -EINVAL);
	CHECK(begun("path\n") == -EINVAL && begun("path=/a\npath=/b\n") == -EINVAL && begun("type=nic\nmtu=1\n") == -ERANGE);
	CHECK(begun("type=gpu\n") == -EOPNOTSUPP && begun("type=disk\nsource=UUID=1-2\n") == -EINVAL);
}

static bool needs(const char *text)
{
	return device_needs_root(text, strlen(text));
}

static void test_root(void)
{
	CHECK(needs("type=disk\nsource=/srv\npath=/mnt\n") && !needs("type=disk\npath=/\n"));
	CHECK(needs("type=nic\nnictype=macvlan\nparent=eth0\n") && needs("type=nic\nnictype=physical\nparent=eth0\n"));
	CHECK(needs("type=nic\nnictype=bridged\nparent=br0\n") && !needs("type=nic\nnictype=p2p\n") && !needs("type=nic\nnetwork=br0\n"));
	CHECK(needs("type=nic\nnetwork=br0\nipv4.routes=10.0.0.0/8\n") && needs("type=nic\nnictype=routed\n"));
	CHECK(needs("type=unix-char\n") && needs("type=proxy\n") && needs("nonsense") && needs(""));
	CHECK(!needs("type=none\n"));
	CHECK(needs("type=nic\nparent=eth0\n"));
}

static enum device_effect effect(const char *before, const char *after)
{
	return device_effect(before, before ? strlen(before) : 0, after, after ? strlen(after) : 0);
}

static void test_effect(void)
{
	static const char disk[] = "type=disk\npath=/a\nsource=/srv\n", root[] = "type=disk\npath=/\n";

	CHECK(effect(NULL, disk) == DEVICE_AGAIN && effect(disk, NULL) == DEVICE_AGAIN && effect(NULL, NULL) == DEVICE_SAME);
	CHECK(effect(disk, "# new\nsource = /srv\ntype=disk\npath=/a") == DEVICE_SAME);
	CHECK(effect(disk, "type=disk\npath=/a\nsource=/srv\nreadonly=true\n") == DEVICE_AGAIN);
	CHECK(effect("type=disk\npath=/a\nsource=/srv\nrequired=false\n", disk) == DEVICE_LIVE);
	CHECK(effect(NULL, root) == DEVICE_NEXT_START && effect(root, disk) == DEVICE_NEXT_START);
	CHECK(effect(root, "type=disk\npath=/\nsize=1GB\n") == DEVICE_LIVE);
}

static void test_page(void)
{
	_cleanup_buf_ struct buf page = BUF_INIT, file = BUF_INIT;

	devices_print_markdown(&page);
	CHECK(buf_read_file(&file, AT_FDCWD, SOURCE_DIR "/doc/devices.md", 1 << 20) == 0);
	CHECK_STR(buf_str(&page), buf_str(&file));
}

int main(void)
{
	test_get();
	test_check();
	test_begun();
	test_root();
	test_effect();
	test_page();
	return UNIT_END();
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nodes are found in sysfs, by the ids that the kernel's drivers tell there, so that nothing depends on a running udevd. `lock` guards
 * the one socket, which is opened when the first instance needs it: a daemon without such devices is never woken.
 */
#include "backends/lxc/hotplug.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/watch.h"

#define UEVENT_MAX 4096
#define ID_SIZE 5
#define SOCKET_BYTES (1 << 20)	/* many devices come at once */

/* ---- ids ---- */

/* "046d" or "0x046D"; what is no such number is none: of disks, `vendor` is a word. */
static bool read_id(const char *dir, const char *name, char id[ID_SIZE])
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[PATH_MAX + 16];
	const char *s;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (buf_read_file(&b, AT_FDCWD, path, UEVENT_MAX) < 0)
		return false;
	s = buf_str(&b);
	s += strncmp(s, "0x", 2) ? 0 : 2;
	for (size_t i = 0; i < ID_SIZE - 1; i++, s++) {
		if (!isxdigit((unsigned char)*s))
			return false;
		id[i] = (char)tolower((unsigned char)*s);
	}
	id[ID_SIZE - 1] = '\0';
	return !*s || *s == '\n';
}

/* Of the device, or of the nearest one that it hangs on. Cuts path. */
static bool find_ids(char *path, char vendor[ID_SIZE], char product[ID_SIZE])
{
	static const char *const files[][2] = { { "idVendor", "idProduct" }, { "id/vendor", "id/product" }, { "vendor", "device" } };

	for (char *slash; (slash = strrchr(path, '/')) && slash != path; *slash = '\0')
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
			if (read_id(path, files[i][0], vendor) && read_id(path, files[i][1], product))
				return true;
	return false;
}

static bool is_usb_itself(const char *path)
{
	char link[PATH_MAX + 16], to[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "%s/subsystem", path);
	n = readlink(link, to, sizeof(to) - 1);
	if (n < 0)
		return false;
	to[n] = '\0';
	return !strcmp(basename(to), "usb");
}

/* DEVNAME of its `uevent`. */
static bool find_path(const char *sysfs, struct hotplug_node *n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[PATH_MAX + 16];
	const char *s;
	int len;

	snprintf(path, sizeof(path), "%s/uevent", sysfs);
	if (buf_read_file(&b, AT_FDCWD, path, UEVENT_MAX) < 0)
		return false;
	s = strncmp(buf_str(&b), "DEVNAME=", 8) ? strstr(buf_str(&b), "\nDEVNAME=") : buf_str(&b);
	if (!s)
		return false;
	s = strchr(s, '=') + 1;
	len = snprintf(n->path, sizeof(n->path), "/dev/%.*s", (int)strcspn(s, "\n"), s);
	return len < (int)sizeof(n->path) && !strstr(n->path, "..") && !strpbrk(n->path, " =");
}

/* ---- nodes ---- */

struct search {
	const char *vendor, *product;
	int (*f)(const struct hotplug_node *n, void *arg);
	void *arg;
};

static int look_at(const char *link, struct hotplug_node *n, const struct search *s)
{
	char path[PATH_MAX], vendor[ID_SIZE], product[ID_SIZE];

	if (!realpath(link, path) || !find_path(path, n) || is_usb_itself(path) || !find_ids(path, vendor, product))
		return 0;
	if ((*s->vendor && strcmp(s->vendor, vendor) != 0) || (*s->product && strcmp(s->product, product) != 0))
		return 0;
	return s->f(n, s->arg);
}

static int look_in(const char *sys, bool block, const struct search *s)
{
	struct hotplug_node n = { .block = block };
	struct dirent **list = NULL;
	char dir[PATH_MAX], link[PATH_MAX + 300];
	int count, r = 0;

	snprintf(dir, sizeof(dir), "%s/dev/%s", sys, block ? "block" : "char");
	count = scandir(dir, &list, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		int end = 0;

		snprintf(link, sizeof(link), "%s/%s", dir, list[i]->d_name);
		if (r == 0 && sscanf(list[i]->d_name, "%u:%u%n", &n.major, &n.minor, &end) == 2 && !list[i]->d_name[end])
			r = look_at(link, &n, s);
		free(list[i]);
	}
	free(list);
	return r;
}

int hotplug_each(const char *sys, const char *vendor, const char *product, int (*f)(const struct hotplug_node *n, void *arg), void *arg)
{
	const struct search s = { vendor, product, f, arg };
	int r = look_in(sys, false, &s);

	return r ? r : look_in(sys, true, &s);
}

/* ---- events ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct udev_monitor *monitor;
static void (*listener)(void);

static void on_event(void *arg)
{
	struct udev_device *d;
	bool node = false;

	errno = 0;
	while ((d = udev_monitor_receive_device(monitor))) {
		node |= udev_device_get_devnum(d) != 0;
		udev_device_unref(d);
	}
	/* some were lost */
	node |= errno == ENOBUFS;
	if (node)
		listener();
}

static int open_monitor(struct udev *u, struct err *e)
{
	struct udev_monitor *m = udev_monitor_new_from_netlink(u, "kernel");

	if (!m)
		return err_sys(e, errno ? errno : EIO, "the kernel's socket for events of devices");
	udev_monitor_set_receive_buffer_size(m, SOCKET_BYTES);
	if (udev_monitor_enable_receiving(m) < 0) {
		udev_monitor_unref(m);
		return err_sys(e, EIO, "the kernel's socket for events of devices");
	}
	monitor = m;
	if (watch_add(udev_monitor_get_fd(m), on_event, NULL) > 0)
		return 0;
	monitor = udev_monitor_unref(m);
	return err_set(e, ENOMEM, "no memory to watch events of devices");
}

int hotplug_watch(void (*f)(void), struct err *e)
{
	struct udev *u;
	int r;

	HOLD_LOCK(&lock);
	if (monitor)
		return 0;
	u = udev_new();
	if (!u)
		return err_set(e, ENOMEM, "no memory to watch events of devices");
	listener = f;
	r = open_monitor(u, e);
	udev_unref(u);
	return r;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* The program: the list of backends and storage drivers, and in which order a server comes to life. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/exec.h"
#include "backends/core/image.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/leftovers.h"
#include "backends/core/mount.h"
#include "backends/core/network.h"
#include "backends/core/object.h"
#include "backends/core/op.h"
#include "backends/core/storage.h"
#include "backends/core/upkeep.h"
#include "backends/core/watch.h"
#include "backends/lxc/lxc.h"
#include "backends/mock/mock.h"
#include "backends/proc/proc.h"
#include "backends/network/bridge.h"
#include "backends/qemu/qemu.h"
#include "backends/storage/dir.h"
#include "backends/storage/disk.h"
#include "backends/storage/overlay.h"
#include "fs/change.h"
#include "fs/dispatch.h"
#include "fs/log.h"
#include "fs/nested.h"
#include "fs/session.h"
#include "fs/shm.h"
#include "fs/start.h"
#include "fs/top.h"
#include "fs/views.h"
#include "fs/views_daemon.h"

#define WORKERS 8

static const struct backend_ops *const backends[] = { &lxc_backend, &mock_backend, &qemu_backend, NULL };
static const struct storage_ops *const storages[] = { &overlay_storage, &dir_storage, &disk_storage, NULL };
static const struct network_ops *const networks[] = { &bridge_network, &mock_network, NULL };

static const char *or_default(const char *name)
{
	return *name ? name : NULL;
}

static int open_store(const struct options *o, struct err *e)
{
	_cleanup_buf_ struct buf version = BUF_INIT;
	int r = keep_attach(FD_KEEP);

	if (r)
		return err_sys(e, -r, "shared memory");
	buf_addstr(&version, "instfs " INSTFS_VERSION "\n");
	r = model_open(o->state_dir, e);
	if (!r)
		r = backend_init(backends, *o->backend ? o->backend : "lxc", &version, e);
	if (!r)
		r = storage_init(storages, or_default(o->storage), &version, e);
	if (!r)
		r = network_init(networks, o->backend, &version, e);
	if (!r)
		r = image_init(e);
	if (!r && !shm->init_done)
		r = leftovers_clean(LEFT_IN_OBJECTS, e);
	/* without control groups, as the mock can do, proc/ shows what is configured */
	if (!r)
		(void)proc_init("", NULL);
	top_set_version(buf_str(&version));
	return r;
}

/* Where no instance runs nothing stays mounted. */
static void leave_run_directory(void)
{
	static const char *const parts[] = { "lxc", "rootfs" };
	char path[512];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", model_rundir(), parts[i]);
		mount_private_end(path);
	}
}

static int serve(struct err *e)
{
	int r = open_store(&shm->options, e);

	if (r)
		return r;
	r = watch_init();
	if (r)
		return err_sys(e, -r, "the watch thread");
	if (views_daemon_init(e))
		log_warning("containers will see the host's /proc: %s", e->text);
	err_clear(e);
	/* Whoever changes something from here on has a listener that tells the kernel. */
	fs_takeover(!shm->init_done);
	if (shm->crashed)
		op_suspect();
	r = upkeep_init(e);
	if (!r)
		network_adopt_all();
	if (!r)
		r = instance_adopt_all(e);
	if (r)
		return r;
	views_daemon_adopt();
	exec_adopt_all();
	r = op_init(WORKERS, e);
	if (r)
		return r;
	r = session_run(dispatch_class(), e);
	change_save();
	rootfs_close();
	base_wait();
	leave_run_directory();
	return r;
}

int main(int argc, char **argv)
{
	static const start_serve_fn parts[SHM_KINDS] = { [SHM_TREE] = serve, [SHM_VIEWS] = views_serve, [SHM_NESTED] = nested_serve };

	return start_main(argc, argv, parts);
}

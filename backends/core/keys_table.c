// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows: every key there is, and every key of LXD that there is not, with the reason. Constant data only; what is done with a
 * row is in keys.c, checks of values in keys_check.c and keys_raw.c. Names and meanings are LXD's, so that what people know keeps
 * working; where LXD takes a value by mistake we refuse it.
 */
#include "backends/core/keys.h"
#include "backends/core/keys_check.h"

#define ANY (KEY_PROFILE | KEY_INSTANCE | KEY_CONTAINER | KEY_VM)
#define CONTAINER (KEY_PROFILE | KEY_INSTANCE | KEY_CONTAINER)
#define NO_SCHEDULER .idle = "snapshots are not made by schedule yet"
#define NO_MIGRATION .idle = "running containers cannot be moved to another host yet"
#define NO_TEMPLATES .idle = "templates of images, which hand it over, are not rendered yet"
#define LIVE_LIMIT .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY

#define TYPE_BOOL .type = "bool", .check = key_check_bool, .same = key_same_bool
#define TYPE_INTEGER .type = "integer", .check = key_check_integer, .same = key_same_integer
#define TYPE_PRIORITY .type = "0 to 10", .check = key_check_priority, .same = key_same_integer
#define TYPE_TEXT .type = "text", .check = key_check_text
#define TYPE_SECONDS .type = "time span", .check = key_check_seconds, .same = key_same_seconds
#define TYPE_ALLOW .type = "allow or block", .def = "block", .live = KEY_LIVE, .flags = KEY_SETTING, .check = key_check_allow
#define TYPE_SIZE .type = "size", .check = key_check_size, .same = key_same_size

const struct key key_table[] = {
	{ .name = "boot.after", .type = "names of instances", .def = "unset", .live = KEY_LIVE, .flags = ANY, .check = key_check_instances,
	  .doc = "start after these instances (a, b, c) when the host has booted, and stop before them when it goes down; "
		 "follows renames" },
	{ .name = "boot.autorestart", TYPE_BOOL, .def = "false", .live = KEY_LIVE, .flags = ANY,
	  .doc = "start it again when it ended without being asked to, at most 10 times a minute" },
	{ .name = "boot.autostart", TYPE_BOOL, .def = "as it was when the host went down", .live = KEY_LIVE, .flags = ANY,
	  .doc = "start with the daemon after the host has booted" },
	{ .name = "boot.autostart.delay", TYPE_SECONDS, .def = "0", .live = KEY_LIVE, .flags = ANY,
	  .doc = "wait that long after this one before the next one is started" },
	{ .name = "boot.autostart.priority", TYPE_INTEGER, .def = "0", .live = KEY_LIVE, .flags = ANY,
	  .doc = "order of starting, highest first, equal ones by name" },
	{ .name = "boot.host_shutdown_timeout", TYPE_SECONDS, .def = "30", .live = KEY_LIVE, .flags = ANY,
	  .doc = "how long a clean stop may take when the host goes down, then it is killed" },
	{ .name = "boot.stop.priority", TYPE_INTEGER, .def = "0", .live = KEY_LIVE, .flags = ANY,
	  .doc = "order of stopping when the host goes down, highest first, equal ones together" },

	{ .name = "cloud-init.network-config", .type = "YAML", .def = "unset", .live = KEY_NEXT_START, .flags = ANY | KEY_MULTILINE,
	  .check = key_check_yaml, NO_TEMPLATES, .doc = "network configuration for cloud-init, which templates of the image hand over" },
	{ .name = "cloud-init.user-data", .type = "cloud-config or script", .def = "unset", .live = KEY_NEXT_START,
	  .flags = ANY | KEY_MULTILINE, .check = key_check_user_data, NO_TEMPLATES,
	  .doc = "for cloud-init; begins with #cloud-config (then YAML), #!, or another first line that cloud-init knows" },
	{ .name = "cloud-init.vendor-data", .type = "cloud-config or script", .def = "unset", .live = KEY_NEXT_START,
	  .flags = ANY | KEY_MULTILINE, .check = key_check_user_data, NO_TEMPLATES, .doc = "as cloud-init.user-data, which takes precedence" },

	{ .name = "environment.*", TYPE_TEXT, .def = "unset", .live = KEY_LIVE, .flags = ANY,
	  .doc = "exported to commands run by exec, and to init from the next start" },

	{ .name = "limits.cpu", .type = "count or set", .def = "all", .live = KEY_LIVE, .flags = ANY | KEY_APPLY,
	  .check = key_check_cpu, .same = key_same_cpu,
	  .doc = "2: that many CPUs, balanced over the host; 1-1: CPU 1; 0-3,7: these CPUs" },
	{ .name = "limits.cpu.allowance", .type = "percent or slice", .def = "100%", LIVE_LIMIT, .check = key_check_allowance,
	  .same = key_same_allowance, .doc = "50%: weight when CPUs are busy; 25ms/100ms: never more than that, relative to one CPU" },
	{ .name = "limits.cpu.priority", TYPE_PRIORITY, .def = "10", LIVE_LIMIT,
	  .doc = "who gets a little more when CPUs are busy, highest first" },
	{ .name = "limits.disk.priority", TYPE_PRIORITY, .def = "5", LIVE_LIMIT, .doc = "who comes first when disks are busy, highest first" },
	{ .name = "limits.hugepages.1GB", TYPE_SIZE, .def = "no limit", LIVE_LIMIT, .doc = "memory in huge pages of 1 GiB" },
	{ .name = "limits.hugepages.1MB", TYPE_SIZE, .def = "no limit", LIVE_LIMIT, .doc = "memory in huge pages of 1 MiB" },
	{ .name = "limits.hugepages.2MB", TYPE_SIZE, .def = "no limit", LIVE_LIMIT, .doc = "memory in huge pages of 2 MiB" },
	{ .name = "limits.hugepages.64KB", TYPE_SIZE, .def = "no limit", LIVE_LIMIT, .doc = "memory in huge pages of 64 KiB" },
	{ .name = "limits.kernel.*", .type = "SOFT or SOFT:HARD", .def = "the daemon's own", .live = KEY_LIVE,
	  .flags = CONTAINER | KEY_APPLY | KEY_ROOT, .check = key_check_rlimit, .same = key_same_text, .check_rest = key_rest_rlimit,
	  .doc = "limits of each process (nofile, memlock, nproc, ...): numbers or unlimited; of running processes too" },
	{ .name = "limits.memory", .type = "size or percent", .def = "all", .live = KEY_LIVE, .flags = ANY | KEY_APPLY,
	  .check = key_check_memory, .same = key_same_memory,
	  .doc = "256MiB or 256M (2^20), 256MB (10^6), or 25% of the host's memory" },
	{ .name = "limits.memory.enforce", .type = "hard or soft", .def = "hard", LIVE_LIMIT, .check = key_check_enforce,
	  .doc = "soft: more than limits.memory may be used while the host has memory to spare" },
	{ .name = "limits.memory.oom_priority", .type = "-1000 to 1000", .def = "0", .live = KEY_LIVE,
	  .flags = CONTAINER | KEY_APPLY | KEY_ROOT, .check = key_check_oom_priority, .same = key_same_integer,
	  .doc = "whose processes are killed first when the host is out of memory, highest first; -1000: never" },
	{ .name = "limits.memory.swap", .type = "bool or size", .def = "true", LIVE_LIMIT, .check = key_check_swap,
	  .same = key_same_swap, .doc = "whether the host may swap its memory out, or how much of it" },
	{ .name = "limits.memory.swap.priority", TYPE_PRIORITY, .def = "10", LIVE_LIMIT,
	  .doc = "whose memory is swapped out last, highest last" },
	{ .name = "limits.network.priority", TYPE_PRIORITY, .def = "0", LIVE_LIMIT,
	  .doc = "whose packets go first when an interface of the host is busy, highest first" },
	{ .name = "limits.processes", .type = "count", .def = "no limit", LIVE_LIMIT, .check = key_check_count,
	  .same = key_same_integer, .doc = "number of processes and threads" },

	{ .name = "linux.kernel_modules", .type = "names of modules", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT, .check = key_check_modules, .doc = "loaded into the host's kernel before each start (a, b, c)" },
	{ .name = "linux.sysctl.*", .type = "text", .def = "the kernel's", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .check = key_check_sysctl, .check_rest = key_rest_sysctl,
	  .doc = "parameters of the kernel that each instance has of its own: net.*, kernel.shm*, kernel.msg*, fs.mqueue.*, user.*" },

	{ .name = "migration.incremental.memory", TYPE_BOOL, NO_MIGRATION, .def = "false", .live = KEY_LIVE, .flags = CONTAINER,
	  .doc = "copy memory several times before a running container moves to another host" },
	{ .name = "migration.incremental.memory.goal", NO_MIGRATION, .type = "1 to 100", .def = "70", .live = KEY_LIVE, .flags = CONTAINER,
	  .check = key_check_percentage, .same = key_same_integer, .doc = "percent of memory that should be the same before it is stopped" },
	{ .name = "migration.incremental.memory.iterations", NO_MIGRATION, .type = "1 to 999", .def = "10", .live = KEY_LIVE, .flags = CONTAINER,
	  .check = key_check_iterations, .same = key_same_integer, .doc = "how often memory is copied at most before it is stopped" },

	{ .name = "proc.cpus", .type = "cpuset or quota", .def = "cpuset", .live = KEY_LIVE, .flags = CONTAINER,
	  .check = key_check_proc_cpus,
	  .doc = "how many CPUs its /proc and /sys show: those of limits.cpu, or what limits.cpu.allowance (25ms/100ms) is worth, rounded up" },
	{ .name = "raw.apparmor", .type = "rules", .def = "unset", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE,
	  .check = key_check_apparmor, .doc = "lines added to the AppArmor profile, where the kernel has AppArmor" },
	{ .name = "raw.idmap", .type = "id maps", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE | KEY_LINES, .check = key_check_idmap,
	  .doc = "lines `both HOST INSTANCE` (or uid, gid) with ids or ranges: these are the host's ids inside as well" },
	{ .name = "raw.lxc", .type = "configuration", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE | KEY_LINES,
	  .check = key_check_lxc, .doc = "lines `lxc.key = value`, added to the configuration that liblxc gets" },
	{ .name = "raw.seccomp", .type = "seccomp policy", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE, .check = key_check_seccomp,
	  .doc = "a whole policy in liblxc's form, in place of the one that instfs makes" },

	{ .name = "security.idmap.base", .type = "id", .def = "chosen", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .check = key_check_idmap_base, .same = key_same_integer,
	  .doc = "the host's id that is root inside, for an isolated instance; within root's lines of /etc/subuid and /etc/subgid" },
	{ .name = "security.idmap.isolated", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "ids of the host that no other instance has; the range is kept in volatile/idmap" },
	{ .name = "security.idmap.size", .type = "count", .def = "65536", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .check = key_check_idmap_size, .same = key_same_integer, .doc = "number of ids that the instance has" },
	{ .name = "security.nesting", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "containers may run inside of it" },
	{ .name = "security.privileged", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "without a user namespace: root inside is root of the host" },
	{ .name = "security.protection.delete", TYPE_BOOL, .def = "false", .live = KEY_LIVE, .flags = ANY,
	  .doc = "it cannot be removed" },
	{ .name = "security.protection.start", TYPE_BOOL, .def = "false", .live = KEY_LIVE, .flags = ANY,
	  .doc = "it cannot be started" },
	{ .name = "security.syscalls.allow", .type = "system calls", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE | KEY_LINES, .check = key_check_syscalls_allow,
	  .doc = "names, one per line: all other system calls fail with ENOSYS" },
	{ .name = "security.syscalls.deny", .type = "system calls", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE | KEY_LINES, .check = key_check_syscalls_deny,
	  .doc = "lines `NAME`, `NAME errno N` or `NAME kill`: these system calls fail (EPERM), fail so, or kill" },
	{ .name = "security.syscalls.deny_compat", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "system calls of 32-bit programs fail with ENOSYS (x86_64 only)" },
	{ .name = "security.syscalls.deny_default", TYPE_BOOL, .def = "true", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "deny what no container should do: kexec, kernel modules, open_by_handle_at, forced umount" },
	{ .name = "security.syscalls.intercept.sched_getaffinity", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT,
	  .doc = "sched_getaffinity(2) tells of as many CPUs as the instance's /proc shows, with proc.cpus=quota too" },
	{ .name = "security.syscalls.intercept.sysinfo", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT, .doc = "sysinfo(2) tells what the instance's /proc/meminfo, loadavg and uptime show" },

	{ .name = "snapshots.expiry", .type = "expiry", .def = "never", .live = KEY_LIVE, .flags = ANY, .check = key_check_expiry,
	  .doc = "lifetime of snapshots made from now on: 30M, 12H, 7d, 2w, 1m 2d, 1y (M minutes, m months)" },
	{ .name = "snapshots.pattern", NO_SCHEDULER, .type = "pattern", .def = "snap%d", .live = KEY_LIVE, .flags = ANY, .check = key_check_pattern,
	  .doc = "names of snapshots made by schedule; %d is counted up, and the time can be in it, see below" },
	{ .name = "snapshots.schedule", NO_SCHEDULER, .type = "schedule", .def = "never", .live = KEY_LIVE, .flags = ANY,
	  .check = key_check_schedule,
	  .doc = "`minute hour day month weekday` as for cron, or @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @startup; "
		 "several after a comma and a blank" },
	{ .name = "snapshots.schedule.stopped", NO_SCHEDULER, TYPE_BOOL, .def = "false", .live = KEY_LIVE, .flags = ANY,
	  .doc = "whether scheduled snapshots are made of a stopped instance too" },

	{ .name = "user.*", TYPE_TEXT, .def = "unset", .live = KEY_LIVE, .flags = ANY | KEY_MULTILINE | KEY_NETWORK, .doc = "free for any use" },

	{ .name = "images.compression_algorithm", .type = "name", .def = "gzip", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .check = key_check_compression, .doc = "of published images and backups: bzip2, gzip, lzma, xz, zstd, none" },
	{ .name = "restricted.devices.disk.paths", .type = "paths", .def = "none", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .check = key_check_paths,
	  .doc = "directories of the host that users may give to their instances as disks: these very ones, not what is below" },
	{ .name = "restricted.devices.proxy", TYPE_ALLOW, .doc = "whether users may give proxy devices" },
	{ .name = "restricted.devices.unix-block", TYPE_ALLOW, .doc = "whether users may give block devices of the host" },
	{ .name = "restricted.devices.unix-char", TYPE_ALLOW, .doc = "whether users may give character devices of the host" },
	{ .name = "restricted.devices.unix-hotplug", TYPE_ALLOW, .doc = "whether users may give devices of the host that come and go" },
	{ .name = "restricted.networks.access", .type = "names", .def = "none", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .check = key_check_parents,
	  .doc = "interfaces of the host that users may name as parent= of nics; networks of the tree are free for all" },
	{ .name = "trash.expiry", TYPE_SECONDS, .def = "24h", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .doc = "how long removed instances stay in trash/" },
	{ .name = NULL },
};

#define VM_ONLY "it is for virtual machines, which have not got it yet"
#define CLUSTER "each host stands for itself, there are no clusters"
#define NVIDIA "NVIDIA's container runtime is not used; give the devices that are needed in devices/"
#define RENAMED "the name that LXD gave up; now it is "
#define INTERCEPT "only sysinfo and sched_getaffinity are; security.syscalls.deny and security.syscalls.allow filter others"
#define IMAGES_LATER "images are not fetched from elsewhere yet"

const struct key_refusal key_refused[] = {
	{ "agent.*", VM_ONLY },
	{ "boot.debug_edk2", VM_ONLY },
	{ "boot.host_shutdown_action", "instances are stopped, and killed after boot.host_shutdown_timeout" },
	{ "cluster.*", CLUSTER },
	{ "limits.cpu.nodes", "name the CPUs of the NUMA nodes in limits.cpu" },
	{ "limits.memory.hotplug", VM_ONLY },
	{ "limits.memory.hugepages", VM_ONLY "; limits.hugepages.2MB limits huge pages" },
	{ "migration.stateful", VM_ONLY },
	{ "nvidia.*", NVIDIA },
	{ "oci.*", "images of application containers (OCI) are not supported" },
	{ "raw.qemu", VM_ONLY },
	{ "raw.qemu.*", VM_ONLY },
	{ "security.agent.metrics", VM_ONLY },
	{ "security.bpffs.*", "a BPF file system is not delegated to instances" },
	{ "security.csm", VM_ONLY },
	{ "security.devlxd", "instances have no /dev/lxd; environment.*, templates of images and disk devices hand things over" },
	{ "security.devlxd.*", "instances have no /dev/lxd; environment.*, templates of images and disk devices hand things over" },
	{ "security.guestapi", "instances have no /dev/incus; environment.*, templates of images and disk devices hand things over" },
	{ "security.iommu", VM_ONLY },
	{ "security.protection.shift", "file systems are never shifted on disk: running instances use idmapped mounts" },
	{ "security.secureboot", VM_ONLY },
	{ "security.sev", VM_ONLY },
	{ "security.sev.*", VM_ONLY },
	{ "security.syscalls.blacklist", RENAMED "security.syscalls.deny" },
	{ "security.syscalls.blacklist_compat", RENAMED "security.syscalls.deny_compat" },
	{ "security.syscalls.blacklist_default", RENAMED "security.syscalls.deny_default" },
	{ "security.syscalls.intercept.*", INTERCEPT },
	{ "security.syscalls.whitelist", RENAMED "security.syscalls.allow" },
	{ "smbios11.*", VM_ONLY },
	{ "snapshots.expiry.manual", "snapshots.expiry is for all snapshots; snapshots/NAME/expires can be written for each" },
	{ "systemd.credential.*", "credentials of systemd are not handed over; a disk device can" },
	{ "systemd.credential-binary.*", "credentials of systemd are not handed over; a disk device can" },

	{ "bgp.*", "networks do not speak BGP" },
	{ "bridge.driver", "bridges are those of the kernel" },
	{ "dns.search", "dns.domain is what instances search; raw.dnsmasq can say more" },
	{ "dns.zone.*", "there are no zones" },
	{ "ipv4.dhcp.gateway", "the gateway is the host; raw.dnsmasq can say otherwise" },
	{ "ipv4.nat.*", "addresses are those that the kernel chooses" },
	{ "ipv4.ovn.ranges", "there is no OVN" },
	{ "ipv4.routing", "packets are always forwarded; ipv4.nat decides how they leave" },
	{ "ipv6.dhcp.ranges", "with ipv6.dhcp.stateful the whole subnet is given out; raw.dnsmasq can say more" },
	{ "ipv6.nat.*", "addresses are those that the kernel chooses" },
	{ "ipv6.ovn.ranges", "there is no OVN" },
	{ "ipv6.routing", "packets are always forwarded; ipv6.nat decides how they leave" },
	{ "tunnel.*", "networks do not span hosts" },

	{ "backups.compression_algorithm", "backups are not made yet" },
	{ "core.*", "the daemon has no network interface of its own" },
	{ "images.auto_update_cached", IMAGES_LATER },
	{ "images.auto_update_interval", IMAGES_LATER },
	{ "images.default_architecture", IMAGES_LATER },
	{ "images.remote_cache_expiry", IMAGES_LATER },
	{ "loki.*", "logs are not sent anywhere; events and events.log can be read" },
	{ "restricted.*", "users may have what settings/restricted.devices.* and restricted.networks.access list; all else is root's" },
	{ "storage.*", "storage is chosen by options of the daemon; see instfs(8)" },
	{ NULL, NULL },
};

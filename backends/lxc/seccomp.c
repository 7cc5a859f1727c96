// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies over system calls, in liblxc's form: see seccomp.h. In a denylist what is not named is allowed. A list of what is
 * allowed stands alone: then nothing else is needed, and it is refused together with what is denied (config_plan.c). System calls
 * of 32-bit programs are another filter (helper_limits.c).
 */
#include "backends/lxc/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backends/core/cleanup.h"

static const char *const denied[] = {
	"kexec_load", "kexec_file_load", "open_by_handle_at", "init_module", "finit_module", "delete_module",
};

/* Each line without its comment; def is added to those that are a name alone. */
static void add_lines(const char *text, const char *def, struct buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), n = strcspn(text, "\n#"), first = strspn(text, " \t");

		while (n > first && strchr(" \t", text[n - 1]))
			n--;
		if (n > first) {
			bool alone = first + strcspn(text + first, " \t\n") >= n;

			buf_add(out, text + first, n - first);
			buf_addf(out, "%s\n", alone ? def : "");
		}
		text += len + (text[len] == '\n');
	}
}

bool seccomp_make(const struct expanded *x, struct buf *out)
{
	const char *raw = expanded_get(x, "raw.seccomp"), *allow = expanded_get(x, "security.syscalls.allow");
	const char *deny = expanded_get(x, "security.syscalls.deny");
	bool standard = expanded_bool(x, "security.syscalls.deny_default", true);

	if (raw) {
		buf_addf(out, "%s\n", raw);
		return true;
	}
	if (allow) {
		buf_addf(out, "2\nallowlist errno %d\n[all]\n", ENOSYS);
		add_lines(allow, "", out);
		return true;
	}
	if (!standard && !deny)
		return false;
	buf_addf(out, "2\ndenylist\n%s[all]\n", standard ? "reject_force_umount\n" : "");
	for (size_t i = 0; standard && i < sizeof(denied) / sizeof(*denied); i++)
		buf_addf(out, "%s errno %d\n", denied[i], EPERM);
	if (deny)
		add_lines(deny, " errno 1", out);
	return true;
}

bool seccomp_intercepts(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return buf_read_file(&b, AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail", 256) >= 0 && strstr(buf_str(&b), "user_notif");
}

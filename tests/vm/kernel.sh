# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by run.sh: Debian's own kernel, fetched and unpacked below the build root and never installed, and what the guest boots from.
#
# Gives: $KERNEL (vmlinuz), $MODULES (a directory for /lib/modules), make_initramfs FILE, make_disks DIR.

CACHE=$BUILDS/build-vm
KERNEL= MODULES=$CACHE/root/lib/modules

# Only what a guest of ours can use; the whole package would be 400 MB.
WANTED='./boot/vmlinuz-* ./lib/modules/*/modules.builtin ./lib/modules/*/modules.builtin.modinfo ./lib/modules/*/modules.order
	./lib/modules/*/kernel/arch/* ./lib/modules/*/kernel/crypto/* ./lib/modules/*/kernel/lib/* ./lib/modules/*/kernel/fs/9p/*
	./lib/modules/*/kernel/fs/ext4/* ./lib/modules/*/kernel/fs/jbd2/* ./lib/modules/*/kernel/fs/mbcache.ko ./lib/modules/*/kernel/fs/fscache/*
	./lib/modules/*/kernel/fs/netfs/* ./lib/modules/*/kernel/fs/fuse/* ./lib/modules/*/kernel/fs/overlayfs/* ./lib/modules/*/kernel/fs/squashfs/*
	./lib/modules/*/kernel/net/* ./lib/modules/*/kernel/drivers/block/* ./lib/modules/*/kernel/drivers/virtio/*
	./lib/modules/*/kernel/fs/quota/* ./lib/modules/*/kernel/fs/xfs/*
	./lib/modules/*/kernel/drivers/net/*.ko ./lib/modules/*/kernel/drivers/acpi/button.ko ./lib/modules/*/kernel/drivers/input/evdev.ko'
BOOT_MODULES='virtio_pci virtio_blk 9pnet_virtio 9p overlay crc32c_generic ext4 fuse'

# The package of today's point release, by the name that the meta package depends on. The lists of apt may be absent or old.
kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9.-]*-amd64\)$/\1/p' | head -1
}

fetch_kernel() {
	local package deb dir=$CACHE/fetch
	package=$(kernel_package)
	[ -n "$package" ] || { apt-get update -q >/dev/null 2>&1 || true; package=$(kernel_package); }
	[ -n "$package" ] || skip "apt knows no linux-image-amd64"
	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$dir" && apt-get download -q "$package") >"$CACHE/fetch.log" 2>&1 ||
		{ apt-get update -q && cd "$dir" && apt-get download -q "$package"; } >"$CACHE/fetch.log" 2>&1 || skip "apt-get could not download $package"
	deb=$(find "$dir" -name '*.deb')
	mkdir "$dir/root"
	# shellcheck disable=SC2086
	dpkg-deb --fsys-tarfile "$deb" | (set -f; tar -x -C "$dir/root" --wildcards $WANTED)
	rm "$deb"
	busybox depmod -b "$dir/root" "$(ls "$dir/root/lib/modules")"
	rm -rf "$CACHE/root"
	mv "$dir/root" "$CACHE/root"
}

have_kernel() {
	command -v busybox >/dev/null && command -v cpio >/dev/null || skip "busybox and cpio are needed"
	mkdir -p "$CACHE"
	# an older one may lack some module; tests that run at the same time wait for the one that fetches
	exec 9>"$CACHE/lock"
	flock 9
	compgen -G "$CACHE/root/lib/modules/*/kernel/fs/quota/quota_v2.ko" >/dev/null || fetch_kernel
	exec 9>&-
	KERNEL=$(echo "$CACHE"/root/boot/vmlinuz-*)
	[ -e "$KERNEL" ] || skip "no kernel in $CACHE"
}

# with_needs MODULES.DEP NAME...: paths of the modules, what each needs before it.
with_needs() {
	local dep=$1 name line path
	shift
	for name; do
		line=$(grep -E "^[^:]*/${name//_/[-_]}\.ko:" "$dep") || continue
		# the last one is needed first
		for path in $(tr ' ' '\n' <<<"${line#*:}" | tac) "${line%%:*}"; do
			echo "$path"
		done
	done | awk '!seen[$0]++'
}

# make_initramfs FILE: busybox, init, and what it takes to reach the root file system.
make_initramfs() {
	local dir=$1.d version path
	version=$(ls "$MODULES")
	rm -rf "$dir"
	mkdir -p "$dir"/{bin,proc,sys,dev,host,rw,root,modules}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	cp "$HERE/init" "$dir/init"
	# shellcheck disable=SC2086
	with_needs "$MODULES/$version/modules.dep" $BOOT_MODULES | while read -r path; do
		cp "$MODULES/$version/$path" "$dir/modules/"
		echo "${path##*/}" >>"$dir/modules/order"
	done
	(cd "$dir" && find . | cpio -o -H newc --quiet) >"$1"
	rm -rf "$dir"
}

# make_disks DIR: an empty ext4 for what the cases write (a tmpfs of 6.1 has no idmapped mounts and no user attributes), and room for swap.
make_disks() {
	truncate -s 4G "$1/disk"
	mke2fs -q -F -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -m 0 "$1/disk"
	truncate -s 512M "$1/swap"
}

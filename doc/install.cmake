# SPDX-License-Identifier: LGPL-2.1-or-later
# What belongs to an installation besides the programs, and the .deb: make package.
set(INSTFS_UNITDIR lib/systemd/system CACHE STRING "where units go, below the prefix")

install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB DOC_PAGES doc/*.md)
install(FILES ${DOC_PAGES} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)
foreach(section 1 5 8)
	file(GLOB PAGES doc/*.${section})
	if(PAGES)
		install(FILES ${PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endif()
endforeach()
file(GLOB UNITS doc/*.service doc/*.service.in doc/*.mount)
foreach(unit ${UNITS})
	get_filename_component(name ${unit} NAME)
	string(REGEX REPLACE "\\.in$" "" name ${name})
	configure_file(${unit} ${CMAKE_BINARY_DIR}/${name} @ONLY)
	install(FILES ${CMAKE_BINARY_DIR}/${name} DESTINATION ${INSTFS_UNITDIR})
endforeach()
# mount -t fuse.instfs needs nothing of ours: mount.fuse3 runs instfs from PATH. In /etc/fstab: instfs /mnt/instfs fuse.instfs defaults 0 0

# The programs know the directory of their helpers from the prefix, so that a package is made with the one it is meant for:
#	cmake -S . -B build -DCMAKE_INSTALL_PREFIX=/usr && make -C build package
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_PACKAGE_NAME instfs)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "instfs maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "containers as files")
set(CPACK_PACKAGE_DESCRIPTION "A file system that shows LXC containers as directories and operates them by reading and writing files.")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "fuse3, lxc, uidmap")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "apparmor, busybox-static, dnsmasq-base, iproute2, kmod, nftables, xz-utils")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
include(CPack)

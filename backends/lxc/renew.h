/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that change by themselves while containers run: brought up to date by a thread of its own, which lives as long as there is work. */
#pragma once

/* Looks at the devices of all running containers, soon. From any thread; cheap. */
void renew_all(void);

// SPDX-License-Identifier: BSD-3-Clause
#include "platform/sgx/machine.h"

#include <asm/sgx.h>
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "platform/sgx/sgx.h"

#define DEVICE "/dev/sgx_enclave"

static void look_at_cpu(struct sgx_machine *machine)
{
    u32 a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 2)) || !__get_cpuid_count(0x12, 0, &a, &b, &c, &d))
        return;
    machine->cpu_sgx1 = a & 1;
    machine->cpu_sgx2 = a & 2;
}

// An empty request on a device without an enclave: a driver that knows it finds it invalid, one that does not says
// ENOTTY.
static void look_at_device(struct sgx_machine *machine)
{
    struct sgx_enclave_restrict_permissions nothing = { 0 };
    struct stat st;
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

    machine->device_error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        machine->driver_sgx2 = ioctl(fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &nothing) == 0 || errno != ENOTTY;
        close(fd);
        return;
    }
    struct group *group =
        errno == EACCES && stat(DEVICE, &st) == 0 && (st.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP)
            ? getgrgid(st.st_gid)
            : NULL;
    if (group)
        snprintf(machine->device_group, sizeof(machine->device_group), "%s", group->gr_name);
}

void sgx_machine_detect(struct sgx_machine *ret_machine)
{
    struct utsname name;

    *ret_machine = (struct sgx_machine){ 0 };
    look_at_cpu(ret_machine);
    look_at_device(ret_machine);
    ret_machine->vdso_entry = sgx_vdso_enter() != NULL;
    if (uname(&name) == 0)
        snprintf(ret_machine->kernel, sizeof(ret_machine->kernel), "%s", name.release);
}

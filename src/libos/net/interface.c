// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/interface.h"
#include "base/string.h"
#include "libos/host/hostsock.h"
#include "libos/mem/heap.h"
#include "libos/net/route.h"
#include "libos/vm/user.h"

#include <linux/in.h>

enum { IFREQ_SIZE = 40, NAME_SIZE = 16, LIST_MAX = 128 }; // struct ifreq and its name, netdevice(7)

// struct ifconf
struct list_request {
    int size;
    u64 buffer;
};

bool interface_asks(int family, u32 command)
{
    switch (command) {
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
        return family == AF_INET; // those are addresses of its own
    case SIOCGIFNAME:
    case SIOCGIFCONF:
    case SIOCGIFINDEX:
    case SIOCGIFFLAGS:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFTXQLEN:
        return true;
    default:
        return false;
    }
}

// --- SIOCGIFCONF: the IPv4 addresses, by name

struct entry {
    char name[NAME_SIZE];
    struct sockaddr_in address;
    u8 rest[IFREQ_SIZE - NAME_SIZE - sizeof(struct sockaddr_in)];
};
static_assert(sizeof(struct entry) == IFREQ_SIZE);

struct entries {
    size_t count;
    struct entry all[LIST_MAX];
};

static void take_address(const struct nlmsghdr *message, void *arg)
{
    struct entries *entries = arg;
    const struct route_attribute *label = route_attribute(message, IFA_LABEL);
    const struct route_attribute *local = route_attribute(message, IFA_LOCAL);

    if (message->nlmsg_type != RTM_NEWADDR || entries->count == LIST_MAX || !label || !local)
        return;
    if (route_attribute_size(local) != 4 || !route_attribute_size(label))
        return;
    struct entry *entry = &entries->all[entries->count++];
    size_t size = MIN(route_attribute_size(label), (size_t)NAME_SIZE - 1);
    memcpy(entry->name, route_attribute_data(label), size);
    entry->address.sin_family = AF_INET;
    memcpy(&entry->address.sin_addr, route_attribute_data(local), 4);
}

static long list_addresses(void __user *user)
{
    struct list_request request;

    if (copy_from_user(&request, user, sizeof(request)))
        return -EFAULT;
    struct entries *entries = kzalloc(sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg body;
    } ask = { { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
              { .ifa_family = AF_INET } };
    long err = route_ask(&ask.header, take_address, entries);
    size_t size = entries->count * IFREQ_SIZE;
    if (request.buffer && request.size >= 0)
        size = MIN(size, (size_t)request.size / IFREQ_SIZE * IFREQ_SIZE);
    if (!err && request.buffer && copy_to_user((void __user *)request.buffer, entries->all, size))
        err = -EFAULT;
    kfree(entries);
    request.size = (int)size;
    if (!err && copy_to_user(user, &request, sizeof(request)))
        err = -EFAULT;
    return err;
}

static long ask_host(int fd, u32 command, void __user *user)
{
    u8 value[IFREQ_SIZE];

    if (copy_from_user(value, user, sizeof(value)))
        return -EFAULT;
    if (command != SIOCGIFNAME)
        value[NAME_SIZE - 1] = '\0';
    long err = hostsock_ioctl(fd, command, value, sizeof(value));
    if (err)
        return err;
    value[NAME_SIZE - 1] = '\0';
    return copy_to_user(user, value, sizeof(value)) ? -EFAULT : 0;
}

long interface_ioctl(int fd, u32 command, u64 argument)
{
    void __user *user = (void __user *)argument;

    if (command == SIOCGIFCONF)
        return list_addresses(user);
    if (fd >= 0)
        return ask_host(fd, command, user);
    fd = hostsock_open(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    long err = ask_host(fd, command, user);
    hostsock_close(fd, 0);
    return err;
}

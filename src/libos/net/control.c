// SPDX-License-Identifier: BSD-3-Clause
// Ancillary data, cmsg(3): records of a header and data, each aligned to 8 bytes.
#include "base/string.h"
#include "libos/net/socket.h"

void message_put_control(struct message *message, int level, int type, const void *data, size_t size)
{
    size_t room = message->control_size - MIN(message->control_used, message->control_size);
    struct cmsghdr header = { sizeof(header) + size, level, type };

    if (room < sizeof(header)) {
        message->came_flags |= MSG_CTRUNC;
        return;
    }
    if (room < header.size) {
        message->came_flags |= MSG_CTRUNC;
        header.size = room;
    }
    u8 *at = message->control + message->control_used;
    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), data, header.size - sizeof(header));
    message->control_used += MIN(ALIGN_UP(header.size, 8ul), room);
}

const struct cmsghdr *message_next_control(const struct message *message, size_t *at, const void **ret_data,
                                           size_t *ret_size)
{
    size_t left = message->control_size - MIN(*at, message->control_size);
    const struct cmsghdr *header = (const struct cmsghdr *)(message->control + *at);

    if (left < sizeof(*header))
        return NULL;
    if (header->size < sizeof(*header) || header->size > left)
        return err_ptr(-EINVAL);
    *ret_data = header + 1;
    *ret_size = header->size - sizeof(*header);
    *at += ALIGN_UP(header->size, 8ul);
    return header;
}

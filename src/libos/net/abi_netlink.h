// SPDX-License-Identifier: BSD-3-Clause
// What netlink(7) and rtnetlink(7) messages are made of, as far as it is looked into here.
#pragma once

#include "libos/net/abi.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

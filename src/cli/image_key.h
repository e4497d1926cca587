// SPDX-License-Identifier: BSD-3-Clause
// Files of image keys: 32 bytes as hexadecimal text, "xx-xx-...", as occlum gen-image-key writes them.
#pragma once

#include "imagefmt/seal.h"

// 0, or STATUS_ERROR after a message. Dashes and white space between bytes are optional.
int image_key_read(const char *path, u8 ret_key[IMAGE_KEY_BYTES]);

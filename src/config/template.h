// SPDX-License-Identifier: BSD-3-Clause
// The Occlum.json of a new instance (template.json, embedded at build time).
#pragma once

extern const char config_template[];

// SPDX-License-Identifier: BSD-3-Clause
// Occlum.json: read, checked, and turned into Enclave.xml and the measured configuration.
// (design/edmm.md sections 1-4; the guide in seed/ is the specification.)
#pragma once

#include <stdio.h>

#include "abi/occlum/config.h"
#include "config/errors.h"

// A number, size (bytes), or boolean (0, 1) of Occlum.json. value holds the default where given is false.
struct config_scalar {
    u64 value;
    bool given;          // and good
    struct json_pos pos; // of the value, or 0, 0
};

struct config_strings {
    char **items;
    size_t count;
    bool given;
};

enum { CONFIG_EXTRA_MOUNTS = 2 }; // /proc and /dev, added where they lack

struct config_mount {
    enum occlum_mount_type type;
    char *target, *source; // source "": none
    u64 size;              // of a ramfs, bytes, 0: not given; of a volume
    char *anchor;          // of a volume: file of its freshness anchor; NULL: none
};

struct occlum_json {
    struct config_scalar heap_size, heap_max_size, stack_size, user_size, user_max_size;
    struct config_scalar init_threads, max_threads, marshal_buffer_size;
    struct config_scalar default_stack_size, default_heap_size, default_mmap_size;
    struct config_strings entry_points, env_default, env_untrusted;
    struct config_scalar product_id, version_number, debuggable, disable_log, enable_kss;
    struct config_scalar family_id_high, family_id_low, ext_prod_id_high, ext_prod_id_low;
    struct config_scalar loopback; // network
    struct config_scalar amx, pkru, io_uring, enable_edmm, enable_posix_shm, enforce_max_limits, host_signals;
    struct config_mount *mounts;
    size_t mount_count;
};

// A size as Occlum.json writes them: a number and B, KB, MB, GB or TB (1024-based). False: it is none.
bool config_parse_size(const char *text, u64 *ret_size);

// Checks text[0..size) against the schema. All errors go to errors. 0: it is a JSON object, and *ret_json holds what
// could be read of it: values that are wrong or missing count as not given, and unless errors->count is 0 it is only
// good for looking for more errors (config_xml_compute). -EINVAL, or -ENOMEM: nothing was read. *ret_json is written
// when 0 is returned, and freed with occlum_json_free.
__nodiscard int occlum_json_parse(const char *text, size_t size, struct config_errors *errors,
                                  struct occlum_json *ret_json);
// Reads the file path and parses it likewise; a file that cannot be read is an error in errors and -EINVAL.
__nodiscard int occlum_json_load(const char *path, struct config_errors *errors, struct occlum_json *ret_json);
void occlum_json_free(struct occlum_json *json);

// The values of Enclave.xml; sizes in bytes.
struct config_xml {
    u64 prod_id, isv_svn;
    u64 stack_max, stack_min, heap_init, heap_max, heap_min;
    u64 tcs_num, tcs_max, tcs_min_pool, tcs_policy, disable_debug;
    u64 misc_select, misc_mask;
    u64 reserved_max, reserved_min, reserved_init, reserved_executable;
    u64 user_region; // 0: the element is absent
    u64 enable_kss, ext_prod_id_high, ext_prod_id_low, family_id_high, family_id_low;
    u64 pkru, amx;
    u64 user_max; // UX of edmm.md: the user maximum. No element of its own
};

// edmm.md section 2. Init values over Max values, and an enclave too large for any machine, go to errors; what a
// default changed goes there as warnings, unless there are errors. 0, or -EINVAL after an error of its own.
__nodiscard int config_xml_compute(const struct occlum_json *json, bool edmm, struct config_errors *errors,
                                   struct config_xml *ret_xml);
// Adds what people should know of legal values to errors as warnings: inoperative fields, defaults. edmm: computed with
// EDMM.
void config_explain(const struct occlum_json *json, const struct config_xml *edmm, struct config_errors *errors);
// One element: its name and where its value stands in struct config_xml.
struct config_xml_element {
    const char *name;
    size_t offset;
    bool is_size; // bytes, for people
};
extern const struct config_xml_element config_xml_elements[];
extern const size_t config_xml_element_count;
u64 config_xml_value(const struct config_xml *xml, const struct config_xml_element *element);
// Enclave.xml as text.
void config_xml_print(const struct config_xml *xml, FILE *out);
// The same into path, through a temporary file beside it and rename(2). 0 or -errno; on failure path is as it was.
__nodiscard int config_xml_write(const struct config_xml *xml, const char *path);

enum config_sgx_mode { CONFIG_HW = 1, CONFIG_SIM = 2 };
struct config_mode {
    enum config_sgx_mode sgx_mode;
    bool edmm;         // which arithmetic
    char message[256]; // a note to print, or what was wrong; "" if neither
};
// edmm.md section 1. NULL: not given. 0, or -EINVAL with the reason in message.
__nodiscard int config_select_mode(const char *sgx_mode_option, const char *sgx_mode_env, const char *edmm_option,
                                   const char *edmm_env, bool feature_enable_edmm, struct config_mode *ret_mode);

// What an enclave holds besides the memory of Occlum.json, bytes. Zeros: a lower bound, when it is not known yet.
struct config_binary {
    u64 image_size;      // address space of the LibOS
    u64 image_committed; // its pages
    u64 config_size;     // the measured configuration
};

// Memory of the enclave that follows from xml and binary: what the signer lays out.
struct config_memory {
    u64 committed;         // bytes added at load
    u64 maximum;           // bytes if everything is committed
    u64 elrange;           // address space, a power of two over the maxima
    u64 elrange_simulated; // the same for SGX_MODE=SIM
    u64 load_us;           // estimated, at 7.1 us a page (reference/sgx-emulation.md section 5)
};
// -EOVERFLOW if ELRANGE would exceed 2^46 bytes.
__nodiscard int config_memory_compute(const struct config_xml *xml, const struct config_binary *binary,
                                      struct config_memory *ret_memory);

// The measured blob (struct occlum_config) in a malloc'ed buffer; the same input gives the same bytes. 0 or -ENOMEM,
// -EOVERFLOW.
__nodiscard int config_blob(const struct occlum_json *json, const struct occlum_image *image, void **ret_blob,
                            size_t *ret_size);

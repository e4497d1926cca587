// SPDX-License-Identifier: BSD-3-Clause
// occlum build: image/ and Occlum.json to the signed enclave. Whatever interrupts a build, a run and the next build
// find either the old outputs or the new (cli/outputs.h).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/image_key.h"
#include "cli/outputs.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "crypto/sha256.h"
#include "image/image.h"
#include "sign/sign.h"

const char help_build[] =
    "Packs image/ into a verified image, computes Enclave.xml from Occlum.json and signs the enclave. Nothing is done "
    "when\n"
    "nothing has changed since the last build. What programs wrote is never touched.\n\n"
    "  -f, --force            build everything again\n"
    "      --sgx-mode MODE    HW (default) or SIM; otherwise SGX_MODE of the environment\n"
    "      --enable-edmm Y|N  commit memory and threads on demand (SGX2); otherwise ENABLE_EDMM, otherwise\n"
    "                         feature.enable_edmm of Occlum.json. SIM takes precedence\n"
    "      --sign-key FILE    PEM file of an RSA-3072 key with exponent 3; otherwise a key of yours, made once\n"
    "      --image-key FILE   encrypt the image with this key (occlum gen-image-key); without it the image can be read "
    "by\n"
    "                         anybody, though not changed\n"
    "      --enclave-xml FILE sign this Enclave.xml instead of the one computed from Occlum.json\n";

struct options {
    const char *sgx_mode, *edmm, *key, *xml;
    const char *image_key;
    bool force;
};

// What is built: all of it read and checked before any output is touched.
struct plan {
    const struct options *options;
    struct config_mode mode;
    char *json_text;
    struct occlum_json json;
    struct config_xml xml; // computed from json, unless options->xml
    u8 *own_xml;           // the text of options->xml, or NULL
    size_t own_xml_size;
    const char *libos;
    u8 image_key[IMAGE_KEY_BYTES]; // if options->image_key
};

// What the outputs were built from. Equal states mean equal outputs.
struct state {
    u8 inputs[32], folder[32];
    u8 image_file[32], enclave_files[32]; // which files the outputs are: others in their places were not built so
    struct occlum_image image;
};

// What changes when a file is replaced or written to; renaming keeps it.
static void add_facts(struct sha256 *hash, const char *path)
{
    struct stat st;
    u64 facts[5] = { 0 };
    if (path && stat(path, &st) == 0) {
        u64 now[5] = { st.st_ino, (u64)st.st_size, (u64)st.st_mtim.tv_sec, (u64)st.st_mtim.tv_nsec, st.st_dev };
        memcpy(facts, now, sizeof(facts));
    }
    sha256_update(hash, facts, sizeof(facts));
}

static void add_file(struct sha256 *hash, const char *path)
{
    sha256_update(hash, path ? path : "", path ? strlen(path) + 1 : 1);
    add_facts(hash, path);
}

static int compute_state(const struct plan *plan, struct state *ret_state)
{
    struct sha256 hash;
    u32 modes[2] = { (u32)plan->mode.sgx_mode, plan->mode.edmm };

    sha256_init(&hash);
    sha256_update(&hash, modes, sizeof(modes));
    sha256_update(&hash, plan->json_text, strlen(plan->json_text) + 1);
    sha256_update(&hash, plan->own_xml ? plan->own_xml : (const u8 *)"", plan->own_xml_size);
    add_file(&hash, plan->libos);
    add_file(&hash, plan->options->key);
    sha256_final(&hash, ret_state->inputs);
    int err = image_fingerprint(INSTANCE_IMAGE, ret_state->folder);
    if (!err && access(INSTANCE_LEARNED, F_OK) == 0) { // goes into the image
        sha256_init(&hash);
        sha256_update(&hash, ret_state->folder, sizeof(ret_state->folder));
        add_file(&hash, INSTANCE_LEARNED);
        sha256_final(&hash, ret_state->folder);
    }
    if (!err && plan->options->image_key) { // another key makes another image of the same folder
        u8 folder[32];
        memcpy(folder, ret_state->folder, sizeof(folder));
        image_seal_id(plan->image_key, folder, ret_state->folder);
    }
    return err;
}

static void identify_files(const char *const *files, const char *suffix, u8 ret_digest[32])
{
    char path[64];
    struct sha256 hash;

    sha256_init(&hash);
    for (; *files; files++) {
        snprintf(path, sizeof(path), "%s%s", *files, suffix);
        add_facts(&hash, access(path, F_OK) == 0 ? path : *files); // an image that did not change is not staged
    }
    sha256_final(&hash, ret_digest);
}

// suffix: STAGED, or none for the files in their places.
static void identify(const char *suffix, struct state *state)
{
    identify_files((const char *const[]){ BUILD_IMAGE, NULL }, suffix, state->image_file);
    identify_files((const char *const[]){ BUILD_ENCLAVE, BUILD_ENCLAVE_XML, NULL }, suffix, state->enclave_files);
}

// Is the image the one that the state tells of; and, with all, the other outputs too?
static bool same_outputs(const struct state *old, bool all)
{
    struct state now;
    identify("", &now);
    return memcmp(now.image_file, old->image_file, 32) == 0 &&
           (!all || memcmp(now.enclave_files, old->enclave_files, 32) == 0);
}

static bool read_state(struct state *ret_state)
{
    size_t size;
    char *bytes = read_whole_file(BUILD_STATE, &size);
    bool ok = bytes && size == sizeof(*ret_state);
    if (ok)
        memcpy(ret_state, bytes, size);
    free(bytes);
    return ok;
}

static int build_image(const struct plan *plan, struct state *state, const struct state *old, bool reuse)
{
    struct image_request request = { .folder = INSTANCE_IMAGE,
                                     .output = BUILD_IMAGE STAGED,
                                     .learned = INSTANCE_LEARNED,
                                     .key = plan->options->image_key ? plan->image_key : NULL,
                                     .progress = cli_progress };

    if (reuse && memcmp(state->folder, old->folder, sizeof(state->folder)) == 0 && same_outputs(old, false)) {
        state->image = old->image;
        return 0;
    }
    return image_build(&request, &state->image);
}

static int sign(const struct plan *plan, const struct state *state)
{
    struct sign_result result;
    void *blob;
    size_t size;

    int err = config_blob(&plan->json, &state->image, &blob, &size);
    if (err)
        return cli_error("the measured configuration cannot be made: %s", strerror(-err));
    struct sign_request request = {
        .libos_path = plan->libos,
        .xml_path = BUILD_ENCLAVE_XML STAGED,
        .config = blob,
        .config_size = size,
        .mode = plan->mode.sgx_mode == CONFIG_SIM ? ENCLAVE_MODE_SIM : ENCLAVE_MODE_HW,
        .edmm = plan->mode.edmm,
        .key_path = plan->options->key,
        .output_path = BUILD_ENCLAVE STAGED,
    };
    err = sign_enclave(&request, &result);
    free(blob);
    return err ? STATUS_ERROR : STATUS_OK;
}

static int write_xml(const struct plan *plan)
{
    if (plan->own_xml)
        return write_file_atomically(BUILD_ENCLAVE_XML STAGED, plan->own_xml, plan->own_xml_size) ? STATUS_ERROR
                                                                                                  : STATUS_OK;
    int err = config_xml_write(&plan->xml, BUILD_ENCLAVE_XML STAGED);
    return err ? cli_error("%s cannot be written: %s", BUILD_ENCLAVE_XML, strerror(-err)) : STATUS_OK;
}

static int make_outputs(const struct plan *plan, struct state *state)
{
    struct state old;
    bool have_old = !plan->options->force && read_state(&old);

    int status = build_image(plan, state, &old, have_old) ? STATUS_ERROR : STATUS_OK;
    if (!status)
        status = write_xml(plan);
    if (!status)
        status = sign(plan, state);
    if (!status)
        identify(STAGED, state);
    if (!status)
        status = write_file_atomically(BUILD_STATE STAGED, state, sizeof(*state)) ? STATUS_ERROR : outputs_publish();
    if (!status)
        status = write_file_atomically(INSTANCE_STATUS, "built\n", 6) ? STATUS_ERROR : STATUS_OK;
    return status ? outputs_clean(), status : STATUS_OK;
}

static int make_folders(void)
{
    return make_folder(INSTANCE_BUILD) || make_folder("build/lib") || make_folder(INSTANCE_RUN) ? STATUS_ERROR
                                                                                                : STATUS_OK;
}

// Two builds of one instance at once would mix their outputs.
static int lock_instance(void)
{
    int fd = open_lock();
    if (fd < 0)
        return cli_error("build/.lock cannot be opened: %s", strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        cli_note("another build of this instance is running; waiting for it");
        flock(fd, LOCK_EX);
    }
    return STATUS_OK;
}

static int build(struct plan *plan)
{
    struct state state = { 0 }, old;
    struct stat st;

    if (stat(INSTANCE_IMAGE, &st) != 0)
        return cli_error("the folder image/ is missing: it becomes the program's root file system");
    plan->libos = find_libos();
    if (!plan->libos || make_folders() || lock_instance() || outputs_clean())
        return STATUS_ERROR;
    if (compute_state(plan, &state))
        return STATUS_ERROR;
    if (!plan->options->force && read_state(&old) && memcmp(old.inputs, state.inputs, 32) == 0 &&
        memcmp(old.folder, state.folder, 32) == 0 && same_outputs(&old, true)) {
        printf("Nothing has changed since the last build (-f builds everything again)\n");
        return STATUS_OK;
    }
    int status = make_outputs(plan, &state);
    if (status == STATUS_OK)
        printf("Built the Occlum image and enclave successfully (SGX_MODE=%s, EDMM %s%s)\n",
               plan->mode.sgx_mode == CONFIG_SIM ? "SIM" : "HW", plan->mode.edmm ? "on" : "off",
               plan->options->image_key ? ", image encrypted" : "");
    return status;
}

// Every error of Occlum.json in one run: also what its values mean together, in the arithmetic that was asked for.
static bool check_json(struct plan *plan, struct config_errors *errors)
{
    const struct options *options = plan->options;
    int err = config_select_mode(options->sgx_mode, getenv("SGX_MODE"), options->edmm, getenv("ENABLE_EDMM"),
                                 plan->json.enable_edmm.value, &plan->mode);
    if (plan->mode.message[0])
        fprintf(stderr, "occlum: %s\n", plan->mode.message);
    if (!err && !options->xml)
        err = config_xml_compute(&plan->json, plan->mode.edmm, errors, &plan->xml);
    return !err && !errors->count;
}

static int plan_and_build(struct plan *plan)
{
    const char *xml = plan->options->xml;
    struct config_errors errors = { 0 };

    if (occlum_json_load(INSTANCE_CONFIG, &errors, &plan->json) != 0) {
        config_errors_print(&errors, stderr);
        return STATUS_ERROR;
    }
    bool good = check_json(plan, &errors);
    config_errors_print(&errors, stderr);
    if (good && xml)
        good = sign_xml_load(xml, plan->mode.edmm, &plan->own_xml, &plan->own_xml_size) == 0;
    if (good && plan->options->key)
        good = sign_key_check(plan->options->key) == 0;
    if (good && plan->options->image_key)
        good = image_key_read(plan->options->image_key, plan->image_key) == 0;
    plan->json_text = good ? read_whole_file(INSTANCE_CONFIG, NULL) : NULL;
    int status = plan->json_text ? build(plan) : STATUS_ERROR;
    occlum_json_free(&plan->json);
    free(plan->own_xml);
    free(plan->json_text);
    return status;
}

int verb_build(int argc, char **argv)
{
    struct options options = { 0 };
    const struct cli_option list[] = {
        { .name = "force", .letter = 'f', .flag = &options.force },
        { .name = "sgx-mode", .value = &options.sgx_mode },
        { .name = "enable-edmm", .value = &options.edmm },
        { .name = "sign-key", .letter = 'k', .value = &options.key },
        { .name = "image-key", .value = &options.image_key },
        { .name = "enclave-xml", .value = &options.xml },
    };
    struct plan plan = { .options = &options };

    int first = cli_parse(argc, argv, list, sizeof(list) / sizeof(list[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first < argc)
        return cli_usage("build takes no argument %s. See: occlum build --help", argv[first]);
    return instance_check() ? plan_and_build(&plan) : STATUS_ERROR;
}

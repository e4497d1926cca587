// SPDX-License-Identifier: BSD-3-Clause
// A program that a client of the host asks for (`occlum exec`): a thread of its own takes the request's words from the
// host and becomes the program. Everything here is the host's word: sizes and descriptors are checked, the words are
// copied once, and what they may do is what `occlum run` lets them.
#include "abi/occlum/entry.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/inode.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/process/serve.h"
#include "libos/process/strings.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/ocall.h"

enum { MAX_WORDS = 256 << 10, MAX_FOLDER = 4096, TEXT_CHUNK = 64 << 10, NOT_EXECUTABLE = 126 };

// What a request consists of, in the enclave.
struct words {
    char *argv_text, *envp_text, *folder;
    char **argv, **host_envp, **envp;
};

void client_tell(u64 client, u32 news, u64 value) { (void)ocall_serve_tell(client, news, value); }

static void close_streams(const struct host_request *request)
{
    for (size_t i = 0; i < ARRAY_SIZE(request->fds); i++)
        if (request->fds[i] >= 0)
            hostfile_close(request->fds[i]);
}

void client_refuse(const struct host_request *request, int exit_status, u32 refusal)
{
    close_streams(request);
    client_tell(request->client, HOST_NEWS_REFUSED, (u32)exit_status | (u64)refusal << 32);
}

// The host's text at an offset of the request, with a NUL behind it. NULL: no memory, or the host does not tell.
static char *take_text(u64 client, u64 offset, u32 size)
{
    char *text = kmalloc((size_t)size + 1);
    u32 done = 0;

    while (text && done < size) {
        s64 n = ocall_serve_text(client, offset + done, text + done, MIN(size - done, (u32)TEXT_CHUNK));
        if (n <= 0) {
            kfree(text);
            return NULL;
        }
        done += (u32)n;
    }
    if (text)
        text[size] = '\0';
    return text;
}

static void free_words(struct words *words)
{
    kfree(words->argv);
    kfree(words->host_envp);
    kfree(words->envp);
    kfree(words->argv_text);
    kfree(words->envp_text);
    kfree(words->folder);
}

static int take_words(const struct host_request *request, struct words *words)
{
    u64 client = request->client, env_at = request->argv_size, folder_at = env_at + request->envp_size;

    words->argv_text = take_text(client, 0, request->argv_size);
    words->envp_text = take_text(client, env_at, request->envp_size);
    words->folder = take_text(client, folder_at, request->cwd_size);
    if (!words->argv_text || !words->envp_text || !words->folder)
        return -ENOMEM;
    words->argv = strings_split(words->argv_text, request->argv_size);
    words->host_envp = strings_split(words->envp_text, request->envp_size);
    words->envp = words->host_envp ? environment_make(enclave_config(), words->host_envp) : NULL;
    if (!words->argv || !words->envp)
        return -ENOMEM;
    return words->argv[0] ? 0 : -EINVAL;
}

// The folder that the program begins in.
static int enter_folder(const char *path)
{
    struct inode *inode;

    int err = fs_context_create_initial(&current->fs);
    if (err || !*path)
        return err;
    err = path_inode(AT_FDCWD, path, LOOKUP_FOLLOW, &inode);
    if (err)
        return err;
    err = inode_is_dir(inode) ? 0 : -ENOTDIR;
    if (err) {
        inode_unref(inode);
        return err;
    }
    struct inode *old = current->fs->cwd; // nobody else has this context yet
    current->fs->cwd = inode;
    inode_unref(old);
    return 0;
}

// Everything up to the program's first instruction; an error's refusal is in *ret_refusal. The words are freed.
static int become(const struct host_request *request, int *ret_status, u32 *ret_refusal)
{
    struct words words = { 0 };

    *ret_status = NOT_EXECUTABLE;
    int err = take_words(request, &words);
    *ret_refusal = err == -ENOMEM ? REFUSED_MEMORY : REFUSED_REQUEST;
    if (!err && !entry_point_allowed(enclave_config(), words.argv[0])) {
        *ret_refusal = REFUSED_ENTRY_POINT;
        err = -EACCES;
    }
    if (!err && (err = enter_folder(words.folder)) != 0)
        *ret_refusal = REFUSED_FOLDER;
    if (!err) {
        process_tty.adopt();
        err = process_exec(words.argv[0], words.argv, words.envp);
        if (err)
            *ret_refusal = process_refusal(err, ret_status);
    }
    free_words(&words);
    return err;
}

static void run_client(void *arg)
{
    struct host_request request = *(struct host_request *)arg;
    const int fds[3] = { request.fds[0], request.fds[1], request.fds[2] };
    struct process *self = current_process();
    u32 refusal;
    int status;

    kfree(arg);
    int err = files_create_streams(fds, true, NULL, &current->files);
    if (err) {
        status = NOT_EXECUTABLE;
        refusal = REFUSED_MEMORY;
        if (!current->files)
            close_streams(&request);
    } else {
        err = become(&request, &status, &refusal);
    }
    if (err) {
        mutex_lock(&process_lock);
        self->client = 0; // it hears of the refusal, not of an end
        mutex_unlock(&process_lock);
        client_tell(request.client, HOST_NEWS_REFUSED, (u32)status | (u64)refusal << 32);
        process_thread_exit(status << 8);
    }
    client_tell(request.client, HOST_NEWS_STARTED, self->pid);
    thread_return_to_user(current->regs);
}

static bool plausible(const struct host_request *request)
{
    for (size_t i = 0; i < ARRAY_SIZE(request->fds); i++)
        if (request->fds[i] < -1 || request->fds[i] > OCALL_MAX_FD)
            return false;
    return request->client && request->argv_size && request->argv_size <= MAX_WORDS &&
           request->envp_size <= MAX_WORDS && request->cwd_size <= MAX_FOLDER;
}

static int start(const struct host_request *request, u32 *ret_refusal)
{
    static const char name[] = "occlum-exec";
    struct host_request *copy = kmalloc(sizeof(*copy));
    struct thread *thread = NULL;
    struct process *process = NULL;

    *ret_refusal = REFUSED_MEMORY;
    int err = copy ? thread_create(&thread) : -ENOMEM;
    if (err == -EAGAIN)
        *ret_refusal = REFUSED_THREADS;
    if (!err)
        err = signals_thread_init(thread, NULL);
    if (!err)
        err = process_create(process_first, SIGCHLD, &process);
    if (!err) {
        *copy = *request;
        memcpy(thread->name, name, sizeof(name));
        mutex_lock(&process_lock);
        process->outside = true;
        process->client = request->client;
        thread->tid = process->pid;
        process_add_thread(process, thread);
        mutex_unlock(&process_lock);
        err = thread_start_kernel(thread, run_client, copy);
        if (!err)
            return 0;
        *ret_refusal = REFUSED_THREADS;
        process_remove_thread(process, thread);
        process_unlink(process);
    }
    if (thread) {
        signals_thread_free(thread);
        thread_discard(thread);
    }
    kfree(copy);
    return err;
}

void client_start(const struct host_request *request)
{
    u32 refusal = REFUSED_REQUEST;

    if (!plausible(request)) {
        // Descriptors of such a request are nobody's.
        client_tell(request->client, HOST_NEWS_REFUSED, NOT_EXECUTABLE | (u64)refusal << 32);
        return;
    }
    if (start(request, &refusal))
        client_refuse(request, NOT_EXECUTABLE, refusal);
}

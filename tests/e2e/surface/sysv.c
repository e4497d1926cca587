// SPDX-License-Identifier: BSD-3-Clause
// System V semaphores, messages and shared memory.
#include "surface.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static int set(int count) { return semget(IPC_PRIVATE, count, IPC_CREAT | 0600); }
static void gone(int id) { SEE(semctl(id, 0, IPC_RMID)); }
static int op(int id, int number, int by, int flags)
{
    struct sembuf one = { number, by, flags };
    return semop(id, &one, 1);
}

CASE(semget_arguments)
{
    key_t key = 0x0cc10001;
    SEE(semget(key, 1, 0600));
    SEE(semget(key, -1, IPC_CREAT | 0600));
    SEE(semget(key, 0, IPC_CREAT | 0600));
    SEE(semget(key, 40000, IPC_CREAT | 0600));
    int id = semget(key, 3, IPC_CREAT | 0600);
    see_good("semget", id);
    SEE(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
    SEE(semget(key, 4, 0600));
    tell("%d", semget(key, 3, 0600) == id);
    tell("%d", semget(key, 0, 0600) == id);
    gone(id);
    SEE(semget(key, 3, 0600));
    gone(id);
}
CASE(semctl_values)
{
    int id = set(3);
    unsigned short all[3] = { 1, 2, 3 };
    SEE(semctl(id, 0, GETVAL));
    SEE(semctl(id, 0, SETVAL, 7));
    SEE(semctl(id, 0, GETVAL));
    tell("%d", semctl(id, 0, GETPID) == getpid());
    SEE(semctl(id, 0, SETVAL, -1));
    SEE(semctl(id, 0, SETVAL, 32768));
    SEE(semctl(id, 3, SETVAL, 1));
    SEE(semctl(id, -1, GETVAL));
    SEE(semctl(id, 3, GETVAL));
    SEE(semctl(id, 0, SETALL, all));
    SEE(semctl(id, 2, GETVAL));
    memset(all, 0, sizeof(all));
    SEE(semctl(id, 0, GETALL, all));
    tell("%d %d %d", all[0], all[1], all[2]);
    all[1] = 40000;
    SEE(semctl(id, 0, SETALL, all));
    SEE(semctl(id, 0, SETALL, bad));
    SEE(semctl(id, 0, GETALL, bad));
    SEE(semctl(id, 0, 1000));
    SEE(semctl(-1, 0, GETVAL));
    SEE(semctl(id, 0, GETNCNT));
    SEE(semctl(id, 0, GETZCNT));
    gone(id);
    SEE(semctl(id, 0, GETVAL));
}
CASE(semctl_stat)
{
    struct semid_ds ds;
    int id = set(2);
    SEE(semctl(id, 0, IPC_STAT, &ds));
    tell("mode %o sems %d uid %d otime %d", ds.sem_perm.mode, (int)ds.sem_nsems, ds.sem_perm.uid, (int)ds.sem_otime);
    ds.sem_perm.mode = 0640;
    ds.sem_perm.uid = 5;
    SEE(semctl(id, 0, IPC_SET, &ds));
    SEE(semctl(id, 0, IPC_STAT, &ds));
    tell("mode %o uid %d cuid %d", ds.sem_perm.mode, ds.sem_perm.uid, ds.sem_perm.cuid);
    SEE(semctl(id, 0, IPC_STAT, bad));
    SEE(semctl(id, 0, IPC_SET, bad));
    struct seminfo info;
    GOOD(semctl(0, 0, IPC_INFO, &info));
    GOOD(semctl(0, 0, SEM_INFO, &info));
    SEE(semctl(30000, 0, SEM_STAT, &ds));
    gone(id);
}
CASE(semop_arguments)
{
    int id = set(2);
    struct sembuf ops[2] = { { 0, 1, 0 }, { 1, 1, 0 } };
    SEE(semop(id, ops, 2));
    SEE(semop(id, ops, 0));
    SEE(semop(id, bad, 1));
    SEE(semop(-1, ops, 1));
    SEE(semop(id, ops, 501));
    SEE(op(id, 2, 1, 0));
    SEE(op(id, 0, -5, IPC_NOWAIT));
    SEE(op(id, 0, 0, IPC_NOWAIT));
    SEE(op(id, 0, 32767, 0));
    SEE(semctl(id, 0, GETVAL));
    ops[1].sem_op = -9;
    ops[1].sem_flg = IPC_NOWAIT;
    SEE(semop(id, ops, 2));
    SEE(semctl(id, 0, GETVAL));
    gone(id);
    SEE(op(id, 0, 1, 0));
}
CASE(semtimedop_times)
{
    int id = set(1);
    struct sembuf one = { 0, -1, 0 };
    struct timespec soon = { 0, 20000000 }, wrong = { 0, 1000000000 }, negative = { -1, 0 }, none = { 0, 0 };
    SEE(semtimedop(id, &one, 1, &soon));
    SEE(semtimedop(id, &one, 1, &none));
    SEE(semtimedop(id, &one, 1, &wrong));
    SEE(semtimedop(id, &one, 1, &negative));
    SEE(semtimedop(id, &one, 1, (void *)bad));
    gone(id);
}
static int shared_id;
static void *wait_for_one(void *arg)
{
    long result = op(shared_id, 0, -1, 0);
    return (void *)(result ? (long)errno : 0);
}
CASE(sem_wakes_and_counts)
{
    pthread_t t;
    void *result;
    shared_id = set(1);
    pthread_create(&t, NULL, wait_for_one, NULL);
    while (semctl(shared_id, 0, GETNCNT) != 1)
        usleep(1000);
    SEE(semctl(shared_id, 0, GETZCNT));
    SEE(op(shared_id, 0, 1, 0));
    pthread_join(t, &result);
    tell("%s", result ? strerrorname_np((long)result) : "woken");
    SEE(semctl(shared_id, 0, GETVAL));
    pthread_create(&t, NULL, wait_for_one, NULL);
    while (semctl(shared_id, 0, GETNCNT) != 1)
        usleep(1000);
    gone(shared_id);
    pthread_join(t, &result);
    tell("%s", result ? strerrorname_np((long)result) : "woken");
}
static void child_with_undo(void)
{
    tell("child %d", op(shared_id, 0, -3, SEM_UNDO));
    tell("child %d", op(shared_id, 0, 1, SEM_UNDO));
    tell("child sees %d", semctl(shared_id, 0, GETVAL));
}
CASE(sem_undo_at_exit)
{
    shared_id = set(1);
    semctl(shared_id, 0, SETVAL, 5);
    in_child(child_with_undo);
    SEE(semctl(shared_id, 0, GETVAL));
    gone(shared_id);
}
static void on_alarm(int signo) {}
CASE(semop_interrupted)
{
    struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    int id = set(1);
    sigaction(SIGALRM, &act, NULL);
    ualarm(20000, 0);
    SEE(op(id, 0, -1, 0));
    gone(id);
}

struct text {
    long type;
    char text[64];
};
static int queue(void) { return msgget(IPC_PRIVATE, IPC_CREAT | 0600); }
static int put(int id, long type, const char *text)
{
    struct text m = { .type = type };
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text), IPC_NOWAIT);
}
static void take(int id, long type, size_t size, int flags)
{
    struct text m = { 0 };
    errno = 0;
    ssize_t n = msgrcv(id, &m, size, type, flags | IPC_NOWAIT);
    if (n < 0)
        tell("msgrcv %ld: %s", type, strerrorname_np(errno));
    else
        tell("msgrcv %ld: %ld of type %ld: %.*s", type, (long)n, m.type, (int)n, m.text);
}
static void drop(int id) { SEE(msgctl(id, IPC_RMID, NULL)); }

CASE(msgget_arguments)
{
    key_t key = 0x0cc10002;
    SEE(msgget(key, 0600));
    int id = msgget(key, IPC_CREAT | 0600);
    see_good("msgget", id);
    SEE(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    tell("%d", msgget(key, 0) == id);
    drop(id);
    drop(id);
}
CASE(msg_types)
{
    int id = queue();
    put(id, 3, "three");
    put(id, 1, "one");
    put(id, 2, "two");
    put(id, 1, "uno");
    take(id, 2, 64, 0);
    take(id, -2, 64, 0);
    take(id, 9, 64, 0);
    take(id, 3, 64, MSG_EXCEPT);
    take(id, 0, 64, 0);
    take(id, 0, 64, 0);
    drop(id);
}
CASE(msg_sizes)
{
    int id = queue();
    put(id, 1, "a long text");
    take(id, 0, 4, 0);
    take(id, 0, 4, MSG_NOERROR);
    take(id, 0, 4, 0);
    put(id, 1, "");
    take(id, 0, 0, 0);
    drop(id);
}
CASE(msgsnd_errors)
{
    int id = queue();
    static struct {
        long type;
        char text[9000];
    } m = { .type = 1 };
    SEE(msgsnd(id, &m, 8193, IPC_NOWAIT));
    SEE(msgsnd(id, &m, -1, IPC_NOWAIT));
    SEE(msgsnd(id, &m, 8192, IPC_NOWAIT));
    SEE(msgsnd(id, &m, 8192, IPC_NOWAIT));
    SEE(msgsnd(id, &m, 1, IPC_NOWAIT));
    m.type = 0;
    SEE(msgsnd(id, &m, 1, IPC_NOWAIT));
    m.type = -1;
    SEE(msgsnd(id, &m, 1, IPC_NOWAIT));
    SEE(msgsnd(id, bad, 1, IPC_NOWAIT));
    SEE(msgsnd(-1, &m, 1, IPC_NOWAIT));
    SEE(msgrcv(id, bad, 8192, 0, IPC_NOWAIT));
    SEE(msgrcv(id, &m, -1, 0, IPC_NOWAIT));
    SEE(msgrcv(-1, &m, 1, 0, IPC_NOWAIT));
    drop(id);
    m.type = 1;
    SEE(msgsnd(id, &m, 1, IPC_NOWAIT));
}
CASE(msg_copy)
{
    int id = queue();
    put(id, 1, "one");
    put(id, 2, "two");
    take(id, 1, 64, MSG_COPY);
    take(id, 2, 64, MSG_COPY);
    take(id, 0, 64, 0);
    struct text m;
    SEE(msgrcv(id, &m, 64, 0, MSG_COPY));
    SEE(msgrcv(id, &m, 64, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
    drop(id);
}
CASE(msgctl_stat)
{
    struct msqid_ds ds;
    int id = queue();
    put(id, 1, "hello");
    SEE(msgctl(id, IPC_STAT, &ds));
    tell("messages %d bytes %d of %d, mode %o, sent by me %d", (int)ds.msg_qnum, (int)ds.__msg_cbytes,
         (int)ds.msg_qbytes, ds.msg_perm.mode, ds.msg_lspid == getpid());
    ds.msg_qbytes = 6;
    SEE(msgctl(id, IPC_SET, &ds));
    SEE(put(id, 1, "xx"));
    SEE(put(id, 1, "x"));
    SEE(msgctl(id, IPC_STAT, bad));
    SEE(msgctl(id, IPC_SET, bad));
    SEE(msgctl(id, 999, &ds));
    SEE(msgctl(-1, IPC_STAT, &ds));
    struct msginfo info;
    GOOD(msgctl(0, IPC_INFO, (void *)&info));
    drop(id);
}
static void *receive_one(void *arg)
{
    struct text m;
    long n = msgrcv(shared_id, &m, 64, 7, 0);
    return (void *)(n < 0 ? -(long)errno : n);
}
CASE(msg_wakes)
{
    pthread_t t;
    void *result;
    shared_id = queue();
    pthread_create(&t, NULL, receive_one, NULL);
    usleep(20000);
    put(shared_id, 1, "not this");
    put(shared_id, 7, "this");
    pthread_join(t, &result);
    tell("%ld", (long)result);
    pthread_create(&t, NULL, receive_one, NULL);
    usleep(20000);
    drop(shared_id);
    pthread_join(t, &result);
    tell("removed %d", result == (void *)-EIDRM || result == (void *)-EINVAL); // it may not have waited yet
}
CASE(shm_errors)
{
    SEE(shmget(0x0cc10003, 4096, 0600));
    SEE(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
    int id = shmget(0x0cc10003, 5000, IPC_CREAT | 0600);
    see_good("shmget", id);
    SEE(shmget(0x0cc10003, 5001, 0600));
    SEE(shmget(0x0cc10003, 5000, IPC_CREAT | IPC_EXCL | 0600));
    SEE((long)shmat(-1, NULL, 0));
    SEE((long)shmat(id, (void *)1, 0));
    char *at = shmat(id, NULL, 0), *again = shmat(id, NULL, SHM_RDONLY);
    at[4999] = 'x';
    tell("%c", again[4999]);
    struct shmid_ds ds;
    SEE(shmctl(id, IPC_STAT, &ds));
    tell("size %d attached %d mode %o", (int)ds.shm_segsz, (int)ds.shm_nattch, ds.shm_perm.mode);
    SEE(shmdt(again));
    SEE(shmdt(again));
    SEE(shmdt((void *)1));
    SEE(shmctl(id, IPC_STAT, (void *)bad));
    SEE(shmctl(id, 12345, &ds));
    SEE(shmctl(-1, IPC_STAT, &ds));
    SEE(shmctl(id, SHM_LOCK, NULL));
    SEE(shmctl(id, IPC_RMID, NULL));
    SEE(shmctl(id, IPC_STAT, &ds));
    tell("attached %d mode %o", (int)ds.shm_nattch, ds.shm_perm.mode);
    SEE(shmget(0x0cc10003, 5000, 0600));
    SEE(shmdt(at));
    SEE(shmctl(id, IPC_STAT, &ds));
}

// The fields of the object's row of /proc/sysvipc, without key, id, processes and times.
static void row(const char *kind, int id, const char *format)
{
    char path[64], line[512];
    long key, shown;
    unsigned perms;
    int at;

    snprintf(path, sizeof(path), "/proc/sysvipc/%s", kind);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof(line), file)) {
        tell("%s: %s", path, strerror(errno));
        return;
    }
    tell("%.*s", (int)strcspn(line, "\n"), line);
    while (fgets(line, sizeof(line), file)) {
        unsigned long a, b;
        if (sscanf(line, "%ld %ld %o %n", &key, &shown, &perms, &at) != 3 || shown != id)
            continue;
        int n = sscanf(line + at, format, &a, &b);
        tell("%s: key %ld perms %o, %lu %lu, length %zu", kind, key, perms, n > 0 ? a : 0, n > 1 ? b : 0, strlen(line));
    }
    fclose(file);
}
CASE(proc_sysvipc)
{
    int shm = shmget(IPC_PRIVATE, 12345, IPC_CREAT | 0640), sem = set(3), msg = queue();
    char *at = shmat(shm, NULL, 0);
    row("shm", shm, "%lu %*u %*u %lu");
    SEE(shmctl(shm, IPC_RMID, NULL));
    row("shm", shm, "%lu %*u %*u %lu");
    SEE(shmdt(at));
    row("shm", shm, "%lu %*u %*u %lu");
    row("sem", sem, "%lu");
    put(msg, 1, "five");
    put(msg, 1, "some");
    row("msg", msg, "%lu %lu");
    drop(msg);
    gone(sem);
}

// fork as programs use it: memory of their own, what is shared, files, signals, threads, many generations.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;
static int global = 1, bad;
static __thread int local = 1;
static volatile int stop, signals;

#define CHECK(condition) ((condition) ? 0 : (bad++, printf("line %d: %s\n", __LINE__, #condition)))

static int status_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void memory(void)
{
    char *heap = malloc(100000), *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *private = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), stack = 1;
    heap[99999] = private[1 << 19] = shared[0] = 1;
    pid_t pid = fork();
    if (!pid) {
        int seen = heap[99999] == 1 && private[1 << 19] == 1 && shared[0] == 1 && private[5000] == 0 && getppid() > 0;
        global = local = stack = heap[99999] = private[1 << 19] = private[5000] = shared[0] = 2;
        char *more = malloc(1 << 20);
        memset(more, 3, 1 << 20);
        munmap(private, 1 << 20);
        usleep(20000); // the parent runs meanwhile
        _exit(seen && global == 2 && local == 2 && stack == 2 && heap[99999] == 2 && more[77] == 3 ? 42 : 1);
    }
    for (int i = 0; i < 100 && shared[0] != 2; i++)
        usleep(1000);
    CHECK(global == 1 && local == 1 && stack == 1 && heap[99999] == 1);
    CHECK(private[1 << 19] == 1 && private[5000] == 0 && shared[0] == 2);
    CHECK(status_of(pid) == 42);
    private[5000] = 9;
    CHECK(private[1 << 19] == 1 && private[5000] == 9);
}

static void *busy(void *arg)
{
    volatile unsigned long *count = arg;
    while (!stop)
        ++*count;
    return NULL;
}

// The child has the forking thread alone.
static void threads(void)
{
    pthread_t thread[3];
    unsigned long counts[3] = { 0 };
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, busy, &counts[i]);
    for (int round = 0; round < 10; round++) {
        pid_t pid = fork();
        if (!pid) {
            unsigned long before = ((volatile unsigned long *)counts)[0];
            usleep(1000);
            _exit(((volatile unsigned long *)counts)[0] == before ? 7 : 8);
        }
        CHECK(status_of(pid) == 7);
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    CHECK(counts[0] && counts[1] && counts[2]);
}

static int generation(int n)
{
    char mark = (char)n;
    if (n == 0)
        return 1;
    pid_t pid = fork();
    if (!pid)
        _exit(generation(n - 1) + 1);
    int below = status_of(pid);
    return mark == n ? below : 99;
}

static void on_signal(int signo) { signals++; }

static void rest(void)
{
    int ends[2], fd = open("/tmp/fork", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char text[8] = "";
    sem_t *semaphore = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(semaphore, 1, 0);
    CHECK(pipe(ends) == 0);
    signal(SIGUSR1, on_signal);
    pid_t pid = fork();
    if (!pid) {
        write(fd, "child", 5); // the offset is shared
        write(ends[1], "pipe", 4);
        sem_post(semaphore);
        kill(getppid(), SIGUSR1);
        pause();
        _exit(1);
    }
    sem_wait(semaphore);
    CHECK(read(ends[0], text, 4) == 4 && !strcmp(text, "pipe"));
    CHECK(lseek(fd, 0, SEEK_CUR) == 5);
    for (int i = 0; i < 100 && !signals; i++)
        usleep(10000);
    CHECK(signals == 1);
    kill(pid, SIGKILL);
    CHECK(status_of(pid) == -SIGKILL);
}

static void many(void)
{
    int sum = 0;
    pid_t pids[12];
    for (int i = 0; i < 12; i++)
        if (!(pids[i] = fork())) {
            volatile int x = 0;
            for (int k = 0; k < 1000 * i; k++)
                x += k & 1;
            _exit(i + (x != 500 * i));
        }
    for (int i = 0; i < 12; i++)
        sum += status_of(pids[i]);
    CHECK(sum == 66);
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (!pid) {
            execl(self, "fork", "exec", (char *)NULL);
            _exit(1);
        }
        CHECK(status_of(pid) == 33);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return 33;
    self = argv[0];
    memory();
    threads();
    CHECK(generation(6) == 7);
    rest();
    many();
    printf("done, %d bad\n", bad);
    return bad;
}

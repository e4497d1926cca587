// Who takes a signal, and what it may interrupt.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static volatile int hups, faults, usr1;
static char *alternate;

static void on_hup(int signo) { hups++; }
static void on_usr1(int signo) { usr1++; }
static void on_fault(int signo)
{
    faults++;
    mprotect(alternate, 65536, PROT_READ | PROT_WRITE);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

// A frame that cannot be written is a SIGSEGV, whose handler runs.
static void no_room_for_frame(void)
{
    alternate = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = { .ss_sp = alternate, .ss_size = 65536 }, none = { .ss_flags = SS_DISABLE };
    struct sigaction fault = { .sa_handler = on_fault }, hup = { .sa_handler = on_hup, .sa_flags = SA_ONSTACK };
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGHUP, &hup, NULL);
    raise(SIGHUP);
    printf("no room for a frame: SIGSEGV %d, SIGHUP %d\n", faults, hups);
    raise(SIGHUP);
    printf("room: SIGSEGV %d, SIGHUP %d\n", faults, hups);
    sigaltstack(&none, NULL);
}

static pthread_t main_thread;

static void *poke(void *arg)
{
    usleep(100000);
    pthread_kill(main_thread, SIGUSR1);
    return arg;
}

static void blocked_interrupts_nothing(void)
{
    sigset_t set, pending;
    pthread_t thread;
    double begin = now();

    signal(SIGUSR1, on_usr1);
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, poke, NULL);
    int result = usleep(300000);
    pthread_join(thread, NULL);
    sigpending(&pending);
    printf("a blocked signal: usleep %d, full time %d, pending %d, handled %d\n", result, now() - begin >= 0.3,
           sigismember(&pending, SIGUSR1), usr1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("unblocked: handled %d\n", usr1);
}

static void sleeper(void)
{
    double begin = now();
    struct timespec sleep = { 0, 600000000 };
    printf("ready\n");
    fflush(stdout);
    int result = nanosleep(&sleep, NULL);
    double took = now() - begin;
    printf("a stopped sleeper: nanosleep %d, full time %d, much longer %d\n", result, took >= 0.6, took > 10);
}

static void stops_end_no_sleep(const char *self)
{
    char *args[] = { (char *)self, "sleep", NULL };
    int status, ready[2];
    pid_t pid;
    char byte;
    posix_spawn_file_actions_t actions;

    pipe(ready);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ready[1], 1);
    posix_spawn(&pid, self, &actions, NULL, args, environ);
    read(ready[0], &byte, 1);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    printf("continued %d\n", WIFCONTINUED(status));
    waitpid(pid, &status, 0);
    close(ready[1]);
    char text[200];
    ssize_t n = read(ready[0], text, sizeof(text));
    printf("%.*s", (int)n, text);
}

static volatile int children[3];
static void on_child(int signo, siginfo_t *info, void *context)
{
    children[info->si_code == CLD_STOPPED ? 0 : info->si_code == CLD_CONTINUED ? 1 : 2]++;
}

static void *exits_soon(void *arg)
{
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    usleep(20000);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return arg;
}

// Sent to the process while threads that may take it block it or end: none is lost.
static void none_is_stranded(void)
{
    int sent = 0, lost = 0;
    usr1 = 0;
    for (int round = 0; round < 30; round++) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, exits_soon, NULL);
        sigset_t set;
        sigemptyset(&set), sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        usleep(19000 + round * 100);
        int before = usr1;
        kill(getpid(), SIGUSR1);
        sent++;
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        lost += usr1 == before;
    }
    printf("sent %d, lost %d\n", sent, lost);
}

int main(int argc, char **argv)
{
    struct sigaction child = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };

    if (argc > 1)
        return sleeper(), 0;
    main_thread = pthread_self();
    sigaction(SIGCHLD, &child, NULL);
    no_room_for_frame();
    blocked_interrupts_nothing();
    stops_end_no_sleep(argv[0]);
    printf("SIGCHLD: stopped %d, continued %d, ended %d\n", children[0], children[1], children[2]);
    none_is_stranded();
    return 0;
}

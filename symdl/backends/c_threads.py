"""A second thread in C: it waits for work, and the two meet at barriers."""

from __future__ import annotations

__all__ = ["THREADS"]

THREADS = """\
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#if defined(__x86_64__) || defined(__i386__)
#define REST() __builtin_ia32_pause()
#else
#define REST() ((void)0)
#endif

/* the part of an axis that thread ``me`` computes: halves that end at whole vectors */
static inline long half(long size) {
    return size < 64 ? size / 2 : (size / 2 + 15) / 16 * 16;
}
#define FROM(size) (me ? half(size) : 0)
#define TO(size) (me ? (size) : half(size))

static _Alignas(64) atomic_int arrived;
static _Alignas(64) atomic_int turn;
static _Alignas(64) double parts[2][64]; /* what each thread adds to a number */

/* both threads must come here before either goes on */
static __attribute__((noinline)) void barrier(void) {
    const int now = atomic_load_explicit(&turn, memory_order_relaxed);
    if (atomic_fetch_add(&arrived, 1) == 1) {
        atomic_store_explicit(&arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&turn, now + 1, memory_order_release);
        return;
    }
    for (long tries = 0; atomic_load_explicit(&turn, memory_order_acquire) == now; tries++) {
        if (tries > 300) sched_yield();
        else REST();
    }
}

typedef void job_t(void *, int);
static _Alignas(64) atomic_int posted;
static job_t *job;
static void *job_given;
static int running, asleep;
static pthread_mutex_t one_call = PTHREAD_MUTEX_INITIALIZER, door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t knock = PTHREAD_COND_INITIALIZER;

static void *second(void *unused) {
    for (int seen = 0;; seen++) {
        for (long tries = 0; tries < 4000 && atomic_load(&posted) == seen; tries++) REST();
        if (atomic_load(&posted) == seen) {
            pthread_mutex_lock(&door);
            asleep = 1;
            while (atomic_load(&posted) == seen) pthread_cond_wait(&knock, &door);
            asleep = 0;
            pthread_mutex_unlock(&door);
        }
        job(job_given, 1);
        barrier();
    }
    return unused;
}

static void forked(void) { /* threads do not live on in a child */
    running = 0;
    asleep = 0;
    atomic_store(&posted, 0);
    atomic_store(&arrived, 0);
    atomic_store(&turn, 0);
    pthread_mutex_init(&one_call, 0);
    pthread_mutex_init(&door, 0);
    pthread_cond_init(&knock, 0);
}

/* run a job on two threads; 0 where there is no second one */
static int together(job_t *what, void *given) {
    static int known;
    pthread_mutex_lock(&one_call);
    if (!running) {
        pthread_t thread;
        if (!known) pthread_atfork(0, 0, forked);
        known = 1;
        if (pthread_create(&thread, 0, second, 0)) {
            pthread_mutex_unlock(&one_call);
            return 0;
        }
        pthread_detach(thread);
        running = 1;
    }
    job = what;
    job_given = given;
    atomic_fetch_add(&posted, 1);
    pthread_mutex_lock(&door);
    if (asleep) pthread_cond_signal(&knock);
    pthread_mutex_unlock(&door);
    what(given, 0);
    barrier();
    pthread_mutex_unlock(&one_call);
    return 1;
}

static void nothing(void *given, int me) {}
__attribute__((visibility("default"))) int ready(void) { return together(nothing, 0); }
"""

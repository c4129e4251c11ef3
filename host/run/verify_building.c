/* Reproducers of builds.  What a compiler is about to get stands in a folder while it works, and is removed behind it: a driver
 * that ends the process leaves it there.  A build that fails leaves it for whoever asks. */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/shell.h"
#include "run/verify_parts.h"

/* What is written where the process ends in a build; a handler may not make it. */
static char last_words[4096];
static volatile sig_atomic_t at_work;

static void tell(void)
{
    if (at_work && write(STDERR_FILENO, last_words, strlen(last_words)) < 0)
        at_work = 0;
    at_work = 0;
}

static void ended(int signal)
{
    (void)signal;      /* the handler is gone by now (SA_RESETHAND): the fault is met again, and ends the process */
    tell();
}

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
enum { FAULTS = sizeof faults / sizeof *faults };

static void begin(void *user, scl_backend *b, const char *source, const char *options, const char *all)
{
    scl_verify_building *w = user;
    scl_verify_building_drop(w);
    scl_replay *r = &w->replay;
    r->fault = SCL_REPLAY_BUILD;
    r->schedule.n_launch = 1;
    r->schedule.launch = SCL_NEW(&r->arena, scl_launch);
    r->schedule.launch->source = scl_arena_strdup(&r->arena, source);
    r->own = SCL_NEW(&r->arena, const char *);
    r->options = SCL_NEW(&r->arena, const char *);
    r->own[0] = scl_arena_strdup(&r->arena, options);
    r->options[0] = scl_arena_strdup(&r->arena, all);
    if (scl_replay_save(r, w->folder, b, NULL) != SCL_OK)
        return;        /* as good as it gets: the build itself is what counts */
    const struct sigaction action = { .sa_handler = ended, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
    for (int i = 0; i < FAULTS; i++)
        sigaction(faults[i], &action, &w->before[i]);
    snprintf(last_words, sizeof last_words,
             "\n%s: its compiler ended this process. What it was given is in %s:\n  scorecl verify --replay %s --device %d\n",
             b->info.name, w->folder, scl_shell_word(w->folder, &r->arena), b->info.index);
    at_work = 1;
}

static void end(void *user, scl_backend *b, const scl_err *fault)
{
    scl_verify_building *w = user;
    for (int i = 0; i < FAULTS && at_work; i++)
        sigaction(faults[i], &w->before[i], NULL);
    at_work = 0;
    scl_verify_remove(w->folder);
    if (!fault)
        return;
    w->replay.said = scl_arena_strdup(&w->replay.arena, fault->message);
    w->failed = scl_replay_save(&w->replay, w->folder, b, NULL) == SCL_OK;
}

void scl_verify_building_drop(scl_verify_building *w)
{
    if (w->failed)
        scl_verify_remove(w->folder);
    w->failed = false;
    scl_replay_free(&w->replay);
}

const char *scl_verify_building_keep(scl_verify_building *w, const char *message, scl_arena *arena)
{
    const char *folder = scl_verify_free_folder(w->out, arena);
    const bool kept = w->failed && !strcmp(message, w->replay.said) && rename(w->folder, folder) == 0;
    w->failed = w->failed && !kept;
    scl_verify_building_drop(w);
    return kept ? folder : NULL;
}

/* A pattern of glob that matches the text alone. */
static const char *literal(const char *text, scl_arena *arena)
{
    char *pattern = scl_arena_alloc(arena, 2 * strlen(text) + 1), *to = pattern;
    for (; *text; *to++ = *text++)
        if (strchr("*?[\\", *text))
            *to++ = '\\';
    return pattern;
}

/* Those of processes that are no more. */
static void name_left(const char *out)
{
    glob_t found;
    scl_arena arena = { 0 };
    if (glob(scl_arena_printf(&arena, "%s.building-*", literal(out, &arena)), 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const int process = atoi(strrchr(found.gl_pathv[i], '-') + 1);
            const char *folder = scl_verify_free_folder(out, &arena);
            if (process > 0 && kill(process, 0) != 0 && errno == ESRCH && rename(found.gl_pathv[i], folder) == 0)
                scl_warn("an earlier run was ended by a device's compiler, or while it worked; what it was given: "
                         "scorecl verify --replay %s", scl_shell_word(folder, &arena));
        }
        globfree(&found);
    }
    scl_arena_free(&arena);
}

void scl_verify_building_watch(scl_verify_building *w, const char *out)
{
    static bool once;
    *w = (scl_verify_building){ .out = out, .watch = { .begin = begin, .end = end, .user = w } };
    snprintf(w->folder, sizeof w->folder, "%s.building-%d", out, (int)getpid());
    name_left(out);
    if (!once)
        atexit(tell);
    once = true;
    scl_build_watch_by(&w->watch);
}

void scl_verify_building_end(scl_verify_building *w)
{
    scl_build_watch_by(NULL);
    scl_verify_building_drop(w);
}

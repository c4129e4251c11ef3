#include "config/schema.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_ROOT scl_config
#define BASE_DATA scl_data_config
#define BASE_TRANSFORM scl_transform_config
#define BASE_MODEL scl_model_config
#define BASE_NOISE scl_noise_config
#define BASE_STAGE scl_stage_config
#define BASE_OBJECTIVE scl_train_config
#define BASE_OPTIMIZER scl_train_config
#define BASE_EVAL scl_train_config
#define BASE_CHECKPOINT scl_train_config
#define BASE_MEMORY scl_memory_config
#define BASE_SAMPLER scl_sample_config
#define BASE_CONDITION scl_sample_config
#define BASE_POINTS scl_points_config
#define BASE_FISHER scl_evaluate_config
#define BASE_PLOT scl_plot_config
#define BASE_LIKELIHOOD scl_likelihood_config
#define BASE_LOG scl_log_config
#define TRAIN SCL_KEY_TRAIN
#define SAMPLE SCL_KEY_SAMPLE
#define EVALUATE SCL_KEY_EVALUATE
#define PLOT SCL_KEY_PLOT
#define LIKELIHOOD SCL_KEY_LIKELIHOOD
#define NEUTRAL SCL_KEY_NEUTRAL

static const scl_key keys[] = {
#define KEY(section, name, type, field, fallback, range, flags, help)                                      \
    { SCL_SECTION_##section, name, SCL_KEY_##type, offsetof(BASE_##section, field), fallback, range, flags, help },
#include "config/schema.def"
#undef KEY
};
enum { KEYS = (int)(sizeof keys / sizeof *keys) };

const scl_key *scl_key_at(int i)
{
    return i < KEYS ? &keys[i] : NULL;
}

scl_section scl_key_subsection(const scl_key *key)
{
    static const struct { const char *name; scl_section section; } known[] = {
        { "DATA", SCL_SECTION_DATA },           { "TRANSFORM", SCL_SECTION_TRANSFORM },
        { "MODEL", SCL_SECTION_MODEL },         { "NOISE", SCL_SECTION_NOISE },
        { "OBJECTIVE", SCL_SECTION_OBJECTIVE }, { "OPTIMIZER", SCL_SECTION_OPTIMIZER },
        { "EVAL", SCL_SECTION_EVAL },           { "CHECKPOINT", SCL_SECTION_CHECKPOINT },
        { "MEMORY", SCL_SECTION_MEMORY },       { "CONDITION", SCL_SECTION_CONDITION },
        { "POINTS", SCL_SECTION_POINTS },
        { "FISHER", SCL_SECTION_FISHER },       { "PLOT", SCL_SECTION_PLOT },
        { "LIKELIHOOD", SCL_SECTION_LIKELIHOOD }, { "LOG", SCL_SECTION_LOG },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(key->range, known[i].name))
            return known[i].section;
    return SCL_SECTION_SAMPLER;
}

bool scl_key_kind(int i, scl_stage_kind *kind, int *flag)
{
    static const struct { scl_stage_kind kind; int flag; } kinds[] = {
        { SCL_STAGE_TRAIN, SCL_KEY_TRAIN }, { SCL_STAGE_SAMPLE, SCL_KEY_SAMPLE },
        { SCL_STAGE_EVALUATE, SCL_KEY_EVALUATE }, { SCL_STAGE_LIKELIHOOD, SCL_KEY_LIKELIHOOD },
        { SCL_STAGE_PLOT, SCL_KEY_PLOT },
    };
    if (i >= (int)(sizeof kinds / sizeof *kinds))
        return false;
    *kind = kinds[i].kind;
    *flag = kinds[i].flag;
    return true;
}

bool scl_key_of_kind(const scl_key *key, scl_stage_kind kind)
{
    const int kinds = key->flags & SCL_KEY_KINDS;
    scl_stage_kind one;
    int flag;
    for (int i = 0; kinds && scl_key_kind(i, &one, &flag); i++)
        if (one == kind)
            return kinds & flag;
    return !kinds;
}

const scl_key *scl_key_find(scl_section section, scl_stage_kind kind, const char *name)
{
    for (int i = 0; i < KEYS; i++)
        if (keys[i].section == section && !strcmp(keys[i].name, name) && scl_key_of_kind(&keys[i], kind))
            return &keys[i];
    return NULL;
}

const char *scl_key_choice(const scl_key *key, int i, bool *available, scl_arena *arena)
{
    const char *p = key->range;
    for (; i > 0 && p; i--) {
        p = strchr(p, '|');
        p = p ? p + 1 : NULL;
    }
    if (!p)
        return NULL;
    *available = *p != '!';
    p += *p == '!';
    return scl_arena_printf(arena, "%.*s", (int)strcspn(p, "|"), p);
}

const char *scl_key_available(const scl_key *key, scl_arena *arena)
{
    const char *list = "", *choice;
    bool available;
    for (int i = 0; (choice = scl_key_choice(key, i, &available, arena)); i++)
        if (available)
            list = scl_arena_printf(arena, "%s%s%s", list, list[0] ? ", " : "", choice);
    return list;
}

scl_range scl_key_range(const scl_key *key)
{
    scl_range r = { .low = -INFINITY, .high = INFINITY };
    const char *p = key->range, *bar = strchr(p, '|'), *dots;
    if (bar) {
        snprintf(r.word, sizeof r.word, "%.*s", (int)(bar - p), p);
        p = bar + 1;
    }
    r.open_low = *p == '(';
    p += r.open_low;
    dots = strstr(p, "..");
    if (!dots)
        return r;
    r.low = strtod(p, NULL);
    if (dots[2]) {
        char *end;
        r.high = strtod(dots + 2, &end);
        r.open_high = *end == ')';
    }
    return r;
}

const char *scl_key_expects(const scl_key *key, scl_arena *arena)
{
    switch (key->type) {
    case SCL_KEY_BOOL: return "true or false";
    case SCL_KEY_CHOICE: return scl_arena_printf(arena, "one of %s", scl_key_available(key, arena));
    case SCL_KEY_SET: return scl_arena_printf(arena, "a list of %s", scl_key_available(key, arena));
    case SCL_KEY_NAMES: return "a list of stages";
    case SCL_KEY_TEXT: return "a text";
    case SCL_KEY_PATH: return key->range[0] ? scl_arena_printf(arena, "'%s' or a path", key->range) : "a path";
    case SCL_KEY_SECTION:
    case SCL_KEY_STAGES:
    case SCL_KEY_TUNE: return "a map of keys";
    case SCL_KEY_INT:
    case SCL_KEY_INTS:
    case SCL_KEY_INT64:
    case SCL_KEY_REAL:
    case SCL_KEY_REALS: break;
    }
    const scl_range r = scl_key_range(key);
    const char *word = r.word[0] ? scl_arena_printf(arena, "'%s' or ", r.word) : "";
    if (key->type == SCL_KEY_REAL || key->type == SCL_KEY_REALS) {
        const char *to = r.open_high ? "and below" : r.open_low ? "and up to" : "to";
        const char *what = key->type == SCL_KEY_REAL ? "a number" : "a number or a list of numbers";
        return scl_arena_printf(arena, "%s%s %s %g %s %g", word, what, r.open_low ? "above" : "from", r.low,
                                to, r.high);
    }
    const char *what = key->type == SCL_KEY_INTS ? "an integer or a list of integers" : "an integer";
    return scl_arena_printf(arena, "%s%s from %.0f to %s", word, what, r.low,
                            key->type == SCL_KEY_INT64 ? "9223372036854775807"
                                                       : scl_arena_printf(arena, "%.0f", r.high));
}

/* Names that outlive every config: made once. */
enum { MOST_CHOICES = 16 };
static char choice_name[KEYS][MOST_CHOICES][24];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void name_choices(void)
{
    for (int i = 0; i < KEYS; i++) {
        const char *p = keys[i].type == SCL_KEY_CHOICE ? keys[i].range : NULL;
        for (int n = 0; p && n < MOST_CHOICES; n++) {
            p += *p == '!';
            snprintf(choice_name[i][n], sizeof choice_name[i][n], "%.*s", (int)strcspn(p, "|"), p);
            p = strchr(p, '|');
            p = p ? p + 1 : NULL;
        }
    }
}

const char *scl_config_choice(const char *key, int value)
{
    static const char *const sections[] = {
        "", "data", "transform", "model", "noise", "stage", "objective", "optimizer", "eval", "checkpoint",
        "memory", "sampler", "condition", "points", "fisher", "plot", "likelihood", "log",
    };
    _Static_assert(sizeof sections / sizeof *sections == SCL_SECTION_LOG + 1, "a name for every section");
    const char *dot = strrchr(key, '.');
    for (int i = 0; i < KEYS; i++) {
        const char *section = sections[keys[i].section];
        if (strcmp(keys[i].name, dot ? dot + 1 : key) || keys[i].type != SCL_KEY_CHOICE)
            continue;
        if (dot ? strlen(section) != (size_t)(dot - key) || strncmp(section, key, strlen(section)) : section[0] != 0)
            continue;
        pthread_once(&once, name_choices);
        return value >= 0 && value < MOST_CHOICES && choice_name[i][value][0] ? choice_name[i][value] : "?";
    }
    return "?";
}

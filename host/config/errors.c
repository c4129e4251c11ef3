#include "config/errors.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scl_fault(scl_faults *faults, scl_place place, const char *path, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const char *colon = path[0] ? ": " : "";
    scl_config_errors *errors = faults->errors;
    char **longer = realloc(errors->line, sizeof *longer * (size_t)(errors->n + 1));
    if (longer) {
        errors->line = longer;
        errors->line[errors->n++] = scl_arena_printf(&errors->arena, "%s:%d:%d: %s%s%s", place.file,
                                                     place.line, place.col, path, colon, message);
    }
    scl_fail_at(faults->err, SCL_BAD_CONFIG, place.file, place.line, place.col, "%s%s%s", path, colon, message);
}

void scl_config_errors_free(scl_config_errors *errors)
{
    free(errors->line);
    scl_arena_free(&errors->arena);
    *errors = (scl_config_errors){ 0 };
}

enum { MOST = 40 };

/* Insertions, deletions, changes and swaps of neighbours, without case. */
static int distance(const char *a, const char *b)
{
    const int n = (int)strlen(a), m = (int)strlen(b);
    int d[MOST + 1][MOST + 1];
    if (n > MOST || m > MOST)
        return MOST;
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            const int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            int best = d[i - 1][j - 1] + !same;
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *scl_nearest(const char *name, const char *const *candidates, int n)
{
    const int length = (int)strlen(name);
    const char *nearest = NULL;
    int least = length <= 4 ? 2 : length / 3 + 2;   /* exclusive */
    for (int i = 0; i < n; i++) {
        const int d = distance(name, candidates[i]);
        if (d < least) {
            least = d;
            nearest = candidates[i];
        }
    }
    if (!nearest && length >= 3)                    /* the beginning of a longer name */
        for (int i = 0; i < n && !nearest; i++)
            if (!strncmp(name, candidates[i], (size_t)length))
                nearest = candidates[i];
    return nearest;
}

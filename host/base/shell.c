#include "base/shell.h"

#include <string.h>

const char *scl_shell_word(const char *text, scl_arena *arena)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (text[0] && strspn(text, plain) == strlen(text))
        return text;
    const char *word = "'";
    for (const char *quote; (quote = strchr(text, '\'')); text = quote + 1)
        word = scl_arena_printf(arena, "%s%.*s'\\''", word, (int)(quote - text), text);
    return scl_arena_printf(arena, "%s%s'", word, text);
}

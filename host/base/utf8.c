#include "base/utf8.h"

#include <stdbool.h>

/* Overlong forms, surrogates and what lies beyond U+10FFFF are none. */
size_t scl_utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    const size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                     : (p[0] & 0xf0) == 0xe0        ? 3
                     : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                    : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    const bool wrong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                       (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return wrong ? 0 : n;
}

void scl_utf8_mend(char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        const size_t n = scl_utf8_sequence((const unsigned char *)text + i, size - i);
        if (!n)
            text[i] = '?';
        i += n ? n : 1;
    }
}

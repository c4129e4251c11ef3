#include "run/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

json_t *scl_json_text_of(const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return json_null();
    memcpy(copy, bytes, size);
    scl_utf8_mend(copy, size);
    json_t *j = json_stringn(copy, size);
    free(copy);
    return j ? j : json_null();
}

json_t *scl_json_text(const char *text) { return scl_json_text_of(text, strlen(text)); }

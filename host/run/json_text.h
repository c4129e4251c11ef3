/* Texts of any bytes in JSON. */
#ifndef SCL_RUN_JSON_TEXT_H
#define SCL_RUN_JSON_TEXT_H

#include <jansson.h>

/* As scl_utf8_mend makes it; null without memory. */
json_t *scl_json_text(const char *text);
json_t *scl_json_text_of(const char *bytes, size_t size);

#endif

/* Pages: one HTML file with its style, its scripts, the charting library and its data inside (host/cli/pages). */
#ifndef SCL_CLI_PAGE_H
#define SCL_CLI_PAGE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* The page that `script` ("report.js") makes of data.  Nothing in data can end the script element that holds it.  The text has a
 * NUL behind it and is owned (free). */
scl_status cli_page_text(const char *script, const json_t *data, char **text, size_t *size, scl_err *err);
/* The same into a file, atomically. */
scl_status cli_page_write(const char *file, const char *script, const json_t *data, scl_err *err);
/* data as JSON that may stand in HTML: every '<' is \u003c.  Owned. */
scl_status cli_page_json(const json_t *data, char **text, size_t *size, scl_err *err);

/* The bytes as a "data:image/png;base64,..." text. */
json_t *cli_page_png(const void *bytes, size_t count);

#endif

/* `scorecl profile`: its tables, and its second command. */
#ifndef SCL_CLI_PROFILE_H
#define SCL_CLI_PROFILE_H

#include <jansson.h>

#include "base/err.h"

/* profile: as profile.json has it.  rows: of each table at most; 0: all. */
void cli_profile_print(const json_t *profile, const char *folder, int rows);

/* `scorecl profile diff A B`; argv[0] is "diff". */
scl_status cli_profile_diff(int argc, char **argv, scl_err *err);

#endif

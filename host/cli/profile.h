/* `scorecl profile`: its tables. */
#ifndef SCL_CLI_PROFILE_H
#define SCL_CLI_PROFILE_H

#include <jansson.h>

/* profile: as profile.json has it.  rows: of each table at most; 0: all. */
void cli_profile_print(const json_t *profile, const char *folder, int rows);

#endif

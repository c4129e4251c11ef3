/* The command line: one function a command, scl_cli_NAME, in host/cli/NAME.c, with a row in commands.def.
 *
 * argv[0] is the command's name.  A result goes to standard output, everything else to standard error.  A command returns its
 * status (the exit code); main prints the record in err once, or nothing when it is empty (the command has said it). */
#ifndef SCL_CLI_CLI_H
#define SCL_CLI_CLI_H

#include <jansson.h>

#include "config/config.h"
#include "graph/tuning.h"

#define COMMAND(name, args, brief) scl_status scl_cli_##name(int argc, char **argv, scl_err *err);
#include "cli/commands.def"
#undef COMMAND

enum { CLI_MOST = 64 };

/* -o, --device and --seed, in the order given. */
typedef struct cli_overrides { scl_override at[CLI_MOST]; int n; } cli_overrides;
typedef struct cli_list { const char *at[CLI_MOST]; int n; } cli_list;

typedef enum cli_kind {
    CLI_SWITCH,      /* bool */
    CLI_TEXT,        /* const char * */
    CLI_NUMBER,      /* int, not negative */
    CLI_LIST,        /* cli_list: may be given again */
    CLI_OVERRIDE,    /* cli_overrides: KEY=VALUE */
    CLI_DEVICE,      /* cli_overrides */
    CLI_SEED,        /* cli_overrides */
} cli_kind;

typedef struct cli_flag {
    const char *name;            /* long name, or NULL */
    char letter;                 /* 0: none */
    cli_kind kind;
    void *to;
    const char *value, *help;    /* "FILE" */
} cli_flag;

typedef struct cli_command {
    const char *usage;           /* "CONFIG..." */
    const char *about;           /* what stands above the flags in --help */
    const cli_flag *flag;        /* ends at a row without name and letter */
    int least, most;             /* arguments that are no flags; most -1: any number */
} cli_command;

/* Flags anywhere; afterwards *n arguments stand in argv[1 ...].  *done: --help was asked for and has been printed. */
scl_status cli_parse(const cli_command *command, int argc, char **argv, int *n, bool *done, scl_err *err);

/* Prints every fault of the config on standard error (and then leaves err empty). */
scl_status cli_read_config(const char *file, const cli_overrides *overrides, scl_config **out, scl_err *err);
/* tune.OP.PARAM against the registry, which the config room does not see.  cli_read_config calls it. */
scl_status cli_check_tune(const scl_config *config, scl_err *err);
/* SCL_BAD_CONFIG, with the nearest name, unless there is such an operator. */
scl_status cli_check_op(const char *op, scl_err *err);
void cli_print_faults(const scl_config_errors *errors);

/* A device description, as --describe reads it; rows: its stored tuning rows (NULL: none). */
json_t *cli_device_json(const scl_device_info *d, const scl_tuning *rows);

/* --json FILE, "-": standard output.  Takes the reference to json. */
scl_status cli_write_json(const char *file, json_t *json, scl_err *err);
/* Is the text result to be shown?  Not when the JSON goes to standard output. */
bool cli_shows_text(const char *json_file);

#endif

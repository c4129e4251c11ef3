/* ScoreCL as a library: read a config, run its stages, draw samples.
 *
 *   cc program.c $(pkg-config --cflags --libs --static scorecl)
 *
 * Every function that can fail returns scl_status and fills an scl_err (base/err.h); what would be shown goes to a sink of the
 * caller's (base/log.h).  tests/example/example.c is a whole program. */
#ifndef SCORECL_H
#define SCORECL_H

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "run/run.h"

#endif

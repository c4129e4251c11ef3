/* events.csv: a row for every command of the profiled steps. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "run/profile_parts.h"

typedef struct listing {
    scl_file_writer file;
    const scl_profile_stage *p;
} listing;

static scl_status put_item(void *user, const scl_profile_item *i, scl_err *err)
{
    static const char *const names[SCL_COMMANDS] = {"launch", "write", "read", "fill", "copy"};
    listing *l = user;
    const scl_profile_row *r = i->row;
    const scl_profile_event *e = i->event;
    char line[2048], node[16] = "";
    if (r)
        snprintf(node, sizeof node, "%d", r->node);
    const int n =
        snprintf(line, sizeof line,
                 "%s,%d,%s,%s,%s,%.256s,%s,%s,\"%s\",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                 ",%" PRId64 ",%" PRId64 ",%s\n",
                 l->p->stage->name, e->step, names[e->command], r ? r->plan : "", node, r ? r->scope : "",
                 r ? r->op : "", r ? r->kernel : "", r ? r->shape : "", e->bytes, e->enqueue[0],
                 e->enqueue[1], i->stamp[SCL_STAMP_QUEUED], i->stamp[SCL_STAMP_SUBMIT],
                 i->stamp[SCL_STAMP_START], i->stamp[SCL_STAMP_END], scl_stamp_fault_name(i->fault));
    return scl_file_append(&l->file, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1, err);
}

scl_status scl_profile_csv(scl_profile_stage *const *stages, int n, const char *path, scl_err *err)
{
    static const char head[] =
        "stage,step,command,plan,node,scope,operator,kernel,shape,bytes,enqueue_begin_ns,enqueue_end_ns,"
        "queued_ns,submit_ns,start_ns,end_ns,stamps\n";
    listing l = {.file = {.fd = -1}};
    SCL_TRY(scl_file_create(&l.file, path, NULL, err));
    scl_status status = scl_file_append(&l.file, head, sizeof head - 1, err);
    for (int i = 0; i < n && status == SCL_OK; i++) {
        l.p = stages[i];
        status = scl_profile_replay(stages[i], put_item, &l, err);
    }
    if (status == SCL_OK)
        status = scl_file_commit(&l.file, err);
    scl_file_abandon(&l.file);
    return status;
}

#include "run/events.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/file.h"

struct scl_events {
    FILE *file;
    char *path;
};

/* ---- protocol buffers: as much of their encoding as events need ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct message {
    unsigned char *at;
    size_t n, cap;
    bool failed;
} message;

static void put(message *m, const void *bytes, size_t n)
{
    if (m->n + n > m->cap) {
        const size_t cap = 2 * m->cap + n + 64;
        unsigned char *larger = realloc(m->at, cap);
        if (!larger) {
            m->failed = true;
            return;
        }
        m->at = larger;
        m->cap = cap;
    }
    memcpy(m->at + m->n, bytes, n);
    m->n += n;
}

static void put_varint(message *m, uint64_t v)
{
    do {
        const unsigned char byte = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
        put(m, &byte, 1);
    } while (v >>= 7);
}

/* The lower n bytes, little-endian. */
static void put_fixed(message *m, uint64_t v, int n)
{
    unsigned char bytes[8];
    for (int i = 0; i < n; i++)
        bytes[i] = (unsigned char)(v >> 8 * i);
    put(m, bytes, (size_t)n);
}

static void put_key(message *m, int field, int type)
{
    put_varint(m, (uint64_t)(field << 3 | type));
}

static void put_int(message *m, int field, int64_t v)
{
    put_key(m, field, VARINT);
    put_varint(m, (uint64_t)v);
}

static void put_bytes(message *m, int field, const void *bytes, size_t n)
{
    put_key(m, field, BYTES);
    put_varint(m, n);
    put(m, bytes, n);
}

static void put_text(message *m, int field, const char *text)
{
    put_bytes(m, field, text, strlen(text));
}

static void put_float(message *m, int field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_key(m, field, FIXED32);
    put_fixed(m, bits, 4);
}

static void put_double(message *m, int field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_key(m, field, FIXED64);
    put_fixed(m, bits, 8);
}

/* A message inside another; empties it. */
static void put_message(message *m, int field, message *inner)
{
    m->failed = m->failed || inner->failed;
    put_bytes(m, field, inner->at, inner->n);
    free(inner->at);
    *inner = (message){0};
}

/* ---- records and events ---- */

static uint32_t masked_crc(const void *bytes, size_t n)
{
    const uint32_t crc = scl_crc32c(bytes, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static message begin_event(long step)
{
    enum { WALL_TIME = 1, STEP = 2 };
    message m = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put_double(&m, WALL_TIME, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    put_int(&m, STEP, step);
    return m;
}

/* Writes the event as a record, and ends it. */
static scl_status end_event(scl_events *e, message *m, scl_err *err)
{
    message head = {0}, tail = {0};
    put_fixed(&head, m->n, 8);
    if (!head.failed)
        put_fixed(&head, masked_crc(head.at, 8), 4);
    put_fixed(&tail, masked_crc(m->at, m->n), 4);
    scl_status status = SCL_OK;
    if (m->failed || head.failed || tail.failed)
        status = scl_fail(err, SCL_FAILED, "not enough host memory for an event of %zu bytes", m->n);
    else if (fwrite(head.at, 1, head.n, e->file) != head.n || fwrite(m->at, 1, m->n, e->file) != m->n ||
             fwrite(tail.at, 1, tail.n, e->file) != tail.n || fflush(e->file))
        status = scl_fail(err, SCL_FAILED, "cannot write '%s': %s", e->path, strerror(errno));
    free(head.at);
    free(tail.at);
    free(m->at);
    *m = (message){0};
    return status;
}

enum { EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_IMAGE = 4, VALUE_TENSOR = 8, VALUE_METADATA = 9 };

/* "brain.Event:2" tells readers to heed the session's start, which makes them forget the steps from `first`
 * on. */
static scl_status write_head(scl_events *e, long first, scl_err *err)
{
    enum { STATUS = 1, START = 1 };
    message version = begin_event(0), start = begin_event(first), log = {0};
    put_text(&version, EVENT_FILE_VERSION, "brain.Event:2");
    put_int(&log, STATUS, START);
    put_message(&start, EVENT_SESSION_LOG, &log);
    const scl_status status = end_event(e, &version, err);
    const scl_status started = end_event(e, &start, status == SCL_OK ? err : NULL);
    return status == SCL_OK ? started : status;
}

/* Readers take files in the order of their names, so a clock that was set back, or two starts in a second,
 * must not matter. */
static long next_stamp(const char *folder)
{
    long stamp = (long)time(NULL), other;
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (sscanf(e->d_name, "events.out.tfevents.%ld", &other) == 1 && other >= stamp)
            stamp = other + 1;
    if (d)
        closedir(d);
    return stamp;
}

scl_status scl_events_open(scl_events **out, const char *folder, long first, scl_err *err)
{
    scl_events *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e || asprintf(&e->path, "%s/events.out.tfevents.%010ld.scorecl", folder, next_stamp(folder)) < 0) {
        free(e);
        return scl_fail(err, SCL_FAILED, "not enough host memory for the events of '%s'", folder);
    }
    e->file = fopen(e->path, "wxe");
    const scl_status status =
        e->file ? write_head(e, first, err)
                : scl_fail(err, SCL_FAILED, "cannot write '%s': %s", e->path, strerror(errno));
    if (status == SCL_OK)
        *out = e;
    else
        scl_events_close(e);
    return status;
}

scl_status scl_events_scalars(scl_events *e, long step, const char *const *tags, const double *values, int n,
                              scl_err *err)
{
    if (!e)
        return SCL_OK;
    message m = begin_event(step), summary = {0};
    for (int i = 0; i < n; i++) {
        message value = {0};
        if (isnan(values[i]))
            continue;
        put_text(&value, VALUE_TAG, tags[i]);
        put_float(&value, VALUE_SIMPLE, (float)values[i]);
        put_message(&summary, SUMMARY_VALUE, &value);
    }
    put_message(&m, EVENT_SUMMARY, &summary);
    return end_event(e, &m, err);
}

static scl_status put_summary(scl_events *e, long step, message *value, scl_err *err)
{
    message m = begin_event(step), summary = {0};
    put_message(&summary, SUMMARY_VALUE, value);
    put_message(&m, EVENT_SUMMARY, &summary);
    return end_event(e, &m, err);
}

static uint32_t big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

scl_status scl_events_picture(scl_events *e, long step, const char *tag, const char *path, scl_err *err)
{
    enum { HEIGHT = 1, WIDTH = 2, COLORSPACE = 3, ENCODED = 4 };
    enum { HEAD_BYTES = 29, AT_WIDTH = 16, AT_HEIGHT = 20, AT_COLOUR = 25 };
    static const int samples_of_colour[] = {1, 0, 3, 3, 2, 0, 4};
    char *png;
    size_t n;
    if (!e)
        return SCL_OK;
    SCL_TRY(scl_file_read(path, &png, &n, err));
    if (n < HEAD_BYTES || memcmp(png + 1, "PNG", 3) != 0 || png[AT_COLOUR] > 6) {
        free(png);
        return scl_fail_at(err, SCL_FAILED, path, 0, 0, "this is no PNG file");
    }
    message value = {0}, image = {0};
    put_text(&value, VALUE_TAG, tag);
    put_int(&image, HEIGHT, big_endian(png + AT_HEIGHT));
    put_int(&image, WIDTH, big_endian(png + AT_WIDTH));
    put_int(&image, COLORSPACE, samples_of_colour[(int)png[AT_COLOUR]]);
    put_bytes(&image, ENCODED, png, n);
    put_message(&value, VALUE_IMAGE, &image);
    free(png);
    return put_summary(e, step, &value, err);
}

scl_status scl_events_text(scl_events *e, long step, const char *tag, const char *text, scl_err *err)
{
    enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1 };
    enum {
        TENSOR_TYPE = 1,
        TENSOR_SHAPE = 2,
        TENSOR_STRING = 8,
        TYPE_STRING = 7,
        SHAPE_DIM = 2,
        DIM_SIZE = 1
    };
    if (!e)
        return SCL_OK;
    message value = {0}, metadata = {0}, plugin = {0}, tensor = {0}, shape = {0}, dim = {0};
    put_text(&plugin, PLUGIN_NAME, "text");
    put_message(&metadata, METADATA_PLUGIN, &plugin);
    put_int(&dim, DIM_SIZE, 1);
    put_message(&shape, SHAPE_DIM, &dim);
    put_int(&tensor, TENSOR_TYPE, TYPE_STRING);
    put_message(&tensor, TENSOR_SHAPE, &shape);
    put_text(&tensor, TENSOR_STRING, text);
    put_text(&value, VALUE_TAG, tag);
    put_message(&value, VALUE_METADATA, &metadata);
    put_message(&value, VALUE_TENSOR, &tensor);
    return put_summary(e, step, &value, err);
}

scl_status scl_events_open_stage(scl_events **out, scl_stage_context *c, long first, scl_err *err)
{
    *out = NULL;
    if (!c->config->log.tensorboard)
        return SCL_OK;
    SCL_TRY(scl_events_open(out, c->folder, first, err));
    const char *text = scl_config_text(c->config, c->arena);
    const scl_status status =
        scl_events_text(*out, first, "config", scl_arena_printf(c->arena, "```yaml\n%s```\n", text), err);
    if (status != SCL_OK) {
        scl_events_close(*out);
        *out = NULL;
    }
    return status;
}

void scl_events_close(scl_events *e)
{
    if (!e)
        return;
    if (e->file)
        fclose(e->file);
    free(e->path);
    free(e);
}

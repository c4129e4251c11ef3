/* `scorecl report --follow`: the page and its data over HTTP, to this machine alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cli/page.h"
#include "cli/report.h"
#include "run/signal.h"

typedef struct server { const char *const *run; int n; int port; } server;

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, const char *tag, char *text, size_t size)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-cache");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (tag)
        MHD_add_response_header(r, "ETag", tag);
    const enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *words)
{
    char *text = strdup(words);
    return text ? answer(c, status, "text/plain; charset=utf-8", NULL, text, strlen(text)) : MHD_NO;
}

/* A page from elsewhere may make a browser ask by a name of its own that leads here: only ours are answered. */
static bool asked_for_us(const server *s, struct MHD_Connection *c)
{
    char address[64], name[64];
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    snprintf(address, sizeof address, "127.0.0.1:%d", s->port);
    snprintf(name, sizeof name, "localhost:%d", s->port);
    return host && (!strcmp(host, address) || !strcmp(host, name));
}

static enum MHD_Result send_data(const server *s, struct MHD_Connection *c, bool page)
{
    char tag[32], *text = NULL;
    size_t size;
    json_t *data;
    snprintf(tag, sizeof tag, "\"%016" PRIx64 "\"", report_stamp(s->run, s->n));
    const char *known = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
    if (!page && known && !strcmp(known, tag)) {
        struct MHD_Response *none = MHD_create_response_from_buffer(0, (char[]){ "" }, MHD_RESPMEM_MUST_COPY);
        const enum MHD_Result result = none ? MHD_queue_response(c, MHD_HTTP_NOT_MODIFIED, none) : MHD_NO;
        if (none)
            MHD_destroy_response(none);
        return result;
    }
    scl_err err = { 0 };
    scl_status status = report_all(s->run, s->n, true, &data, &err);
    if (status == SCL_OK) {
        status = page ? cli_page_text("report.js", data, &text, &size, &err) : cli_page_json(data, &text, &size, &err);
        json_decref(data);
    }
    const enum MHD_Result result =
        status == SCL_OK ? answer(c, MHD_HTTP_OK, page ? "text/html; charset=utf-8" : "application/json", tag, text, size)
                         : say(c, MHD_HTTP_INTERNAL_SERVER_ERROR, err.message);
    scl_err_clear(&err);
    return result;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state)
{
    const server *s = user;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)state;
    if (!asked_for_us(s, c))
        return say(c, MHD_HTTP_FORBIDDEN, "this server answers this machine alone\n");
    if (strcmp(method, "GET") != 0)
        return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET alone\n");
    if (!strcmp(url, "/") || !strcmp(url, "/data.json"))
        return send_data(s, c, url[1] == '\0');
    return say(c, MHD_HTTP_NOT_FOUND, "there is / and /data.json\n");
}

scl_status report_serve(const char *const *run, int n, int port, scl_err *err)
{
    server s = { run, n, port };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)port, NULL, NULL, handle, &s,
                                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_CONNECTION_TIMEOUT, 30u,
                                            MHD_OPTION_END);
    if (!d)
        return scl_fail(err, SCL_FAILED, "cannot listen on 127.0.0.1:%d: %s", port, strerror(errno));
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    s.port = info ? info->port : port;
    scl_signals_install();
    printf("http://127.0.0.1:%d/\n", s.port);
    fflush(stdout);
    while (!*scl_signals_stop())
        nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    MHD_stop_daemon(d);
    scl_signals_restore();
    return SCL_OK;
}

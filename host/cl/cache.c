/* Files under the user's cache folder.  An entry carries its key and a sha256 of its content: whatever is damaged, cut or
 * stale does not load. */
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cl/kernels.h"
#include "cl/program.h"

typedef struct header {
    char magic[16];
    char key[SHA256_DIGEST_STRING_LENGTH + 7];
    char content[SHA256_DIGEST_STRING_LENGTH + 7];
    unsigned long bytes;
} header;

static const char magic[16] = "scorecl-cache-1";
static char programs_in[3072];     /* scl_program_cache_in */

void scl_program_cache_in(const char *folder) { snprintf(programs_in, sizeof programs_in, "%s", folder ? folder : ""); }

void scl_cache_folder(const char *sub, char *out, size_t size)
{
    if (programs_in[0] && !strcmp(sub, "programs")) {
        snprintf(out, size, "%s", programs_in);
        return;
    }
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char base[4096];
    out[0] = 0;
    if (cache && *cache == '/')
        snprintf(base, sizeof base, "%s", cache);
    else if (home && *home == '/')
        snprintf(base, sizeof base, "%s/.cache", home);
    else
        return;
    const char *parts[] = { "", "/scorecl", "/", sub };
    char path[4608];
    size_t used = (size_t)snprintf(path, sizeof path, "%s", base);
    for (int i = 0; i < 4; i++) {
        used += (size_t)snprintf(path + used, sizeof path - used, "%s", parts[i]);
        if (used >= sizeof path || (i != 2 && mkdir(path, 0700) != 0 && errno != EEXIST))
            return;
    }
    if (used < size)
        memcpy(out, path, used + 1);
}

void scl_cache_path(const char *sub, const char *key, char *out, size_t size)
{
    char folder[4096], digest[SHA256_DIGEST_STRING_LENGTH];
    out[0] = 0;
    scl_cache_folder(sub, folder, sizeof folder);
    SHA256Data((const unsigned char *)key, strlen(key), digest);
    if (!folder[0] || (size_t)snprintf(out, size, "%s/%s", folder, digest) >= size)
        out[0] = 0;
}

static void fill_header(header *h, const char *key, const void *data, size_t bytes)
{
    *h = (header){ .bytes = bytes };
    memcpy(h->magic, magic, sizeof magic);
    SHA256Data((const unsigned char *)key, strlen(key), h->key);
    SHA256Data(data, bytes, h->content);
}

void scl_cache_store(const char *sub, const char *key, const void *data, size_t bytes)
{
    char path[4096], temporary[4160];
    scl_cache_path(sub, key, path, sizeof path);
    if (!path[0])
        return;
    /* a name of this thread alone */
    snprintf(temporary, sizeof temporary, "%s.%ld.%p.new", path, (long)getpid(), (void *)&temporary);
    header h;
    fill_header(&h, key, data, bytes);
    FILE *f = fopen(temporary, "wb");
    if (!f)
        return;
    bool good = fwrite(&h, sizeof h, 1, f) == 1 && fwrite(data, 1, bytes, f) == bytes && fflush(f) == 0;
    good = fclose(f) == 0 && good;
    if (!good || rename(temporary, path) != 0)
        unlink(temporary);
}

bool scl_cache_load(const char *sub, const char *key, void **data, size_t *bytes)
{
    char path[4096];
    *data = NULL;
    scl_cache_path(sub, key, path, sizeof path);
    FILE *f = path[0] ? fopen(path, "rb") : NULL;
    if (!f)
        return false;
    struct stat st;
    header h, want;
    bool good = fstat(fileno(f), &st) == 0 && fread(&h, sizeof h, 1, f) == 1 && !memcmp(h.magic, magic, sizeof magic) &&
                (unsigned long)st.st_size == sizeof h + h.bytes;
    if (good)
        *data = malloc(h.bytes + 1);
    good = good && *data && fread(*data, 1, h.bytes, f) == h.bytes;
    fclose(f);
    if (good) {
        fill_header(&want, key, *data, h.bytes);
        good = !memcmp(&want, &h, sizeof h);
        *bytes = h.bytes;
        ((char *)*data)[h.bytes] = 0;
    }
    if (!good) {
        free(*data);
        *data = NULL;
        unlink(path);
    }
    return good;
}

/* Folders of PNG, JPEG and BMP files, recursively.
 *
 * Every file counts once, under the first of its names in byte order.  Symbolic links to files count only in a folder that holds
 * nothing else (a selection made of links); links to folders are not followed; names that begin with a dot are left out. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "data/reader.h"

typedef struct entry { const char *path; dev_t device; ino_t inode; bool link; } entry;
typedef struct list { scl_arena *arena; entry *of; size_t count, room; } list;

static bool is_picture(const char *name)
{
    static const char *const extension[] = { ".png", ".jpg", ".jpeg", ".bmp" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof extension / sizeof *extension; i++)
        if (!strcasecmp(dot, extension[i]))
            return true;
    return false;
}

static void append(list *l, entry e)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 1024;
        entry *bigger = SCL_NEW_ARRAY(l->arena, entry, l->room);
        if (l->count)
            memcpy(bigger, l->of, sizeof *bigger * l->count);
        l->of = bigger;
    }
    l->of[l->count++] = e;
}

enum { MAX_DEPTH = 64 };

static scl_status walk(list *l, const char *folder, int depth, scl_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return scl_fail(err, SCL_FAILED, "cannot read folder '%s': %s", folder, strerror(errno));
    scl_status status = SCL_OK;
    const struct dirent *item;
    while (status == SCL_OK && (item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue;
        const char *path = scl_arena_printf(l->arena, "%s/%s", folder, item->d_name);
        struct stat own, target;
        if (lstat(path, &own) || stat(path, &target))
            continue;                                   /* a link to nothing, or a file that has just gone */
        if (S_ISDIR(own.st_mode))
            status = depth < MAX_DEPTH ? walk(l, path, depth + 1, err)
                                       : scl_fail(err, SCL_FAILED, "folder '%s' is nested too deeply", path);
        else if (S_ISREG(target.st_mode) && is_picture(item->d_name))
            append(l, (entry){ path, target.st_dev, target.st_ino, S_ISLNK(own.st_mode) });
    }
    closedir(dir);
    return status;
}

static int by_file(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return x->link != y->link ? (x->link ? 1 : -1) : strcmp(x->path, y->path);
}

static int by_path(const void *a, const void *b) { return strcmp(((const entry *)a)->path, ((const entry *)b)->path); }

/* The first entry of each file, in byte order of the paths. */
static void make_unique(list *l)
{
    size_t kept = 0;
    bool only_links = true;
    for (size_t i = 0; i < l->count; i++)
        only_links &= l->of[i].link;
    qsort(l->of, l->count, sizeof *l->of, by_file);
    for (size_t i = 0; i < l->count; i++)
        if (l->of[i].link == only_links &&
            (!kept || l->of[i].inode != l->of[kept - 1].inode || l->of[i].device != l->of[kept - 1].device))
            l->of[kept++] = l->of[i];
    l->count = kept;
    qsort(l->of, l->count, sizeof *l->of, by_path);
}

static void keep_split(list *l, const scl_data_config *spec, scl_split split)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (scl_in_split(spec, split, i))
            l->of[kept++] = l->of[i];
    l->count = kept;
}

static scl_status allocate(scl_dataset *d, const scl_image *shape, size_t count, scl_err *err)
{
    void *block;
    d->height = shape->height;
    d->width = shape->width;
    d->channels = shape->channels;
    SCL_TRY(scl_alloc_bytes(&block, count * (size_t)shape->height * shape->width * shape->channels,
                            "the pictures", err));
    d->u8 = block;
    return SCL_OK;
}

/* Puts one picture at place i; the first decides the shape. */
static scl_status take_picture(scl_dataset *d, const scl_data_config *spec, const list *l, size_t i, scl_err *err)
{
    scl_image picture, shape;
    SCL_TRY(scl_image_read(&picture, l->of[i].path, err));
    scl_status status = scl_fitted_shape(&shape, spec, &picture, l->of[i].path, err);
    if (status == SCL_OK && i == 0)
        status = allocate(d, &shape, l->count, err);
    if (status == SCL_OK && (shape.height != d->height || shape.width != d->width))
        status = scl_fail(err, SCL_FAILED, "'%s' is %dx%d, the pictures before it %dx%d: give data.transform.size",
                          l->of[i].path, shape.height, shape.width, d->height, d->width);
    if (status == SCL_OK)
        status = scl_fit_image(d->u8 + i * (size_t)d->height * d->width * d->channels, spec, &picture, err);
    free(picture.data);
    return status;
}

/* Threads take pictures in turn; each picture has its place, so they cannot change the result.  Of several faults the one of
 * the first picture is told. */
typedef struct crew {
    scl_dataset *d;
    const scl_data_config *spec;
    const list *l;
    pthread_mutex_t lock;
    size_t next, failed;         /* failed: the first picture that failed, l->count while none has */
    scl_status status;
    scl_err *err;
} crew;

static void *work(void *context)
{
    crew *c = context;
    for (;;) {
        pthread_mutex_lock(&c->lock);
        const size_t i = c->failed == c->l->count ? c->next++ : c->l->count;
        pthread_mutex_unlock(&c->lock);
        if (i >= c->l->count)
            return NULL;
        scl_err err = { 0 };
        const scl_status status = take_picture(c->d, c->spec, c->l, i, &err);
        if (status == SCL_OK)
            continue;
        pthread_mutex_lock(&c->lock);
        if (i < c->failed) {
            c->failed = i;
            c->status = status;
            scl_err_clear(c->err);
            *c->err = err;
        } else {
            scl_err_clear(&err);
        }
        pthread_mutex_unlock(&c->lock);
    }
}

enum { MAX_THREADS = 16 };

static scl_status take_all(scl_dataset *d, const scl_data_config *spec, const list *l, scl_err *err)
{
    SCL_TRY(take_picture(d, spec, l, 0, err));
    scl_err first = { 0 };
    crew c = { .d = d, .spec = spec, .l = l, .lock = PTHREAD_MUTEX_INITIALIZER, .next = 1, .failed = l->count, .err = &first };
    pthread_t thread[MAX_THREADS];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = 0;
    while (threads < MAX_THREADS && threads + 1 < cores && !pthread_create(&thread[threads], NULL, work, &c))
        threads++;
    work(&c);
    while (threads)
        pthread_join(thread[--threads], NULL);
    if (c.status != SCL_OK && err)
        *err = first;
    else
        scl_err_clear(&first);
    return c.status;
}

scl_status scl_read_images(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    scl_arena arena = { 0 };
    list l = { .arena = &arena };
    const char *folder = scl_split_path(spec, split);
    scl_status status = SCL_OK;
    if (!scl_is_folder(folder))
        status = scl_fail(err, SCL_FAILED, "'%s' is not a folder of pictures", folder);
    if (status == SCL_OK)
        status = walk(&l, folder, 0, err);
    if (status == SCL_OK && !l.count)
        status = scl_fail(err, SCL_FAILED, "folder '%s' holds no picture (.png, .jpg, .jpeg, .bmp)", folder);
    if (status == SCL_OK) {
        make_unique(&l);
        keep_split(&l, spec, split);
        if (l.count)
            status = take_all(d, spec, &l, err);
        d->count = l.count;
    }
    scl_arena_free(&arena);
    return status;
}

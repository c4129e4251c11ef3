/* Files are seen whole or not at all: also when the disk is full, and when the process dies in the middle of a write. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/progress.h"
#include "failures.h"

#define EXPECT(condition) CHECK(condition, "%s", #condition)

static char folder[] = "/tmp/scl-file-XXXXXX", path[64];

static int holds(const char *wanted)
{
    char *bytes;
    size_t count;
    scl_err err = { 0 };
    const int same = scl_file_read(path, &bytes, &count, &err) == SCL_OK && count == strlen(wanted) &&
                     !strcmp(bytes, wanted);
    free(bytes);
    scl_err_clear(&err);
    return same;
}

static int temporaries(int remove_them)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".tmp-"))
            continue;
        n++;
        char name[400];
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (remove_them)
            unlink(name);
    }
    closedir(dir);
    return n;
}

/* Writes four files of a kind in a child; returns how it ended. */
static int child_writes(const char *fault)
{
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("SCL_FAULT", fault, 1);
        for (int i = 1; i <= 4; i++) {
            char text[16];
            snprintf(text, sizeof text, "write %d", i);
            if (scl_file_write(path, text, strlen(text), "checkpoint", NULL) != SCL_OK)
                _exit(9);
        }
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

static void test_faults(void)
{
    int status = child_writes("checkpoint:3");
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXPECT(holds("write 2"));
    EXPECT(temporaries(1) == 1);      /* it died in the middle, not before or after */
    status = child_writes("checkpoint:5");
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0 && holds("write 4"));
    status = child_writes("picture:1");
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(temporaries(0) == 0);
}

/* A limit on the size of files fails like a full disk. */
static void test_full(void)
{
    EXPECT(scl_file_write(path, "old", 3, NULL, NULL) == SCL_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        static char large[1 << 20];
        const struct rlimit limit = { 300000, 300000 };
        scl_err err = { 0 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        const scl_status status = scl_file_write(path, large, sizeof large, NULL, &err);
        _exit(status == SCL_FAILED && strstr(err.message, "no space left") && strstr(err.message, "unchanged") ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(holds("old"));
    EXPECT(temporaries(0) == 0);
}

static void test_parts(void)
{
    enum { LARGE = 700001 };
    char *text = malloc(LARGE + 1), hex[65];
    scl_file_writer w;
    scl_err err = { 0 };
    for (int i = 0; i < LARGE; i++)
        text[i] = (char)('a' + i % 23);
    text[LARGE] = 0;
    EXPECT(scl_file_create(&w, path, NULL, &err) == SCL_OK);
    EXPECT(scl_file_append(&w, "????????", 8, &err) == SCL_OK);
    EXPECT(scl_file_append(&w, text + 8, LARGE - 8, &err) == SCL_OK);
    EXPECT(holds("old"));             /* nobody sees it yet */
    EXPECT(scl_file_patch(&w, 0, text, 8, &err) == SCL_OK);
    EXPECT(scl_file_commit(&w, &err) == SCL_OK);
    EXPECT(holds(text));
    EXPECT(scl_file_create(&w, path, NULL, &err) == SCL_OK);
    EXPECT(scl_file_append(&w, "x", 1, &err) == SCL_OK);
    scl_file_abandon(&w);
    scl_file_abandon(&w);
    EXPECT(holds(text) && temporaries(0) == 0);
    free(text);
    EXPECT(scl_file_create(&w, "/proc/none/x", NULL, &err) == SCL_FAILED && !strcmp(err.file, "/proc/none/x"));
    scl_err_clear(&err);
    scl_sha256_of("abc", 3, hex);
    EXPECT(!strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

static void test_folders(void)
{
    char deep[128], link[128], target[64];
    scl_err err = { 0 };
    snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    EXPECT(scl_file_make_folder(deep, &err) == SCL_OK && scl_file_exists(deep));
    EXPECT(scl_file_make_folder(deep, &err) == SCL_OK);
    snprintf(deep, sizeof deep, "%s/x", path);
    EXPECT(scl_file_make_folder(deep, &err) == SCL_FAILED);
    scl_err_clear(&err);
    EXPECT(scl_file_link("a", link, &err) == SCL_OK && scl_file_link("file", link, &err) == SCL_OK);
    const ssize_t n = readlink(link, target, sizeof target - 1);
    EXPECT(n == 4 && !memcmp(target, "file", 4));
}

/* A device or a pipe is no file that could be replaced, and a link stays a link. */
static void test_no_file(void)
{
    char link[96], text[8] = "";
    struct stat before, after;
    EXPECT(!stat("/dev/null", &before));
    snprintf(link, sizeof link, "%s/null", folder);
    EXPECT(!symlink("/dev/null", link));
    EXPECT(scl_file_write(link, "new", 3, NULL, NULL) == SCL_OK);
    EXPECT(!lstat(link, &after) && S_ISLNK(after.st_mode) && !unlink(link));
    EXPECT(!stat("/dev/null", &after) && S_ISCHR(after.st_mode) && after.st_ino == before.st_ino);
    EXPECT(!mkfifo(link, 0600));
    const int fd = open(link, O_RDWR);
    EXPECT(scl_file_write(link, "new", 3, NULL, NULL) == SCL_OK && read(fd, text, 3) == 3 && !strcmp(text, "new"));
    EXPECT(!lstat(link, &after) && S_ISFIFO(after.st_mode) && !unlink(link) && !close(fd));
    EXPECT(scl_file_write(path, "old", 3, NULL, NULL) == SCL_OK && !symlink(path, link));
    EXPECT(scl_file_write(link, "new", 3, NULL, NULL) == SCL_OK && holds("new"));
    EXPECT(!lstat(link, &after) && S_ISLNK(after.st_mode) && !unlink(link) && temporaries(0) == 0);
}

static void test_durations(void)
{
    static const struct { double seconds; const char *text; } cases[] = {
        { 0, "0.0 s" }, { 3.21, "3.2 s" }, { 59.4, "59 s" }, { 60, "1 min 0 s" }, { 250, "4 min 10 s" }, { 7500, "2 h 5 min" },
        { 200000, "2 d 7 h" },
    };
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scl_duration_text(cases[i].seconds, text, sizeof text);
        EXPECT(!strcmp(text, cases[i].text));
    }
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    test_faults();
    test_full();
    test_parts();
    test_folders();
    test_no_file();
    test_durations();
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    EXPECT(system(command) == 0);
    printf("%s: %d failures\n", failures ? "FAIL" : "pass", failures);
    return failures != 0;
}

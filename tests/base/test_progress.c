/* The line of progress, and CRC-32C by its published check values. */
#include <string.h>

#include "base/crc32c.h"
#include "base/progress.h"
#include "failures.h"

static const int64_t SECOND = 1000000000;

static void line_is(const scl_progress *p, double seconds, const char *expected)
{
    char line[384];
    scl_progress_text(p, p->start_ns + (int64_t)(seconds * (double)SECOND), line, sizeof line);
    CHECK(!strcmp(line, expected), "'%s' is not '%s'", line, expected);
}

static void shows_everything(void)
{
    scl_progress p;
    scl_progress_start(&p, "train", "step", 0, 200);
    line_is(&p, 0, "train: step 0/200 (0%)");
    scl_progress_update(&p, 50, "loss 131.200");
    line_is(&p, 10, "train: step 50/200 (25%), loss 131.200, 5.0 steps/s, 30 s left");
    p.memory_bytes = (size_t)764 << 20;
    scl_progress_update(&p, 60, NULL); /* the loss stays until there is a new one */
    line_is(&p, 120, "train: step 60/200 (30%), loss 131.200, 2.00 s/step, 764 MiB, 4 min 40 s left");
}

static void forgets_a_slow_start(void)
{
    scl_progress p;
    scl_progress_start(&p, "train", "step", 100, 1100);
    p.mark[0].ns = p.mark[1].ns = p.start_ns -= 100 * SECOND; /* the first step took 100 s */
    scl_progress_update(&p, 101, NULL);
    CHECK(p.mark[0].done == 100 && p.mark[1].done == 101, "%s",
          "p.mark[0].done == 100 && p.mark[1].done == 101");
    p.mark[1].ns -= 90 * SECOND; /* the next 100 steps 90 s */
    scl_progress_update(&p, 201, NULL);
    CHECK(p.mark[0].done == 101 && p.mark[1].done == 201, "%s",
          "p.mark[0].done == 101 && p.mark[1].done == 201");
    scl_progress_update(&p, 251, NULL);
    line_is(&p, (double)(p.mark[0].ns - p.start_ns) / 1e9 + 150,
            "train: step 251/1100 (23%), 1.0 steps/s, 14 min 9 s left");
}

static void sums(void)
{
    unsigned char zeros[32] = {0}, rising[32];
    for (int i = 0; i < 32; i++)
        rising[i] = (unsigned char)i;
    CHECK(scl_crc32c("123456789", 9) == 0xe3069283u, "%s", "of digits");
    CHECK(scl_crc32c(zeros, 32) == 0x8a9136aau, "%s", "scl_crc32c(zeros, 32) == 0x8a9136aau");
    CHECK(scl_crc32c(rising, 32) == 0x46dd794eu, "%s", "scl_crc32c(rising, 32) == 0x46dd794eu");
    CHECK(scl_crc32c("", 0) == 0, "%s", "of nothing");
}

int main(void)
{
    shows_everything();
    forgets_a_slow_start();
    sums();
    printf("%s: %d failures\n", failures ? "FAIL" : "pass", failures);
    return failures != 0;
}

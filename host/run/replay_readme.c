/* README.txt of a replay: a bug report for the people who write the driver, who have neither this program nor its sources. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/program.h"
#include "run/replay_json.h"
#include "run/verify.h"
#include "run/versions.h"

static void add_elements(FILE *f, const scl_replay *r, scl_arena *arena)
{
    scl_bits *bits = SCL_NEW_ARRAY(arena, scl_bits, r->n_check + 1);
    scl_replay_compare(r, r->got, bits);
    for (int i = 0; i < r->n_check; i++)
        if (bits[i].differ)
            fputs(scl_bits_text(&bits[i], arena), f);
}

static void add_bits(FILE *f, const scl_replay *r, scl_arena *arena)
{
    fprintf(f, "In a run %s gave other bits than the C definition of the operator, from the same memory:\n\n",
            r->schedule.n_launch == 1 ? "a kernel launch" : "a few kernel launches, one after the other,");
    add_elements(f, r, arena);
    fputs(r->reproduces
              ? "\nRun again alone, from the files of this folder, the device gives other bits, too: the same source,\n"
                "options, sizes and memory.\n"
              : "\nRun again alone, from the files of this folder, the device gave the expected bits. So this is what was\n"
                "found in the run, and no proof: a race, a missing dependency between launches, or a fault of the host's\n"
                "side are likelier than a wrong kernel.\n",
          f);
}

static void add_fault(FILE *f, const scl_replay *r, scl_arena *arena)
{
    switch (r->fault) {
    case SCL_REPLAY_BITS: add_bits(f, r, arena); break;
    case SCL_REPLAY_BUILD:
        fprintf(f, "%s%s\n",
                r->said ? "The device's compiler does not build kernel-0.cl:\n\n  "
                        : "This folder is written before a program is built, and removed behind it. That it is here says\n"
                          "that the process was ended while the device's compiler was at work on kernel-0.cl.",
                r->said ? r->said : "");
        break;
    case SCL_REPLAY_HANG:
        fprintf(f, "In a run this kernel launch did not end:\n\n  %s\n\n"
                   "Nothing can be read from a device that hangs: the buffers here are zeros, not the memory of the run, and\n"
                   "it was not tried whether the launch hangs with these, too. Source, options, sizes and the other arguments\n"
                   "are those of the run.\n",
                r->said);
        break;
    }
}

static void add_device(FILE *f, scl_backend *b, scl_arena *arena)
{
    const scl_device_info *d = &b->info;
    const char *platform, *extensions;
    scl_device_more(d->index, arena, &platform, &extensions);
    const char *const rows[][2] = { { "name", d->name },
                                    { "vendor", d->vendor },
                                    { "driver", d->driver },
                                    { "device version", d->version },
                                    { "platform", d->platform },
                                    { "platform version", platform },
                                    { "operating system", scl_system_text(arena) },
                                    { "extensions", extensions } };
    fputs("\nThe device\n\n", f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(f, "  %-17s %s\n", rows[i][0], rows[i][1][0] ? rows[i][1] : "none");
}

static void add_with(FILE *f, const scl_replay *r)
{
    static const char *const codes[] = {
        [SCL_REPLAY_BITS] = "0: the device gives the expected bits; 4: it does not, and the elements are named;\n"
                            "1: it does not build or run",
        [SCL_REPLAY_BUILD] = "0: the compiler takes the program; 1: it does not, with what it says. Where it crashes,\n"
                             "so does this",
        [SCL_REPLAY_HANG] = "0: the launch ends; 1: it has not ended within " SCL_VERIFY_LAUNCH_LIMIT
                            " s (SCL_LAUNCH_LIMIT in the environment:\n"
                            "other seconds)",
    };
    fprintf(f,
            "\nWith scorecl\n\n  scorecl verify --replay THIS-FOLDER --device \"part of a device's name\"\n\nExit code %s.\n\n"
            "scorecl is the program of ScoreCL, which trains score networks on OpenCL devices. This folder needs that one\n"
            "binary, of version %s or later, and nothing else: no config, data or network. In the folder of ScoreCL's\n"
            "sources (their README.md says what it needs; Debian's packages: tools/install-deps) one line builds it:\n\n"
            "  cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release && cmake --build build\n",
            codes[r->fault], SCL_VERSION);
}

static void add_buffer(FILE *f, const scl_replay *r, const scl_place *p, scl_arena *arena)
{
    const int i = scl_replay_block_of(r, p->offset);
    const size_t offset = p->offset - r->block[i].offset;
    fprintf(f, "global pointer: %zu bytes at byte %zu of %s\n", p->bytes, offset, scl_replay_block_file(r, i, arena));
}

static void add_argument(FILE *f, const scl_replay *r, const scl_launch *l, int a, scl_arena *arena)
{
    const scl_launch_arg *arg = &l->arg[a];
    uint32_t bits;
    memcpy(&bits, &arg->f, sizeof bits);
    fprintf(f, "%-12s ", arg->name);
    switch (arg->kind) {
    case SCL_ARG_LOCAL: fprintf(f, "local pointer: %zu bytes, clSetKernelArg with NULL\n", arg->bytes); break;
    case SCL_ARG_I32: fprintf(f, "int %d\n", arg->i); break;
    case SCL_ARG_U32: fprintf(f, "uint %u\n", arg->u); break;
    case SCL_ARG_F32: fprintf(f, "float of the bits 0x%08x (%.9g)\n", bits, (double)arg->f); break;
    default:
        if (l->place[a].in == SCL_PLACE_SLAB)
            add_buffer(f, r, &l->place[a], arena);
        else
            fputs("global pointer: NULL\n", f);
    }
}

/* In the order of the kernel's parameters; where its source does not tell it (macros), by name. */
static void add_arguments(FILE *f, const scl_replay *r, const scl_launch *l, scl_arena *arena)
{
    char names[SCL_MAX_PARAMETERS][64], address[SCL_MAX_PARAMETERS];
    const int n = scl_source_parameters(l->source, l->kernel, names, address);
    fprintf(f, "  arguments%s:\n", n == l->n_arg ? "" : ", to be matched by the names of the kernel's parameters");
    for (int i = 0; i < l->n_arg; i++) {
        int a = i;
        for (int k = 0; k < l->n_arg && n == l->n_arg; k++)
            a = strcmp(l->arg[k].name, names[i]) ? a : k;
        fprintf(f, "    %2d  ", i);
        add_argument(f, r, l, a, arena);
    }
}

static void add_without(FILE *f, const scl_replay *r, scl_arena *arena)
{
    fputs("\nWithout scorecl\n\nkernel-K.cl is the whole source of a program in OpenCL C 1.2, for clCreateProgramWithSource;\n"
          "its #line directives say where lines come from, and may go.\n",
          f);
    if (r->fault != SCL_REPLAY_BUILD)
        fputs("buffer-I-NAME.before.bin are the bytes of a buffer before the first launch, little-endian: one clCreateBuffer\n"
              "and clEnqueueWriteBuffer each. An argument that is a part of one is a clCreateSubBuffer of it: arguments of\n"
              "one file may share memory.\n",
              f);
    for (int k = 0; k < r->schedule.n_launch; k++) {
        const scl_launch *l = &r->schedule.launch[k];
        fprintf(f, "\n  kernel-%d.cl, clBuildProgram with the options\n    %s\n", k, r->options[k]);
        if (r->fault == SCL_REPLAY_BUILD)
            continue;
        const size_t *g = l->grid.global, *w = l->grid.local;
        fprintf(f, "  clEnqueueNDRangeKernel of kernel %s, global size %zu %zu %zu, local size %zu %zu %zu\n", l->kernel, g[0],
                g[1], g[2], w[0], w[1], w[2]);
        add_arguments(f, r, l, arena);
    }
    for (int i = 0; i < r->n_check; i++) {
        const scl_replay_check *c = &r->check[i];
        const int block = scl_replay_block_of(r, c->offset);
        fprintf(f, "%s  %s, %zu bytes at byte %zu of %s:\n    behind the launches it should be %s, in the run it was %s\n",
                i ? "" : "\n", scl_dtype_name(c->dtype), scl_replay_check_bytes(c), c->offset - r->block[block].offset,
                scl_replay_block_file(r, block, arena), scl_replay_check_file(r, i, "expected", arena),
                scl_replay_check_file(r, i, "got", arena));
    }
    fputs("\nreplay.json has all of this for machines.\n", f);
}

char *scl_replay_readme(const scl_replay *r, scl_backend *b, const char *kernels, size_t *size)
{
    char *text = NULL;
    scl_arena arena = { 0 };
    FILE *f = open_memstream(&text, size);
    if (f) {
        fprintf(f, "A fault of an OpenCL device or its driver, as ScoreCL %s found it (kernel sources: sha256 %s).\n\n",
                SCL_VERSION, kernels);
        add_fault(f, r, &arena);
        add_device(f, b, &arena);
        add_with(f, r);
        add_without(f, r, &arena);
        fclose(f);
    }
    scl_arena_free(&arena);
    return text;
}

#include "run/graphviz.h"

#include <string.h>

#include "base/filter.h"

const char *scl_stages_dot(const scl_config *config, scl_arena *arena)
{
    static const char *const colours[] = {[SCL_STAGE_TRAIN] = "#fdd49e",
                                          [SCL_STAGE_SAMPLE] = "#c7e9c0",
                                          [SCL_STAGE_EVALUATE] = "#c6dbef",
                                          [SCL_STAGE_LIKELIHOOD] = "#dadaeb",
                                          [SCL_STAGE_PLOT] = "#eeeeee"};
    const char *text = "digraph stages {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", "
                       "fontname=\"sans-serif\"];\n";
    for (int i = 0; i < config->n_stage; i++) {
        const scl_stage_config *s = &config->stage[config->order[i]];
        text = scl_arena_printf(
            arena, "%s  \"%s\" [label=\"%s (%s)\", fillcolor=\"%s\", tooltip=\"device %s\"];\n", text,
            s->name, s->name, scl_config_choice("stage.kind", (int)s->kind), colours[s->kind], s->device);
        for (int k = 0; k < s->n_needs; k++)
            text = scl_arena_printf(arena, "%s  \"%s\" -> \"%s\";\n", text, s->needs[k], s->name);
    }
    return scl_arena_printf(arena, "%s}\n", text);
}

scl_status scl_graphviz_svg(const char *dot, char **svg, scl_arena *arena, scl_err *err)
{
    static const char *const argv[] = {"dot", "-Tsvg", NULL};
    scl_filtered f;
    SCL_TRY(scl_filter(argv, dot, strlen(dot), &f, err));
    scl_status status = SCL_OK;
    if (f.code == 127)
        status = scl_fail(err, SCL_FAILED,
                          "an SVG picture is drawn by Graphviz's program dot, which is not installed (apt "
                          "install graphviz); "
                          "--format dot does without it");
    else if (f.code || !f.n)
        status = scl_fail(err, SCL_FAILED, "Graphviz's program dot failed with exit code %d: %.*s", f.code,
                          (int)strcspn(f.errors, "\n"), f.errors);
    else
        *svg = scl_arena_strdup(arena, f.output);
    scl_filtered_free(&f);
    return status;
}

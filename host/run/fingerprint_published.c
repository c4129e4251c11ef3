/* tests/fingerprints.yaml: arithmetic, who agreed, and configs.NAME.weights|samples|densities|values.STAGE. */
#include <stdlib.h>
#include <string.h>

#include "config/tree.h"
#include "run/fingerprint.h"


struct scl_published { const scl_tree *root; };

scl_status scl_published_read(scl_published **out, scl_arena *arena, const char *text, const char *file, scl_err *err)
{
    scl_config_errors errors = { 0 };
    scl_faults faults = { .errors = &errors, .err = err, .arena = arena };
    const scl_tree *root = scl_tree_parse(text, strlen(text), file, &faults);
    const bool faulty = errors.n > 0 || !root;
    scl_config_errors_free(&errors);
    if (faulty)
        return scl_fail(err, SCL_FAILED, "%s: no checksums", file);
    const scl_tree *configs = root->kind == SCL_TREE_MAP ? scl_tree_get(root, "configs") : NULL;
    if (!configs || !scl_tree_get(root, "arithmetic"))
        return scl_fail_at(err, SCL_FAILED, file, 0, 0, "needs the keys arithmetic and configs");
    *out = SCL_NEW(arena, scl_published);
    (*out)->root = root;
    return SCL_OK;
}

static const scl_tree *inside(const scl_tree *map, const char *key)
{
    return map && map->kind == SCL_TREE_MAP ? scl_tree_get(map, key) : NULL;
}

int scl_published_arithmetic(const scl_published *p)
{
    const scl_tree *node = inside(p->root, "arithmetic");
    return node && node->kind == SCL_TREE_SCALAR ? atoi(node->text) : 0;
}

const char *scl_published_find(const scl_published *p, const char *config, const char *what, const char *of)
{
    const scl_tree *node = inside(inside(inside(inside(p->root, "configs"), config), what), of);
    return node && node->kind == SCL_TREE_SCALAR ? node->text : NULL;
}

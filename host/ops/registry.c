/* The registry: every family of ops.def. */
#include <string.h>

#include "graph/op.h"

#define OP(family) extern scl_family scl_family_##family;
#include "ops/ops.def"
#undef OP

static const scl_op *const *const families[] = {
#define OP(family) scl_family_##family,
#include "ops/ops.def"
#undef OP
};

const scl_op *scl_op_at(int i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const scl_op *const *op = families[f]; *op; op++)
            if (i-- == 0)
                return *op;
    return NULL;
}

const scl_op *scl_op_find(const char *name)
{
    const scl_op *op;
    for (int i = 0; (op = scl_op_at(i)); i++)
        if (!strcmp(op->name, name))
            return op;
    return NULL;
}

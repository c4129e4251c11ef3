#include "model/level.h"

const char *scl_quantity_name(scl_quantity what)
{
    static const char *const names[SCL_QUANTITIES] = { "sigma", "inv_sigma", "alpha", "inv_alpha", "log_ratio", "weight" };
    return names[what];
}

scl_status scl_level_get(scl_graph *g, scl_value **out, const scl_level *level, int levels, scl_quantity what, scl_err *err)
{
    scl_value *table;
    *out = level->given[what];
    if (*out)
        return SCL_OK;
    SCL_TRY(scl_value_get(g, &table, SCL_CONST, scl_quantity_name(what), SCL_F32, SCL_DIMS(levels), err));
    return SCL_APPLY(g, out, err, "lookup", SCL_IN("table", table), SCL_IN("label", level->label));
}
